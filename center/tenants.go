package center

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// maxTenantID is the length of a tenant's id, in bytes.
const maxTenantID = 64

// Tenants gives the ids of all tenants, sorted; only what is durable.
func (c *Center) Tenants() []string { return c.view.Load().tenantIDs() }

// CreateTenant makes a tenant. It is refused with InvalidArgument for a bad id
// and with InUse for one that exists.
func (c *Center) CreateTenant(ctx context.Context, by engine.Participant, tenant string) (Reply, error) {
	return c.Do(ctx, Request{Tenant: SystemTenant, From: by, Body: operation{
		name:   "CreateTenant",
		tenant: tenant,
		decide: func(w *writer) ([]*usherv1.Fact, *usherv1.EventError) {
			if !validTenantID(tenant) {
				return nil, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "%q can't be the id of a tenant: 1 to 64 characters of a-z, 0-9 and -, and not %q", tenant, SystemTenant)
			}
			if w.tenants[tenant] != nil {
				return nil, refuse(usherv1.ErrorCode_ERROR_CODE_IN_USE, "there is a tenant %q", tenant)
			}
			return []*usherv1.Fact{{Fact: &usherv1.Fact_TenantCreated{TenantCreated: &usherv1.TenantCreated{TenantId: tenant}}}}, nil
		},
	}})
}

func validTenantID(id string) bool {
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return id != "" && len(id) <= maxTenantID && id != SystemTenant
}

// GetConfiguration reads a tenant's configuration, with the hashes of the
// passwords, which the caller strips before anybody sees it. The refusal is
// nil, UnknownTenant or Unavailable.
func (c *Center) GetConfiguration(ctx context.Context, tenant string) (*usherv1.GetConfigurationResponse, *usherv1.EventError, error) {
	return read(ctx, c, tenant, engine.Participant{}, func(w *writer) (*usherv1.GetConfigurationResponse, *usherv1.EventError) {
		configuration, version := w.tenants[tenant].engine.Configuration()
		return &usherv1.GetConfigurationResponse{Configuration: configuration, Version: version}, nil
	})
}
