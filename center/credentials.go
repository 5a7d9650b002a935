package center

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Hash is the SHA-256 sum of an API key or a session token. The center never
// sees the key or token itself.
type Hash [32]byte

// Session is an agent's session.
type Session struct {
	Tenant      string
	Agent       string
	ExpiresAtMs int64 // Unix milliseconds
}

// Login is what is needed to check an agent's password.
type Login struct {
	PasswordHash string // argon2id; empty for an agent who can't log in
	Supervisor   bool
}

// CreateAPIKey makes an API key for key.TenantId. Its id must be new; its
// creation time is set by the center and its name must be free, except that two
// keys of one role may share it. The refusals are InvalidArgument, InUse and
// UnknownTenant.
func (c *Center) CreateAPIKey(ctx context.Context, by engine.Participant, key *usherv1.ApiKey, hash Hash) (Reply, error) {
	return Reply{}, nil
}

// RevokeAPIKey makes an API key useless. It is refused with UnknownApiKey if
// the tenant has no such key, or it is revoked already.
func (c *Center) RevokeAPIKey(ctx context.Context, by engine.Participant, tenant, id string) (Reply, error) {
	return Reply{}, nil
}

// ListAPIKeys gives a tenant's API keys in order of creation, also the revoked
// and expired ones; only what is durable.
func (c *Center) ListAPIKeys(tenant string) []*usherv1.ApiKey { return nil }

// OpenAgentSession makes a session token valid. The refusals are UnknownTenant,
// UnknownAgent and TooManyRequests.
func (c *Center) OpenAgentSession(ctx context.Context, s Session, token Hash) (Reply, error) {
	return Reply{}, nil
}

// CloseAgentSession makes a session token useless. Closing a session that is
// closed or expired is no error.
func (c *Center) CloseAgentSession(ctx context.Context, tenant string, token Hash) (Reply, error) {
	return Reply{}, nil
}

// LookupAPIKey finds the key with this hash that is neither revoked nor
// expired. Don't change it. It never waits for the writer, nor do the lookups
// below.
func (c *Center) LookupAPIKey(hash Hash) (*usherv1.ApiKey, bool) { return nil, false }

// LookupSession finds the session with this token that is neither closed nor
// expired, of an agent who exists.
func (c *Center) LookupSession(token Hash) (Session, bool) { return Session{}, false }

// AgentLogin finds what is needed to check an agent's password and to know his
// role.
func (c *Center) AgentLogin(tenant, agent string) (Login, bool) { return Login{}, false }

// AgentPasswordHash finds the hash of an agent's password.
func (c *Center) AgentPasswordHash(tenant, agent string) (string, bool) { return "", false }
