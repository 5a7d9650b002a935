package bench

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// TestRun runs everything, on a small scale: every figure is there, and nothing
// is left behind.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	var steps int
	r, err := Run(t.Context(), Options{
		Duration: 60 * time.Millisecond, Media: 2, Agents: 4, Dir: dir, Small: true,
		Progress: func(string) { steps++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var figures map[string]float64
	if err := json.Unmarshal(raw, &figures); err != nil {
		t.Fatalf("not one flat object of figures: %v\n%s", err, raw)
	}
	for name, figure := range figures {
		if figure <= 0 {
			t.Errorf("%s is %v", name, figure)
		}
	}
	for _, name := range []string{
		"raw_appends_per_s", "journal_appends_per_s", "engine_lives_per_s", "api_lives_per_s", "empty_rpc_lives_per_s",
		"lives_per_fsync", "invite_p50_ms", "invite_p99_ms", "bytes_per_life", "match_ns_1k", "match_ns_100k", "match_ns_1m",
		"skill_matches_per_s", "vector_runs_per_s", "skill_arrival_ns_1m", "skill_free_ns_100", "start_100k_ms", "bytes_per_waiting_interaction", "cpu_us_per_life",
	} {
		if _, ok := figures[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 || steps != 6 {
		t.Errorf("left %v, %v, after %d steps", left, err, steps)
	}
}

// TestFailure: a service that refuses ends the run with its refusal.
func TestFailure(t *testing.T) {
	e, target, err := startEmpty(Options{Media: 1, Agents: 1}, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	f, err := newFleet(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	if err := f.saturate(1, make(chan struct{})); err == nil {
		t.Error("nobody missed the service")
	}
}

// TestChats runs chats on a small scale: every figure is there, and nothing is
// left behind.
func TestChats(t *testing.T) {
	dir := t.TempDir()
	var steps int
	r, err := RunChats(t.Context(), ChatOptions{
		Customers: 6, Agents: 2, Every: 200 * time.Millisecond, Duration: time.Millisecond, Dir: dir,
		Progress: func(string) { steps++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, figure := range map[string]float64{
		"connected": r.ConnectedS, "lines": r.LinesPerS, "to agent": r.ToAgentP99Ms, "to customer": r.ToCustomerP99Ms, "processor": r.CPUUsPerLine,
		"memory": r.BytesPerConnection,
	} {
		if figure <= 0 {
			t.Errorf("%s is %v", name, figure)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 || steps != 3 {
		t.Errorf("left %v, %v, after %d steps", left, err, steps)
	}
	if _, err := RunChats(t.Context(), ChatOptions{Customers: 1}); err == nil {
		t.Error("measured without agents")
	}
}
