package edge

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// GetPresentState reads the caller's present state. It is what a stream with
// present_state begins with, and like it not recorded.
func (s interactionManagement) GetPresentState(ctx context.Context, _ *usherv1.RequestGetPresentState) (*usherv1.EventPresentState, error) {
	who := callerOf(ctx)
	present, err := s.center.Present(ctx, who.tenant, who.from)
	if err != nil {
		return nil, streamRefusal(err)
	}
	return present, nil
}
