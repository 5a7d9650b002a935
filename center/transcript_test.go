package center

import (
	"fmt"
	"slices"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// said is a line by its text.
func said(interaction, text string) *usherv1.RequestAddLine {
	return &usherv1.RequestAddLine{InteractionId: interaction, Line: &usherv1.Line{Text: text}}
}

// transcript reads a conversation and gives its texts.
func (w *world) transcript(who engine.Participant, r *usherv1.RequestGetTranscript) ([]string, *usherv1.EventTranscript) {
	w.t.Helper()
	answer, refusal, err := w.c.Transcript(w.ctx(), "default", who, r)
	if err != nil || refusal != nil {
		w.t.Fatal(err, refusal)
	}
	var texts []string
	for n, l := range answer.Lines {
		texts = append(texts, l.Added.Line.Text)
		if n > 0 && l.Sequence <= answer.Lines[n-1].Sequence || l.TimeMs == 0 || l.ReferenceId == "" {
			w.t.Errorf("line %d: %v", n, l)
		}
	}
	return texts, answer
}

func (w *world) wantTranscript(who engine.Participant, r *usherv1.RequestGetTranscript, more bool, want ...string) {
	w.t.Helper()
	if got, answer := w.transcript(who, r); !slices.Equal(got, want) || answer.More != more || answer.Sequence == 0 {
		w.t.Errorf("%s reads %q, more is %v; want %q, %v", who.ID, got, answer.More, want, more)
	}
}

// conversation is one of ten lines that ada has with a customer: c0 to c4 by
// him, a0 to a4 by her, of which a3 is for agents alone.
func (w *world) conversation() string {
	w.t.Helper()
	id := w.submit("pull")
	w.must(ada, &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: "pull"}})
	for n := range 5 {
		w.must(chat, said(id, fmt.Sprintf("c%d", n)))
		line := said(id, fmt.Sprintf("a%d", n))
		if n == 3 {
			line.Line.Visibility = usherv1.LineVisibility_LINE_VISIBILITY_AGENTS
		}
		w.must(ada, line)
	}
	return id
}

// TestTranscript reads a conversation as everybody may who may, live, after a
// crash, and when it was stopped.
func TestTranscript(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada, bob)
	stream := w.subscribe(ada, nil)
	id := w.conversation()
	all := &usherv1.RequestGetTranscript{InteractionId: id}
	ours := []string{"c0", "a0", "c1", "a1", "c2", "a2", "c3", "a3", "c4", "a4"}
	theirs := []string{"c0", "a0", "c1", "a1", "c2", "a2", "c3", "c4", "a4"}
	check := func() {
		t.Helper()
		w.wantTranscript(ada, all, false, ours...)
		w.wantTranscript(bob, all, false, ours...)
		w.wantTranscript(chat, all, false, theirs...)
		w.wantTranscript(chat, &usherv1.RequestGetTranscript{InteractionId: id, Limit: 2}, true, "c4", "a4")
		_, answer := w.transcript(ada, all)
		w.wantTranscript(ada, &usherv1.RequestGetTranscript{InteractionId: id, AfterSequence: answer.Lines[7].Sequence}, false, "c4", "a4")
		w.wantTranscript(ada, &usherv1.RequestGetTranscript{InteractionId: id, AfterSequence: answer.Sequence}, false)
		w.wantTranscript(ada, &usherv1.RequestGetTranscript{InteractionId: id, AfterSequence: answer.Lines[4].Sequence, Limit: 5}, false, "a2", "c3", "a3", "c4", "a4")
		w.wantTranscript(ada, &usherv1.RequestGetTranscript{InteractionId: id, BeforeSequence: answer.Lines[4].Sequence, Limit: 3}, true, "a0", "c1", "a1")
		w.wantTranscript(chat, &usherv1.RequestGetTranscript{InteractionId: id, BeforeSequence: answer.Lines[8].Sequence}, false, theirs[:7]...)
	}
	check()
	_, answer := w.transcript(ada, all)
	// A line has the sequence by which streams brought it.
	heard := slices.DeleteFunc(w.all(stream), func(ev *usherv1.Event) bool { return ev.GetEventLineAdded() == nil })
	for n, l := range answer.Lines {
		if heard[n].Sequence != l.Sequence || heard[n].TimeMs != l.TimeMs || l.Added.Number != int32(n+1) {
			t.Errorf("%v, heard as %v", l, heard[n])
		}
	}
	w.crash()
	check()
	w.must(chat, &usherv1.RequestStopProcessing{InteractionId: id})
	check()
	w.crash()
	check()
	w.clock.Advance(24*time.Hour + time.Second)
	if _, refusal, err := w.c.Transcript(w.ctx(), "default", ada, all); err != nil || refusal.GetName() != "UnknownInteraction" || refusal.InteractionId != id {
		t.Error(refusal, err)
	}
	if _, refusal, err := w.c.Transcript(w.ctx(), "nobody", ada, all); err != nil || refusal.GetName() != "UnknownTenant" {
		t.Error(refusal, err)
	}
}

// TestTranscriptOfManyAtOnce: lines of conversations that lie in one batch of
// the journal are each found.
func TestTranscriptOfManyAtOnce(t *testing.T) {
	w := newWorld(t, nil).setUp()
	var ids []string
	var calls []*Call
	for range 20 {
		ids = append(ids, w.submit("pull"))
	}
	for n := range 5 {
		for _, id := range ids {
			calls = append(calls, w.start(chat, said(id, fmt.Sprint(id, n))))
		}
	}
	for _, call := range calls {
		if r, err := call.Wait(w.ctx()); err != nil || r.Err != nil {
			t.Fatal(err, r.Err)
		}
	}
	for _, id := range ids {
		w.wantTranscript(chat, &usherv1.RequestGetTranscript{InteractionId: id}, false, id+"0", id+"1", id+"2", id+"3", id+"4")
	}
}

// TestTranscriptOfTrimmedLines: what the journal no longer has is left out, and
// the transcript says so.
func TestTranscriptOfTrimmedLines(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.SnapshotEntries, o.Retention = 20, time.Hour }).setUp()
	w.logIn(ada)
	id := w.conversation()
	all := &usherv1.RequestGetTranscript{InteractionId: id}
	_, before := w.transcript(ada, all)
	oldest := func() uint64 {
		oldest, err := w.c.o.Journal.Oldest(w.ctx())
		if err != nil {
			t.Fatal(err)
		}
		return uint64(oldest)
	}
	for n := 0; oldest() <= before.Lines[3].Sequence; n++ {
		if n > 100 {
			t.Fatal("nothing is trimmed")
		}
		w.clock.Advance(30 * time.Minute)
		w.must(chat, said(id, "later"))
		w.must(ada, said(id, "later"))
		w.saved()
	}
	got, answer := w.transcript(ada, all)
	reached := oldest()
	for _, l := range answer.Lines {
		if l.Sequence < reached {
			t.Errorf("line %d is before %d", l.Sequence, reached)
		}
	}
	if !answer.More || got[len(got)-1] != "later" || got[0] == "c0" {
		t.Errorf("%q, more is %v", got, answer.More)
	}
	w.crash()
	w.wantTranscript(ada, all, true, got...)
}

// TestTypingIsNotRecorded: it comes to those who listen, and leaves nothing.
func TestTypingIsNotRecorded(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada, bob)
	id := w.conversation()
	media, agent, other := w.subscribe(chat, nil), w.subscribe(ada, nil), w.subscribe(bob, nil)
	before := w.c.Status().Durable
	r := w.must(ada, &usherv1.RequestTyping{InteractionId: id})
	if r.Event != nil || r.Sequence != before {
		t.Errorf("the reply is %v", r)
	}
	ev := w.next(media)
	if ev.Sequence != 0 || ev.TimeMs == 0 || ev.InteractionId != id || ev.Protocol != usherv1.Protocol_PROTOCOL_ICM || ev.GetEventTyping().GetAuthor().GetId() != "ada" {
		t.Errorf("the media server hears %v", ev)
	}
	if got := append(w.all(agent), w.all(other)...); len(got) != 0 {
		t.Errorf("others hear %v", got)
	}
	w.must(chat, &usherv1.RequestTyping{InteractionId: id, Stopped: true})
	ev = w.next(agent)
	if typing := ev.GetEventTyping(); !typing.GetStopped() || typing.Author.Kind != usherv1.ParticipantKind_PARTICIPANT_KIND_CUSTOMER || typing.Author.Id != id {
		t.Errorf("the agent hears %v", ev)
	}
	if got := w.all(media); len(got) != 0 {
		t.Errorf("the media server hears itself: %v", got)
	}
	if w.c.Status().Durable != before || agent.Reached() != before || media.Reached() != before {
		t.Error("something is recorded")
	}
	// Whoever resumes, or comes later, hears nothing of it.
	if got := append(w.all(w.subscribe(chat, &before)), w.all(w.subscribe(chat, nil))...); len(got) != 0 {
		t.Errorf("it comes again: %v", got)
	}
	if arrows, _ := w.trace(id, before); len(arrows) != 0 {
		t.Errorf("it is traced: %q", arrows)
	}
	w.wantError(usherv1.ErrorCode_ERROR_CODE_NOT_A_PARTY, bob, &usherv1.RequestTyping{InteractionId: id})
}

// TestTypingToABusyReader: of what is not recorded he gets the latest, and of
// what is, everything.
func TestTypingToABusyReader(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	id := w.conversation()
	agent := w.subscribe(ada, nil)
	const told = 40
	var want []uint64
	for n := range told {
		w.must(chat, &usherv1.RequestTyping{InteractionId: id, Stopped: n%2 == 1})
		if n%4 == 0 {
			w.must(chat, said(id, "x"))
			want = append(want, w.c.Status().Durable)
		}
	}
	var got []uint64
	typing, begun := 0, agent.Reached()
	events := []*usherv1.Event{w.next(agent)}
	if agent.Reached() != begun || events[0].Sequence != 0 {
		t.Errorf("%v is taken for a place in the journal: reached %d", events[0], agent.Reached())
	}
	for _, ev := range append(events, w.all(agent)...) {
		if ev.GetEventTyping() != nil {
			if typing++; ev.GetEventTyping().Stopped != (typing%2 == 0) {
				t.Error("out of order")
			}
			continue
		}
		got = append(got, ev.Sequence)
	}
	if typing != maxUnrecorded || !slices.Equal(got, want) {
		t.Errorf("%d notices, of at most %d; messages %v, want %v", typing, maxUnrecorded, got, want)
	}
}

// TestRecentLinesAreBounded: what was read long ago goes, and is read again.
func TestRecentLinesAreBounded(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	first, second := w.conversation(), w.conversation()
	read := func(id string) *usherv1.EventTranscript {
		_, answer := w.transcript(ada, &usherv1.RequestGetTranscript{InteractionId: id})
		if len(answer.Lines) != 10 {
			t.Fatalf("%d lines", len(answer.Lines))
		}
		return answer
	}
	at := read(first).Lines[0].Sequence
	for turn, kept := range []bool{true, false} {
		w.c.lines.bytes = keptLinesBytes // as if as much had been read
		read(second)
		clear(w.c.lines.young)
		if _, ok := w.c.lines.kept(at); ok != kept {
			t.Errorf("turn %d: kept is %v", turn, ok)
		}
	}
	read(first)
}
