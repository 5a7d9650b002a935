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
	"log/slog"
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
	DefaultMaxBatch          = 512
	DefaultMaxWaiting        = 16_384
	DefaultRing              = 256
	DefaultReportRing        = 16_384
	DefaultRingKeepMs        = 10 * 60 * 1000
	DefaultMaxAnswers        = 1_000_000
	DefaultAnswerMs          = 15 * 60 * 1000
	DefaultSnapshotEntries   = 200_000
	DefaultSnapshotBytes     = 128 << 20
	DefaultSessionsPerTenant = 100_000
)

// Router is what the center needs of the router of one tenant; it is pure, as
// the engine is.
type Router interface {
	// Update looks at what changed in the engine since the last call.
	Update(e *engine.Engine)
	// Next gives the next request of the router, if it has one.
	Next(now engine.Millis) (*usherv1.RequestRouteCall, bool)
	// Refused tells it that the engine refused its request.
	Refused(call *usherv1.RequestRouteCall, refusal *usherv1.EventError)
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
	Ring            int   // recent messages kept for an agent, media server, router or service
	ReportRing      int   // recent messages kept for the reporting engines of a tenant
	RingKeepMs      int64 // how long a ring outlives its last subscription
	MaxAnswers      int   // remembered answers
	AnswerMs        int64 // how long an answer is remembered
	SnapshotEntries int   // entries between two snapshots
	SnapshotBytes   int   // bytes between two snapshots
	MaxSessions     int   // valid sessions of the agents of one tenant
}

// Request is what somebody asks for.
type Request struct {
	// Tenant is the tenant of the credential.
	Tenant string
	// From is the principal of the credential.
	From engine.Participant
	// Body is a Request message of the api, or an engine.Connect, Disconnect
	// or Apply. It belongs to the center from now on.
	//
	// A Disconnect survives a rebuild of the center: it is carried out in any
	// case. A Connect that was answered with Unavailable may have happened, so
	// send its Disconnect.
	Body any
	// Protocol is the one that the request came in.
	Protocol usherv1.Protocol
}

// Reply is the answer to a Request. It is durable.
type Reply struct {
	// Sequence is the one of the answer in the journal; for what is not
	// recorded the last one that was decided before.
	Sequence uint64
	// TimeMs is when it was decided.
	TimeMs int64
	// Event is the answer; nil for a refusal and where there is none (Connect,
	// Disconnect, Apply, credentials). An answer that came late with bad
	// tidings has both Event and Err. It may be shared: don't change it.
	Event *usherv1.Event
	// Err says that the request was refused, or came to nothing.
	Err *usherv1.EventError
	// Changes is what an Apply changed, or would change.
	Changes *usherv1.ApplyConfigurationResponse
}

// Center is the single writer of a group of tenants. All methods may be called
// concurrently.
type Center struct{}

// Open leads the journal, loads the newest snapshot, replays what follows it,
// records that every connection that was open is lost, and serves.
func Open(ctx context.Context, o Options) (*Center, error) { return nil, nil }

// Do carries a request out and answers when the outcome is decided and durable;
// for a transfer, a conference or a route call that is when the invitation has
// been answered. The end of ctx ends the waiting, not the request. The error is
// that of ctx; everything else, also that the center is Unavailable, is told in
// the reply.
func (c *Center) Do(ctx context.Context, r Request) (Reply, error) {
	return c.Start(r).Wait(ctx)
}

// Start puts a request in line and does not wait for it. Requests started one
// after the other are decided in that order.
func (c *Center) Start(r Request) *Call { return nil }

// Call is a request under way.
type Call struct{}

// Done is closed when the reply is there.
func (c *Call) Done() <-chan struct{} { return nil }

// Wait returns the reply when it is there, or the error of ctx.
func (c *Call) Wait(ctx context.Context) (Reply, error) { return Reply{}, nil }

// Flush waits until everything that was started before is decided and durable.
// Requests whose answer comes later, such as transfers, are decided then, and
// not yet answered.
func (c *Center) Flush(ctx context.Context) error { return nil }

// WaitFor waits until the journal is durable up to a sequence, and released.
func (c *Center) WaitFor(ctx context.Context, sequence uint64) error { return nil }

// Drain refuses new requests that would change something with Unavailable,
// finishes what has begun, saves a snapshot and closes the center: its
// subscriptions end with ErrClosed. The journal stays open.
func (c *Center) Drain(ctx context.Context) error { return nil }
