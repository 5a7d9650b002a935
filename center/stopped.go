package center

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Stopped tells how an interaction ended that was stopped within 24 hours; nil
// for one that goes on or is not known. It holds when the journal is durable up
// to there. The error is that of ctx, ErrClosed, or *Refused.
func (c *Center) Stopped(ctx context.Context, tenant, interaction string) (*usherv1.StoppedInteraction, error) {
	var stopped *usherv1.StoppedInteraction
	err := c.ask(ctx, tenant, func(w *writer) {
		stopped = w.tenants[tenant].engine.Stopped(w.now, engine.InteractionID(interaction))
	})
	return stopped, err
}
