// Package center is the single writer: it puts what the clients of all tenants
// ask for into one order, stamps it with time and ids, lets the engine and the
// built-in router decide, and appends what came of it to the journal.
//
// It promises that nothing is heard before it is durable: replies, also those
// to reads, refusals and repeated requests, and messages are released when the
// journal is durable up to the sequence at which they were decided. A request
// is carried out at most once however often it is repeated with its reference
// id. What was acknowledged outlives every crash. Time never goes back, and a
// jump of the wall clock fires no deadline early. A reader who is too slow is
// cut off and holds nobody up. And when the outcome of an append is not known
// the center believes only the journal: it rebuilds itself from it.
//
//	Do --> inbox --> writer: stamp, decide (engine, router), encode --> appender: append
//	  ^                                                                    |
//	  +------- replies, messages into the rings of their recipients <------+ durable
//
// The writer decides batch B while the appender writes batch A.
package center

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// SystemTenant is the tenant of the API keys that administer all tenants. It
// has no engine and is not among Tenants.
const SystemTenant = "system"

// The defaults of Options.
const (
	DefaultMaxBatch        = 512
	DefaultMaxWaiting      = 16_384
	DefaultRing            = 256
	DefaultServerRing      = 8_192
	DefaultReportRing      = 16_384
	DefaultRingKeepMs      = 10 * 60 * 1000
	DefaultMaxAnswers      = 1_000_000
	DefaultAnswerMs        = 15 * 60 * 1000
	DefaultSnapshotEntries = 1_000_000
	DefaultSnapshotBytes   = 128 << 20
	DefaultMaxSessions     = 100_000
)

// Router is what the center needs of the router of one tenant; it is pure, as
// the engine is.
type Router interface {
	// Update looks at what changed in the engine since the last call.
	Update(e *engine.Engine)
	// Next gives the next request of the router, if it has one: a published one
	// such as *usherv1.RequestRouteCall, or one that only the engine knows, for
	// where a vector suspends. It names its interaction by GetInteractionId.
	Next(now engine.Millis) (request any, ok bool)
	// Refused tells it that the engine refused its request.
	Refused(request any, why *usherv1.EventError)
	// NextDeadline is when Next is to be called although nothing changed.
	NextDeadline() (engine.Millis, bool)
}

// Options say how a center works. Journal and NewRouter are necessary; for
// every other field the zero value means its default.
type Options struct {
	// Journal is where everything goes. It stays the caller's to close.
	Journal journal.Journal
	// NewRouter makes the built-in router of one tenant.
	NewRouter func() Router
	// Clock is the time; RealClock by default.
	Clock Clock
	// Logger takes what operators should know; none by default.
	Logger *slog.Logger
	// NewID makes the ids of interactions and the reference ids that clients
	// left out. Random by default. Only the writer calls it, never twice at
	// once.
	NewID func() string
	// KeepFrom names the oldest sequence that other readers of the journal, such
	// as the history, still need; it is asked before the journal is trimmed.
	KeepFrom func() uint64
	// Retention is how long the journal is kept; 0 for ever.
	Retention time.Duration

	MaxBatch        int   // requests and deadlines decided in one batch
	MaxWaiting      int   // requests that wait to be decided
	Ring            int   // recent messages kept for an agent
	ServerRing      int   // recent messages kept for a media server, router or service: several full batches
	ReportRing      int   // recent messages kept for the reporting engines of a tenant
	RingKeepMs      int64 // how long a ring outlives its last subscription
	MaxAnswers      int   // remembered answers
	AnswerMs        int64 // how long an answer is remembered
	SnapshotEntries int   // entries between two snapshots
	SnapshotBytes   int   // bytes between two snapshots
	MaxSessions     int   // valid sessions of the agents of one tenant
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = RealClock()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.NewID == nil {
		o.NewID = rand.Text
	}
	if o.ServerRing == 0 {
		o.ServerRing = o.Ring // of somebody who wants them small
	}
	for field, value := range map[*int]int{
		&o.MaxBatch: DefaultMaxBatch, &o.MaxWaiting: DefaultMaxWaiting, &o.Ring: DefaultRing, &o.ServerRing: DefaultServerRing,
		&o.ReportRing: DefaultReportRing, &o.MaxAnswers: DefaultMaxAnswers, &o.SnapshotEntries: DefaultSnapshotEntries,
		&o.SnapshotBytes: DefaultSnapshotBytes, &o.MaxSessions: DefaultMaxSessions,
	} {
		if *field == 0 {
			*field = value
		}
	}
	if o.RingKeepMs == 0 {
		o.RingKeepMs = DefaultRingKeepMs
	}
	if o.AnswerMs == 0 {
		o.AnswerMs = DefaultAnswerMs
	}
	return o
}

// Center is the single writer of a group of tenants. All methods may be called
// concurrently.
type Center struct {
	o     Options
	clock Clock
	time  *timekeeper
	inbox *inbox
	rings *rings
	lines *recentLines
	view  atomic.Pointer[credentials] // only what is durable
	epoch atomic.Uint64

	leading  atomic.Bool
	lowSpace atomic.Bool
	saving   atomic.Bool // a snapshot is being made
	counts   counts
	space    spaceWatch

	background    sync.WaitGroup // snapshots being saved
	olderSnapshot uint64         // where the older of the kept ones ends; of who is saving

	ctx      context.Context // of everything that is asked of the journal
	cancel   context.CancelFunc
	closed   chan struct{} // closed when all has ended
	drainErr error         // why the last snapshot was not saved; to be read then
}

// Open leads the journal, loads the newest snapshot, replays what follows it,
// records that every connection that was open is lost, and serves.
func Open(ctx context.Context, o Options) (*Center, error) {
	o = o.withDefaults()
	c := &Center{o: o, clock: o.Clock, inbox: newInbox(o.MaxWaiting), rings: newRings(&o), lines: newRecentLines(), closed: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	l, err := c.load(ctx)
	if err != nil {
		c.cancel()
		return nil, fmt.Errorf("open the center: %w", err)
	}
	c.time = newTimekeeper(o.Clock, l.recorded)
	c.olderSnapshot = l.snapshot
	w := newWriter(c)
	w.take(l)
	c.leading.Store(true)
	c.inbox.putBack(lostConnections(l.state), nil)
	go w.appender.run()
	go w.run()
	if err := c.Flush(ctx); err != nil {
		c.inbox.drain(newCall(Request{Body: ending{}}))
		return nil, fmt.Errorf("open the center: %w", err)
	}
	return c, nil
}

// load leads the journal and makes the state that it holds. The recent messages
// go into the rings, since those who were connected will come back for them.
func (c *Center) load(ctx context.Context) (*loaded, error) {
	epoch, err := c.o.Journal.Lead(ctx)
	if err != nil {
		return nil, err
	}
	c.epoch.Store(uint64(epoch))
	var floor uint64
	begun := false
	var messages []delivery
	l, err := rebuild(ctx, &c.o, func(r *storedRecord) {
		if !begun {
			begun, floor = true, r.first-1
		}
		messages = r.deliveries(messages[:0], everybody)
		c.rings.refill(messages, floor, r.sequence(len(r.entries)-1), c.clock.Elapsed())
	})
	if err != nil {
		return nil, err
	}
	c.rings.release(nil, uint64(l.next-1), c.clock.Elapsed())
	c.o.Logger.Info("loaded the state", "sequence", l.next-1, "replayed", l.replayed, "tenants", len(l.order), "took", l.took)
	return l, nil
}

// lostConnections are the losses of the connections that were open when the
// server stopped.
func lostConnections(s *state) []*Call {
	var lost []*Call
	for _, t := range s.order {
		for _, client := range t.engine.Export().Clients {
			for _, open := range client.Connections {
				lost = append(lost, newCall(Request{
					Tenant: t.id, From: engine.ParticipantOf(open.Client),
					Body: engine.Disconnect{ConnectionID: open.ConnectionId},
				}))
			}
		}
	}
	return lost
}

// Do carries a request out and answers when the outcome is decided and durable;
// for a transfer, a conference or a route call that is when the invitation has
// been answered. The end of ctx ends the waiting, not the request. The error is
// that of ctx; everything else, also that the center is Unavailable, is told in
// the reply.
func (c *Center) Do(ctx context.Context, r Request) (Reply, error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, err
	}
	return c.Start(r).Wait(ctx)
}

// Start puts a request in line and does not wait for it. Requests started one
// after the other are decided in that order.
func (c *Center) Start(r Request) *Call {
	call := newCall(r)
	if refusal := c.inbox.put(call); refusal != nil {
		call.finish(Reply{Sequence: c.rings.reached(), TimeMs: int64(c.time.now()), Err: refusalFor(call, refusal)})
	}
	return call
}

// Flush waits until everything that was started before is decided and durable.
// Requests whose answer comes later, such as transfers, are decided then, and
// not yet answered.
func (c *Center) Flush(ctx context.Context) error {
	return c.ask(ctx, "", func(*writer) {})
}

// WaitFor waits until the journal is durable up to a sequence, and released.
func (c *Center) WaitFor(ctx context.Context, sequence uint64) error {
	for {
		released, rises := c.rings.high()
		if released >= sequence {
			return nil
		}
		select {
		case <-rises:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.closed:
			return ErrClosed
		}
	}
}

// Drain refuses new requests that would change something with Unavailable,
// finishes what has begun, saves a snapshot and closes the center: its
// subscriptions end with ErrClosed. The journal stays open. The end of ctx ends
// the waiting, not the draining. The error is that of ctx, or why the snapshot
// could not be saved; nothing is lost then, the next start only takes longer.
func (c *Center) Drain(ctx context.Context) error {
	c.inbox.drain(newCall(Request{Body: ending{}}))
	select {
	case <-c.closed:
		return c.drainErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Center) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}
