package center

import (
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// TestRoomForAgents: whatever customers ask for, a quarter of what may wait for
// the writer is for all others.
func TestRoomForAgents(t *testing.T) {
	i := newInbox(8)
	fill := func(from engine.Participant) (taken int) {
		for i.put(newCall(Request{From: from, Body: &usherv1.RequestAddLine{}})) == nil {
			taken++
		}
		return taken
	}
	if taken := fill(SessionPrincipal); taken != 6 {
		t.Errorf("%d of customers", taken)
	}
	if taken := fill(engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: "ann"}); taken != 2 {
		t.Errorf("%d of an agent", taken)
	}
}
