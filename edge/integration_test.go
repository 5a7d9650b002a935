package edge_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
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

// house is a server with the real center on a journal that outlives it.
type house struct {
	t    *testing.T
	disk *memory.Disk
	log  bytes.Buffer
	hash []byte // of the setup token
	stop func()

	auth  usherv1connect.AuthenticationClient
	admin usherv1connect.AdministrationClient
	im    usherv1connect.InteractionManagementClient
}

func (h *house) start() {
	h.t.Helper()
	j, err := h.disk.Open()
	if err != nil {
		h.t.Fatal(err)
	}
	c, err := center.Open(h.t.Context(), center.Options{Journal: j, NewRouter: func() center.Router { return router.New() }})
	if err != nil {
		h.t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := httptest.NewServer(edge.New(edge.Options{Center: edge.Over(c), Logger: logger, SetupTokenHash: h.hash}).Handler())
	h.stop = func() {
		server.Close()
		if err := errors.Join(c.Drain(context.Background()), j.Close()); err != nil {
			h.t.Error(err)
		}
	}
	h.auth = usherv1connect.NewAuthenticationClient(http.DefaultClient, server.URL)
	h.admin = usherv1connect.NewAdministrationClient(http.DefaultClient, server.URL)
	h.im = usherv1connect.NewInteractionManagementClient(http.DefaultClient, server.URL)
}

// apply gives ann a password and tells how many objects changed.
func (h *house) apply(root context.Context, password string) int {
	h.t.Helper()
	answer, err := h.admin.ApplyConfiguration(root, &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat"}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "support"}},
		Agents:      []*usherv1.Agent{{AgentId: "ann", AgentGroups: []string{"support"}, Password: password}},
		Queues:      []*usherv1.Queue{{Name: "support", Strategy: engine.LongestIdle, AgentGroup: "support"}},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(answer.Changes)
}

// TestCredentialsFromBirthToDeath goes from the setup token to an agent's
// session, with the real center, over a restart; and finds none of the secrets
// in the journal or the log.
func TestCredentialsFromBirthToDeath(t *testing.T) {
	setupToken, setupHash := edge.NewSetupToken()
	h := &house{t: t, disk: memory.NewDisk(), hash: setupHash}
	h.start()
	first, err := h.auth.SetUp(t.Context(), &usherv1.SetUpRequest{SetupToken: setupToken})
	if err != nil || first.ApiKey.CreatedAtMs == 0 {
		t.Fatal(first, err)
	}
	root := with(t, first.Key)
	if _, err := h.admin.CreateTenant(root, &usherv1.CreateTenantRequest{TenantId: "default"}); err != nil {
		t.Fatal(err)
	}
	got := []int{h.apply(root, "correct horse"), h.apply(root, "correct horse"), h.apply(root, ""), h.apply(root, "battery staple")}
	if !slices.Equal(got, []int{4, 0, 0, 1}) {
		t.Error("changes:", got)
	}
	shown, err := h.admin.GetConfiguration(root, &usherv1.GetConfigurationRequest{})
	if err != nil || len(shown.Configuration.Agents) != 1 || shown.Configuration.Agents[0].PasswordHash != "" {
		t.Error(shown, err)
	}
	if _, err := h.auth.OpenSession(t.Context(), &usherv1.OpenSessionRequest{AgentId: "ann", Password: "correct horse"}); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Error("the old password:", err)
	}
	opened, err := h.auth.OpenSession(t.Context(), &usherv1.OpenSessionRequest{AgentId: "ann", Password: "battery staple"})
	if err != nil || opened.Role != usherv1.Role_ROLE_AGENT {
		t.Fatal(opened, err)
	}
	h.stop()

	h.start()
	h.afterRestart(setupToken, opened.Token)
	h.stop()
	secrets := []string{setupToken, "correct horse", "battery staple", first.Key, opened.Token}
	inJournal(t, h.disk, secrets)
	for _, secret := range secrets {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// afterRestart uses an agent's token until it is given back, and tries the
// setup token again.
func (h *house) afterRestart(setupToken, token string) {
	register := &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION}
	if ack, err := h.im.RegisterClient(with(h.t, token), register); err != nil || ack.Sequence == 0 || ack.ReferenceId == "" {
		h.t.Error(ack, err)
	}
	if _, err := h.im.Intrude(with(h.t, token), &usherv1.RequestIntrude{}); connect.CodeOf(err) != connect.CodePermissionDenied {
		h.t.Error(err)
	}
	if _, err := h.auth.SetUp(h.t.Context(), &usherv1.SetUpRequest{SetupToken: setupToken}); connect.CodeOf(err) != connect.CodeUnauthenticated {
		h.t.Error("set up twice:", err)
	}
	if _, err := h.auth.CloseSession(with(h.t, token), &usherv1.CloseSessionRequest{}); err != nil {
		h.t.Error(err)
	}
	if _, err := h.im.RegisterClient(with(h.t, token), register); connect.CodeOf(err) != connect.CodeUnauthenticated {
		h.t.Error(err)
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
