package edge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// Refusal is an EventError as a Go error. The center's refusals and the edge's
// own travel in it until they leave as errors of the protocol.
type Refusal struct {
	Event *usherv1.EventError
	// Code, if not zero, replaces the code of the table.
	Code connect.Code
}

// Error is the sentence of the EventError.
func (r *Refusal) Error() string { return r.Event.GetName() + ": " + r.Event.GetDescription() }

// Unwrap is the error of the protocol, with the EventError as its detail.
// connect finds it wherever the refusal is returned.
func (r *Refusal) Unwrap() error {
	code := r.Code
	if code == 0 {
		code = connectCodes[r.Event.GetCode()]
	}
	e := connect.NewError(code, errors.New(r.Event.GetDescription()))
	if detail, err := connect.NewErrorDetail(r.Event); err == nil {
		e.AddDetail(detail)
	}
	return e
}

// refuse makes a refusal.
func refuse(code usherv1.ErrorCode, format string, args ...any) *Refusal {
	return refusalOf(&usherv1.EventError{Code: code, Description: fmt.Sprintf(format, args...)})
}

// errClosing ends the streams when the server shuts down.
var errClosing = refuse(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, "the server is shutting down; try again")

// descriptionMaxBytes is how much a refusal says at most. Descriptions quote
// what was asked, and an error travels in headers, encoded several times.
const descriptionMaxBytes = 2_000

// refusalOf wraps an EventError, which is the caller's, and sees to its name
// and that it is short.
func refusalOf(e *usherv1.EventError) *Refusal {
	if _, known := connectCodes[e.GetCode()]; !known {
		e.Code = usherv1.ErrorCode_ERROR_CODE_INTERNAL
	}
	e.Name = engine.ErrorName(e.GetCode())
	if len(e.GetDescription()) > descriptionMaxBytes {
		e.Description = e.Description[:descriptionMaxBytes] + "..."
	}
	e.Description = strings.ToValidUTF8(e.GetDescription(), "\uFFFD")
	if len(e.GetInteractionId()) > descriptionMaxBytes {
		e.InteractionId = "" // it is no one
	}
	return &Refusal{Event: e}
}

// asRefusal turns whatever went wrong into a refusal. What is not known here
// is a fault of the server, and its text stays inside.
func asRefusal(err error) *Refusal {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return &Refusal{Event: proto.CloneOf(refusal.Event), Code: refusal.Code} // the caller's to complete
	}
	var refused *center.Refused
	switch {
	case errors.As(err, &refused):
		return refusalOf(proto.CloneOf(refused.Err)) // it may be shared
	case errors.Is(err, context.DeadlineExceeded):
		return pendingRefusal(connect.CodeDeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return pendingRefusal(connect.CodeCanceled)
	}
	var protocol *connect.Error
	if errors.As(err, &protocol) {
		return protocolRefusal(protocol)
	}
	return refuse(usherv1.ErrorCode_ERROR_CODE_INTERNAL, "a fault of the server; it was logged")
}

// pendingRefusal answers a caller who did not wait for the outcome.
func pendingRefusal(code connect.Code) *Refusal {
	r := refuse(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE,
		"the call ended before the outcome was known; ask again with the same reference id")
	r.Code = code
	return r
}

// protocolRefusal is for errors that connect itself makes of what came in.
func protocolRefusal(e *connect.Error) *Refusal {
	code := usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT
	switch e.Code() {
	case connect.CodeResourceExhausted:
		code = usherv1.ErrorCode_ERROR_CODE_TOO_LARGE
	case connect.CodeCanceled, connect.CodeDeadlineExceeded:
		return pendingRefusal(e.Code())
	}
	r := refuse(code, "%s", e.Message())
	r.Code = e.Code()
	return r
}

// connectCodes says with which code of the protocol each refusal leaves: the
// one table.
var connectCodes = map[usherv1.ErrorCode]connect.Code{
	usherv1.ErrorCode_ERROR_CODE_INTERNAL:              connect.CodeInternal,
	usherv1.ErrorCode_ERROR_CODE_NOT_REGISTERED:        connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED:       connect.CodeUnauthenticated,
	usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED:     connect.CodePermissionDenied,
	usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT:      connect.CodeInvalidArgument,
	usherv1.ErrorCode_ERROR_CODE_WRONG_CLIENT_TYPE:     connect.CodeInvalidArgument,
	usherv1.ErrorCode_ERROR_CODE_REFERENCE_ID_REUSED:   connect.CodeInvalidArgument,
	usherv1.ErrorCode_ERROR_CODE_TOO_LARGE:             connect.CodeResourceExhausted,
	usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS:     connect.CodeResourceExhausted,
	usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE:           connect.CodeUnavailable,
	usherv1.ErrorCode_ERROR_CODE_NO_SPACE:              connect.CodeResourceExhausted,
	usherv1.ErrorCode_ERROR_CODE_CURSOR_EXPIRED:        connect.CodeOutOfRange,
	usherv1.ErrorCode_ERROR_CODE_SLOW_READER:           connect.CodeAborted,
	usherv1.ErrorCode_ERROR_CODE_DUPLICATE_INTERACTION: connect.CodeAlreadyExists,
	usherv1.ErrorCode_ERROR_CODE_ALREADY_STOPPED:       connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION:   connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_WRONG_STATE:           connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_NOT_A_PARTY:           connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_WRONG_TICKET:          connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_VERSION_MISMATCH:      connect.CodeAborted,
	usherv1.ErrorCode_ERROR_CODE_ALREADY_DELIVERING:    connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_ALREADY_INVITED:       connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_NO_FORMER_LOCATION:    connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_LOCKED:                connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_HELD:                  connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_NOT_ROUTING:           connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT:        connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_AGENT:         connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_PLACE:         connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_QUEUE:         connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_WORKBIN:       connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_MEDIA_TYPE:    connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_SNAPSHOT:      connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_API_KEY:       connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT:        connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_IN_USE:                connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_NOT_LOGGED_IN:         connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_ALREADY_LOGGED_IN:     connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_PLACE_IN_USE:          connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_EXTENSION_IN_USE:      connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_NOT_READY:             connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_NO_CAPACITY:           connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_AGENT_BUSY:            connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_MEDIA_STATE:           connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_CONNECTION_REFUSED:    connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_NOT_SUBSCRIBED:        connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_REJECTED:              connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_NOT_ANSWERED:          connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_INVITATION_CANCELLED:  connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_ABANDONED:             connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_REQUEST:       connect.CodeNotFound,
	usherv1.ErrorCode_ERROR_CODE_NO_SERVICE:            connect.CodeFailedPrecondition,
	usherv1.ErrorCode_ERROR_CODE_NOT_IN_SKILL:          connect.CodeFailedPrecondition,

	usherv1.ErrorCode_ERROR_CODE_UNSUPPORTED_ATTACHMENT: connect.CodeInvalidArgument,
}
