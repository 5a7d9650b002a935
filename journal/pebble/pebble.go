// Package pebble keeps a journal in one data folder on a disk.
//
// It promises what the contract promises, through any crash of the process or
// the machine, as long as the disk keeps what it acknowledged; and when the
// disk does not, it says so before anything is built upon it. A batch is one
// record and one synced commit of a Pebble database. Damage anywhere in it is
// found by Pebble's checksums and by the hash chain; the one damage that both
// would miss, a lost end, is found by the HEAD file beside it, which names the
// head that was reached. A failed write never ends the process: the store is
// given up, and opened again by the next Lead.
//
// The data folder holds
//
//	HEAD            the durable head, at most 100 ms old, a line of text
//	journal/        the Pebble database, locked against a second process
//	snapshot-<seq>  the snapshots of what lies before <seq>, the two newest
package pebble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/usher-cc/usher/journal"
)

const (
	// DefaultLowSpaceBytes is the low-space mark if none is set.
	DefaultLowSpaceBytes = 256 << 20
	// reserveBytes must stay free for an append to be tried: room for what
	// Pebble holds in memory and has to write out sooner or later.
	reserveBytes = 4 * memTableBytes
)

// Options say where a journal is.
type Options struct {
	Dir           string       // data folder, created if missing
	LowSpaceBytes uint64       // low-space mark of Space, DefaultLowSpaceBytes if 0
	Logger        *slog.Logger // what an operator should know, slog.Default() if nil

	files vfs.FS // for tests; the disk if nil
}

func (o Options) withDefaults() Options {
	if o.LowSpaceBytes == 0 {
		o.LowSpaceBytes = DefaultLowSpaceBytes
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.files == nil {
		o.files = vfs.Default
	}
	return o
}

func (o Options) path(name string) string { return o.files.PathJoin(o.Dir, name) }
func (o Options) headPath() string        { return o.path("HEAD") }
func (o Options) storeDir() string        { return o.path("journal") }

// Journal is a journal.Journal on a disk.
type Journal struct {
	Options

	// Locks are taken in this order, and a later one is never held while an
	// earlier one is taken.
	snapshots sync.Mutex   // whoever changes the snapshot files, and Trim, which relies on them
	writing   sync.Mutex   // whoever changes the journal
	mu        sync.RWMutex // the fields below; readers hold it while they fetch

	store  *store
	epoch  journal.Epoch // the one that may append, 0 if none
	head   journal.Head  // durable
	oldest journal.Sequence
	closed bool

	lock      *pebble.Lock
	watermark *watermark
	buf       []byte // record being written, of whoever holds writing
}

var _ journal.Journal = (*Journal)(nil)

// Open opens the journal in o.Dir, or creates it. It fails with a
// *LostTailError if the journal ends before the head that was recorded, with a
// *journal.CorruptError if what it finds cannot be trusted, and if another
// process has it open.
func Open(o Options) (*Journal, error) {
	o = o.withDefaults()
	lock, err := lockDir(o)
	if err != nil {
		return nil, err
	}
	s, err := openStore(o, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	err = checkHeadFile(o, s)
	if err == nil {
		// The witness begins with what was found: from here on nobody may lose it.
		err = writeHead(o, s.head)
	}
	if err != nil {
		s.abandon()
		return nil, errors.Join(err, lock.Close())
	}
	j := &Journal{Options: o, lock: lock, store: s, head: s.head, oldest: s.oldest}
	j.watermark = newWatermark(s.head, func(h journal.Head) error { return writeHead(o, h) }, o.Logger)
	return j, nil
}

// lockDir creates the folders if they are missing, and keeps other processes
// out. The lock is the journal's and not the store's, so that nobody gets in
// while the store is opened again.
func lockDir(o Options) (*pebble.Lock, error) {
	if err := makeDir(o.files, o.storeDir()); err != nil {
		return nil, err
	}
	lock, err := pebble.LockDirectory(o.storeDir(), o.files)
	if err != nil {
		return nil, fmt.Errorf("lock %s, which another process may have open: %w", o.storeDir(), err)
	}
	return lock, nil
}

// Head implements journal.Journal.
func (j *Journal) Head(ctx context.Context) (journal.Head, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if err := j.ready(ctx); err != nil {
		return journal.Head{}, fmt.Errorf("head of the journal: %w", err)
	}
	return j.head, nil
}

// Oldest implements journal.Journal.
func (j *Journal) Oldest(ctx context.Context) (journal.Sequence, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if err := j.open(ctx); err != nil {
		return 0, fmt.Errorf("oldest sequence of the journal: %w", err)
	}
	return j.oldest, nil
}

// open tells whether there is a journal to work with. The caller holds mu.
func (j *Journal) open(ctx context.Context) error {
	if j.closed {
		return journal.ErrClosed
	}
	return ctx.Err()
}

// ready tells whether the durable end is known, too. The caller holds mu.
func (j *Journal) ready(ctx context.Context) error {
	if err := j.open(ctx); err != nil {
		return err
	}
	if err := j.store.guard.failure(); err != nil {
		return fmt.Errorf("%w until the journal is led again: %w", journal.ErrUnknown, err)
	}
	return nil
}

// Space implements journal.Journal.
func (j *Journal) Space(ctx context.Context) (journal.Space, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if err := j.open(ctx); err != nil {
		return journal.Space{}, fmt.Errorf("space of the journal: %w", err)
	}
	usage, err := j.files.GetDiskUsage(j.Dir)
	if err != nil {
		return journal.Space{}, fmt.Errorf("free space of %s: %w", j.Dir, err)
	}
	return journal.Space{FreeBytes: usage.AvailBytes, LowBytes: j.LowSpaceBytes}, nil
}

// room returns ErrNoSpace if less than n bytes and the reserve are free. Where
// the free space cannot be told, the write will.
func (j *Journal) room(n int) error {
	free := uint64(math.MaxUint64)
	if usage, err := j.files.GetDiskUsage(j.Dir); err == nil {
		free = usage.AvailBytes
	}
	if need := uint64(n) + reserveBytes; free < need {
		return fmt.Errorf("%w: %d bytes are free in %s and %d are needed", journal.ErrNoSpace, free, j.Dir, need)
	}
	return nil
}

// Close implements journal.Journal.
func (j *Journal) Close() error {
	j.snapshots.Lock()
	defer j.snapshots.Unlock()
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	err := j.watermark.close()
	if j.store.guard.failure() != nil {
		j.store.abandon()
	} else {
		err = errors.Join(err, j.store.db.Close())
	}
	if err := errors.Join(err, j.lock.Close()); err != nil {
		return fmt.Errorf("close the journal in %s: %w", j.Dir, err)
	}
	return nil
}
