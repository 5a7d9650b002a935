package edge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/journal/memory"
)

const processText = `agent_groups:
  - name: support
agents:
  - agent_id: ann
    agent_groups: [support]
    password: correct horse
skills:
  - name: billing
vectors:
  - |
    vector 12 "Billing"
    01  queue-to skill billing pri m
    02  stop
queues:
  - name: inbound
    strategy: vector
    vector: "12"
`

// administered is a server that was set up, with a context for its root key.
func administered(t *testing.T) (*house, context.Context) {
	t.Helper()
	token, hash := edge.NewSetupToken()
	h := &house{t: t, disk: memory.NewDisk(), hash: hash}
	h.start()
	first, err := h.auth.SetUp(t.Context(), &usherv1.SetUpRequest{SetupToken: token})
	if err != nil {
		t.Fatal(err)
	}
	root := with(t, first.Key)
	if _, err := h.admin.CreateTenant(root, &usherv1.CreateTenantRequest{TenantId: "default"}); err != nil {
		t.Fatal(err)
	}
	return h, root
}

func places(problems []*usherv1.TextProblem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%d:%d %s\n", p.Line, p.Column, p.Message)
	}
	return b.String()
}

// TestBusinessProcessIsApplied: checked without a change, applied, exported
// without passwords, applied again without a difference, cut down.
func TestBusinessProcessIsApplied(t *testing.T) {
	h, root := administered(t)
	defer h.stop()
	apply := func(r *usherv1.ApplyBusinessProcessRequest) *usherv1.ApplyBusinessProcessResponse {
		t.Helper()
		answer, err := h.admin.ApplyBusinessProcess(root, r)
		if err != nil || len(answer.Problems) != 0 {
			t.Fatal(answer, err)
		}
		return answer
	}
	empty, err := h.admin.ExportBusinessProcess(root, &usherv1.ExportBusinessProcessRequest{})
	if err != nil {
		t.Fatal(err)
	}
	dry := apply(&usherv1.ApplyBusinessProcessRequest{Text: processText, DryRun: true, ExpectedVersion: empty.Version})
	if len(dry.Changes) != 5 || dry.Sequence != 0 || dry.Version != empty.Version {
		t.Error("dry run:", dry)
	}
	done := apply(&usherv1.ApplyBusinessProcessRequest{Text: processText, ExpectedVersion: empty.Version})
	if len(done.Changes) != 5 || done.Sequence == 0 || done.Version != empty.Version+1 {
		t.Error("applied:", done)
	}
	if _, err := h.auth.OpenSession(t.Context(), &usherv1.OpenSessionRequest{AgentId: "ann", Password: "correct horse"}); err != nil {
		t.Error("the password of the text:", err)
	}
	exported, err := h.admin.ExportBusinessProcess(root, &usherv1.ExportBusinessProcessRequest{TenantId: "default"})
	if err != nil {
		t.Fatal(err)
	}
	if exported.Version != done.Version || strings.Contains(exported.Text, "password") ||
		!strings.HasPrefix(exported.Text, fmt.Sprintf("# Configuration of the tenant default, version %d.\n", done.Version)) {
		t.Error(exported)
	}
	if again := apply(&usherv1.ApplyBusinessProcessRequest{Text: exported.Text, ReplaceAll: true}); len(again.Changes) != 0 {
		t.Error("what was exported differs:", again)
	}
	less := apply(&usherv1.ApplyBusinessProcessRequest{Text: "skills: [{name: billing}]\n", ReplaceAll: true})
	if len(less.Changes) != 4 {
		t.Error("all but a skill is removed:", less)
	}
	if _, err := h.admin.ApplyBusinessProcess(root, &usherv1.ApplyBusinessProcessRequest{Text: processText, ExpectedVersion: done.Version}); connect.CodeOf(err) != connect.CodeAborted {
		t.Error("an old version:", err)
	}
	if _, err := h.admin.ApplyBusinessProcess(root, &usherv1.ApplyBusinessProcessRequest{TenantId: "nobody", Text: processText}); err == nil {
		t.Error("a tenant that does not exist has a business process")
	}
}

// TestWrongBusinessProcess: each fault is answered at its place, and changes
// nothing.
func TestWrongBusinessProcess(t *testing.T) {
	h, root := administered(t)
	defer h.stop()
	for _, test := range []struct{ from, to, want string }{
		{"strategy: vector", "stratgy: vector", "16:5 unknown key \"stratgy\"; did you mean strategy?\n"},
		{"02  stop", "02  dance", "13:9 vector \"12\": "},
		{"skill billing pri", "skill sales pri", "12:18 vector \"12\": unknown skill \"sales\"\n"},
		{"vector: \"12\"", "vector: \"13\"", "17:5 queue \"inbound\": vector: there is no vector \"13\"\n"},
		{"correct horse", "short", "4:5 agent \"ann\": a password has 8 to 256 bytes\n"},
		{"agents:", "agents: [", ":"},
	} {
		text := strings.Replace(processText, test.from, test.to, 1)
		for _, dry := range []bool{true, false} {
			answer, err := h.admin.ApplyBusinessProcess(root, &usherv1.ApplyBusinessProcessRequest{Text: text, DryRun: dry})
			if err != nil || len(answer.Changes) != 0 || answer.Version != 0 || !strings.Contains(places(answer.Problems), test.want) {
				t.Errorf("%s: %v\n%s", test.to, err, places(answer.GetProblems()))
			}
		}
	}
	if kept, err := h.admin.GetConfiguration(root, &usherv1.GetConfigurationRequest{}); err != nil || len(kept.Configuration.GetQueues()) != 0 {
		t.Error("something changed:", kept, err)
	}
}

// TestBusinessProcessIsForAdministrators: of the tenant, and of no other.
func TestBusinessProcessIsForAdministrators(t *testing.T) {
	h, root := administered(t)
	defer h.stop()
	for _, role := range []usherv1.Role{usherv1.Role_ROLE_MEDIA, usherv1.Role_ROLE_ADMIN} {
		made, err := h.admin.CreateApiKey(root, &usherv1.CreateApiKeyRequest{Name: "k" + fmt.Sprint(int(role)), Role: role})
		if err != nil {
			t.Fatal(err)
		}
		tenant := ""
		if role == usherv1.Role_ROLE_ADMIN {
			tenant = "system"
		}
		key := with(t, made.Key)
		if _, err := h.admin.ExportBusinessProcess(key, &usherv1.ExportBusinessProcessRequest{TenantId: tenant}); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Error(role, "exports:", err)
		}
		if _, err := h.admin.ApplyBusinessProcess(key, &usherv1.ApplyBusinessProcessRequest{TenantId: tenant, Text: "?"}); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Error(role, "applies:", err)
		}
	}
}
