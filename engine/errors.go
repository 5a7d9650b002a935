package engine

import (
	"fmt"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// refusal is why a request is refused; nil if it is not.
type refusal = *usherv1.EventError

// refuse makes a refusal; the sentence says what is wrong and where.
func refuse(code usherv1.ErrorCode, format string, args ...any) refusal {
	return &usherv1.EventError{Code: code, Name: ErrorName(code), Description: fmt.Sprintf(format, args...)}
}

// ErrorName is the stable symbolic name of a code, e.g. UnknownInteraction.
func ErrorName(code usherv1.ErrorCode) string {
	var name strings.Builder
	for _, word := range strings.Split(strings.TrimPrefix(code.String(), "ERROR_CODE_"), "_") {
		name.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return name.String()
}

// The codes that models use, in short.
const (
	errNotRegistered      = usherv1.ErrorCode_ERROR_CODE_NOT_REGISTERED
	errPermissionDenied   = usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED
	errInvalidArgument    = usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT
	errWrongClientType    = usherv1.ErrorCode_ERROR_CODE_WRONG_CLIENT_TYPE
	errTooLarge           = usherv1.ErrorCode_ERROR_CODE_TOO_LARGE
	errDuplicate          = usherv1.ErrorCode_ERROR_CODE_DUPLICATE_INTERACTION
	errAlreadyStopped     = usherv1.ErrorCode_ERROR_CODE_ALREADY_STOPPED
	errUnknownInteraction = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION
	errWrongState         = usherv1.ErrorCode_ERROR_CODE_WRONG_STATE
	errNotAParty          = usherv1.ErrorCode_ERROR_CODE_NOT_A_PARTY
	errWrongTicket        = usherv1.ErrorCode_ERROR_CODE_WRONG_TICKET
	errVersionMismatch    = usherv1.ErrorCode_ERROR_CODE_VERSION_MISMATCH
	errAlreadyDelivering  = usherv1.ErrorCode_ERROR_CODE_ALREADY_DELIVERING
	errAlreadyInvited     = usherv1.ErrorCode_ERROR_CODE_ALREADY_INVITED
	errNoFormerLocation   = usherv1.ErrorCode_ERROR_CODE_NO_FORMER_LOCATION
	errLocked             = usherv1.ErrorCode_ERROR_CODE_LOCKED
	errHeld               = usherv1.ErrorCode_ERROR_CODE_HELD
	errNotRouting         = usherv1.ErrorCode_ERROR_CODE_NOT_ROUTING
	errUnknownAgent       = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_AGENT
	errUnknownPlace       = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_PLACE
	errUnknownQueue       = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_QUEUE
	errUnknownWorkbin     = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_WORKBIN
	errUnknownMediaType   = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_MEDIA_TYPE
	errUnknownSnapshot    = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_SNAPSHOT
	errUnknownObject      = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT
	errInUse              = usherv1.ErrorCode_ERROR_CODE_IN_USE
	errNotLoggedIn        = usherv1.ErrorCode_ERROR_CODE_NOT_LOGGED_IN
	errAlreadyLoggedIn    = usherv1.ErrorCode_ERROR_CODE_ALREADY_LOGGED_IN
	errPlaceInUse         = usherv1.ErrorCode_ERROR_CODE_PLACE_IN_USE
	errExtensionInUse     = usherv1.ErrorCode_ERROR_CODE_EXTENSION_IN_USE
	errNotReady           = usherv1.ErrorCode_ERROR_CODE_NOT_READY
	errNoCapacity         = usherv1.ErrorCode_ERROR_CODE_NO_CAPACITY
	errAgentBusy          = usherv1.ErrorCode_ERROR_CODE_AGENT_BUSY
	errMediaState         = usherv1.ErrorCode_ERROR_CODE_MEDIA_STATE
	errConnectionRefused  = usherv1.ErrorCode_ERROR_CODE_CONNECTION_REFUSED
	errNotSubscribed      = usherv1.ErrorCode_ERROR_CODE_NOT_SUBSCRIBED
	errRejected           = usherv1.ErrorCode_ERROR_CODE_REJECTED
	errNotAnswered        = usherv1.ErrorCode_ERROR_CODE_NOT_ANSWERED
	errCancelled          = usherv1.ErrorCode_ERROR_CODE_INVITATION_CANCELLED
	errAbandoned          = usherv1.ErrorCode_ERROR_CODE_ABANDONED
	errUnknownRequest     = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_REQUEST
	errNoService          = usherv1.ErrorCode_ERROR_CODE_NO_SERVICE
	errNotInSkill         = usherv1.ErrorCode_ERROR_CODE_NOT_IN_SKILL
)

// unclaimed refuses an interaction on which somebody has a hand: it is being
// delivered, held, or locked.
func (i *Interaction) unclaimed() refusal {
	switch {
	case len(i.invitations) > 0:
		return refuse(errAlreadyDelivering, "interaction %q is being delivered to agent %q", i.ID(), i.invitations[0].agent)
	case i.props.IsHeld:
		return refuse(errHeld, "interaction %q is held", i.ID())
	case i.lockedBy != 0:
		return refuse(errLocked, "interaction %q is locked by snapshot %d", i.ID(), i.lockedBy)
	}
	return nil
}

// interaction finds a live interaction, or says what became of it.
func (e *Engine) interaction(id string) (*Interaction, refusal) {
	if i := e.interactions[InteractionID(id)]; i != nil {
		return i, nil
	}
	if s := e.stopped.find(InteractionID(id), e.now); s != nil {
		return nil, refuse(errAlreadyStopped, "interaction %q was stopped by %s%s", id, describe(ParticipantOf(s.Actor)), because(s.Reason))
	}
	if id == "" {
		return nil, refuse(errInvalidArgument, "interaction_id is missing")
	}
	return nil, refuse(errUnknownInteraction, "there is no interaction %q", id)
}

// describe names a participant for a sentence.
func describe(p Participant) string {
	kind := strings.ToLower(strings.TrimPrefix(p.Kind.String(), "PARTICIPANT_KIND_"))
	if p.ID == "" {
		return "the " + kind
	}
	return fmt.Sprintf("%s %q", kind, p.ID)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", reason)
}
