package media

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

const (
	// adviseEvery is how often a client looks who wants to know his place.
	adviseEvery = time.Second
	// adviseAtOnce is the pause before it does for something that happened, so
	// that what happens together is looked at together.
	adviseAtOnce = 50 * time.Millisecond
	// noticeableMs is by how much an expected wait must differ to be told.
	noticeableMs = 5_000
	// waitsFor is how long an expected wait is good for those who only look.
	waitsFor = time.Second
	// waitsMax is how many of them are remembered.
	waitsMax = 10_000
)

// askPlace lets the client look at the places; the client's mu is held.
func (se *session) askPlace() {
	select {
	case se.c.wake <- struct{}{}:
	default:
	}
}

// advise tells those who wait, and whose stream is open, their place and how
// long it will be, until the server is shut down. It asks for so many in a
// second, those first who have waited longest for it: the answers are worth
// little, and the writer has better to do.
func (c *client) advise() {
	tick := time.NewTicker(adviseEvery)
	defer tick.Stop()
	left := c.s.limits.ProgressEach
	for {
		for _, se := range c.curious(left) {
			c.look(se)
			left--
		}
		select {
		case <-tick.C:
			left = c.s.limits.ProgressEach
		case <-c.wake:
			time.Sleep(adviseAtOnce)
		case <-c.s.ctx.Done():
			return
		}
	}
}

// curious are the sessions whose place is to be looked at, at most so many.
func (c *client) curious(limit int) []*session {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var all []*session
	for _, se := range c.sessions {
		due := se.looked.Add(c.s.limits.Progress)
		if se.stale {
			due = se.looked.Add(adviseEvery)
		}
		if len(se.streams) > 0 && se.born != 0 && se.waits() && !now.Before(due) {
			all = append(all, se)
		}
	}
	slices.SortFunc(all, func(a, b *session) int { return a.looked.Compare(b.looked) })
	all = all[:min(len(all), max(0, limit))]
	for _, se := range all {
		se.looked, se.stale = now, false
	}
	return all
}

// look asks for a session's place and tells it, if that has changed enough.
func (c *client) look(se *session) {
	wait, refusal, err := c.s.center.ExpectedWait(c.s.ctx, c.tenant, waitOf(se.id))
	if err != nil || refusal != nil {
		return // it is being delivered, or is no more
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if se.over || !se.waits() {
		return
	}
	before := se.progress()
	var expected *int64
	if !wait.GetInfinite() {
		expected = proto.Int64(wait.GetExpectedWaitMs())
		if se.expected != nil && max(*expected-*se.expected, *se.expected-*expected) < noticeableMs {
			expected = se.expected
		}
	}
	se.position, se.expected = wait.GetPosition(), expected
	se.tellProgress(before, 0, wait.GetTimeMs())
}

// waits remembers for a moment how long a new session would wait, for those who
// only look at a site.
type waits struct {
	asking singleflight.Group // one asks, the others wait for his answer

	mu sync.Mutex // the field below
	of map[string]expectation
}

type expectation struct {
	ms *int64
	at time.Time
}

// Offer is what a site shows. The refusals are none but of the context.
func (s *Server) Offer(ctx context.Context, tenant string, site *usherv1.Site) (*usherv1.GetSiteResponse, error) {
	offer := &usherv1.GetSiteResponse{
		Title: site.GetTitle(), Greeting: site.GetGreeting(), Anonymous: site.GetAnonymous(),
		AttachmentTypes: slices.Clone(attachmentTypes), AttachmentBytesMax: s.limits.AttachmentMax,
	}
	for _, name := range site.GetRequestTypes() {
		t, ok := s.center.RequestType(tenant, name)
		if !ok {
			continue
		}
		label := t.GetLabel()
		if label == "" {
			label = name
		}
		offered := &usherv1.OfferedRequestType{Name: name, Label: label, Callback: t.GetCallback(), ExpectedWaitMs: s.expect(ctx, tenant, t)}
		offer.RequestTypes = append(offer.RequestTypes, offered)
	}
	return offer, ctx.Err()
}

// expect is how long a new session would wait; nil if there is no end to it.
func (s *Server) expect(ctx context.Context, tenant string, t *usherv1.RequestType) *int64 {
	key := tenant + "/" + t.GetName()
	s.waits.mu.Lock()
	known, ok := s.waits.of[key]
	s.waits.mu.Unlock()
	if ok && time.Since(known.at) < waitsFor {
		return known.ms
	}
	answer := s.waits.asking.DoChan(key, func() (any, error) { return s.askWait(key, tenant, t) })
	select {
	case a := <-answer:
		ms, _ := a.Val.(*int64)
		return ms
	case <-ctx.Done():
		return nil
	}
}

// askWait asks how long a new session would wait, for all who want to know.
func (s *Server) askWait(key, tenant string, t *usherv1.RequestType) (*int64, error) {
	r := &usherv1.RequestExpectedWait{Of: &usherv1.RequestExpectedWait_Queue{Queue: t.GetQueue()}, MediaType: t.GetMediaType()}
	if t.GetVdn() != "" {
		r.Of = &usherv1.RequestExpectedWait_Vdn{Vdn: t.GetVdn()}
	}
	wait, refusal, err := s.center.ExpectedWait(s.ctx, tenant, r)
	if err != nil {
		return nil, err
	}
	var ms *int64
	if refusal == nil && !wait.GetInfinite() {
		ms = &wait.ExpectedWaitMs
	}
	s.waits.mu.Lock()
	defer s.waits.mu.Unlock()
	if s.waits.of == nil || len(s.waits.of) >= waitsMax {
		s.waits.of = map[string]expectation{}
	}
	s.waits.of[key] = expectation{ms, time.Now()}
	return ms, nil
}
