package edge

import (
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

func TestGetPresentState(t *testing.T) {
	fake := newFake()
	_, url := serve(t, Options{Center: fake})
	im := usherv1connect.NewInteractionManagementClient(h2c(t), url, withCredential(fake.agent(DefaultTenant, "ann", false)))
	present, err := im.GetPresentState(t.Context(), &usherv1.RequestGetPresentState{})
	if err != nil || present.GetAgentId() != "ann" || present.GetSequenceReached() != 50 {
		t.Error(present, err)
	}
}
