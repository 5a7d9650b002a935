package replay

import (
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// External services answer a vector as they did then. What was never asked then
// they can't answer.

// faultNotRecorded is the answer to what was never asked.
const faultNotRecorded = "NotRecorded"

// call is a request to an external service and its answer; without an answer
// it took too long.
type call struct {
	method   string
	since    engine.Millis
	answered bool
	after    engine.Millis
	response *structpb.Struct
	fault    string
}

// methodOf is a method that is called for an interaction.
type methodOf struct {
	interaction engine.InteractionID
	method      string
}

func (r *Recorder) takeCall(c *conduct, m *usherv1.EventExternalServiceRequested, at engine.Millis) {
	made := &call{method: m.GetMethod(), since: at}
	c.calls = append(c.calls, made)
	r.called[m.GetRequestId()] = made
}

func (r *Recorder) takeResponse(m *usherv1.EventExternalServiceResponded, at engine.Millis) {
	made := r.called[m.GetRequestId()]
	delete(r.called, m.GetRequestId())
	if made == nil || m.GetFault() == "Timeout" {
		return
	}
	made.answered, made.after = true, at-made.since
	made.response, made.fault = m.GetResponse(), m.GetFault()
}

// callOf is the nth call of a method for an interaction.
func (r *Recording) callOf(of methodOf, nth int) call {
	for _, made := range r.conducts[of.interaction].calls {
		if made.method != of.method {
			continue
		}
		if nth == 0 {
			return *made
		}
		nth--
	}
	return call{answered: true, fault: faultNotRecorded}
}

// respond lets a service answer as it did then.
func (p *player) respond(id engine.InteractionID, m *usherv1.EventExternalServiceRequested) {
	of := methodOf{id, m.GetMethod()}
	made := p.callOf(of, p.called[of])
	p.called[of]++
	if !made.answered {
		return
	}
	service := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE, ID: m.GetService()}
	p.at(p.now+made.after, func() {
		if made.fault != "" {
			p.send(service, &usherv1.Event3RdServerFault{RequestId: m.GetRequestId(), Fault: made.fault})
			return
		}
		p.send(service, &usherv1.Event3RdServerResponse{RequestId: m.GetRequestId(), Response: made.response})
	})
}
