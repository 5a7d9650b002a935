package serverdriver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/sim/scenario"
)

// deliveryTimeout is how long a message may be on its way before the
// scenario fails.
const deliveryTimeout = 20 * time.Second

// streams are a participant's open event streams, and what has come on them.
type streams struct {
	mu      sync.Mutex
	arrived *sync.Cond
	events  map[uint64]*usherv1.Event
	reached uint64
	open    []*openStream
}

type openStream struct {
	kind   string
	cancel context.CancelFunc
	ended  chan struct{}
}

func newStreams() *streams {
	s := &streams{events: map[uint64]*usherv1.Event{}}
	s.arrived = sync.NewCond(&s.mu)
	return s
}

// received is the receiving side of a stream.
type received interface {
	Receive() bool
	Msg() *usherv1.Event
	Err() error
	Close() error
}

// opener opens a participant's stream after a sequence, if there is one.
type opener func(ctx context.Context, after *uint64) (received, error)

func (d *Driver) opener(ctx context.Context, participant, kind string) (opener, error) {
	c, err := d.caller(ctx, participant)
	if err != nil {
		return nil, err
	}
	header := func(ctx context.Context) context.Context {
		ctx, info := connect.NewClientContext(ctx)
		info.RequestHeader().Set("Authorization", "Bearer "+c.key)
		return ctx
	}
	if participant == "report" {
		return func(ctx context.Context, after *uint64) (received, error) {
			return d.system.reporting().ReportingEvents(header(ctx), &usherv1.RequestReportingEvents{AfterSequence: after})
		}, nil
	}
	im := usherv1connect.NewInteractionManagementClient(client, c.url())
	return func(ctx context.Context, after *uint64) (received, error) {
		return im.Events(header(ctx), &usherv1.RequestEvents{AfterSequence: after, ConnectionKind: kind})
	}, nil
}

// connect opens a stream and waits for its first message, which says that
// the server has taken it in.
func (s *streams) connect(open opener, kind string, after *uint64) error {
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := open(ctx, after)
	if err == nil && !stream.Receive() {
		err = errors.Join(stream.Err(), errors.New("the stream ended at once"))
	}
	if err != nil {
		cancel()
		return connectionRefused(err)
	}
	o := &openStream{kind: kind, cancel: cancel, ended: make(chan struct{})}
	s.mu.Lock()
	s.open = append(s.open, o)
	s.mu.Unlock()
	s.take(stream.Msg())
	go s.read(stream, o)
	return nil
}

// connectionRefused finds the EventError of a stream that was refused.
func connectionRefused(err error) error {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return err
	}
	for _, d := range failed.Details() {
		if value, err := d.Value(); err == nil {
			if event, ok := value.(*usherv1.EventError); ok {
				return &scenario.Refusal{Event: &usherv1.Event{
					Protocol: usherv1.Protocol_PROTOCOL_IM, ReferenceId: event.ReferenceId, InteractionId: event.InteractionId,
					Message: &usherv1.Event_EventError{EventError: event},
				}}
			}
		}
	}
	return err
}

func (s *streams) read(stream received, o *openStream) {
	defer close(o.ended)
	for stream.Receive() {
		s.take(stream.Msg())
	}
	stream.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range s.open {
		if s.open[n] == o {
			s.open = append(s.open[:n], s.open[n+1:]...)
			break
		}
	}
	s.arrived.Broadcast()
}

func (s *streams) take(ev *usherv1.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if beat := ev.GetEventHeartbeat(); beat != nil {
		s.reached = max(s.reached, beat.SequenceReached)
		return
	}
	s.reached = max(s.reached, ev.Sequence)
	s.events[ev.Sequence] = ev
	s.arrived.Broadcast()
}

// delivered is the message with this sequence as it arrived; nil if no stream
// is open.
func (s *streams) delivered(sequence uint64) (*usherv1.Event, error) {
	late := time.AfterFunc(deliveryTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.arrived.Broadcast()
	})
	defer late.Stop()
	begun := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.events[sequence] == nil && len(s.open) > 0 {
		if time.Since(begun) >= deliveryTimeout {
			return nil, fmt.Errorf("message %d did not arrive", sequence)
		}
		s.arrived.Wait()
	}
	return s.events[sequence], nil
}

// kinds are those of the open streams.
func (s *streams) kinds() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kinds []string
	for _, o := range s.open {
		kinds = append(kinds, o.kind)
	}
	return kinds
}

// disconnect ends the streams of a kind, or all if it is empty, and says how
// many there were.
func (s *streams) disconnect(kind string) int {
	s.mu.Lock()
	var open []*openStream
	for _, o := range s.open {
		if kind == "" || o.kind == kind {
			open = append(open, o)
		}
	}
	s.mu.Unlock()
	for _, o := range open {
		o.cancel()
		<-o.ended
	}
	return len(open)
}
