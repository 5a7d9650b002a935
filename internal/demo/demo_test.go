package demo

import (
	"context"
	"log/slog"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/sim/scenario"
)

// TestTraffic sees the whole life of an interaction go by.
func TestTraffic(t *testing.T) {
	d, err := Start(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	missing := map[string]bool{
		"RequestSubmit": true, "EventRouteRequest": true, "RequestRouteCall": true, "EventInvite": true,
		"RequestAccept": true, "EventPartyAdded": true, "EventRouteUsed": true, "EventProcessingStopped": true,
	}
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	err = d.Traffic(ctx, func(line *usherv1.TraceLine) error {
		if delete(missing, line.Message); len(missing) == 0 {
			enough()
		}
		return nil
	})
	if err != nil || len(missing) != 0 {
		t.Errorf("%v; not seen: %v", err, missing)
	}
}

// TestOrderOfModels: the published models come first, in their order.
func TestOrderOfModels(t *testing.T) {
	six, sixteen, other := &scenario.Scenario{Spec: "models.md 6"}, &scenario.Scenario{Spec: "models.md 16"}, &scenario.Scenario{}
	if !(model(six) < model(sixteen) && model(sixteen) < model(other)) {
		t.Error(model(six), model(sixteen), model(other))
	}
}
