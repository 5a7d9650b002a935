package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/usher-cc/usher/center"
)

const (
	rounds    = 3                      // turns of server and empty service
	warmUp    = 200 * time.Millisecond // before a round counts
	closeTime = 30 * time.Second       // for a server to end
)

// tally is what was counted in some time.
type tally struct {
	lives     uint64
	took, cpu time.Duration
	batches   uint64
	bytes     uint64
	from, to  uint64 // sequences of the journal
}

func (t *tally) add(u tally) {
	t.lives += u.lives
	t.took += u.took
	t.cpu += u.cpu
	t.batches += u.batches
	t.bytes += u.bytes
	t.from, t.to = u.from, u.to
}

func (t *tally) perSecond() float64 { return float64(t.lives) / t.took.Seconds() }

func (t *tally) cpuUsPerLife() float64 {
	return float64(t.cpu) / float64(time.Microsecond) / float64(t.lives)
}

// overNetwork measures the server and the empty service.
func (r *run) overNetwork(ctx context.Context) (err error) {
	s, t, err := startServer(ctx, r.serverDir(), r.Options)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		err = errors.Join(err, s.Shutdown(ending))
	}()
	f, err := newFleet(ctx, t)
	if err != nil {
		return err
	}
	defer f.close()
	if _, err := f.round(ctx, r.Agents, r.Duration/4, s.Center().Status); err != nil {
		return err
	}
	if err := r.fullLoad(ctx, s.Center(), f); err != nil {
		return err
	}
	return r.halfLoad(ctx, f)
}

// fullLoad lets server and empty service take turns.
func (r *run) fullLoad(ctx context.Context, c *center.Center, f *fleet) (err error) {
	e, empty, err := emptyLike(ctx, r.Options, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	defer empty.close()
	var api, rpc tally
	for range rounds {
		full, err := f.round(ctx, r.Agents, r.Duration/rounds, c.Status)
		if err != nil {
			return err
		}
		api.add(full)
		idle, err := empty.round(ctx, r.Agents, r.Duration/rounds, func() center.Status { return center.Status{} })
		if err != nil {
			return fmt.Errorf("the empty service: %w", err)
		}
		rpc.add(idle)
	}
	r.from, r.to = api.from, api.to
	r.result.tell(&api, &rpc)
	return nil
}

// emptyLike is an empty service, with as many messages in a life as a fleet has
// heard, and clients.
func emptyLike(ctx context.Context, o Options, f *fleet) (*empty, *fleet, error) {
	lives := f.ended.Load()
	perLife := func(events uint64) int { return int((events + lives/2) / lives) }
	e, t, err := startEmpty(o, perLife(f.mediaEvents.Load()), perLife(f.agentEvents.Load()))
	if err != nil {
		return nil, nil, err
	}
	empty, err := newFleet(ctx, t)
	if err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	return e, empty, nil
}

func (r *Result) tell(api, rpc *tally) {
	r.APILivesPerS, r.EmptyRPCLivesPerS = api.perSecond(), rpc.perSecond()
	r.CPUUsPerLife, r.EmptyRPCCPUUsPerLife = api.cpuUsPerLife(), rpc.cpuUsPerLife()
	r.LivesPerFsync = float64(api.lives) / float64(api.batches)
	r.FsyncsPerS = float64(api.batches) / api.took.Seconds()
	r.BytesPerFsync = float64(api.bytes) / float64(api.batches)
	r.BytesPerLife = float64(api.bytes) / float64(api.lives)
}

// round keeps lives under way for some time, and counts.
func (f *fleet) round(ctx context.Context, underWay int, duration time.Duration, status func() center.Status) (tally, error) {
	var t tally
	err := f.during(ctx, func(stop <-chan struct{}) error { return f.saturate(underWay, stop) }, func() {
		pause(ctx, f.failed, warmUp)
		lives, s, began, used := f.ended.Load(), status(), time.Now(), cpuTime()
		// One more than were under way began and ended while it was measured.
		f.measure(ctx, duration, func() bool { return f.ended.Load() > lives+uint64(underWay) })
		after := status()
		t = tally{
			lives: f.ended.Load() - lives, took: time.Since(began), cpu: cpuTime() - used,
			batches: after.Batches - s.Batches, bytes: after.Bytes - s.Bytes,
			from: s.Durable, to: after.Durable,
		}
	})
	if err == nil && t.lives == 0 {
		err = errors.New("no interaction was finished in time")
	}
	return t, err
}

// during starts lives while something is measured, and waits for their ends.
func (f *fleet) during(ctx context.Context, start func(stop <-chan struct{}) error, measure func()) error {
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- start(stop) }()
	measure()
	close(stop)
	return errors.Join(<-done, ctx.Err())
}

// measure waits for as long as is measured, and on a machine that is slow for
// it, or busy with something else, until there is something to tell.
func (f *fleet) measure(ctx context.Context, d time.Duration, some func() bool) {
	pause(ctx, f.failed, d)
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for !some() && ctx.Err() == nil && !f.hasFailed() {
		pause(ctx, f.failed, time.Millisecond)
	}
}

// pause waits, unless it is in vain.
func pause(ctx context.Context, failed <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-failed:
	case <-ctx.Done():
	}
}

// halfLoad measures how long it takes from a submit to the invitation, at half
// of the measured maximum.
func (r *run) halfLoad(ctx context.Context, f *fleet) error {
	random := rand.New(rand.NewPCG(1, 1))
	half := r.result.APILivesPerS / 2
	var waits []time.Duration
	start := func(stop <-chan struct{}) error { return f.arrive(random.ExpFloat64, half, stop) }
	err := f.during(ctx, start, func() {
		pause(ctx, f.failed, warmUp)
		lives, began := f.ended.Load(), time.Now()
		f.time(true)
		f.measure(ctx, r.Duration, f.timed)
		waits = f.time(false)
		r.result.HalfLoadLivesPerS = float64(f.ended.Load()-lives) / time.Since(began).Seconds()
	})
	if err != nil {
		return err
	}
	if len(waits) == 0 {
		return errors.New("nobody was invited in time")
	}
	slices.Sort(waits)
	r.result.InviteP50Ms, r.result.InviteP99Ms = ms(waits[len(waits)/2]), ms(waits[len(waits)*99/100])
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
