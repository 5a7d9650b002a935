package enginedriver_test

import (
	"testing"

	"github.com/usher-cc/usher/scenarios"
	"github.com/usher-cc/usher/sim/enginedriver"
	"github.com/usher-cc/usher/sim/scenario"
)

// TestScenarios plays every golden scenario against the engine.
func TestScenarios(t *testing.T) {
	all, err := scenario.Load(scenarios.Files)
	if err != nil || len(all) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, s := range all {
		for _, p := range s.Phases {
			t.Run(s.Name+"/"+p.Name, func(t *testing.T) { play(t, p) })
		}
	}
}

func play(t *testing.T, p *scenario.Phase) {
	configuration, err := p.Configuration(scenarios.Fixture)
	if err != nil {
		t.Fatal(err)
	}
	d, err := enginedriver.New(configuration)
	if err != nil {
		t.Fatal(err)
	}
	if err := scenario.Play(t.Context(), d, p, func(scenario.Line) {}); err != nil {
		t.Error(err)
	}
}
