package edge

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// Statistics is what the edge needs of the projections: what people look at. Its
// answers may be shared, and are not changed here.
type Statistics interface {
	// Directory gives the directory as an agent may see it.
	Directory(ctx context.Context, tenant, agent, mediaType string) (*usherv1.EventDirectory, *usherv1.EventError, error)
	// Watch gives the rows, and then what has changed, once a second.
	Watch(ctx context.Context, tenant string, withoutAgents bool) iter.Seq2[*usherv1.EventStatistics, error]
	// History gives a queue's figures over time, for a checked request.
	History(ctx context.Context, tenant string, r *usherv1.RequestGetHistory) (*usherv1.EventHistory, *usherv1.EventError, error)
	// AuditLog gives a page of the audit log.
	AuditLog(ctx context.Context, tenant string, before uint64, limit int) (*usherv1.EventAuditLog, *usherv1.EventError, error)
}

// The limits of what is asked of statistics.
const (
	minuteMs = 60_000
	// longestStepMs is the longest step of a history.
	longestStepMs = 60 * minuteMs
	// auditPage and maxAuditPage are how many lines of the audit log are given
	// at once.
	auditPage, maxAuditPage = 100, 1000
)

// statistics is the protocol of walls and pickers.
type statistics struct{ *Server }

// GetDirectory lists agents, queues and workbins.
func (s statistics) GetDirectory(ctx context.Context, r *usherv1.RequestGetDirectory) (*usherv1.EventDirectory, error) {
	if s.statistics == nil {
		return nil, errNoStatistics
	}
	who := callerOf(ctx)
	return lookOf(s.statistics.Directory(ctx, who.tenant, who.from.ID, r.GetMediaType()))
}

// Watch streams the figures of queues and the states of agents.
func (s statistics) Watch(ctx context.Context, r *usherv1.RequestWatch, out *connect.ServerStream[usherv1.EventStatistics]) error {
	if s.statistics == nil {
		return errNoStatistics
	}
	who := callerOf(ctx)
	tenant, err := tenantFor(who, r.GetTenantId())
	if err != nil {
		return err
	}
	var sent time.Time
	for event, err := range s.statistics.Watch(ctx, tenant, r.GetWithoutAgents()) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return watchRefusal(err)
		}
		silence := time.Since(sent) >= s.limits.Heartbeat
		if silence && !s.valid(who) {
			return errRevoked
		}
		if !silence && nothingIn(event) {
			continue
		}
		if err := out.Send(event); err != nil {
			return err
		}
		sent = time.Now()
	}
	return nil
}

// nothingIn tells whether nothing has changed.
func nothingIn(e *usherv1.EventStatistics) bool {
	return len(e.GetQueues())+len(e.GetAgents())+len(e.GetQueuesRemoved())+len(e.GetAgentsRemoved()) == 0
}

// GetHistory gives the figures of queues over time.
func (s statistics) GetHistory(ctx context.Context, r *usherv1.RequestGetHistory) (*usherv1.EventHistory, error) {
	if s.statistics == nil {
		return nil, errNoStatistics
	}
	tenant, err := tenantFor(callerOf(ctx), r.GetTenantId())
	if err != nil {
		return nil, err
	}
	invalid := usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT
	step := r.GetStepMs()
	switch {
	case step < 0 || step > longestStepMs || step%minuteMs != 0:
		return nil, refuse(invalid, "step_ms: %d, it is whole minutes, %d to %d", step, minuteMs, longestStepMs)
	case r.GetFromMs() < 0 || r.GetFromMs() > s.center.Status().TimeMs:
		return nil, refuse(invalid, "from_ms: %d is not in the past", r.GetFromMs())
	}
	return lookOf(s.statistics.History(ctx, tenant, r))
}

// GetAuditLog tells who changed the configuration and who interfered.
func (s statistics) GetAuditLog(ctx context.Context, r *usherv1.RequestGetAuditLog) (*usherv1.EventAuditLog, error) {
	if s.statistics == nil {
		return nil, errNoStatistics
	}
	tenant, err := tenantFor(callerOf(ctx), r.GetTenantId())
	if err != nil {
		return nil, err
	}
	limit := int(r.GetLimit())
	if limit < 0 || limit > maxAuditPage {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "limit: %d, at most %d", limit, maxAuditPage)
	}
	return lookOf(s.statistics.AuditLog(ctx, tenant, r.GetBeforeSequence(), cmp.Or(limit, auditPage)))
}

// errNoStatistics is the answer of a server that has no projections.
var errNoStatistics = refuse(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, "this server has no statistics")

// lookOf is answerOf for what may have waited for a server that is closing.
func lookOf[M proto.Message](answer M, refusal *usherv1.EventError, err error) (M, error) {
	answer, err = answerOf(answer, refusal, err)
	if err != nil {
		err = watchRefusal(err)
	}
	return answer, err
}

// watchRefusal says why a watching can't begin or go on.
func watchRefusal(err error) error {
	var refused *center.Refused
	if errors.As(err, &refused) {
		return refusalOf(proto.CloneOf(refused.Err))
	}
	return streamRefusal(err)
}
