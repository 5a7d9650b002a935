package center

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Hash is the SHA-256 sum of an API key or a session token. The center never
// sees the key or token itself.
type Hash [32]byte

// SessionServer is the id of the media server that every tenant has for the
// sessions of customers. No API key has it.
const SessionServer = "sessions"

// SessionPrincipal is as what that media server acts.
var SessionPrincipal = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, ID: SessionServer}

// defaultCustomerGraceMs is how long a lost customer is waited for if the
// tenant does not say.
const defaultCustomerGraceMs = 120_000

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
	Name         string // for people
}

// credentials are who may come in, customers and from where included: a fold of
// the journal. The writer has one of what was decided; the one that the edge
// looks into holds only what is durable. Lookups take no lock.
type credentials struct {
	byHash       sync.Map // Hash -> *usherv1.ApiKey
	sessions     sync.Map // Hash -> Session
	logins       sync.Map // ownName of an agent -> Login
	sites        sync.Map // ownName -> *usherv1.Site
	requestTypes sync.Map // ownName -> *usherv1.RequestType
	graces       sync.Map // id of a tenant -> how long a lost customer is waited for, in ms

	mu      sync.RWMutex // the fields below
	keys    map[string]*usherv1.ApiKeyCreated
	order   []string // ids of keys in order of creation
	tenants []string // sorted
	open    map[string]int
}

// ownName names an object of a tenant.
type ownName struct{ tenant, name string }

func newCredentials() *credentials {
	return &credentials{keys: map[string]*usherv1.ApiKeyCreated{}, open: map[string]int{}}
}

// fold takes one fact. What is kept is never changed afterwards.
func (c *credentials) fold(tenant string, fact *usherv1.Fact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f := fact.Fact.(type) {
	case *usherv1.Fact_TenantCreated:
		at, found := slices.BinarySearch(c.tenants, f.TenantCreated.TenantId)
		if !found {
			c.tenants = slices.Insert(slices.Clone(c.tenants), at, f.TenantCreated.TenantId)
		}
	case *usherv1.Fact_ApiKeyCreated:
		c.addKey(f.ApiKeyCreated)
	case *usherv1.Fact_ApiKeyRevoked:
		c.revokeKey(f.ApiKeyRevoked)
	case *usherv1.Fact_AgentSessionOpened:
		s := f.AgentSessionOpened
		c.addSession(Hash(s.TokenHash), Session{tenant, s.AgentId, s.ExpiresAtMs})
	case *usherv1.Fact_AgentSessionClosed:
		c.dropSession(Hash(f.AgentSessionClosed.TokenHash))
	case *usherv1.Fact_ConfigurationApplied:
		c.addConfigured(tenant, f.ConfigurationApplied.GetConfiguration())
		for _, gone := range f.ConfigurationApplied.Removed {
			c.removeConfigured(gone.Kind, ownName{tenant, gone.Name})
		}
	}
}

// addConfigured takes what is new or changed in a configuration.
func (c *credentials) addConfigured(tenant string, from *usherv1.Configuration) {
	for _, a := range from.GetAgents() {
		c.logins.Store(ownName{tenant, a.AgentId}, Login{PasswordHash: a.PasswordHash, Supervisor: a.Supervisor, Name: a.Name})
	}
	for _, site := range from.GetSites() {
		c.sites.Store(ownName{tenant, site.Name}, site)
	}
	for _, t := range from.GetRequestTypes() {
		c.requestTypes.Store(ownName{tenant, t.Name}, t)
	}
	if o := from.GetOptions(); o != nil {
		grace := int64(defaultCustomerGraceMs)
		if o.CustomerConnectionGraceMs != nil {
			grace = *o.CustomerConnectionGraceMs
		}
		c.graces.Store(tenant, grace)
	}
}

func (c *credentials) removeConfigured(kind string, name ownName) {
	switch kind {
	case "agent":
		c.logins.Delete(name)
	case "site":
		c.sites.Delete(name)
	case "request_type":
		c.requestTypes.Delete(name)
	}
}

func (c *credentials) addKey(k *usherv1.ApiKeyCreated) {
	c.keys[k.ApiKey.Id] = k
	c.order = append(c.order, k.ApiKey.Id)
	if k.ApiKey.RevokedAtMs == 0 {
		c.byHash.Store(Hash(k.KeyHash), k.ApiKey)
	}
}

func (c *credentials) revokeKey(f *usherv1.ApiKeyRevoked) {
	k := c.keys[f.Id]
	revoked := &usherv1.ApiKeyCreated{ApiKey: proto.CloneOf(k.ApiKey), KeyHash: k.KeyHash}
	revoked.ApiKey.RevokedAtMs = f.RevokedAtMs
	c.keys[f.Id] = revoked
	c.byHash.Delete(Hash(k.KeyHash))
}

func (c *credentials) addSession(token Hash, s Session) {
	c.sessions.Store(token, s)
	c.open[s.Tenant]++
}

func (c *credentials) dropSession(token Hash) {
	if s, found := c.sessions.LoadAndDelete(token); found {
		c.open[s.(Session).Tenant]--
	}
}

// forgetExpired drops the sessions that are over; it makes no difference to
// any lookup.
func (c *credentials) forgetExpired(now engine.Millis) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions.Range(func(token, s any) bool {
		if s.(Session).ExpiresAtMs <= int64(now) {
			c.dropSession(token.(Hash))
		}
		return true
	})
}

func (c *credentials) openSessions(tenant string) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.open[tenant]
}

func (c *credentials) hasTenant(tenant string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, found := slices.BinarySearch(c.tenants, tenant)
	return found
}

func (c *credentials) tenantIDs() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.tenants)
}

func (c *credentials) listKeys(wanted func(*usherv1.ApiKey) bool) []*usherv1.ApiKey {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var list []*usherv1.ApiKey
	for _, id := range c.order {
		if k := c.keys[id].ApiKey; wanted(k) {
			list = append(list, k)
		}
	}
	return list
}

func (c *credentials) key(id string) *usherv1.ApiKey {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.keys[id].GetApiKey()
}

func (c *credentials) login(tenant, agent string) (Login, bool) {
	l, found := c.logins.Load(ownName{tenant, agent})
	if !found {
		return Login{}, false
	}
	return l.(Login), true
}

// export writes keys and sessions into a snapshot of a moment.
func (c *credentials) export(to *usherv1.StateSnapshot, now engine.Millis) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, id := range c.order {
		to.ApiKeys = append(to.ApiKeys, c.keys[id])
	}
	c.sessions.Range(func(token, value any) bool {
		hash, s := token.(Hash), value.(Session)
		if s.ExpiresAtMs > int64(now) {
			to.AgentSessions = append(to.AgentSessions, &usherv1.AgentSessionState{TenantId: s.Tenant, Session: &usherv1.AgentSessionOpened{
				AgentId: s.Agent, TokenHash: bytes.Clone(hash[:]), ExpiresAtMs: s.ExpiresAtMs,
			}})
		}
		return true
	})
	slices.SortFunc(to.AgentSessions, func(a, b *usherv1.AgentSessionState) int {
		return cmp.Or(cmp.Compare(a.TenantId, b.TenantId), bytes.Compare(a.Session.TokenHash, b.Session.TokenHash))
	})
}

// load takes what a snapshot holds.
func (c *credentials) load(from *usherv1.StateSnapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range from.Tenants {
		c.tenants = append(c.tenants, t.TenantId)
		c.addConfigured(t.TenantId, t.GetConfiguration())
	}
	for _, k := range from.ApiKeys {
		c.addKey(k)
	}
	for _, s := range from.AgentSessions {
		c.addSession(Hash(s.Session.TokenHash), Session{s.TenantId, s.Session.AgentId, s.Session.ExpiresAtMs})
	}
}

// isCredential tells whether credentials fold a fact.
func isCredential(f *usherv1.Fact) bool {
	switch f.GetFact().(type) {
	case *usherv1.Fact_TenantCreated, *usherv1.Fact_ApiKeyCreated, *usherv1.Fact_ApiKeyRevoked,
		*usherv1.Fact_AgentSessionOpened, *usherv1.Fact_AgentSessionClosed, *usherv1.Fact_ConfigurationApplied:
		return true
	}
	return false
}

// CreateAPIKey makes an API key for key.TenantId. Its id must be new; its
// creation time is set by the center and its name must be free, except that two
// keys of one role may share it. A key for a site names one of the tenant's, and
// no other key does. The refusals are InvalidArgument, InUse, UnknownObject and
// UnknownTenant.
func (c *Center) CreateAPIKey(ctx context.Context, by engine.Participant, key *usherv1.ApiKey, hash Hash) (Reply, error) {
	return c.Do(ctx, Request{Tenant: key.TenantId, From: by, Body: operation{
		name: "CreateApiKey",
		decide: func(w *writer) ([]*usherv1.Fact, *usherv1.EventError) {
			return w.createKey(key, hash)
		},
	}})
}

func (w *writer) createKey(key *usherv1.ApiKey, hash Hash) ([]*usherv1.Fact, *usherv1.EventError) {
	switch {
	case key.Id == "" || key.Name == "":
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "an API key needs an id and a name")
	case isOfSessions(key):
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_IN_USE, "the name %q is that of the session media server", key.Name)
	case w.credentials.key(key.Id) != nil:
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_IN_USE, "there is an API key %q", key.Id)
	}
	if refusal := w.unfitSite(key); refusal != nil {
		return nil, refusal
	}
	namesakes := w.credentials.listKeys(func(k *usherv1.ApiKey) bool {
		return k.TenantId == key.TenantId && k.Name == key.Name && valid(k, w.now)
	})
	if len(namesakes) > 1 || len(namesakes) == 1 && namesakes[0].Role != key.Role {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_IN_USE, "the name %q is in use by another API key", key.Name)
	}
	made := proto.CloneOf(key)
	made.CreatedAtMs, made.RevokedAtMs = int64(w.now), 0
	return []*usherv1.Fact{{Fact: &usherv1.Fact_ApiKeyCreated{ApiKeyCreated: &usherv1.ApiKeyCreated{ApiKey: made, KeyHash: hash[:]}}}}, nil
}

// unfitSite says why a key can't be for the site that it names.
func (w *writer) unfitSite(key *usherv1.ApiKey) *usherv1.EventError {
	forSite := key.Role == usherv1.Role_ROLE_SITE
	switch {
	case forSite && key.Site == "":
		return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "site: is missing; a key for a site names it")
	case !forSite && key.Site != "":
		return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "site: only a key for a site names one")
	case forSite:
		if _, found := w.credentials.sites.Load(ownName{key.TenantId, key.Site}); !found {
			return refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT, "site: there is no site %.128q", key.Site)
		}
	}
	return nil
}

// valid tells whether a key opens anything. One with the name of the session
// media server, which a journal of an earlier version may have, would hear every
// customer.
func valid(k *usherv1.ApiKey, now engine.Millis) bool {
	return !isOfSessions(k) && k.RevokedAtMs == 0 && (k.ExpiresAtMs == 0 || k.ExpiresAtMs > int64(now))
}

// isOfSessions tells whether a key has the name of the session media server.
func isOfSessions(k *usherv1.ApiKey) bool {
	return k.Role == usherv1.Role_ROLE_MEDIA && k.Name == SessionServer
}

// RevokeAPIKey makes an API key useless. It is refused with UnknownApiKey if
// the tenant has no such key, or it is revoked already.
func (c *Center) RevokeAPIKey(ctx context.Context, by engine.Participant, tenant, id string) (Reply, error) {
	return c.Do(ctx, Request{Tenant: tenant, From: by, Body: operation{
		name: "RevokeApiKey",
		decide: func(w *writer) ([]*usherv1.Fact, *usherv1.EventError) {
			if k := w.credentials.key(id); k == nil || k.TenantId != tenant || k.RevokedAtMs != 0 {
				return nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_API_KEY, "there is no valid API key %q", id)
			}
			return []*usherv1.Fact{{Fact: &usherv1.Fact_ApiKeyRevoked{ApiKeyRevoked: &usherv1.ApiKeyRevoked{Id: id, RevokedAtMs: int64(w.now)}}}}, nil
		},
	}})
}

// ListAPIKeys gives a tenant's API keys in order of creation, also the revoked
// and expired ones; only what is durable. Don't change them.
func (c *Center) ListAPIKeys(tenant string) []*usherv1.ApiKey {
	return c.view.Load().listKeys(func(k *usherv1.ApiKey) bool { return k.TenantId == tenant })
}

// OpenAgentSession makes a session token valid. The refusals are UnknownTenant,
// UnknownAgent, InUse for a token that is open and TooManyRequests.
func (c *Center) OpenAgentSession(ctx context.Context, s Session, token Hash) (Reply, error) {
	return c.Do(ctx, Request{Tenant: s.Tenant, From: agentOf(s), Body: operation{
		name: "OpenSession",
		decide: func(w *writer) ([]*usherv1.Fact, *usherv1.EventError) {
			return w.openSession(s, token)
		},
	}})
}

func agentOf(s Session) engine.Participant {
	return engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: s.Agent}
}

func (w *writer) openSession(s Session, token Hash) ([]*usherv1.Fact, *usherv1.EventError) {
	if _, found := w.credentials.login(s.Tenant, s.Agent); !found {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_AGENT, "there is no agent %q", s.Agent)
	}
	if _, found := w.credentials.sessions.Load(token); found {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_IN_USE, "the session is open")
	}
	limit := w.center.o.MaxSessions
	if w.credentials.openSessions(s.Tenant) >= limit {
		w.credentials.forgetExpired(w.now)
	}
	if w.credentials.openSessions(s.Tenant) >= limit {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "the tenant has %d sessions open", limit)
	}
	return []*usherv1.Fact{{Fact: &usherv1.Fact_AgentSessionOpened{AgentSessionOpened: &usherv1.AgentSessionOpened{
		AgentId: s.Agent, TokenHash: token[:], ExpiresAtMs: s.ExpiresAtMs,
	}}}}, nil
}

// CloseAgentSession makes a session token useless. Closing a session that is
// closed or expired is no error.
func (c *Center) CloseAgentSession(ctx context.Context, tenant string, token Hash) (Reply, error) {
	s, _ := c.LookupSession(token)
	return c.Do(ctx, Request{Tenant: tenant, From: agentOf(s), Body: operation{
		name: "CloseSession",
		decide: func(w *writer) ([]*usherv1.Fact, *usherv1.EventError) {
			if s, found := w.credentials.sessions.Load(token); !found || s.(Session).Tenant != tenant {
				return nil, nil
			}
			return []*usherv1.Fact{{Fact: &usherv1.Fact_AgentSessionClosed{AgentSessionClosed: &usherv1.AgentSessionClosed{TokenHash: token[:]}}}}, nil
		},
	}})
}

// LookupAPIKey finds the key with this hash that is neither revoked nor
// expired. Don't change it. It never waits for the writer, nor do the lookups
// below.
func (c *Center) LookupAPIKey(hash Hash) (*usherv1.ApiKey, bool) {
	found, ok := c.view.Load().byHash.Load(hash)
	if !ok || !valid(found.(*usherv1.ApiKey), c.time.now()) {
		return nil, false
	}
	return found.(*usherv1.ApiKey), true
}

// LookupSession finds the session with this token that is neither closed nor
// expired, of an agent who exists.
func (c *Center) LookupSession(token Hash) (Session, bool) {
	v := c.view.Load()
	found, ok := v.sessions.Load(token)
	if !ok || found.(Session).ExpiresAtMs <= int64(c.time.now()) {
		return Session{}, false
	}
	s := found.(Session)
	_, exists := v.login(s.Tenant, s.Agent)
	return s, exists
}

// AgentLogin finds what is needed to check an agent's password and to know his
// role.
func (c *Center) AgentLogin(tenant, agent string) (Login, bool) {
	return c.view.Load().login(tenant, agent)
}

// AgentPasswordHash finds the hash of an agent's password.
func (c *Center) AgentPasswordHash(tenant, agent string) (string, bool) {
	l, found := c.view.Load().login(tenant, agent)
	return l.PasswordHash, found
}

// Site finds a web site of a tenant. Don't change it.
func (c *Center) Site(tenant, name string) (*usherv1.Site, bool) {
	return lookup[*usherv1.Site](&c.view.Load().sites, tenant, name)
}

// RequestType finds what customers of a tenant can ask for. Don't change it.
func (c *Center) RequestType(tenant, name string) (*usherv1.RequestType, bool) {
	return lookup[*usherv1.RequestType](&c.view.Load().requestTypes, tenant, name)
}

// OriginListed tells whether any site of any tenant lists an origin.
func (c *Center) OriginListed(origin string) bool {
	listed := false
	c.view.Load().sites.Range(func(_, site any) bool {
		listed = slices.Contains(site.(*usherv1.Site).GetOrigins(), origin)
		return !listed
	})
	return listed
}

// AgentName is an agent's name for people; empty if he has none. Customers see
// it: his id, with which he logs in, is none of their business.
func (c *Center) AgentName(tenant, agent string) string {
	l, _ := c.view.Load().login(tenant, agent)
	return l.Name
}

// CustomerGraceMs is how long a tenant waits for a customer whose browser is
// gone, in milliseconds.
func (c *Center) CustomerGraceMs(tenant string) int64 {
	if found, ok := c.view.Load().graces.Load(tenant); ok {
		return found.(int64)
	}
	return defaultCustomerGraceMs
}

// lookup finds an object of a tenant's configuration.
func lookup[T any](all *sync.Map, tenant, name string) (object T, ok bool) {
	found, ok := all.Load(ownName{tenant, name})
	if ok {
		object = found.(T)
	}
	return object, ok
}

// clone gives credentials that are folded on their own.
func (c *credentials) clone() *credentials {
	d := newCredentials()
	c.mu.RLock()
	defer c.mu.RUnlock()
	d.keys, d.open = maps.Clone(c.keys), maps.Clone(c.open)
	d.order, d.tenants = slices.Clone(c.order), slices.Clone(c.tenants)
	for from, to := range map[*sync.Map]*sync.Map{
		&c.byHash: &d.byHash, &c.sessions: &d.sessions, &c.logins: &d.logins,
		&c.sites: &d.sites, &c.requestTypes: &d.requestTypes, &c.graces: &d.graces,
	} {
		from.Range(func(key, value any) bool {
			to.Store(key, value)
			return true
		})
	}
	return d
}
