package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/internal/server"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/pebble"
	"github.com/usher-cc/usher/router"
)

// What a server finds that is started: a snapshot, and a tail of one tenth
// of the interactions after it, as after a crash.
const (
	tailShare    = 10
	startedAhead = 1_000 // requests put in line before one is waited for
)

// What waits when a server is started.
const (
	startInteractions = 100_000
	startAgents       = 1_000
)

// fromDisk fills a data folder with interactions, and with agents who have one
// each, and measures the start of a server on it.
func (r *run) fromDisk(ctx context.Context) error {
	interactions, agents := r.interactions(startInteractions), r.agents(startAgents)
	last := interactions / tailShare
	err := withCenter(ctx, r.startDir(), true, func(c *center.Center) error {
		if err := open(ctx, c, agents); err != nil {
			return err
		}
		return fill(ctx, c, agents, interactions-last)
	})
	if err != nil {
		return err
	}
	err = withCenter(ctx, r.startDir(), false, func(c *center.Center) error { return fill(ctx, c, interactions-last, interactions) })
	if err != nil {
		return err
	}
	runtime.GC()
	began := time.Now()
	s, err := server.Start(ctx, server.Config{DataDir: r.startDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	r.result.Start100kMs = ms(time.Since(began))
	r.result.StartReplayedEntries = float64(s.Center().Status().Replayed)
	return s.Shutdown(ctx)
}

// forgetful is a journal that loses what is saved as its snapshot, as if the
// process had crashed before.
type forgetful struct{ journal.Journal }

// SaveSnapshot saves nothing.
func (forgetful) SaveSnapshot(context.Context, *journal.Snapshot) error { return nil }

// withCenter runs a center on a data folder, which saves a snapshot at its
// end, or none at all.
func withCenter(ctx context.Context, dir string, snapshot bool, do func(*center.Center) error) error {
	disk, err := pebble.Open(pebble.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer disk.Close()
	var j journal.Journal = disk
	if !snapshot {
		j = forgetful{disk}
	}
	c, err := center.Open(ctx, center.Options{Journal: j, NewRouter: func() center.Router { return router.New() }})
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.Drain(ctx))
}

// pullQueue is where the agents of a start get their interactions.
const pullQueue = "pulled"

// open makes the tenant, and the agents, who are busy and ready.
func open(ctx context.Context, c *center.Center, agents int) error {
	reply, err := c.CreateTenant(ctx, engine.Server, edge.DefaultTenant)
	if err != nil || reply.Err != nil {
		return fmt.Errorf("make the tenant: %w %v", err, reply.Err)
	}
	configuration := centre(agents)
	configuration.Queues = append(configuration.Queues, &usherv1.Queue{Name: pullQueue})
	l := &line{center: c}
	l.ask(engine.Server, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: configuration}})
	l.ask(aMedia, &usherv1.RequestRegisterClient{ReferenceId: "register", ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER})
	l.ask(aMedia, engine.Connect{ConnectionID: "media"})
	for n := range agents {
		l.ask(aMedia, waiting(n, pullQueue))
		from := agentParticipant(n)
		for _, request := range arrival(n, mediaType) {
			l.ask(from, request)
		}
		l.ask(from, &usherv1.RequestPull{
			ReferenceId: fmt.Sprintf("pull-%d", n), Count: 1, Source: &usherv1.RequestPull_Queue{Queue: pullQueue},
		})
	}
	return l.wait(ctx)
}

// fill lets interactions wait, from one number on to another.
func fill(ctx context.Context, c *center.Center, from, to int) error {
	l := &line{center: c}
	for n := from; n < to; n++ {
		l.ask(aMedia, waiting(n, queueName))
		if n%startedAhead == 0 {
			if err := l.wait(ctx); err != nil {
				return err
			}
		}
	}
	return l.wait(ctx)
}

func waiting(n int, queue string) *usherv1.RequestSubmit {
	return &usherv1.RequestSubmit{
		ReferenceId: fmt.Sprintf("submit-%d", n), InteractionId: fmt.Sprintf("%020d", n), Queue: queue, MediaType: mediaType,
	}
}

// line is requests that a center decides in their order.
type line struct {
	center *center.Center
	calls  []*center.Call
}

func (l *line) ask(from engine.Participant, request any) {
	l.calls = append(l.calls, l.center.Start(center.Request{
		Tenant: edge.DefaultTenant, From: from, Body: request, Protocol: usherv1.Protocol_PROTOCOL_IM,
	}))
}

// wait waits until all were carried out.
func (l *line) wait(ctx context.Context) error {
	for _, call := range l.calls {
		reply, err := call.Wait(ctx)
		if err != nil {
			return err
		}
		if reply.Err != nil {
			return fmt.Errorf("%s: %s", reply.Err.Name, reply.Err.Description)
		}
	}
	l.calls = slices.Delete(l.calls, 0, len(l.calls))
	return nil
}
