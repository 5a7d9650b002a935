package center

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// arrow writes a line as a scenario does.
func arrow(line *usherv1.TraceLine) string {
	to := ""
	for _, p := range line.To {
		to += short(p)
	}
	return fmt.Sprintf("%s > %s %s", short(line.From), to, line.Message)
}

func short(p *usherv1.Participant) string {
	if p.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_REPORT {
		return "report"
	}
	if p.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_SERVER {
		return "ixn"
	}
	return p.Id
}

func (w *world) trace(interaction string, after uint64) (arrows []string, lines []*usherv1.TraceLine) {
	w.t.Helper()
	for line, err := range w.c.Trace(w.ctx(), "default", interaction, after, false) {
		if err != nil {
			w.t.Fatal(err)
		}
		arrows, lines = append(arrows, arrow(line)), append(lines, line)
	}
	return arrows, lines
}

func TestTraceShowsTheArrowsOfAnInteraction(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	report := w.subscribe(reportEngine, nil)
	w.submit("pull") // of no concern
	id := w.submit("support")
	var ticket uint64
	for ticket == 0 {
		if ev := w.next(report); ev.GetEventAgentInvited() != nil {
			ticket = ev.Sequence
		}
	}
	w.must(ada, &usherv1.RequestAccept{Ticket: ticket})
	got, lines := w.trace(id, 0)
	want := []string{
		"chat-1 > ixn RequestSubmit",
		"ixn > report EventInteractionSubmitted",
		"ixn > report EventPlacedInQueue",
		"ixn > report EventTakenFromQueue",
		"ixn > report EventPartyAdded",
		"ixn > builtin EventRouteRequest",
		"ixn > chat-1 EventAck",
		"builtin > ixn RequestRouteCall",
		"ixn > report EventAgentInvited",
		"ixn > ada EventInvite",
		"ada > ixn RequestAccept",
		"ixn > ada EventAck",
		"ixn > report EventPartyAdded",
		"ixn > report EventPartyRemoved",
		"ixn > builtin EventRouteUsed",
	}
	slices.Sort(want)
	sorted := slices.Sorted(slices.Values(got))
	if !slices.Equal(sorted, want) {
		t.Fatalf("got %q", got)
	}
	for n, line := range lines {
		if n > 0 && line.Sequence < lines[n-1].Sequence || line.TimeMs != beginning.UnixMilli() || line.InteractionId != id {
			t.Fatalf("line %d: %v", n, line)
		}
	}
	middle := lines[7].Sequence - 1
	if rest, _ := w.trace(id, middle); len(rest) != len(lines)-7 {
		t.Fatalf("after %d: %q", middle, rest)
	}
	if all, _ := w.trace("", 0); len(all) <= len(got) || slices.Contains(all, "ada > ixn Connect") {
		t.Fatalf("the whole tenant: %q", all)
	}
}

func TestLiveTraceGoesOn(t *testing.T) {
	w := newWorld(t, nil).setUp()
	ctx, hangUp := context.WithCancel(w.ctx())
	defer hangUp()
	after := w.c.Status().Durable
	w.submit("pull")
	seen := 0
	var last error
	for line, err := range w.c.Trace(ctx, "default", "", after, true) {
		if last = err; err == nil && line.Message == "EventAck" {
			if seen++; seen == 3 {
				hangUp()
			}
			w.start(chat, submit("", "pull"))
		}
	}
	if seen < 3 || !errors.Is(last, context.Canceled) {
		t.Fatalf("saw %d submits and ended with %v", seen, last)
	}
}

func TestLiveTraceEndsWithTheCenter(t *testing.T) {
	w := newWorld(t, nil).setUp()
	started := make(chan error)
	go func() {
		var last error
		for _, err := range w.c.Trace(context.Background(), "default", "", 0, true) {
			last = err
		}
		started <- last
	}()
	if err := w.c.Drain(w.ctx()); err != nil {
		t.Fatal(err)
	}
	if err := <-started; !errors.Is(err, ErrClosed) {
		t.Fatalf("ended with %v", err)
	}
}

func TestTraceOfAnUnknownTenant(t *testing.T) {
	w := newWorld(t, nil).setUp()
	for _, err := range w.c.Trace(w.ctx(), "other", "", 0, true) {
		if !errors.Is(err, ErrUnknownTenant) {
			t.Fatal(err)
		}
	}
}

func TestLiveTraceShowsRefusedRequests(t *testing.T) {
	w := newWorld(t, nil).setUp()
	id := w.submit("pull")
	after := w.c.Status().Durable
	ctx, hangUp := context.WithTimeout(w.ctx(), time.Minute) // rather than for ever
	defer hangUp()
	want := map[string]bool{
		"ada > ixn RequestHold": true, "ixn > ada EventError": true,
		"chat-1 > ixn RequestFindInteractions": true, "ixn > chat-1 EventError": true,
	}
	begun := false
	for line, err := range w.c.Trace(ctx, "default", "", after-1, true) {
		if err != nil {
			t.Fatal(err)
		}
		if !begun { // the first line is the acknowledgement of the submit
			begun = true
			w.start(ada, &usherv1.RequestHold{InteractionId: id, ReferenceId: "h"})
			w.start(chat, &usherv1.RequestFindInteractions{Limit: -1})
			continue
		}
		if from := line.To[0].Id; line.Message == "EventError" && from == "ada" &&
			(line.ReferenceId != "h" || line.InteractionId != id || line.Event.GetEventError().Code != usherv1.ErrorCode_ERROR_CODE_NOT_REGISTERED) {
			t.Fatal(line)
		}
		if delete(want, arrow(line)); len(want) == 0 {
			break
		}
	}
	if all, _ := w.trace("", after); slices.Contains(all, "ixn > ada EventError") {
		t.Fatalf("a refusal was recorded: %q", all)
	}
}

// TestTraceOfAnExternalService records by hand what passes between a router, the
// server and an external service, and reads its arrows: names are spelled as
// published, and what only the engine knows is not shown.
func TestTraceOfAnExternalService(t *testing.T) {
	esp := usherv1.Protocol_PROTOCOL_ESP
	asked := engine.Entry{To: []engine.Participant{crm}, Event: &usherv1.Event{
		Protocol: esp, InteractionId: "i", Message: &usherv1.Event_Request_3RdServer{Request_3RdServer: &usherv1.Request3RdServer{}},
	}}
	told := engine.Entry{To: []engine.Participant{engine.BuiltinRouter}, Answer: true, Event: &usherv1.Event{
		InteractionId: "i", Message: &usherv1.Event_EventPrivateInfo{EventPrivateInfo: &usherv1.EventPrivateInfo{}},
	}}
	suspended := engine.Entry{Fact: &usherv1.Fact{Fact: &usherv1.Fact_VectorSuspended{VectorSuspended: &usherv1.VectorSuspended{InteractionId: "i"}}}}
	respond := newCall(Request{From: crm, Body: &usherv1.Event3RdServerResponse{ReferenceId: "r"}, Protocol: esp})
	var b batch
	b.reset(1)
	b.add("default", routerCause(&usherv1.RequestPrivateService{InteractionId: "i"}), []engine.Entry{asked}, 1)
	b.add("default", &usherv1.Cause{Principal: crm.Proto(), Request: respond.name, InteractionId: "i", Protocol: esp}, []engine.Entry{told}, 2)
	b.add("default", routerCause(&engine.Suspend{InteractionID: "i"}), []engine.Entry{suspended}, 3)
	tracer := &tracer{tenant: "default", interaction: "i"}
	var got []string
	err := eachRecord(b.payload, 1, func(r *storedRecord) bool {
		lines, err := tracer.lines(r)
		for _, line := range lines {
			got = append(got, arrow(line)+" "+line.Protocol.String())
		}
		return err == nil
	})
	want := []string{
		"builtin > ixn RequestPrivateService PROTOCOL_TLIB", "ixn > crm Request3rdServer PROTOCOL_ESP",
		"crm > ixn Event3rdServerResponse PROTOCOL_ESP", "ixn > builtin EventPrivateInfo PROTOCOL_UNSPECIFIED",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %q", err, got)
	}
}

func TestCausesOfTheRouter(t *testing.T) {
	for _, c := range []struct {
		request       any
		name, concern string
	}{
		{&usherv1.RequestRouteCall{InteractionId: "i"}, "RequestRouteCall", "i"},
		{&usherv1.RequestUpdateUserData{InteractionId: "j"}, "RequestUpdateUserData", "j"},
		{&engine.Suspend{InteractionID: "k"}, "Suspend", "k"},
		{&engine.InterruptAux{AgentID: "ana"}, "InterruptAux", ""},
	} {
		got := routerCause(c.request)
		if got.Request != c.name || got.InteractionId != c.concern || got.Protocol != usherv1.Protocol_PROTOCOL_TLIB ||
			engine.ParticipantOf(got.Principal) != engine.BuiltinRouter {
			t.Errorf("%T: %v", c.request, got)
		}
	}
}

// countedReads counts the batches that are read.
type countedReads struct {
	journal.Journal
	read *int
}

func (c countedReads) Read(ctx context.Context, from journal.Sequence) iter.Seq2[*journal.Batch, error] {
	return func(yield func(*journal.Batch, error) bool) {
		for b, err := range c.Journal.Read(ctx, from) {
			*c.read++
			if !yield(b, err) {
				return
			}
		}
	}
}

// TestTraceBeginsAtTheSubmission: whoever looks at one interaction does not read
// what was before it, also if it is stopped, and after a restart.
func TestTraceBeginsAtTheSubmission(t *testing.T) {
	read := 0
	w := newWorld(t, func(o *Options) { o.Journal = countedReads{o.Journal, &read} }).setUp()
	for range 50 {
		w.submit("pull")
	}
	id := w.submit("support")
	want := []string{"chat-1 > ixn RequestSubmit", "ixn > chat-1 EventAck"}
	for _, then := range []func(){
		func() {}, func() { w.must(chat, &usherv1.RequestStopProcessing{InteractionId: id}) }, w.crash,
	} {
		then()
		read = 0
		got, _ := w.trace(id, 0)
		if len(got) < 4 || !slices.Equal(got[:2], want) || read > 10 {
			t.Errorf("%q after reading %d batches", got, read)
		}
	}
	read = 0
	if got, _ := w.trace("nobody", 0); len(got) != 0 || read < 50 {
		t.Errorf("%q after reading %d batches", got, read)
	}
}
