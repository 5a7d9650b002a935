package edge

import (
	"net/http"
	"testing"
	"testing/synctest"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/engine"
)

// TestShutdownRecordsNoLoss: the center hears nothing of the end of a stream that
// the server itself ends, so that nobody's grace begins before he can come back.
func TestShutdownRecordsNoLoss(t *testing.T) {
	fake := newFake()
	token := fake.agent(DefaultTenant, "ann", false)
	inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(token))
		events, err := im.Events(t.Context(), &usherv1.RequestEvents{})
		if err != nil || !events.Receive() {
			t.Fatal(err, events.Err())
		}
		s.open.endAll(errClosing)
		for events.Receive() {
		}
		if eventErrorOf(events.Err()).GetCode() != usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE {
			t.Error(events.Err())
		}
		_ = events.Close()
		synctest.Wait()
		if asked := fake.requests(); len(asked) != 1 {
			t.Errorf("the center heard %v", asked)
		} else if _, connected := asked[0].Body.(engine.Connect); !connected {
			t.Errorf("the center heard %v", asked)
		}
	})
}
