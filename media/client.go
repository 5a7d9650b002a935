package media

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

const (
	// againAfter is the pause before a client tries again to hear the center.
	againAfter = time.Second
	// farewell is how long the end of a client waits for the center to hear
	// of it.
	farewell = 5 * time.Second
)

// client is the media server of one tenant.
type client struct {
	s      *Server
	tenant string
	begun  chan struct{} // closed when it hears for the first time
	begin  sync.Once
	wake   chan struct{} // somebody wants to know his place

	mu        sync.Mutex // the fields below, and all of the sessions
	sessions  map[string]*session
	callbacks map[string]customer // the live ones, whose they are
}

func newClient(s *Server, tenant string) *client {
	return &client{
		s: s, tenant: tenant, begun: make(chan struct{}), wake: make(chan struct{}, 1),
		sessions: map[string]*session{}, callbacks: map[string]customer{},
	}
}

// do has the center carry out a request.
func (c *client) do(ctx context.Context, protocol usherv1.Protocol, body any) (center.Reply, error) {
	reply, err := c.s.center.Do(ctx, center.Request{Tenant: c.tenant, From: Principal, Body: body, Protocol: protocol})
	if err == nil && reply.Err != nil {
		err = &center.Refused{Err: reply.Err}
	}
	return reply, err
}

// The protocols, in short.
const (
	im  = usherv1.Protocol_PROTOCOL_IM
	icm = usherv1.Protocol_PROTOCOL_ICM
)

// run hears the center until the server is shut down.
func (c *client) run() {
	ctx := c.s.ctx
	for ctx.Err() == nil {
		err := c.hear(ctx)
		if ctx.Err() != nil {
			return
		}
		c.s.log.Warn("the sessions of a tenant are taken up anew", "tenant", c.tenant, "error", err)
		select {
		case <-time.After(againAfter):
		case <-ctx.Done():
		}
	}
}

// hear registers, takes up the sessions that there are and hears what becomes
// of them, until that fails.
func (c *client) hear(ctx context.Context) error {
	register := &usherv1.RequestRegisterClient{
		ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER, Name: "sessions",
		Notify: []usherv1.Notify{
			usherv1.Notify_NOTIFY_PARTIES, usherv1.Notify_NOTIFY_TREATMENTS,
			usherv1.Notify_NOTIFY_PROGRESS,
		},
	}
	if _, err := c.do(ctx, im, register); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	connection := rand.Text()
	defer func() {
		// A Connect of unknown outcome may have happened. The end that Shutdown
		// brings is made up by the next start, from which the grace counts.
		if c.s.ctx.Err() == nil {
			c.disconnect(connection)
		}
	}()
	if _, err := c.do(ctx, im, engine.Connect{ConnectionID: connection}); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	present, err := c.s.center.Present(ctx, c.tenant, Principal)
	if err != nil {
		return fmt.Errorf("read the sessions: %w", err)
	}
	sub, err := c.s.center.Subscribe(c.tenant, Principal, &present.SequenceReached)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	defer sub.Close()
	offline := c.takeUp(present)
	c.s.running.Go(func() { c.online(ctx, offline) })
	c.begin.Do(func() { close(c.begun) })
	for {
		m, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		ev := &usherv1.Event{}
		if err := proto.Unmarshal(m.Event, ev); err != nil {
			return fmt.Errorf("decode the message %d: %w", m.Sequence, err)
		}
		c.take(ev)
	}
}

func (c *client) disconnect(connection string) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if _, err := c.do(ctx, im, engine.Disconnect{ConnectionID: connection}); err != nil {
		c.s.log.Debug("the end of the sessions' connection was not recorded", "tenant", c.tenant, "error", err)
	}
}

// takeUp makes the sessions what the present state says. Those that were
// submitted after it are left as they are. It gives those that count as lost.
func (c *client) takeUp(present *usherv1.EventPresentState) (offline []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	there := map[string]bool{}
	clear(c.callbacks)
	for _, p := range present.GetInteractions() {
		if !isSession(p) {
			c.callbacks[p.GetInteractionId()] = customerOf(p)
			continue
		}
		there[p.GetInteractionId()] = true
		if !p.GetIsOnline() {
			offline = append(offline, p.GetInteractionId())
		}
		se := c.sessions[p.GetInteractionId()]
		if se == nil {
			se = c.add(p.GetInteractionId(), customerOf(p))
		}
		se.born = max(se.born, 1)
		se.tell(missed, true) // of the time since the last subscription
		se.become(p)
	}
	for id, se := range c.sessions {
		if se.born != 0 && se.born <= present.GetSequenceReached() && !there[id] {
			c.end(se, present.GetSequenceReached())
		}
	}
	return offline
}

// online says of sessions that were taken for lost that they are there.
func (c *client) online(ctx context.Context, lost []string) {
	there := &structpb.Struct{Fields: map[string]*structpb.Value{"is_online": structpb.NewBoolValue(true)}}
	for _, id := range lost {
		_, err := c.do(ctx, im, &usherv1.RequestChangeProperties{InteractionId: id, Properties: there})
		if err != nil && !isGone(err) {
			c.s.log.Warn("a session is not shown as online", "tenant", c.tenant, "interaction_id", id, "error", err)
		}
	}
}

// isSession tells whether a customer waits behind an interaction: behind a
// callback nobody does.
func isSession(p *usherv1.InteractionProperties) bool {
	return strings.HasPrefix(p.GetInteractionId(), sessionPrefix)
}

// add makes a session, whose customer is waited for from now on; mu is held.
func (c *client) add(id string, who customer) *session {
	se := &session{c: c, id: id, customer: who, agents: map[string]string{}, alerting: map[string]bool{}, streams: map[*stream]bool{}}
	c.sessions[id] = se
	se.wait(c.grace())
	return se
}

func (c *client) grace() time.Duration {
	return time.Duration(c.s.center.CustomerGraceMs(c.tenant)) * time.Millisecond
}

// take takes one message into account.
func (c *client) take(ev *usherv1.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if se := c.sessions[ev.GetInteractionId()]; se != nil {
		se.take(ev)
	} else if ev.GetEventProcessingStopped() != nil {
		delete(c.callbacks, ev.GetInteractionId())
	}
}

// end ends a session for its customer; mu is held.
func (c *client) end(se *session, sequence uint64) {
	if se.over {
		return
	}
	se.over = true
	delete(c.sessions, se.id)
	if se.lost != nil {
		se.lost.Stop()
	}
	for st := range se.streams {
		st.end(sequence)
	}
}

// endNamed ends a session or callback by its id, if it is there.
func (c *client) endNamed(id string, sequence uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.callbacks, id)
	if se := c.sessions[id]; se != nil {
		c.end(se, sequence)
	}
}

// leave stops a session whose customer has gone.
func (c *client) leave(ctx context.Context, id, reference string) (center.Reply, error) {
	reply, err := c.do(ctx, icm, &usherv1.RequestStopProcessing{ReferenceId: reference, InteractionId: id, Reason: reasonCustomerLeft})
	if err == nil {
		c.endNamed(id, reply.Sequence)
	}
	return reply, err
}

// isGone tells whether a refusal says that the interaction is no more.
func isGone(err error) bool {
	var refused *center.Refused
	if !errors.As(err, &refused) {
		return false
	}
	code := refused.Err.GetCode()
	return code == errStopped || code == errUnknown
}
