package edge

import (
	"slices"
	"testing"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
)

// TestQuestionsAreAboutOnesOwnTenant asks with every kind of credential, about
// the tenant that is its own and about another.
func TestQuestionsAreAboutOnesOwnTenant(t *testing.T) {
	fake := newFake()
	_, url := serve(t, Options{Center: fake})
	for _, test := range []struct {
		name, credential, named, tenant string // tenant is empty if refused
	}{
		{"an agent", fake.agent("acme", "ann", false), "", "acme"},
		{"an agent who names his tenant", fake.agent("acme", "ann", false), "acme", "acme"},
		{"an agent who names another", fake.agent("acme", "ann", false), "other", ""},
		{"a media server", fake.key("acme", "chat", usherv1.Role_ROLE_MEDIA), "", "acme"},
		{"an administrator of one tenant", fake.key("acme", "admin", usherv1.Role_ROLE_ADMIN), "other", ""},
		{"an administrator of all", fake.key(center.SystemTenant, "root", usherv1.Role_ROLE_ADMIN), "other", "other"},
		{"an administrator of all who names none", fake.key(center.SystemTenant, "root", usherv1.Role_ROLE_ADMIN), "", DefaultTenant},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake.explained = nil
			client := usherv1connect.NewRoutingClient(h2c(t), url, connect.WithGRPC(), withCredential(test.credential))
			answer, err := client.ExpectedWait(t.Context(), &usherv1.RequestExpectedWait{TenantId: test.named})
			if test.tenant == "" {
				if connect.CodeOf(err) != connect.CodePermissionDenied || len(fake.explained) != 0 {
					t.Error(answer, err, fake.explained)
				}
				return
			}
			if err != nil || answer.GetExpectedWaitMs() != 30_000 || !slices.Equal(fake.explained, []string{test.tenant}) {
				t.Error(answer, err, fake.explained)
			}
		})
	}
}

func TestWhyWaiting(t *testing.T) {
	fake := newFake()
	_, url := serve(t, Options{Center: fake})
	report := fake.key(DefaultTenant, "report", usherv1.Role_ROLE_REPORTING)
	client := usherv1connect.NewRoutingClient(h2c(t), url, connect.WithGRPC(), withCredential(report))
	for _, test := range []struct {
		request *usherv1.RequestWhyWaiting
		want    connect.Code
	}{
		{&usherv1.RequestWhyWaiting{InteractionId: "i"}, 0},
		{&usherv1.RequestWhyWaiting{}, connect.CodeNotFound},
	} {
		answer, err := client.WhyWaiting(t.Context(), test.request)
		if err == nil && (test.want != 0 || answer.GetInteractionId() != "i" || answer.GetSequence() != 7) ||
			err != nil && connect.CodeOf(err) != test.want {
			t.Errorf("%v: %v, %v", test.request, answer, err)
		}
	}
	if unknownInteraction.Name != "" {
		t.Error("the center's refusal was changed")
	}
}
