package media

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/router"
)

const tenant = "default"

// The agents of the tests; bob supervises.
var (
	ada = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: "ada"}
	bob = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: "bob"}
	// eve has no name.
	eve   = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: "login-4711"}
	admin = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "admin"}
)

// world is a center on a journal in memory with its sessions, in a bubble of
// its own time.
type world struct {
	t       testing.TB
	disk    *memory.Disk
	c       *center.Center
	s       *Server
	limits  Limits
	keep    time.Duration // Retention, from the next start on
	dir     string
	readers sync.WaitGroup
	line    *line // from the center to the sessions
}

// line is a center whose subscriptions can break.
type line struct {
	Center
	ctx context.Context
	cut context.CancelCauseFunc
	low atomic.Bool // the disk is nearly full

	stops, asks gate // stops, and questions for the expected wait, wait here
}

// gate lets everything pass while it is not shut.
type gate struct{ shut atomic.Pointer[chan struct{}] }

func (g *gate) pass() {
	if shut := g.shut.Load(); shut != nil {
		<-*shut
	}
}

func (g *gate) close() {
	shut := make(chan struct{})
	g.shut.Store(&shut)
}

// open lets pass who waits, and everybody after him.
func (g *gate) open() { close(*g.shut.Load()) }

func newLine(c Center) *line {
	l := &line{Center: c}
	l.ctx, l.cut = context.WithCancelCause(context.Background())
	return l
}

// Do implements Center.
func (l *line) Do(ctx context.Context, r center.Request) (center.Reply, error) {
	if _, stop := r.Body.(*usherv1.RequestStopProcessing); stop {
		l.stops.pass()
	}
	return l.Center.Do(ctx, r)
}

// ExpectedWait implements Center.
func (l *line) ExpectedWait(ctx context.Context, tenant string, r *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, *usherv1.EventError, error) {
	l.asks.pass()
	return l.Center.ExpectedWait(ctx, tenant, r)
}

// Status implements Center.
func (l *line) Status() center.Status {
	s := l.Center.Status()
	s.LowSpace = s.LowSpace || l.low.Load()
	return s
}

// Subscribe implements Center.
func (l *line) Subscribe(tenant string, p engine.Participant, after *uint64) (Subscription, error) {
	s, err := l.Center.Subscribe(tenant, p, after)
	return brittle{s, l.ctx}, err
}

type brittle struct {
	Subscription
	cut context.Context
}

// Next implements Subscription.
func (b brittle) Next(ctx context.Context) (center.Message, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.cut, cancel)()
	return b.Subscription.Next(ctx)
}

// inWorld runs a test in a world.
func inWorld(t *testing.T, limits Limits, test func(w *world)) {
	dir := t.TempDir() // its removal belongs to the world outside
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, disk: memory.NewDisk(), limits: limits, dir: dir}
		w.open()
		w.setUp()
		test(w)
		w.close()
		w.readers.Wait()
	})
}

func (w *world) open() {
	w.t.Helper()
	j, err := w.disk.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	w.c, err = center.Open(context.Background(), center.Options{Journal: j, NewRouter: func() center.Router { return router.New() }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.line = newLine(Over(w.c))
	w.s, err = New(Options{Center: w.line, Key: bytes.Repeat([]byte{7}, keyBytes), Dir: w.dir, Limits: w.limits, Retention: w.keep})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.s.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// close ends sessions and center as a server does.
func (w *world) close() {
	w.t.Helper()
	if err := errors.Join(w.s.Shutdown(context.Background()), w.c.Drain(context.Background())); err != nil {
		w.t.Error(err)
	}
}

// crash ends the process without a farewell, and starts it again.
func (w *world) crash() {
	w.t.Helper()
	w.disk.Crash()
	s, c := w.s, w.c
	s.cancel()
	w.readers.Wait()
	_ = c.Drain(context.Background())
	_ = s.Shutdown(context.Background())
	w.open()
}

func (w *world) setUp() {
	w.t.Helper()
	for _, id := range []string{tenant, "other"} {
		if r, err := w.c.CreateTenant(context.Background(), admin, id); err != nil || r.Err != nil {
			w.t.Fatal(err, r.Err)
		}
		grace := int64(60_000)
		w.mustIn(id, admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{TenantId: id, Configuration: &usherv1.Configuration{
			Options:     &usherv1.Options{CustomerConnectionGraceMs: &grace},
			MediaTypes:  []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 1000}, {Name: "task", Offline: true}},
			AgentGroups: []*usherv1.AgentGroup{{Name: "support"}},
			Agents: []*usherv1.Agent{
				{AgentId: "ada", Name: "Ada", AgentGroups: []string{"support"}},
				{AgentId: "bob", Name: "Bob", Supervisor: true},
				{AgentId: eve.ID, AgentGroups: []string{"support"}},
			},
			Queues: []*usherv1.Queue{{Name: "support", Strategy: engine.LongestIdle, AgentGroup: "support"}, {Name: "later"}},
			RequestTypes: []*usherv1.RequestType{
				{Name: "billing", Label: "Billing", MediaType: "chat", Queue: "support", UserData: map[string]string{"topic": "billing"}},
				{Name: "callback", MediaType: "task", Queue: "later", Callback: true},
			},
			Sites: []*usherv1.Site{
				{Name: "shop", Anonymous: true, RequestTypes: []string{"billing", "callback"}, Title: "Shop", Greeting: "Welcome", Origins: []string{"https://shop.example.com"}},
				{Name: "closed", RequestTypes: []string{"billing"}},
			},
		}}})
	}
}

func (w *world) mustIn(in string, from engine.Participant, body any) center.Reply {
	w.t.Helper()
	r, err := w.c.Do(context.Background(), center.Request{Tenant: in, From: from, Body: body, Protocol: im})
	if err != nil || r.Err != nil {
		w.t.Fatalf("%T by %s: %v %v", body, from.ID, err, r.Err)
	}
	return r
}

func (w *world) must(from engine.Participant, body any) center.Reply {
	w.t.Helper()
	return w.mustIn(tenant, from, body)
}

// logIn logs agents in, ready for chat.
func (w *world) logIn(agents ...engine.Participant) {
	w.t.Helper()
	for _, a := range agents {
		w.must(a, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION})
		w.must(a, engine.Connect{ConnectionID: "of-" + a.ID, Kind: "desktop"})
		w.must(a, &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{{MediaType: "chat", Ready: true}}})
	}
	synctest.Wait()
}

// accept takes the open invitation of an agent.
func (w *world) accept(a engine.Participant) {
	w.t.Helper()
	w.must(a, &usherv1.RequestAccept{Ticket: w.invitation(a).GetTicket()})
	synctest.Wait()
}

func (w *world) invitation(a engine.Participant) *usherv1.EventInvite {
	w.t.Helper()
	synctest.Wait()
	present, err := w.c.Present(context.Background(), tenant, a)
	if err != nil || len(present.GetInvitations()) == 0 {
		w.t.Fatalf("%s is not invited: %v", a.ID, err)
	}
	return present.GetInvitations()[0].GetEventInvite()
}

func (w *world) site(name string) *usherv1.Site {
	w.t.Helper()
	site, ok := w.s.Site(tenant, name)
	if !ok {
		w.t.Fatalf("there is no site %q", name)
	}
	return site
}

// launch asks for a session.
func (w *world) launch(r *usherv1.RequestLaunchSession) *usherv1.EventSessionLaunched {
	w.t.Helper()
	launched, err := w.s.Launch(context.Background(), tenant, w.site("shop"), r)
	if err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return launched
}

// session launches a session of Dora and gives its id.
func (w *world) session() string {
	w.t.Helper()
	return w.launch(&usherv1.RequestLaunchSession{Name: "Dora"}).GetSessionId()
}

func (w *world) say(session, text string) {
	w.t.Helper()
	if _, err := w.s.SendLine(context.Background(), tenant, session, &usherv1.RequestSendLine{ReferenceId: text, Line: &usherv1.Line{Text: text}}); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// answer lets an agent say something.
func (w *world) answer(a engine.Participant, session, text string) {
	w.t.Helper()
	w.must(a, &usherv1.RequestAddLine{InteractionId: session, Line: &usherv1.Line{Text: text}})
	synctest.Wait()
}

func (w *world) drop(session string) error {
	w.t.Helper()
	_, err := w.s.Drop(context.Background(), tenant, session, &usherv1.RequestDropSession{ReferenceId: "drop"})
	synctest.Wait()
	return err
}

// browser is a customer's open stream.
type browser struct {
	w     *world
	leave context.CancelFunc

	mu    sync.Mutex
	heard []*usherv1.SessionEvent
	err   error
	done  bool
}

// open opens a stream of a session; before, if set, is called with each message.
func (w *world) browse(session string, after uint64, before func()) *browser {
	ctx, leave := context.WithCancel(context.Background())
	b := &browser{w: w, leave: leave}
	s := w.s
	w.readers.Go(func() {
		err := s.Events(ctx, tenant, session, after, func(ev *usherv1.SessionEvent) error {
			if before != nil {
				before()
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.heard = append(b.heard, ev)
			return nil
		})
		b.mu.Lock()
		defer b.mu.Unlock()
		b.err, b.done = err, true
	})
	w.t.Cleanup(leave)
	synctest.Wait()
	return b
}

// close ends the stream as a browser does that is closed.
func (b *browser) close() {
	b.leave()
	synctest.Wait()
}

func (b *browser) events() []*usherv1.SessionEvent {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.heard)
}

// ended is with what error the stream ended.
func (b *browser) ended() (bool, error) {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done, b.err
}

// lines are the lines as "who: text", * for the customer's own.
func (b *browser) lines() []string {
	var all []string
	for _, ev := range b.events() {
		if l := ev.GetLine(); l != nil {
			who := l.GetAuthorName()
			if l.GetOwn() {
				who = "*"
			}
			all = append(all, who+": "+l.GetLine().GetText())
		}
	}
	return all
}

// last is the last progress.
func (b *browser) last() *usherv1.EventSessionProgress {
	var last *usherv1.EventSessionProgress
	for _, ev := range b.events() {
		if p := ev.GetProgress(); p != nil {
			last = p
		}
	}
	return last
}

// states are the states one after the other, each once.
func (b *browser) states() string {
	var all []string
	for _, ev := range b.events() {
		if ev.GetProgress() == nil {
			continue
		}
		state := strings.ToLower(strings.TrimPrefix(ev.GetProgress().GetState().String(), "SESSION_STATE_"))
		if len(all) == 0 || all[len(all)-1] != state {
			all = append(all, state)
		}
	}
	return strings.Join(all, " ")
}

// codeOf is the code of a refusal; 0 for no error.
func codeOf(err error) usherv1.ErrorCode {
	var refused *center.Refused
	switch {
	case err == nil:
		return 0
	case errors.As(err, &refused):
		return refused.Err.GetCode()
	}
	return errInternal
}

func wantCode(t testing.TB, what string, err error, code usherv1.ErrorCode) {
	t.Helper()
	if codeOf(err) != code {
		t.Errorf("%s: got %v, want %v", what, err, code)
	}
}

func wantStrings(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
