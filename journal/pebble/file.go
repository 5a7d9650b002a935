package pebble

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

const tempSuffix = ".tmp"

// readHead returns what the HEAD file says, and false if there is none.
func readHead(o Options) (journal.Head, bool, error) {
	path := o.headPath()
	raw, err := readFile(o.files, path)
	if errors.Is(err, fs.ErrNotExist) {
		return journal.Head{}, false, nil
	}
	if err != nil {
		return journal.Head{}, false, fmt.Errorf("read %s: %w", path, err)
	}
	h, err := record.DecodeHead(raw)
	if err != nil {
		return journal.Head{}, false, &journal.CorruptError{Where: path, Err: err}
	}
	return h, true, nil
}

func writeHead(o Options, h journal.Head) error {
	return writeFile(o.files, o.headPath(), record.EncodeHead(h))
}

func readFile(files vfs.FS, path string) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// writeFile replaces a file so that a crash at any point leaves the old or the
// new one: the new content is durable before it gets the name, and the name
// before this returns.
func writeFile(files vfs.FS, path string, raw []byte) error {
	temp := path + tempSuffix
	if err := writeTemp(files, temp, raw); err != nil {
		_ = files.Remove(temp) // what is left of it only takes room
		return fmt.Errorf("write %s: %w", temp, err)
	}
	if err := files.Rename(temp, path); err != nil {
		return fmt.Errorf("name %s: %w", path, err)
	}
	return syncDir(files, files.PathDir(path))
}

func writeTemp(files vfs.FS, temp string, raw []byte) error {
	f, err := files.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := f.Write(raw); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// makeDir creates a folder and those above it, and makes every name that it
// created durable.
func makeDir(files vfs.FS, dir string) error {
	if _, err := files.Stat(dir); err == nil {
		return nil
	}
	above := files.PathDir(dir)
	if above != dir {
		if err := makeDir(files, above); err != nil {
			return err
		}
	}
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create folder %s: %w", dir, err)
	}
	return syncDir(files, above)
}

func syncDir(files vfs.FS, dir string) error {
	d, err := files.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open folder %s: %w", dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
