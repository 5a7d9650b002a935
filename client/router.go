package client

import (
	"context"
	"sync"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Router runs strategies: it is asked where interactions go, and says so.
// Its requests and events share one stream. All methods may be called
// concurrently.
type Router struct{ s *session }

// Router registers the client as a router with these strategies loaded, and
// opens its stream.
func (c *Client) Router(ctx context.Context, name string, strategies ...string) (*Router, error) {
	ack, err := c.Register(ctx, &usherv1.RequestRegisterClient{
		ClientType: usherv1.ClientType_CLIENT_TYPE_ROUTER, Name: name, Strategies: strategies,
	})
	if err != nil {
		return nil, err
	}
	return &Router{c.openSession(ack.GetSequence())}, nil
}

// Close ends the stream: the server gives the router's interactions to
// another.
func (r *Router) Close() { r.s.close() }

// Serve calls route for every EventRouteRequest, each in a goroutine of its
// own, with a context that ends when the interaction is taken from the router.
// It returns when the router is closed, or ctx ends, after every route has
// returned.
func (r *Router) Serve(ctx context.Context, route func(ctx context.Context, request *usherv1.Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	routing := routes{of: map[string]*context.CancelFunc{}}
	for event, err := range r.s.events(ctx) {
		if err != nil {
			return err
		}
		id := event.GetInteractionId()
		switch {
		case event.GetEventRouteRequest() != nil:
			ctx, done := routing.begin(ctx, id)
			wait.Go(func() {
				defer done()
				route(ctx, event)
			})
		case event.GetEventAbandoned() != nil:
			routing.abandon(id)
		}
	}
	return nil
}

// routes are the interactions that are being routed.
type routes struct {
	mu sync.Mutex
	of map[string]*context.CancelFunc
}

// begin enters an interaction; done takes it out, unless it has come again
// meanwhile.
func (r *routes) begin(ctx context.Context, id string) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	this := &cancel
	r.mu.Lock()
	defer r.mu.Unlock()
	if former := r.of[id]; former != nil {
		(*former)()
	}
	r.of[id] = this
	return ctx, func() {
		cancel()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.of[id] == this {
			delete(r.of, id)
		}
	}
}

func (r *routes) abandon(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel := r.of[id]; cancel != nil {
		(*cancel)()
	}
}

// RouteCall says where an interaction goes, and answers with EventRouteUsed
// when the outcome is known.
func (r *Router) RouteCall(ctx context.Context, request *usherv1.RequestRouteCall) (*usherv1.Event, error) {
	return ask(ctx, r.s, request, func(m *usherv1.RequestRouteCall) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_RouteCall{RouteCall: m}}
	})
}

// RouteToAgent offers an interaction to an agent and tells how that ended.
func (r *Router) RouteToAgent(ctx context.Context, interaction, agent string) (usherv1.RouteOutcome, error) {
	used, err := r.RouteCall(ctx, &usherv1.RequestRouteCall{
		InteractionId: interaction,
		Target:        &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: agent}},
	})
	return used.GetEventRouteUsed().GetOutcome(), err
}

// RouteToQueue places an interaction in a queue.
func (r *Router) RouteToQueue(ctx context.Context, interaction, queue string) error {
	_, err := r.RouteCall(ctx, &usherv1.RequestRouteCall{
		InteractionId: interaction, Target: &usherv1.RequestRouteCall_Queue{Queue: queue},
	})
	return err
}

// PrivateService asks an external service about an interaction that the router
// has, and returns when it has answered or failed, or the time is up; both of
// the latter are a fault in the answer.
func (r *Router) PrivateService(ctx context.Context, request *usherv1.RequestPrivateService) (*usherv1.EventPrivateInfo, error) {
	event, err := ask(ctx, r.s, request, func(m *usherv1.RequestPrivateService) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_PrivateService{PrivateService: m}}
	})
	return event.GetEventPrivateInfo(), err
}

// UpdateUserData changes user data of an interaction that the router has.
func (r *Router) UpdateUserData(ctx context.Context, request *usherv1.RequestUpdateUserData) (*usherv1.Event, error) {
	return ask(ctx, r.s, request, func(m *usherv1.RequestUpdateUserData) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_UpdateUserData{UpdateUserData: m}}
	})
}
