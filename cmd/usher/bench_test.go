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
