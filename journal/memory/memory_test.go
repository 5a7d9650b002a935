package memory_test

import (
	"errors"
	"testing"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/journaltest"
	"github.com/usher-cc/usher/journal/memory"
)

// harness makes a Disk show what the conformance suite asks for.
type harness struct{ *memory.Disk }

func (h harness) Open() (journal.Journal, error) { return h.Disk.Open() }
func (h harness) Crash(*testing.T)               { h.Disk.Crash() }

func (h harness) FailNext(_ *testing.T, f journaltest.Fault) {
	h.Disk.FailNext(map[journaltest.Fault]memory.Fault{
		journaltest.NoSpace:        memory.NotWritten,
		journaltest.UnknownLost:    memory.UnknownLost,
		journaltest.UnknownWritten: memory.UnknownWritten,
	}[f])
}

func (h harness) DamageBatch(t *testing.T, first journal.Sequence) {
	if !h.FlipBit(first, 999) {
		t.Fatalf("there is no batch %d", first)
	}
}

func (h harness) DamageSnapshot(t *testing.T, next journal.Sequence) {
	if !h.FlipSnapshotBit(next, 999) {
		t.Fatalf("there is no snapshot %d", next)
	}
}

func TestConformance(t *testing.T) {
	journaltest.Run(t, func(*testing.T) journaltest.Harness { return harness{memory.NewDisk()} })
}

func appendOne(t *testing.T, j *memory.Journal) error {
	t.Helper()
	epoch, err := j.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	head, err := j.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.Append(t.Context(), epoch, &journal.Batch{First: head.Next, Count: 2, Payload: []byte("two")})
	return err
}

// A torn record was never acknowledged: both Lead and a restart drop it.
func TestTorn(t *testing.T) {
	for _, restart := range []bool{false, true} {
		j := memory.New()
		if err := appendOne(t, j); err != nil {
			t.Fatal(err)
		}
		j.Disk().FailNext(memory.Torn)
		if err := appendOne(t, j); !errors.Is(err, journal.ErrUnknown) {
			t.Fatalf("got %v, want %v", err, journal.ErrUnknown)
		}
		if restart {
			again, err := j.Disk().Open()
			if err != nil {
				t.Fatal(err)
			}
			j = again
		}
		if err := appendOne(t, j); err != nil {
			t.Fatal(err)
		}
		if head, err := j.Head(t.Context()); err != nil || head.Next != 5 {
			t.Fatalf("head is %v, %v, want the next to be 5", head, err)
		}
	}
}

// Wherever one bit of a stored batch flips, it is named.
func TestEveryBit(t *testing.T) {
	j := memory.New()
	for range 3 {
		if err := appendOne(t, j); err != nil {
			t.Fatal(err)
		}
	}
	for bit := range 8 * 92 {
		j.Disk().FlipBit(3, bit)
		var last error
		for _, err := range j.Read(t.Context(), 1) {
			last = err
		}
		if damage, ok := errors.AsType[*journal.CorruptError](last); !ok || damage.Sequence != 3 {
			t.Fatalf("bit %d: got %v, want damage at sequence 3", bit, last)
		}
		j.Disk().FlipBit(3, bit)
	}
}

func TestSpace(t *testing.T) {
	j := memory.New()
	j.Disk().SetSpace(journal.Space{FreeBytes: 10, LowBytes: 20})
	if err := appendOne(t, j); !errors.Is(err, journal.ErrNoSpace) {
		t.Fatalf("got %v, want %v", err, journal.ErrNoSpace)
	}
	if space, err := j.Space(t.Context()); err != nil || !space.Low() {
		t.Fatalf("space is %v, %v, want it low", space, err)
	}
	j.Disk().SetSpace(memory.DefaultSpace)
	if err := appendOne(t, j); err != nil {
		t.Fatal(err)
	}
}
