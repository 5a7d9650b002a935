package pebble

import (
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/journaltest"
)

// faultFS is a file system whose writes fail as told.
type faultFS struct {
	vfs.FS
	mu        sync.Mutex
	freeBytes uint64
	fail      func(op, name string) (doFirst bool, err error)
}

const plentyBytes = 1 << 40

func newFaultFS(fs vfs.FS) *faultFS { return &faultFS{FS: fs, freeBytes: plentyBytes} }

// failWith has every write decided by fail: what it returns no error for goes
// on, and the others are done before they fail, or not at all.
func (f *faultFS) failWith(fail func(op, name string) (doFirst bool, err error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

// failOnce fails the first write of the given kind to a file with the suffix.
func (f *faultFS) failOnce(op, suffix string, doFirst bool, failure error) {
	f.failWith(func(o, name string) (bool, error) {
		if o != op || !strings.HasSuffix(name, suffix) {
			return false, nil
		}
		f.fail = nil
		return doFirst, failure
	})
}

func (f *faultFS) setFree(bytes uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.freeBytes = bytes
}

func (f *faultFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return vfs.DiskUsage{AvailBytes: f.freeBytes, TotalBytes: plentyBytes}, nil
}

func (f *faultFS) do(op, name string, change func() error) error {
	f.mu.Lock()
	var doFirst bool
	var failure error
	if f.fail != nil {
		doFirst, failure = f.fail(op, name)
	}
	f.mu.Unlock()
	if failure != nil && !doFirst {
		return failure
	}
	if err := change(); err != nil {
		return err
	}
	return failure
}

func (f *faultFS) file(op, name string, open func() (vfs.File, error)) (vfs.File, error) {
	var file vfs.File
	err := f.do(op, name, func() (err error) {
		file, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &faultFile{File: file, fs: f, name: name}, nil
}

func (f *faultFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.file("create", name, func() (vfs.File, error) { return f.FS.Create(name, c) })
}

func (f *faultFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.file("create", newname, func() (vfs.File, error) { return f.FS.ReuseForWrite(oldname, newname, c) })
}

func (f *faultFS) OpenDir(name string) (vfs.File, error) {
	return f.file("opendir", name, func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

func (f *faultFS) Rename(oldname, newname string) error {
	return f.do("rename", newname, func() error { return f.FS.Rename(oldname, newname) })
}

type faultFile struct {
	vfs.File
	fs   *faultFS
	name string
}

func (f *faultFile) Write(p []byte) (n int, err error) {
	err = f.fs.do("write", f.name, func() error { n, err = f.File.Write(p); return err })
	return n, err
}

func (f *faultFile) Sync() error     { return f.fs.do("sync", f.name, f.File.Sync) }
func (f *faultFile) SyncData() error { return f.fs.do("sync", f.name, f.File.SyncData) }

// harness is a data folder in memory that tells what was synced from what was
// not, as a machine's power cut does.
type harness struct {
	mem    *vfs.MemFS
	faults *faultFS
	j      *Journal
}

const testDir = "/srv/data"

func newHarness() *harness {
	h := &harness{mem: vfs.NewCrashableMem()}
	h.faults = newFaultFS(h.mem)
	return h
}

func (h *harness) options() Options {
	return Options{Dir: testDir, Logger: slog.New(slog.DiscardHandler), files: h.faults}
}

func (h *harness) Open() (journal.Journal, error) {
	j, err := Open(h.options())
	h.j = j
	return j, err
}

func (h *harness) Crash(t *testing.T) {
	left := h.mem.CrashClone(vfs.CrashCloneCfg{})
	if err := h.j.Close(); err != nil { // it writes to what is no longer there
		t.Fatal(err)
	}
	h.mem, h.faults = left, newFaultFS(left)
}

func (h *harness) FailNext(t *testing.T, f journaltest.Fault) {
	switch f {
	case journaltest.NoSpace:
		// The journal asks for the free space once before it writes.
		h.j.files = &oneFullAnswer{FS: h.faults}
	case journaltest.UnknownLost:
		h.faults.failOnce("write", ".log", false, syscall.EIO)
	case journaltest.UnknownWritten:
		h.faults.failOnce("sync", ".log", true, syscall.EIO)
	default:
		t.Fatalf("unknown fault %d", f)
	}
}

// oneFullAnswer says once that the disk is full.
type oneFullAnswer struct {
	vfs.FS
	once sync.Once
}

func (f *oneFullAnswer) GetDiskUsage(path string) (usage vfs.DiskUsage, err error) {
	usage, err = f.FS.GetDiskUsage(path)
	f.once.Do(func() { usage.AvailBytes = 0 })
	return usage, err
}

func (h *harness) DamageBatch(t *testing.T, first journal.Sequence) {
	db, err := pebble.Open(testDir+"/journal", &pebble.Options{FS: h.mem, Logger: &pebbleLogger{log: slog.New(slog.DiscardHandler), guard: newGuardFS(h.mem)}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	value, closer, err := db.Get(batchKey(first))
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	damaged := append([]byte(nil), value...)
	damaged[len(damaged)-1] ^= 4
	if err := db.Set(batchKey(first), damaged, pebble.Sync); err != nil {
		t.Fatal(err)
	}
}

func (h *harness) DamageSnapshot(t *testing.T, next journal.Sequence) {
	path := h.options().snapshotPath(next)
	raw, err := readFile(h.mem, path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 4
	if err := writeFile(h.mem, path, raw); err != nil {
		t.Fatal(err)
	}
}
