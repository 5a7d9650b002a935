package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

// The tenant that is kept busy, and its agents' password.
const (
	TrafficTenant = "demo"
	Password      = "usher-demo"
)

// tick is how often the server's clock follows the real one.
const tick = 50 * time.Millisecond

var (
	customers = []string{"Mia", "Noah", "Lea", "Omar", "Zoe", "Finn"}
	subjects  = []string{"an invoice", "a parcel", "a password", "a cancelled flight"}
	agents    = []string{"ana", "ben", "cleo"}
)

func centre() *usherv1.Configuration {
	c := &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat"}, {Name: "mail", Offline: true, DeliveringTimeoutMs: 60_000}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "support"}},
		Queues: []*usherv1.Queue{
			{Name: "chats", Strategy: "longest-idle", AgentGroup: "support"},
			{Name: "mails", Strategy: "longest-idle", AgentGroup: "support"},
		},
		Options: &usherv1.Options{DeliveringTimeoutMs: new(int64(8_000))},
	}
	for _, id := range agents {
		c.Agents = append(c.Agents, &usherv1.Agent{
			AgentId: id, AgentGroups: []string{"support"}, Capacity: map[string]int32{"chat": 1, "mail": 2}, Password: Password,
		})
	}
	return c
}

// Traffic keeps two queues and three agents busy until ctx ends; show is
// given every arrow.
func (d *Demo) Traffic(ctx context.Context, show func(*usherv1.TraceLine) error) error {
	admin, err := client.Dial(d.URL(), client.WithAPIKey(d.key))
	if err != nil {
		return err
	}
	media, err := prepare(ctx, admin)
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return d.follow(ctx) })
	all.Go(func() error { return d.watch(ctx, admin, show) })
	for _, id := range agents {
		all.Go(func() error { return d.agent(ctx, id) })
	}
	all.Go(func() error { return d.customers(ctx, media) })
	if err := all.Wait(); err != nil && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return err
	}
	return nil
}

// prepare makes the tenant and a key for its media server.
func prepare(ctx context.Context, admin *client.Client) (key string, err error) {
	a := admin.Administration()
	if _, err := a.CreateTenant(ctx, &usherv1.CreateTenantRequest{TenantId: TrafficTenant}); err != nil {
		return "", err
	}
	apply := &usherv1.ApplyConfigurationRequest{TenantId: TrafficTenant, Configuration: centre()}
	if _, err := a.ApplyConfiguration(ctx, apply); err != nil {
		return "", err
	}
	made, err := a.CreateApiKey(ctx, &usherv1.CreateApiKeyRequest{TenantId: TrafficTenant, Name: "website", Role: usherv1.Role_ROLE_MEDIA})
	if err != nil {
		return "", err
	}
	return made.Key, nil
}

// follow lets the server's clock go with the real one.
func (d *Demo) follow(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			d.host.Clock().Advance(now.Sub(last))
			last = now
		}
	}
}

func (d *Demo) watch(ctx context.Context, admin *client.Client, show func(*usherv1.TraceLine) error) error {
	for line, err := range admin.Trace(ctx, &usherv1.RequestTrace{TenantId: TrafficTenant, Live: true}) {
		if err != nil {
			return err
		}
		if err := show(line); err != nil {
			return err
		}
	}
	return nil
}

// customers come with chats and mails; some give up.
func (d *Demo) customers(ctx context.Context, key string) error {
	dialled, err := client.Dial(d.URL(), client.WithAPIKey(key))
	if err != nil {
		return err
	}
	website, err := dialled.MediaServer(ctx, "the website")
	if err != nil {
		return err
	}
	defer website.Close()
	for pause(ctx, time.Second, 4*time.Second) {
		chat := rand.IntN(3) > 0
		r := &usherv1.RequestSubmit{Queue: "mails", MediaType: "mail"}
		if chat {
			r.Queue, r.MediaType, r.IsOnline = "chats", "chat", true
		}
		r.UserData = &structpb.Struct{Fields: map[string]*structpb.Value{
			"customer": structpb.NewStringValue(customers[rand.IntN(len(customers))]),
			"subject":  structpb.NewStringValue(subjects[rand.IntN(len(subjects))]),
		}}
		ack, err := website.Submit(ctx, r)
		if err != nil {
			return fmt.Errorf("submit: %w", err)
		}
		if chat && rand.IntN(5) == 0 {
			go func() {
				if pause(ctx, 2*time.Second, 10*time.Second) {
					// He may be too late to give up; then it has ended already.
					_, _ = website.StopProcessing(ctx, &usherv1.RequestStopProcessing{InteractionId: ack.InteractionId, Reason: "Customer left"})
				}
			}()
		}
	}
	return nil
}

// agent takes what he is offered, most of the time.
func (d *Demo) agent(ctx context.Context, id string) error {
	dialled, err := client.Dial(d.URL(), client.WithAgent(TrafficTenant, id, Password))
	if err != nil {
		return err
	}
	session, err := dialled.Agent(ctx, client.Login{Media: []*usherv1.MediaLogin{client.Ready("chat"), client.Ready("mail")}})
	if err != nil {
		return fmt.Errorf("agent %s: %w", id, err)
	}
	for ev, err := range session.Events(ctx) {
		if err != nil {
			return fmt.Errorf("agent %s: %w", id, err)
		}
		switch {
		case ev.GetEventInvite() != nil:
			go answer(ctx, session, ev)
		case ev.GetEventForcedAgentStateChange() != nil:
			go func() {
				if pause(ctx, 3*time.Second, 6*time.Second) {
					_ = session.Ready(ctx, "chat")
					_ = session.Ready(ctx, "mail")
				}
			}()
		}
	}
	return nil
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
