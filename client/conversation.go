package client

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Say says something to the customer and all agents of an interaction: text of
// at most 16,384 bytes. It comes back among the agent's events, as to all his
// applications. What a coach says is for the agents alone; a monitor may not
// speak.
func (a *AgentSession) Say(ctx context.Context, interaction, text string) error {
	_, err := a.AddLine(ctx, &usherv1.RequestAddLine{InteractionId: interaction, Line: &usherv1.Line{Text: text}})
	return err
}

// AddLine adds any line to a conversation: also one for agents alone, and a file
// that was uploaded before. Sent again with the same reference id it is not said
// again.
func (a *AgentSession) AddLine(ctx context.Context, r *usherv1.RequestAddLine) (*usherv1.EventAck, error) {
	return a.c.im.AddLine(ctx, r)
}

// Typing tells the others of a conversation that the agent is writing, or has
// stopped. It is not recorded and is worth 6 seconds at most.
func (a *AgentSession) Typing(ctx context.Context, interaction string, stopped bool) error {
	_, err := a.c.im.Typing(ctx, &usherv1.RequestTyping{InteractionId: interaction, Stopped: stopped})
	return err
}

// Transcript reads the lines of a conversation after a sequence, 0 for all; of
// more than 1,000 the latest. A line has the sequence by which Events brings it,
// so that whoever has both leaves out what he has.
func (a *AgentSession) Transcript(ctx context.Context, interaction string, after uint64) (*usherv1.EventTranscript, error) {
	return a.c.im.GetTranscript(ctx, &usherv1.RequestGetTranscript{InteractionId: interaction, AfterSequence: after})
}

// TranscriptBefore reads the lines of a conversation before a sequence, the
// latest 1,000 of them: asked with the sequence of the first line of an answer
// that has more, it gives those before. An answer without lines has reached the
// first that the server still has.
func (a *AgentSession) TranscriptBefore(ctx context.Context, interaction string, before uint64) (*usherv1.EventTranscript, error) {
	return a.c.im.GetTranscript(ctx, &usherv1.RequestGetTranscript{InteractionId: interaction, BeforeSequence: before})
}

// AddLine adds what the customer of a session says that the media server has
// submitted, or, if it is a notice, what the media server has to say itself.
// Sent again with the same reference id it is not said again.
func (m *MediaServer) AddLine(ctx context.Context, r *usherv1.RequestAddLine) (*usherv1.EventAck, error) {
	return ackOf(ask(ctx, m.s, r, func(r *usherv1.RequestAddLine) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_AddLine{AddLine: r}}
	}))
}

// Typing tells the agents of a session that its customer is writing, or has
// stopped. It is not recorded and is worth 6 seconds at most.
func (m *MediaServer) Typing(ctx context.Context, interaction string, stopped bool) error {
	_, err := m.s.c.im.Typing(ctx, &usherv1.RequestTyping{InteractionId: interaction, Stopped: stopped})
	return err
}

// Transcript reads the lines of a session after a sequence, 0 for all, but for
// those that are for agents alone; of more than 1,000 the latest.
func (m *MediaServer) Transcript(ctx context.Context, interaction string, after uint64) (*usherv1.EventTranscript, error) {
	return m.s.c.im.GetTranscript(ctx, &usherv1.RequestGetTranscript{InteractionId: interaction, AfterSequence: after})
}

// TranscriptBefore reads the lines of a session before a sequence, as the
// agent's does, but for those that are for agents alone.
func (m *MediaServer) TranscriptBefore(ctx context.Context, interaction string, before uint64) (*usherv1.EventTranscript, error) {
	return m.s.c.im.GetTranscript(ctx, &usherv1.RequestGetTranscript{InteractionId: interaction, BeforeSequence: before})
}
