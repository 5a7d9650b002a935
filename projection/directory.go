package projection

import (
	"context"
	"sync"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// directoryKeptMs is how old a directory may be that is given: windows ask for
// it while a picker is open, each for itself.
const directoryKeptMs = 500

// directories are the latest of each tenant and media type.
type directories struct {
	mu sync.Mutex
	of map[directoryKey]*directory
}

type directoryKey struct{ tenant, mediaType string }

// directory is one that is made by the first who asks, while others wait.
type directory struct {
	mu    sync.Mutex
	found *usherv1.EventDirectory // without workbins
}

// Directory gives the directory as an agent may see it; all but his workbins may
// be as it was half a second before. The refusals are those of center.Rows, its
// errors too. Don't change it: others get the same rows.
func (v *View) Directory(ctx context.Context, tenant, agent, mediaType string) (*usherv1.EventDirectory, *usherv1.EventError, error) {
	key := directoryKey{tenant, mediaType}
	found, own, refusal, err := v.directories.at(key).latest(ctx, v.center, key, agent)
	if refusal != nil || err != nil {
		v.directories.forget(key) // it may be of nothing that there is
		return nil, refusal, err
	}
	if own {
		return found, nil, nil
	}
	mine, refusal, err := v.center.Rows(ctx, tenant, center.Look{Agent: agent, WithoutAgents: true})
	if refusal != nil || err != nil {
		return nil, refusal, err
	}
	return withWorkbins(found, mine.GetWorkbins()), nil, nil
}

// latest gives a directory that is new enough; own tells that it was made for
// this agent, with his workbins.
func (d *directory) latest(ctx context.Context, c Center, key directoryKey, agent string) (found *usherv1.EventDirectory, own bool, refusal *usherv1.EventError, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.found != nil && c.Status().TimeMs-d.found.GetTimeMs() < directoryKeptMs {
		return d.found, false, nil, nil
	}
	found, refusal, err = c.Rows(ctx, key.tenant, center.Look{Agent: agent, MediaType: key.mediaType})
	if refusal != nil || err != nil {
		return nil, false, refusal, err
	}
	d.found = withWorkbins(found, nil)
	return found, true, nil, nil
}

// withWorkbins is a directory with other workbins.
func withWorkbins(d *usherv1.EventDirectory, workbins []*usherv1.Workbin) *usherv1.EventDirectory {
	return &usherv1.EventDirectory{
		Agents: d.GetAgents(), Queues: d.GetQueues(), Vdns: d.GetVdns(), Workbins: workbins, Reasons: d.GetReasons(),
		MediaTypes: d.GetMediaTypes(), Sequence: d.GetSequence(), TimeMs: d.GetTimeMs(),
	}
}

// at gives where a directory is kept. There are few: one for each media type.
func (d *directories) at(key directoryKey) *directory {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := d.of[key]
	if found == nil {
		found = &directory{}
		d.of[key] = found
	}
	return found
}

// forget drops what is kept.
func (d *directories) forget(key directoryKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.of, key)
}
