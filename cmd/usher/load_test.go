package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/internal/server"
)

// operation is a request that changes something. It is sent with the same
// reference id until its outcome is known.
type operation struct {
	reference string
	// reported is the message in which reporting engines must hear of it.
	reported string
	send     func(ctx context.Context, reference string) (*usherv1.EventAck, error)
	ack      *usherv1.EventAck
}

// load is clients at work on a server that comes and goes, and all that they
// were told.
type load struct {
	t    *testing.T
	dir  string
	args []string
	keys map[string]string

	process *process       // of whoever runs the test
	working sync.WaitGroup // the clients

	mu      sync.Mutex
	up      chan struct{} // closed while a server serves
	made    int           // operations
	acked   []*operation
	refused []string // reference ids
	doubted int      // attempts of which nobody knew what became of them
	heard   map[engine.Participant][]*usherv1.Event
}

// startLoad sets a server up in a data folder and starts it as one for
// production, on an address that stays.
func startLoad(t *testing.T, dir string, args ...string) *load {
	t.Helper()
	args = append(args, "--data", dir, "--limit-requests-per-second=1e6", "--limit-request-burst=1000000")
	first, err := startServe(dir, nil, append(args, "--dev")...)
	if err != nil || !first.serves() {
		t.Fatalf("the first start: %v\n%s", err, first.log())
	}
	l := &load{t: t, dir: dir, keys: first.environment(), up: make(chan struct{}), heard: map[engine.Participant][]*usherv1.Event{}}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(l.keys["USHER_URL"])
	if err != nil {
		t.Fatal(err)
	}
	l.args = append(args, "--listen", address.Host)
	l.start()
	return l
}

// start starts the server.
func (l *load) start() {
	l.t.Helper()
	p, err := startServe(l.dir, nil, l.args...)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(p.kill)
	if !p.serves() {
		l.t.Fatalf("the server does not start again:\n%s", p.log())
	}
	l.process = p
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.up)
}

// down tells the clients to wait for the next server.
func (l *load) down() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = make(chan struct{})
}

func (l *load) serving() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up
}

func (l *load) dial(option client.Option) *client.Client {
	l.t.Helper()
	c, err := client.Dial(l.keys["USHER_URL"], option, client.WithAttempts(1), client.WithBackOff(time.Millisecond, 10*time.Millisecond))
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// do sends an operation until its outcome is known, or ctx ends.
func (l *load) do(ctx context.Context, op *operation) bool {
	l.mu.Lock()
	l.made++
	op.reference = fmt.Sprintf("operation-%d", l.made)
	l.mu.Unlock()
	for ctx.Err() == nil {
		select {
		case <-l.serving():
		case <-ctx.Done():
			return false
		}
		ack, err := op.send(ctx, op.reference)
		switch {
		case err == nil:
			l.mu.Lock()
			op.ack = ack
			l.acked = append(l.acked, op)
			l.mu.Unlock()
			return true
		case !uncertain(err):
			l.mu.Lock()
			l.refused = append(l.refused, op.reference)
			l.mu.Unlock()
			return false
		}
		l.mu.Lock()
		l.doubted++
		l.mu.Unlock()
		time.Sleep(time.Millisecond) // the server is going, and nobody has said so yet
	}
	return false
}

// uncertain tells of an error that leaves open what became of the request.
func uncertain(err error) bool {
	code := client.CodeOf(err)
	return code == usherv1.ErrorCode_ERROR_CODE_UNSPECIFIED || code == usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE
}

// acknowledged are the operations that were acknowledged so far.
func (l *load) acknowledged() []*operation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acked)
}

// listen keeps all that somebody hears, over every break, until ctx ends, and
// shows it to hear, if there is one.
func (l *load) listen(ctx context.Context, who engine.Participant, events func(yield func(*usherv1.Event, error) bool), hear func(*usherv1.Event)) {
	for event, err := range events {
		if err != nil {
			if ctx.Err() == nil {
				l.t.Errorf("the stream of %v ended: %v", who, err)
			}
			return
		}
		if event.GetSequence() == 0 {
			continue // not recorded
		}
		l.mu.Lock()
		l.heard[who] = append(l.heard[who], event)
		l.mu.Unlock()
		if hear != nil {
			hear(event)
		}
	}
	if ctx.Err() == nil {
		l.t.Errorf("the stream of %v ended", who)
	}
}

func (l *load) heardBy(who engine.Participant) []*usherv1.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard[who])
}

var beginning = new(uint64) // of the journal

// report begins to listen as a reporting engine.
func (l *load) report(ctx context.Context) {
	c := l.dial(client.WithAPIKey(l.keys["USHER_REPORTING_KEY"]))
	l.working.Go(func() { l.listen(ctx, engine.Report, c.Reports(ctx, beginning), nil) })
}

// mediaServer is the participant of the media key.
var mediaServer = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, ID: "media"}

// media registers the media server, which listens and submits from several
// goroutines until ctx ends; it works off some of its interactions itself.
func (l *load) media(ctx context.Context, clients int, random *rand.Rand) *client.Client {
	l.t.Helper()
	c := l.dial(client.WithAPIKey(l.keys["USHER_MEDIA_KEY"]))
	register := &usherv1.RequestRegisterClient{
		ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER, Notify: []usherv1.Notify{usherv1.Notify_NOTIFY_PARTIES},
	}
	if _, err := c.Register(ctx, register); err != nil {
		l.t.Fatal(err)
	}
	l.working.Go(func() { l.listen(ctx, mediaServer, c.Events(ctx, client.EventsOptions{After: beginning}), nil) })
	for range clients {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		l.working.Go(func() {
			for ctx.Err() == nil {
				l.bringIn(ctx, c, random)
			}
		})
	}
	return c
}

// bringIn submits one interaction.
func (l *load) bringIn(ctx context.Context, c *client.Client, random *rand.Rand) {
	if random.IntN(3) > 0 {
		l.do(ctx, submit(c, "inbound", random.IntN(2) == 0))
		return
	}
	op := submit(c, "shared", true)
	if l.do(ctx, op) {
		l.do(ctx, changeProperties(c, op.ack.GetInteractionId()))
		l.do(ctx, stopProcessing(c, op.ack.GetInteractionId()))
	}
}

// agent logs an agent in, who listens, accepts what he is offered, and
// finishes it in one way or another, until ctx ends.
func (l *load) agent(ctx context.Context, id string, random *rand.Rand) {
	l.t.Helper()
	c := l.dial(client.WithAgent("", id, server.DevPassword))
	if _, err := c.Agent(ctx, client.Login{Media: []*usherv1.MediaLogin{client.Ready("chat")}}); err != nil {
		l.t.Fatalf("%s: %v", id, err)
	}
	random = rand.New(rand.NewPCG(random.Uint64(), 0))
	invitations := make(chan *usherv1.Event, 1024)
	l.working.Go(func() {
		l.listen(ctx, agentNamed(id), c.Events(ctx, client.EventsOptions{After: beginning}), func(event *usherv1.Event) {
			if event.GetEventInvite() != nil {
				invitations <- event
			}
		})
	})
	l.working.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case invitation := <-invitations:
				l.handle(ctx, c, invitation, random)
			}
		}
	})
}

func agentNamed(id string) engine.Participant {
	return engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: id}
}

// handle takes an invitation and finishes the interaction.
func (l *load) handle(ctx context.Context, c *client.Client, invitation *usherv1.Event, random *rand.Rand) {
	interaction := invitation.GetInteractionId()
	if !l.do(ctx, accept(c, invitation.GetEventInvite().GetTicket())) {
		return
	}
	switch random.IntN(8) {
	case 0:
		l.do(ctx, leave(c, interaction))
	case 1:
		l.do(ctx, placeInQueue(c, interaction, "shared"))
	default:
		l.do(ctx, changeProperties(c, interaction))
		l.do(ctx, stopProcessing(c, interaction))
	}
}

// submit brings an interaction in. Its id is the client's own, or the server's.
func submit(c *client.Client, queue string, named bool) *operation {
	return &operation{reported: "EventInteractionSubmitted", send: func(ctx context.Context, reference string) (*usherv1.EventAck, error) {
		r := &usherv1.RequestSubmit{ReferenceId: reference, Queue: queue, MediaType: "chat"}
		if named {
			r.InteractionId = "of-" + reference
		}
		return c.InteractionManagement().Submit(ctx, r)
	}}
}

func accept(c *client.Client, ticket uint64) *operation {
	return &operation{reported: "EventPartyAdded", send: func(ctx context.Context, reference string) (*usherv1.EventAck, error) {
		return c.InteractionManagement().Accept(ctx, &usherv1.RequestAccept{ReferenceId: reference, Ticket: ticket})
	}}
}

func leave(c *client.Client, interaction string) *operation {
	return &operation{reported: "EventPartyRemoved", send: func(ctx context.Context, reference string) (*usherv1.EventAck, error) {
		return c.InteractionManagement().LeaveInteraction(ctx, &usherv1.RequestLeaveInteraction{ReferenceId: reference, InteractionId: interaction})
	}}
}

func placeInQueue(c *client.Client, interaction, queue string) *operation {
	return &operation{reported: "EventPlacedInQueue", send: func(ctx context.Context, reference string) (*usherv1.EventAck, error) {
		return c.InteractionManagement().PlaceInQueue(ctx, &usherv1.RequestPlaceInQueue{ReferenceId: reference, InteractionId: interaction, Queue: queue})
	}}
}

func changeProperties(c *client.Client, interaction string) *operation {
	return &operation{reported: "EventPropertiesChanged", send: func(ctx context.Context, reference string) (*usherv1.EventAck, error) {
		return c.InteractionManagement().ChangeProperties(ctx, &usherv1.RequestChangeProperties{
			ReferenceId: reference, InteractionId: interaction,
			Properties: &structpb.Struct{Fields: map[string]*structpb.Value{"external_id": structpb.NewStringValue(reference)}},
		})
	}}
}

func stopProcessing(c *client.Client, interaction string) *operation {
	return &operation{reported: "EventProcessingStopped", send: func(ctx context.Context, reference string) (*usherv1.EventAck, error) {
		return c.InteractionManagement().StopProcessing(ctx, &usherv1.RequestStopProcessing{ReferenceId: reference, InteractionId: interaction})
	}}
}
