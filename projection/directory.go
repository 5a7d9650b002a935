package projection

import (
	"context"
	"sync"

	"golang.org/x/sync/singleflight"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// directoryKeptMs is how old a directory may be that is given: windows ask for
// it while a picker is open, each for itself.
const directoryKeptMs = 500

// directories are the latest of each tenant and media type. Who asks while one
// is made waits for it.
type directories struct {
	making singleflight.Group

	mu sync.Mutex
	of map[directoryKey]*usherv1.EventDirectory // without workbins
}

type directoryKey struct{ tenant, mediaType string }

// made is a directory as the center gives it.
type made struct {
	agent   string // whose workbins it has
	found   *usherv1.EventDirectory
	refusal *usherv1.EventError
}

// Directory gives the directory as an agent may see it; all but his workbins may
// be as it was half a second before. The refusals are those of center.Rows. The
// error is that of ctx, or center.ErrClosed. Don't change it: others get the same
// rows.
func (v *View) Directory(ctx context.Context, tenant, agent, mediaType string) (*usherv1.EventDirectory, *usherv1.EventError, error) {
	key := directoryKey{tenant, mediaType}
	found := v.directories.latest(key, v.center.Status().TimeMs)
	if found == nil {
		m, err := v.waitForDirectory(ctx, key, agent)
		if err != nil || m.refusal != nil {
			return nil, m.refusal, err
		}
		if m.agent == agent {
			return m.found, nil, nil
		}
		found = m.found
	}
	mine, refusal, err := v.center.Rows(ctx, tenant, center.Look{Agent: agent, WithoutAgents: true})
	if refusal != nil || err != nil {
		return nil, refusal, err
	}
	return withWorkbins(found, mine.GetWorkbins()), nil, nil
}

// waitForDirectory has a directory made, if nobody has yet, and waits for it. It
// is made for all who wait, and so goes on when one of them has left.
func (v *View) waitForDirectory(ctx context.Context, key directoryKey, agent string) (made, error) {
	done := v.directories.making.DoChan(key.tenant+"/"+key.mediaType, func() (any, error) {
		found, refusal, err := v.center.Rows(v.ctx, key.tenant, center.Look{Agent: agent, MediaType: key.mediaType})
		v.directories.keep(key, found, refusal)
		return made{agent, found, refusal}, err
	})
	select {
	case r := <-done:
		if v.ctx.Err() != nil {
			return made{}, center.ErrClosed
		}
		return r.Val.(made), r.Err
	case <-ctx.Done():
		return made{}, ctx.Err()
	case <-v.ctx.Done():
		return made{}, center.ErrClosed
	}
}

// withWorkbins is a directory with other workbins.
func withWorkbins(d *usherv1.EventDirectory, workbins []*usherv1.Workbin) *usherv1.EventDirectory {
	return &usherv1.EventDirectory{
		Agents: d.GetAgents(), Queues: d.GetQueues(), Vdns: d.GetVdns(), Workbins: workbins, Reasons: d.GetReasons(),
		MediaTypes: d.GetMediaTypes(), Sequence: d.GetSequence(), TimeMs: d.GetTimeMs(),
	}
}

// latest gives what is kept, if it is new enough.
func (d *directories) latest(key directoryKey, nowMs int64) *usherv1.EventDirectory {
	d.mu.Lock()
	defer d.mu.Unlock()
	if found := d.of[key]; found != nil && nowMs-found.GetTimeMs() < directoryKeptMs {
		return found
	}
	return nil
}

// keep keeps what was made; what was refused may be of nothing that there is.
// There are few: one for each media type.
func (d *directories) keep(key directoryKey, found *usherv1.EventDirectory, refusal *usherv1.EventError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if found == nil || refusal != nil {
		delete(d.of, key)
		return
	}
	d.of[key] = withWorkbins(found, nil)
}
