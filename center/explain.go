package center

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Explainer is a Router that can say why it does what it does. Its answers are
// computed from the engine as it is, whether or not Update has seen it; they
// must share no memory with what the engine changes, since they are read after
// the writer has gone on.
type Explainer interface {
	// WhyWaiting says which rules keep a waiting interaction from which agents.
	WhyWaiting(e *engine.Engine, now engine.Millis, r *usherv1.RequestWhyWaiting) (*usherv1.EventWhyWaiting, *usherv1.EventError)
	// ExpectedWait says how long the wait is expected to be.
	ExpectedWait(e *engine.Engine, now engine.Millis, r *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, *usherv1.EventError)
	// FillQueues fills in, in rows of queues, the agents who serve them and, for
	// a media type, how long a new interaction is expected to wait.
	FillQueues(e *engine.Engine, now engine.Millis, rows []*usherv1.QueueRow, media func(queue string) engine.MediaName)
}

// WhyWaiting asks a tenant's router why an interaction waits. The answer says
// at which sequence it holds, and is given when the journal is durable up to
// there; like every read it is not recorded. The refusal is nil, UnknownTenant,
// Unavailable, also for a router that does not explain itself, or the router's.
// The error is that of ctx.
func (c *Center) WhyWaiting(ctx context.Context, tenant string, r *usherv1.RequestWhyWaiting) (*usherv1.EventWhyWaiting, *usherv1.EventError, error) {
	return explain(ctx, c, tenant, func(x Explainer, w *writer) (*usherv1.EventWhyWaiting, *usherv1.EventError) {
		answer, refusal := x.WhyWaiting(w.tenants[tenant].engine, w.now, r)
		if refusal == nil {
			answer.Sequence, answer.TimeMs = uint64(w.next-1), int64(w.now)
		}
		return answer, refusal
	})
}

// ExpectedWait asks a tenant's router how long an interaction, or a new one, is
// expected to wait; for the rest it is as WhyWaiting.
func (c *Center) ExpectedWait(ctx context.Context, tenant string, r *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, *usherv1.EventError, error) {
	return explain(ctx, c, tenant, func(x Explainer, w *writer) (*usherv1.EventExpectedWait, *usherv1.EventError) {
		answer, refusal := x.ExpectedWait(w.tenants[tenant].engine, w.now, r)
		if refusal == nil {
			answer.Sequence, answer.TimeMs = uint64(w.next-1), int64(w.now)
		}
		return answer, refusal
	})
}

// Look is what somebody wants to see of a tenant.
type Look struct {
	// Agent is whose workbins are listed; empty for none.
	Agent string
	// MediaType is for which queues' expected waits are told; empty for none.
	MediaType string
	// Asked tells the expected wait of every queue that customers ask for, for
	// the media type in which they do.
	Asked bool
	// WithoutAgents leaves the agents out.
	WithoutAgents bool
}

// Rows gives the agents and queues of a tenant as they stand, and what windows
// offer. For the rest it is as WhyWaiting, except that a router which does not
// explain itself only leaves out what it knows. The refusal may also be
// UnknownMediaType. Don't change the answer: it shares memory with the
// configuration.
func (c *Center) Rows(ctx context.Context, tenant string, look Look) (*usherv1.EventDirectory, *usherv1.EventError, error) {
	return read(ctx, c, tenant, engine.Participant{}, func(w *writer) (*usherv1.EventDirectory, *usherv1.EventError) {
		t := w.tenants[tenant]
		if look.MediaType != "" && !t.engine.HasMediaType(engine.MediaName(look.MediaType)) {
			return nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_MEDIA_TYPE, "media_type: there is no media type %.128q", look.MediaType)
		}
		rows := t.engine.Directory(engine.AgentID(look.Agent), !look.WithoutAgents)
		rows.Sequence, rows.TimeMs = uint64(w.next-1), int64(w.now)
		if x, explains := t.router.(Explainer); explains {
			media := func(string) engine.MediaName { return engine.MediaName(look.MediaType) }
			if look.Asked {
				media = t.engine.AskedIn()
			}
			x.FillQueues(t.engine, w.now, rows.Queues, media)
		}
		return rows, nil
	})
}

// explain lets the writer ask a tenant's router.
func explain[M any](ctx context.Context, c *Center, tenant string, ask func(Explainer, *writer) (*M, *usherv1.EventError)) (*M, *usherv1.EventError, error) {
	return read(ctx, c, tenant, engine.Participant{}, func(w *writer) (*M, *usherv1.EventError) {
		x, explains := w.tenants[tenant].router.(Explainer)
		if !explains {
			return nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, "the router of this server does not explain itself")
		}
		return ask(x, w)
	})
}

// read lets the writer answer somebody's question about a tenant. A refusal says
// at which sequence it holds.
func read[M any](ctx context.Context, c *Center, tenant string, from engine.Participant, look func(*writer) (*M, *usherv1.EventError)) (*M, *usherv1.EventError, error) {
	var answer *M
	var refusal *usherv1.EventError
	reply, err := c.Do(ctx, Request{Tenant: tenant, From: from, Body: inspection(func(w *writer) {
		if answer, refusal = look(w); refusal != nil {
			refusal.Sequence = uint64(w.next - 1)
		}
	})})
	switch {
	case err != nil:
		return nil, nil, err
	case reply.Err != nil:
		return nil, reply.Err, nil
	case refusal != nil:
		return nil, refusal, nil
	}
	return answer, nil, nil
}
