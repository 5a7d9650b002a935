package center

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Tenants gives the ids of all tenants, sorted; only what is durable.
func (c *Center) Tenants() []string { return nil }

// CreateTenant makes a tenant. It is refused with InvalidArgument for a bad id
// and with InUse for one that exists.
func (c *Center) CreateTenant(ctx context.Context, by engine.Participant, tenant string) (Reply, error) {
	return Reply{}, nil
}

// GetConfiguration reads a tenant's configuration, with the hashes of the
// passwords, which the caller strips before anybody sees it. The refusal is
// nil, UnknownTenant or Unavailable.
func (c *Center) GetConfiguration(ctx context.Context, tenant string) (*usherv1.GetConfigurationResponse, *usherv1.EventError, error) {
	return nil, nil, nil
}
