package center

import (
	"context"
	"iter"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Trace gives the arrows of a sequence diagram, in order: of one interaction,
// or of the whole tenant if interaction is empty; from the sequence after on to
// the durable end, or without end if live. An error is the last thing given: a
// *CursorExpired without present state, ErrUnknownTenant, ErrClosed, that of
// ctx, or the journal's.
func (c *Center) Trace(ctx context.Context, tenant, interaction string, after uint64, live bool) iter.Seq2[*usherv1.TraceLine, error] {
	return nil
}
