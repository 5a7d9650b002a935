package projection

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// watchInterval is how often those who watch hear what has changed.
const watchInterval = time.Second

// wall is what is watched of one tenant: its rows as they were at the last look,
// each with the number of the look at which it changed. So everyone who watches
// only remembers at which look he was, and who is slow gets the changes of
// several looks at once.
type wall struct {
	view   *View
	tenant string
	cancel context.CancelFunc

	watchers   int // of view.mu, as the next
	wantAgents int // of them, who want agents too

	mu       sync.RWMutex // the fields below
	look     uint64
	timeMs   int64
	sequence uint64
	queues   rows[*usherv1.QueueStatistics]
	agents   rows[*usherv1.AgentRow]
	err      error         // why there will be no more looks
	changed  chan struct{} // closed by the next look
}

// Watch gives the figures of the queues and the states of the agents of a
// tenant: all of them first, and then what has changed, looked at once a second
// while anybody watches; an element without rows if nothing has changed. An
// error is the last thing given: that of ctx, center.ErrUnknownTenant,
// center.ErrClosed, or a *center.Refused. Don't change what is given: others get
// the same rows.
func (v *View) Watch(ctx context.Context, tenant string, withoutAgents bool) iter.Seq2[*usherv1.EventStatistics, error] {
	return func(yield func(*usherv1.EventStatistics, error) bool) {
		if !slices.Contains(v.center.Tenants(), tenant) {
			yield(nil, center.ErrUnknownTenant)
			return
		}
		w := v.join(tenant, withoutAgents)
		defer v.leave(w, withoutAgents)
		for seen := uint64(0); ; {
			event, look, err := w.next(ctx, seen, !withoutAgents)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(event, nil) {
				return
			}
			seen = look
		}
	}
}

// join is a new watcher; the first makes somebody look.
func (v *View) join(tenant string, withoutAgents bool) *wall {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.walls[tenant]
	if w == nil {
		w = &wall{view: v, tenant: tenant, changed: make(chan struct{})}
		var ctx context.Context
		ctx, w.cancel = context.WithCancel(v.ctx)
		v.walls[tenant] = w
		v.all.Go(func() { w.run(ctx) })
	}
	w.watchers++
	if !withoutAgents {
		w.wantAgents++
	}
	return w
}

// leave is a watcher who goes; with the last one nobody looks any more.
func (v *View) leave(w *wall, withoutAgents bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !withoutAgents {
		w.wantAgents--
	}
	if w.watchers--; w.watchers == 0 {
		v.drop(w)
	}
}

// drop ends a wall, so that the next watcher begins another; the caller holds mu.
func (v *View) drop(w *wall) {
	w.cancel()
	if v.walls[w.tenant] == w {
		delete(v.walls, w.tenant)
	}
}

// run looks once a second until nobody watches or a look fails.
func (w *wall) run(ctx context.Context) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		if err := w.takeLook(ctx); err != nil {
			w.fail(err)
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			w.fail(center.ErrClosed)
			return
		}
	}
}

// fail ends the watching of all, who may begin anew.
func (w *wall) fail(err error) {
	if w.view.ctx.Err() != nil {
		err = center.ErrClosed
	}
	w.view.mu.Lock()
	w.view.drop(w)
	w.view.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	close(w.changed)
}

// takeLook reads the rows and notes what has changed.
func (w *wall) takeLook(ctx context.Context) error {
	w.view.mu.Lock()
	without := w.wantAgents == 0
	w.view.mu.Unlock()
	now, refusal, err := w.view.center.Rows(ctx, w.tenant, center.Look{WithoutAgents: without, Asked: true})
	if err == nil && refusal != nil {
		err = &center.Refused{Err: refusal}
	}
	if err != nil {
		return fmt.Errorf("look at tenant %q: %w", w.tenant, err)
	}
	if err := w.view.waitFor(ctx, now.GetSequence()); err != nil {
		return err
	}
	queues := w.view.figures(w.tenant, now)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look++
	w.timeMs, w.sequence = now.GetTimeMs(), now.GetSequence()
	w.queues.update(w.look, queues, queueName)
	if !without {
		w.agents.update(w.look, now.GetAgents(), (*usherv1.AgentRow).GetAgentId)
	}
	close(w.changed)
	w.changed = make(chan struct{})
	return nil
}

func queueName(q *usherv1.QueueStatistics) string { return q.GetRow().GetQueue() }

// figures puts to the rows of queues what happened in them today.
func (v *View) figures(id string, rows *usherv1.EventDirectory) []*usherv1.QueueStatistics {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.tenant(id, rows.GetTimeMs()).statistics
	s.Advance(rows.GetTimeMs() - settledMs)
	all := make([]*usherv1.QueueStatistics, len(rows.GetQueues()))
	for n, row := range rows.GetQueues() {
		f := s.Today(row.GetQueue(), rows.GetTimeMs())
		within, percent := s.Level(row.GetQueue())
		all[n] = &usherv1.QueueStatistics{
			Row: row, Entered: f.Entered, Answered: f.Answered, AnsweredWithin: f.AnsweredWithin, Abandoned: f.Abandoned,
			AnsweredWaitMs: f.AnsweredWaitMs, HandledMs: f.HandledMs, Handled: f.Handled, WithinMs: within, TargetPercent: percent,
		}
	}
	return all
}

// next waits for a look after that which the watcher has seen, and gives what
// has changed since. If he wants agents, that is one which saw them.
func (w *wall) next(ctx context.Context, seen uint64, agents bool) (*usherv1.EventStatistics, uint64, error) {
	for {
		w.mu.RLock()
		if w.look > seen && (!agents || w.agents.at == w.look) {
			event := &usherv1.EventStatistics{TimeMs: w.timeMs, Sequence: w.sequence}
			event.Queues, event.QueuesRemoved = w.queues.since(seen)
			if agents {
				event.Agents, event.AgentsRemoved = w.agents.since(seen)
			}
			look := w.look
			w.mu.RUnlock()
			return event, look, nil
		}
		changed, err := w.changed, w.err
		w.mu.RUnlock()
		if err != nil {
			return nil, 0, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// rows are messages by name, in the order of their names.
type rows[M proto.Message] struct {
	at     uint64 // the last look
	of     map[string]*row[M]
	sorted []*row[M]
	buffer []byte
}

// row is a message as it was at the last look.
type row[M proto.Message] struct {
	name      string
	message   M
	encoded   []byte
	changedAt uint64 // the look
	seenAt    uint64
	gone      bool
}

// update takes what a look has seen, sorted by name.
func (r *rows[M]) update(look uint64, seen []M, name func(M) string) {
	if r.of == nil {
		r.of = map[string]*row[M]{}
	}
	added := false
	for _, m := range seen {
		of := r.of[name(m)]
		if of == nil {
			of = &row[M]{name: name(m), gone: true}
			r.of[of.name] = of
			r.sorted = append(r.sorted, of)
			added = true
		}
		of.seenAt = look
		r.buffer, _ = proto.MarshalOptions{Deterministic: true}.MarshalAppend(r.buffer[:0], m) // the engine made it
		if of.gone || !bytes.Equal(of.encoded, r.buffer) {
			of.message, of.changedAt, of.gone = m, look, false
			of.encoded = append(of.encoded[:0], r.buffer...)
		}
	}
	for _, of := range r.sorted {
		if of.seenAt != look && !of.gone {
			var none M
			of.gone, of.message, of.changedAt = true, none, look
		}
	}
	if added {
		slices.SortFunc(r.sorted, func(a, b *row[M]) int { return strings.Compare(a.name, b.name) })
	}
	r.at = look
}

// since gives what has changed since a look, and what has gone.
func (r *rows[M]) since(look uint64) (changed []M, gone []string) {
	for _, of := range r.sorted {
		switch {
		case of.changedAt <= look:
		case !of.gone:
			changed = append(changed, of.message)
		case look > 0:
			gone = append(gone, of.name)
		}
	}
	return changed, gone
}
