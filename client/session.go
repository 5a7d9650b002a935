package client

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"iter"
	"slices"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// queueMax is how many events a session keeps for its reader. If he falls
// behind by more, they are fetched again from the server when he comes for
// them.
const queueMax = 10_000

type bidi = connect.BidiStreamForClientSimple[usherv1.SessionRequest, usherv1.Event]

// errBehind reopens the stream because the reader has come for events that
// were not kept.
var errBehind = errors.New("usher: events are fetched again")

// session is requests and events on one stream, which is opened again whenever
// it breaks: the events go on where they broke off, and what was not answered
// is sent again with the same reference id.
type session struct {
	c      *Client
	cancel context.CancelFunc
	done   chan struct{} // closed when it has ended

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when unsent, queue or err change
	pending map[string]*call
	unsent  []*call
	next    uint64
	queue   []*usherv1.Event
	behind  bool // events were left out after those in the queue
	read    cursor
	reopen  context.CancelCauseFunc
	err     error
}

// call is a request under way.
type call struct {
	number  uint64
	request *usherv1.SessionRequest
	answer  chan *usherv1.Event
}

// openSession starts a session after a sequence.
func (c *Client) openSession(after uint64) *session {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{
		c: c, cancel: cancel, done: make(chan struct{}),
		changed: make(chan struct{}), pending: map[string]*call{}, read: cursor{&after},
	}
	go s.run(ctx)
	return s
}

// close ends the session; what is not answered fails.
func (s *session) close() {
	s.cancel()
	<-s.done
}

// signal wakes whoever waits for a change; the caller holds mu.
func (s *session) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// do sends a request and waits for its answer.
func (s *session) do(ctx context.Context, reference string, request *usherv1.SessionRequest) (*usherv1.Event, error) {
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return nil, s.err
	}
	s.next++
	this := &call{number: s.next, request: request, answer: make(chan *usherv1.Event, 1)}
	s.pending[reference] = this
	s.unsent = append(s.unsent, this)
	s.signal()
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		if s.pending[reference] == this {
			delete(s.pending, reference)
		}
		s.mu.Unlock()
	}()
	select {
	case event := <-this.answer:
		if refusal := event.GetEventError(); refusal != nil {
			return nil, &Error{Event: refusal}
		}
		return event, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		return nil, s.err
	}
}

// run keeps the stream open until the session is closed or going on makes no
// sense.
func (s *session) run(ctx context.Context) {
	defer close(s.done)
	at := s.read
	for attempt := 1; ; attempt++ {
		heard, credential, err := s.serve(ctx, &at)
		if heard {
			attempt = 1
		}
		if ctx.Err() != nil {
			s.fail(errClosed)
			return
		}
		if errors.Is(err, errBehind) {
			s.mu.Lock()
			at = s.read
			s.mu.Unlock()
			continue
		}
		if !s.c.resumable(err, &at, credential, attempt) {
			s.fail(wrap(err))
			return
		}
		if s.c.backOff(ctx, attempt) != nil {
			s.fail(errClosed)
			return
		}
	}
}

func (s *session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.signal()
}

// serve runs one stream until it ends.
func (s *session) serve(ctx context.Context, at *cursor) (heard bool, credential string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	authorized, credential, err := s.c.authorized(ctx)
	if err != nil {
		return false, credential, err
	}
	stream, err := s.c.im.Session(authorized)
	if err != nil {
		return false, credential, err
	}
	defer stream.CloseResponse()
	s.begin(cancel)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		s.send(ctx, stream, at.after)
	}()
	defer func() { cancel(nil); <-sent }()
	for {
		event, err := stream.Receive()
		if err != nil {
			if context.Cause(ctx) == errBehind {
				err = errBehind
			} else if errors.Is(err, io.EOF) {
				err = connect.NewError(connect.CodeUnavailable, err)
			}
			return heard, credential, err
		}
		heard = true
		if at.moved(event) {
			s.take(event)
		}
	}
}

// begin makes everything that is not answered be sent on the new stream, in
// the order in which it was asked.
func (s *session) begin(cancel context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reopen = cancel
	s.behind = false
	s.unsent = s.unsent[:0]
	for _, c := range s.pending {
		s.unsent = append(s.unsent, c)
	}
	slices.SortFunc(s.unsent, func(a, b *call) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
}

// send sends the opening and then what is unsent, until ctx ends.
func (s *session) send(ctx context.Context, stream *bidi, after *uint64) {
	defer stream.CloseRequest()
	opening := &usherv1.SessionRequest{Request: &usherv1.SessionRequest_Open{Open: &usherv1.RequestEvents{AfterSequence: after}}}
	if stream.Send(opening) != nil {
		return // the reader sees why
	}
	for {
		s.mu.Lock()
		unsent, changed := s.unsent, s.changed
		s.unsent = nil
		s.mu.Unlock()
		for _, c := range unsent {
			if stream.Send(c.request) != nil {
				return
			}
		}
		if len(unsent) != 0 {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// take gives an answer to whoever waits for it and keeps everything else for
// the reader of the events.
func (s *session) take(event *usherv1.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.pending[event.GetReferenceId()]; c != nil {
		delete(s.pending, event.GetReferenceId())
		c.answer <- event
		return
	}
	if s.behind || len(s.queue) >= queueMax {
		s.behind = true
		return
	}
	s.queue = append(s.queue, event)
	s.signal()
}

// events gives what was kept, and what comes.
func (s *session) events(ctx context.Context) iter.Seq2[*usherv1.Event, error] {
	return func(yield func(*usherv1.Event, error) bool) {
		for {
			event, changed, err := s.nextEvent()
			if err != nil {
				if !errors.Is(err, errClosed) {
					yield(nil, err)
				}
				return
			}
			if event != nil {
				if !yield(event, nil) {
					return
				}
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
	}
}

// nextEvent takes the next event; without one it gives the channel to wait on.
func (s *session) nextEvent() (*usherv1.Event, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) != 0 {
		event := s.queue[0]
		s.queue = s.queue[1:]
		s.read.moved(event)
		return event, nil, nil
	}
	if s.err != nil {
		return nil, nil, s.err
	}
	if s.behind {
		s.reopen(errBehind)
	}
	return nil, s.changed, nil
}

// ask sends a request on the session, with a reference id.
func ask[M proto.Message](ctx context.Context, s *session, request M, in func(M) *usherv1.SessionRequest) (*usherv1.Event, error) {
	request = proto.CloneOf(request)
	reference := setReferenceID(request)
	if reference == "" {
		reference = rand.Text()
	}
	return s.do(ctx, reference, in(request))
}

// ackOf is the EventAck of an answer, filled from its envelope.
func ackOf(event *usherv1.Event, err error) (*usherv1.EventAck, error) {
	if err != nil {
		return nil, err
	}
	return &usherv1.EventAck{
		Sequence: event.GetSequence(), TimeMs: event.GetTimeMs(),
		ReferenceId: event.GetReferenceId(), InteractionId: event.GetInteractionId(),
	}, nil
}
