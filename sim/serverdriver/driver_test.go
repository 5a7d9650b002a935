package serverdriver_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/usher-cc/usher/scenarios"
	"github.com/usher-cc/usher/sim/scenario"
	"github.com/usher-cc/usher/sim/serverdriver"
)

// TestScenarios plays every golden scenario against a running server.
func TestScenarios(t *testing.T) {
	all, err := scenario.Load(scenarios.Files)
	if err != nil || len(all) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	host, key, err := serverdriver.StartLocal(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	system := serverdriver.NewSystem(host, key)
	for _, s := range all {
		for _, p := range s.Phases {
			t.Run(s.Name+"/"+p.Name, func(t *testing.T) { play(t, system, p) })
		}
	}
}

func play(t *testing.T, system *serverdriver.System, p *scenario.Phase) {
	configuration, err := p.Configuration(scenarios.Fixture)
	if err != nil {
		t.Fatal(err)
	}
	d, err := system.New(t.Context(), p.Scenario, configuration, serverdriver.Participants(p))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := scenario.Play(t.Context(), d, p, func(scenario.Line) {}); err != nil {
		t.Error(err)
	}
}
