package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// attachmentTypes are the types that are taken: what a browser shows without
// running any of it.
var attachmentTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"}

// files are the attachments of all tenants, each by the SHA-256 of its content:
//
//	DIR/attachments/TENANT/FIRST TWO DIGITS/DIGITS
//
// A file is there wholly or not at all, and durable before anybody hears of it.
// It is as old as the last time that somebody sent or said it.
type files struct {
	root      string
	temporary bool // the root goes with the process
	max, all  int64
	now       func() time.Time

	// sweeping is held to remove files and folders, and shared to count on
	// their being there. It is taken before mu.
	sweeping sync.RWMutex

	mu   sync.Mutex
	used map[string]int64 // bytes by tenant, with those that are being written
}

func openFiles(dir string, limits Limits, now func() time.Time) (*files, error) {
	f := &files{max: limits.AttachmentMax, all: limits.AttachmentsAll, now: now, used: map[string]int64{}}
	if dir == "" {
		made, err := os.MkdirTemp("", "usher-attachments-")
		if err != nil {
			return nil, err
		}
		f.root, f.temporary = made, true
		return f, nil
	}
	f.root = filepath.Join(dir, "attachments")
	return f, nil
}

// close removes what nobody will ask for any more.
func (f *files) close() error {
	if f.temporary {
		return os.RemoveAll(f.root)
	}
	return nil
}

// folder is a tenant's folder. The id of a tenant is a name without a path.
func (f *files) folder(tenant string) string { return filepath.Join(f.root, tenant) }

// path is where a file is.
func (f *files) path(tenant, id string) string { return filepath.Join(f.folder(tenant), id[:2], id) }

// touch makes a file as young as if it were new; it tells whether it is there.
func (f *files) touch(tenant, id string) (there bool, err error) {
	f.sweeping.RLock()
	defer f.sweeping.RUnlock()
	return f.touchHeld(f.path(tenant, id))
}

// touchHeld is touch for who holds sweeping.
func (f *files) touchHeld(name string) (there bool, err error) {
	now := f.now()
	err = os.Chtimes(name, now, now)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// contentType finds the type of a file by its content; empty if it is none that
// is taken.
func contentType(content []byte) string {
	kind, _, _ := strings.Cut(http.DetectContentType(content), ";")
	if !slices.Contains(attachmentTypes, kind) {
		return ""
	}
	if kind == "text/plain" && (!utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0 || isMarkup(content)) {
		return ""
	}
	return kind
}

// isMarkup tells whether a text begins with a tag, as pages and SVG pictures do:
// some program will take it for one.
func isMarkup(text []byte) bool {
	text = bytes.TrimLeftFunc(bytes.TrimPrefix(text, []byte("\ufeff")), unicode.IsSpace)
	if len(text) < 2 || text[0] != '<' {
		return false
	}
	return bytes.IndexByte([]byte("!?/"), text[1]) >= 0 || unicode.IsLetter(rune(text[1]))
}

// keep stores a file and gives its id and type.
func (f *files) keep(tenant string, from io.Reader) (id, kind string, size int64, err error) {
	content, err := io.ReadAll(io.LimitReader(from, f.max+1))
	switch {
	case err != nil:
		return "", "", 0, fmt.Errorf("read the attachment: %w", err)
	case int64(len(content)) > f.max:
		return "", "", 0, refuse(errTooLarge, "the file is larger than %d bytes", f.max)
	case len(content) == 0:
		return "", "", 0, refuse(errInvalid, "the file is empty")
	}
	if kind = contentType(content); kind == "" {
		return "", "", 0, refuse(errUnsupportedFile, "the content of the file is none of %s", strings.Join(attachmentTypes, ", "))
	}
	sum := sha256.Sum256(content)
	id, size = hex.EncodeToString(sum[:]), int64(len(content))
	f.sweeping.RLock()
	defer f.sweeping.RUnlock()
	name := f.path(tenant, id)
	there, err := f.touchHeld(name)
	if err == nil && !there {
		err = f.add(tenant, name, content)
	}
	if err != nil {
		return "", "", 0, err
	}
	return id, kind, size, nil
}

// add stores a file that is not there yet. The caller holds sweeping.
func (f *files) add(tenant, name string, content []byte) error {
	size := int64(len(content))
	if err := f.reserve(tenant, size); err != nil {
		return err
	}
	err := store(name, content)
	if err == nil {
		_, err = f.touchHeld(name) // by our own clock
	}
	if err != nil {
		f.release(tenant, size)
		return fmt.Errorf("store the attachment: %w", err)
	}
	return nil
}

// store writes a file below folders that may not be there yet, durably with
// them.
func store(name string, content []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeDurably(name, content); err != nil {
		return err
	}
	for range 3 { // the tenant's folder, attachments, the data folder
		dir = filepath.Dir(dir)
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// reserve takes up room for a file.
func (f *files) reserve(tenant string, size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	used, known := f.used[tenant]
	if !known {
		var err error
		if used, err = sizeOf(f.folder(tenant)); err != nil {
			return fmt.Errorf("see how much room attachments take: %w", err)
		}
	}
	if used+size > f.all {
		f.used[tenant] = used
		return refuse(errNoSpace, "the attachments of the tenant take up all of their %d bytes", f.all)
	}
	f.used[tenant] = used + size
	return nil
}

// release gives room back, if it was counted yet.
func (f *files) release(tenant string, size int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if used, known := f.used[tenant]; known {
		f.used[tenant] = used - size
	}
}

// sizeOf is how many bytes the files below a folder take.
func sizeOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return size, err
}

// open opens a file that was stored.
func (f *files) open(tenant, id string) (*os.File, error) {
	return os.Open(f.path(tenant, id))
}
