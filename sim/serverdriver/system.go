// Package serverdriver plays scenarios against a running server over its
// public API: requests are JSON over HTTP, as a stranger would send them,
// events come on real streams, and what happened is read from the trace. It
// promises that a message counts as seen only when every recipient whose
// stream is open has received it.
package serverdriver

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

// Host is the server under test.
type Host interface {
	// URL is where it listens.
	URL() string
	// AdminURL is where its metrics are.
	AdminURL() string
	// Advance lets its time pass; every deadline in it fires at its time.
	Advance(ctx context.Context, d time.Duration) error
	// Restart stops it and starts it again from its journal, at the same URL.
	Restart(ctx context.Context) error
}

// System is a server with a key of administration for all tenants.
type System struct {
	host  Host
	admin caller
	made  atomic.Int64
}

// NewSystem takes an API key of the tenant "system".
func NewSystem(host Host, key string) *System {
	return &System{host: host, admin: caller{url: host.URL, key: key}}
}

// password is that of every agent of a scenario.
const password = "correct horse battery"

// New is a driver with a tenant of its own, which has the configuration.
// Agents named in loggingIn get a password.
func (s *System) New(ctx context.Context, name string, configuration *usherv1.Configuration, loggingIn []string) (*Driver, error) {
	tenant := fmt.Sprintf("%s-%d", name, s.made.Add(1))
	for _, a := range configuration.Agents {
		for _, who := range loggingIn {
			if a.AgentId == who {
				a.Password = password
			}
		}
	}
	if err := s.admin.call(ctx, &usherv1.CreateTenantRequest{TenantId: tenant}, &usherv1.CreateTenantResponse{}); err != nil {
		return nil, fmt.Errorf("create tenant %s: %w", tenant, err)
	}
	if err := s.apply(ctx, tenant, configuration); err != nil {
		return nil, err
	}
	d := &Driver{system: s, tenant: tenant, callers: map[string]caller{}, streams: map[string]*streams{}, pending: map[string]bool{}}
	return d, d.mark(ctx)
}

// apply adds or replaces objects of a tenant's configuration.
func (s *System) apply(ctx context.Context, tenant string, configuration *usherv1.Configuration) error {
	apply := &usherv1.ApplyConfigurationRequest{TenantId: tenant, Configuration: configuration}
	if err := s.admin.call(ctx, apply, &usherv1.ApplyConfigurationResponse{}); err != nil {
		return fmt.Errorf("configure tenant %s: %w", tenant, err)
	}
	return nil
}

// key makes an API key for a client of a tenant.
func (s *System) key(ctx context.Context, tenant, name string, role usherv1.Role) (string, error) {
	created := &usherv1.CreateApiKeyResponse{}
	err := s.admin.call(ctx, &usherv1.CreateApiKeyRequest{TenantId: tenant, Name: name, Role: role}, created)
	return created.Key, err
}

// transport is shared by all clients; every stream is a connection of its own
// in HTTP/1.1, or a stream of one in HTTP/2.
var transport = func() *http.Transport {
	t := &http.Transport{Protocols: new(http.Protocols)}
	t.Protocols.SetUnencryptedHTTP2(true)
	return t
}()

var client = &http.Client{Transport: transport}

func (s *System) reporting() usherv1connect.ReportingClient {
	return usherv1connect.NewReportingClient(client, s.host.URL())
}
