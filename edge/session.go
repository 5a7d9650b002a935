package edge

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
)

// sessionMethod is the method that a request on a session stands for.
type sessionMethod struct {
	procedure string
	permission
	protocol usherv1.Protocol
}

// sessionProtocols are those of the services whose requests a session carries.
var sessionProtocols = map[protoreflect.FullName]usherv1.Protocol{
	usherv1connect.InteractionManagementName: im,
	usherv1connect.TLibraryName:              tlib,
	usherv1connect.ExternalServiceName:       esp,
}

// conversational are the methods of InteractionManagement whose messages go by
// icm.
var conversational = map[string]bool{
	usherv1connect.InteractionManagementAddLineProcedure:       true,
	usherv1connect.InteractionManagementTypingProcedure:        true,
	usherv1connect.InteractionManagementGetTranscriptProcedure: true,
}

// sessionMethods finds the methods by the names of their requests.
func sessionMethods(permissions map[string]permission) map[protoreflect.FullName]sessionMethod {
	all := map[protoreflect.FullName]sessionMethod{}
	for _, service := range services() {
		if _, carried := sessionProtocols[service.FullName()]; !carried {
			continue
		}
		methods := service.Methods()
		for i := range methods.Len() {
			method := methods.Get(i)
			if !method.IsStreamingServer() {
				p := procedure(method)
				all[method.Input().FullName()] = sessionMethod{p, permissions[p], protocolOf(p)}
			}
		}
	}
	return all
}

// session is requests and events on one stream. Requests are put in line in
// the order in which they came, and answered as they are completed.
type session struct {
	s    *Server
	who  *caller
	both *connect.BidiStream[usherv1.SessionRequest, usherv1.Event]

	slots    chan struct{} // one for each unanswered request
	inFlight sync.WaitGroup

	mu   sync.Mutex // held while sending
	sent sentSequences
}

// errSessionDone says that the client has asked for all it wanted.
var errSessionDone = errors.New("edge: the session is done")

// serveSession runs a session. It has ended when this returns, and nothing of
// it runs on.
func (s *Server) serveSession(ctx context.Context, who *caller, both *connect.BidiStream[usherv1.SessionRequest, usherv1.Event]) error {
	se := &session{s: s, who: who, both: both, slots: make(chan struct{}, s.limits.InFlight)}
	open, err := se.opening(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	read := make(chan struct{})
	go func() {
		defer close(read)
		cancel(se.serveRequests(ctx))
	}()
	err = s.serveClient(ctx, who, open, se.event)
	cancel(err)
	if guard := writerOf(ctx); guard != nil {
		_ = guard.controller.SetReadDeadline(past) // ends a Receive that waits
	}
	<-read
	if errors.Is(context.Cause(ctx), errSessionDone) {
		return nil
	}
	return err
}

// opening waits for the first message, which must open the event side.
func (se *session) opening(ctx context.Context) (*usherv1.RequestEvents, error) {
	if guard := writerOf(ctx); guard != nil {
		timer := time.AfterFunc(se.s.limits.Registration, func() { _ = guard.controller.SetReadDeadline(past) })
		defer timer.Stop()
	}
	first, err := se.both.Receive()
	if err != nil {
		return nil, err
	}
	if first.GetOpen() == nil {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "the first request of a session must be open")
	}
	return first.GetOpen(), nil
}

// serveRequests reads requests until there are no more, and returns why: when
// the client is done, after everything is answered.
func (se *session) serveRequests(ctx context.Context) error {
	defer se.inFlight.Wait()
	for {
		r, err := se.both.Receive()
		if errors.Is(err, io.EOF) {
			se.inFlight.Wait()
			return errSessionDone
		}
		var refusal *Refusal
		if errors.As(err, &refusal) {
			err = se.refuse(ctx, "unknown", "", refusal)
		} else if err == nil {
			err = se.request(ctx, r)
		}
		if err != nil {
			return err
		}
	}
}

// request puts one request in line. Beyond the limit of unanswered ones it
// waits, and so does the client.
func (se *session) request(ctx context.Context, r *usherv1.SessionRequest) error {
	body := requestIn(r)
	if body == nil || r.GetOpen() != nil {
		return se.refuse(ctx, "unknown", "", refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "the request is empty, or opens again"))
	}
	method := se.s.sessions[body.ProtoReflect().Descriptor().FullName()]
	reference := referenceID(body)
	if refusal := se.admit(method, body); refusal != nil {
		return se.refuse(ctx, method.procedure, reference, refusal)
	}
	if line, ok := body.(*usherv1.RequestAddLine); ok {
		if err := se.s.fillAttachment(ctx, se.who, line); err != nil {
			return se.refuse(ctx, method.procedure, reference, err)
		}
	}
	select {
	case se.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	start, copies := time.Now(), se.copies()
	call := se.s.center.Start(center.Request{Tenant: se.who.tenant, From: se.who.from, Body: body, Protocol: method.protocol})
	se.inFlight.Go(func() {
		defer func() { <-se.slots }()
		reply, err := call.Wait(ctx)
		if err != nil {
			return // the stream is ending
		}
		se.s.metrics.took(method.procedure, time.Since(start))
		se.answer(ctx, method.procedure, reference, reply, copies)
	})
	return nil
}

// requestIn is the request that r wraps; nil if there is none.
func requestIn(r *usherv1.SessionRequest) proto.Message {
	m := r.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("request"))
	if field == nil {
		return nil
	}
	return m.Get(field).Message().Interface()
}

// admit is what gate and watch are for a method called by itself.
func (se *session) admit(method sessionMethod, body proto.Message) *Refusal {
	now := caller{hash: se.who.hash}
	if !se.s.recognize(&now) {
		return errRevoked
	}
	if !method.allows(now.role) {
		return refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "the role %s may not send this request", roleName(now.role))
	}
	if !se.s.inRate(&now) {
		return refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many requests with this credential; try again later")
	}
	return se.s.misshapen(body)
}

// event passes on what came by subscription.
func (se *session) event(event *usherv1.Event, sequence uint64) error {
	se.mu.Lock()
	defer se.mu.Unlock()
	if sequence != 0 && !se.sent.pass(sequence) {
		return nil // it was sent as an answer
	}
	return se.both.Send(event)
}

// copies is how many messages came by subscription so far.
func (se *session) copies() uint64 {
	se.mu.Lock()
	defer se.mu.Unlock()
	return se.sent.copies
}

// answer sends the answer to a request, unless its copy came by subscription
// since the request did, after so many copies. A failure to send is noticed by
// the side of the events too.
func (se *session) answer(ctx context.Context, procedure, reference string, reply center.Reply, copies uint64) {
	event := reply.Event
	if event == nil {
		_, err := outcome(reply, nil)
		if err == nil {
			err = refuse(usherv1.ErrorCode_ERROR_CODE_INTERNAL, "the request has no answer")
		}
		_ = se.refuse(ctx, procedure, reference, err)
		return
	}
	se.s.metrics.answered(procedure, "ok")
	se.mu.Lock()
	defer se.mu.Unlock()
	if sequence := event.GetSequence(); sequence != 0 && !se.sent.answer(sequence, copies) {
		return
	}
	_ = se.both.Send(event)
}

// refuse answers a request with EventError; the session goes on.
func (se *session) refuse(ctx context.Context, procedure, reference string, err error) error {
	refusal := asRefusal(se.s.refused(ctx, procedure, reference, err))
	event := &usherv1.Event{
		TimeMs:        se.s.center.Status().TimeMs,
		Protocol:      protocolOf(procedure),
		ReferenceId:   refusal.Event.GetReferenceId(),
		InteractionId: refusal.Event.GetInteractionId(),
		Message:       &usherv1.Event_EventError{EventError: refusal.Event},
	}
	se.mu.Lock()
	defer se.mu.Unlock()
	return se.both.Send(event)
}

// protocolOf is the protocol of a procedure; of none it is that of the session.
func protocolOf(procedure string) usherv1.Protocol {
	if conversational[procedure] {
		return icm
	}
	service, _ := splitProcedure(procedure)
	return cmp.Or(sessionProtocols[protoreflect.FullName(service)], im)
}

// sentMax is how many sent sequences are remembered: an answer and its copy
// on the subscription come at about the same time.
const sentMax = 8192

// sentSequences remembers what was sent, so that each request is answered once:
// the answer of which the subscription has a copy is sent once, and that of a
// request that is repeated once more. The zero value is empty.
type sentSequences struct {
	// of holds which copy a message was, while it stands for no answer; 0 for
	// one that was sent as an answer, or stands for one.
	of     map[uint64]uint64
	order  []uint64
	next   int
	copies uint64 // messages that came by subscription
}

// pass remembers what comes by subscription; false if it was sent before.
func (s *sentSequences) pass(sequence uint64) bool {
	if _, there := s.of[sequence]; there {
		return false
	}
	s.copies++
	s.add(sequence, s.copies)
	return true
}

// answer remembers an answer; false if its copy was sent after so many others
// and stands for no other answer. An earlier copy may have come before the
// client asked, who would wait for ever.
func (s *sentSequences) answer(sequence, copies uint64) bool {
	which, there := s.of[sequence]
	if !there {
		s.add(sequence, 0)
		return true
	}
	s.of[sequence] = 0
	return which <= copies
}

// add remembers a sequence in the place of the oldest.
func (s *sentSequences) add(sequence, which uint64) {
	if s.of == nil {
		s.of = map[uint64]uint64{}
	}
	s.of[sequence] = which
	if len(s.order) < sentMax {
		s.order = append(s.order, sequence)
		return
	}
	delete(s.of, s.order[s.next])
	s.order[s.next] = sequence
	s.next = (s.next + 1) % sentMax
}
