package edge_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/router"
)

// with is a context whose calls carry a credential.
func with(t *testing.T, credential string) context.Context {
	t.Helper()
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set("Authorization", "Bearer "+credential)
	return ctx
}

// TestCredentialsFromBirthToDeath goes from the setup token to an agent's
// session, with the real center, over a restart; and finds none of the secrets
// in the journal or the log.
func TestCredentialsFromBirthToDeath(t *testing.T) {
	disk := memory.NewDisk()
	var log bytes.Buffer
	setupToken, setupHash := edge.NewSetupToken()
	var stop func()
	start := func() string {
		j, err := disk.Open()
		if err != nil {
			t.Fatal(err)
		}
		c, err := center.Open(t.Context(), center.Options{Journal: j, NewRouter: func() center.Router { return router.New() }})
		if err != nil {
			t.Fatal(err)
		}
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		server := httptest.NewServer(edge.New(edge.Options{Center: edge.Over(c), Logger: logger, SetupTokenHash: setupHash}).Handler())
		stop = func() {
			server.Close()
			if err := c.Drain(context.Background()); err != nil {
				t.Error(err)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		}
		return server.URL
	}
	url := start()
	secrets := []string{setupToken, "correct horse", "battery staple"}

	auth := usherv1connect.NewAuthenticationClient(http.DefaultClient, url)
	first, err := auth.SetUp(t.Context(), &usherv1.SetUpRequest{SetupToken: setupToken})
	if err != nil || first.ApiKey.CreatedAtMs == 0 {
		t.Fatal(first, err)
	}
	secrets = append(secrets, first.Key)
	admin := usherv1connect.NewAdministrationClient(http.DefaultClient, url)
	root := with(t, first.Key)
	if _, err := admin.CreateTenant(root, &usherv1.CreateTenantRequest{TenantId: "default"}); err != nil {
		t.Fatal(err)
	}
	apply := func(password string) int {
		t.Helper()
		answer, err := admin.ApplyConfiguration(root, &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
			MediaTypes:  []*usherv1.MediaType{{Name: "chat"}},
			AgentGroups: []*usherv1.AgentGroup{{Name: "support"}},
			Agents:      []*usherv1.Agent{{AgentId: "ann", AgentGroups: []string{"support"}, Password: password}},
			Queues:      []*usherv1.Queue{{Name: "support", Strategy: engine.LongestIdle, AgentGroup: "support"}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return len(answer.Changes)
	}
	if got := []int{apply("correct horse"), apply("correct horse"), apply(""), apply("battery staple")}; got[0] != 4 || got[1] != 0 || got[2] != 0 || got[3] != 1 {
		t.Error("changes:", got)
	}
	shown, err := admin.GetConfiguration(root, &usherv1.GetConfigurationRequest{})
	if err != nil || len(shown.Configuration.Agents) != 1 || shown.Configuration.Agents[0].PasswordHash != "" {
		t.Error(shown, err)
	}
	if _, err := auth.OpenSession(t.Context(), &usherv1.OpenSessionRequest{AgentId: "ann", Password: "correct horse"}); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Error("the old password:", err)
	}
	opened, err := auth.OpenSession(t.Context(), &usherv1.OpenSessionRequest{AgentId: "ann", Password: "battery staple"})
	if err != nil || opened.Role != usherv1.Role_ROLE_AGENT {
		t.Fatal(opened, err)
	}
	secrets = append(secrets, opened.Token)

	stop()
	url = start()
	auth = usherv1connect.NewAuthenticationClient(http.DefaultClient, url)
	im := usherv1connect.NewInteractionManagementClient(http.DefaultClient, url)
	register := &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION}
	if ack, err := im.RegisterClient(with(t, opened.Token), register); err != nil || ack.Sequence == 0 || ack.ReferenceId == "" {
		t.Error(ack, err)
	}
	if _, err := im.Intrude(with(t, opened.Token), &usherv1.RequestIntrude{}); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Error(err)
	}
	if _, err := auth.SetUp(t.Context(), &usherv1.SetUpRequest{SetupToken: setupToken}); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Error("set up twice:", err)
	}
	if _, err := auth.CloseSession(with(t, opened.Token), &usherv1.CloseSessionRequest{}); err != nil {
		t.Error(err)
	}
	if _, err := im.RegisterClient(with(t, opened.Token), register); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Error(err)
	}
	stop()
	inJournal(t, disk, secrets)
	for _, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// inJournal looks for secrets in everything that was appended.
func inJournal(t *testing.T, disk *memory.Disk, secrets []string) {
	t.Helper()
	j, err := disk.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	bytesRead := 0
	for batch, err := range j.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		bytesRead += len(batch.Payload)
		for _, secret := range secrets {
			if bytes.Contains(batch.Payload, []byte(secret)) {
				t.Errorf("%q is in the journal", secret)
			}
		}
	}
	if bytesRead == 0 {
		t.Error("nothing was read")
	}
}
