package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// drawing gives what draws a line of a trace in a format.
func drawing(format string, w io.Writer) (func(*usherv1.TraceLine) error, error) {
	switch format {
	case "text":
		return func(line *usherv1.TraceLine) error { return drawText(w, line) }, nil
	case "mermaid":
		m := &mermaid{w: w, names: map[string]string{}}
		return m.draw, nil
	case "json":
		return func(line *usherv1.TraceLine) error { return drawJSON(w, line) }, nil
	}
	return nil, fmt.Errorf("format %q: it is text, mermaid or json", format)
}

// drawText draws an arrow as the models do, a message below the request that
// caused it:
//
//	media > ixn  RequestSubmit                        im    #12 10:01:02.003
//	    ixn > media  EventAck                         im    #12 10:01:02.003
func drawText(w io.Writer, line *usherv1.TraceLine) error {
	var to []string
	for _, p := range line.GetTo() {
		to = append(to, participant(p))
	}
	arrow := fmt.Sprintf("%s > %s  %s", participant(line.GetFrom()), strings.Join(to, ", "), label(line))
	if line.GetEvent() != nil {
		arrow = "    " + arrow
	}
	at := time.UnixMilli(line.GetTimeMs()).UTC().Format("15:04:05.000")
	_, err := fmt.Fprintf(w, "%-64s  %-4s  #%d %s\n", arrow, protocol(line), line.GetSequence(), at)
	return err
}

// drawJSON draws a line as one JSON object in the spelling of the protocol.
func drawJSON(w io.Writer, line *usherv1.TraceLine) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(line)
	if err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return err
	}
	compact.WriteByte('\n')
	_, err = w.Write(compact.Bytes())
	return err
}

// mermaid draws a sequence diagram. A participant is introduced where he
// appears, so that a live trace can be drawn too.
type mermaid struct {
	w     io.Writer
	names map[string]string // in the diagram, by participant
}

func (m *mermaid) draw(line *usherv1.TraceLine) error {
	var b strings.Builder
	if len(m.names) == 0 {
		b.WriteString("sequenceDiagram\n")
	}
	from := m.name(&b, line.GetFrom())
	arrow := "->>"
	if line.GetEvent() != nil {
		arrow = "-->>"
	}
	for _, p := range line.GetTo() {
		to := m.name(&b, p)
		fmt.Fprintf(&b, "    %s%s%s: %s %s\n", from, arrow, to, mermaidText.Replace(label(line)), protocol(line))
	}
	_, err := io.WriteString(m.w, b.String())
	return err
}

// name is the participant's in the diagram: a number, since his own may have
// characters that mean something to Mermaid.
func (m *mermaid) name(b *strings.Builder, p *usherv1.Participant) string {
	full := p.GetKind().String() + " " + p.GetId()
	if _, known := m.names[full]; !known {
		m.names[full] = fmt.Sprintf("p%d", len(m.names)+1)
		fmt.Fprintf(b, "    participant %s as %s\n", m.names[full], mermaidText.Replace(participant(p)))
	}
	return m.names[full]
}

// mermaidText writes what ends a line of Mermaid as entities.
var mermaidText = strings.NewReplacer("#", "#35;", ";", "#59;", "\n", " ")

// participant is the name in arrows: an id, or what the models call those who
// have none.
func participant(p *usherv1.Participant) string {
	switch p.GetKind() {
	case usherv1.ParticipantKind_PARTICIPANT_KIND_SERVER:
		return "ixn"
	case usherv1.ParticipantKind_PARTICIPANT_KIND_REPORT:
		return "report"
	case usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER:
		if p.GetId() == engine.BuiltinRouter.ID {
			return "router"
		}
	}
	return cmp.Or(p.GetId(), short(p.GetKind().String(), "PARTICIPANT_KIND_"))
}

func protocol(line *usherv1.TraceLine) string {
	return short(line.GetProtocol().String(), "PROTOCOL_")
}

// short is the name of an enum value without the enum's.
func short(value, prefix string) string {
	return strings.ToLower(strings.TrimPrefix(value, prefix))
}

// label is the message's name, with what tells it from others of the name.
func label(line *usherv1.TraceLine) string {
	if about := about(line.GetEvent()); about != "" {
		return line.GetMessage() + " (" + about + ")"
	}
	return line.GetMessage()
}

// about is what a message is about, beside the interaction; empty where its
// name says all.
func about(event *usherv1.Event) string {
	switch m := event.GetMessage().(type) {
	case *usherv1.Event_EventError:
		return m.EventError.GetName()
	case *usherv1.Event_EventInvite:
		return with(fmt.Sprintf("ticket %d", m.EventInvite.GetTicket()), "for", m.EventInvite.GetSkill())
	case *usherv1.Event_EventAgentInvited:
		return with(m.EventAgentInvited.GetAgentId(), "for", m.EventAgentInvited.GetSkill())
	case *usherv1.Event_EventRejected:
		return m.EventRejected.GetAgentId()
	case *usherv1.Event_EventPartyAdded:
		return participant(m.EventPartyAdded.GetParty())
	case *usherv1.Event_EventPartyRemoved:
		return participant(m.EventPartyRemoved.GetParty())
	case *usherv1.Event_EventPlacedInQueue:
		return with(m.EventPlacedInQueue.GetQueue(), "via", m.EventPlacedInQueue.GetVdn())
	case *usherv1.Event_EventTakenFromQueue:
		return m.EventTakenFromQueue.GetQueue()
	case *usherv1.Event_EventPlacedInWorkbin:
		return m.EventPlacedInWorkbin.GetWorkbin().GetName() + " of " + m.EventPlacedInWorkbin.GetWorkbin().GetOwner()
	case *usherv1.Event_EventTakenFromWorkbin:
		return m.EventTakenFromWorkbin.GetWorkbin().GetName() + " of " + m.EventTakenFromWorkbin.GetWorkbin().GetOwner()
	case *usherv1.Event_EventRouteUsed:
		return short(m.EventRouteUsed.GetOutcome().String(), "ROUTE_OUTCOME_")
	}
	return cmp.Or(aboutRouting(event), event.GetReason())
}

// aboutRouting is what a message of vectors, skills and external services is
// about.
func aboutRouting(event *usherv1.Event) string {
	switch m := event.GetMessage().(type) {
	case *usherv1.Event_EventRouteRequest:
		if m.EventRouteRequest.GetAdjunct() {
			return "adjunct " + m.EventRouteRequest.GetStrategy()
		}
	case *usherv1.Event_EventTreatmentApplied:
		return with(short(m.EventTreatmentApplied.GetTreatment().GetKind().String(), "TREATMENT_KIND_"), "", m.EventTreatmentApplied.GetTreatment().GetSource())
	case *usherv1.Event_EventAgentStateReasonChanged:
		return aboutState(m.EventAgentStateReasonChanged)
	case *usherv1.Event_Request_3RdServer:
		return with(m.Request_3RdServer.GetService(), "", m.Request_3RdServer.GetMethod())
	case *usherv1.Event_EventExternalServiceRequested:
		return with(m.EventExternalServiceRequested.GetService(), "", m.EventExternalServiceRequested.GetMethod())
	case *usherv1.Event_EventExternalServiceResponded:
		r := m.EventExternalServiceResponded
		return with(with(r.GetService(), "", r.GetMethod()), "failed:", r.GetFault())
	case *usherv1.Event_EventPrivateInfo:
		r := m.EventPrivateInfo
		return with(with(r.GetService(), "", r.GetMethod()), "failed:", r.GetFault())
	}
	return ""
}

// aboutState is a change of an agent's work mode; empty for one of the reason
// alone.
func aboutState(s *usherv1.EventAgentStateReasonChanged) string {
	now, next := workModes[s.GetWorkMode()], workModes[s.GetPendingWorkMode()]
	if now == "" {
		return ""
	}
	// The reason code is that of AUX, be it present or pending.
	switch code := fmt.Sprint(s.GetReasonCode()); usherv1.WorkMode_WORK_MODE_AUX {
	case s.GetPendingWorkMode():
		next += " " + code
	case s.GetWorkMode():
		now += " " + code
	}
	return with(s.GetAgentId()+" "+now, "then", next)
}

// workModes are the work modes as the field writes them.
var workModes = map[usherv1.WorkMode]string{
	usherv1.WorkMode_WORK_MODE_AUX: "AUX", usherv1.WorkMode_WORK_MODE_ACW: "ACW",
	usherv1.WorkMode_WORK_MODE_AUTO_IN: "auto-in", usherv1.WorkMode_WORK_MODE_MANUAL_IN: "manual-in",
}

// with adds to what something is about what more is known, if it is.
func with(about, word, more string) string {
	if more == "" {
		return about
	}
	if word != "" {
		more = word + " " + more
	}
	return strings.TrimSpace(about + " " + more)
}
