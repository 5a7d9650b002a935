// Package waits measures how well waits are foreseen: it plays days of a
// contact centre, and compares what was foreseen for each call that had to
// wait, when it came and each minute after, with what came. It promises the
// same figures for the same seed.
//
// Customers and agents are made here, as they are: Poisson arrivals, lognormal
// handling times, some seconds of ringing, pauses. The switch between them is
// a Floor: the model, which is the estimator and hardly more, or the engine
// with its router, which is the product. Where agents have one call at a time
// the two do the same, so that what is measured of one holds for the other.
//
// Three ways to foresee are compared:
//
//   - ours, that of the Floor.
//   - naive, position x average handling time / agents logged in. It is given
//     the true running average, with after-call work.
//   - informed, the same with the agents who are not in AUX.
//
// The measure is the median of the absolute errors.
package waits

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// way is a way to foresee.
type way int

const (
	ours way = iota
	naive
	informed
	ways
)

// errorsMs are absolute errors of each way, of the same waits; sorted once all
// are there.
type errorsMs [ways][]int64

func (e *errorsMs) add(foreseenMs [ways]int64, waitMs int64) {
	for w, ms := range foreseenMs {
		e[w] = append(e[w], max(ms-waitMs, waitMs-ms))
	}
}

func (e *errorsMs) pool(more errorsMs) {
	for w := range ways {
		e[w] = append(e[w], more[w]...)
	}
}

func (e *errorsMs) sort() {
	for w := range ways {
		slices.Sort(e[w])
	}
}

func (e *errorsMs) median(w way) int64 {
	if len(e[w]) == 0 {
		return 0 // nobody waited
	}
	return e[w][len(e[w])/2]
}

// ratio is how large our errors are for each of another way's.
func (e *errorsMs) ratio(other way) float64 {
	return float64(e.median(ours)) / float64(e.median(other))
}

// Result is how well the waits of a pattern were foreseen.
type Result struct {
	Pattern   string
	waitsMs   []int64  // of the calls that were not answered at once
	atArrival errorsMs // of what was foreseen when they came
	all       errorsMs // and each minute after
	// mayEqualNaive is the pattern's.
	mayEqualNaive bool
}

// add takes up a call that is answered.
func (r *Result) add(c *caller, nowMs int64) {
	for i, g := range c.guesses {
		waitMs := nowMs - g.atMs
		r.all.add(g.waitMs, waitMs)
		if i == 0 {
			r.waitsMs = append(r.waitsMs, waitMs)
			r.atArrival.add(g.waitMs, waitMs)
		}
	}
}

func (r *Result) pool(more Result) {
	r.waitsMs = append(r.waitsMs, more.waitsMs...)
	r.atArrival.pool(more.atArrival)
	r.all.pool(more.all)
}

func (r *Result) meanWaitMs() int64 {
	sum := int64(0)
	for _, ms := range r.waitsMs {
		sum += ms
	}
	return sum / int64(max(len(r.waitsMs), 1))
}

// Days are how many days of each pattern a seed has.
const Days = 20

// Measure plays so many days of each pattern, each day with a Floor of its
// own, and pools them.
func Measure(seed uint64, days int, newFloor func([]Agent) Floor) []Result {
	results := make([]Result, len(patterns))
	var playing sync.WaitGroup
	for i := range patterns {
		playing.Go(func() {
			p := &patterns[i]
			results[i].Pattern, results[i].mayEqualNaive = p.name, p.mayEqualNaive
			for n := range uint64(min(days, Days)) {
				results[i].pool(play(p, seed*Days+n, newFloor(p.agents)))
			}
			results[i].atArrival.sort()
			results[i].all.sort()
		})
	}
	playing.Wait()
	return results
}

// Table is what Measure finds of the engine and its router, as Markdown.
func Table(seed uint64, days int) string { return Format(Measure(seed, days, NewEngine)) }

// Format makes a Markdown table of results; times are seconds.
func Format(results []Result) string {
	var b strings.Builder
	b.WriteString("| pattern | calls that waited | mean wait | error | naive | informed | ours/naive | of arrival alone | ours/informed | of arrival alone |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i := range results {
		r := &results[i]
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %.2f | %.2f | %.2f | %.2f |\n",
			r.Pattern, len(r.waitsMs), seconds(r.meanWaitMs()),
			seconds(r.all.median(ours)), seconds(r.all.median(naive)), seconds(r.all.median(informed)),
			r.all.ratio(naive), r.atArrival.ratio(naive), r.all.ratio(informed), r.atArrival.ratio(informed))
	}
	return b.String()
}

func seconds(ms int64) string { return fmt.Sprintf("%.1f", float64(ms)/1000) }
