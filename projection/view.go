package projection

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

const (
	// foldedMs is how far back the figures of a view that just starts are
	// folded: a day more than is shown, for what waited before it.
	foldedMs = 2 * dayMs
	// auditedMs is how far back the audit log of a view that just starts reaches.
	auditedMs = 30 * dayMs
	// settledMs is how long a minute may be over before its end is known: what
	// is being made durable carries the time of its decision.
	settledMs = 5_000
	// retryPause is how long the view waits after it could not read the journal.
	retryPause = time.Second
)

// Center is what a View needs of the single writer; center.Center is one.
type Center interface {
	// Follow gives the records of the journal.
	Follow(ctx context.Context, after uint64, live bool) iter.Seq2[*center.Record, error]
	// SequenceBefore finds a time in the journal.
	SequenceBefore(ctx context.Context, timeMs int64) (uint64, error)
	// Status tells how far the journal is, and what time it is.
	Status() center.Status
	// Tenants gives the ids of all tenants.
	Tenants() []string
	// GetConfiguration reads a tenant's configuration.
	GetConfiguration(ctx context.Context, tenant string) (*usherv1.GetConfigurationResponse, *usherv1.EventError, error)
	// Rows reads agents, queues and what else windows offer.
	Rows(ctx context.Context, tenant string, look center.Look) (*usherv1.EventDirectory, *usherv1.EventError, error)
}

// View is what people look at, of all tenants. Its methods may be called
// concurrently.
type View struct {
	center Center
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	all    sync.WaitGroup
	behind uint64        // the journal's end when the view was opened
	older  chan struct{} // closed when the audit log reaches as far back as it is to

	mu      sync.Mutex // the fields below
	tenants map[string]*tenant
	reached uint64        // everything up to this sequence is folded
	rises   chan struct{} // closed when reached rises; nil while nobody waits
	walls   map[string]*wall

	directories directories
}

// tenant is what is folded of one tenant.
type tenant struct {
	statistics *Statistics
	audit      *AuditLog
}

// Open begins to fold the journal, in the background. Reads wait until the view
// is where the journal was then. Close it.
func Open(c Center, log *slog.Logger) *View {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	v := &View{center: c, log: log, tenants: map[string]*tenant{}, walls: map[string]*wall{}, behind: c.Status().Durable, older: make(chan struct{})}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	v.directories.of = map[directoryKey]*usherv1.EventDirectory{}
	v.all.Go(v.run)
	return v
}

// Close ends the view: those who watch get center.ErrClosed.
func (v *View) Close() {
	v.cancel()
	v.all.Wait()
}

// run folds the journal until the view is closed.
func (v *View) run() {
	begin := v.center.Status().TimeMs - foldedMs
	after, err := v.begin(begin)
	for ; err != nil && v.again(err); after, err = v.begin(begin) {
	}
	if err != nil {
		return
	}
	until := after
	v.all.Go(func() { v.foldOlder(until) })
	for v.again(v.follow(begin, &after)) {
	}
}

// again tells whether to go on after an error, after a while; what can't be
// read now may be readable once the center has recovered.
func (v *View) again(err error) bool {
	if v.ctx.Err() != nil || errors.Is(err, center.ErrClosed) {
		return false
	}
	v.log.Warn("can't follow the journal; trying again", "error", err)
	select {
	case <-time.After(retryPause):
		return true
	case <-v.ctx.Done():
		return false
	}
}

// begin finds where to begin. What was configured before that is taken to be
// what is configured now, until the journal says otherwise.
func (v *View) begin(beginMs int64) (after uint64, err error) {
	if after, err = v.center.SequenceBefore(v.ctx, beginMs); err != nil {
		return 0, err
	}
	if after > 0 {
		for _, id := range v.center.Tenants() {
			present, refusal, err := v.center.GetConfiguration(v.ctx, id)
			if err == nil && refusal != nil {
				err = &center.Refused{Err: refusal}
			}
			if err != nil {
				return 0, err
			}
			v.mu.Lock()
			v.tenant(id, beginMs).statistics.Configure(present.GetConfiguration())
			v.mu.Unlock()
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rise(after)
	return after, nil
}

// follow folds the records after a sequence; it ends with an error only.
func (v *View) follow(beginMs int64, after *uint64) error {
	for r, err := range v.center.Follow(v.ctx, *after, true) {
		if err == nil {
			v.fold(beginMs, r)
		}
		var expired *center.CursorExpired
		if errors.As(err, &expired) {
			v.log.Warn("the journal was trimmed before it was counted", "oldest", expired.Oldest)
			*after = expired.Oldest - 1
			return err
		}
		if err != nil {
			return err
		}
		*after = v.reached
	}
	return nil
}

// fold folds a record.
func (v *View) fold(beginMs int64, r *center.Record) {
	act, counted := v.read(r)
	v.mu.Lock()
	defer v.mu.Unlock()
	defer v.rise(r.First + uint64(len(r.Entries)) - 1)
	if act == nil {
		return
	}
	t := v.tenant(r.Tenant, beginMs)
	for _, f := range act.Facts {
		if m := f.Fact.GetConfigurationApplied(); m != nil {
			t.statistics.Configure(m.GetConfiguration())
		}
	}
	for _, ev := range counted {
		t.statistics.Apply(ev)
	}
	t.audit.Apply(act)
}

// read decodes what is folded of a record. One that can't be decoded now never
// can: it is left out, and the log says so.
func (v *View) read(r *center.Record) (act *Act, counted []*usherv1.Event) {
	act, counted, err := glean(r)
	if err != nil {
		v.log.Error("a record can't be read; the figures and the audit log are without it", "tenant", r.Tenant, "sequence", r.First, "error", err)
		return nil, nil
	}
	return act, counted
}

// foldOlder folds what is before the figures, for the audit log alone.
func (v *View) foldOlder(until uint64) {
	logs := map[string]*AuditLog{}
	after, err := v.center.SequenceBefore(v.ctx, v.center.Status().TimeMs-auditedMs)
	if err != nil {
		after = 0 // it only takes longer
	}
	for after < until {
		err := v.readOlder(logs, &after, until)
		var expired *center.CursorExpired
		if errors.As(err, &expired) {
			after = expired.Oldest - 1 // trimmed
		} else if err != nil && !v.again(err) {
			return
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, older := range logs {
		v.tenant(id, 0).audit.precede(older)
	}
	close(v.older)
}

func (v *View) readOlder(logs map[string]*AuditLog, after *uint64, until uint64) error {
	for r, err := range v.center.Follow(v.ctx, *after, false) {
		if err != nil {
			return err
		}
		if *after = r.First + uint64(len(r.Entries)) - 1; r.First > until {
			return nil
		}
		if act, _ := v.read(r); act != nil {
			if logs[r.Tenant] == nil {
				logs[r.Tenant] = NewAuditLog()
			}
			logs[r.Tenant].Apply(act)
		}
	}
	return nil
}

// countedEvents are the reporting events that the figures are made of, by their field
// of usherv1.Event.
var countedEvents = fieldsOf(&usherv1.Event{},
	"event_placed_in_queue", "event_taken_from_queue", "event_party_added", "event_party_removed",
	"event_agent_invited", "event_rejected", "event_revoked", "event_processing_stopped")

// toldFacts are the facts that the audit log tells.
var toldFacts = fieldsOf(&usherv1.Fact{}, "configuration_applied", "tenant_created", "api_key_created", "api_key_revoked")

func fieldsOf(m proto.Message, names ...string) map[protowire.Number]bool {
	numbers := map[protowire.Number]bool{}
	for _, name := range names {
		numbers[m.ProtoReflect().Descriptor().Fields().ByTextName(name).Number()] = true
	}
	return numbers
}

// glean decodes of a record what is folded; act is nil if there is nothing.
func glean(r *center.Record) (act *Act, counted []*usherv1.Event, err error) {
	audited := Audits(r.Request())
	for n, e := range r.Entries {
		if reports := e.Reports(); countedEvents[reports] || audited && reports != 0 {
			ev, err := decode(e.Event, &usherv1.Event{})
			if err != nil {
				return nil, nil, err
			}
			act = actOf(act, r)
			act.Events = append(act.Events, ev)
			if countedEvents[reports] {
				counted = append(counted, ev)
			}
		}
		if e.Fact != nil && (audited || toldFacts[e.Holds()]) {
			f, err := decode(e.Fact, &usherv1.Fact{})
			if err != nil {
				return nil, nil, err
			}
			act = actOf(act, r)
			act.Facts = append(act.Facts, Fact{r.First + uint64(n), f})
		}
	}
	if act != nil && (audited || len(act.Facts) > 0) {
		act.Cause, err = r.Cause()
	}
	return act, counted, err
}

func actOf(act *Act, r *center.Record) *Act {
	if act == nil {
		act = &Act{Sequence: r.First}
	}
	return act
}

// tenant gives what is folded of a tenant; the caller holds mu.
func (v *View) tenant(id string, beginMs int64) *tenant {
	t := v.tenants[id]
	if t == nil {
		t = &tenant{statistics: NewStatistics(beginMs), audit: NewAuditLog()}
		v.tenants[id] = t
	}
	return t
}

// rise notes how far the fold is; the caller holds mu.
func (v *View) rise(to uint64) {
	v.reached = max(v.reached, to)
	if v.rises != nil {
		close(v.rises)
		v.rises = nil
	}
}

// waitFor waits until everything up to a sequence is folded, and at least what
// was there when the view was opened.
func (v *View) waitFor(ctx context.Context, sequence uint64) error {
	sequence = max(sequence, v.behind)
	for {
		v.mu.Lock()
		if v.reached >= sequence {
			v.mu.Unlock()
			return nil
		}
		if v.rises == nil {
			v.rises = make(chan struct{})
		}
		rises := v.rises
		v.mu.Unlock()
		select {
		case <-rises:
		case <-ctx.Done():
			return ctx.Err()
		case <-v.ctx.Done():
			return center.ErrClosed
		}
	}
}

// known gives what is folded of a tenant, up to now; the caller calls unlock. The
// refusal is UnknownTenant.
func (v *View) known(ctx context.Context, id string) (t *tenant, nowMs int64, unlock func(), refusal *usherv1.EventError, err error) {
	if id != center.SystemTenant && !slices.Contains(v.center.Tenants(), id) {
		return nil, 0, nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT, "there is no tenant %q", id), nil
	}
	s := v.center.Status()
	if err := v.waitFor(ctx, s.Durable); err != nil {
		return nil, 0, nil, nil, err
	}
	v.mu.Lock()
	t = v.tenant(id, s.TimeMs)
	t.statistics.Advance(s.TimeMs - settledMs)
	return t, s.TimeMs, v.mu.Unlock, nil, nil
}

// History gives a queue's figures over time, or those of all together. The
// request is a checked one, but for the queue: the refusals are UnknownTenant
// and UnknownQueue. The error is that of ctx, or center.ErrClosed.
func (v *View) History(ctx context.Context, tenant string, r *usherv1.RequestGetHistory) (*usherv1.EventHistory, *usherv1.EventError, error) {
	t, now, unlock, refusal, err := v.known(ctx, tenant)
	if refusal != nil || err != nil {
		return nil, refusal, err
	}
	defer unlock()
	if q := r.GetQueue(); q != "" && !t.statistics.Knows(q) {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_QUEUE, "there is no queue %q", q), nil
	}
	from, step := max(r.GetFromMs(), now-dayMs), max(r.GetStepMs(), minuteMs)
	return t.statistics.History(r.GetQueue(), from, step, now), nil, nil
}

// AuditLog gives a page of a tenant's audit log; at most limit lines, before a
// sequence unless that is 0. Just after the start it waits until the last 30 days
// of the journal have been read. The refusal is UnknownTenant; the error is that of ctx,
// or center.ErrClosed. Don't change the lines.
func (v *View) AuditLog(ctx context.Context, tenant string, before uint64, limit int) (*usherv1.EventAuditLog, *usherv1.EventError, error) {
	select {
	case <-v.older:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-v.ctx.Done():
		return nil, nil, center.ErrClosed
	}
	t, _, unlock, refusal, err := v.known(ctx, tenant)
	if refusal != nil || err != nil {
		return nil, refusal, err
	}
	defer unlock()
	return t.audit.Page(before, limit), nil, nil
}

// refuse makes a refusal; the sentence says what is wrong and where.
func refuse(code usherv1.ErrorCode, format string, args ...any) *usherv1.EventError {
	return &usherv1.EventError{Code: code, Name: engine.ErrorName(code), Description: fmt.Sprintf(format, args...)}
}
