package engine

import (
	"fmt"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// crowd is more than one input deals with.
const crowd = 3*maxHandedOver + 7

// maxEntries is what one input may make of the crowd: the largest step for
// one interaction makes five entries.
const maxEntries = 6 * maxHandedOver

// submitCrowd submits to a queue; every other one with a priority.
func submitCrowd(w *world, queue string) {
	for n := range crowd {
		w.must(media, &usherv1.RequestSubmit{
			InteractionId: fmt.Sprintf("c%d", n), Queue: queue, MediaType: "chat", IsOnline: true, Priority: int32(n % 2),
		})
	}
}

// inPortions lets what an input has left be done, and checks its size.
func inPortions(t *testing.T, w *world, out Output) []Entry {
	t.Helper()
	all := out.Entries
	for portions := 1; ; portions++ {
		if len(out.Entries) > maxEntries {
			t.Fatalf("one input made %d entries", len(out.Entries))
		}
		at, due := w.e.NextDeadline()
		if !due || at > w.now {
			if portions < 3 {
				t.Errorf("all was done in %d portions", portions)
			}
			return all
		}
		out = w.e.Tick(w.now, w.next)
		w.took(out)
		all = append(all, out.Entries...)
	}
}

// count counts the interactions of a router.
func count(w *world, router Participant) (n int) {
	for i := range w.e.EachInteraction {
		if i.router == router {
			n++
		}
	}
	return n
}

// TestCrowdGoesToRouters: who comes to a crowd gets it in order and in portions.
func TestCrowdGoesToRouters(t *testing.T) {
	w := centre(t)
	for _, router := range []Participant{urs, urs2} {
		w.must(router, Disconnect{ConnectionID: router.ID + "-c"})
	}
	submitCrowd(w, "external")
	last := int32(1)
	for _, entry := range inPortions(t, w, w.must(urs, Connect{ConnectionID: "again"})) {
		if entry.Event.GetEventRouteRequest() != nil {
			priority := w.e.interactions[InteractionID(entry.Event.InteractionId)].Priority()
			if priority > last {
				t.Fatalf("%s is handed over after one of less priority", entry.Event.InteractionId)
			}
			last = priority
		}
	}
	if n := count(w, urs); n != crowd {
		t.Errorf("the router has %d of %d", n, crowd)
	}
	w.must(urs2, Connect{ConnectionID: "again"})
	inPortions(t, w, w.must(urs, Disconnect{ConnectionID: "again"}))
	if n := count(w, urs2); n != crowd {
		t.Errorf("the successor has %d of %d", n, crowd)
	}
	w.checkFold()
}

// TestCrowdChangesStrategy: a queue's crowd comes back from the router of the
// former strategy and goes to that of the new one.
func TestCrowdChangesStrategy(t *testing.T) {
	w := centre(t)
	submitCrowd(w, "routed")
	apply := Apply{&usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		Queues: []*usherv1.Queue{{Name: "routed", Strategy: "test"}},
	}}}
	inPortions(t, w, w.must(admin, apply))
	if builtin, external := count(w, BuiltinRouter), count(w, urs)+count(w, urs2); builtin != 0 || external != crowd {
		t.Errorf("the built-in router has %d, the others %d of %d", builtin, external, crowd)
	}
	w.checkFold()
}

// TestCrowdOfLostMediaServer: its sessions are online no more, in portions.
func TestCrowdOfLostMediaServer(t *testing.T) {
	w := centre(t)
	submitCrowd(w, "inbound")
	w.must(media, Disconnect{ConnectionID: "chat1-c"})
	w.now += 60_000
	inPortions(t, w, Output{})
	for i := range w.e.EachInteraction {
		if i.props.IsOnline {
			t.Fatalf("%s is online", i.ID())
		}
	}
	w.checkFold()
}

// TestRoomIsUsed: what an input frees at several routers is filled again.
func TestRoomIsUsed(t *testing.T) {
	w := centre(t)
	w.must(admin, Apply{&usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		Options: &usherv1.Options{MaxSubmittedPerRouter: new(int32(5))},
	}}})
	w.must(agent1, login("place1"))
	for n := range 30 {
		w.must(media, &usherv1.RequestSubmit{InteractionId: fmt.Sprintf("c%d", n), Queue: "external", MediaType: "chat"})
	}
	w.must(agent1, &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: "external"}, Count: 10})
	if a, b := count(w, urs), count(w, urs2); a != 5 || b != 5 {
		t.Errorf("the routers have %d and %d of 5", a, b)
	}
}
