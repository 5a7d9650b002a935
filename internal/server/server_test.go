package server

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

// start starts a server that is shut down with the test.
func start(t *testing.T, c Config) *Server {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, s) })
	return s
}

func shutdown(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func dial(t *testing.T, s *Server, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.Dial(s.URL(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func setUp(t *testing.T, s *Server, token string) (*usherv1.SetUpResponse, error) {
	t.Helper()
	return dial(t, s).Authentication().
		SetUp(t.Context(), &usherv1.SetUpRequest{SetupToken: token})
}

func TestSetupTokenIsUsedOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, setupFile)
	first := start(t, Config{DataDir: dir})
	token := first.SetupToken()
	raw, err := os.ReadFile(file)
	if err != nil || token == "" || strings.Contains(string(raw), token) {
		t.Fatalf("token %q, file %q, %v", token, raw, err)
	}
	shutdown(t, first)

	second := start(t, Config{DataDir: dir})
	if got := second.SetupToken(); got != "" {
		t.Errorf("the second start has another token: %q", got)
	}
	if _, err := setUp(t, second, token+"x"); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("a wrong token: %v", err)
	}
	made, err := setUp(t, second, token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of the used token: %v", err)
	}
	if _, err := setUp(t, second, token); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("the same token again: %v", err)
	}
	shutdown(t, second)

	third := start(t, Config{DataDir: dir})
	if third.SetupToken() != "" || third.Status().WaitingForSetup {
		t.Error("a server that is set up waits to be set up")
	}
	admin := dial(t, third, client.WithAPIKey(made.GetKey())).Administration()
	tenants, err := admin.ListTenants(t.Context(), &usherv1.ListTenantsRequest{})
	if err != nil || len(tenants.GetTenantIds()) != 1 || tenants.GetTenantIds()[0] != "default" {
		t.Errorf("tenants after a restart: %v, %v", tenants, err)
	}
}

func TestSetUpForDevelopment(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Config{DataDir: dir})
	old, err := first.SetUpForDevelopment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shutdown(t, first)

	s := start(t, Config{DataDir: dir})
	keys, err := s.SetUpForDevelopment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]string{
		"admin": {old.Admin, keys.Admin}, "media": {old.Media, keys.Media},
		"router": {old.Router, keys.Router}, "service": {old.Service, keys.Service}, "reporting": {old.Reporting, keys.Reporting},
	} {
		for n, want := range []connect.Code{connect.CodeUnauthenticated, 0} {
			if got := use(t, s, pair[n]); got != want {
				t.Errorf("key %d of %s: %v, want %v", n, name, got, want)
			}
		}
	}
	admin := dial(t, s, client.WithAPIKey(keys.Admin)).Administration()
	configuration, err := admin.GetConfiguration(t.Context(), &usherv1.GetConfigurationRequest{})
	if err != nil || configuration.GetVersion() != 1 || len(configuration.GetConfiguration().GetQueues()) == 0 {
		t.Errorf("configuration after two starts: %v, %v", configuration, err)
	}
	login := &usherv1.OpenSessionRequest{AgentId: "alice", Password: DevPassword}
	if _, err := dial(t, s).Authentication().OpenSession(t.Context(), login); err != nil {
		t.Errorf("alice can't log in: %v", err)
	}
}

// use is the code with which a key is turned away by a method that needs one;
// 0 if it is only the role that does not fit, or nothing.
func use(t *testing.T, s *Server, key string) connect.Code {
	t.Helper()
	_, err := dial(t, s, client.WithAPIKey(key)).Administration().
		ListTenants(t.Context(), &usherv1.ListTenantsRequest{})
	if code := connect.CodeOf(err); err != nil && code != connect.CodePermissionDenied {
		return code
	}
	return 0
}

func TestStartLeavesNothingOccupied(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Config{DataDir: dir})
	taken := strings.TrimPrefix(s.URL(), "http://")
	if _, err := Start(t.Context(), Config{Listen: taken}); err == nil {
		t.Fatal("two servers listen on one address")
	}
	if _, err := Start(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: dir}); err == nil {
		t.Fatal("two servers have one data folder")
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, setupFile), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: other}); err == nil {
		t.Fatal("a damaged setup token was passed over")
	}
	if err := os.Remove(filepath.Join(other, setupFile)); err != nil {
		t.Fatal(err)
	}
	shutdown(t, start(t, Config{DataDir: other}))
	shutdown(t, start(t, Config{})) // and in memory
}

func TestAdmin(t *testing.T) {
	s := start(t, Config{AdminListen: "127.0.0.1:0"})
	for path, want := range map[string]string{
		"/readyz": "ok", "/metrics": "usher_durable_sequence", "/status": `"waiting_for_setup":true`,
	} {
		answer, err := http.Get(s.AdminURL() + path)
		if err != nil {
			t.Fatal(err)
		}
		var body strings.Builder
		if err := answer.Write(&body); err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK || !strings.Contains(body.String(), want) {
			t.Errorf("%s: %s", path, body.String())
		}
	}
}
