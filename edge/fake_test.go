package edge

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// fakeCenter is a center without an engine: it remembers what it was asked and
// answers as the test wants.
type fakeCenter struct {
	mu       sync.Mutex
	keys     map[center.Hash]*usherv1.ApiKey
	sessions map[center.Hash]center.Session
	logins   map[string]center.Login // by tenant/agent
	asked    []center.Request
	config   *usherv1.Configuration

	// answer decides; nil acknowledges everything.
	answer func(center.Request) center.Reply
	// subscribe opens; nil opens one that says nothing.
	subscribe func(after *uint64) (Subscription, error)
	trace     []*usherv1.TraceLine
	// explained are the tenants that were asked why, or how long.
	explained []string
}

func newFake() *fakeCenter {
	return &fakeCenter{
		keys: map[center.Hash]*usherv1.ApiKey{}, sessions: map[center.Hash]center.Session{},
		logins: map[string]center.Login{},
	}
}

// key makes an API key.
func (f *fakeCenter) key(tenant, name string, role usherv1.Role) string {
	id, key, hash := NewAPIKey()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys[center.Hash(hash)] = &usherv1.ApiKey{Id: id, TenantId: tenant, Name: name, Role: role}
	return key
}

// agent makes an agent with a session.
func (f *fakeCenter) agent(tenant, name string, supervisor bool) string {
	token, hash := newSessionToken()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions[center.Hash(hash)] = center.Session{Tenant: tenant, Agent: name}
	f.logins[tenant+"/"+name] = center.Login{Supervisor: supervisor}
	return token
}

func (f *fakeCenter) requests() []center.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

func (c *slowCenter) Do(ctx context.Context, r center.Request) (center.Reply, error) {
	return c.Start(r).Wait(ctx)
}

func (f *fakeCenter) Do(ctx context.Context, r center.Request) (center.Reply, error) {
	return f.Start(r).Wait(ctx)
}

type fakeCall struct {
	reply center.Reply
	done  <-chan struct{}
}

func (c fakeCall) Wait(ctx context.Context) (center.Reply, error) {
	select {
	case <-c.done:
		return c.reply, nil
	case <-ctx.Done():
		return center.Reply{}, ctx.Err()
	}
}

var closedChannel = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (f *fakeCenter) Start(r center.Request) Call {
	f.mu.Lock()
	f.asked = append(f.asked, r)
	n := uint64(len(f.asked))
	f.mu.Unlock()
	if f.answer != nil {
		return fakeCall{f.answer(r), closedChannel}
	}
	if apply, ok := r.Body.(engine.Apply); ok {
		return fakeCall{f.apply(apply, n), closedChannel}
	}
	reply := center.Reply{Sequence: n, TimeMs: 1000}
	if m, ok := r.Body.(interface{ GetReferenceId() string }); ok {
		reply.Event = &usherv1.Event{
			Sequence: n, TimeMs: 1000, ReferenceId: m.GetReferenceId(),
			Message: &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}},
		}
	}
	return fakeCall{reply, closedChannel}
}

// Present implements Center.
func (f *fakeCenter) Present(context.Context, string, engine.Participant) (*usherv1.EventPresentState, error) {
	return &usherv1.EventPresentState{SequenceReached: 50, AgentId: "ann"}, nil
}

// Transcript refuses what it does not know, with a refusal that is shared.
func (f *fakeCenter) Transcript(_ context.Context, _ string, _ engine.Participant, r *usherv1.RequestGetTranscript) (*usherv1.EventTranscript, *usherv1.EventError, error) {
	if r.GetInteractionId() == "" {
		return nil, &unknownInteraction, nil
	}
	return &usherv1.EventTranscript{Sequence: 7, More: true}, nil, nil
}

func (f *fakeCenter) apply(a engine.Apply, n uint64) center.Reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	changes := &usherv1.ApplyConfigurationResponse{}
	for _, agent := range a.Request.GetConfiguration().GetAgents() {
		if agent.PasswordHash == "" { // as the engine does
			agent.PasswordHash = f.logins[a.Request.TenantId+"/"+agent.AgentId].PasswordHash
		}
	}
	if !proto.Equal(f.config, a.Request.Configuration) {
		f.config = a.Request.Configuration
		changes = &usherv1.ApplyConfigurationResponse{Changes: []*usherv1.Change{{Kind: usherv1.ChangeKind_CHANGE_KIND_CHANGED}}}
	}
	for _, agent := range a.Request.GetConfiguration().GetAgents() {
		f.logins[a.Request.TenantId+"/"+agent.AgentId] = center.Login{PasswordHash: agent.PasswordHash, Supervisor: agent.Supervisor}
	}
	return center.Reply{Sequence: n, Changes: changes}
}

func (f *fakeCenter) Subscribe(_ string, _ engine.Participant, after *uint64) (Subscription, error) {
	if f.subscribe != nil {
		return f.subscribe(after)
	}
	return &fakeSubscription{messages: make(chan center.Message, 100), errs: make(chan error, 1)}, nil
}

// fakeSubscription gives what the test sends.
type fakeSubscription struct {
	messages chan center.Message
	errs     chan error
	reached  uint64
}

func (s *fakeSubscription) Next(ctx context.Context) (center.Message, error) {
	select {
	case m := <-s.messages:
		s.reached = m.Sequence
		return m, nil
	case err := <-s.errs:
		return center.Message{}, err
	case <-ctx.Done():
		return center.Message{}, ctx.Err()
	}
}

func (s *fakeSubscription) Reached() uint64 { return s.reached }
func (s *fakeSubscription) Close()          {}

func (f *fakeCenter) Trace(context.Context, string, string, uint64, bool) iter.Seq2[*usherv1.TraceLine, error] {
	return func(yield func(*usherv1.TraceLine, error) bool) {
		for _, line := range f.trace {
			if !yield(line, nil) {
				return
			}
		}
	}
}

// WhyWaiting refuses what it does not know, with a refusal that is shared.
func (f *fakeCenter) WhyWaiting(_ context.Context, tenant string, r *usherv1.RequestWhyWaiting) (*usherv1.EventWhyWaiting, *usherv1.EventError, error) {
	f.explained = append(f.explained, tenant)
	if r.GetInteractionId() == "" {
		return nil, &unknownInteraction, nil
	}
	return &usherv1.EventWhyWaiting{InteractionId: r.GetInteractionId(), Sequence: 7}, nil, nil
}

func (f *fakeCenter) ExpectedWait(_ context.Context, tenant string, _ *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, *usherv1.EventError, error) {
	f.explained = append(f.explained, tenant)
	return &usherv1.EventExpectedWait{ExpectedWaitMs: 30_000}, nil, nil
}

var unknownInteraction = usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION}

func (f *fakeCenter) Status() center.Status { return center.Status{Leader: true, TimeMs: 1000} }

func (f *fakeCenter) LookupAPIKey(hash center.Hash) (*usherv1.ApiKey, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key, ok := f.keys[hash]
	return key, ok && key.RevokedAtMs == 0
}

func (f *fakeCenter) LookupSession(token center.Hash) (center.Session, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	session, ok := f.sessions[token]
	return session, ok
}

func (f *fakeCenter) AgentLogin(tenant, agent string) (center.Login, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	login, ok := f.logins[tenant+"/"+agent]
	return login, ok
}

func (f *fakeCenter) OpenAgentSession(_ context.Context, s center.Session, token center.Hash) (center.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions[token] = s
	return center.Reply{}, nil
}

func (f *fakeCenter) CloseAgentSession(_ context.Context, _ string, token center.Hash) (center.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions, token)
	return center.Reply{}, nil
}

func (f *fakeCenter) CreateAPIKey(_ context.Context, _ engine.Participant, key *usherv1.ApiKey, hash center.Hash) (center.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys[hash] = key
	return center.Reply{}, nil
}

func (f *fakeCenter) RevokeAPIKey(_ context.Context, _ engine.Participant, tenant, id string) (center.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range f.keys {
		if key.TenantId == tenant && key.Id == id && key.RevokedAtMs == 0 {
			key.RevokedAtMs = 1
			return center.Reply{}, nil
		}
	}
	return center.Reply{Err: &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_UNKNOWN_API_KEY}}, nil
}

func (f *fakeCenter) ListAPIKeys(tenant string) []*usherv1.ApiKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	keys := slices.Collect(maps.Values(f.keys))
	keys = slices.DeleteFunc(keys, func(k *usherv1.ApiKey) bool { return k.TenantId != tenant })
	slices.SortFunc(keys, func(a, b *usherv1.ApiKey) int { return len(a.Name) - len(b.Name) })
	return keys
}

func (f *fakeCenter) Tenants() []string { return []string{DefaultTenant} }

func (f *fakeCenter) CreateTenant(context.Context, engine.Participant, string) (center.Reply, error) {
	return center.Reply{}, nil
}

func (f *fakeCenter) GetConfiguration(context.Context, string) (*usherv1.GetConfigurationResponse, *usherv1.EventError, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &usherv1.GetConfigurationResponse{Configuration: f.config}, nil, nil
}
