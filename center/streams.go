package center

import (
	"context"
	"errors"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// The errors of subscriptions and traces that carry nothing.
var (
	// ErrClosed: the center or the subscription is closed.
	ErrClosed = errors.New("center: closed")
	// ErrAhead: the journal does not reach to the sequence to resume after.
	ErrAhead = errors.New("center: the journal does not reach that far")
	// ErrUnknownTenant: there is no such tenant.
	ErrUnknownTenant = errors.New("center: unknown tenant")
)

// SlowReader says that a reader was too slow and was cut off.
type SlowReader struct {
	Resume uint64 // subscribe after this sequence to go on
}

// Error says where to go on.
func (e *SlowReader) Error() string { return "" }

// CursorExpired says that the journal no longer reaches back to where a stream
// was to resume.
type CursorExpired struct {
	Oldest uint64 // the first sequence that can be read
	// Present is the message to send first: for an agent, a media server or a
	// router with its present state. Subscribe again after its
	// SequenceReached.
	Present *usherv1.EventCursorExpired
}

// Error says how far the journal reaches back.
func (e *CursorExpired) Error() string { return "" }

// Message is one message for one recipient.
type Message struct {
	// Sequence is its number in the journal.
	Sequence uint64
	// Event is the encoded usherv1.Event as it stands in the journal. It is
	// shared by all recipients: don't change it.
	Event []byte
	// Show is to be appended to Event: the encoded field interactions, with
	// the present properties as the recipient may see them. Mostly nil.
	Show []byte
}

// Subscription is a recipient's stream of messages, for one reader.
type Subscription struct{}

// Subscribe opens the stream of the messages for p after a sequence of the
// journal, without gap or duplicate: of those from now on if after is nil, from
// the beginning of the journal if it is 0. Reporting engines subscribe as
// engine.Report. Subscribe before the Connect, so that nothing falls between.
//
// It fails with a *CursorExpired, ErrAhead, ErrUnknownTenant or ErrClosed.
func (c *Center) Subscribe(tenant string, p engine.Participant, after *uint64) (*Subscription, error) {
	return nil, nil
}

// Next waits for the next message. It fails with the error of ctx, after which
// it may be called again; with a *SlowReader when the reader fell behind by
// more than the ring holds; with a *CursorExpired when the journal was trimmed
// meanwhile; with ErrClosed; or with the journal's error.
func (s *Subscription) Next(ctx context.Context) (Message, error) { return Message{}, nil }

// Reached is the durable sequence up to which every message for the recipient
// has been returned by Next, for heartbeats.
func (s *Subscription) Reached() uint64 { return 0 }

// Close ends the subscription; a Next that waits returns ErrClosed.
func (s *Subscription) Close() {}
