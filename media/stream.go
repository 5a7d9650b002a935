package media

import (
	"context"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// stream is one open stream of a session, for one reader.
type stream struct {
	events chan *usherv1.SessionEvent
	over   chan struct{} // closed when the session has ended
	endAt  uint64        // the sequence of its end
	slow   chan struct{} // closed when there was no room
	isSlow bool
}

func newStream(waiting int) *stream {
	return &stream{events: make(chan *usherv1.SessionEvent, waiting), over: make(chan struct{}), slow: make(chan struct{})}
}

// missed stands in a stream for messages that may have been missed there: the
// reader finds their lines in the transcript.
var missed = &usherv1.SessionEvent{}

// put gives the stream a message, unless it has missed one before; the client's
// mu is held.
func (st *stream) put(ev *usherv1.SessionEvent, necessary bool) {
	if st.isSlow {
		return
	}
	select {
	case st.events <- ev:
	default:
		if necessary && !st.isSlow {
			st.isSlow = true
			close(st.slow)
		}
	}
}

// end says that the session has ended; the client's mu is held.
func (st *stream) end(sequence uint64) {
	st.endAt = sequence
	close(st.over)
}

// reader passes a session on to one reader.
type reader struct {
	c       *client
	session string
	st      *stream
	send    func(*usherv1.SessionEvent) error
	sent    uint64 // everything up to here was sent
}

// Events streams a session after a sequence, without gap or duplicate, until it
// has ended, ctx ends or send fails. The stream begins with the progress; that
// of a session that has ended follows its lines, and is the last message. The
// refusals are UnknownInteraction, InvalidArgument, TooManyRequests, SlowReader
// and Unavailable.
func (s *Server) Events(ctx context.Context, tenant, session string, after uint64, send func(*usherv1.SessionEvent) error) error {
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return err
	}
	if after > s.center.Status().Durable {
		return refuse(errInvalid, "after_sequence: the journal does not reach that far")
	}
	r := &reader{c: c, session: session, send: send, sent: after}
	first, err := r.attach(ctx)
	if err != nil {
		return err
	}
	if r.st == nil {
		return r.finish(ctx, 0)
	}
	defer r.detach()
	if err := send(first); err != nil {
		return err
	}
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	return r.run(ctx)
}

// attach joins the streams of the session and gives its progress; there is no
// stream if it has ended. Who comes back too late is not told first that the
// session goes on.
func (r *reader) attach(ctx context.Context) (*usherv1.SessionEvent, error) {
	for {
		first, leaving, err := r.join()
		if leaving == nil {
			return first, err
		}
		select {
		case <-leaving:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-r.c.s.ctx.Done():
			return nil, errClosing
		}
	}
}

// join is attach, unless the session is being ended for its lost customer: then
// it gives what is closed afterwards.
func (r *reader) join() (first *usherv1.SessionEvent, leaving <-chan struct{}, err error) {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	se := c.sessions[r.session]
	switch {
	case se == nil:
		return nil, nil, nil
	case se.leaving != nil:
		return nil, se.leaving, nil
	}
	if len(se.streams) >= c.s.limits.StreamsEach {
		return nil, nil, refuse(errTooMany, "the session has %d streams open; close one", len(se.streams))
	}
	r.st = newStream(c.s.limits.Waiting)
	se.streams[r.st] = true
	if se.lost != nil {
		se.lost.Stop()
		se.lost = nil
	}
	se.stale = true
	se.askPlace()
	return &usherv1.SessionEvent{
		TimeMs: c.s.now().UnixMilli(), Message: &usherv1.SessionEvent_Progress{Progress: se.progress()},
	}, nil, nil
}

// detach leaves the streams of the session. When the last has left the
// customer's time begins to come back.
func (r *reader) detach() {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	se := c.sessions[r.session]
	if se == nil || !se.streams[r.st] {
		return
	}
	delete(se.streams, r.st)
	if len(se.streams) == 0 && c.s.ctx.Err() == nil {
		se.wait(c.grace())
	}
}

// run passes on what happens.
func (r *reader) run(ctx context.Context) error {
	limits := r.c.s.limits
	silence := time.NewTimer(limits.Heartbeat)
	defer silence.Stop()
	for {
		var err error
		select {
		case ev := <-r.st.events:
			err = r.take(ctx, ev)
		case <-r.st.over:
			return r.finish(ctx, r.st.endAt)
		case <-r.st.slow:
			refusal := refuse(errSlowReader, "the reader was too slow; resume after sequence %d", r.sent)
			refusal.Err.Sequence = r.sent
			return refusal
		case <-silence.C:
			err = r.send(&usherv1.SessionEvent{
				Sequence: r.sent, TimeMs: r.c.s.now().UnixMilli(),
				Message: &usherv1.SessionEvent_Heartbeat{Heartbeat: &usherv1.EventSessionHeartbeat{}},
			})
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.c.s.ctx.Done():
			return errClosing
		}
		if err != nil {
			return err
		}
		silence.Reset(limits.Heartbeat)
	}
}

// take takes a message from the stream.
func (r *reader) take(ctx context.Context, ev *usherv1.SessionEvent) error {
	if ev == missed {
		return r.catchUp(ctx)
	}
	return r.pass(ev)
}

// pass sends a message, unless it is a line that was sent before. Progress may
// have waited while later lines were sent: sequences never go back.
func (r *reader) pass(ev *usherv1.SessionEvent) error {
	switch {
	case ev.GetLine() != nil && ev.GetSequence() <= r.sent:
		return nil
	case ev.GetSequence() != 0 && ev.GetSequence() < r.sent: // it is others' as well
		ev = &usherv1.SessionEvent{Sequence: r.sent, TimeMs: ev.GetTimeMs(), Message: ev.Message}
	}
	if err := r.send(ev); err != nil {
		return err
	}
	r.sent = max(r.sent, ev.GetSequence())
	return nil
}

// catchUp sends the lines after what was sent, from the transcript. Whatever
// is decided after it was read comes by the stream, which was attached before.
func (r *reader) catchUp(ctx context.Context) error {
	return r.c.conversation(r.session, Principal).each(ctx, r.sent, func(line *usherv1.TranscriptLine) error {
		return r.pass(lineEvent(r.session, line.GetSequence(), line.GetTimeMs(), line.GetAdded()))
	})
}

// finish sends what a session that has ended still has to say. What waits in
// the stream is in the transcript, too.
func (r *reader) finish(ctx context.Context, sequence uint64) error {
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	stopped, err := r.c.s.center.Stopped(ctx, r.c.tenant, r.session)
	if err != nil {
		return err
	}
	return r.send(&usherv1.SessionEvent{
		Sequence: max(r.sent, sequence), TimeMs: r.c.s.now().UnixMilli(),
		Message: &usherv1.SessionEvent_Progress{Progress: &usherv1.EventSessionProgress{
			State: usherv1.SessionState_SESSION_STATE_ENDED, Reason: reasonOf(stopped),
		}},
	})
}
