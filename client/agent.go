package client

import (
	"context"
	"iter"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

// Login says where an agent sits and with what media.
type Login struct {
	// Place is where he sits; empty for none.
	Place string
	// Media are his media types.
	Media []*usherv1.MediaLogin
	// Kind is the kind of application: desktop (default), telephone or
	// supervisor.
	Kind string
	// WorkMode is the work mode of an agent with skills; not set: the one of his
	// configuration, or AUX.
	WorkMode usherv1.WorkMode
	// ReasonCode is the reason code of AUX, 0 to 99.
	ReasonCode int
	// Reason is a reason for the login.
	Reason string
	// After is the sequence of the last event that an earlier run of this
	// application has dealt with, so that it hears what came meanwhile; 0 for
	// what comes from now on.
	After uint64
}

// Ready is a media type for which an agent is ready at once.
func Ready(media string) *usherv1.MediaLogin {
	return &usherv1.MediaLogin{MediaType: media, Ready: true}
}

// NotReady is a media type for which an agent is not ready yet.
func NotReady(media string) *usherv1.MediaLogin { return &usherv1.MediaLogin{MediaType: media} }

// AgentSession is an agent who is logged in. All methods may be called
// concurrently.
type AgentSession struct {
	c     *Client
	kind  string
	after uint64
}

// Agent registers the client as an agent's application and logs him in. An
// agent who is logged in already, by another of his applications or before a
// break, keeps his place and media.
func (c *Client) Agent(ctx context.Context, l Login) (*AgentSession, error) {
	ack, err := c.Register(ctx, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION})
	if err != nil {
		return nil, err
	}
	_, err = c.im.AgentLogin(ctx, &usherv1.RequestAgentLogin{
		Place: l.Place, Media: l.Media, WorkMode: l.WorkMode, ReasonCode: int32(l.ReasonCode), Reason: l.Reason,
	})
	if err != nil && CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_ALREADY_LOGGED_IN {
		return nil, err
	}
	after := l.After
	if after == 0 {
		after = ack.GetSequence()
	}
	return &AgentSession{c: c, kind: l.Kind, after: after}, nil
}

// Events gives what the agent hears since this session began, also the answers
// to his own requests, which his other applications hear too. A broken stream
// goes on where it broke off. The loop ends when a newer application of the
// same kind takes over.
func (a *AgentSession) Events(ctx context.Context) iter.Seq2[*usherv1.Event, error] {
	return a.c.Events(ctx, EventsOptions{After: &a.after, Kind: a.kind})
}

// Requests has every method of the protocol.
func (a *AgentSession) Requests() usherv1connect.InteractionManagementClient { return a.c.im }

// Accept takes an invitation.
func (a *AgentSession) Accept(ctx context.Context, ticket uint64) error {
	_, err := a.c.im.Accept(ctx, &usherv1.RequestAccept{Ticket: ticket})
	return err
}

// Reject refuses an invitation.
func (a *AgentSession) Reject(ctx context.Context, ticket uint64, reason string) error {
	_, err := a.c.im.Reject(ctx, &usherv1.RequestReject{Ticket: ticket, Reason: reason})
	return err
}

// Ready makes the agent ready for a media type.
func (a *AgentSession) Ready(ctx context.Context, media string) error {
	_, err := a.c.im.CancelNotReadyForMedia(ctx, &usherv1.RequestCancelNotReadyForMedia{MediaType: media})
	return err
}

// NotReady makes the agent not ready for a media type.
func (a *AgentSession) NotReady(ctx context.Context, media, reason string) error {
	_, err := a.c.im.NotReadyForMedia(ctx, &usherv1.RequestNotReadyForMedia{MediaType: media, Reason: reason})
	return err
}

// SetAgentState changes the agent's work mode, at once or when his interactions
// have ended; the reason code is that of AUX, 0 to 99.
func (a *AgentSession) SetAgentState(ctx context.Context, mode usherv1.WorkMode, reasonCode int) error {
	_, err := a.c.im.SetAgentState(ctx, &usherv1.RequestSetAgentState{WorkMode: mode, ReasonCode: int32(reasonCode)})
	return err
}

// Pull takes up to so many interactions from a queue.
func (a *AgentSession) Pull(ctx context.Context, queue string, count int) ([]*usherv1.InteractionProperties, error) {
	event, err := a.c.im.Pull(ctx, &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: queue}, Count: int32(count)})
	return event.GetInteractions(), err
}

// Transfer offers an interaction to another agent, and returns when he has
// accepted, or an error when he has not.
func (a *AgentSession) Transfer(ctx context.Context, interaction, agent string) error {
	_, err := a.c.im.Transfer(ctx, &usherv1.RequestTransfer{InteractionId: interaction, AgentId: agent})
	return err
}

// Conference invites another agent, and returns when he has accepted, or an
// error when he has not.
func (a *AgentSession) Conference(ctx context.Context, interaction, agent string, visibility usherv1.VisibilityMode) error {
	_, err := a.c.im.Conference(ctx, &usherv1.RequestConference{InteractionId: interaction, AgentId: agent, Visibility: visibility})
	return err
}

// PlaceInQueue puts an interaction in a queue; __BACK__ is where it came from.
func (a *AgentSession) PlaceInQueue(ctx context.Context, interaction, queue string) error {
	_, err := a.c.im.PlaceInQueue(ctx, &usherv1.RequestPlaceInQueue{InteractionId: interaction, Queue: queue})
	return err
}

// Leave leaves an interaction.
func (a *AgentSession) Leave(ctx context.Context, interaction, reason string) error {
	_, err := a.c.im.LeaveInteraction(ctx, &usherv1.RequestLeaveInteraction{InteractionId: interaction, Reason: reason})
	return err
}

// Stop stops an interaction for good.
func (a *AgentSession) Stop(ctx context.Context, interaction, reason string) error {
	_, err := a.c.im.StopProcessing(ctx, &usherv1.RequestStopProcessing{InteractionId: interaction, Reason: reason})
	return err
}

// Logout logs the agent out; with force his invitations are revoked and his
// interactions left first.
func (a *AgentSession) Logout(ctx context.Context, force bool, reason string) error {
	_, err := a.c.im.AgentLogout(ctx, &usherv1.RequestAgentLogout{Force: force, Reason: reason})
	return err
}
