package client

import (
	"context"
	"iter"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

func protoString(s string) protoreflect.Value { return protoreflect.ValueOfString(s) }

// cursor is where a stream of events stands.
type cursor struct {
	after *uint64
}

// moved takes a message into account and tells whether it is for the reader.
func (c *cursor) moved(event *usherv1.Event) bool {
	if beat := event.GetEventHeartbeat(); beat != nil {
		c.reach(beat.GetSequenceReached())
		return false
	}
	if expired := event.GetEventCursorExpired(); expired != nil {
		c.set(expired.GetPresent().GetSequenceReached())
	}
	if event.GetSequence() != 0 {
		c.reach(event.GetSequence())
	}
	return true
}

func (c *cursor) set(sequence uint64) { c.after = &sequence }

func (c *cursor) reach(sequence uint64) {
	if c.after == nil || sequence > *c.after {
		c.set(sequence)
	}
}

// resumable looks at why a stream ended: after a break, or when the reader was
// too slow, it goes on; when the credential was refused once, with another.
// Everything else is for the caller.
func (c *Client) resumable(err error, at *cursor, credential string, attempt int) bool {
	switch refusal := wrap(err); CodeOf(refusal) {
	case usherv1.ErrorCode_ERROR_CODE_SLOW_READER:
		at.set(refusal.(*Error).Event.GetSequence())
		return true
	case usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED:
		return attempt <= 1 && c.credential.renew(credential)
	default:
		return passes(refusal)
	}
}

// opening opens a stream of messages after a sequence.
type opening[M any] func(ctx context.Context, after *uint64) (*connect.ServerStreamForClient[M], error)

// follow gives the messages of a stream and opens it again, where it broke off,
// whenever it breaks. moved takes a message into account and tells whether it is
// for the reader. It ends when the server ends the stream, when ctx ends, and,
// with an error, when going on makes no sense.
func follow[M any](ctx context.Context, c *Client, after *uint64, open opening[M], moved func(*cursor, *M) bool) iter.Seq2[*M, error] {
	return func(yield func(*M, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // the stream ends when the reader stops
		at := cursor{after}
		for attempt := 1; ; attempt++ {
			heard := false
			credential, more, err := read(ctx, c, &at, open, func(message *M) bool {
				heard = true
				return !moved(&at, message) || yield(message, nil)
			})
			if !more {
				return
			}
			if heard {
				attempt = 1
			}
			if ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			if !c.resumable(err, &at, credential, attempt) {
				yield(nil, wrap(err))
				return
			}
			if err := c.backOff(ctx, attempt); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// read reads one stream to its end; more is false if that was a good one.
func read[M any](ctx context.Context, c *Client, at *cursor, open opening[M], take func(*M) bool) (credential string, more bool, err error) {
	authorized, credential, err := c.authorized(ctx)
	if err != nil {
		return credential, true, err
	}
	stream, err := open(authorized, at.after)
	if err != nil {
		return credential, true, err
	}
	defer stream.Close()
	for stream.Receive() {
		if !take(stream.Msg()) {
			return credential, false, nil
		}
	}
	return credential, stream.Err() != nil, stream.Err()
}

// EventsOptions say which events.
type EventsOptions struct {
	// After is the sequence after which to begin; nil for now.
	After *uint64
	// Kind is an agent's kind of application: desktop (default), telephone or
	// supervisor.
	Kind string
}

// Events gives the client's events from a sequence on; heartbeats are kept
// back. A broken stream goes on where it broke off. The loop ends when the
// server closes this connection in favour of a newer one, or with an error.
//
// The open stream is the client's sign of life.
func (c *Client) Events(ctx context.Context, o EventsOptions) iter.Seq2[*usherv1.Event, error] {
	return follow(ctx, c, o.After, func(ctx context.Context, after *uint64) (*connect.ServerStreamForClient[usherv1.Event], error) {
		return c.im.Events(ctx, &usherv1.RequestEvents{AfterSequence: after, ConnectionKind: o.Kind})
	}, (*cursor).moved)
}

// Reports gives the reporting events of the tenant after a sequence: 0 for the
// beginning of the journal, nil for those from now on. A broken stream goes on
// where it broke off. When the journal no longer reaches back so far the error
// has the code CURSOR_EXPIRED and the sequence from which to go on.
func (c *Client) Reports(ctx context.Context, after *uint64) iter.Seq2[*usherv1.Event, error] {
	return follow(ctx, c, after, func(ctx context.Context, after *uint64) (*connect.ServerStreamForClient[usherv1.Event], error) {
		return c.rpt.ReportingEvents(ctx, &usherv1.RequestReportingEvents{AfterSequence: after})
	}, (*cursor).moved)
}

// Trace gives the sequence of messages of an interaction or of the tenant, as
// the request says.
func (c *Client) Trace(ctx context.Context, r *usherv1.RequestTrace) iter.Seq2[*usherv1.TraceLine, error] {
	return func(yield func(*usherv1.TraceLine, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		authorized, _, err := c.authorized(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		stream, err := c.rpt.Trace(authorized, r)
		if err != nil {
			yield(nil, wrap(err))
			return
		}
		defer stream.Close()
		for stream.Receive() {
			if !yield(stream.Msg(), nil) {
				return
			}
		}
		if err := stream.Err(); err != nil {
			yield(nil, wrap(err))
		}
	}
}
