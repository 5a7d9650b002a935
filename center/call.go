package center

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Request is what somebody asks for.
type Request struct {
	// Tenant is the tenant of the credential.
	Tenant string
	// From is the principal of the credential.
	From engine.Participant
	// Body is a Request message of the api, or an engine.Connect, Disconnect
	// or Apply. It belongs to the center from now on.
	//
	// A Disconnect is never refused for want of room or of a journal: it waits
	// until it can be recorded, and its reply comes then. The one that comes
	// when the center is stopping is made up by the next Open; who ends all
	// streams for that reason need not, and should not, send theirs. A Connect
	// that was answered with Unavailable may have happened, so send its
	// Disconnect.
	Body any
	// Protocol is the one that the request came in.
	Protocol usherv1.Protocol
}

// Reply is the answer to a Request. It is durable.
type Reply struct {
	// Sequence is the one of the answer in the journal; for what is not
	// recorded the last one that was decided before.
	Sequence uint64
	// TimeMs is when it was decided.
	TimeMs int64
	// Event is the answer; nil for a refusal and where there is none (Connect,
	// Disconnect, Apply, credentials). An answer that came late with bad
	// tidings has both Event and Err. It may be shared: don't change it.
	Event *usherv1.Event
	// Err says that the request was refused, or came to nothing.
	Err *usherv1.EventError
	// Changes is what an Apply changed, or would change.
	Changes *usherv1.ApplyConfigurationResponse
}

// operation is a request of the center's own, about tenants and credentials.
type operation struct {
	name   string // in the journal
	tenant string // whose record it is, if not the request's
	decide func(w *writer) ([]*usherv1.Fact, *usherv1.EventError)
}

// inspection looks at the writer's state and changes nothing.
type inspection func(w *writer)

// ending is the last request of all.
type ending struct{}

// Call is a request under way.
type Call struct {
	request Request
	name    string // as published, or the center's own
	hash    []byte // SHA-256 of a request that may be remembered
	done    chan struct{}
	reply   Reply
	over    bool // done is closed
}

func newCall(r Request) *Call {
	call := &Call{request: r, done: make(chan struct{})}
	switch body := r.Body.(type) {
	case operation:
		call.name = body.name
	case engine.Connect:
		call.name = "Connect"
	case engine.Disconnect:
		call.name = "Disconnect"
	case engine.Apply:
		call.name = "ApplyConfiguration"
	case proto.Message:
		call.name = string(body.ProtoReflect().Descriptor().Name())
		if m, ok := body.(referenced); ok && m.GetReferenceId() != "" {
			call.hash = bodyHash(body)
		}
	}
	return call
}

// referenced is a request that changes something: it has a reference id.
type referenced interface {
	proto.Message
	GetReferenceId() string
}

func setReference(m referenced, id string) {
	r := m.ProtoReflect()
	r.Set(r.Descriptor().Fields().ByName("reference_id"), protoreflect.ValueOfString(id))
}

// changes tells whether a request may change something.
func (call *Call) changes() bool {
	switch call.request.Body.(type) {
	case operation, engine.Connect, engine.Disconnect, engine.Apply, referenced:
		return true
	}
	return false
}

// key is what the answer to a call that waits is found by.
func (call *Call) key() answerKey {
	return answerKey{call.request.Tenant, call.request.From, call.request.Body.(referenced).GetReferenceId()}
}

// Done is closed when the reply is there.
func (call *Call) Done() <-chan struct{} { return call.done }

// Wait returns the reply when it is there, or the error of ctx.
func (call *Call) Wait(ctx context.Context) (Reply, error) {
	select {
	case <-call.done:
		return call.reply, nil
	default:
	}
	select {
	case <-call.done:
		return call.reply, nil
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
}

// finish gives the reply to whoever waits; only the first one counts. Writer
// and appender hand the call to each other, and never both have it.
func (call *Call) finish(r Reply) {
	if !call.over {
		call.over, call.reply = true, r
		close(call.done)
	}
}

// refuse makes a refusal; the sentence says what is wrong and where.
func refuse(code usherv1.ErrorCode, format string, args ...any) *usherv1.EventError {
	return &usherv1.EventError{Code: code, Name: engine.ErrorName(code), Description: fmt.Sprintf(format, args...)}
}

func unavailable(why string) *usherv1.EventError {
	return refuse(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, "the server is not available: %s; try again", why)
}

// The states of an inbox.
type inboxState int

const (
	inboxOpen     inboxState = iota
	inboxDown                // there is no journal to write to: all but a Disconnect is refused
	inboxDraining            // what changes something is refused
	inboxClosed              // everything is refused
)

// inbox is what waits for the writer.
type inbox struct {
	limit  int
	signal chan struct{} // something waits

	mu    sync.Mutex
	state inboxState
	calls []*Call
	rung  []func() // alarms that rang: to be called when all that was due is done
}

func newInbox(limit int) *inbox {
	return &inbox{limit: limit, signal: make(chan struct{}, 1)}
}

// loses tells whether it is the loss of a connection: it has happened, whether
// it can be recorded at the moment or not.
func (call *Call) loses() bool {
	_, ok := call.request.Body.(engine.Disconnect)
	return ok
}

// put takes a call in, or gives the refusal. The connections that can be lost
// are few enough to need no limit.
func (i *inbox) put(call *Call) *usherv1.EventError {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.state == inboxClosed:
		return unavailable("it has stopped")
	case i.state == inboxDown && call.loses():
		i.calls = append(i.calls, call) // it must not wake a writer that waits for its journal
		return nil
	case i.state == inboxDown:
		return unavailable("it has no journal")
	case i.state == inboxDraining && call.changes():
		return unavailable("it is stopping")
	case len(i.calls) >= i.room(call) && !call.loses():
		return refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "%d requests are waiting; try later", len(i.calls))
	}
	i.calls = append(i.calls, call)
	i.wake()
	return nil
}

// room is how many may wait before a call is refused. A quarter is kept free of
// what customers ask for.
func (i *inbox) room(call *Call) int {
	if call.request.From == SessionPrincipal {
		return i.limit - i.limit/4
	}
	return i.limit
}

// drain lets only reads in from now on, and puts the last request in line. It
// tells whether it was the first to do so.
func (i *inbox) drain(last *Call) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.state >= inboxDraining {
		return false
	}
	i.state = inboxDraining
	i.calls = append(i.calls, last)
	i.wake()
	return true
}

// ring tells the writer that an alarm rang.
func (i *inbox) ring(done func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.state == inboxClosed {
		done()
		return
	}
	i.rung = append(i.rung, done)
	i.wake()
}

// putBack puts in front what was taken and must be done in any case.
func (i *inbox) putBack(calls []*Call, rung []func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls = append(calls, i.calls...)
	i.rung = append(rung, i.rung...)
	i.wake()
}

// take takes up to n calls, and all alarms that rang.
func (i *inbox) take(n int, calls []*Call) (taken []*Call, rung []func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	n = min(n, len(i.calls))
	taken = append(calls, i.calls[:n]...)
	clear(i.calls[:n])
	if i.calls = i.calls[n:]; len(i.calls) == 0 {
		i.calls = nil
	}
	rung, i.rung = i.rung, nil
	if len(i.calls) > 0 {
		i.wake()
	}
	return taken, rung
}

// refuseAll changes the state and gives what waited, to be refused; the losses
// of connections wait on unless all has ended.
func (i *inbox) refuseAll(state inboxState) ([]*Call, []func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.state = max(i.state, state)
	refused, rung := i.calls, i.rung
	i.calls, i.rung = nil, nil
	if state == inboxClosed {
		return refused, rung
	}
	return slices.DeleteFunc(refused, func(call *Call) bool {
		if call.loses() {
			i.calls = append(i.calls, call)
		}
		return call.loses()
	}), rung
}

// reopen serves again after having been down. The writer is woken in any case:
// alarms that rang meanwhile were let go.
func (i *inbox) reopen() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.state == inboxDown {
		i.state = inboxOpen
	}
	i.wake()
}

func (i *inbox) current() (inboxState, int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.state, len(i.calls)
}

// wake signals the writer; the caller holds mu.
func (i *inbox) wake() {
	select {
	case i.signal <- struct{}{}:
	default:
	}
}
