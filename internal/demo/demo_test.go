package demo

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/sim/scenario"
)

func start(t *testing.T) *Demo {
	t.Helper()
	d, err := Start(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
}

// watcher notes what it is shown.
type watcher struct {
	shown []string
	whys  []*usherv1.EventWhyWaiting
	arrow func(*usherv1.TraceLine)
}

func (w *watcher) Part(title string) error {
	w.shown = append(w.shown, "# "+title)
	return nil
}

func (w *watcher) Arrow(line *usherv1.TraceLine) error {
	if w.arrow != nil {
		w.arrow(line)
	}
	w.shown = append(w.shown, line.GetMessage())
	return nil
}

func (w *watcher) Why(why *usherv1.EventWhyWaiting) error {
	w.whys = append(w.whys, why)
	w.shown = append(w.shown, "? "+why.GetSummary())
	return nil
}

// TestTour: the tour shows each feature of routing, and twice the same.
func TestTour(t *testing.T) {
	var first []string
	for range 2 {
		d, w := start(t), &watcher{}
		var vdns, invited, modes []string
		w.arrow = func(line *usherv1.TraceLine) {
			ev := line.GetEvent()
			if placed := ev.GetEventPlacedInQueue(); placed != nil && placed.GetVdn() != "" {
				vdns = append(vdns, placed.GetVdn())
			}
			if asked := ev.GetEventAgentInvited(); asked != nil {
				invited = append(invited, asked.GetAgentId()+" "+asked.GetSkill())
			}
			if mode := ev.GetEventAgentStateReasonChanged(); mode != nil && ev.GetReason() == "RONA" {
				modes = append(modes, mode.GetAgentId()+" "+mode.GetWorkMode().String())
			}
		}
		if err := d.Tour(t.Context(), w); err != nil {
			t.Fatalf("%v\n%s", err, strings.Join(w.shown, "\n"))
		}
		if got := slices.Compact(vdns); !slices.Equal(got, []string{"4001", "4002"}) {
			t.Error("VDNs:", vdns)
		}
		if !slices.Equal(invited, []string{"ana billing", "ben billing", "cleo "}) {
			t.Error("invited:", invited)
		}
		if !slices.Equal(modes, []string{"ana WORK_MODE_AUX"}) {
			t.Error("RONA:", modes)
		}
		if len(w.whys) != 3 || len(w.whys[0].GetPlaces()) != 2 {
			t.Error("explained:", w.whys)
		}
		for _, message := range []string{"Request3rdServer", "EventExternalServiceResponded", "EventTreatmentApplied", "EventRouteUsed"} {
			if !slices.Contains(w.shown, message) {
				t.Errorf("there is no %s", message)
			}
		}
		if first == nil {
			first = w.shown
		} else if !slices.Equal(first, w.shown) {
			t.Errorf("the tour is not always the same:\n%s\n\n%s", strings.Join(first, "\n"), strings.Join(w.shown, "\n"))
		}
	}
}

// TestWindows sees the whole life of a chat go by between bots.
func TestWindows(t *testing.T) {
	w, err := OpenWindows(t.Context(), t.TempDir(), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	missing := map[string]bool{
		"RequestSubmit": true, "Request3rdServer": true, "EventRouteRequest": true, "RequestRouteCall": true, "EventInvite": true,
		"RequestAccept": true, "EventPartyAdded": true, "EventRouteUsed": true, "EventLineAdded": true, "EventProcessingStopped": true,
	}
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	done := make(chan error, 1)
	go func() { done <- w.Work(ctx) }()
	err = w.trace(ctx, 0, func(_ context.Context, line *usherv1.TraceLine) error {
		if delete(missing, line.GetMessage()); len(missing) == 0 {
			enough()
		}
		return nil
	})
	if working := <-done; working != nil || len(missing) != 0 {
		t.Errorf("%v, %v; not seen: %v", err, working, missing)
	}
}

// TestOrderOfModels: the published models come first, in their order.
func TestOrderOfModels(t *testing.T) {
	six, sixteen, other := &scenario.Scenario{Spec: "models.md 6"}, &scenario.Scenario{Spec: "models.md 16"}, &scenario.Scenario{}
	if !(model(six) < model(sixteen) && model(sixteen) < model(other)) {
		t.Error(model(six), model(sixteen), model(other))
	}
}
