// Package bench measures a whole Usher in one run on one machine, from the disk
// up to the clients. It promises that its figures can be compared with each
// other: the file and the journal take the batches that the server made, the
// empty service hears the calls that the server heard, from the same clients,
// in turns with it, and whatever fails or gets lost ends the run with an error.
//
//	a file, synced     <- the same batches ->  the journal
//	the engine alone                           with its router
//	the whole server   <- the same calls ->    a service that does nothing
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The defaults of Options.
const (
	DefaultDuration = 4 * time.Second
	DefaultMedia    = 8
	DefaultAgents   = 500
)

// By how much Options.Small makes the numbers smaller.
const (
	smallInteractions = 1_000
	smallAgents       = 100
)

// Options say what to measure.
type Options struct {
	// Duration is how long server and empty service are measured each, in
	// each way; the other measurements take shares of it.
	Duration time.Duration
	// Media and Agents are how many clients there are.
	Media, Agents int
	// Dir is where the data folders are made; the system's place for temporary
	// files by default. It should be on the disk that is to be measured.
	Dir string
	// Small takes fewer interactions and agents where their number matters, for
	// tests.
	Small bool
	// Progress, if set, is told what is measured next.
	Progress func(what string)
}

func (o Options) withDefaults() Options {
	if o.Duration == 0 {
		o.Duration = DefaultDuration
	}
	if o.Media == 0 {
		o.Media = DefaultMedia
	}
	if o.Agents == 0 {
		o.Agents = DefaultAgents
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o
}

// check refuses what can't be measured.
func (o Options) check() error {
	if o.Duration < 0 || o.Media < 0 || o.Agents < 0 {
		return errors.New("the duration and the numbers of clients must not be negative")
	}
	return nil
}

// Result is what was measured. A life is all of an interaction: it is
// submitted, routed, an agent is invited, accepts and stops it.
type Result struct {
	// The batches of the server under full load, each synced before the next:
	// written to a file, and appended to a journal.
	RawAppendsPerS     float64 `json:"raw_appends_per_s"`
	JournalAppendsPerS float64 `json:"journal_appends_per_s"`
	BytesPerFsync      float64 `json:"bytes_per_fsync"`

	// By one processor: the engine, which makes all facts and messages, and
	// the engine with the router that picks the agent.
	EngineLivesPerS       float64 `json:"engine_lives_per_s"`
	EngineRouterLivesPerS float64 `json:"engine_router_lives_per_s"`

	// Over the network, durable, as many at once as there are agents; and as
	// many calls and messages of a service that does nothing. Clients and
	// server share the machine, and the processors' time is that of both.
	APILivesPerS         float64 `json:"api_lives_per_s"`
	EmptyRPCLivesPerS    float64 `json:"empty_rpc_lives_per_s"`
	LivesPerFsync        float64 `json:"lives_per_fsync"`
	FsyncsPerS           float64 `json:"fsyncs_per_s"`
	CPUUsPerLife         float64 `json:"cpu_us_per_life"`
	EmptyRPCCPUUsPerLife float64 `json:"empty_rpc_cpu_us_per_life"`
	BytesPerLife         float64 `json:"bytes_per_life"`

	// From submit to the agent's EventInvite, at half of that load.
	HalfLoadLivesPerS float64 `json:"half_load_lives_per_s"`
	InviteP50Ms       float64 `json:"invite_p50_ms"`
	InviteP99Ms       float64 `json:"invite_p99_ms"`

	// The router's time for one match, by the interactions that wait, with
	// 1,000 agents, and by both.
	MatchNs1k      float64 `json:"match_ns_1k"`
	MatchNs100k    float64 `json:"match_ns_100k"`
	MatchNs1m      float64 `json:"match_ns_1m"`
	MatchNs1k10    float64 `json:"match_ns_1k_10_agents"`
	MatchNs1k10k   float64 `json:"match_ns_1k_10k_agents"`
	MatchNs100k10  float64 `json:"match_ns_100k_10_agents"`
	MatchNs100k10k float64 `json:"match_ns_100k_10k_agents"`
	MatchNs1m10    float64 `json:"match_ns_1m_10_agents"`
	MatchNs1m10k   float64 `json:"match_ns_1m_10k_agents"`

	// The router's time by skill, as matches of one processor, with 1,000 agents,
	// 50 skills and 100,000 interactions that wait, and how many times that of a
	// bare heap for each skill. Vectors are run by router and engine, from their
	// beginning until they suspend.
	SkillMatchesPerS  float64 `json:"skill_matches_per_s"`
	SkillMatchToHeaps float64 `json:"skill_match_to_heaps"`
	VectorRunsPerS    float64 `json:"vector_runs_per_s"`

	// The router's time for an arrival, its vector included, and for an agent
	// who becomes free, by the interactions that wait, with 10,000 agents and 500
	// skills.
	SkillArrivalNs100  float64 `json:"skill_arrival_ns_100"`
	SkillArrivalNs1k   float64 `json:"skill_arrival_ns_1k"`
	SkillArrivalNs10k  float64 `json:"skill_arrival_ns_10k"`
	SkillArrivalNs100k float64 `json:"skill_arrival_ns_100k"`
	SkillArrivalNs1m   float64 `json:"skill_arrival_ns_1m"`
	SkillFreeNs100     float64 `json:"skill_free_ns_100"`
	SkillFreeNs1k      float64 `json:"skill_free_ns_1k"`
	SkillFreeNs10k     float64 `json:"skill_free_ns_10k"`
	SkillFreeNs100k    float64 `json:"skill_free_ns_100k"`
	SkillFreeNs1m      float64 `json:"skill_free_ns_1m"`

	// The start of a server with 100,000 interactions and 1,000 agents, from
	// a snapshot and the entries after it.
	Start100kMs          float64 `json:"start_100k_ms"`
	StartReplayedEntries float64 `json:"start_replayed_entries"`
	BytesPerWaiting      float64 `json:"bytes_per_waiting_interaction"` // without user data, in the engine and the router

	TookS float64 `json:"took_s"` // the whole run
}

// run is a run under way.
type run struct {
	Options
	dir    string
	result Result
	// from and to are the sequences of the journal between which the server was
	// last under full load.
	from, to uint64
}

// Run measures everything.
func Run(ctx context.Context, o Options) (_ *Result, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	began := time.Now()
	dir, err := os.MkdirTemp(o.Dir, "usher-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &run{Options: o, dir: dir}
	for _, step := range []struct {
		what string
		do   func(ctx context.Context) error
	}{
		{"the engine, and its router", r.inEngine},
		{"the server, and a service that does nothing", r.overNetwork},
		{"a file, and the journal", r.onDisk},
		{"matches", r.inRouter},
		{"matches by skill", r.bySkill},
		{"a start", r.fromDisk},
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o.Progress(step.what)
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("measure %s: %w", step.what, err)
		}
	}
	r.result.TookS = time.Since(began).Seconds()
	return &r.result, nil
}

// The data folders. The server's batches are written again after it has ended.
func (r *run) serverDir() string  { return filepath.Join(r.dir, "server") }
func (r *run) journalDir() string { return filepath.Join(r.dir, "journal") }
func (r *run) startDir() string   { return filepath.Join(r.dir, "start") }
func (r *run) rawFile() string    { return filepath.Join(r.dir, "raw") }

// interactions is how many interactions are taken in place of n.
func (o *Options) interactions(n int) int {
	if o.Small {
		return max(n/smallInteractions, smallInteractions)
	}
	return n
}

// agents is how many agents are taken in place of n.
func (o *Options) agents(n int) int {
	if o.Small {
		return max(n/smallAgents, 1)
	}
	return n
}
