package client

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Error is a refusal by the server, or the bad outcome of a request.
type Error struct {
	// Event is the server's EventError.
	Event *usherv1.EventError
	err   error
}

// Error names the refusal and says what is wrong.
func (e *Error) Error() string {
	return fmt.Sprintf("usher: %s: %s", e.Event.GetName(), e.Event.GetDescription())
}

// Unwrap is the error of the protocol; nil if the refusal came as an event.
func (e *Error) Unwrap() error { return e.err }

// Is compares by code, for errors.Is(err, client.ErrorWith(code)).
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Event.GetCode() == e.Event.GetCode()
}

// ErrorWith is an error to compare with by errors.Is.
func ErrorWith(code usherv1.ErrorCode) *Error {
	return &Error{Event: &usherv1.EventError{Code: code}}
}

// CodeOf is the code of a refusal; unspecified for nil and for every other
// error, such as that of a broken connection.
func CodeOf(err error) usherv1.ErrorCode {
	var e *Error
	if errors.As(err, &e) {
		return e.Event.GetCode()
	}
	return usherv1.ErrorCode_ERROR_CODE_UNSPECIFIED
}

// wrap finds the EventError in the details of an error.
func wrap(err error) error {
	var e *connect.Error
	if err == nil || errors.As(err, new(*Error)) || !errors.As(err, &e) {
		return err
	}
	for _, detail := range e.Details() {
		value, detailErr := detail.Value()
		if event, ok := value.(*usherv1.EventError); ok && detailErr == nil {
			return &Error{Event: event, err: err}
		}
	}
	return err
}

// passes tells whether an error may pass if one tries again: the server can't
// serve now, or the connection broke.
func passes(err error) bool {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Event.GetCode() == usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case connect.IsWireError(err):
		return connect.CodeOf(err) == connect.CodeUnavailable
	}
	switch connect.CodeOf(err) {
	case connect.CodeInvalidArgument, connect.CodeUnimplemented, connect.CodeResourceExhausted:
		return false
	}
	return true // canceled, among others: so connect calls a connection that was reset
}
