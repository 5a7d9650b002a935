package center

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/router"
)

// The participants of the tests.
var (
	chat         = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, ID: "chat-1"}
	ada          = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: "ada"}
	bob          = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: "bob"}
	reportEngine = engine.Report
	admin        = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "admin"}
)

var beginning = time.UnixMilli(1_800_000_000_000)

// world is a center on a journal in memory, with a clock moved by hand.
type world struct {
	t      testing.TB
	disk   *memory.Disk
	clock  *ManualClock
	c      *Center
	change func(*Options)
	made   int
	errors errorLog
}

// errorLog takes what a center logs as an error.
type errorLog struct {
	mu  sync.Mutex
	all strings.Builder
}

// Write implements io.Writer.
func (l *errorLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(line)
}

func (l *errorLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func ids() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("made-%d", n) }
}

func newWorld(t testing.TB, change func(*Options)) *world {
	w := &world{t: t, disk: memory.NewDisk(), clock: NewManualClock(beginning), change: change}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	j, err := w.disk.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	o := Options{
		Journal: j, NewRouter: func() Router { return router.New() }, Clock: w.clock, NewID: ids(),
		Logger: slog.New(slog.NewTextHandler(&w.errors, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if w.change != nil {
		w.change(&o)
	}
	c, err := Open(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.c = c
	w.t.Cleanup(func() { _ = c.Drain(context.Background()) })
}

// crash ends the process without a farewell, and starts it again.
func (w *world) crash() {
	w.t.Helper()
	w.disk.Crash()
	w.open()
}

func (w *world) ctx() context.Context { return w.t.Context() }

// must carries out a request that has to succeed.
func (w *world) must(from engine.Participant, body any) Reply {
	w.t.Helper()
	r := w.do(from, body)
	if r.Err != nil {
		w.t.Fatalf("%T by %s: %s %s", body, from.ID, r.Err.Name, r.Err.Description)
	}
	return r
}

func (w *world) do(from engine.Participant, body any) Reply {
	w.t.Helper()
	r, err := w.c.Do(w.ctx(), Request{Tenant: "default", From: from, Body: body, Protocol: usherv1.Protocol_PROTOCOL_IM})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) start(from engine.Participant, body any) *Call {
	return w.c.Start(Request{Tenant: "default", From: from, Body: body})
}

// wantError carries out a request that has to be refused.
func (w *world) wantError(code usherv1.ErrorCode, from engine.Participant, body any) {
	w.t.Helper()
	if r := w.do(from, body); r.Err.GetCode() != code {
		w.t.Fatalf("%T: got %v, want %v", body, r.Err, code)
	}
}

// setUp makes a tenant with a queue that is routed and one that is pulled.
func (w *world) setUp() *world {
	w.t.Helper()
	if r, err := w.c.CreateTenant(w.ctx(), admin, "default"); err != nil || r.Err != nil {
		w.t.Fatal(err, r.Err)
	}
	w.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 1000}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "support"}},
		Agents: []*usherv1.Agent{
			{AgentId: "ada", AgentGroups: []string{"support"}, PasswordHash: "hash of ada"},
			{AgentId: "bob", Supervisor: true},
		},
		Queues: []*usherv1.Queue{{Name: "support", Strategy: engine.LongestIdle, AgentGroup: "support"}, {Name: "pull"}},
	}}})
	w.must(chat, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER})
	return w
}

// logIn logs agents in, ready for chat.
func (w *world) logIn(agents ...engine.Participant) {
	w.t.Helper()
	for _, a := range agents {
		w.must(a, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION})
		w.must(a, engine.Connect{ConnectionID: "of-" + a.ID, Kind: "desktop"})
		w.must(a, &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{{MediaType: "chat", Ready: true}}})
	}
}

func (w *world) submit(queue string) string {
	w.t.Helper()
	return w.must(chat, submit("", queue)).Event.InteractionId
}

func submit(reference, queue string) *usherv1.RequestSubmit {
	return &usherv1.RequestSubmit{ReferenceId: reference, Queue: queue, MediaType: "chat"}
}

func (w *world) subscribe(p engine.Participant, after *uint64) *Subscription {
	w.t.Helper()
	s, err := w.c.Subscribe("default", p, after)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

// next gives the next message, with what it shows.
func (w *world) next(s *Subscription) *usherv1.Event {
	w.t.Helper()
	m, err := s.Next(w.ctx())
	if err != nil {
		w.t.Fatal(err)
	}
	return event(w.t, m)
}

func event(t testing.TB, m Message) *usherv1.Event {
	t.Helper()
	ev := &usherv1.Event{}
	if err := proto.Unmarshal(append(append([]byte(nil), m.Event...), m.Show...), ev); err != nil {
		t.Fatal(err)
	}
	if ev.Sequence != m.Sequence {
		t.Fatalf("message of sequence %d says %d", m.Sequence, ev.Sequence)
	}
	return ev
}

// all gives what is there and does not wait for more.
func (w *world) all(s *Subscription) []*usherv1.Event {
	w.t.Helper()
	var all []*usherv1.Event
	for {
		m, err := s.Next(canceled())
		if err != nil {
			return all
		}
		all = append(all, event(w.t, m))
	}
}

// canceled is the context of somebody who doesn't wait.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// state gives the fold, encoded.
func (w *world) state() []byte {
	w.t.Helper()
	var raw []byte
	err := w.c.ask(w.ctx(), "", func(w *writer) {
		raw, _ = w.export().encode()
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// saved waits until no snapshot is being saved.
func (w *world) saved() {
	for w.c.saving.Load() {
		runtime.Gosched()
	}
}

// gate is a journal whose appends wait until they are let through, or until the
// test is over: a center behind a gate could not be drained.
type gate struct {
	journal.Journal
	mu      sync.Mutex
	closed  bool
	arrived chan *journal.Batch
	pass    chan error
	over    <-chan struct{}
}

func newGate(t *testing.T, j journal.Journal) *gate {
	return &gate{Journal: j, arrived: make(chan *journal.Batch), pass: make(chan error), over: t.Context().Done()}
}

func (g *gate) shut(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = closed
}

func (g *gate) Append(ctx context.Context, e journal.Epoch, b *journal.Batch) (journal.Head, error) {
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed {
		if err := g.wait(b); err != nil {
			return journal.Head{}, err
		}
	}
	return g.Journal.Append(ctx, e, b)
}

// wait tells of a batch, and gives what the test says to it.
func (g *gate) wait(b *journal.Batch) error {
	select {
	case g.arrived <- b:
	case <-g.over:
		return nil
	}
	select {
	case err := <-g.pass:
		return err
	case <-g.over:
		return nil
	}
}
