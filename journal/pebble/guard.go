package pebble

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardFS stands between Pebble and the file system, because Pebble ends the
// process, panics or hangs when a write fails. The guard makes the first failed
// write the last one that touches the disk: from then on the store is as if the
// machine had stopped, Pebble is told that all goes well, and failure returns
// the reason. Who committed something asks it afterwards, gives the store up,
// and opens a new one on what the disk really holds.
//
// Nothing is promised to anybody because of what Pebble believes meanwhile.
type guardFS struct {
	vfs.FS
	discard *vfs.MemFS // takes the files that are created after the failure

	mu  sync.Mutex
	err error
}

func newGuardFS(fs vfs.FS) *guardFS {
	return &guardFS{FS: fs, discard: vfs.NewMem()}
}

// failure returns the first error, or nil while all writes have succeeded.
func (g *guardFS) failure() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// fail records the failure that ends the store. The first one counts.
func (g *guardFS) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
	}
}

// do runs a change unless the store has failed, and swallows its error.
func (g *guardFS) do(what string, change func() error) {
	if g.failure() != nil {
		return
	}
	if err := change(); err != nil {
		g.fail(fmt.Errorf("%s: %w", what, err))
	}
}

// file runs what gives a file to write, and gives one that discards everything
// when the store has failed.
func (g *guardFS) file(what, name string, open func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	g.do(what+" "+name, func() (err error) {
		f, err = open()
		return err
	})
	if f != nil {
		return &guardFile{File: f, guard: g, name: name}, nil
	}
	return g.discard.Create("discarded", vfs.WriteCategoryUnspecified)
}

func (g *guardFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file("create", name, func() (vfs.File, error) { return g.FS.Create(name, category) })
}

func (g *guardFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.file("open", name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, category, opts...) })
}

func (g *guardFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file("reuse", oldname, func() (vfs.File, error) { return g.FS.ReuseForWrite(oldname, newname, category) })
}

// OpenDir guards the directory too: its Sync makes created names durable.
func (g *guardFS) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guardFile{File: f, guard: g, name: name}, nil
}

func (g *guardFS) Link(oldname, newname string) error {
	g.do("link "+oldname, func() error { return g.FS.Link(oldname, newname) })
	return nil
}

func (g *guardFS) Rename(oldname, newname string) error {
	g.do("rename "+oldname, func() error { return g.FS.Rename(oldname, newname) })
	return nil
}

// Remove and RemoveAll return their errors: Pebble bears them, and expects that
// a name may be gone.
func (g *guardFS) Remove(name string) error {
	if g.failure() != nil {
		return nil
	}
	return g.FS.Remove(name)
}

func (g *guardFS) RemoveAll(name string) error {
	if g.failure() != nil {
		return nil
	}
	return g.FS.RemoveAll(name)
}

func (g *guardFS) Unwrap() vfs.FS { return g.FS }

// guardFile is a file, or directory, of a guardFS.
type guardFile struct {
	vfs.File
	guard *guardFS
	name  string
}

func (f *guardFile) Write(p []byte) (int, error) {
	f.guard.do("write "+f.name, func() error { _, err := f.File.Write(p); return err })
	return len(p), nil
}

func (f *guardFile) WriteAt(p []byte, offset int64) (int, error) {
	f.guard.do("write "+f.name, func() error { _, err := f.File.WriteAt(p, offset); return err })
	return len(p), nil
}

func (f *guardFile) Sync() error {
	f.guard.do("sync "+f.name, f.File.Sync)
	return nil
}

func (f *guardFile) SyncData() error {
	f.guard.do("sync "+f.name, f.File.SyncData)
	return nil
}

// SyncTo is a hint unless it says that it was a full sync.
func (f *guardFile) SyncTo(length int64) (fullSync bool, err error) {
	f.guard.do("sync "+f.name, func() (err error) {
		fullSync, err = f.File.SyncTo(length)
		return err
	})
	return fullSync, nil
}

// Preallocate is a hint: where there is no room, the write will tell.
func (f *guardFile) Preallocate(offset, length int64) error {
	if f.guard.failure() == nil {
		_ = f.File.Preallocate(offset, length)
	}
	return nil
}
