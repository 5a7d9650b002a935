package center

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// takeAtOnce is how many messages a subscription takes from its ring, and at
// least from the journal, at a time.
const takeAtOnce = 64

// The errors of subscriptions and traces that carry nothing.
var (
	// ErrClosed: the center or the subscription is closed.
	ErrClosed = errors.New("center: closed")
	// ErrAhead: the journal does not reach to the sequence to resume after.
	ErrAhead = errors.New("center: the journal does not reach that far")
	// ErrUnknownTenant: there is no such tenant.
	ErrUnknownTenant = errors.New("center: unknown tenant")
)

// Refused says that a stream can't go on for now, such as when the center is
// not available.
type Refused struct {
	Err *usherv1.EventError
}

// Error is the refusal's sentence.
func (e *Refused) Error() string { return "center: " + e.Err.Description }

// SlowReader says that a reader was too slow and was cut off.
type SlowReader struct {
	Resume uint64 // subscribe after this sequence to go on
}

// Error says where to go on.
func (e *SlowReader) Error() string {
	return fmt.Sprintf("center: the reader was too slow and was cut off; resume after sequence %d", e.Resume)
}

// CursorExpired says that the journal no longer reaches back to where a stream
// was to resume.
type CursorExpired struct {
	Oldest uint64 // the first sequence that can be read
	// Present is the present state to begin with, of an agent, a media server,
	// a router or an external service. Subscribe again after its
	// SequenceReached. It is nil for reporting engines: they find in the
	// history what the journal has no more.
	Present *usherv1.EventPresentState
}

// Error says how far the journal reaches back.
func (e *CursorExpired) Error() string {
	return fmt.Sprintf("center: the oldest sequence that can be read is %d", e.Oldest)
}

// Message is one message for one recipient.
type Message struct {
	// Sequence is its number in the journal; 0 for one that is not recorded, such
	// as EventTyping: it comes to those who read when it is told, not after a
	// resume, and not if the reader is too slow.
	Sequence uint64
	// Event is the encoded usherv1.Event, as it stands in the journal if it is
	// recorded. It is shared by all recipients: don't change it.
	Event []byte
	// Show is to be appended to Event: the encoded field interactions, with
	// the present properties as the recipient may see them. Mostly nil.
	Show []byte
}

// delivery is a message on its way to one recipient.
type delivery struct {
	to recipient
	queued
}

// deliveries appends the messages that a stored record has for the streams of
// those who are wanted.
func (r *storedRecord) deliveries(to []delivery, wanted func(engine.Participant) bool) []delivery {
	for n := range r.entries {
		e := &r.entries[n]
		var m queued
		for _, who := range e.to {
			if !wanted(who) || !streamed(who, e.to[0], r.immediate(e)) {
				continue
			}
			if m.Event == nil { // a copy, so as not to hold the whole batch
				m = queued{Message{Sequence: r.sequence(n), Event: slices.Clone(e.event)}, peek(e.event).shows()}
			}
			to = append(to, delivery{recipient{r.tenant, who}, m})
		}
	}
	return to
}

// streamed tells whether a message goes to the stream of a recipient. The
// immediate answer to a request does only for agents, who may have several
// applications. The built-in router looks at the engine instead.
func streamed(who, asker engine.Participant, immediate bool) bool {
	if who == engine.BuiltinRouter {
		return false
	}
	return !immediate || who != asker || who.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT
}

// Subscription is a recipient's stream of messages, for one reader: only Close
// may be called from another goroutine.
type Subscription struct {
	center *Center
	to     recipient
	ring   *ring

	scanned uint64   // the journal was read up to here
	joined  bool     // the rest comes from the ring
	next    position // in the ring, once joined
	ready   []queued // taken and not yet returned
	buffer  []queued // what ready lies in
	after   uint64   // everything up to here was returned, or is not for this recipient
	failed  error    // how it ended

	closing sync.Once
	closed  chan struct{}
}

// Subscribe opens the stream of the messages for p after a sequence of the
// journal, without gap or duplicate: of those from now on if after is nil, from
// the beginning of the journal if it is 0. Reporting engines subscribe as
// engine.Report. Subscribe before the Connect, so that nothing falls between.
//
// It fails with a *CursorExpired, ErrAhead, ErrUnknownTenant, ErrClosed, or
// *Refused while the center has no journal.
func (c *Center) Subscribe(tenant string, p engine.Participant, after *uint64) (*Subscription, error) {
	if c.isClosed() {
		return nil, ErrClosed
	}
	if !c.view.Load().hasTenant(tenant) {
		return nil, ErrUnknownTenant
	}
	s := &Subscription{center: c, to: recipient{tenant, p}, closed: make(chan struct{})}
	ring, released := c.rings.open(s.to, c.clock.Elapsed())
	s.ring = ring
	start := released
	if after != nil {
		start = *after
	}
	err := s.start(start, released)
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Subscription) start(after, released uint64) error {
	s.after, s.scanned = after, after
	if after > released {
		return ErrAhead
	}
	if s.join() {
		return nil
	}
	oldest, err := s.center.o.Journal.Oldest(s.center.ctx)
	if err != nil {
		return fmt.Errorf("subscribe after sequence %d: %w", after, err)
	}
	if after+1 < uint64(oldest) {
		return s.expired(s.center.ctx, uint64(oldest))
	}
	return nil
}

// join goes over from the journal to the ring, if the ring has all that was not
// read yet.
func (s *Subscription) join() bool {
	s.next, s.joined = s.ring.join(s.scanned)
	return s.joined
}

func (s *Subscription) expired(ctx context.Context, oldest uint64) error {
	if s.to.who == engine.Report {
		return &CursorExpired{Oldest: oldest}
	}
	present, err := s.center.Present(ctx, s.to.tenant, s.to.who)
	if err != nil {
		return err
	}
	return &CursorExpired{Oldest: oldest, Present: present}
}

// Next waits for the next message. It fails with the error of ctx, after which
// it may be called again; with a *SlowReader when the reader fell behind by
// more than the ring holds; with a *CursorExpired when the journal was trimmed
// meanwhile; with ErrClosed; with *Refused; or with the journal's error.
func (s *Subscription) Next(ctx context.Context) (Message, error) {
	for len(s.ready) == 0 {
		if s.failed != nil {
			return Message{}, s.failed
		}
		if err := s.fetch(ctx); err != nil {
			if ctx.Err() == nil {
				s.failed = err
			}
			return Message{}, err
		}
	}
	m := s.ready[0]
	if m.shows != nil && m.Show == nil {
		show, err := s.center.show(ctx, s.to, m.shows)
		if err != nil {
			return Message{}, err
		}
		m.Show = show
	}
	s.ready = s.ready[1:]
	if m.Sequence != 0 {
		s.after = m.Sequence
	}
	return m.Message, nil
}

// room is where the next messages are taken to. Nothing is ready then, so that
// the last room serves again; it grows with what comes, because many
// subscriptions hear little.
func (s *Subscription) room() []queued {
	if cap(s.buffer) == 0 || len(s.buffer) == cap(s.buffer) && cap(s.buffer) < takeAtOnce {
		s.buffer = make([]queued, 0, min(takeAtOnce, max(4, 2*cap(s.buffer))))
	}
	return s.buffer[:0]
}

// fetch gets messages ready, from the journal or from the ring, and waits if
// there are none.
func (s *Subscription) fetch(ctx context.Context) error {
	if !s.joined && !s.join() {
		return s.read(ctx)
	}
	taken, next, wake, ok := s.ring.take(s.next, s.room())
	if !ok {
		s.center.counts.slowReaders.Add(1)
		return &SlowReader{Resume: s.after}
	}
	s.next, s.buffer = next, taken
	if wake == nil {
		// What was read from the journal before it was released comes again.
		s.ready = slices.DeleteFunc(taken, func(m queued) bool { return m.Sequence != 0 && m.Sequence <= s.scanned })
		return nil
	}
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	case <-s.center.closed:
		return ErrClosed
	}
}

// read gets messages ready from the journal.
func (s *Subscription) read(ctx context.Context) error {
	select {
	case <-s.closed:
		return ErrClosed
	case <-s.center.closed:
		return ErrClosed
	default:
	}
	var found []delivery
	for b, err := range s.center.o.Journal.Read(ctx, journal.Sequence(s.scanned+1)) {
		var trimmed *journal.TrimmedError
		if errors.As(err, &trimmed) {
			return s.expired(ctx, uint64(trimmed.Oldest))
		}
		if err != nil {
			return fmt.Errorf("resume the stream after sequence %d: %w", s.scanned, err)
		}
		err = eachRecord(b.Payload, uint64(b.First), func(r *storedRecord) bool {
			if r.tenant == s.to.tenant {
				found = r.deliveries(found, func(who engine.Participant) bool { return who == s.to.who })
			}
			return true
		})
		if err != nil {
			return fmt.Errorf("resume the stream at sequence %d: %w", b.First, err)
		}
		for n := range found {
			if found[n].Sequence > s.scanned {
				s.ready = append(s.ready, found[n].queued)
			}
		}
		found, s.scanned = found[:0], uint64(b.Last())
		if len(s.ready) >= takeAtOnce {
			break
		}
	}
	if len(s.ready) == 0 {
		s.after = s.scanned
	}
	return nil
}

// Reached is the durable sequence up to which every message for the recipient
// has been returned by Next, for heartbeats.
func (s *Subscription) Reached() uint64 {
	released := s.center.rings.reached() // before the look at the ring
	if s.joined && len(s.ready) == 0 && s.ring.atEnd(s.next) {
		return max(released, s.after)
	}
	return s.after
}

// Close ends the subscription; a Next that waits returns ErrClosed.
func (s *Subscription) Close() {
	s.closing.Do(func() {
		s.center.rings.close(s.ring, s.center.clock.Elapsed())
		close(s.closed)
	})
}

// Present is the present state of a client. Subscribe after its SequenceReached
// to go on from it.
func (c *Center) Present(ctx context.Context, tenant string, who engine.Participant) (*usherv1.EventPresentState, error) {
	var present *usherv1.EventPresentState
	err := c.ask(ctx, tenant, func(w *writer) {
		present = w.tenants[tenant].engine.Present(who)
		present.SequenceReached = uint64(w.next - 1)
	})
	return present, err
}

// show asks the writer for the present properties of interactions, encoded as
// they are appended to an event. Those that are no more are left out.
func (c *Center) show(ctx context.Context, to recipient, ids []string) ([]byte, error) {
	var show []byte
	err := c.ask(ctx, to.tenant, func(w *writer) {
		show = []byte{}
		for _, id := range ids {
			if i := w.tenants[to.tenant].engine.Interaction(engine.InteractionID(id)); i != nil {
				show = appendShow(show, w.properties(to.tenant, i, to.who))
			}
		}
	})
	return show, err
}

// ask looks at the writer's state, and waits until what was seen is durable.
func (c *Center) ask(ctx context.Context, tenant string, look inspection) error {
	reply, err := c.Do(ctx, Request{Tenant: tenant, Body: look})
	switch {
	case err != nil:
		return err
	case c.isClosed():
		return ErrClosed
	case reply.Err != nil:
		return &Refused{reply.Err}
	}
	return nil
}

// appendShow appends a field interactions of Event.
func appendShow(to []byte, p *usherv1.InteractionProperties) []byte {
	to = protowire.AppendTag(to, fieldInteractions, protowire.BytesType)
	return protowire.AppendBytes(to, encode(p))
}
