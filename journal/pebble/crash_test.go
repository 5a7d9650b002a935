package pebble

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/usher-cc/usher/journal"
)

// The power fails in the middle of a sync, and any part of what was written
// since the last one may be on the disk, also a torn record: everything
// acknowledged is there, and of the batch being written all or nothing.
func TestPowerCut(t *testing.T) {
	for seed := range uint64(25) {
		h := newHarness()
		j := h.open(t)
		random := rand.New(rand.NewPCG(seed, 2))
		epoch, err := j.Lead(t.Context())
		h.must(t, err)
		cutAt := random.Int64N(12)
		var acknowledged atomic.Int64
		var left atomic.Pointer[vfs.MemFS]
		h.faults.failWith(func(op, name string) (bool, error) {
			if left.Load() == nil && acknowledged.Load() == cutAt && op == "sync" && strings.HasSuffix(name, ".log") {
				left.Store(h.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(seed, 3))}))
			}
			return false, nil
		})
		for left.Load() == nil {
			_, err := appendOne(t.Context(), j, epoch, make([]byte, random.IntN(100_000)))
			h.must(t, err)
			if left.Load() == nil {
				acknowledged.Add(1)
			}
		}
		after := &harness{mem: left.Load(), faults: newFaultFS(left.Load())}
		n, err := count(t.Context(), after.open(t))
		if sure := int(acknowledged.Load()); err != nil || n < sure || n > sure+1 {
			t.Fatalf("seed %d: %d batches, %v, after %d acknowledged ones", seed, n, err, sure)
		}
		appendOnes(t, after.j, 3)
	}
}

// Whichever write fails, and however many, the process goes on: what was
// acknowledged is there as soon as the disk takes writes again, and what was
// refused for certain is not.
func TestEveryWriteFails(t *testing.T) {
	for nth := 0; nth < 60; nth += 1 + nth/5 {
		testWriteFails(t, syscall.ENOSPC, nth%3 == 0, nth)
		testWriteFails(t, syscall.EIO, nth%3 != 0, nth)
	}
}

func testWriteFails(t *testing.T, failure error, once bool, nth int) {
	mem := vfs.NewMem() // nothing crashes here
	h := &harness{mem: mem, faults: newFaultFS(mem)}
	j := h.open(t)
	appendOnes(t, j, 2)
	writes := 0
	h.faults.failWith(func(op, name string) (bool, error) {
		if !strings.Contains(name, "/journal/") || op == "opendir" {
			return false, nil
		}
		writes++
		if writes == nth+1 || !once && writes > nth {
			return nth%2 == 0, failure
		}
		return false, nil
	})
	certain, doubtful := 2, 0
	for range 3 {
		epoch, err := j.Lead(t.Context())
		if err != nil {
			continue // the disk still fails; nobody leads
		}
		for range 3 {
			_, err := appendOne(t.Context(), j, epoch, make([]byte, 5<<19))
			switch {
			case err == nil:
				certain += doubtful + 1
				doubtful = 0
			case errors.Is(err, journal.ErrFenced), errors.Is(err, journal.ErrNoSpace):
			case errors.Is(err, journal.ErrUnknown):
				head, lead := settled(t, j)
				if lead == nil {
					certain = int(head.Next) - 1
				} else {
					doubtful = 1
				}
			default:
				t.Fatalf("write %d: %v", nth, err)
			}
		}
	}
	h.faults.failWith(nil)
	head, err := settled(t, j)
	if err != nil {
		t.Fatalf("write %d: %v", nth, err)
	}
	if got := int(head.Next) - 1; got < certain || got > certain+doubtful {
		t.Fatalf("write %d: %d entries, want %d and %d doubtful", nth, got, certain, doubtful)
	}
	appendOnes(t, j, 1)
	n, err := count(t.Context(), j)
	if err != nil || n != int(head.Next) {
		t.Fatalf("write %d: read %d batches, %v, want %d", nth, n, err, head.Next)
	}
	h.must(t, j.Close())
}

// settled leads again and returns the end.
func settled(t *testing.T, j *Journal) (journal.Head, error) {
	if _, err := j.Lead(t.Context()); err != nil {
		return journal.Head{}, err
	}
	return j.Head(t.Context())
}

// A full disk that the journal sees beforehand is certain, and costs nothing.
func TestNoRoom(t *testing.T) {
	h := newHarness()
	j := h.open(t)
	epoch, err := j.Lead(t.Context())
	h.must(t, err)
	h.faults.setFree(reserveBytes)
	if _, err := appendOne(t.Context(), j, epoch, []byte("x")); !errors.Is(err, journal.ErrNoSpace) || errors.Is(err, journal.ErrUnknown) {
		t.Fatalf("got %v, want %v", err, journal.ErrNoSpace)
	}
	space, err := j.Space(t.Context())
	if err != nil || !space.Low() || space.FreeBytes != reserveBytes || space.LowBytes != DefaultLowSpaceBytes {
		t.Fatalf("space is %+v, %v", space, err)
	}
	err = j.SaveSnapshot(t.Context(), &journal.Snapshot{Head: journal.Genesis})
	if !errors.Is(err, journal.ErrNoSpace) {
		t.Fatalf("got %v, want %v", err, journal.ErrNoSpace)
	}
	h.faults.setFree(plentyBytes)
	_, err = appendOne(t.Context(), j, epoch, []byte("x"))
	h.must(t, err)
}

// A snapshot that does not reach the disk leaves the one before it.
func TestSnapshotFails(t *testing.T) {
	for _, op := range []string{"create", "write", "sync", "rename"} {
		h := newHarness()
		j := h.open(t)
		appendOnes(t, j, 2)
		first, err := j.Head(t.Context())
		h.must(t, err)
		h.must(t, j.SaveSnapshot(t.Context(), &journal.Snapshot{Head: first}))
		appendOnes(t, j, 1)
		head, err := j.Head(t.Context())
		h.must(t, err)
		h.faults.failWith(func(o, name string) (bool, error) {
			if o == op && strings.Contains(name, "snapshot-") {
				return false, syscall.ENOSPC
			}
			return false, nil
		})
		if err := j.SaveSnapshot(t.Context(), &journal.Snapshot{Head: head}); !errors.Is(err, journal.ErrNoSpace) {
			t.Fatalf("%s: got %v, want %v", op, err, journal.ErrNoSpace)
		}
		h.Crash(t)
		s, err := h.open(t).LoadSnapshot(t.Context())
		if err != nil || s.Head != first {
			t.Fatalf("%s: loaded %v, %v", op, s, err)
		}
	}
}

// TestFullDisk fills a real file system, and lies about the free space so that
// the journal runs into it.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Skipf("a small file system cannot be mounted, which takes root: %v", err)
	}
	defer syscall.Unmount(dir, 0)
	files := newFaultFS(vfs.Default)
	j, err := Open(Options{Dir: dir + "/data", Logger: slog.New(slog.DiscardHandler), files: files})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ballast := dir + "/ballast"
	if err := os.WriteFile(ballast, make([]byte, 30<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	epoch, err := j.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	for err == nil {
		if _, err = appendOne(t.Context(), j, epoch, make([]byte, 100_000)); err == nil {
			acknowledged++
		}
	}
	if !errors.Is(err, journal.ErrUnknown) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want %v", err, journal.ErrUnknown)
	}
	if _, err := j.Lead(t.Context()); !errors.Is(err, journal.ErrNoSpace) {
		t.Fatalf("leading on a full disk: got %v, want %v", err, journal.ErrNoSpace)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	appendOnes(t, j, 1)
	if n, err := count(t.Context(), j); err != nil || n < acknowledged+1 || n > acknowledged+2 {
		t.Fatalf("read %d batches, %v, after %d acknowledged ones", n, err, acknowledged)
	}
}

const killedDir = "USHER_JOURNAL_TEST_KILLED_DIR"

// TestKill appends in a second process and kills it: everything that it had
// acknowledged is there.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killedDir); dir != "" {
		appendForever(t, dir)
	}
	dir := t.TempDir()
	acknowledged := 0
	for round := range 3 {
		child := exec.Command(os.Args[0], "-test.run=^TestKill$")
		child.Env = append(os.Environ(), killedDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d", &acknowledged); err != nil {
				t.Fatalf("the other process says %q", lines.Text())
			}
			if n == 200 {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // it was killed
		j, err := Open(Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		n, err := count(t.Context(), j)
		if err != nil || n < acknowledged || acknowledged < 200*(round+1) {
			t.Fatalf("read %d batches, %v, after %d acknowledged ones", n, err, acknowledged)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// appendForever is the process that is killed.
func appendForever(t *testing.T, dir string) {
	j, err := Open(Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	epoch, err := j.Lead(t.Context())
	for err == nil {
		var head journal.Head
		head, err = appendOne(t.Context(), j, epoch, make([]byte, 300))
		fmt.Println("acknowledged", head.Next-1)
	}
	t.Fatal(err)
}
