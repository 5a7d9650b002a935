package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

// TrafficTenant is the tenant that is kept busy.
const TrafficTenant = "demo"

// tick is how often the server's clock follows the real one.
const tick = 50 * time.Millisecond

// explainEvery is how often it is asked why somebody still waits, and
// explainAfter how long he must have waited.
const (
	explainEvery = 10 * time.Second
	explainAfter = 3 * time.Second
)

var (
	customers = []string{"Mia", "Noah", "Lea", "Omar", "Zoe", "Finn"}
	subjects  = map[string][]string{
		billingNumber: {"an invoice", "a reminder", "a password"},
		shopNumber:    {"a parcel", "a cancelled order", "an offer"},
	}
)

// Traffic keeps the small contact centre busy until ctx ends; w is shown every
// arrow, and from time to time why somebody still waits.
func (d *Demo) Traffic(ctx context.Context, w Watcher) error {
	c, err := d.newCentre(ctx, TrafficTenant)
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	shown := &inTurn{Watcher: w}
	all.Go(func() error { return d.follow(ctx) })
	all.Go(func() error {
		return c.trace(ctx, 0, func(_ context.Context, line *usherv1.TraceLine) error { return shown.Arrow(line) })
	})
	all.Go(func() error { return c.lookUps(ctx) })
	for _, id := range c.agents {
		all.Go(func() error { return c.work(ctx, id) })
	}
	all.Go(func() error { return c.customers(ctx, shown) })
	if err := all.Wait(); err != nil && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return err
	}
	return nil
}

// inTurn shows one thing after the other.
type inTurn struct {
	mu sync.Mutex
	Watcher
}

// Arrow implements Watcher.
func (s *inTurn) Arrow(line *usherv1.TraceLine) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Watcher.Arrow(line)
}

// Why implements Watcher.
func (s *inTurn) Why(why *usherv1.EventWhyWaiting) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Watcher.Why(why)
}

// lookUps answers what vectors ask.
func (c *centre) lookUps(ctx context.Context) error {
	crm, err := c.crm(ctx)
	if err != nil {
		return err
	}
	defer crm.Close()
	return crm.Serve(ctx, func(ctx context.Context, request *usherv1.Event) (*structpb.Struct, error) {
		pause(ctx, 100*time.Millisecond, time.Second)
		return lookUp(ctx, request)
	})
}

// customers come with their chats; some give up. And somebody at the website
// wants to know why they wait.
func (c *centre) customers(ctx context.Context, w Watcher) error {
	dialled, website, err := c.website(ctx)
	if err != nil {
		return err
	}
	defer website.Close()
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return c.explain(ctx, dialled, w) })
	for pause(ctx, time.Second, 3*time.Second) {
		number := billingNumber
		if rand.IntN(3) == 0 {
			number = shopNumber
		}
		about := subjects[number]
		ack, err := website.Submit(ctx, chat(number, customers[rand.IntN(len(customers))], about[rand.IntN(len(about))]))
		if err != nil {
			return fmt.Errorf("submit: %w", err)
		}
		all.Go(func() error {
			if pause(ctx, 10*time.Second, 60*time.Second) {
				// He may be too late to give up; then it has ended already.
				_, _ = website.StopProcessing(ctx, &usherv1.RequestStopProcessing{InteractionId: ack.InteractionId, Reason: "Customer left"})
			}
			return nil
		})
	}
	return all.Wait()
}

// explain asks from time to time why the interaction still waits that waits
// longest.
func (c *centre) explain(ctx context.Context, website *client.Client, w Watcher) error {
	for pause(ctx, explainEvery, explainEvery+time.Second) {
		found, err := website.InteractionManagement().FindInteractions(ctx, &usherv1.RequestFindInteractions{
			Conditions: []*usherv1.Condition{{
				Property: "state", Comparison: usherv1.Comparison_COMPARISON_EQUAL, Value: structpb.NewStringValue("routing"),
			}},
			Order: []*usherv1.Order{{Property: "moved_to_queue_at_ms"}},
		})
		if err != nil {
			return fmt.Errorf("find who waits: %w", err)
		}
		for _, i := range found.GetInteractions() {
			why, err := c.why(ctx, i.GetInteractionId())
			if err != nil {
				return err
			}
			if len(why.GetPlaces()) == 0 { // an agent is being invited, or it has ended
				continue
			}
			if why.GetTimeMs()-why.GetWaitingSinceMs() < explainAfter.Milliseconds() {
				break
			}
			if err := w.Why(why); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// work is an agent who takes what he is offered, most of the time.
func (c *centre) work(ctx context.Context, id string) error {
	session, err := c.agent(ctx, id, autoIn, 0)
	if err != nil {
		return err
	}
	for ev, err := range session.Events(ctx) {
		if err != nil {
			return fmt.Errorf("agent %s: %w", id, err)
		}
		switch {
		case ev.GetEventInvite() != nil:
			go answer(ctx, session, ev)
		case ev.GetEventForcedAgentStateChange() != nil && ev.GetReason() != "AfterCallWork" && ev.GetReason() != "TimedACW":
			go comeBack(ctx, session)
		}
	}
	return nil
}

// comeBack is what an agent does after some seconds whose telephone rang for
// nothing: after RONA he is in AUX, else not ready.
func comeBack(ctx context.Context, session *client.AgentSession) {
	if pause(ctx, 3*time.Second, 6*time.Second) {
		_ = session.Ready(ctx, "chat")
		_ = session.SetAgentState(ctx, autoIn, 0)
	}
}

// answer accepts an invitation and handles it, or rejects it, or lets the
// time run out. What goes wrong lost a race, and the trace shows which.
func answer(ctx context.Context, session *client.AgentSession, ev *usherv1.Event) {
	invite := ev.GetEventInvite()
	switch rand.IntN(10) {
	case 0:
		return
	case 1:
		if pause(ctx, time.Second, 3*time.Second) {
			_ = session.Reject(ctx, invite.Ticket, "Busy")
		}
		return
	}
	if !pause(ctx, time.Second, 3*time.Second) || session.Accept(ctx, invite.Ticket) != nil {
		return
	}
	if !pause(ctx, 3*time.Second, 8*time.Second) {
		return
	}
	if rand.IntN(6) == 0 {
		_ = session.PlaceInQueue(ctx, ev.InteractionId, "__BACK__")
		return
	}
	_ = session.Stop(ctx, ev.InteractionId, "Answered")
}

// pause waits for some time; false if ctx ends before.
func pause(ctx context.Context, shortest, longest time.Duration) bool {
	timer := time.NewTimer(shortest + rand.N(longest-shortest))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
