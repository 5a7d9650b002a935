package journal

import (
	"errors"
	"fmt"
)

// The closed vocabulary of a journal's errors. Implementations wrap them with
// what they were doing; test with errors.Is.
var (
	// ErrFenced: the epoch is not, or no longer, the one that may append.
	ErrFenced = errors.New("epoch is fenced")
	// ErrSequence: the batch does not begin where the journal ends.
	ErrSequence = errors.New("not the expected sequence")
	// ErrInvalid: the argument breaks a rule of the contract.
	ErrInvalid = errors.New("invalid")
	// ErrNoSpace: there is no room, and nothing was written.
	ErrNoSpace = errors.New("no space left")
	// ErrUnknown: the append may or may not have happened.
	ErrUnknown = errors.New("outcome unknown")
	// ErrTrimmed: what was asked for has been trimmed away; see TrimmedError.
	ErrTrimmed = errors.New("trimmed")
	// ErrCorrupt: what is stored is not what was appended; see CorruptError.
	ErrCorrupt = errors.New("corrupt")
	// ErrClosed: the journal has been closed.
	ErrClosed = errors.New("journal is closed")
)

// TrimmedError says that a sequence has been trimmed away, and is an
// ErrTrimmed.
type TrimmedError struct {
	From   Sequence // what was asked for
	Oldest Sequence // the first that can be read
}

// Error says what was asked for and what is left.
func (e *TrimmedError) Error() string {
	return fmt.Sprintf("sequence %d was trimmed away, the oldest is %d", e.From, e.Oldest)
}

// Is makes a TrimmedError an ErrTrimmed.
func (e *TrimmedError) Is(target error) bool { return target == ErrTrimmed }

// CorruptError says where stored data is not what was appended, and is an
// ErrCorrupt.
type CorruptError struct {
	Where    string   // file, key or other place, for an operator
	Sequence Sequence // batch or snapshot concerned, 0 if that is not known
	Err      error    // what was found
}

// Error names the place and what was found there.
func (e *CorruptError) Error() string {
	if e.Sequence == 0 {
		return fmt.Sprintf("%s is corrupt: %v", e.Where, e.Err)
	}
	return fmt.Sprintf("%s is corrupt at sequence %d: %v", e.Where, e.Sequence, e.Err)
}

// Is makes a CorruptError an ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// Unwrap returns what was found.
func (e *CorruptError) Unwrap() error { return e.Err }
