package server

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/internal/configfile"
)

//go:embed dev.yaml
var devConfiguration []byte

// DevPassword is the password of the agents that SetUpForDevelopment makes.
const DevPassword = "usher-dev"

// DevKeys are API keys for development: one for each role.
type DevKeys struct {
	Admin     string // of the tenant "system"
	Media     string
	Router    string
	Service   string
	Reporting string
}

// SetUpForDevelopment makes a key for each role, in place of those that it
// made in this data folder before, and gives a tenant without configuration a
// small one. It asks the server over its own protocol, without TLS.
func (s *Server) SetUpForDevelopment(ctx context.Context) (DevKeys, error) {
	former := s.devKeys()
	id, key, hash := edge.NewAPIKey()
	made := &usherv1.ApiKey{Id: id, TenantId: center.SystemTenant, Name: "admin", Role: usherv1.Role_ROLE_ADMIN}
	if err := outcome(s.settingUp().CreateAPIKey(ctx, engine.Server, made, center.Hash(hash))); err != nil {
		return DevKeys{}, fmt.Errorf("make a key for admin: %w", err)
	}
	dialled, err := client.Dial(s.url, client.WithAPIKey(key))
	if err != nil {
		return DevKeys{}, err
	}
	defer func() { _ = dialled.Close(ctx) }()
	admin := dialled.Administration()
	keys := DevKeys{Admin: key}
	for _, k := range []struct {
		name string
		role usherv1.Role
		to   *string
	}{
		{"media", usherv1.Role_ROLE_MEDIA, &keys.Media},
		{"router", usherv1.Role_ROLE_ROUTER, &keys.Router},
		{"service", usherv1.Role_ROLE_SERVICE, &keys.Service},
		{"reporting", usherv1.Role_ROLE_REPORTING, &keys.Reporting},
	} {
		answer, err := admin.CreateApiKey(ctx, &usherv1.CreateApiKeyRequest{Name: k.name, Role: k.role})
		if err != nil {
			return DevKeys{}, fmt.Errorf("make a key for %s: %w", k.name, err)
		}
		*k.to = answer.GetKey()
	}
	for _, key := range former {
		if _, err := admin.RevokeApiKey(ctx, &usherv1.RevokeApiKeyRequest{TenantId: key.GetTenantId(), Id: key.GetId()}); err != nil {
			return DevKeys{}, fmt.Errorf("revoke the key %s of a former start: %w", key.GetId(), err)
		}
	}
	return keys, configureForDevelopment(ctx, admin)
}

// devKeys are the valid keys that a former start has made.
func (s *Server) devKeys() []*usherv1.ApiKey {
	names := []string{"admin", "media", "router", "service", "reporting"}
	keys := append(s.center.ListAPIKeys(center.SystemTenant), s.center.ListAPIKeys(edge.DefaultTenant)...)
	return slices.DeleteFunc(keys, func(key *usherv1.ApiKey) bool {
		return key.GetRevokedAtMs() != 0 || !slices.Contains(names, key.GetName())
	})
}

func configureForDevelopment(ctx context.Context, admin usherv1connect.AdministrationClient) error {
	present, err := admin.GetConfiguration(ctx, &usherv1.GetConfigurationRequest{})
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	if present.GetVersion() != 0 {
		return nil
	}
	configuration, _, err := configfile.Parse("dev.yaml", devConfiguration)
	if err != nil {
		return err
	}
	_, err = admin.ApplyConfiguration(ctx, &usherv1.ApplyConfigurationRequest{Configuration: configuration})
	if err != nil {
		return fmt.Errorf("apply the configuration for development: %w", err)
	}
	return nil
}
