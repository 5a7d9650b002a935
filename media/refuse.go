package media

import (
	"fmt"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// The errors, in short.
const (
	errUnauthenticated = usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED
	errDenied          = usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED
	errInvalid         = usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT
	errTooLarge        = usherv1.ErrorCode_ERROR_CODE_TOO_LARGE
	errTooMany         = usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS
	errUnavailable     = usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE
	errNoSpace         = usherv1.ErrorCode_ERROR_CODE_NO_SPACE
	errSlowReader      = usherv1.ErrorCode_ERROR_CODE_SLOW_READER
	errDuplicate       = usherv1.ErrorCode_ERROR_CODE_DUPLICATE_INTERACTION
	errNotAParty       = usherv1.ErrorCode_ERROR_CODE_NOT_A_PARTY
	errReused          = usherv1.ErrorCode_ERROR_CODE_REFERENCE_ID_REUSED
	errStopped         = usherv1.ErrorCode_ERROR_CODE_ALREADY_STOPPED
	errUnknown         = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION
	errUnknownObject   = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT
	errUnsupportedFile = usherv1.ErrorCode_ERROR_CODE_UNSUPPORTED_ATTACHMENT
	errInternal        = usherv1.ErrorCode_ERROR_CODE_INTERNAL
)

// refuse makes a refusal; the sentence says what is wrong and where.
func refuse(code usherv1.ErrorCode, format string, args ...any) *center.Refused {
	return &center.Refused{Err: &usherv1.EventError{Code: code, Name: engine.ErrorName(code), Description: fmt.Sprintf(format, args...)}}
}

// outcome makes a refusal an error.
func outcome(refusal *usherv1.EventError, err error) error {
	if err == nil && refusal != nil {
		return &center.Refused{Err: refusal}
	}
	return err
}
