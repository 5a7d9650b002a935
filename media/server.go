package media

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// Principal is as what the session media server of every tenant acts.
var Principal = center.SessionPrincipal

// Limits bound what customers may take up. Zero means the default.
type Limits struct {
	Sessions           int           // live sessions of a tenant, and as many callbacks; 20,000
	SessionsEach       int           // live sessions of one customer of a site, and as many callbacks; 5
	StreamsEach        int           // open streams of one session; 8
	Waiting            int           // messages that wait for one stream before it is cut off; 256
	Heartbeat          time.Duration // silence on a stream before a heartbeat; 10 s
	Progress           time.Duration // between two looks at the same place in a queue; 5 s
	ProgressEach       int           // looks at places in one second; 200
	AttachmentMax      int64         // bytes of one attachment; 5 MiB
	Attachments        int           // attachments of one session; 20
	UploadsEach        int           // attachments that are being sent at once for one session; 2
	Uploads            int           // attachments that are being sent at once in all; 64. The last quarter is for agents alone
	AttachmentsAll     int64         // bytes of all attachments of a tenant; 1 GiB. The last quarter is for agents alone
	AttachmentsAddress int64         // bytes that the customers of one address may send within a day to a tenant; an eighth of AttachmentsAll
}

func (l Limits) standard() Limits {
	l.Sessions = cmp.Or(l.Sessions, 20_000)
	l.SessionsEach = cmp.Or(l.SessionsEach, 5)
	l.StreamsEach = cmp.Or(l.StreamsEach, 8)
	l.Waiting = cmp.Or(l.Waiting, 256)
	l.Heartbeat = cmp.Or(l.Heartbeat, 10*time.Second)
	l.Progress = cmp.Or(l.Progress, 5*time.Second)
	l.ProgressEach = cmp.Or(l.ProgressEach, 200)
	l.AttachmentMax = cmp.Or(l.AttachmentMax, 5<<20)
	l.Attachments = cmp.Or(l.Attachments, 20)
	l.UploadsEach = cmp.Or(l.UploadsEach, 2)
	l.Uploads = cmp.Or(l.Uploads, 64)
	l.AttachmentsAll = cmp.Or(l.AttachmentsAll, 1<<30)
	l.AttachmentsAddress = cmp.Or(l.AttachmentsAddress, max(l.AttachmentsAll/8, l.AttachmentMax))
	return l
}

// Options say how a Server works. Center and Key are necessary.
type Options struct {
	// Center is the single writer.
	Center Center
	// Key is the server's key; see Key.
	Key []byte
	// Dir is the data folder, below which attachments are kept; a folder for
	// the time of the process if it is empty.
	Dir string
	// Logger takes what operators should know; none by default.
	Logger *slog.Logger
	// Limits bound what customers may take up.
	Limits Limits
	// Retention is how long the journal is kept; attachments go a day after
	// what it says of them may. 0 keeps those that were said for ever.
	Retention time.Duration
	// Now is the time of tokens and attachments; time.Now by default.
	Now func() time.Time
}

// Server is the session media server of all tenants. All methods may be called
// concurrently. Its errors are *center.Refused, or that of a context.
type Server struct {
	center Center
	keys   *keys
	log    *slog.Logger
	limits Limits
	keep   time.Duration // Retention
	now    func() time.Time
	files  *files
	waits  waits

	ctx     context.Context // ends with Shutdown
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex // the fields below
	clients map[string]*client
	closed  bool
}

// New makes a server. Nothing runs before Start.
func New(o Options) (*Server, error) {
	k, err := newKeys(o.Key)
	if err != nil {
		return nil, err
	}
	s := &Server{
		center: o.Center, keys: k, log: o.Logger, limits: o.Limits.standard(), keep: o.Retention, now: o.Now,
		clients: map[string]*client{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.files, err = openFiles(o.Dir, s.limits, s.now); err != nil {
		return nil, fmt.Errorf("open the attachments: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Start takes up the sessions that go on from before a restart, and begins to
// remove old attachments. Tenants that have no session get their media server
// with their first one.
func (s *Server) Start(ctx context.Context) error {
	for _, tenant := range s.center.Tenants() {
		present, err := s.center.Present(ctx, tenant, Principal)
		if err != nil {
			return fmt.Errorf("find the sessions of tenant %q: %w", tenant, err)
		}
		if len(present.GetInteractions()) > 0 {
			s.client(tenant)
		}
	}
	s.running.Go(s.sweepAttachments)
	return nil
}

// Shutdown ends every stream with Unavailable; the sessions go on with the next
// Start. It returns when nothing runs any more, or with the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return s.files.close()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// client is the media server of a tenant, which exists; nil after Shutdown.
func (s *Server) client(tenant string) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[tenant]
	if c == nil && !s.closed {
		c = newClient(s, tenant)
		s.clients[tenant] = c
		s.running.Go(c.run)
		s.running.Go(c.advise)
	}
	return c
}

// readyWithin is how long a customer waits for the sessions to be taken up.
const readyWithin = 5 * time.Second

// ready is the media server of a tenant, once it hears what happens.
func (s *Server) ready(ctx context.Context, tenant string) (*client, error) {
	c := s.client(tenant)
	if c == nil || s.ctx.Err() != nil {
		return nil, errClosing
	}
	late := time.NewTimer(readyWithin)
	defer late.Stop()
	select {
	case <-c.begun:
		return c, nil
	case <-late.C:
		return nil, refuse(errUnavailable, "the sessions of the tenant are being taken up; try again")
	case <-s.ctx.Done():
		return nil, errClosing
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// errClosing: the server is shutting down.
var errClosing = refuse(errUnavailable, "the server is shutting down; try again")

// Counts are the live sessions and their open streams.
func (s *Server) Counts() (sessions, streams int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		c.mu.Lock()
		sessions += len(c.sessions)
		for _, se := range c.sessions {
			streams += len(se.streams)
		}
		c.mu.Unlock()
	}
	return sessions, streams
}

// Site finds a web site.
func (s *Server) Site(tenant, name string) (*usherv1.Site, bool) { return s.center.Site(tenant, name) }

// OriginListed tells whether any site of any tenant lists an origin.
func (s *Server) OriginListed(origin string) bool { return s.center.OriginListed(origin) }

// OpenToken tells whose a session's token is; false for one that is wrong or
// expired.
func (s *Server) OpenToken(token string) (tenant, site, session string, expires time.Time, ok bool) {
	c, err := s.keys.openSession(token, s.now())
	return c.tenant, c.site, c.session, c.expires, err == nil
}
