package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

// waiting is an answer with everything in it.
var waiting = &usherv1.EventWhyWaiting{
	InteractionId: "chat-1", Summary: `No agent of the skill "billing" is available.`,
	WaitingSinceMs: 1_000_000, TimeMs: 1_031_400, Sequence: 77,
	ExpectedWait: &usherv1.EventExpectedWait{ExpectedWaitMs: 125_000, Position: 4},
	VectorState:  &usherv1.VectorState{Vector: "12", ResumeAtMs: 1_043_000},
	Step:         `vector 12 "Billing chat", step 3: wait-time 30 secs hearing music`,
	Places: []*usherv1.WaitingPlace{
		{Where: `skill "billing" at priority m`, Position: 4, Staffed: 2},
		{Where: `agent "zoë"`, Position: 1, Staffed: 1, Available: 1},
	},
	Exclusions: []*usherv1.Exclusion{
		{Rule: "WorkMode", Description: "They are in AUX or ACW.", Count: 2, Agents: []*usherv1.ExcludedAgent{
			{AgentId: "ann", Detail: "AUX 3 since 120 s"}, {AgentId: "bernadette"},
		}},
		{Rule: "NotInSkill", Description: "They don't have the skill.", Count: 12, Agents: []*usherv1.ExcludedAgent{{AgentId: "carl"}}},
		{Rule: "BackOff", Description: "They have just refused it.", Count: 1},
	},
}

func TestPrintWhy(t *testing.T) {
	for _, test := range []struct {
		name string
		why  *usherv1.EventWhyWaiting
		want string
	}{
		{"everything", waiting, `
No agent of the skill "billing" is available.
It has waited 31s. Expected: another 2m5s, at position 4.
It is in vector 12 "Billing chat", step 3: wait-time 30 secs hearing music; it goes on in 12s.

WAITS FOR                      POSITION  STAFFED  AVAILABLE
skill "billing" at priority m  4         2        0
agent "zoë"                    1         1        1

RULE        AGENTS  MEANING
WorkMode    2       They are in AUX or ACW.
                    ann         AUX 3 since 120 s
                    bernadette
NotInSkill  12      They don't have the skill.
                    carl
                    and 11 more
BackOff     1       They have just refused it.
`},
		{"nothing", &usherv1.EventWhyWaiting{Summary: "It does not wait."}, `
It does not wait.
`},
		{"no end", &usherv1.EventWhyWaiting{
			Summary: "Nobody is logged in.", WaitingSinceMs: 1, TimeMs: 1,
			ExpectedWait: &usherv1.EventExpectedWait{Infinite: true},
			VectorState:  &usherv1.VectorState{Vector: "12", Ended: true, ResumeAtMs: 5},
			Places:       []*usherv1.WaitingPlace{{Where: "group", Position: 1}},
		}, `
Nobody is logged in.
It has waited 0s. Expected: no end.
It is in vector 12; it executes nothing more.

WAITS FOR  POSITION  STAFFED  AVAILABLE
group      1         0        0
`},
		{"for nobody", &usherv1.EventWhyWaiting{
			Summary: "Queue shared has no strategy: agents pull.", WaitingSinceMs: 1, TimeMs: 5_001, ExpectedWait: &usherv1.EventExpectedWait{Infinite: true},
		}, `
Queue shared has no strategy: agents pull.
It has waited 5s.
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			if err := printWhy(&b, test.why); err != nil || "\n"+b.String() != test.want {
				t.Errorf("%v\n%s", err, b.String())
			}
		})
	}
}

// knowing is a server that knows one interaction.
type knowing struct {
	usherv1connect.UnimplementedRoutingHandler
	asked *usherv1.RequestWhyWaiting
}

func (k *knowing) WhyWaiting(_ context.Context, r *usherv1.RequestWhyWaiting) (*usherv1.EventWhyWaiting, error) {
	k.asked = r
	if r.GetInteractionId() == waiting.GetInteractionId() {
		return waiting, nil
	}
	detail, err := connect.NewErrorDetail(&usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION})
	if err != nil {
		return nil, err
	}
	refusal := connect.NewError(connect.CodeNotFound, nil)
	refusal.AddDetail(detail)
	return nil, refusal
}

// explained runs the command against a server.
func (k *knowing) explained(t *testing.T, args ...string) (string, error) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(usherv1connect.NewRoutingHandler(k))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	cmd := explainCommand()
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(append(args, "--url", server.URL, "--api-key", "usk_x"))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestExplain(t *testing.T) {
	k := &knowing{}
	out, err := k.explained(t, "chat-1", "--agents", "3", "--tenant", "acme")
	if err != nil || !strings.HasPrefix(out, waiting.GetSummary()) || k.asked.GetMaxAgents() != 3 || k.asked.GetTenantId() != "acme" {
		t.Errorf("%v, asked %v\n%s", err, k.asked, out)
	}
	out, err = k.explained(t, "chat-1", "--json")
	var why struct {
		Summary string
		Places  []struct{ Where string }
		Since   string `json:"waiting_since_ms"`
	}
	if err != nil || json.Unmarshal([]byte(out), &why) != nil || why.Summary != waiting.GetSummary() || len(why.Places) != 2 || why.Since != "1000000" {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = k.explained(t, "chat-2")
	if err == nil || out != "" || !strings.HasPrefix(err.Error(), `there is no interaction "chat-2"`) {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err = k.explained(t); err == nil {
		t.Error("no interaction was asked about")
	}
}
