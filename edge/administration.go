package edge

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// administration is tenants, configuration and API keys.
type administration struct{ *Server }

// tenantFor is the tenant that a request means: the credential's own, for keys
// of the system tenant the one that is named.
func tenantFor(who *caller, named string) (string, error) {
	switch {
	case who.tenant == center.SystemTenant && named == "":
		return DefaultTenant, nil
	case who.tenant == center.SystemTenant:
		return named, nil
	case named == "" || named == who.tenant:
		return who.tenant, nil
	}
	return "", refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "the credential is for tenant %q only", who.tenant)
}

// CreateTenant makes a tenant.
func (s administration) CreateTenant(ctx context.Context, r *usherv1.CreateTenantRequest) (*usherv1.CreateTenantResponse, error) {
	who := callerOf(ctx)
	if who.tenant != center.SystemTenant {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "only keys of the tenant %q make tenants", center.SystemTenant)
	}
	if _, err := outcome(s.center.CreateTenant(ctx, who.from, r.GetTenantId())); err != nil {
		return nil, err
	}
	return &usherv1.CreateTenantResponse{}, nil
}

// ListTenants lists the tenants that the key may administer.
func (s administration) ListTenants(ctx context.Context, _ *usherv1.ListTenantsRequest) (*usherv1.ListTenantsResponse, error) {
	who := callerOf(ctx)
	if who.tenant != center.SystemTenant {
		return &usherv1.ListTenantsResponse{TenantIds: []string{who.tenant}}, nil
	}
	return &usherv1.ListTenantsResponse{TenantIds: s.center.Tenants()}, nil
}

// GetConfiguration reads a tenant's configuration, without passwords.
func (s administration) GetConfiguration(ctx context.Context, r *usherv1.GetConfigurationRequest) (*usherv1.GetConfigurationResponse, error) {
	tenant, err := tenantFor(callerOf(ctx), r.GetTenantId())
	if err != nil {
		return nil, err
	}
	stored, err := s.configuration(ctx, tenant)
	if err != nil {
		return nil, err
	}
	answer := proto.CloneOf(stored)
	for _, agent := range answer.GetConfiguration().GetAgents() {
		agent.Password, agent.PasswordHash = "", ""
	}
	return answer, nil
}

func (s *Server) configuration(ctx context.Context, tenant string) (*usherv1.GetConfigurationResponse, error) {
	stored, refusal, err := s.center.GetConfiguration(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return nil, refusalOf(proto.CloneOf(refusal))
	}
	return stored, nil
}

// ApplyConfiguration changes a tenant's configuration. The center sees hashes
// in place of passwords.
func (s administration) ApplyConfiguration(ctx context.Context, r *usherv1.ApplyConfigurationRequest) (*usherv1.ApplyConfigurationResponse, error) {
	who := callerOf(ctx)
	tenant, err := tenantFor(who, r.GetTenantId())
	if err != nil {
		return nil, err
	}
	if err := s.hashPasswords(ctx, tenant, r.GetConfiguration().GetAgents()); err != nil {
		return nil, err
	}
	r.TenantId = tenant
	reply, err := outcome(s.center.Do(ctx, center.Request{
		Tenant: tenant, From: who.from, Body: engine.Apply{Request: r}, Protocol: im,
	}))
	if err != nil {
		return nil, err
	}
	answer := proto.CloneOf(reply.Changes)
	if answer == nil {
		answer = &usherv1.ApplyConfigurationResponse{}
	}
	if len(answer.GetChanges()) != 0 && !r.GetDryRun() && answer.GetSequence() == 0 {
		answer.Sequence = reply.Sequence
	}
	return answer, nil
}

// hashPasswords puts hashes in place of passwords. A password that is the
// agent's already keeps its hash, so that nothing changes by applying the same
// again; of one that is left out the engine keeps the hash.
func (s *Server) hashPasswords(ctx context.Context, tenant string, agents []*usherv1.Agent) error {
	for _, agent := range agents {
		if n := len(agent.GetPassword()); n != 0 && (n < passwordMinBytes || n > passwordMaxBytes) {
			return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT,
				"agent %q: a password has %d to %d bytes", agent.GetAgentId(), passwordMinBytes, passwordMaxBytes)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cap(s.passwords.known.working))
	for _, agent := range agents {
		password := agent.GetPassword()
		login, _ := s.center.AgentLogin(tenant, agent.GetAgentId())
		agent.Password, agent.PasswordHash = "", ""
		if password == "" {
			continue
		}
		group.Go(func() (err error) {
			if login.PasswordHash != "" {
				same, err := s.passwords.verify(ctx, s.passwords.known, login.PasswordHash, password)
				if err != nil {
					return err
				}
				if same {
					agent.PasswordHash = login.PasswordHash
					return nil
				}
			}
			agent.PasswordHash, err = s.passwords.hash(ctx, password)
			return err
		})
	}
	return group.Wait()
}

// CreateApiKey makes an API key and shows it this once.
func (s administration) CreateApiKey(ctx context.Context, r *usherv1.CreateApiKeyRequest) (*usherv1.CreateApiKeyResponse, error) {
	who := callerOf(ctx)
	tenant, err := tenantFor(who, r.GetTenantId())
	if err != nil {
		return nil, err
	}
	if refusal := s.unfitKey(tenant, r); refusal != nil {
		return nil, refusal
	}
	id, key, hash := NewAPIKey()
	made := &usherv1.ApiKey{Id: id, TenantId: tenant, Name: r.GetName(), Role: r.GetRole(), ExpiresAtMs: r.GetExpiresAtMs(), Site: r.GetSite()}
	if _, err := outcome(s.center.CreateAPIKey(ctx, who.from, made, center.Hash(hash))); err != nil {
		return nil, err
	}
	return &usherv1.CreateApiKeyResponse{ApiKey: s.apiKey(tenant, id), Key: key}, nil
}

// unfitKey says why there can't be such a key.
func (s *Server) unfitKey(tenant string, r *usherv1.CreateApiKeyRequest) *Refusal {
	invalid := usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT
	_, known := participantKinds[r.GetRole()]
	expires := r.GetExpiresAtMs()
	switch {
	case !known:
		return refuse(invalid, "role: API keys are for media, router, service, reporting, site and admin")
	case tenant == center.SystemTenant && r.GetRole() != usherv1.Role_ROLE_ADMIN:
		return refuse(invalid, "role: keys of the tenant %q are for admin", center.SystemTenant)
	case expires != 0 && expires <= s.center.Status().TimeMs:
		return refuse(invalid, "expires_at_ms: it is in the past")
	}
	return nil
}

// ListApiKeys lists the API keys of a tenant.
func (s administration) ListApiKeys(ctx context.Context, r *usherv1.ListApiKeysRequest) (*usherv1.ListApiKeysResponse, error) {
	tenant, err := tenantFor(callerOf(ctx), r.GetTenantId())
	if err != nil {
		return nil, err
	}
	if tenant != center.SystemTenant && !slices.Contains(s.center.Tenants(), tenant) {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT, "there is no tenant %q", tenant)
	}
	return &usherv1.ListApiKeysResponse{ApiKeys: s.center.ListAPIKeys(tenant)}, nil
}

// RevokeApiKey makes an API key useless at once, and ends its streams.
func (s administration) RevokeApiKey(ctx context.Context, r *usherv1.RevokeApiKeyRequest) (*usherv1.RevokeApiKeyResponse, error) {
	who := callerOf(ctx)
	tenant, err := tenantFor(who, r.GetTenantId())
	if err != nil {
		return nil, err
	}
	if _, err := outcome(s.center.RevokeAPIKey(ctx, who.from, tenant, r.GetId())); err != nil {
		return nil, err
	}
	s.open.end(func(c *caller) bool { return c.keyID == r.GetId() && c.tenant == tenant }, errRevoked)
	return &usherv1.RevokeApiKeyResponse{}, nil
}
