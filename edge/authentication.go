package edge

import (
	"context"
	"crypto/subtle"
	"slices"
	"sync"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// authentication gives credentials.
type authentication struct{ *Server }

// OpenSession exchanges agent id and password for a session token. Whether it
// was the agent or the password that was wrong shows neither in the answer nor
// in the time it takes.
func (s authentication) OpenSession(ctx context.Context, r *usherv1.OpenSessionRequest) (*usherv1.OpenSessionResponse, error) {
	tenant := r.GetTenantId()
	if tenant == "" {
		tenant = DefaultTenant
	}
	agent := r.GetAgentId()
	if len(tenant) > 64 || len(agent) > 256 || len(r.GetPassword()) > passwordMaxBytes {
		return nil, wrongLogin()
	}
	// Who tries an agent's password elsewhere does not lock him out where he
	// always logs in.
	peer := callerOf(ctx).peer
	rate, key, line := s.agentRate, tenant+"/"+agent, s.passwords.strangers
	home := key + "/" + peer
	known := s.homes.has(tenant, agent, peer)
	if known {
		rate, key, line = s.homeRate, home, s.passwords.known
	}
	if !s.addressRate.allow(peer) || !rate.allow(key) {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many logins; try again later")
	}
	login, _ := s.center.AgentLogin(tenant, agent)
	ok, err := s.passwords.verify(ctx, line, login.PasswordHash, r.GetPassword())
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, wrongLogin()
	}
	if !known {
		s.homeRate.allow(home) // it counts there too
		s.homes.note(tenant, agent, peer)
	}
	token, hash := newSessionToken()
	expires := time.UnixMilli(s.center.Status().TimeMs).Add(s.limits.SessionValid).UnixMilli()
	session := center.Session{Tenant: tenant, Agent: agent, ExpiresAtMs: expires}
	if _, err := outcome(s.center.OpenAgentSession(ctx, session, center.Hash(hash))); err != nil {
		return nil, err
	}
	role := usherv1.Role_ROLE_AGENT
	if login.Supervisor {
		role = usherv1.Role_ROLE_SUPERVISOR
	}
	return &usherv1.OpenSessionResponse{Token: token, ExpiresAtMs: expires, Role: role}, nil
}

// homes remembers for each agent whence he came of late, since the server
// started: where his credential was good.
type homes struct {
	mu sync.Mutex
	of map[string][]string // addresses by tenant/agent, the latest first
}

// homesEach is how many addresses are remembered of an agent.
const homesEach = 8

// has tells whether an agent came from an address of late.
func (h *homes) has(tenant, agent, address string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.of[tenant+"/"+agent], address)
}

// note remembers that an agent, who has shown that it is he, came from an
// address.
func (h *homes) note(tenant, agent, address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := tenant + "/" + agent
	known := h.of[key]
	if len(known) > 0 && known[0] == address {
		return
	}
	others := slices.DeleteFunc(slices.Clone(known), func(other string) bool { return other == address })
	if h.of == nil {
		h.of = map[string][]string{}
	}
	h.of[key] = append([]string{address}, others[:min(len(others), homesEach-1)]...)
}

func wrongLogin() error {
	return refuse(usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, "tenant, agent or password is wrong")
}

// CloseSession ends the caller's session, with its streams.
func (s authentication) CloseSession(ctx context.Context, _ *usherv1.CloseSessionRequest) (*usherv1.CloseSessionResponse, error) {
	who := callerOf(ctx)
	if _, err := outcome(s.center.CloseAgentSession(ctx, who.tenant, who.hash)); err != nil {
		return nil, err
	}
	s.open.end(func(c *caller) bool { return c.hash == who.hash }, errRevoked)
	return &usherv1.CloseSessionResponse{}, nil
}

// setup is the one-time exchange of the setup token.
type setup struct {
	hash []byte
	mu   sync.Mutex // held while a key is made, so that there is only one
}

// SetUp exchanges the setup token for the first API key. It works once, and
// never when there is a key already, however the server was started.
func (s authentication) SetUp(ctx context.Context, r *usherv1.SetUpRequest) (*usherv1.SetUpResponse, error) {
	if !s.addressRate.allow(callerOf(ctx).peer) {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many logins; try again later")
	}
	s.setup.mu.Lock()
	defer s.setup.mu.Unlock()
	fits := subtle.ConstantTimeCompare(HashCredential(r.GetSetupToken()), s.setup.hash) == 1
	if !fits || s.hasKeys() {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, "the setup token is wrong, or the server is set up already")
	}
	id, key, hash := NewAPIKey()
	made := &usherv1.ApiKey{Id: id, TenantId: center.SystemTenant, Name: "setup", Role: usherv1.Role_ROLE_ADMIN}
	by := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "setup"}
	if _, err := outcome(s.center.CreateAPIKey(ctx, by, made, center.Hash(hash))); err != nil {
		return nil, err
	}
	s.setup.hash = nil
	return &usherv1.SetUpResponse{ApiKey: s.apiKey(center.SystemTenant, id), Key: key}, nil
}

// hasKeys tells whether there is any API key, also a revoked one.
func (s *Server) hasKeys() bool {
	return slices.ContainsFunc(append(s.center.Tenants(), center.SystemTenant), func(tenant string) bool {
		return len(s.center.ListAPIKeys(tenant)) != 0
	})
}

// apiKey finds a key that was made.
func (s *Server) apiKey(tenant, id string) *usherv1.ApiKey {
	for _, key := range s.center.ListAPIKeys(tenant) {
		if key.GetId() == id {
			return key
		}
	}
	return &usherv1.ApiKey{Id: id, TenantId: tenant}
}
