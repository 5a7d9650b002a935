// Package projection is what people look at: the figures of queues, the states
// of agents as they change, and the log of who interfered with what. All of it
// are folds of the journal, held in memory and made anew at every start, and the
// present state read from the center; nothing here is recorded, and nothing is
// decided by it.
//
// It promises that a figure is a function of the journal: the same after a
// restart as before. It follows the journal outside of the writer, so that
// however many look, nobody waits for them; one who looks too slowly misses
// states in between, and never the last.
//
//	journal --Follow--> Statistics, AuditLog --+
//	center  --Rows-----------------------------+--> View --> Watch, Directory, History, AuditLog
package projection
