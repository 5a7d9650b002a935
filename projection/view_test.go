package projection

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// audited are the lines of the audit log, latest first, each in one line.
func (w *world) audited() []string {
	w.t.Helper()
	page, refusal, err := w.v.AuditLog(w.t.Context(), "default", 0, 100)
	if refusal != nil || err != nil {
		w.t.Fatal(refusal, err)
	}
	var all []string
	for _, l := range page.Lines {
		if l.TimeMs == 0 || l.Sequence == 0 {
			w.t.Errorf("without time or sequence: %v", l)
		}
		all = append(all, fmt.Sprintf("%s %s %s [%s] %s", l.Actor.GetId(), l.Request, l.AgentId, l.Reason, strings.Join(l.Details, "; ")))
	}
	return all
}

func (w *world) apply(c *usherv1.Configuration, remove ...*usherv1.ObjectName) {
	w.t.Helper()
	w.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: c, Remove: remove}})
}

// TestAuditLog lets people interfere, and do what is their own.
func TestAuditLog(t *testing.T) {
	w := byHand(t)
	begun := len(w.audited())
	w.logIn(ana, bob, sue)
	first, second := w.submit("pull"), w.submit("pull")
	w.pull(ana, "pull")
	w.must(sue, &usherv1.RequestIntrude{InteractionId: first, Visibility: usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR, Reason: "training"})
	w.must(sue, &usherv1.RequestLeaveInteraction{InteractionId: first})
	w.must(sue, &usherv1.RequestDoNotDisturbOn{AgentId: "ana", Reason: "too much"})
	w.must(sue, &usherv1.RequestDoNotDisturbOn{})
	w.must(ana, &usherv1.RequestDoNotDisturbOff{})
	w.start(ana, &usherv1.RequestTransfer{InteractionId: first, AgentId: "bob"})
	w.must(ana, &usherv1.RequestCancelInvitation{InteractionId: first, AgentId: "bob"})
	w.start(sue, &usherv1.RequestTransfer{InteractionId: first, AgentId: "bob"})
	w.must(sue, &usherv1.RequestPlaceInQueue{InteractionId: first, Queue: "pull"})
	w.pull(sue, "pull")
	w.must(sue, &usherv1.RequestStopProcessing{InteractionId: first})
	w.must(sue, &usherv1.RequestStopProcessing{InteractionId: second, Reason: "stuck"})
	third := w.submit("pull")
	snapshot := w.must(sue, &usherv1.RequestTakeSnapshot{}).Event.GetEventSnapshotTaken().GetSnapshotId()
	w.must(sue, &usherv1.RequestLockInteraction{SnapshotId: snapshot, InteractionId: third})
	w.must(sue, &usherv1.RequestMoveInteractions{SnapshotId: snapshot, InteractionIds: []string{third}, Queue: "support", Reason: "better there"})
	fourth := w.submit("pull")
	w.pull(ana, "pull")
	w.must(sue, &usherv1.RequestIntrude{InteractionId: fourth, Visibility: usherv1.VisibilityMode_VISIBILITY_MODE_COACH})
	w.must(sue, &usherv1.RequestStopProcessing{InteractionId: fourth, Reason: "enough"})
	w.must(sue, &usherv1.RequestAgentLogout{AgentId: "bob", Reason: "gone home"})
	if r, err := w.c.CreateAPIKey(t.Context(), admin, &usherv1.ApiKey{Id: "k1", TenantId: "default", Name: "shop", Role: usherv1.Role_ROLE_MEDIA}, center.Hash{7}); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	if r, err := w.c.RevokeAPIKey(t.Context(), admin, "default", "k1"); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	w.apply(&usherv1.Configuration{
		Queues: []*usherv1.Queue{{Name: "pull", Description: "for all"}, {Name: "new"}},
		Agents: []*usherv1.Agent{{AgentId: "ana", AgentGroups: []string{"support"}, PasswordHash: "another hash"}},
	}, &usherv1.ObjectName{Kind: "workbin", Name: "drafts"})
	want := []string{
		`admin ApplyConfiguration  [] agent ana: password: changed; queue new: added; queue pull: description: "" -> "for all"; queue pull: service_level_within_ms: 60000 -> 0; workbin drafts: removed`,
		`admin RevokeApiKey  [] API key k1: revoked`,
		`admin CreateApiKey  [] API key k1 (shop, media): made`,
		`sue RequestAgentLogout bob [gone home] EventAgentLogout`,
		`sue RequestStopProcessing ana [enough] interaction ` + fourth + `: taken from ana; interaction ` + fourth + `: taken from sue; interaction ` + fourth + `: stopped`,
		`sue RequestIntrude  [] interaction ` + fourth + `: sue joined (coach)`,
		`sue RequestMoveInteractions  [better there] interaction ` + third + `: placed in queue support`,
		`sue RequestLockInteraction  [] `,
		`sue RequestStopProcessing  [stuck] interaction ` + second + `: stopped`,
		`sue RequestPlaceInQueue ana [] interaction ` + first + `: taken from ana; interaction ` + first + `: placed in queue pull`,
		`sue RequestTransfer bob [] interaction ` + first + `: bob invited`,
		`sue RequestDoNotDisturbOn ana [too much] EventDoNotDisturbOn`,
		`sue RequestIntrude  [training] interaction ` + first + `: sue joined (monitor)`,
	}
	all := w.audited()
	got := all[:len(all)-begun]
	for n := range max(len(got), len(want)) {
		a, b := "", ""
		if n < len(got) {
			a = got[n]
		}
		if n < len(want) {
			b = want[n]
		}
		if a != b {
			t.Errorf("line %d: %s\nwant    %s", n, a, b)
		}
	}
	w.restart()
	w.logIn() // nothing
	if after := w.audited(); !slices.Equal(after, all) {
		t.Errorf("after a restart: %q", after)
	}
}

// TestAuditReason: of what a strategy had before, the log has the reason of the
// supervisor who took it, not the one by which the server ended the strategy.
func TestAuditReason(t *testing.T) {
	w := byHand(t)
	w.logIn(sue)
	w.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		Agents: []*usherv1.Agent{{AgentId: "eve"}},
	}}})
	w.logIn(agentNamed("eve"))
	transferred, silent := w.submit("support"), w.submit("support")
	w.start(sue, &usherv1.RequestTransfer{InteractionId: transferred, AgentId: "eve", Reason: "please help"})
	w.start(sue, &usherv1.RequestTransfer{InteractionId: silent, AgentId: "eve"})
	want := []string{
		`sue RequestTransfer eve [] interaction ` + silent + `: placed in queue support; interaction ` + silent + `: eve invited`,
		`sue RequestTransfer eve [please help] interaction ` + transferred + `: placed in queue support; interaction ` + transferred + `: eve invited`,
	}
	if got := w.audited()[:len(want)]; !slices.Equal(got, want) {
		t.Errorf("%s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestAuditSequences: a line has the sequence of its own entry, whatever else
// the record has.
func TestAuditSequences(t *testing.T) {
	r := &center.Record{Tenant: "default", First: 41, Entries: []center.RecordEntry{
		{Event: encode(t, &usherv1.Event{Protocol: usherv1.Protocol_PROTOCOL_IM, Message: &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}}})},
		{Fact: encode(t, &usherv1.Fact{Fact: &usherv1.Fact_TenantCreated{TenantCreated: &usherv1.TenantCreated{TenantId: "a"}}})},
		{Fact: encode(t, &usherv1.Fact{Fact: &usherv1.Fact_ConnectionOpened{ConnectionOpened: &usherv1.ConnectionOpened{ConnectionId: "c"}}})},
		{Fact: encode(t, &usherv1.Fact{Fact: &usherv1.Fact_TenantCreated{TenantCreated: &usherv1.TenantCreated{TenantId: "b"}}})},
	}}
	act, _, err := glean(r)
	if err != nil {
		t.Fatal(err)
	}
	log := NewAuditLog()
	log.Apply(act)
	var got []uint64
	for _, l := range log.Page(0, 10).Lines {
		got = append(got, l.Sequence)
	}
	if !slices.Equal(got, []uint64{44, 42}) {
		t.Errorf("the lines have the sequences %v", got)
	}
}

func encode(t *testing.T, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// broken is a center of which one record can't be read.
type broken struct {
	*center.Center
	at atomic.Uint64
}

// Follow implements Center.
func (b *broken) Follow(ctx context.Context, after uint64, live bool) iter.Seq2[*center.Record, error] {
	return func(yield func(*center.Record, error) bool) {
		for r, err := range b.Center.Follow(ctx, after, live) {
			if at := b.at.Load(); err == nil && r.First <= at && at < r.First+uint64(len(r.Entries)) {
				r.Entries[0] = center.RecordEntry{Fact: []byte{11<<3 | 2, 1, 0xff}} // no configuration_applied
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// TestUnreadableRecord: it is left out, and the view goes on behind it.
func TestUnreadableRecord(t *testing.T) {
	w := byHand(t)
	b := &broken{Center: w.c}
	reply := w.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "lost"}}}}})
	b.at.Store(reply.Sequence)
	w.apply(&usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "found"}}})
	v := Open(b, nil)
	defer v.Close()
	w.v = v
	if got := strings.Join(w.audited(), "\n"); strings.Contains(got, "queue lost") || !strings.Contains(got, "queue found") {
		t.Error(got)
	}
}

// TestAuditPages holds the circle of lines to its limit, and pages through it.
func TestAuditPages(t *testing.T) {
	log, older := NewAuditLog(), NewAuditLog()
	for n := range uint64(maxAuditLines + 50) {
		act := &Act{Sequence: 2 * n, Facts: []Fact{{2 * n, &usherv1.Fact{Fact: &usherv1.Fact_TenantCreated{TenantCreated: &usherv1.TenantCreated{}}}}}}
		if n < 100 {
			older.Apply(act)
		} else {
			log.Apply(act)
		}
	}
	log.precede(older)
	var all []uint64
	for before, more := uint64(0), true; more; {
		page := log.Page(before, 777)
		for _, l := range page.Lines {
			all = append(all, l.Sequence)
		}
		if before, more = all[len(all)-1], page.More; more && len(page.Lines) != 777 {
			t.Fatalf("a page of %d lines", len(page.Lines))
		}
	}
	if len(all) != maxAuditLines || all[0] != 2*(maxAuditLines+49) || all[len(all)-1] != 100 || !slices.IsSortedFunc(all, func(a, b uint64) int { return int(b) - int(a) }) {
		t.Errorf("%d lines from %d to %d", len(all), all[0], all[len(all)-1])
	}
	if page := log.Page(100, 10); len(page.Lines) != 0 || page.More {
		t.Errorf("before the first: %v", page)
	}
}

// TestDaysLater restarts when the journal is older than what is counted: the
// figures since midnight and the audit log are as before, and what has been
// configured long ago counts.
func TestDaysLater(t *testing.T) {
	w := byHand(t)
	w.apply(&usherv1.Configuration{
		Options: &usherv1.Options{TimeZone: "Asia/Tokyo"},
		Queues:  []*usherv1.Queue{{Name: "pull", ServiceLevelWithinMs: 90_000, ServiceLevelTargetPercent: 50}},
	})
	w.logIn(sue)
	for range 5 {
		for range 8 {
			id := w.submit("pull")
			w.hand.Advance(70 * time.Second)
			w.pull(sue, "pull")
			w.hand.Advance(2 * time.Minute)
			w.must(sue, &usherv1.RequestStopProcessing{InteractionId: id})
			w.hand.Advance(2 * time.Hour)
		}
		w.hand.Advance(8 * time.Hour)
	}
	w.submit("pull")
	w.hand.Advance(3 * time.Minute)
	history := func() string {
		h, refusal, err := w.v.History(t.Context(), "default", &usherv1.RequestGetHistory{Queue: "pull"})
		if refusal != nil || err != nil || len(h.AtMs) != 24*60+1 {
			t.Fatal(refusal, err, len(h.AtMs))
		}
		return h.String()
	}
	today, yesterday, acts := w.today("pull"), history(), w.audited()
	if today.Answered == 0 || today.AnsweredWithin != today.Answered || len(acts) < 2 {
		t.Errorf("%+v, %q", today, acts)
	}
	w.restart()
	if got := w.audited(); !slices.Equal(got, acts) || w.today("pull") != today || history() != yesterday {
		t.Errorf("%+v, then %+v; %q, then %q", today, w.today("pull"), acts, got)
	}
	w.hand.Advance(29 * 24 * time.Hour)
	w.apply(&usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "new"}}})
	w.restart()
	if got := w.audited(); len(got) != 1 || !strings.Contains(got[0], "queue new: added") {
		t.Errorf("a month later: %q", got)
	}
}

func TestHistoryRefusals(t *testing.T) {
	w := byHand(t)
	for _, c := range []struct {
		tenant, queue string
		want          usherv1.ErrorCode
	}{
		{"default", "", 0}, {"default", "pull", 0},
		{"default", "no", usherv1.ErrorCode_ERROR_CODE_UNKNOWN_QUEUE},
		{"other", "", usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT},
	} {
		_, refusal, err := w.v.History(t.Context(), c.tenant, &usherv1.RequestGetHistory{Queue: c.queue})
		if err != nil || refusal.GetCode() != c.want {
			t.Errorf("%s/%s: %v, %v", c.tenant, c.queue, refusal, err)
		}
	}
	if _, refusal, err := w.v.AuditLog(t.Context(), center.SystemTenant, 0, 10); refusal != nil || err != nil {
		t.Error("the system tenant has an audit log, too:", refusal, err)
	}
}

// watcher watches in the background and keeps what it gets.
type watcher struct {
	mu   sync.Mutex
	got  []*usherv1.EventStatistics
	err  error
	stop context.CancelFunc
}

func (w *world) watch(withoutAgents bool) *watcher {
	x := &watcher{}
	var ctx context.Context
	ctx, x.stop = context.WithCancel(w.t.Context())
	go func() {
		for ev, err := range w.v.Watch(ctx, "default", withoutAgents) {
			x.mu.Lock()
			if x.err = err; err == nil {
				x.got = append(x.got, ev)
			}
			x.mu.Unlock()
		}
	}()
	return x
}

// take gives what has come since the last call.
func (x *watcher) take() []*usherv1.EventStatistics {
	x.mu.Lock()
	defer x.mu.Unlock()
	got := x.got
	x.got = nil
	return got
}

func queuesOf(ev *usherv1.EventStatistics) (names []string) {
	for _, q := range ev.Queues {
		names = append(names, q.Row.Queue)
	}
	return names
}

func agentsOf(ev *usherv1.EventStatistics) (ids []string) {
	for _, a := range ev.Agents {
		ids = append(ids, a.AgentId)
	}
	return ids
}

// second lets a second pass, and everything that happens in it.
func second() {
	time.Sleep(watchInterval)
	synctest.Wait()
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, center.RealClock())
		x := w.watch(false)
		synctest.Wait()
		got := x.take()
		if len(got) != 1 || !slices.Equal(queuesOf(got[0]), []string{"pull", "support"}) || !slices.Equal(agentsOf(got[0]), []string{"ana", "bob", "sue"}) {
			t.Fatalf("first: %v", got)
		}
		if q := got[0].Queues[0]; q.WithinMs != 60_000 || q.TargetPercent != 80 || q.Entered != 0 {
			t.Error(q)
		}
		second()
		if got := x.take(); len(got) != 1 || len(queuesOf(got[0])) != 0 || len(agentsOf(got[0])) != 0 || got[0].TimeMs == 0 {
			t.Fatalf("nothing has changed: %v", got)
		}
		w.submit("pull")
		second()
		if got := x.take(); len(got) != 1 || len(got[0].Agents) != 0 || len(got[0].Queues) != 1 || got[0].Queues[0].Entered != 1 || got[0].Queues[0].Row.Waiting != 1 {
			t.Fatalf("one has entered: %v", got)
		}
		w.logIn(sue)
		second()
		if got := x.take(); len(got) != 1 || len(got[0].Queues) != 0 || !slices.Equal(agentsOf(got[0]), []string{"sue"}) {
			t.Fatalf("sue has logged in: %v", got)
		}
		late, few := w.watch(false), w.watch(true)
		second()
		if got := late.take(); len(queuesOf(got[0])) != 2 || len(agentsOf(got[0])) != 3 || len(got[0].QueuesRemoved) != 0 {
			t.Fatalf("a new one gets all: %v", got)
		}
		if got := few.take(); len(queuesOf(got[0])) != 2 || len(agentsOf(got[0])) != 0 {
			t.Fatalf("who wants no agents gets none: %v", got)
		}
		x.take()
		w.apply(nil, &usherv1.ObjectName{Kind: "queue", Name: "support"}, &usherv1.ObjectName{Kind: "agent", Name: "bob"})
		second()
		if got := x.take(); len(got) != 1 || len(got[0].Queues)+len(got[0].Agents) != 0 || !slices.Equal(got[0].QueuesRemoved, []string{"support"}) || !slices.Equal(got[0].AgentsRemoved, []string{"bob"}) {
			t.Fatalf("removed: %v", got)
		}
		w.v.Close()
		synctest.Wait()
		for _, x := range []*watcher{x, late, few} {
			if x.stop(); !errors.Is(x.err, center.ErrClosed) {
				t.Errorf("ended with %v", x.err)
			}
		}
	})
}

// TestSlowWatcher: who takes nothing for a while gets what has changed
// meanwhile at once, as it is then, and holds up nobody.
func TestSlowWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, center.RealClock())
		block, got := make(chan struct{}), []*usherv1.EventStatistics{}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for ev, err := range w.v.Watch(ctx, "default", false) {
				if err != nil {
					return
				}
				got = append(got, ev)
				<-block
			}
		}()
		quick := w.watch(false)
		synctest.Wait()
		w.submit("pull")
		second()
		w.submit("pull")
		w.logIn(sue)
		second()
		w.submit("support")
		second()
		if n := len(quick.take()); n != 4 {
			t.Errorf("the other got %d", n)
		}
		close(block)
		synctest.Wait()
		if len(got) != 2 || !slices.Equal(queuesOf(got[1]), []string{"pull", "support"}) || got[1].Queues[0].Entered != 2 || !slices.Equal(agentsOf(got[1]), []string{"sue"}) {
			t.Errorf("%v", got)
		}
		quick.stop()
	})
}

// TestWatchAfterARestart: what comes first is counted to the end, although the
// journal is still being read.
func TestWatchAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, center.RealClock())
		for range 50 {
			w.submit("pull")
		}
		w.restart()
		for ev, err := range w.v.Watch(t.Context(), "default", false) {
			if err != nil || ev.Queues[0].Entered != 50 || ev.Queues[0].Row.Waiting != 50 {
				t.Error(ev, err)
			}
			break
		}
	})
}

// TestNobodyWatches: nobody looks then.
func TestNobodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, center.RealClock())
		x, y := w.watch(false), w.watch(true)
		time.Sleep(10*watchInterval + watchInterval/2)
		x.stop()
		y.stop()
		synctest.Wait()
		if x.err == nil || y.err == nil || len(w.v.walls) != 0 {
			t.Error(x.err, y.err, w.v.walls)
		}
		before := w.c.Status().Requests
		time.Sleep(time.Hour)
		if n := w.c.Status().Requests - before; n != 0 {
			t.Errorf("%d requests in an hour", n)
		}
		for _, err := range w.v.Watch(t.Context(), "other", false) {
			if !errors.Is(err, center.ErrUnknownTenant) {
				t.Error(err)
			}
		}
	})
}

// TestDirectory: one look serves all who ask within half a second, each with his
// own workbins.
func TestDirectory(t *testing.T) {
	w := byHand(t)
	ask := func(agent, media string) *usherv1.EventDirectory {
		t.Helper()
		d, refusal, err := w.v.Directory(t.Context(), "default", agent, media)
		if refusal != nil || err != nil {
			t.Fatal(refusal, err)
		}
		return d
	}
	of := func(d *usherv1.EventDirectory) string { return d.Workbins[0].Owner }
	first := ask("ana", "chat")
	w.logIn(bob)
	second := ask("bob", "chat")
	if of(first) != "ana" || of(second) != "bob" || second.Agents[1].State != usherv1.AgentRowState_AGENT_ROW_STATE_LOGGED_OUT || second.Sequence != first.Sequence {
		t.Errorf("%v\n%v", first, second)
	}
	if other := ask("ana", ""); other.Agents[1].State == usherv1.AgentRowState_AGENT_ROW_STATE_LOGGED_OUT || other.Queues[1].ExpectedWaitMs != nil {
		t.Errorf("another media type: %v", other)
	}
	w.hand.Advance(directoryKeptMs * time.Millisecond)
	if third := ask("bob", "chat"); third.Agents[1].State == usherv1.AgentRowState_AGENT_ROW_STATE_LOGGED_OUT || of(third) != "bob" {
		t.Errorf("half a second later: %v", third)
	}
	if _, refusal, _ := w.v.Directory(t.Context(), "default", "ana", "fax"); refusal.GetCode() != usherv1.ErrorCode_ERROR_CODE_UNKNOWN_MEDIA_TYPE || len(w.v.directories.of) != 2 {
		t.Error(refusal, len(w.v.directories.of))
	}
}

// busy is a center that is asked for rows, and answers only when it is let.
type busy struct {
	*center.Center
	asked chan struct{} // one for each who asks
	let   chan struct{}
}

// Rows implements Center.
func (b *busy) Rows(ctx context.Context, tenant string, look center.Look) (*usherv1.EventDirectory, *usherv1.EventError, error) {
	b.asked <- struct{}{}
	select {
	case <-b.let:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	return b.Center.Rows(ctx, tenant, look)
}

// TestDirectoryOfABusyCenter: many ask, and one of them asks the center; each may
// leave without harm to the others.
func TestDirectoryOfABusyCenter(t *testing.T) {
	w := byHand(t)
	b := &busy{w.c, make(chan struct{}, 10), make(chan struct{})}
	v := Open(b, nil)
	defer v.Close()
	w.v = v
	w.audited() // it has caught up
	type answer struct {
		found *usherv1.EventDirectory
		err   error
	}
	ask := func(ctx context.Context, agent string) chan answer {
		answered := make(chan answer, 1)
		go func() {
			found, _, err := v.Directory(ctx, "default", agent, "chat")
			answered <- answer{found, err}
		}()
		return answered
	}
	hasty, leave := context.WithCancel(t.Context())
	defer leave()
	first := ask(hasty, "ana")
	<-b.asked
	gone, left := context.WithCancel(t.Context())
	left()
	if a := <-ask(gone, "sue"); !errors.Is(a.err, context.Canceled) {
		t.Error(a)
	}
	second := ask(t.Context(), "bob")
	leave()
	if a := <-first; !errors.Is(a.err, context.Canceled) {
		t.Error(a)
	}
	close(b.let)
	if a := <-second; a.err != nil || len(a.found.Agents) != 3 || a.found.Workbins[0].Owner != "bob" {
		t.Error(a)
	}
}
