package media

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// uploaded stores a file that has to be taken.
func (w *world) uploaded(session, content string) *usherv1.Attachment {
	w.t.Helper()
	a, err := w.upload(session, "x.txt", content)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// said stores a file and says it.
func (w *world) said(session, content string) *usherv1.Attachment {
	w.t.Helper()
	a := w.uploaded(session, content)
	if err := w.sayFile(session, a); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// age makes a file as old as it says.
func (w *world) age(name string, by time.Duration) {
	w.t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(name, then, then); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pathOf(a *usherv1.Attachment) string { return w.s.files.path(tenant, a.GetId()) }

// wantThere tells whether a file should be there.
func (w *world) wantThere(what, name string, want bool) {
	w.t.Helper()
	_, err := os.Stat(name)
	if there := err == nil; there != want || err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Errorf("%s: there %t, want %t (%v)", what, there, want, err)
	}
}

const tooOld = 2*time.Hour + spareTime + time.Second

// TestOldAttachmentsGo: a file that nobody has sent or said for the retention
// and a day goes within an hour, with its folders and its room.
func TestOldAttachmentsGo(t *testing.T) {
	inWorld(t, Limits{AttachmentsAll: 53, AttachmentsAddress: 100}, func(w *world) {
		w.keep = 2 * time.Hour
		w.crash()
		id := w.session()
		w.browse(id, 0, nil) // so that he does not leave
		old, again, said, young := w.said(id, "old 456789"), w.said(id, "again 6789"), w.said(id, "said 56789"), w.said(id, "young 6789")
		_, err := w.upload(id, "x", "more")
		wantCode(t, "no room", err, errNoSpace)
		for _, a := range []*usherv1.Attachment{old, again, said} {
			w.age(w.pathOf(a), tooOld)
		}
		w.age(w.pathOf(young), tooOld-time.Hour-3*time.Second)
		w.uploaded(id, "again 6789")
		if err := w.sayFile(id, said); err != nil {
			t.Fatal(err)
		}
		w.wantThere("old, before the hour", w.pathOf(old), true)

		w.pass(time.Hour)
		w.wantThere("old", w.pathOf(old), false)
		w.wantThere("the folder of the old", filepath.Dir(w.pathOf(old)), false)
		w.wantThere("sent again", w.pathOf(again), true)
		w.wantThere("said", w.pathOf(said), true)
		w.wantThere("not quite old enough", w.pathOf(young), true)
		if got, err := w.download(tenant, id, Principal, said.GetId()); err != nil || got != "said 56789" {
			t.Errorf("%q, %v", got, err)
		}
		wantCode(t, "said when it is gone", w.sayFile(id, old), errInvalid)
		w.uploaded(id, "old 456789")
		wantCode(t, "sent again when it was gone", w.sayFile(id, old), 0)
	})
}

// TestOldAttachmentsGoAtTheStart: what became too old meanwhile is not there
// after a start, and with nothing else the tenant's folder.
func TestOldAttachmentsGoAtTheStart(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		a := w.said(w.session(), "old")
		w.age(w.pathOf(a), tooOld)
		w.keep = 2 * time.Hour
		w.crash()
		w.wantThere("old", w.pathOf(a), false)
		w.wantThere("the tenant's folder", w.s.files.folder(tenant), false)
	})
}

// TestAttachmentsStayForEver where no retention is set, once they were said.
// What was not goes after a day, and what a crash has left half written.
func TestAttachmentsStayForEver(t *testing.T) {
	inWorld(t, Limits{AttachmentsAll: 26, AttachmentsAddress: 100}, func(w *world) {
		id := w.session()
		w.browse(id, 0, nil)
		a, forgotten, late := w.said(id, "old"), w.uploaded(id, "forgotten"), w.uploaded(id, "late")
		torn := filepath.Join(w.s.files.pending(tenant), arrivingPrefix+"1")
		if err := os.WriteFile(torn, bytes.Repeat([]byte("torn"), 100), 0o600); err != nil {
			t.Fatal(err)
		}
		w.age(w.pathOf(a), 100*365*24*time.Hour)
		for _, name := range []string{torn, w.s.files.pendingPath(tenant, forgotten.GetId())} {
			w.age(name, pendingTime+time.Second)
		}
		w.age(w.s.files.pendingPath(tenant, late.GetId()), pendingTime-time.Hour-time.Second)
		w.crash()
		w.wantThere("half written", torn, false)
		w.wantThere("never said", w.s.files.pendingPath(tenant, forgotten.GetId()), false)
		w.wantThere("not said yet", w.s.files.pendingPath(tenant, late.GetId()), true)
		if _, err := w.upload(id, "x.txt", "123456789 123"); err != nil {
			t.Errorf("the room of what is gone: %v", err)
		}
		w.pass(2 * sweepEvery)
		w.wantThere("a hundred years old", w.pathOf(a), true)
		w.wantThere("not said in time", w.s.files.pendingPath(tenant, late.GetId()), false)
	})
}

// TestSweepBesideUploads: a file is stored although its folders are being
// removed, and the room is what the files take.
func TestSweepBesideUploads(t *testing.T) {
	f, err := openFiles(t.TempDir(), Limits{AttachmentMax: 100, AttachmentsAll: 1000, Uploads: 3}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var uploads sync.WaitGroup
	for _, content := range []string{"one", "two", "three"} {
		uploads.Go(func() {
			for range 50 {
				if _, _, _, err := f.keep(tenant, sender{}, strings.NewReader(content)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	var sweeps sync.WaitGroup
	sweeps.Go(func() {
		for {
			if _, _, err := f.sweep(context.Background(), time.Time{}, time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	uploads.Wait()
	close(done)
	sweeps.Wait()
	if size, err := sizeOf(f.folder(tenant)); err != nil || size != f.used[tenant] {
		t.Errorf("%d bytes are there, %d are counted, %v", size, f.used[tenant], err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, _, err := f.keep(tenant, sender{}, strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	if n, _, err := f.sweep(ended, time.Time{}, time.Now().Add(time.Hour)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("a sweep that was ended: %d files, %v", n, err)
	}
}
