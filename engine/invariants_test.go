package engine

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// world drives an engine as the center does, and checks after every step what
// must hold at any time.
type world struct {
	t       testing.TB
	e       *Engine
	now     Millis
	next    Sequence
	journal [][]byte // every entry, encoded as it would be stored
	open    map[Ticket]bool
	stopped map[string]Millis
	ids     int
	encoded []byte // the state since the last entry; nil if not known
	sample  int    // every how many requests it is held that a refusal changes nothing; 0 for each
	said    map[string]*saidLines
}

func newWorld(t testing.TB) *world {
	return &world{
		t: t, e: New("default"), now: 1_700_000_000_000, next: 1, open: map[Ticket]bool{}, stopped: map[string]Millis{}, said: map[string]*saidLines{},
	}
}

func (w *world) ask(from Participant, request any) Output {
	w.t.Helper()
	w.ids++
	compare := w.sample == 0 || w.ids%w.sample == 0
	if compare && w.encoded == nil {
		w.encoded = w.state()
	}
	out := w.e.Handle(Input{Now: w.now, Next: w.next, NewID: InteractionID(fmt.Sprintf("made-%d", w.ids)), From: from, Request: request})
	if out.Err != nil {
		if out.Err.Code == 0 || out.Err.Name == "" || out.Err.Description == "" {
			w.t.Fatalf("%T: a refusal without code, name or sentence: %v", request, out.Err)
		}
		if compare && string(w.encoded) != string(w.state()) {
			w.t.Fatalf("%T was refused (%v) and changed something", request, out.Err)
		}
	}
	w.took(out)
	return out
}

// must asks and fails the test if the request is refused.
func (w *world) must(from Participant, request any) Output {
	w.t.Helper()
	out := w.ask(from, request)
	if out.Err != nil {
		w.t.Fatalf("%T: %v", request, out.Err)
	}
	return out
}

// pass lets time pass and fires what is due on the way.
func (w *world) pass(d Millis) []Entry {
	w.t.Helper()
	var all []Entry
	end := w.now + d
	for {
		at, ok := w.e.NextDeadline()
		if !ok || at > end {
			break
		}
		w.now = max(w.now, at)
		out := w.e.Tick(w.now, w.next)
		w.took(out)
		all = append(all, out.Entries...)
	}
	w.now = end
	return all
}

// took checks and stores what came of an input.
func (w *world) took(out Output) {
	w.t.Helper()
	if len(out.Entries) > 0 {
		w.encoded = nil
	}
	for _, entry := range out.Entries {
		if ev := entry.Event; ev != nil {
			if ev.Sequence != uint64(w.next) || ev.TimeMs != int64(w.now) || ev.Protocol == 0 || len(entry.To) == 0 {
				w.t.Fatalf("entry %d is not complete: %v to %v", w.next, ev, entry.To)
			}
			w.follow(ev)
			w.followLine(&entry)
		}
		stored, err := proto.MarshalOptions{Deterministic: true}.Marshal(&usherv1.Entry{Event: entry.Event, Fact: entry.Fact})
		if err != nil {
			w.t.Fatal(err)
		}
		w.journal = append(w.journal, stored)
		w.next++
	}
	w.e.Changed()
	if len(w.e.interactions) < crowded || len(w.journal)%crowded == 0 {
		w.check()
	}
}

// crowded is from how many interactions on not every step is checked: it takes
// a look at all of them.
const crowded = 100

// follow checks what a reporting engine would see.
func (w *world) follow(ev *usherv1.Event) {
	w.t.Helper()
	if ev.Protocol != rpt {
		return
	}
	_, again := ev.Message.(*usherv1.Event_EventInteractionSubmitted)
	// A service answers also about what is no more, and dispositions come later.
	late := ev.GetEventExternalServiceResponded() != nil || ev.GetEventCustomReporting() != nil
	if at, was := w.stopped[ev.InteractionId]; was && !late && !(again && at+stoppedMemoryMs <= w.now) {
		w.t.Fatalf("interaction %s is stopped, and yet %v", ev.InteractionId, ev)
	}
	closes := func(ticket uint64) {
		if ticket != 0 && !w.open[Ticket(ticket)] {
			w.t.Fatalf("invitation %d is closed twice: %v", ticket, ev)
		}
		delete(w.open, Ticket(ticket))
	}
	switch m := ev.Message.(type) {
	case *usherv1.Event_EventInteractionSubmitted:
		delete(w.stopped, ev.InteractionId) // forgotten after 24 hours, the id may come again
	case *usherv1.Event_EventAgentInvited:
		w.open[Ticket(ev.Sequence)] = true
		a := w.e.agents[AgentID(m.EventAgentInvited.AgentId)]
		if m.EventAgentInvited.Operation == opRoute && !w.mayHave(a, ev.MediaType) {
			w.t.Fatalf("a routed invitation above the capacity of %s: %v", a.id, ev)
		}
	case *usherv1.Event_EventPartyAdded:
		closes(m.EventPartyAdded.Ticket)
	case *usherv1.Event_EventRejected:
		closes(m.EventRejected.Ticket)
	case *usherv1.Event_EventRevoked:
		closes(m.EventRevoked.Ticket)
	case *usherv1.Event_EventProcessingStopped:
		w.stopped[ev.InteractionId] = w.now
	}
}

// state is the whole state, encoded.
func (w *world) state() []byte { return encodeState(w.t, w.e) }

func encodeState(t testing.TB, e *Engine) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(e.Export())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check holds the state against its invariants.
func (w *world) check() {
	w.t.Helper()
	e := w.e
	handling, invited := map[AgentID]int{}, map[AgentID]int{}
	for i := range e.EachInteraction {
		w.checkPlace(i)
		w.checkDeadlines(i)
		w.checkVector(i)
		w.checkConversation(i)
		for _, p := range i.parties {
			handling[p.agent]++
		}
		seen := map[AgentID]bool{}
		for _, inv := range i.invitations {
			if seen[inv.agent] {
				w.t.Fatalf("two open invitations of %s to %s", inv.agent, i.ID())
			}
			seen[inv.agent] = true
			invited[inv.agent]++
			if !w.open[inv.ticket] {
				w.t.Fatalf("invitation %d is open but was reported closed", inv.ticket)
			}
		}
	}
	for a := range e.EachAgent {
		if len(a.handling) != handling[a.id] || len(a.invitations) != invited[a.id] {
			w.t.Fatalf("agent %s: %d parties and %d invitations, but %d and %d at the interactions",
				a.id, len(a.handling), len(a.invitations), handling[a.id], invited[a.id])
		}
		w.checkWork(a)
		w.checkGrace(a)
		delete(handling, a.id)
		delete(invited, a.id)
	}
	for _, q := range e.queues {
		if i, router := e.firstOf(q); i != nil && !q.unserved {
			w.t.Fatalf("interaction %s waits in %s although %s has room", i.ID(), q.name, describe(router))
		}
	}
	if len(handling)+len(invited) != 0 {
		w.t.Fatalf("parties %v or invitations %v of agents who are not logged in", handling, invited)
	}
	w.checkCounters()
	w.checkRows()
	w.checkVersions()
	w.checkViews()
}

// checkGrace: a grace runs for whoever has no window to work in, and for nobody
// else; without media, and with nothing that he handles, a wall is enough.
func (w *world) checkGrace(a *Agent) {
	w.t.Helper()
	var walls, windows int
	for _, o := range a.client.connections {
		if o.ConnectionKind == "supervisor" {
			walls++
		} else {
			windows++
		}
	}
	works := len(a.media) > 0
	for _, i := range a.handling {
		works = works || i.party(a.id).info.Operation != opIntrude
	}
	runs := a.client.graceUntil.at != 0
	switch {
	case windows > 0 && runs:
		w.t.Fatalf("agent %s has a window, and a grace that runs", a.id)
	case walls > 0 && !works && runs:
		w.t.Fatalf("agent %s is no more than a supervisor with a wall, and a grace runs", a.id)
	case windows == 0 && (works || walls == 0) && !runs:
		w.t.Fatalf("agent %s has no window to work in (%d walls), and no grace runs", a.id, walls)
	case runs && a.rowState() != usherv1.AgentRowState_AGENT_ROW_STATE_CONNECTION_LOST:
		w.t.Fatalf("agent %s is in his grace, and shown as %s", a.id, a.rowState())
	}
	for _, m := range a.media {
		if runs && a.Available(m.media) {
			w.t.Fatalf("agent %s is in his grace, and available for %s", a.id, m.media)
		}
	}
}

// checkRows: what is counted of queues, and known of agents, for the rows of a
// grid is what a walk through all of them finds.
func (w *world) checkRows() {
	w.t.Helper()
	rows := map[string]*usherv1.QueueRow{}
	for i := range w.e.EachInteraction {
		row := rows[i.props.Queue]
		if row == nil {
			row = &usherv1.QueueRow{}
			rows[i.props.Queue] = row
		}
		switch {
		case i.props.State == stateHandling:
			row.Handling++
		case i.props.Workbin == nil && len(i.invitations) == 0:
			row.Waiting++
			if row.OldestSinceMs == 0 || i.props.MovedToQueueAtMs < row.OldestSinceMs {
				row.OldestSinceMs = i.props.MovedToQueueAtMs
			}
		}
	}
	d := w.e.Directory("", true)
	for _, got := range d.Queues {
		want := rows[got.Queue]
		if got.Waiting != want.GetWaiting() || got.Handling != want.GetHandling() || got.OldestSinceMs != want.GetOldestSinceMs() {
			w.t.Fatalf("the row of a queue is %v, there are %v", got, want)
		}
	}
	for _, got := range d.Agents {
		a := w.e.agents[AgentID(got.AgentId)]
		if a == nil && got.SinceMs == 0 && got.State == usherv1.AgentRowState_AGENT_ROW_STATE_LOGGED_OUT {
			continue
		}
		if a == nil || got.State != a.rowState() || got.SinceMs == 0 || got.SinceMs > int64(w.now) || len(got.Handling) != len(a.handling) {
			w.t.Fatalf("the row of an agent is %v, his state %v", got, a)
		}
		if a.extension != "" && w.e.extensions[a.extension] != a {
			w.t.Fatalf("agent %s is not known to be at extension %s", a.id, a.extension)
		}
	}
}

// checkPlace: an interaction is in exactly one place.
func (w *world) checkPlace(i *Interaction) {
	w.t.Helper()
	e, places := w.e, []string{}
	for name, q := range e.queues {
		if _, in := q.queued.Get(i); in && contains(q.queued, i) {
			places = append(places, "queue "+string(name))
		}
		if contains(q.routing, i) {
			places = append(places, "routing from "+string(name))
		}
	}
	for key, bin := range e.workbins {
		if contains(bin.content, i) {
			places = append(places, "workbin "+key.name)
		}
	}
	if len(i.parties) > 0 {
		places = append(places, "agents")
	}
	if len(places) != 1 {
		w.t.Fatalf("interaction %s (%s) is in %v", i.ID(), i.props.State, places)
	}
	want := map[usherv1.InteractionState]bool{
		stateQueued: i.strategy == "" && len(i.parties) == 0, stateRouting: i.strategy != "" && len(i.parties) == 0,
		stateHandling: i.strategy == "" && len(i.parties) > 0,
	}
	if !want[i.props.State] {
		w.t.Fatalf("interaction %s is %s with strategy %q and %d parties", i.ID(), i.props.State, i.strategy, len(i.parties))
	}
}

func contains(tree *interactionTree, i *Interaction) bool {
	found, ok := tree.Get(i)
	return ok && found == i
}

// checkDeadlines: every transient state has a live deadline.
func (w *world) checkDeadlines(i *Interaction) {
	w.t.Helper()
	transient := i.props.State == stateRouting || i.props.State == stateHandling
	if live := i.deadline.place != 0; live != transient {
		w.t.Fatalf("interaction %s is %s: deadline live is %v", i.ID(), i.props.State, live)
	}
	for _, inv := range i.invitations {
		if inv.deadline.place == 0 {
			w.t.Fatalf("invitation %d has no deadline", inv.ticket)
		}
	}
	if i.deadline.place != 0 && !slices.Contains(w.e.deadlines.items, &i.deadline) {
		w.t.Fatalf("interaction %s: its deadline is not in the heap", i.ID())
	}
}

// checkFold holds the live state against the fold of the journal, and both
// against a state that was saved and loaded.
func (w *world) checkFold() {
	w.t.Helper()
	folded := New("default")
	for n, stored := range w.journal {
		var entry usherv1.Entry
		if err := proto.Unmarshal(stored, &entry); err != nil {
			w.t.Fatal(err)
		}
		folded.Fold(Sequence(n+1), &Entry{Event: entry.Event, Fact: entry.Fact})
	}
	live := w.state()
	w.sameDeadlines(folded)
	if got := encodeState(w.t, folded); string(got) != string(live) {
		w.t.Fatalf("the fold of the journal differs from the live state:\n%s\nlive:\n%s", describeState(got), describeState(live))
	}
	saved := &usherv1.TenantState{}
	if err := proto.Unmarshal(live, saved); err != nil {
		w.t.Fatal(err)
	}
	loaded := Load(saved)
	w.sameDeadlines(loaded)
	if got := encodeState(w.t, loaded); string(got) != string(live) {
		w.t.Fatalf("a saved and loaded state differs from the live one:\n%s\nlive:\n%s", describeState(got), describeState(live))
	}
}

// sameDeadlines holds that everything happens in another engine when it does in
// the live one: what is not saved at all can't be seen in what is saved.
func (w *world) sameDeadlines(other *Engine) {
	w.t.Helper()
	due := func(e *Engine) (all []string) {
		for _, d := range e.deadlines.items {
			all = append(all, fmt.Sprint(d.at, " ", d.kind))
		}
		slices.Sort(all)
		return all
	}
	if live, got := due(w.e), due(other); !slices.Equal(live, got) {
		w.t.Fatalf("deadlines are %v, those of the live state %v", got, live)
	}
}

func describeState(b []byte) string {
	s := &usherv1.TenantState{}
	if err := proto.Unmarshal(b, s); err != nil {
		return err.Error()
	}
	return s.String()
}

// TestFieldStopped holds the number by which stopped interactions are framed.
func TestFieldStopped(t *testing.T) {
	field := (&usherv1.TenantState{}).ProtoReflect().Descriptor().Fields().ByName("stopped")
	if field.Number() != fieldStopped {
		t.Errorf("stopped is field %d, not %d", field.Number(), fieldStopped)
	}
}
