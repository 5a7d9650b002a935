package edge

import (
	"context"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// routing answers questions about what waits. The tenant is the credential's;
// only keys of the system tenant name one.
type routing struct{ *Server }

// WhyWaiting says which rules keep a waiting interaction from which agents.
func (s routing) WhyWaiting(ctx context.Context, r *usherv1.RequestWhyWaiting) (*usherv1.EventWhyWaiting, error) {
	tenant, err := tenantFor(callerOf(ctx), r.GetTenantId())
	if err != nil {
		return nil, err
	}
	return answerOf(s.center.WhyWaiting(ctx, tenant, r))
}

// ExpectedWait says how long the wait is expected to be.
func (s routing) ExpectedWait(ctx context.Context, r *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, error) {
	tenant, err := tenantFor(callerOf(ctx), r.GetTenantId())
	if err != nil {
		return nil, err
	}
	return answerOf(s.center.ExpectedWait(ctx, tenant, r))
}

// answerOf makes a refusal of a read an error.
func answerOf[M proto.Message](answer M, refusal *usherv1.EventError, err error) (M, error) {
	if err == nil && refusal != nil {
		err = refusalOf(proto.CloneOf(refusal))
	}
	return answer, err
}
