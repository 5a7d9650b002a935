package client_test

import (
	"fmt"
	"iter"
	"slices"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

// heard gives the next so many lines and typing notices of a stream, as text.
func heard(t *testing.T, events iter.Seq2[*usherv1.Event, error], count int) (all []string) {
	t.Helper()
	for event, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if said := event.GetEventLineAdded(); said != nil {
			all = append(all, fmt.Sprintf("%d %s", said.Number, said.Line.Text))
		}
		if typing := event.GetEventTyping(); typing != nil {
			all = append(all, typing.Author.Id+" is writing")
		}
		if len(all) == count {
			break
		}
	}
	return all
}

// TestConversation is one over the network: an agent and a media server that
// speaks for its customer. Both streams break once.
func TestConversation(t *testing.T) {
	s := started(t)
	ctx := t.Context()
	media, err := s.as(client.WithAPIKey(s.media)).MediaServer(ctx, "web chat")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	agent, err := s.as(client.WithAgent("", "ann", "correct horse")).Agent(ctx, client.Login{Media: []*usherv1.MediaLogin{client.Ready("chat")}})
	if err != nil {
		t.Fatal(err)
	}
	next, stop := iter.Pull2(agent.Events(ctx)) // keeps the stream open
	defer stop()
	ack, err := media.Submit(ctx, &usherv1.RequestSubmit{MediaType: "chat", Queue: "pull"})
	if err != nil {
		t.Fatal(err)
	}
	id := ack.GetInteractionId()
	if _, err := agent.Pull(ctx, "pull", 1); err != nil {
		t.Fatal(err)
	}
	say := func(reference, text string) {
		t.Helper()
		r := &usherv1.RequestAddLine{ReferenceId: reference, InteractionId: id, Line: &usherv1.Line{Text: text}, AuthorName: "Mr Jones"}
		if ack, err := media.AddLine(ctx, r); err != nil || ack.GetInteractionId() != id {
			t.Fatal(ack, err)
		}
	}
	say("r1", "Hello?")
	if err := agent.Say(ctx, id, "What can I do for you?"); err != nil {
		t.Fatal(err)
	}
	s.conns.breakAll()
	say("r2", "My bill is wrong.")
	for range 2 { // the second time it is not said again
		if _, err := agent.AddLine(ctx, &usherv1.RequestAddLine{ReferenceId: "r3", InteractionId: id, Line: &usherv1.Line{
			Text: "He again.", Visibility: usherv1.LineVisibility_LINE_VISIBILITY_AGENTS,
		}}); err != nil {
			t.Fatal(err)
		}
	}
	theirs := []string{"1 Hello?", "2 What can I do for you?", "3 My bill is wrong."}
	ours := append(slices.Clone(theirs), "4 He again.")
	if got := heard(t, func(yield func(*usherv1.Event, error) bool) {
		for event, err, ok := next(); ok && yield(event, err); event, err, ok = next() {
		}
	}, len(ours)); !slices.Equal(got, ours) {
		t.Errorf("the agent hears %q", got)
	}
	if err := agent.Typing(ctx, id, false); err != nil {
		t.Fatal(err)
	}
	if got, want := heard(t, media.Events(ctx), 4), append(slices.Clone(theirs), "ann is writing"); !slices.Equal(got, want) {
		t.Errorf("the media server hears %q", got)
	}
	if err := media.Typing(ctx, id, false); err != nil {
		t.Fatal(err)
	}
	read := func(r *usherv1.EventTranscript, err error) (all []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range r.GetLines() {
			all = append(all, fmt.Sprintf("%d %s", l.Added.Number, l.Added.Line.Text))
		}
		return all
	}
	if got := read(agent.Transcript(ctx, id, 0)); !slices.Equal(got, ours) {
		t.Errorf("the agent reads %q", got)
	}
	if got := read(media.Transcript(ctx, id, 0)); !slices.Equal(got, theirs) {
		t.Errorf("the media server reads %q", got)
	}
	all, err := agent.Transcript(ctx, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(agent.TranscriptBefore(ctx, id, all.Lines[2].Sequence)); !slices.Equal(got, ours[:2]) {
		t.Errorf("the agent reads %q before the third line", got)
	}
	if got := read(media.TranscriptBefore(ctx, id, all.Lines[3].Sequence)); !slices.Equal(got, theirs) {
		t.Errorf("the media server reads %q before the last", got)
	}
}
