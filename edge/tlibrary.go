package edge

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// tLibrary is the protocol of routers.
type tLibrary struct{ *Server }

// RouteCall says where an interaction goes, and answers when the outcome is
// known.
func (s tLibrary) RouteCall(ctx context.Context, r *usherv1.RequestRouteCall) (*usherv1.Event, error) {
	return s.askEvent(ctx, tlib, r)
}

// PrivateService asks an external service, and answers when it has answered or
// failed, or the time is up.
func (s tLibrary) PrivateService(ctx context.Context, r *usherv1.RequestPrivateService) (*usherv1.Event, error) {
	return s.askEvent(ctx, tlib, r)
}

// UpdateUserData changes user data.
func (s tLibrary) UpdateUserData(ctx context.Context, r *usherv1.RequestUpdateUserData) (*usherv1.Event, error) {
	return s.askEvent(ctx, tlib, r)
}
