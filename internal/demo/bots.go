package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

// bots are the agents who work for those who only look.
var bots = []string{"ana", "ben", "cleo"}

// replies are what a bot says, one after the other; after the last he waits for
// the customer's last line, and ends the chat.
var replies = []string{
	"Hello! Let me have a look. Can you tell me a bit more?",
	"Thank you, I have found it. All is well: it will be settled by tomorrow.",
	"With pleasure. Have a nice day!",
}

// bot is an agent who takes what he is offered, most of the time, and talks.
type bot struct {
	id string
	*client.AgentSession

	mu    sync.Mutex
	chats map[string]chan struct{} // a customer's line, by interaction
}

// bot lets a bot work until ctx ends.
func (w *Windows) bot(ctx context.Context, id string) error {
	session, err := w.agent(ctx, id, autoIn, 0, "chat", "task")
	if err != nil {
		return err
	}
	b := &bot{id: id, AgentSession: session, chats: map[string]chan struct{}{}}
	all, ctx := errgroup.WithContext(ctx)
	for event, err := range session.Events(ctx) {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return fmt.Errorf("agent %s: %w", id, err)
		}
		switch {
		case event.GetEventInvite() != nil:
			all.Go(func() error { b.answer(ctx, event); return nil })
		case event.GetEventLineAdded().GetAuthor().GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_CUSTOMER:
			b.heard(event.GetInteractionId())
		case event.GetEventRevoked() != nil:
			b.forget(event.GetInteractionId())
		case event.GetEventForcedAgentStateChange() != nil && event.GetReason() != "AfterCallWork" && event.GetReason() != "TimedACW":
			all.Go(func() error { b.comeBack(ctx); return nil })
		}
	}
	return all.Wait()
}

// comeBack is what a bot does after some seconds who let it ring: he is in AUX
// then.
func (b *bot) comeBack(ctx context.Context) {
	if pause(ctx, 5*time.Second, 9*time.Second) {
		_ = b.Ready(ctx, "chat")
		_ = b.SetAgentState(ctx, autoIn, 0)
	}
}

// answer accepts an invitation, or rejects it, or lets the time run out. What
// goes wrong lost a race, and the journal tells which.
func (b *bot) answer(ctx context.Context, event *usherv1.Event) {
	invite := event.GetEventInvite()
	switch rand.IntN(15) {
	case 0:
		return
	case 1:
		if pause(ctx, time.Second, 3*time.Second) {
			_ = b.Reject(ctx, invite.Ticket, "busy")
		}
		return
	}
	said := b.expect(event.GetInteractionId())
	defer b.forget(event.GetInteractionId())
	if !pause(ctx, time.Second, 3*time.Second) || b.Accept(ctx, invite.Ticket) != nil {
		return
	}
	if event.GetMediaType() == "task" {
		pause(ctx, 4*time.Second, 8*time.Second)
	} else if !b.talk(ctx, event.GetInteractionId(), said) {
		return
	}
	_ = b.Stop(ctx, event.GetInteractionId(), "answered")
}

// talk replies to each line; false if the chat is no longer his.
func (b *bot) talk(ctx context.Context, interaction string, said <-chan struct{}) bool {
	for _, reply := range replies {
		_, _ = b.Requests().Typing(ctx, &usherv1.RequestTyping{InteractionId: interaction})
		if !pause(ctx, 2*time.Second, 4*time.Second) {
			return false
		}
		_, err := b.Requests().AddLine(ctx, &usherv1.RequestAddLine{InteractionId: interaction, Line: &usherv1.Line{Text: reply}})
		if err != nil {
			return false
		}
		select {
		case _, mine := <-said:
			if !mine {
				return false
			}
		case <-time.After(20 * time.Second): // he has nothing to say
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// expect begins to listen for what the customer of an interaction says.
func (b *bot) expect(interaction string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := make(chan struct{}, 1)
	b.chats[interaction] = said
	return said
}

func (b *bot) heard(interaction string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.chats[interaction] <- struct{}{}:
	default:
	}
}

// forget ends the talk about an interaction.
func (b *bot) forget(interaction string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if said := b.chats[interaction]; said != nil {
		close(said)
		delete(b.chats, interaction)
	}
}

// lookUps answers what vectors ask.
func (w *Windows) lookUps(ctx context.Context) error {
	crm, err := w.crm(ctx)
	if err != nil {
		return err
	}
	defer crm.Close()
	return crm.Serve(ctx, func(ctx context.Context, request *usherv1.Event) (*structpb.Struct, error) {
		pause(ctx, 100*time.Millisecond, time.Second)
		return lookUp(ctx, request)
	})
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
