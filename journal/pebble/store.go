package pebble

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/cockroachdb/pebble/v2"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

// memTableBytes is what Pebble gathers before it writes a table: large enough
// to write few of them, small enough that a start replays little.
const memTableBytes = 8 << 20

// The keys. Batches stand under their first sequence, so that their order is
// the journal's; the two facts about the journal stand before them.
var (
	epochKey  = []byte("a/epoch")
	oldestKey = []byte("a/oldest")
)

const batchPrefix = 'b'

func batchKey(first journal.Sequence) []byte {
	return binary.BigEndian.AppendUint64([]byte{batchPrefix}, uint64(first))
}

// store is one opening of the Pebble folder. When a write fails it is of no
// more use and is opened anew.
type store struct {
	db    *pebble.DB
	guard *guardFS
	where string // for errors

	// Where it began and ended when it was opened.
	oldest journal.Sequence
	head   journal.Head
}

// openStore opens the folder, or creates it, and finds its ends. What it finds is on the disk for
// certain afterwards: Pebble writes out again whatever it recovers from its
// log, and a failure to do so fails the opening.
func openStore(o Options, lock *pebble.Lock) (*store, error) {
	s := &store{guard: newGuardFS(o.files), where: "journal " + o.storeDir()}
	log := o.Logger
	db, err := pebble.Open(o.storeDir(), &pebble.Options{
		FS:   s.guard,
		Lock: lock,
		// Only with the newest format does Pebble tell a torn end of its log
		// from a damaged middle; with the default it drops silently what
		// follows the damage.
		FormatMajorVersion: pebble.FormatNewest,
		MemTableSize:       memTableBytes,
		Logger:             &pebbleLogger{log: log, guard: s.guard},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { log.Error("journal: Pebble failed in the background", "error", err) },
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				log.Error("journal: Pebble found damage", "file", info.Path, "error", info.Details)
			},
		},
	})
	s.db = db
	if err == nil {
		// Pebble begins its log before it raises the format of a new folder, so
		// that this log is still of the default one. Flush begins another.
		err = db.Flush()
	}
	if failure := s.guard.failure(); failure != nil {
		s.abandon()
		return nil, fmt.Errorf("open %s: %w", s.where, failure)
	}
	if err != nil {
		s.abandon()
		return nil, fmt.Errorf("open %s: %w", s.where, s.named(err))
	}
	oldest, head, err := s.bounds()
	if err != nil {
		s.abandon()
		return nil, err
	}
	s.oldest, s.head = oldest, head
	return s, nil
}

// abandon closes a store that is of no more use. What Pebble says to that does
// not matter then.
func (s *store) abandon() {
	if s.db != nil {
		_ = s.db.Close()
		s.db = nil
	}
}

// named turns Pebble's word for damage into the contract's, with the file and
// the place in it, which Pebble keeps out of the text.
func (s *store) named(err error) error {
	if !pebble.IsCorruptionError(err) {
		return err
	}
	where := s.where
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		where, err = info.Path, info.Details
	}
	found := append([]string{err.Error()}, errors.GetAllDetails(err)...)
	return &journal.CorruptError{Where: where, Err: fmt.Errorf("%s", strings.Join(found, ", "))}
}

// commit makes the changes durable. After an error the store is of no more use,
// and nobody knows whether they were made.
func (s *store) commit(change func(*pebble.Batch) error) error {
	b := s.db.NewBatch()
	defer b.Close()
	if err := change(b); err != nil {
		s.guard.fail(err)
		return err
	}
	if err := s.db.Apply(b, pebble.Sync); err != nil {
		s.guard.fail(err)
	}
	return s.guard.failure()
}

// number returns the number under a key, or 0 if there is none.
func (s *store) number(key []byte) (uint64, error) {
	value, closer, err := s.db.Get(key)
	if err == pebble.ErrNotFound {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read %s of %s: %w", key, s.where, s.named(err))
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, &journal.CorruptError{Where: s.where, Err: fmt.Errorf("%s has %d bytes", key, len(value))}
	}
	return binary.BigEndian.Uint64(value), nil
}

// read returns the batches from the one that contains from, up to about
// limitBytes of them and none at or after end. They are decoded but not
// verified.
func (s *store) read(from, end journal.Sequence, limitBytes int) ([]*journal.Batch, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{batchPrefix}, UpperBound: batchKey(end)})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.where, s.named(err))
	}
	defer it.Close()
	var batches []*journal.Batch
	for ok := it.SeekLT(batchKey(from + 1)); ok && limitBytes > 0; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", s.where, s.named(err))
		}
		b, err := record.DecodeBatch(slices.Clone(value))
		if err != nil {
			return nil, &journal.CorruptError{Where: s.where, Sequence: keySequence(it.Key()), Err: err}
		}
		batches = append(batches, b)
		limitBytes -= len(value)
	}
	if err := it.Error(); err != nil {
		return nil, fmt.Errorf("read %s: %w", s.where, s.named(err))
	}
	return batches, nil
}

// keySequence is a batch key's sequence, or 0 if it is not one.
func keySequence(key []byte) journal.Sequence {
	if len(key) != 9 {
		return 0
	}
	return journal.Sequence(binary.BigEndian.Uint64(key[1:]))
}

// bounds returns the oldest sequence and the head, from the last batch.
func (s *store) bounds() (oldest journal.Sequence, head journal.Head, err error) {
	trimmed, err := s.number(oldestKey)
	if err != nil {
		return 0, head, err
	}
	oldest = max(journal.Sequence(trimmed), journal.Genesis.Next)
	last, err := s.read(^journal.Sequence(0)-1, ^journal.Sequence(0), 1)
	if err != nil {
		return 0, head, err
	}
	if len(last) == 0 {
		if trimmed != 0 {
			return 0, head, &journal.CorruptError{Where: s.where, Sequence: oldest, Err: fmt.Errorf("no batch is left, though the last is never trimmed")}
		}
		return oldest, journal.Genesis, nil
	}
	head, err = last[0].Before().Verify(last[0])
	if err != nil {
		return 0, head, &journal.CorruptError{Where: s.where, Sequence: last[0].First, Err: err}
	}
	return oldest, head, nil
}

// pebbleLogger passes on what an operator may want to know. Pebble's Fatalf
// must not end the process: it ends the store.
type pebbleLogger struct {
	log   *slog.Logger
	guard *guardFS
}

func (l *pebbleLogger) Infof(format string, args ...any) {
	l.log.Debug(fmt.Sprintf("journal: Pebble: "+format, args...))
}

func (l *pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error(fmt.Sprintf("journal: Pebble: "+format, args...))
}

func (l *pebbleLogger) Fatalf(format string, args ...any) {
	err := fmt.Errorf("Pebble gave up: "+format, args...)
	l.guard.fail(err)
	l.log.Error("journal: storage failed", "error", err)
}
