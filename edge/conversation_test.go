package edge

import (
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
)

// TestConversation: lines and typing notices go to the center by icm; a typing
// notice has no answer but that it was noted, and a transcript is what the
// center reads.
func TestConversation(t *testing.T) {
	fake := newFake()
	_, url := serve(t, Options{Center: fake})
	im := usherv1connect.NewInteractionManagementClient(h2c(t), url, withCredential(fake.agent(DefaultTenant, "ann", false)))
	ack, err := im.AddLine(t.Context(), &usherv1.RequestAddLine{ReferenceId: "r", InteractionId: "i", Line: &usherv1.Line{Text: "hello"}})
	if err != nil || ack.ReferenceId != "r" || ack.Sequence == 0 {
		t.Error(ack, err)
	}
	if _, err := im.Typing(t.Context(), &usherv1.RequestTyping{InteractionId: "i"}); err != nil {
		t.Error(err)
	}
	asked := fake.requests()
	if len(asked) != 2 || asked[0].Protocol != icm || asked[1].Protocol != icm || asked[1].From.ID != "ann" {
		t.Error(asked)
	}
	transcript, err := im.GetTranscript(t.Context(), &usherv1.RequestGetTranscript{InteractionId: "i"})
	if err != nil || transcript.Sequence != 7 || !transcript.More {
		t.Error(transcript, err)
	}
	if _, err := im.GetTranscript(t.Context(), &usherv1.RequestGetTranscript{}); eventErrorOf(err).GetName() != "UnknownInteraction" {
		t.Error(err)
	}
	fake.answer = func(center.Request) center.Reply {
		return center.Reply{Err: &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_NOT_A_PARTY}}
	}
	if _, err := im.Typing(t.Context(), &usherv1.RequestTyping{InteractionId: "i"}); eventErrorOf(err).GetName() != "NotAParty" {
		t.Error(err)
	}
}
