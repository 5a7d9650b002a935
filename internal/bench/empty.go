package bench

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

// mailboxSize is how many messages an empty stream keeps for its reader.
const mailboxSize = 1 << 12

// compressMinBytes is the size from which messages are compressed, as by a
// server.
const compressMinBytes = 4096

// empty is a service that does nothing: the clients of a fleet make the same
// calls and hear as many messages as from a server, but nobody decides, checks
// or keeps anything.
type empty struct {
	usherv1connect.UnimplementedInteractionManagementHandler
	mediaEvents, agentEvents int // messages of one life

	media  []mailbox
	agents []mailbox
	next   atomic.Uint64 // agents take turns
	http   *http.Server
	ended  chan error
}

// mailbox is what is on its way to one client.
type mailbox chan *usherv1.Event

// startEmpty serves, to as many clients as a target has. A life has as many
// messages as it was found to have on the target.
func startEmpty(o Options, mediaEvents, agentEvents int) (*empty, *target, error) {
	e := &empty{mediaEvents: mediaEvents, agentEvents: agentEvents, ended: make(chan error, 1)}
	t := &target{}
	for n := range o.Media {
		e.media = append(e.media, make(mailbox, mailboxSize))
		t.media = append(t.media, strconv.Itoa(n))
	}
	for n := range o.Agents {
		e.agents = append(e.agents, make(mailbox, mailboxSize))
		t.agents = append(t.agents, strconv.Itoa(n))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(usherv1connect.NewInteractionManagementHandler(e, connect.WithCompressMinBytes(compressMinBytes)))
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	e.http = &http.Server{Handler: mux, Protocols: protocols}
	go func() { e.ended <- e.http.Serve(listener) }()
	t.url = "http://" + listener.Addr().String()
	return e, t, nil
}

func (e *empty) close() error {
	err := e.http.Close()
	if ended := <-e.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// caller is the number of the client who calls.
func caller(ctx context.Context) (int, error) {
	info, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return 0, errors.New("no call")
	}
	n, err := strconv.Atoi(info.RequestHeader().Get("Authorization")[len("Bearer "):])
	return n, err
}

// RegisterClient implements the service.
func (e *empty) RegisterClient(context.Context, *usherv1.RequestRegisterClient) (*usherv1.EventAck, error) {
	return &usherv1.EventAck{}, nil
}

// AgentLogin implements the service.
func (e *empty) AgentLogin(context.Context, *usherv1.RequestAgentLogin) (*usherv1.EventAck, error) {
	return &usherv1.EventAck{}, nil
}

// Events implements the service.
func (e *empty) Events(ctx context.Context, _ *usherv1.RequestEvents, stream *connect.ServerStream[usherv1.Event]) error {
	n, err := caller(ctx)
	if err != nil {
		return err
	}
	return deliver(ctx, e.agents[n], stream.Send)
}

func deliver(ctx context.Context, from mailbox, send func(*usherv1.Event) error) error {
	err := send(&usherv1.Event{Message: &usherv1.Event_EventHeartbeat{EventHeartbeat: &usherv1.EventHeartbeat{}}})
	for err == nil {
		select {
		case event := <-from:
			err = send(event)
		case <-ctx.Done():
			return nil
		}
	}
	return err
}

// Session implements the service. Whoever submits is told so, and an agent is
// invited.
func (e *empty) Session(ctx context.Context, both *connect.BidiStream[usherv1.SessionRequest, usherv1.Event]) error {
	n, err := caller(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		for {
			r, err := both.Receive()
			if err != nil {
				return
			}
			if submit := r.GetSubmit(); submit != nil {
				e.submitted(n, submit)
			}
		}
	}()
	err = deliver(ctx, e.media[n], both.Send)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (e *empty) submitted(media int, r *usherv1.RequestSubmit) {
	e.media[media] <- &usherv1.Event{
		Sequence: 1, ReferenceId: r.ReferenceId, InteractionId: r.InteractionId, MediaType: r.MediaType, Queue: r.Queue,
		Message: &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}},
	}
	turn := e.next.Add(1)
	e.agents[turn%uint64(len(e.agents))] <- &usherv1.Event{
		Sequence: turn, TimeMs: int64(turn), Protocol: usherv1.Protocol_PROTOCOL_IM,
		InteractionId: r.InteractionId, MediaType: r.MediaType, Queue: r.Queue,
		Message: &usherv1.Event_EventInvite{EventInvite: &usherv1.EventInvite{Ticket: turn}},
	}
}

// Accept implements the service.
func (e *empty) Accept(ctx context.Context, r *usherv1.RequestAccept) (*usherv1.EventAck, error) {
	return &usherv1.EventAck{Sequence: r.Ticket, ReferenceId: r.ReferenceId}, nil
}

// StopProcessing implements the service; what else is said in a life is said
// at its end.
func (e *empty) StopProcessing(ctx context.Context, r *usherv1.RequestStopProcessing) (*usherv1.EventAck, error) {
	n, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	end := func() *usherv1.Event {
		return &usherv1.Event{
			Sequence: 1, ReferenceId: r.ReferenceId, InteractionId: r.InteractionId, MediaType: mediaType, Queue: queueName,
			Message: &usherv1.Event_EventProcessingStopped{EventProcessingStopped: &usherv1.EventProcessingStopped{}},
		}
	}
	for range e.agentEvents - 1 {
		e.agents[n] <- end()
	}
	life, err := lifeOf(r.InteractionId)
	if err != nil {
		return nil, err
	}
	for range e.mediaEvents - 1 {
		e.media[life%uint64(len(e.media))] <- end()
	}
	return &usherv1.EventAck{ReferenceId: r.ReferenceId, InteractionId: r.InteractionId}, nil
}
