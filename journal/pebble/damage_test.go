package pebble

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

// filled appends batches of one entry each to a new journal and closes it. With
// tables, Pebble has written them out of its log.
func filled(t *testing.T, batches int, tables bool) *harness {
	t.Helper()
	h := newHarness()
	j := h.open(t)
	appendOnes(t, j, batches)
	if tables {
		if err := j.store.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *harness) open(t *testing.T) *Journal {
	t.Helper()
	if _, err := h.Open(); err != nil {
		t.Fatal(err)
	}
	j := h.j
	t.Cleanup(func() { j.Close() })
	return j
}

// clone returns a copy of what is durable.
func (h *harness) clone() *harness {
	mem := h.mem.CrashClone(vfs.CrashCloneCfg{})
	return &harness{mem: mem, faults: newFaultFS(mem)}
}

func appendOnes(t testing.TB, j *Journal, batches int) {
	t.Helper()
	epoch, err := j.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range batches {
		payload := make([]byte, 300) // not to be compressed away
		for i := range payload {
			payload[i] = byte(random.Uint32())
		}
		if _, err := appendOne(t.Context(), j, epoch, payload); err != nil {
			t.Fatal(err)
		}
	}
}

// appendOne appends one entry at the head.
func appendOne(ctx context.Context, j *Journal, epoch journal.Epoch, payload []byte) (journal.Head, error) {
	head, err := j.Head(ctx)
	if err != nil {
		return head, err
	}
	return j.Append(ctx, epoch, &journal.Batch{First: head.Next, Count: 1, Time: head.Time + 1, Payload: payload})
}

// count reads all and returns how many batches there are.
func count(ctx context.Context, j *Journal) (n int, err error) {
	for _, err := range j.Read(ctx, 1) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// files returns the paths in the Pebble folder with the suffix.
func (h *harness) files(t *testing.T, suffix string) []string {
	t.Helper()
	dir := h.options().withDefaults().storeDir()
	names, err := h.mem.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var found []string
	for _, name := range names {
		if strings.HasSuffix(name, suffix) {
			found = append(found, path.Join(dir, name))
		}
	}
	if len(found) == 0 {
		t.Fatalf("no %s in %v", suffix, names)
	}
	return found
}

// log returns the path of the log that is being written.
func (h *harness) log(t *testing.T) string {
	logs := h.files(t, ".log")
	return logs[len(logs)-1]
}

func (h *harness) rewrite(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	raw, err := readFile(h.mem, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(h.mem, name, change(raw)); err != nil {
		t.Fatal(err)
	}
}

// One flipped bit anywhere in what Pebble wrote is named, or changes nothing.
// It never shortens the journal in silence. In the log this hangs on the format
// that openStore sets.
func TestFlippedBit(t *testing.T) {
	const batches = 400
	for _, test := range []struct {
		suffix string
		tables bool
		middle float64 // share of the file within which damage must be named with its file
	}{{".log", false, 0.9}, {".sst", true, 0.9}} {
		t.Run(test.suffix, func(t *testing.T) {
			whole := filled(t, batches, test.tables)
			names := whole.files(t, test.suffix)
			name := names[len(names)-1]
			size := 0
			whole.rewrite(t, name, func(raw []byte) []byte { size = len(raw); return raw })
			if size < batches*300 {
				t.Fatalf("%s of %v has %d bytes and not the batches", name, names, size)
			}
			named := 0
			for at := 0; at < size; at += 797 {
				h := whole.clone()
				h.rewrite(t, name, func(raw []byte) []byte { raw[at] ^= 1 << (at % 8); return raw })
				n, err := 0, error(nil)
				if _, err = h.Open(); err == nil {
					n, err = count(t.Context(), h.j)
					h.j.Close()
				}
				var lost *LostTailError
				switch {
				case err == nil && n != batches:
					t.Fatalf("bit in byte %d of %s: %d of %d batches in silence", at, name, n, batches)
				case errors.Is(err, journal.ErrCorrupt):
					named++
					if !strings.Contains(err.Error(), name) {
						t.Fatalf("bit in byte %d of %s: %v does not name the file", at, name, err)
					}
				case err != nil && !errors.As(err, &lost):
					t.Fatalf("bit in byte %d of %s: %v", at, name, err)
				}
			}
			if all := size / 797; float64(named) < test.middle*float64(all) {
				t.Errorf("only %d of %d flipped bits were named", named, all)
			}
		})
	}
}

// A log that ends early is what Pebble cannot tell from a crash. The HEAD file
// can, and the operator decides.
func TestLostTail(t *testing.T) {
	h := filled(t, 10, false)
	log := h.log(t)
	h.rewrite(t, log, func(raw []byte) []byte { return raw[:len(raw)-1000] })

	_, err := h.Open()
	lost, ok := errors.AsType[*LostTailError](err)
	if !ok || lost.Recorded.Next != 11 || lost.Found.Next >= 11 || lost.Found.Next < 5 {
		t.Fatalf("got %v, want a lost tail", err)
	}
	for _, want := range []string{"usher journal repair --accept-loss", testDir, "up to 10", fmt.Sprintf("ends with %d", lost.Found.Next-1)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if err := repair(h.options().withDefaults(), false); !errors.As(err, &lost) {
		t.Fatalf("got %v, want the lost tail", err)
	}
	if _, err := h.Open(); !errors.As(err, &lost) {
		t.Fatalf("a repair without the accepted loss has changed something: %v", err)
	}
	if err := repair(h.options().withDefaults(), true); err != nil {
		t.Fatal(err)
	}
	if err := repair(h.options().withDefaults(), false); err != nil {
		t.Fatal(err)
	}
	appendOnes(t, h.open(t), 3)
	if n, err := count(t.Context(), h.j); err != nil || n != int(lost.Found.Next)-1+3 {
		t.Fatalf("read %d batches, %v", n, err)
	}
}

// What is lost while the store is opened again after a failure is noticed, too,
// and nobody leads what is left.
func TestLostWhileFailing(t *testing.T) {
	h := newHarness()
	j := h.open(t)
	appendOnes(t, j, 10)
	epoch, err := j.Lead(t.Context())
	h.must(t, err)
	h.faults.failOnce("write", ".log", false, syscall.EIO)
	if _, err := appendOne(t.Context(), j, epoch, []byte("x")); !errors.Is(err, journal.ErrUnknown) {
		t.Fatalf("got %v, want %v", err, journal.ErrUnknown)
	}
	h.rewrite(t, h.log(t), func(raw []byte) []byte { return raw[:len(raw)-1000] })
	for range 2 {
		_, err = j.Lead(t.Context())
		if lost, ok := errors.AsType[*LostTailError](err); !ok || lost.Recorded.Next != 11 {
			t.Fatalf("got %v, want a lost tail", err)
		}
	}
	if _, err := j.Head(t.Context()); !errors.Is(err, journal.ErrUnknown) {
		t.Fatalf("got %v, want %v", err, journal.ErrUnknown)
	}
}

// A batch that is gone from the store is named, wherever a reading begins.
func TestMissingBatch(t *testing.T) {
	for missing := journal.Sequence(1); missing <= 3; missing++ {
		h := newHarness()
		j := h.open(t)
		appendOnes(t, j, 3)
		h.must(t, j.store.db.Delete(batchKey(missing), pebble.Sync))
		for from := journal.Sequence(1); from <= 3; from++ {
			var last error
			for _, err := range j.Read(t.Context(), from) {
				last = err
			}
			damage, ok := errors.AsType[*journal.CorruptError](last)
			if from <= missing && (!ok || damage.Sequence != max(from, missing)) || from > missing && last != nil {
				t.Errorf("read from %d without %d: got %v", from, missing, last)
			}
		}
	}
}

// A whole folder that is gone is a lost tail, too.
func TestLostFolder(t *testing.T) {
	h := filled(t, 3, true)
	if err := h.mem.RemoveAll(testDir + "/journal"); err != nil {
		t.Fatal(err)
	}
	_, err := h.Open()
	if lost, ok := errors.AsType[*LostTailError](err); !ok || lost.Found != journal.Genesis {
		t.Fatalf("got %v, want everything lost", err)
	}
}

// What lies beyond the loss cannot be replayed from, and is set aside.
func TestRepairSetsSnapshotsAside(t *testing.T) {
	h := newHarness()
	j := h.open(t)
	var heads []journal.Head
	for range 3 {
		appendOnes(t, j, 4)
		head, err := j.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, head)
	}
	for _, i := range []int{0, 2} {
		if err := j.SaveSnapshot(t.Context(), &journal.Snapshot{Head: heads[i]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	h.rewrite(t, h.log(t), func(raw []byte) []byte { return raw[:len(raw)-1000] })
	if err := repair(h.options().withDefaults(), true); err != nil {
		t.Fatal(err)
	}
	s, err := h.open(t).LoadSnapshot(t.Context())
	if err != nil || s.Head != heads[0] || len(s.Skipped) > 0 {
		t.Fatalf("loaded %v, %v, want the one before sequence %d", s, err, heads[0].Next)
	}
	if _, err := h.mem.Stat(testDir + "/snapshot-13.lost"); err != nil {
		t.Fatal(err)
	}
}

// The HEAD file itself may be damaged, missing, or another journal's.
func TestHeadFile(t *testing.T) {
	head := testDir + "/HEAD"
	other := newHarness()
	appendOnes(t, other.open(t), 2)
	if err := other.j.Close(); err != nil {
		t.Fatal(err)
	}
	foreign, err := readFile(other.mem, head)
	if err != nil {
		t.Fatal(err)
	}
	for name, harm := range map[string]func(*harness){
		"damaged": func(h *harness) { h.rewrite(t, head, func(raw []byte) []byte { raw[20] ^= 1; return raw }) },
		"empty":   func(h *harness) { h.rewrite(t, head, func([]byte) []byte { return nil }) },
		"missing": func(h *harness) { h.must(t, h.mem.Remove(head)) },
		"another journal's": func(h *harness) {
			h.rewrite(t, head, func([]byte) []byte { return slices.Clone(foreign) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness()
			appendOnes(t, h.open(t), 1)
			appendOnes(t, h.j, 5)
			h.must(t, h.j.Close())
			harm(h)
			if _, err := h.Open(); !errors.Is(err, journal.ErrCorrupt) || !strings.Contains(err.Error(), "HEAD") {
				t.Fatalf("got %v, want the HEAD file named", err)
			}
			h.must(t, repair(h.options().withDefaults(), true))
			if n, err := count(t.Context(), h.open(t)); err != nil || n != 6 {
				t.Fatalf("read %d batches, %v, want 6", n, err)
			}
		})
	}
}

func (h *harness) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Trimming waits for the HEAD file: the batch that it names must stay, or the
// next start could not compare it.
func TestTrimNeedsHeadFile(t *testing.T) {
	h := newHarness()
	j := h.open(t)
	h.faults.failWith(func(op, name string) (bool, error) {
		if op == "create" && strings.Contains(name, "HEAD") {
			return false, syscall.EIO
		}
		return false, nil
	})
	appendOnes(t, j, 5)
	head, err := j.Head(t.Context())
	h.must(t, err)
	h.must(t, j.SaveSnapshot(t.Context(), &journal.Snapshot{Head: head}))
	if err := j.Trim(t.Context(), head.Next); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v, want %v", err, syscall.EIO)
	}
	h.faults.failWith(nil)
	h.must(t, j.Trim(t.Context(), head.Next))
	h.Crash(t)
	h.open(t)
}

// A good snapshot of another journal is as useless as a damaged one.
func TestForeignSnapshotFile(t *testing.T) {
	h := newHarness()
	appendOnes(t, h.open(t), 5)
	for _, next := range []journal.Sequence{3, 6, 9} {
		raw, err := record.EncodeSnapshot(&journal.Snapshot{Head: journal.Head{Next: next, Hash: journal.Hash{1}}})
		h.must(t, err)
		path := h.options().snapshotPath(next)
		h.must(t, writeFile(h.mem, path, raw))
		_, err = h.j.LoadSnapshot(t.Context())
		if damage, ok := errors.AsType[*journal.CorruptError](err); !ok || damage.Where != path {
			t.Fatalf("got %v, want %s named", err, path)
		}
		h.must(t, h.mem.Remove(path))
	}
}

func TestLocked(t *testing.T) {
	h := newHarness()
	h.open(t)
	if _, err := Open(h.options()); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("got %v, want it locked", err)
	}
	h.must(t, h.j.Close())
	h.open(t)
}
