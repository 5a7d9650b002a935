package edge

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// externalService is the protocol of external services, which hear what they
// are asked on their event streams.
type externalService struct{ *Server }

// Respond answers a request.
func (s externalService) Respond(ctx context.Context, r *usherv1.Event3RdServerResponse) (*usherv1.EventAck, error) {
	return s.askAck(ctx, esp, r)
}

// Fault says that a request failed.
func (s externalService) Fault(ctx context.Context, r *usherv1.Event3RdServerFault) (*usherv1.EventAck, error) {
	return s.askAck(ctx, esp, r)
}
