package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

// The limits of a fleet of clients.
const (
	agentsPerConnection = 16
	backlogMax          = 1 << 16 // lives that one media client has still to submit
	startTimesKept      = 1 << 20 // lives whose start is remembered
	drainTimeout        = 20 * time.Second
)

// lifePrefix begins the ids of the interactions that a fleet submits.
const lifePrefix = "life-"

// target is a server, and the credentials of its clients.
type target struct {
	url    string
	admin  string
	media  []string
	agents []string
}

// fleet is media servers and agents at work on a target, each on a stream of
// its own: a media server submits on its session, an agent hears EventInvite
// on his event stream, accepts, and stops the interaction.
type fleet struct {
	cancel context.CancelFunc
	all    sync.WaitGroup
	http   []*http.Client
	media  []chan uint64 // the lives to submit

	slots   chan struct{} // one for each life under way, in a closed loop
	started uint64        // lives; of the one who starts them
	ended   atomic.Uint64
	startAt [startTimesKept]atomic.Int64 // nanoseconds since begun
	begun   time.Time

	mediaEvents, agentEvents atomic.Uint64

	mu      sync.Mutex
	waits   []time.Duration // from submit to EventInvite, while timing
	timing  bool
	failure error
	failed  chan struct{}
}

// newFleet connects the clients of a target. Its agents are ready when it
// returns.
func newFleet(ctx context.Context, t *target) (*fleet, error) {
	ctx, cancel := context.WithCancel(ctx)
	f := &fleet{cancel: cancel, begun: time.Now(), failed: make(chan struct{})}
	for n, credential := range t.media {
		if err := f.addMedia(ctx, clientOf(f.newHTTP(), t.url, credential)); err != nil {
			f.close()
			return nil, fmt.Errorf("media client %d: %w", n, err)
		}
	}
	var shared *http.Client
	for n, credential := range t.agents {
		if n%agentsPerConnection == 0 {
			shared = f.newHTTP()
		}
		if err := f.addAgent(ctx, clientOf(shared, t.url, credential)); err != nil {
			f.close()
			return nil, fmt.Errorf("agent %d: %w", n, err)
		}
	}
	return f, nil
}

// newHTTP is an HTTP client with one HTTP/2 connection.
func (f *fleet) newHTTP() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	h := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	f.http = append(f.http, h)
	return h
}

func clientOf(h *http.Client, url, credential string) usherv1connect.InteractionManagementClient {
	return usherv1connect.NewInteractionManagementClient(h, url, connect.WithInterceptors(bearer("Bearer "+credential)))
}

// bearer gives every call its credential.
type bearer string

// WrapUnary implements connect.Interceptor.
func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		request.Header().Set("Authorization", string(b))
		return next(ctx, request)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", string(b))
		return conn
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (b bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (f *fleet) addMedia(ctx context.Context, im usherv1connect.InteractionManagementClient) error {
	register := &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER}
	if _, err := im.RegisterClient(ctx, register); err != nil {
		return err
	}
	session, err := im.Session(ctx)
	if err != nil {
		return err
	}
	open := &usherv1.SessionRequest{Request: &usherv1.SessionRequest_Open{Open: &usherv1.RequestEvents{}}}
	if err := session.Send(open); err != nil {
		return err
	}
	if _, err := session.Receive(); err != nil {
		return err
	}
	lives := make(chan uint64, backlogMax)
	f.media = append(f.media, lives)
	f.all.Go(func() {
		defer session.CloseRequest()
		for {
			select {
			case <-ctx.Done():
				return
			case n := <-lives:
				if err := session.Send(submit(n)); err != nil && !errors.Is(err, io.EOF) {
					f.fail(ctx, fmt.Errorf("submit: %w", err))
					return
				}
			}
		}
	})
	f.all.Go(func() {
		defer session.CloseResponse()
		for {
			event, err := session.Receive()
			if err != nil {
				f.fail(ctx, fmt.Errorf("the session of a media server ended: %w", err))
				return
			}
			f.mediaHears(ctx, event)
		}
	})
	return nil
}

// lifeOf is the number of the life that an interaction lives.
func lifeOf(id string) (uint64, error) {
	return strconv.ParseUint(strings.TrimPrefix(id, lifePrefix), 10, 64)
}

func submit(n uint64) *usherv1.SessionRequest {
	id := lifePrefix + strconv.FormatUint(n, 10)
	return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_Submit{Submit: &usherv1.RequestSubmit{
		ReferenceId: id, InteractionId: id, Queue: queueName, MediaType: mediaType,
	}}}
}

func (f *fleet) addAgent(ctx context.Context, im usherv1connect.InteractionManagementClient) error {
	register := &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION}
	if _, err := im.RegisterClient(ctx, register); err != nil {
		return err
	}
	events, err := im.Events(ctx, &usherv1.RequestEvents{})
	if err != nil {
		return err
	}
	if !events.Receive() {
		return events.Err()
	}
	login := &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{{MediaType: mediaType, Ready: true}}}
	if _, err := im.AgentLogin(ctx, login); err != nil {
		return err
	}
	f.all.Go(func() {
		defer events.Close()
		for events.Receive() {
			f.agentEvents.Add(1)
			event := events.Msg()
			if invite := event.GetEventInvite(); invite != nil {
				f.invited(event.InteractionId)
				f.all.Go(func() { f.handle(ctx, im, invite.Ticket, event.InteractionId) })
			}
		}
		f.fail(ctx, fmt.Errorf("the stream of an agent ended: %w", cmp.Or(events.Err(), io.EOF)))
	})
	return nil
}

// invited notes how long an interaction waited for its invitation.
func (f *fleet) invited(id string) {
	now := time.Since(f.begun)
	n, err := lifeOf(id)
	if err != nil {
		return // not of this fleet
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timing {
		f.waits = append(f.waits, now-time.Duration(f.startAt[n%startTimesKept].Load()))
	}
}

// handle is an agent's part of a life.
func (f *fleet) handle(ctx context.Context, im usherv1connect.InteractionManagementClient, ticket uint64, id string) {
	if _, err := im.Accept(ctx, &usherv1.RequestAccept{ReferenceId: "a" + id, Ticket: ticket}); err != nil {
		f.fail(ctx, fmt.Errorf("accept %s: %w", id, err))
		return
	}
	if _, err := im.StopProcessing(ctx, &usherv1.RequestStopProcessing{ReferenceId: "z" + id, InteractionId: id}); err != nil {
		f.fail(ctx, fmt.Errorf("stop %s: %w", id, err))
		return
	}
}

// mediaHears is told what a media client hears: a life ends when it hears that
// its interaction was stopped.
func (f *fleet) mediaHears(ctx context.Context, event *usherv1.Event) {
	f.mediaEvents.Add(1)
	switch m := event.Message.(type) {
	case *usherv1.Event_EventProcessingStopped:
		select {
		case <-f.slots:
		default: // an open loop
		}
		f.ended.Add(1) // the last, since f.slots may be another after it
	case *usherv1.Event_EventError:
		f.fail(ctx, fmt.Errorf("submit was refused: %s: %s", m.EventError.Name, m.EventError.Description))
	}
}

// fail ends the run, unless it ends anyway.
func (f *fleet) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failure == nil {
		f.failure = err
		close(f.failed)
	}
}

func (f *fleet) hasFailed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failure != nil
}

// close disconnects all clients.
func (f *fleet) close() {
	f.cancel()
	f.all.Wait()
	for _, h := range f.http {
		h.CloseIdleConnections()
	}
}

// start starts a life.
func (f *fleet) start() {
	f.startAt[f.started%startTimesKept].Store(int64(time.Since(f.begun)))
	f.media[f.started%uint64(len(f.media))] <- f.started
	f.started++
}

// saturate keeps a number of lives under way until stop is closed.
func (f *fleet) saturate(underWay int, stop <-chan struct{}) error {
	f.slots = make(chan struct{}, underWay)
	for {
		select {
		case f.slots <- struct{}{}:
			f.start()
		case <-stop:
			return f.drain()
		case <-f.failed:
			return f.failure
		}
	}
}

// arrive starts lives at a rate, at random moments and whatever becomes of
// them, until stop is closed.
func (f *fleet) arrive(random func() float64, perSecond float64, stop <-chan struct{}) error {
	f.slots = nil
	next := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-stop:
			return f.drain()
		case <-f.failed:
			return f.failure
		}
		for now := time.Now(); !next.After(now); {
			f.start()
			next = next.Add(time.Duration(random() / perSecond * float64(time.Second)))
		}
		timer.Reset(time.Until(next))
	}
}

// drain waits until every life has ended.
func (f *fleet) drain() error {
	timeout := time.After(drainTimeout)
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for f.ended.Load() < f.started {
		select {
		case <-ticker.C:
		case <-timeout:
			return fmt.Errorf("%d of %d interactions were not finished within %v", f.started-f.ended.Load(), f.started, drainTimeout)
		case <-f.failed:
			return f.failure
		}
	}
	return nil
}

// time begins to note the waits, or ends it and gives them.
func (f *fleet) time(on bool) []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	waits := f.waits
	f.waits, f.timing = nil, on
	return waits
}

// timed tells whether a wait was timed.
func (f *fleet) timed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waits) > 0
}
