// Package media is the session media server: the Internet call manager of
// customers who ask for a session in a browser (telephony.md, "Session launch
// and progress"). For each tenant that has customers it is one more media
// server, with the id "sessions", and does nothing that another media server
// could not do.
//
// It promises that a session is a fold of what the center tells: it keeps
// nothing of its own, so that after a restart every session goes on where the
// journal says. A stream gives the lines of a conversation without gap or
// duplicate from any sequence on, and a reader who is too slow is cut off and
// holds nobody up. A session ends once, whoever ends it, and asking for its
// end again is answered in the same way. Who forges a token gets nothing: they
// are sealed with a key that only the server has. And what customers send is
// text, whatever it looks like.
//
//	customer --> edge --> media --> center ----------> journal
//	    ^                   |         | subscription
//	    +---- stream <--- session <---+
package media
