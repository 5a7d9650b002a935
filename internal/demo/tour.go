package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

// tourTenant is the tenant of the tour: its clock goes by steps.
const tourTenant = "tour"

// patience is how long the server may take for one step of the tour.
const patience = time.Minute

// errStuck is what a step ends with that takes longer.
var errStuck = errors.New("the tour does not go on")

// Watcher is shown how the contact centre works.
type Watcher interface {
	// Part begins a part of the tour.
	Part(title string) error
	// Arrow is one message.
	Arrow(line *usherv1.TraceLine) error
	// Why is why an interaction still waits.
	Why(why *usherv1.EventWhyWaiting) error
}

// Work modes, in short.
const (
	aux    = usherv1.WorkMode_WORK_MODE_AUX
	autoIn = usherv1.WorkMode_WORK_MODE_AUTO_IN
)

// To whom messages go, in short.
const (
	agent  = usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT
	media  = usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA
	report = usherv1.ParticipantKind_PARTICIPANT_KIND_REPORT
	router = usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER
)

// tour is two chats on their way through the small contact centre, step by
// step, always the same.
type tour struct {
	*centre
	d       *Demo
	w       Watcher
	lines   chan *usherv1.TraceLine
	website *client.MediaServer
	at      map[string]*desk
}

// desk is where an agent sits: his application, and what it has heard.
type desk struct {
	*client.AgentSession
	heard chan *usherv1.Event
}

// Tour shows each feature of routing once: a VDN, a vector that asks an
// external service and queues to two skills, an agent who lets it ring, a
// target that widens, and why somebody still waits.
func (d *Demo) Tour(ctx context.Context, w Watcher) error {
	c, err := d.tourCentre(ctx)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	all, ctx := errgroup.WithContext(ctx)
	t := &tour{centre: c, d: d, w: w, lines: make(chan *usherv1.TraceLine), at: map[string]*desk{}}
	err = t.play(ctx, all)
	end()
	_ = all.Wait() // they end because the tour does, or it has ended because of them
	return err
}

func (d *Demo) tourCentre(ctx context.Context) (*centre, error) {
	admin, err := client.Dial(d.URL(), client.WithAPIKey(d.key))
	if err != nil {
		return nil, err
	}
	if _, err := admin.Administration().CreateTenant(ctx, &usherv1.CreateTenantRequest{TenantId: tourTenant}); err != nil {
		return nil, err
	}
	return newCentre(ctx, d.URL(), d.key, tourTenant, centreFile)
}

func (t *tour) play(ctx context.Context, all *errgroup.Group) error {
	if err := t.open(ctx, all); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"three agents are in AUX; a chat enters at VDN 4001; its vector asks the customer database, and queues it to billing", t.enter},
		{"10 s later: it waits for general, too", t.queueAgain},
		{"ana is there, and lets it ring for 12 s (RONA)", t.ring},
		{"ben is there, and takes it", t.answer},
		{"cleo is there, too; a chat enters at VDN 4002, for whom speaks German", t.enterShop},
		{"12 s later: its target widens, and cleo takes it", t.widen},
		{"ana is back", func(ctx context.Context) error { return t.setMode(ctx, "ana", autoIn, 0) }},
	} {
		if err := t.w.Part(part.title); err != nil {
			return err
		}
		if err := part.play(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.title, err)
		}
	}
	return nil
}

// open lets everybody in, one after the other, and waits for their streams.
// What is shown begins after that.
func (t *tour) open(ctx context.Context, all *errgroup.Group) error {
	for _, id := range bots {
		session, err := t.agent(ctx, id, aux, 1, "chat")
		if err != nil {
			return err
		}
		at := &desk{session, make(chan *usherv1.Event, 100)}
		t.at[id] = at
		all.Go(func() error { return at.listen(ctx) })
		if _, err := at.hears(ctx, func(ev *usherv1.Event) bool { return ev.GetEventAck() != nil }); err != nil {
			return err
		}
	}
	crm, err := t.crm(ctx)
	if err != nil {
		return err
	}
	all.Go(func() error {
		defer crm.Close()
		return crm.Serve(ctx, lookUp)
	})
	// That there is no such request is said on its stream: so it is open.
	if err := crm.Fault(ctx, 0, ""); client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNKNOWN_REQUEST {
		return fmt.Errorf("connect the customer database: %w", err)
	}
	if _, t.website, err = t.centre.website(ctx); err != nil {
		return err
	}
	all.Go(func() error {
		<-ctx.Done()
		t.website.Close()
		return nil
	})
	now, err := t.admin.Routing().ExpectedWait(ctx, &usherv1.RequestExpectedWait{
		Of: &usherv1.RequestExpectedWait_Skill{Skill: "billing"}, MediaType: "chat", TenantId: t.tenant,
	})
	all.Go(func() error { return t.trace(ctx, now.GetSequence(), t.pass) })
	return err
}

// pass hands a line on to whoever shows it.
func (t *tour) pass(ctx context.Context, line *usherv1.TraceLine) error {
	select {
	case t.lines <- line:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *tour) enter(ctx context.Context) error {
	chat := chat(billingNumber, "Mia", "an invoice")
	chat.InteractionId = "chat-1"
	if _, err := t.website.Submit(ctx, chat); err != nil {
		return err
	}
	return t.until(ctx, "EventTreatmentApplied", media)
}

func (t *tour) queueAgain(ctx context.Context) error {
	t.d.host.Clock().Advance(10 * time.Second)
	return errors.Join(t.until(ctx, "EventTreatmentApplied", media), t.explain(ctx, "chat-1"))
}

func (t *tour) ring(ctx context.Context) error {
	if err := t.setMode(ctx, "ana", autoIn, 0); err != nil {
		return err
	}
	if err := t.until(ctx, "EventInvite", agent); err != nil {
		return err
	}
	t.d.host.Clock().Advance(12 * time.Second)
	return errors.Join(t.until(ctx, "EventRouteRequest", router), t.explain(ctx, "chat-1"))
}

func (t *tour) answer(ctx context.Context) error {
	return errors.Join(t.setMode(ctx, "ben", autoIn, 0), t.handle(ctx, "ben", "chat-1"), t.setMode(ctx, "ben", aux, 2))
}

func (t *tour) enterShop(ctx context.Context) error {
	if err := t.setMode(ctx, "cleo", autoIn, 0); err != nil {
		return err
	}
	chat := chat(shopNumber, "Noah", "a parcel")
	chat.InteractionId = "chat-2"
	if _, err := t.website.Submit(ctx, chat); err != nil {
		return err
	}
	return errors.Join(t.until(ctx, "EventTreatmentApplied", media), t.explain(ctx, "chat-2"))
}

func (t *tour) widen(ctx context.Context) error {
	t.d.host.Clock().Advance(12 * time.Second)
	return t.handle(ctx, "cleo", "chat-2")
}

// handle lets an agent accept the chat that he is invited to, and end it.
func (t *tour) handle(ctx context.Context, agent, interaction string) error {
	at := t.at[agent]
	invited, err := at.hears(ctx, func(ev *usherv1.Event) bool { return ev.GetEventInvite() != nil })
	if err != nil {
		return err
	}
	if err := at.Accept(ctx, invited.GetEventInvite().GetTicket()); err != nil {
		return err
	}
	if err := at.Stop(ctx, interaction, "Answered"); err != nil {
		return err
	}
	return t.until(ctx, "EventProcessingStopped", media)
}

func (t *tour) setMode(ctx context.Context, agent string, mode usherv1.WorkMode, code int) error {
	if err := t.at[agent].SetAgentState(ctx, mode, code); err != nil {
		return err
	}
	return t.until(ctx, "EventAgentStateReasonChanged", report)
}

func (t *tour) explain(ctx context.Context, interaction string) error {
	why, err := t.why(ctx, interaction)
	if err != nil {
		return err
	}
	return t.w.Why(why)
}

// until shows what has happened up to the next such message to somebody.
func (t *tour) until(ctx context.Context, message string, to usherv1.ParticipantKind) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errStuck)
	defer cancel()
	for {
		select {
		case line := <-t.lines:
			there := line.GetMessage() == message && line.GetTo()[0].GetKind() == to
			if err := t.w.Arrow(line); err != nil || there {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("no %s: %w", message, context.Cause(ctx))
		}
	}
}

// listen hears what the agent is told.
func (d *desk) listen(ctx context.Context) error {
	for ev, err := range d.Events(ctx) {
		if err != nil {
			return err
		}
		select {
		case d.heard <- ev:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// hears waits until the agent is told something.
func (d *desk) hears(ctx context.Context, wanted func(*usherv1.Event) bool) (*usherv1.Event, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errStuck)
	defer cancel()
	for {
		select {
		case ev := <-d.heard:
			if wanted(ev) {
				return ev, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("an agent is not told of it: %w", context.Cause(ctx))
		}
	}
}
