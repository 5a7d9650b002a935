package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/time/rate"
)

// attachmentTypes are the types that are taken: what a browser shows without
// running any of it.
var attachmentTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"}

// files are the attachments of all tenants, each by the SHA-256 of its content:
//
//	DIR/attachments/TENANT/pending/DIGITS             sent, and not said yet
//	DIR/attachments/TENANT/FIRST TWO DIGITS/DIGITS    said
//
// A file is there wholly or not at all, and durable before anybody hears of it.
// It is as old as the last time that somebody sent or said it.
type files struct {
	root      string
	temporary bool // the root goes with the process
	max, all  int64
	each      int64 // AttachmentsAddress
	now       func() time.Time
	opened    time.Time
	arriving  chan struct{} // holds one for each file that is being sent
	customers chan struct{} // holds one for each of them that a customer sends

	// sweeping is held to remove files and folders, and shared to count on
	// their being there. It is taken before naming, and that before mu.
	sweeping sync.RWMutex
	naming   sync.Mutex // held to give a file its name

	mu   sync.Mutex
	used map[string]int64 // bytes by tenant, without those that are being sent
	sent map[source]*rate.Limiter
}

// source is whence customers of a tenant send files.
type source struct{ tenant, address string }

// sender is who sends a file. Agents may take up all of a tenant's room;
// customers leave them the last quarter of it, and those of one address leave
// room for the others: they may send so many bytes within a day, in however
// many sessions. What was sent before the start is forgotten.
type sender struct {
	customer bool
	address  string
}

// forCustomers is how much of something customers may take up.
func forCustomers[N int | int64](all N) N { return all - max(1, all/4) }

func openFiles(dir string, limits Limits, now func() time.Time) (*files, error) {
	f := &files{
		max: limits.AttachmentMax, all: limits.AttachmentsAll, each: limits.AttachmentsAddress, now: now,
		opened:   now().Add(-time.Second), // the times of files may be a little behind
		arriving: make(chan struct{}, limits.Uploads), customers: make(chan struct{}, forCustomers(limits.Uploads)),
		used: map[string]int64{}, sent: map[source]*rate.Limiter{},
	}
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

// path is where a file is that was said.
func (f *files) path(tenant, id string) string { return filepath.Join(f.folder(tenant), id[:2], id) }

// pendingFolder is the name of the folder of a tenant's files that nobody has
// said yet.
const pendingFolder = "pending"

func (f *files) pending(tenant string) string { return filepath.Join(f.folder(tenant), pendingFolder) }

// pendingPath is where a file is that was not said yet.
func (f *files) pendingPath(tenant, id string) string { return filepath.Join(f.pending(tenant), id) }

// touchHeld makes a file as young as if it were new; it tells whether it is
// there. The caller holds sweeping.
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

// keep stores a file until it is said, and gives its id and type. It comes to
// the disk as it arrives: nobody takes up memory by sending slowly.
func (f *files) keep(tenant string, by sender, from io.Reader) (id, kind string, size int64, err error) {
	done, err := f.arrive(by)
	if err != nil {
		return "", "", 0, err
	}
	defer done()
	arrived, err := f.create(tenant)
	if err != nil {
		return "", "", 0, fmt.Errorf("store the attachment: %w", err)
	}
	defer func() { _ = os.Remove(arrived.Name()) }() // gone once it is renamed
	size, err = io.Copy(arrived, io.LimitReader(from, f.max+1))
	if err != nil {
		err = fmt.Errorf("read the attachment: %w", err)
	}
	if err = errors.Join(err, arrived.Sync(), arrived.Close()); err != nil {
		return "", "", 0, err
	}
	switch {
	case size > f.max:
		return "", "", 0, refuse(errTooLarge, "the file is larger than %d bytes", f.max)
	case size == 0:
		return "", "", 0, refuse(errInvalid, "the file is empty")
	}
	id, kind, err = f.add(tenant, by, arrived.Name())
	return id, kind, size, err
}

// arrive takes up a place for a file that is about to come. The caller calls
// done.
func (f *files) arrive(by sender) (done func(), err error) {
	places := []chan struct{}{f.arriving}
	if by.customer {
		places = []chan struct{}{f.customers, f.arriving} // who is refused has taken no agent's place
	}
	leave := func(taken []chan struct{}) {
		for _, place := range taken {
			<-place
		}
	}
	for n, place := range places {
		select {
		case place <- struct{}{}:
		default:
			leave(places[:n])
			return nil, refuse(errTooMany, "%d files are being sent, as many as there may be at once; try again", cap(place))
		}
	}
	return func() { leave(places) }, nil
}

// arrivingPrefix is how the names of files begin that are being sent. They take
// none of the tenant's room.
const arrivingPrefix = ".new-"

// create makes the file into which one arrives. No lock is held until it has.
func (f *files) create(tenant string) (*os.File, error) {
	f.sweeping.RLock()
	defer f.sweeping.RUnlock()
	if err := os.MkdirAll(f.pending(tenant), 0o700); err != nil {
		return nil, err
	}
	return os.CreateTemp(f.pending(tenant), arrivingPrefix+"*") // 0600
}

// add gives a file that has arrived its name, by its content. One is looked at
// at a time: so none is counted twice, none is answered for before it is
// durable, and the memory holds one.
func (f *files) add(tenant string, by sender, arrived string) (id, kind string, err error) {
	f.sweeping.RLock()
	defer f.sweeping.RUnlock()
	f.naming.Lock()
	defer f.naming.Unlock()
	content, err := os.ReadFile(arrived)
	if err != nil {
		return "", "", fmt.Errorf("store the attachment: %w", err)
	}
	if kind = contentType(content); kind == "" {
		return "", "", refuse(errUnsupportedFile, "the content of the file is none of %s", strings.Join(attachmentTypes, ", "))
	}
	sum := sha256.Sum256(content)
	id = hex.EncodeToString(sum[:])
	for _, name := range []string{f.path(tenant, id), f.pendingPath(tenant, id)} {
		if there, err := f.touchHeld(name); there || err != nil {
			return id, kind, err
		}
	}
	size := int64(len(content))
	if err := f.reserve(tenant, by, size); err != nil {
		return "", "", err
	}
	_, err = f.touchHeld(arrived) // by our own clock
	if err == nil {
		err = rename(arrived, f.pendingPath(tenant, id))
	}
	if err != nil {
		f.release(tenant, size)
		return "", "", fmt.Errorf("store the attachment: %w", err)
	}
	return id, kind, nil
}

// rename gives a file another name, durably with the folders above, which may
// be new: that of the name, the tenant's, attachments, and the data folder.
func rename(from, to string) error {
	dir := filepath.Dir(to)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	for range 4 {
		if err := syncDir(dir); err != nil {
			return err
		}
		dir = filepath.Dir(dir)
	}
	return nil
}

// say keeps a file for good that is about to be said; it tells whether it is
// there. A crash before it is said leaves a file that no line says, and never a
// line without its file.
func (f *files) say(tenant, id string) (there bool, err error) {
	f.sweeping.RLock()
	defer f.sweeping.RUnlock()
	f.naming.Lock()
	defer f.naming.Unlock()
	if there, err = f.touchHeld(f.path(tenant, id)); there || err != nil {
		return there, err
	}
	if there, err = f.touchHeld(f.pendingPath(tenant, id)); !there || err != nil {
		return there, err
	}
	return true, rename(f.pendingPath(tenant, id), f.path(tenant, id))
}

// reserve takes up room for a file that has arrived.
func (f *files) reserve(tenant string, by sender, size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	used, known := f.used[tenant]
	if !known {
		var err error
		if used, err = sizeOf(f.folder(tenant)); err != nil {
			return fmt.Errorf("see how much room attachments take: %w", err)
		}
	}
	f.used[tenant] = used
	room := f.all
	if by.customer {
		room = forCustomers(f.all)
	}
	switch {
	case used+size > room:
		return refuse(errNoSpace, "the attachments of the tenant take up the %d bytes that there are for them", room)
	case by.customer && !f.allow(source{tenant, by.address}, size):
		return refuse(errTooMany, "too many bytes from this address within a day, at most %d; try again later", f.each)
	}
	f.used[tenant] += size
	return nil
}

// allow takes a file's bytes from what a source may send; mu is held.
func (f *files) allow(from source, size int64) bool {
	limiter := f.sent[from]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(float64(f.each)/(24*time.Hour).Seconds()), int(f.each))
		f.sent[from] = limiter
	}
	return limiter.AllowN(f.now(), int(size))
}

// forget drops the sources that may send all again. There are no others than
// have sent within a day.
func (f *files) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	maps.DeleteFunc(f.sent, func(_ source, l *rate.Limiter) bool { return l.TokensAt(now) >= float64(l.Burst()) })
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
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), arrivingPrefix) {
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
