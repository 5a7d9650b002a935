package edge

import (
	"context"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// reporting is the protocol of reporting engines.
type reporting struct{ *Server }

// ReportingEvents streams the reporting events of the caller's tenant.
func (s reporting) ReportingEvents(ctx context.Context, r *usherv1.RequestReportingEvents, out *connect.ServerStream[usherv1.Event]) error {
	return s.serveReports(ctx, callerOf(ctx), r.AfterSequence,
		func(event *usherv1.Event, _ uint64) error { return out.Send(event) })
}

// Trace streams the sequence of messages of an interaction or a tenant.
func (s reporting) Trace(ctx context.Context, r *usherv1.RequestTrace, out *connect.ServerStream[usherv1.TraceLine]) error {
	tenant, err := tenantFor(callerOf(ctx), r.GetTenantId())
	if err != nil {
		return err
	}
	for line, err := range s.center.Trace(ctx, tenant, r.GetInteractionId(), r.GetAfterSequence(), r.GetLive()) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return streamRefusal(err)
		}
		if err := out.Send(line); err != nil {
			return err
		}
	}
	return nil
}
