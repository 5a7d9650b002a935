// Package demo shows Usher at work: it plays every phase of every published
// model against a running server over its public API, takes two chats on a
// tour through a small contact centre, or opens that contact centre to people,
// with bots for those who only look. It promises that what it shows has
// happened: each arrow is printed after the server's journal and replies have
// told it.
//
//	PlayModels   the models, each phase in a tenant of its own; time stands still
//	Tour         centre.yaml, step by step, always the same; time goes by steps
//	Windows      centre.yaml and windows.yaml, as it comes; time goes as it does
package demo

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/usher-cc/usher/scenarios"
	"github.com/usher-cc/usher/sim/scenario"
	"github.com/usher-cc/usher/sim/serverdriver"
)

// Demo is a server with an embedded journal. Its clock stands still while the
// models are played, so that half an hour's timeout takes no time.
type Demo struct {
	host *serverdriver.Local
	key  string
}

// Start starts the server on a data folder.
func Start(ctx context.Context, dataDir string, logger *slog.Logger) (*Demo, error) {
	host, key, err := serverdriver.StartLocal(ctx, dataDir, logger)
	if err != nil {
		return nil, err
	}
	return &Demo{host: host, key: key}, nil
}

// URL is where the server listens for clients.
func (d *Demo) URL() string { return d.host.URL() }

// AdminURL is where it listens for operators.
func (d *Demo) AdminURL() string { return d.host.AdminURL() }

// Key is an API key of administration for all tenants.
func (d *Demo) Key() string { return d.key }

// Shutdown stops the server.
func (d *Demo) Shutdown(ctx context.Context) error { return d.host.Shutdown(ctx) }

// Viewer is shown what is played.
type Viewer interface {
	// Phase begins a phase.
	Phase(s *scenario.Scenario, p *scenario.Phase)
	// Line is one arrow.
	Line(l scenario.Line)
}

// PlayModels plays every phase of every model, each in a tenant of its own.
func (d *Demo) PlayModels(ctx context.Context, v Viewer) (phases int, err error) {
	all, err := scenario.Load(scenarios.Files)
	if err != nil {
		return 0, err
	}
	slices.SortStableFunc(all, func(a, b *scenario.Scenario) int { return cmp.Compare(model(a), model(b)) })
	system := serverdriver.NewSystem(d.host, d.key)
	for _, s := range all {
		for _, p := range s.Phases {
			v.Phase(s, p)
			if err := d.play(ctx, system, p, v.Line); err != nil {
				return phases, fmt.Errorf("%s, %s: %w", s.Name, p.Name, err)
			}
			phases++
		}
	}
	return phases, nil
}

// model is the number of the model in the spec.
func model(s *scenario.Scenario) int {
	n, err := strconv.Atoi(strings.TrimPrefix(s.Spec, "models.md "))
	if err != nil {
		return math.MaxInt
	}
	return n
}

func (d *Demo) play(ctx context.Context, system *serverdriver.System, p *scenario.Phase, line func(scenario.Line)) error {
	configuration, err := p.Configuration(scenarios.Fixture)
	if err != nil {
		return err
	}
	driver, err := system.New(ctx, p.Scenario, configuration, serverdriver.Participants(p))
	if err != nil {
		return err
	}
	defer driver.Close()
	return scenario.Play(ctx, driver, p, line)
}
