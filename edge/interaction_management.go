package edge

import (
	"context"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// interactionManagement is the protocol of media servers and agent
// applications. Every method but the two streams hands its request to the
// center; who may call it, the gate has settled.
type interactionManagement struct{ *Server }

// Events streams the caller's messages.
func (s interactionManagement) Events(ctx context.Context, r *usherv1.RequestEvents, out *connect.ServerStream[usherv1.Event]) error {
	return s.serveClient(ctx, callerOf(ctx), r, func(event *usherv1.Event, _ uint64) error { return out.Send(event) })
}

// Session is requests and events on one stream.
func (s interactionManagement) Session(ctx context.Context, both *connect.BidiStream[usherv1.SessionRequest, usherv1.Event]) error {
	return s.serveSession(ctx, callerOf(ctx), both)
}

// RegisterClient says who the client is.
func (s interactionManagement) RegisterClient(ctx context.Context, r *usherv1.RequestRegisterClient) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// AgentLogin logs the agent in at a place with his media.
func (s interactionManagement) AgentLogin(ctx context.Context, r *usherv1.RequestAgentLogin) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// AgentLogout logs the agent out.
func (s interactionManagement) AgentLogout(ctx context.Context, r *usherv1.RequestAgentLogout) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// AddMedia adds a media type to the agent's session.
func (s interactionManagement) AddMedia(ctx context.Context, r *usherv1.RequestAddMedia) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// RemoveMedia removes a media type.
func (s interactionManagement) RemoveMedia(ctx context.Context, r *usherv1.RequestRemoveMedia) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// NotReadyForMedia makes the agent not ready.
func (s interactionManagement) NotReadyForMedia(ctx context.Context, r *usherv1.RequestNotReadyForMedia) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// CancelNotReadyForMedia makes the agent ready.
func (s interactionManagement) CancelNotReadyForMedia(ctx context.Context, r *usherv1.RequestCancelNotReadyForMedia) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// ChangeMediaStateReason changes the reason of a media state.
func (s interactionManagement) ChangeMediaStateReason(ctx context.Context, r *usherv1.RequestChangeMediaStateReason) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// ChangeAgentStateReason changes the reason of the agent's state.
func (s interactionManagement) ChangeAgentStateReason(ctx context.Context, r *usherv1.RequestChangeAgentStateReason) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// SetAgentState changes the agent's work mode.
func (s interactionManagement) SetAgentState(ctx context.Context, r *usherv1.RequestSetAgentState) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// DoNotDisturbOn stops all invitations.
func (s interactionManagement) DoNotDisturbOn(ctx context.Context, r *usherv1.RequestDoNotDisturbOn) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// DoNotDisturbOff lets invitations come again.
func (s interactionManagement) DoNotDisturbOff(ctx context.Context, r *usherv1.RequestDoNotDisturbOff) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// Submit brings an interaction in.
func (s interactionManagement) Submit(ctx context.Context, r *usherv1.RequestSubmit) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// Accept takes an invitation.
func (s interactionManagement) Accept(ctx context.Context, r *usherv1.RequestAccept) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// Reject refuses an invitation.
func (s interactionManagement) Reject(ctx context.Context, r *usherv1.RequestReject) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// Pull takes interactions from a queue or workbin.
func (s interactionManagement) Pull(ctx context.Context, r *usherv1.RequestPull) (*usherv1.Event, error) {
	return s.askEvent(ctx, im, r)
}

// PlaceInQueue puts an interaction that the agent handles in a queue, or back.
func (s interactionManagement) PlaceInQueue(ctx context.Context, r *usherv1.RequestPlaceInQueue) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// PlaceInWorkbin puts an interaction that the agent handles in a workbin.
func (s interactionManagement) PlaceInWorkbin(ctx context.Context, r *usherv1.RequestPlaceInWorkbin) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// GetWorkbinContent reads a workbin.
func (s interactionManagement) GetWorkbinContent(ctx context.Context, r *usherv1.RequestGetWorkbinContent) (*usherv1.EventWorkbinContent, error) {
	return askMessage(ctx, s.Server, r, (*usherv1.Event).GetEventWorkbinContent)
}

// WorkbinNotifications subscribes to a workbin's changes, or cancels.
func (s interactionManagement) WorkbinNotifications(ctx context.Context, r *usherv1.RequestWorkbinNotifications) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// Transfer offers an interaction to another agent and answers when the outcome is known.
func (s interactionManagement) Transfer(ctx context.Context, r *usherv1.RequestTransfer) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// Conference invites a further agent and answers when the outcome is known.
func (s interactionManagement) Conference(ctx context.Context, r *usherv1.RequestConference) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// CancelInvitation takes an invitation back that the agent issued.
func (s interactionManagement) CancelInvitation(ctx context.Context, r *usherv1.RequestCancelInvitation) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// LeaveInteraction leaves an interaction.
func (s interactionManagement) LeaveInteraction(ctx context.Context, r *usherv1.RequestLeaveInteraction) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// ChangeProperties changes properties and user data.
func (s interactionManagement) ChangeProperties(ctx context.Context, r *usherv1.RequestChangeProperties) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// StopProcessing stops an interaction for good.
func (s interactionManagement) StopProcessing(ctx context.Context, r *usherv1.RequestStopProcessing) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// Intrude joins a supervisor without invitation.
func (s interactionManagement) Intrude(ctx context.Context, r *usherv1.RequestIntrude) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// Hold puts an interaction on hold.
func (s interactionManagement) Hold(ctx context.Context, r *usherv1.RequestHold) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// Resume lets a held interaction go on.
func (s interactionManagement) Resume(ctx context.Context, r *usherv1.RequestResume) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// TakeSnapshot lists interactions at a moment, and may lock them.
func (s interactionManagement) TakeSnapshot(ctx context.Context, r *usherv1.RequestTakeSnapshot) (*usherv1.Event, error) {
	return s.askEvent(ctx, im, r)
}

// GetSnapshotInteractions reads a part of a snapshot.
func (s interactionManagement) GetSnapshotInteractions(ctx context.Context, r *usherv1.RequestGetSnapshotInteractions) (*usherv1.EventSnapshotInteractions, error) {
	return askMessage(ctx, s.Server, r, (*usherv1.Event).GetEventSnapshotInteractions)
}

// LockInteraction locks an interaction of the client's snapshot.
func (s interactionManagement) LockInteraction(ctx context.Context, r *usherv1.RequestLockInteraction) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// UnlockInteraction unlocks it.
func (s interactionManagement) UnlockInteraction(ctx context.Context, r *usherv1.RequestUnlockInteraction) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// MoveInteractions moves locked interactions of a snapshot to a queue.
func (s interactionManagement) MoveInteractions(ctx context.Context, r *usherv1.RequestMoveInteractions) (*usherv1.Event, error) {
	return s.askEvent(ctx, im, r)
}

// ReleaseSnapshot forgets a snapshot and unlocks what it locked.
func (s interactionManagement) ReleaseSnapshot(ctx context.Context, r *usherv1.RequestReleaseSnapshot) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}

// FindInteractions reads interactions by condition and order.
func (s interactionManagement) FindInteractions(ctx context.Context, r *usherv1.RequestFindInteractions) (*usherv1.EventInteractionsFound, error) {
	return askMessage(ctx, s.Server, r, (*usherv1.Event).GetEventInteractionsFound)
}

// GetInteractionProperties reads one interaction.
func (s interactionManagement) GetInteractionProperties(ctx context.Context, r *usherv1.RequestGetInteractionProperties) (*usherv1.EventInteractionProperties, error) {
	return askMessage(ctx, s.Server, r, (*usherv1.Event).GetEventInteractionProperties)
}

// AddLine adds a line to a conversation.
func (s interactionManagement) AddLine(ctx context.Context, r *usherv1.RequestAddLine) (*usherv1.EventAck, error) {
	if err := s.fillAttachment(ctx, callerOf(ctx), r); err != nil {
		return nil, err
	}
	return s.askAck(ctx, icm, r)
}

// Typing tells the others of a conversation that the caller is writing.
func (s interactionManagement) Typing(ctx context.Context, r *usherv1.RequestTyping) (*usherv1.TypingNoted, error) {
	if _, err := s.ask(ctx, icm, r); err != nil {
		return nil, err
	}
	return &usherv1.TypingNoted{}, nil
}

// GetTranscript reads the lines of a conversation.
func (s interactionManagement) GetTranscript(ctx context.Context, r *usherv1.RequestGetTranscript) (*usherv1.EventTranscript, error) {
	who := callerOf(ctx)
	return answerOf(s.center.Transcript(ctx, who.tenant, who.from, r))
}

// CustomReporting reports a fact of the client's own.
func (s interactionManagement) CustomReporting(ctx context.Context, r *usherv1.RequestCustomReporting) (*usherv1.EventAck, error) {
	return s.askAck(ctx, im, r)
}
