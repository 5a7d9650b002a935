package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/usher-cc/usher/internal/bench"
)

// TestBench measures with --json, and prints what it measured as text.
func TestBench(t *testing.T) {
	o := bench.Options{Duration: 60 * time.Millisecond, Media: 1, Agents: 2, Dir: t.TempDir(), Small: true}
	var out bytes.Buffer
	if err := runBench(t.Context(), &out, io.Discard, o, true); err != nil {
		t.Fatal(err)
	}
	var r bench.Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	out.Reset()
	printBench(&out, o, &r)
	text := out.String()
	if !strings.HasPrefix(text, "usher bench --duration 60ms --media 1 --agents 2 ") {
		t.Errorf("the command is not there to repeat:\n%s", text)
	}
	if strings.Contains(text, "%!") || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("not all are figures:\n%s", text)
	}
}

// TestBenchWaits prints a row for each pattern, with figures.
func TestBenchWaits(t *testing.T) {
	var out bytes.Buffer
	if err := runWaits(&out, waitsOptions{seed: 1, days: 1}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.HasPrefix(text, "usher bench --waits --seed 1 --days 1\n") {
		t.Errorf("the command is not there to repeat:\n%s", text)
	}
	if rows := strings.Count(text, "\n| "); rows < 10 || strings.Contains(text, "NaN") || strings.Contains(text, "%!") {
		t.Errorf("not a table of figures:\n%s", text)
	}
	for _, days := range []int{0, 21} {
		if runWaits(&out, waitsOptions{days: days}) == nil {
			t.Errorf("played %d days", days)
		}
	}
}

func TestBenchRefusesNegativeNumbers(t *testing.T) {
	if err := runBench(t.Context(), io.Discard, io.Discard, bench.Options{Agents: -1}, true); err == nil {
		t.Error("measured with less than no agents")
	}
}

func TestGrouped(t *testing.T) {
	for figure, want := range map[float64]string{0: "0", 12.6: "13", 999: "999", 1_000: "1,000", 1_234_567: "1,234,567"} {
		if got := grouped(figure); got != want {
			t.Errorf("%v is %s, not %s", figure, got, want)
		}
	}
}
