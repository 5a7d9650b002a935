package center

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// decide decides one call.
func (w *writer) decide(call *Call) {
	if w.full && call.loses() {
		w.held = append(w.held, call)
		return
	}
	w.batch.size++
	w.batch.calls = append(w.batch.calls, call)
	w.center.counts.requests.Add(1)
	switch body := call.request.Body.(type) {
	case ending:
		w.end(call)
	case inspection:
		w.guard(call, func() { w.inspect(call, body) })
	case operation:
		w.guard(call, func() { w.operate(call, body) })
	default:
		w.guard(call, func() { w.handle(call) })
	}
}

// reply puts an answer among what is released with the batch.
func (w *writer) reply(call *Call, r Reply) {
	if r.Sequence == 0 {
		r.Sequence, r.TimeMs = uint64(w.next-1), int64(w.now)
	}
	if r.Err != nil {
		w.center.counts.refusals.Add(1)
		if r.Err.Sequence == 0 {
			r.Err.Sequence = r.Sequence
		}
	}
	w.batch.replies = append(w.batch.replies, release{call: call, reply: r, late: !w.batch.holds(call)})
}

func (w *writer) refuse(call *Call, err *usherv1.EventError) {
	if m, ok := call.request.Body.(referenced); ok && err.ReferenceId == "" {
		err.ReferenceId = m.GetReferenceId()
	}
	w.reply(call, Reply{Err: err})
	if to := refusalsOf(call.request.Tenant); published(call.name) && w.center.rings.has(to) {
		for _, line := range refusalLines(call, err, w.now) {
			m := queued{Message: Message{Sequence: err.Sequence, Event: encode(line)}}
			w.batch.messages = append(w.batch.messages, delivery{to, m})
		}
	}
}

func (w *writer) inspect(call *Call, look inspection) {
	if id := call.request.Tenant; id != "" && w.tenants[id] == nil {
		w.refuse(call, unknownTenant(id))
		return
	}
	look(w)
	w.reply(call, Reply{})
}

func unknownTenant(id string) *usherv1.EventError {
	return refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT, "there is no tenant %q", id)
}

// operate decides a request about tenants or credentials.
func (w *writer) operate(call *Call, op operation) {
	r := call.request
	if r.Tenant != SystemTenant && w.tenants[r.Tenant] == nil {
		w.refuse(call, unknownTenant(r.Tenant))
		return
	}
	if w.full {
		w.refuse(call, noSpace())
		return
	}
	facts, refusal := op.decide(w)
	if refusal != nil {
		w.refuse(call, refusal)
		return
	}
	if len(facts) == 0 {
		w.reply(call, Reply{})
		return
	}
	id := r.Tenant
	if op.tenant != "" {
		id = op.tenant
	}
	entries := make([]engine.Entry, len(facts))
	for n, f := range facts {
		f.TimeMs = int64(w.now)
		entries[n].Fact = f
		w.foldOwn(id, f, w.center.o.NewRouter)
	}
	w.record(id, &usherv1.Cause{Principal: r.From.Proto(), Request: op.name}, entries)
	w.reply(call, Reply{Sequence: uint64(w.next - 1), TimeMs: int64(w.now)})
}

// handle lets the engine decide a request.
func (w *writer) handle(call *Call) {
	r := &call.request
	t := w.tenants[r.Tenant]
	if t == nil {
		w.refuse(call, unknownTenant(r.Tenant))
		return
	}
	in := engine.Input{Now: w.now, Next: w.next, From: r.From, Request: r.Body}
	cause := &usherv1.Cause{Principal: r.From.Proto(), Request: call.name, BodyHash: call.hash, Protocol: r.Protocol}
	if m, ok := r.Body.(referenced); ok {
		if call.hash != nil && w.repeated(call, m.GetReferenceId()) {
			return
		}
		if m.GetReferenceId() == "" {
			setReference(m, w.center.o.NewID())
		}
		cause.ReferenceId = m.GetReferenceId()
	}
	if submit, ok := r.Body.(*usherv1.RequestSubmit); ok && submit.InteractionId == "" {
		in.NewID = engine.InteractionID(w.center.o.NewID())
	}
	if refusal := w.admit(call); refusal != nil {
		w.refuse(call, refusal)
		return
	}
	if m, ok := r.Body.(interface{ GetInteractionId() string }); ok {
		cause.InteractionId = m.GetInteractionId()
	}
	out := t.engine.Handle(in)
	if out.Err != nil {
		w.refuse(call, out.Err)
		return
	}
	w.settle(t, call, cause, &out)
	w.route(t)
}

// settle records what came of a request, and lets its reply wait for that to
// be durable.
func (w *writer) settle(t *tenant, call *Call, cause *usherv1.Cause, out *engine.Output) {
	var reply Reply
	if len(out.Entries) > 0 {
		reply.Sequence, reply.TimeMs = uint64(w.next)+uint64(len(out.Entries))-1, int64(w.now)
		if out.Pending {
			w.waiting[call.key()] = append(w.waiting[call.key()], call)
		}
		w.recordFor(t, cause, out.Entries)
	}
	if out.Unrecorded != nil {
		w.tell(t, out.Unrecorded)
	}
	if out.Pending {
		return
	}
	reply.Event, reply.Changes = out.Reply, out.Changes
	if out.Reply != nil {
		if out.Reply.Sequence != 0 {
			reply.Sequence = out.Reply.Sequence
		}
		reply.Event = w.withProperties(t, out.Reply, call.request.From)
	}
	if out.Changes != nil && len(out.Entries) > 0 {
		out.Changes.Sequence = reply.Sequence
	}
	w.reply(call, reply)
}

// withProperties attaches the present properties to a message that shows them.
func (w *writer) withProperties(t *tenant, ev *usherv1.Event, viewer engine.Participant) *usherv1.Event {
	ids := showing(ev)
	if len(ids) == 0 {
		return ev
	}
	shown := proto.CloneOf(ev)
	for _, id := range ids {
		if i := t.engine.Interaction(engine.InteractionID(id)); i != nil {
			shown.Interactions = append(shown.Interactions, w.properties(t.id, i, viewer))
		}
	}
	return shown
}

// properties are those of an interaction as the viewer may see them.
func (w *writer) properties(tenant string, i *engine.Interaction, viewer engine.Participant) *usherv1.InteractionProperties {
	login, _ := w.credentials.login(tenant, viewer.ID)
	return i.Properties(viewer, login.Supervisor && viewer.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT)
}

// showing is glimpse.shows for a message that is not encoded.
func showing(ev *usherv1.Event) []string {
	switch m := ev.Message.(type) {
	case *usherv1.Event_EventInvite, *usherv1.Event_EventRouteRequest, *usherv1.Event_Request_3RdServer:
		return []string{ev.InteractionId}
	case *usherv1.Event_EventPulledInteractions:
		return m.EventPulledInteractions.InteractionIds
	}
	return nil
}

// admit refuses what there is no room for.
func (w *writer) admit(call *Call) *usherv1.EventError {
	_, submits := call.request.Body.(*usherv1.RequestSubmit)
	if w.full && call.changes() || submits && w.center.lowSpace.Load() {
		return noSpace()
	}
	return nil
}

func noSpace() *usherv1.EventError {
	return refuse(usherv1.ErrorCode_ERROR_CODE_NO_SPACE, "there is too little room for the journal")
}

// repeated answers a request that was sent before.
func (w *writer) repeated(call *Call, reference string) bool {
	key := answerKey{call.request.Tenant, call.request.From, reference}
	known := w.answers.find(key, w.now)
	if known == nil {
		return false
	}
	if string(known.hash[:]) != string(call.hash) {
		w.refuse(call, refuse(usherv1.ErrorCode_ERROR_CODE_REFERENCE_ID_REUSED, "reference id %q was used for another %s", reference, known.request))
		return true
	}
	w.center.counts.repeats.Add(1)
	if known.event == nil {
		w.waiting[key] = append(w.waiting[key], call)
		return true
	}
	w.reply(call, w.remembered(known))
	return true
}

// remembered is the reply that was given first.
func (w *writer) remembered(a *answer) Reply {
	ev := &usherv1.Event{}
	if err := proto.Unmarshal(a.event, ev); err != nil {
		panic(fmt.Errorf("remembered answer: %w", err))
	}
	r := replyOf(ev)
	r.Event = w.withProperties(w.tenants[a.key.tenant], ev, a.key.from)
	return r
}

// replyOf is the reply that a recorded answer makes.
func replyOf(ev *usherv1.Event) Reply {
	r := Reply{Sequence: ev.Sequence, TimeMs: ev.TimeMs, Event: ev}
	if failed := ev.GetEventError(); failed != nil {
		r.Err = proto.CloneOf(failed)
		r.Err.Sequence, r.Err.ReferenceId, r.Err.InteractionId = ev.Sequence, ev.ReferenceId, ev.InteractionId
	}
	return r
}

// recordFor records what an engine decided, sends its messages on their way
// and remembers its answers.
func (w *writer) recordFor(t *tenant, cause *usherv1.Cause, entries []engine.Entry) {
	if cause != nil && cause.InteractionId == "" {
		cause.InteractionId = concerned(entries)
	}
	for n := range entries {
		w.foldOwn(t.id, entries[n].Fact, w.center.o.NewRouter)
	}
	first := uint64(w.next)
	encoded := w.record(t.id, cause, entries)
	var asker engine.Participant
	if cause != nil {
		asker = engine.ParticipantOf(cause.Principal)
		w.answers.begin(answerKey{t.id, asker, cause.ReferenceId}, cause.BodyHash, cause.Request, w.now)
	}
	for n := range entries {
		e := &entries[n]
		immediate := e.Answer && cause != nil && e.To[0] == asker && e.Event.ReferenceId == cause.ReferenceId
		for _, who := range e.To {
			if streamed(who, e.To[0], immediate) {
				w.send(recipient{t.id, who}, first+uint64(n), e, encoded[n])
			}
		}
		if e.Answer {
			w.answered(answerKey{t.id, e.To[0], e.Event.ReferenceId}, e.Event, encoded[n])
		}
	}
}

// concerned is the interaction that a record without one in its request is
// about.
func concerned(entries []engine.Entry) string {
	for n := range entries {
		if id := entries[n].Event.GetInteractionId(); id != "" {
			return id
		}
	}
	return ""
}

// record adds a record to the batch.
func (w *writer) record(tenant string, cause *usherv1.Cause, entries []engine.Entry) [][]byte {
	before := len(w.batch.payload)
	encoded := w.batch.add(tenant, cause, entries, w.now)
	if len(w.batch.payload)-before > w.maxRecord {
		if cause == nil || engine.ParticipantOf(cause.Principal) == engine.BuiltinRouter {
			w.stall(tenant)
			panic(errTooLargeByItself)
		}
		panic(errRecordTooLarge)
	}
	w.next += engine.Sequence(len(entries))
	w.recorded = w.now
	w.sinceEntries += uint64(len(entries))
	w.sinceBytes += len(w.batch.payload) - before
	return encoded
}

// send puts a message among what is released with the batch. For those who do
// not read at the moment it does not look up the properties; if they begin to
// before the message is released, they ask for them.
func (w *writer) send(to recipient, sequence uint64, e *engine.Entry, encoded []byte) {
	m := queued{Message: Message{Sequence: sequence, Event: encoded}}
	if len(e.Show) > 0 && w.center.rings.has(to) {
		for _, i := range e.Show {
			m.Show = appendShow(m.Show, w.properties(to.tenant, i, to.who))
		}
	} else if len(e.Show) > 0 {
		m.shows = showing(e.Event)
	}
	w.batch.messages = append(w.batch.messages, delivery{to, m})
}

// tell puts a message that is not recorded among what is released with the
// batch.
func (w *writer) tell(t *tenant, e *engine.Entry) {
	m := queued{Message: Message{Event: encode(e.Event)}}
	for _, who := range e.To {
		w.batch.unrecorded = append(w.batch.unrecorded, delivery{recipient{t.id, who}, m})
	}
}

// answered remembers an answer, and gives it to those who waited for it.
func (w *writer) answered(key answerKey, ev *usherv1.Event, encoded []byte) {
	w.answers.settle(key, encoded, w.now)
	calls := w.waiting[key]
	if calls == nil || key.reference == "" {
		return
	}
	delete(w.waiting, key)
	for _, call := range calls {
		w.batch.replies = append(w.batch.replies, release{call: call, reply: replyOf(ev), late: !w.batch.holds(call)})
	}
}

// end is the last request: nothing is decided after it.
func (w *writer) end(call *Call) {
	w.batch.last = true
	w.reply(call, Reply{})
	for _, calls := range w.waiting {
		for _, c := range calls {
			w.refuse(c, unavailable("it is stopping; the request goes on, send it again with its reference id"))
		}
	}
	clear(w.waiting)
}
