// Package engine decides what the interaction server does. It promises to be
// a function: no clock, no randomness, no goroutine, no input or output, and
// no iteration over a map where the order could show. Time, sequence numbers
// and ids arrive with the input; the next deadline is reported.
//
// An Engine is the state of one tenant, so that nothing can pass from one
// tenant to another. Handle takes one request, Tick the deadlines that are
// due; both answer with the entries for the journal. Every entry is folded
// into the state at the moment it is made, by the same Fold that rebuilds the
// state from the journal, so that the live state and the journal can't
// differ.
//
//	request --> Handle --> a model (one file each) --> becomeX, closeInvitation
//	                                                        |
//	                                        emit: entry for the journal
//	                                                        |
//	                                        Fold: change of the state
//
// The states of an interaction (spec, "Life of an interaction"):
//
//	submit(media) -> QUEUED -> ROUTING (invited, still ROUTING) -> HANDLING -> stopped
//	submit(agent) -> HANDLING            pull -> HANDLING
//	place in queue or workbin from ROUTING or HANDLING -> QUEUED
//	leave by the last party, reject, timeouts -> QUEUED at the former location
//	stop from any state -> stopped
package engine
