package pebble

import (
	"errors"
	"fmt"

	"github.com/usher-cc/usher/journal"
)

// LostTailError says that the journal ends before the head that was recorded
// outside of it: acknowledged entries are gone. Only an operator can accept it.
type LostTailError struct {
	Dir      string       // data folder
	Recorded journal.Head // what had been reached
	Found    journal.Head // where the journal ends now
}

// Error tells an operator what happened and what to do.
func (e *LostTailError) Error() string {
	return fmt.Sprintf("the journal in %s has lost its end: entries up to %d had been acknowledged, but it ends with %d. "+
		"Restore the data folder from a backup, or give it back the files that are missing. "+
		"To go on without entries %d to %d, run: usher journal repair --accept-loss --data %s",
		e.Dir, e.Recorded.Next-1, e.Found.Next-1, e.Found.Next, e.Recorded.Next-1, e.Dir)
}

// checkHeadFile holds the recovered store against the HEAD file.
func checkHeadFile(o Options, s *store) error {
	recorded, found, err := readHead(o)
	if err != nil {
		return err
	}
	if !found {
		if s.head == journal.Genesis {
			return nil // a crash right after the folder was created leaves it so, too
		}
		return &journal.CorruptError{Where: o.headPath(), Err: errors.New("the file is missing")}
	}
	return checkHead(o, s, recorded)
}

// checkHead tells whether the journal still has what was recorded. A head ahead
// of it is the rule after a crash: the batch that ends there must have its hash.
func checkHead(o Options, s *store, recorded journal.Head) error {
	if s.head.Next < recorded.Next {
		return &LostTailError{Dir: o.Dir, Recorded: recorded, Found: s.head}
	}
	had, err := s.had(recorded)
	if err != nil {
		return err
	}
	if !had {
		return &journal.CorruptError{Where: s.where, Sequence: recorded.Next - 1, Err: fmt.Errorf("it is another journal than the one that %s belongs to", o.headPath())}
	}
	return nil
}

// had tells whether the journal once had the head h, as far back as it was not
// trimmed.
func (s *store) had(h journal.Head) (bool, error) {
	if h == journal.Genesis {
		return true, nil
	}
	if h.Next <= journal.Genesis.Next {
		return false, nil
	}
	b, err := s.read(h.Next-1, h.Next, 1)
	if err != nil {
		return false, err
	}
	return len(b) == 1 && b[0].After() == h, nil
}

// Repair makes the journal in dir one that Open accepts, when it has lost its
// end or its HEAD file. Without acceptLoss it changes nothing and returns what
// Open would: nil if nothing is wrong, else the *LostTailError or the
// *journal.CorruptError. With it, the journal ends where it was found to end,
// and snapshots of what lies beyond are set aside as snapshot-<seq>.lost.
//
// It does not repair damage inside of what is left: that needs a backup.
func Repair(dir string, acceptLoss bool) error {
	return repair(Options{Dir: dir}.withDefaults(), acceptLoss)
}

func repair(o Options, acceptLoss bool) error {
	lock, err := lockDir(o)
	if err != nil {
		return err
	}
	defer lock.Close()
	s, err := openStore(o, lock)
	if err != nil {
		return err
	}
	defer s.abandon() // nothing was written to it
	wrong := checkHeadFile(o, s)
	if wrong == nil || !acceptLoss {
		return wrong
	}
	if err := setAside(o, s.oldest, s.head); err != nil {
		return fmt.Errorf("repair the journal in %s: %w", o.Dir, err)
	}
	o.Logger.Warn("journal: repaired, loss accepted", "dir", o.Dir, "next", s.head.Next, "was", wrong)
	return writeHead(o, s.head)
}
