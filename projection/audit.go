package projection

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// maxAuditLines is how many lines of a tenant's audit log are kept, the latest.
const maxAuditLines = 10_000

// maxAuditDetails is how many lines of detail one act has.
const maxAuditDetails = 200

// interfering are the requests by which an agent, who must be a supervisor then,
// may interfere with an interaction that is not his.
var interfering = map[string]bool{
	"RequestIntrude": true, "RequestPlaceInQueue": true, "RequestPlaceInWorkbin": true, "RequestTransfer": true,
	"RequestStopProcessing": true, "RequestMoveInteractions": true, "RequestLockInteraction": true, "RequestUnlockInteraction": true,
}

// stateRequests are the requests by which a supervisor may change the state of
// another agent.
var stateRequests = map[string]bool{
	"RequestAgentLogout": true, "RequestAddMedia": true, "RequestRemoveMedia": true, "RequestNotReadyForMedia": true,
	"RequestCancelNotReadyForMedia": true, "RequestChangeMediaStateReason": true, "RequestChangeAgentStateReason": true,
	"RequestSetAgentState": true, "RequestDoNotDisturbOn": true, "RequestDoNotDisturbOff": true,
}

// AuditLog is who changed the configuration, made or revoked keys, and
// interfered with agents and interactions: a fold of one tenant's records that
// keeps the latest 10,000 lines.
type AuditLog struct {
	lines   []*usherv1.AuditLine // a circle once it is full
	oldest  int
	parties map[string][]string // the agents of interactions, by id
}

// NewAuditLog is a log without lines.
func NewAuditLog() *AuditLog { return &AuditLog{parties: map[string][]string{}} }

// Act is a record as the audit log sees it.
type Act struct {
	Sequence uint64 // of its first entry
	// Cause is who asked for what; nil for a deadline.
	Cause *usherv1.Cause
	// Events are its reporting events, in order. Of a request that Audits does
	// not name only the parties that come and go, and the ends of interactions,
	// are needed.
	Events []*usherv1.Event
	// Facts are its private facts.
	Facts []Fact
}

// Fact is a private fact at its place in the journal.
type Fact struct {
	Sequence uint64
	Fact     *usherv1.Fact
}

// Audits tells whether the log may have a line for a request, so that it must
// see its cause and all its reporting events.
func Audits(request string) bool { return interfering[request] || stateRequests[request] }

// Apply folds a record.
func (a *AuditLog) Apply(act *Act) {
	for _, f := range act.Facts {
		if line := lineOfFact(act, f.Fact); line != nil {
			line.Sequence = f.Sequence
			a.add(line)
		}
	}
	if act.Cause.GetPrincipal().GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		if line := a.lineOfAgent(act); line != nil {
			a.add(line)
		}
	}
	for _, ev := range act.Events {
		a.foldParties(ev)
	}
}

// foldParties keeps who is a party of what. A supervisor who has intruded
// interferes still, whatever he does there.
func (a *AuditLog) foldParties(ev *usherv1.Event) {
	id := ev.GetInteractionId()
	switch m := ev.GetMessage().(type) {
	case *usherv1.Event_EventPartyAdded:
		if !isStrategy(m.EventPartyAdded.GetParty()) && m.EventPartyAdded.GetOperation() != usherv1.Operation_OPERATION_INTRUDE {
			a.parties[id] = append(a.parties[id], m.EventPartyAdded.GetParty().GetId())
		}
	case *usherv1.Event_EventPartyRemoved:
		of := m.EventPartyRemoved.GetParty().GetId()
		if left := slices.DeleteFunc(a.parties[id], func(agent string) bool { return agent == of }); len(left) > 0 {
			a.parties[id] = left
		} else {
			delete(a.parties, id)
		}
	case *usherv1.Event_EventProcessingStopped:
		delete(a.parties, id)
	}
}

func (a *AuditLog) add(line *usherv1.AuditLine) {
	if len(a.lines) < maxAuditLines {
		a.lines = append(a.lines, line)
		return
	}
	a.lines[a.oldest] = line
	a.oldest = (a.oldest + 1) % maxAuditLines
}

// precede puts the lines of an older log before these, as many as there is room
// for.
func (a *AuditLog) precede(older *AuditLog) {
	all := &AuditLog{parties: a.parties}
	for _, log := range []*AuditLog{older, a} {
		for n := range log.lines {
			all.add(log.at(n))
		}
	}
	*a = *all
}

// at is a line by its age, 0 for the oldest.
func (a *AuditLog) at(n int) *usherv1.AuditLine { return a.lines[(a.oldest+n)%len(a.lines)] }

// Page gives at most limit lines before a sequence, latest first; 0 is before
// nothing. The lines are shared: don't change them.
func (a *AuditLog) Page(before uint64, limit int) *usherv1.EventAuditLog {
	page := &usherv1.EventAuditLog{}
	for n := len(a.lines) - 1; n >= 0; n-- {
		line := a.at(n)
		if before != 0 && line.GetSequence() >= before {
			continue
		}
		if len(page.Lines) == limit {
			page.More = true
			break
		}
		page.Lines = append(page.Lines, line)
	}
	return page
}

// lineOfFact is the line for a change of configuration, keys or tenants.
func lineOfFact(act *Act, f *usherv1.Fact) *usherv1.AuditLine {
	line := &usherv1.AuditLine{TimeMs: f.GetTimeMs(), Actor: act.Cause.GetPrincipal(), Request: act.Cause.GetRequest()}
	switch m := f.GetFact().(type) {
	case *usherv1.Fact_ConfigurationApplied:
		line.Details = detailsOfConfiguration(m.ConfigurationApplied)
	case *usherv1.Fact_TenantCreated:
		line.Details = []string{fmt.Sprintf("tenant %s: added", m.TenantCreated.GetTenantId())}
	case *usherv1.Fact_ApiKeyCreated:
		k := m.ApiKeyCreated.GetApiKey()
		role := strings.ToLower(strings.TrimPrefix(k.GetRole().String(), "ROLE_"))
		line.Details = []string{fmt.Sprintf("API key %s (%s, %s): made", k.GetId(), k.GetName(), role)}
	case *usherv1.Fact_ApiKeyRevoked:
		line.Details = []string{fmt.Sprintf("API key %s: revoked", m.ApiKeyRevoked.GetId())}
	default:
		return nil
	}
	return line
}

// detailsOfConfiguration says what changed, a line for each field. The engine
// made the words, without secrets; a journal of an earlier version has none, and
// names only what was set.
func detailsOfConfiguration(f *usherv1.ConfigurationApplied) []string {
	var details []string
	for _, c := range f.GetChanges() {
		object := strings.TrimSuffix(c.GetObject().GetKind()+" "+c.GetObject().GetName(), " ")
		if c.GetKind() != usherv1.ChangeKind_CHANGE_KIND_CHANGED {
			details = append(details, object+": "+strings.ToLower(strings.TrimPrefix(c.GetKind().String(), "CHANGE_KIND_")))
		}
		for _, field := range c.GetFields() {
			if c.GetKind() == usherv1.ChangeKind_CHANGE_KIND_CHANGED {
				details = append(details, object+": "+field)
			}
		}
	}
	if len(f.GetChanges()) == 0 {
		details = namesOfConfiguration(f)
	}
	if more := len(details) - maxAuditDetails; more > 0 {
		details = append(details[:maxAuditDetails], fmt.Sprintf("and %d more", more))
	}
	return details
}

// namesOfConfiguration names the objects that were set and removed.
func namesOfConfiguration(f *usherv1.ConfigurationApplied) []string {
	var names []string
	f.GetConfiguration().ProtoReflect().Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !field.IsList() {
			names = append(names, string(field.Name())+": set")
			return true
		}
		for n := range v.List().Len() {
			o := v.List().Get(n).Message()
			name := o.Get(o.Descriptor().Fields().ByNumber(1)).String() // the first field is the name
			names = append(names, fmt.Sprintf("%s %s: set", field.Name(), name))
		}
		return true
	})
	slices.Sort(names)
	for _, o := range f.GetRemoved() {
		names = append(names, fmt.Sprintf("%s %s: removed", o.GetKind(), o.GetName()))
	}
	return names
}

// lineOfAgent is the line for a request by which a supervisor interferes, if it
// is one.
func (a *AuditLog) lineOfAgent(act *Act) *usherv1.AuditLine {
	c := act.Cause
	line := &usherv1.AuditLine{
		Sequence: act.Sequence, Actor: c.GetPrincipal(), Request: c.GetRequest(), InteractionId: c.GetInteractionId(),
	}
	for _, ev := range slices.Backward(act.Events) {
		line.TimeMs = ev.GetTimeMs()
		if !ofServer(ev) {
			line.Reason = ev.GetReason()
		}
	}
	self := c.GetPrincipal().GetId()
	switch {
	case stateRequests[c.GetRequest()]:
		for _, ev := range act.Events {
			if id := agentOf(ev); id != "" && id != self {
				line.AgentId = id
				line.Details = append(line.Details, changeOf(ev))
			}
		}
		if line.AgentId == "" {
			return nil // his own
		}
	case interfering[c.GetRequest()]:
		if c.GetRequest() != "RequestIntrude" && slices.Contains(a.parties[c.GetInteractionId()], self) {
			return nil
		}
		line.AgentId, line.Details = concerned(act.Events, self)
		if line.TimeMs == 0 { // a lock is a fact
			line.TimeMs = timeOfFacts(act.Facts)
		}
	default:
		return nil
	}
	return line
}

// ofServer tells whether an event's reason is the server's own, and not the one
// of the request that led to it: that of what was given up for the request.
func ofServer(ev *usherv1.Event) bool {
	return ev.GetEventRevoked() != nil || isStrategy(ev.GetEventPartyRemoved().GetParty())
}

func timeOfFacts(facts []Fact) int64 {
	if len(facts) == 0 {
		return 0
	}
	return facts[0].Fact.GetTimeMs()
}

// messageOf is what an event says.
func messageOf(ev *usherv1.Event) protoreflect.Message {
	m := ev.ProtoReflect()
	if field := m.WhichOneof(m.Descriptor().Oneofs().ByName("message")); field != nil {
		return m.Get(field).Message()
	}
	return nil
}

// agentOf is the agent whose state an event is about.
func agentOf(ev *usherv1.Event) string {
	if m := messageOf(ev); m != nil && ev.GetInteractionId() == "" {
		if about, ok := m.Interface().(interface{ GetAgentId() string }); ok {
			return about.GetAgentId()
		}
	}
	return ""
}

// changeOf says in a word what an event about an agent says.
func changeOf(ev *usherv1.Event) string {
	word := string(messageOf(ev).Descriptor().Name())
	if mode := ev.GetEventAgentStateReasonChanged().GetWorkMode(); mode != 0 {
		word += " " + strings.TrimPrefix(mode.String(), "WORK_MODE_")
	}
	return strings.TrimSuffix(word+" "+ev.GetMediaType(), " ")
}

// concerned is the agent whom an interference concerns, the first besides the
// one who interferes, and what happened to which interactions.
func concerned(events []*usherv1.Event, self string) (agent string, details []string) {
	first := func(id string) {
		if agent == "" && id != self {
			agent = id
		}
	}
	for _, ev := range events {
		what := ""
		switch m := ev.GetMessage().(type) {
		case *usherv1.Event_EventPartyRemoved:
			if !isStrategy(m.EventPartyRemoved.GetParty()) {
				first(m.EventPartyRemoved.GetParty().GetId())
				what = "taken from " + m.EventPartyRemoved.GetParty().GetId()
			}
		case *usherv1.Event_EventAgentInvited:
			first(m.EventAgentInvited.GetAgentId())
			what = m.EventAgentInvited.GetAgentId() + " invited"
		case *usherv1.Event_EventPartyAdded:
			visibility := strings.TrimPrefix(m.EventPartyAdded.GetVisibility().String(), "VISIBILITY_MODE_")
			what = fmt.Sprintf("%s joined (%s)", m.EventPartyAdded.GetParty().GetId(), strings.ToLower(visibility))
		case *usherv1.Event_EventPlacedInQueue:
			if !private(m.EventPlacedInQueue.GetQueue()) {
				what = "placed in queue " + m.EventPlacedInQueue.GetQueue()
			}
		case *usherv1.Event_EventPlacedInWorkbin:
			w := m.EventPlacedInWorkbin.GetWorkbin()
			what = strings.TrimSuffix("placed in workbin "+w.GetName()+" of "+w.GetOwner(), " of ")
		case *usherv1.Event_EventProcessingStopped:
			what = "stopped"
		}
		if what != "" && len(details) < maxAuditDetails {
			details = append(details, fmt.Sprintf("interaction %s: %s", ev.GetInteractionId(), what))
		}
	}
	return agent, details
}

// decode decodes a message of the journal, which was verified on reading.
func decode[M proto.Message](raw []byte, into M) (M, error) {
	if err := proto.Unmarshal(raw, into); err != nil {
		return into, fmt.Errorf("a message of the journal: %w", err)
	}
	return into, nil
}
