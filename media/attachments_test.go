package media

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// samples are files by what they are; only their beginnings matter.
var samples = map[string]string{
	"image/png":       "\x89PNG\x0d\x0a\x1a\x0a....",
	"image/jpeg":      "\xff\xd8\xff\xe0....",
	"image/gif":       "GIF89a....",
	"image/webp":      "RIFF\x10\x00\x00\x00WEBPVP8 ....",
	"application/pdf": "%PDF-1.7\n....",
	"text/plain":      "Grüezi, <3 & 1 < 2",
}

// disguised are files that are refused, whatever they are called.
var disguised = map[string]string{
	"a program":          "MZ\x90\x00\x03\x00\x00\x00\x04",
	"an ELF program":     "\x7fELF\x02\x01\x01\x00",
	"a page":             "<!DOCTYPE html><script>alert(1)</script>",
	"a page with spaces": "  \n<html><body>",
	"a script in a page": "<script>alert(1)</script>",
	"a picture that is a page": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>
		<!-- ` + strings.Repeat("x", 600) + ` -->`,
	"XML":             `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`,
	"an archive":      "PK\x03\x04....",
	"UTF-16":          "\xff\xfeh\x00i\x00",
	"not UTF-8":       "Gr\xfcezi",
	"a late NUL":      strings.Repeat("x", 1000) + "\x00",
	"PostScript":      "%!PS-Adobe-3.0",
	"a video":         "\x1a\x45\xdf\xa3webm",
	"an icon":         "\x00\x00\x01\x00",
	"a bitmap":        "BM....",
	"a gzipped thing": "\x1f\x8b\x08....",
}

func TestContentTypes(t *testing.T) {
	for want, content := range samples {
		if got := contentType([]byte(content)); got != want {
			t.Errorf("%s: %q", want, got)
		}
	}
	if len(samples) != len(attachmentTypes) {
		t.Error("not every type is tried")
	}
	for what, content := range disguised {
		if got := contentType([]byte(content)); got != "" {
			t.Errorf("%s was taken as %s", what, got)
		}
	}
}

func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"bill.pdf": "bill.pdf", "../../etc/passwd": "passwd", `C:\temp\bill.pdf`: "bill.pdf", "": "file", "..": "file", ".": "file", "/": "file",
		"a\nb\x00.png": "ab.png", "gnp\u202egnp.exe": "gnpgnp.exe", "\xff.txt": ".txt", "dir/": "dir",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := fileName(strings.Repeat("ü", 200) + ".png"); len(got) > attachmentNameMaxBytes || !strings.HasSuffix(got, ".png") || !utf8.ValidString(got) {
		t.Errorf("%q", got)
	}
}

// upload stores a file for a customer.
func (w *world) upload(session, name, content string) (*usherv1.Attachment, error) {
	return w.uploadFrom("192.0.2.1", session, name, content)
}

func (w *world) uploadFrom(address, session, name, content string) (*usherv1.Attachment, error) {
	return w.s.Upload(context.Background(), tenant, session, Principal, address, name, strings.NewReader(content))
}

func (w *world) sayFile(session string, a *usherv1.Attachment) error {
	_, err := w.s.SendLine(context.Background(), tenant, session, &usherv1.RequestSendLine{
		Line: &usherv1.Line{Kind: usherv1.LineKind_LINE_KIND_ATTACHMENT, Attachment: a},
	})
	return err
}

func (w *world) download(in, session string, as engine.Participant, id string) (string, error) {
	_, file, err := w.s.Download(context.Background(), in, session, as, id)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}

// TestAttachments: files go with the conversation, and nowhere else.
func TestAttachments(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada, bob)
		id := w.session()
		w.accept(ada)
		other := w.session()
		w.accept(ada)
		w.must(ada, &usherv1.RequestStopProcessing{InteractionId: other})
		stranger := w.launch(&usherv1.RequestLaunchSession{}).GetSessionId()
		for kind, content := range samples {
			a, err := w.upload(id, "../x/file.bin", content)
			if err != nil || a.GetContentType() != kind || a.GetSize() != int64(len(content)) || a.GetName() != "file.bin" {
				t.Fatalf("%s: %v, %v", kind, a, err)
			}
			_, err = w.download(tenant, id, Principal, a.GetId())
			wantCode(t, "before it was said", err, errUnknownObject)
			// What he says of it does not count.
			lie := &usherv1.Attachment{Id: a.GetId(), Name: "../../x.exe", ContentType: "text/html", Size: 1}
			wantCode(t, "said in another session", w.sayFile(stranger, lie), errInvalid)
			wantCode(t, "said", w.sayFile(id, lie), 0)
			events := w.browse(id, 0, nil).events()
			if said := events[len(events)-1].GetLine().GetLine().GetAttachment(); said.GetContentType() != kind || said.GetName() != "file.bin" {
				t.Errorf("said as %v", said)
			}
			for _, as := range []engine.Participant{Principal, ada, bob} {
				if got, err := w.download(tenant, id, as, a.GetId()); err != nil || got != content {
					t.Errorf("%s by %s: %q, %v", kind, as.ID, got, err)
				}
			}
			_, err = w.download(tenant, stranger, Principal, a.GetId())
			wantCode(t, "by another session", err, errUnknownObject)
			_, err = w.download("other", id, Principal, a.GetId())
			wantCode(t, "by another tenant", err, errUnknown)
			_, err = w.download(tenant, stranger, ada, a.GetId())
			wantCode(t, "by an agent with his own conversation", err, errUnknownObject)
		}
		for _, bad := range []string{"", "..", "../../sessions.key", strings.Repeat("a", 64), "a/../a"} {
			_, err := w.download(tenant, id, Principal, bad)
			wantCode(t, bad, err, errUnknownObject)
		}
		for what, content := range disguised {
			_, err := w.upload(id, "picture.png", content)
			wantCode(t, what, err, errUnsupportedFile)
		}
		_, err := w.upload(id, "x", "")
		wantCode(t, "an empty file", err, errInvalid)
		_, err = w.upload("s-nonsense", "x", "x")
		wantCode(t, "of no session", err, errUnknown)
		_, err = w.s.Upload(context.Background(), tenant, stranger, engine.Participant{Kind: ada.Kind, ID: "eve"}, "", "x", strings.NewReader("x"))
		if codeOf(err) == 0 {
			t.Error("an agent who is none uploads")
		}
	})
}

// TestAgentAttachment: an agent who has the session sends a file.
func TestAgentAttachment(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada)
		id := w.session()
		a, err := w.s.Upload(context.Background(), tenant, id, bob, "", "x", strings.NewReader("x"))
		if codeOf(err) == 0 {
			t.Errorf("uploaded by one who is not there: %v", a)
		}
		w.accept(ada)
		a, err = w.s.Upload(context.Background(), tenant, id, ada, "", "terms.txt", strings.NewReader("terms"))
		if err != nil {
			t.Fatal(err)
		}
		if a, err = w.s.Uploaded(context.Background(), tenant, id, ada, a); err != nil {
			t.Fatal(err)
		}
		w.must(ada, &usherv1.RequestAddLine{InteractionId: id, Line: &usherv1.Line{Kind: usherv1.LineKind_LINE_KIND_ATTACHMENT, Attachment: a, Visibility: usherv1.LineVisibility_LINE_VISIBILITY_AGENTS}})
		_, err = w.download(tenant, id, Principal, a.GetId())
		wantCode(t, "one for agents alone, by the customer", err, errUnknownObject)
		w.must(ada, &usherv1.RequestAddLine{InteractionId: id, Line: &usherv1.Line{Kind: usherv1.LineKind_LINE_KIND_ATTACHMENT, Attachment: a}})
		if got, err := w.download(tenant, id, Principal, a.GetId()); err != nil || got != "terms" {
			t.Errorf("%q, %v", got, err)
		}
		w.crash()
		if got, err := w.download(tenant, id, Principal, a.GetId()); err != nil || got != "terms" {
			t.Errorf("after a restart: %q, %v", got, err)
		}
		for what, want := range map[string]bool{"s-nonsense": false, id: true} {
			if got, err := w.s.Has(context.Background(), tenant, what); got != want || err != nil {
				t.Errorf("whether %s is a session: %t, %v", what, got, err)
			}
		}
	})
}

// TestRoomForAttachments: one file, one session and one tenant have their
// limits, and what is there already takes no more room.
func TestRoomForAttachments(t *testing.T) {
	limits := Limits{AttachmentMax: 10, Attachments: 3, AttachmentsAll: 33, AttachmentsAddress: 100} // of which 25 are for customers
	inWorld(t, limits, func(w *world) {
		id, other := w.session(), w.session()
		_, err := w.upload(id, "x", strings.Repeat("x", 11))
		wantCode(t, "too large", err, errTooLarge)
		for n := range 3 {
			for range min(2, 3-n) { // again it is the same
				_, err = w.upload(id, "x", strings.Repeat(fmt.Sprint(n), 8))
				wantCode(t, "within the limits", err, 0)
			}
		}
		_, err = w.upload(id, "x", "y")
		wantCode(t, "one too many", err, errTooMany)
		_, err = w.upload(other, "x", "0000")
		wantCode(t, "no room", err, errNoSpace)
		_, err = w.upload(other, "x", strings.Repeat("0", 8))
		wantCode(t, "what is there", err, 0)
		w.crash()
		_, err = w.upload(other, "x", "0000")
		wantCode(t, "no room after a restart", err, errNoSpace)
		_, err = w.upload(other, "x", "0")
		wantCode(t, "the last byte", err, 0)
		var found []string
		err = filepath.WalkDir(w.dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				content, _ := os.ReadFile(path)
				if bytes.Contains(content, []byte("y")) || strings.Contains(path, ".new") {
					t.Errorf("%s is left", path)
				}
				found = append(found, path)
			}
			return err
		})
		if err != nil || len(found) != 4 {
			t.Errorf("%v, %v", found, err)
		}
	})
}

// TestUploadsAtOnce: who sends slowly takes up his own places, and leaves
// nothing on the disk.
func TestUploadsAtOnce(t *testing.T) {
	inWorld(t, Limits{UploadsEach: 2, Uploads: 4}, func(w *world) {
		id, other, third := w.session(), w.session(), w.session()
		var ends []*io.PipeWriter
		var sent sync.WaitGroup
		slow := func(session string) {
			in, out := io.Pipe()
			ends = append(ends, out)
			sent.Go(func() {
				if _, err := w.s.Upload(context.Background(), tenant, session, Principal, "", "x", in); err == nil {
					t.Error("an upload that broke off was taken")
				}
			})
			_, _ = out.Write([]byte("x"))
			synctest.Wait()
		}
		slow(id)
		slow(id)
		_, err := w.upload(id, "x", "third")
		wantCode(t, "the third of a session", err, errTooMany)
		slow(other)
		_, err = w.upload(third, "x", "fourth")
		wantCode(t, "the fourth in all", err, errTooMany)
		for _, end := range ends {
			_ = end.CloseWithError(io.ErrUnexpectedEOF)
		}
		sent.Wait()
		left, err := os.ReadDir(w.s.files.pending(tenant))
		if err != nil || len(left) != 0 {
			t.Errorf("left: %v, %v", left, err)
		}
		_, err = w.upload(third, "x", "fourth")
		wantCode(t, "when they are gone", err, 0)
		w.line.low.Store(true)
		_, err = w.upload(third, "x", "fifth")
		wantCode(t, "when the disk is nearly full", err, errNoSpace)
	})
}

// TestSharesOfRoom: customers leave agents room, and those of one address the
// others, in however many sessions.
func TestSharesOfRoom(t *testing.T) {
	inWorld(t, Limits{AttachmentMax: 10, AttachmentsAll: 100, AttachmentsAddress: 24}, func(w *world) {
		content := 0
		send := func(what, address string, code usherv1.ErrorCode) {
			t.Helper()
			content++
			_, err := w.uploadFrom(address, w.session(), "x", fmt.Sprintf("%8d", content))
			wantCode(t, what, err, code)
		}
		for n, code := range []usherv1.ErrorCode{0, 0, 0, errTooMany} {
			send(fmt.Sprint("file ", n, " of an address"), "a", code)
		}
		_, err := w.uploadFrom("a", w.session(), "x", fmt.Sprintf("%8d", 1))
		wantCode(t, "what is there already", err, 0)
		for n := range 6 {
			send("another address", fmt.Sprint("b", n/3), 0)
		}
		send("beyond what is for customers", "c", errNoSpace)
		w.pass(7 * time.Hour)
		send("still beyond it", "a", errNoSpace)

		w.pass(2 * time.Minute) // until the sessions have ended
		id := w.session()
		w.logIn(ada)
		w.accept(ada)
		for n, code := range []usherv1.ErrorCode{0, 0, errNoSpace} {
			_, err := w.s.Upload(context.Background(), tenant, id, ada, "a", "x", strings.NewReader(fmt.Sprintf("%10s%d", "ada", n)[1:]))
			wantCode(t, fmt.Sprint("an agent's file ", n), err, code)
		}
	})
}

// TestShareOfAnAddress: what an address may send comes again within a day, and
// is forgotten then.
func TestShareOfAnAddress(t *testing.T) {
	inWorld(t, Limits{AttachmentsAddress: 24}, func(w *world) {
		send := func(what, content string, code usherv1.ErrorCode) {
			t.Helper()
			_, err := w.uploadFrom("a", w.session(), "x", content)
			wantCode(t, what, err, code)
		}
		remembered := func() int {
			w.s.files.mu.Lock()
			defer w.s.files.mu.Unlock()
			return len(w.s.files.sent)
		}
		send("all of it", strings.Repeat("x", 24), 0)
		w.pass(7*time.Hour + 59*time.Minute)
		send("too early", strings.Repeat("y", 8), errTooMany)
		w.pass(2 * time.Minute)
		send("a third of a day later", strings.Repeat("y", 8), 0)
		w.pass(23 * time.Hour)
		if n := remembered(); n != 1 {
			t.Errorf("%d addresses are remembered", n)
		}
		w.pass(2 * time.Hour)
		if n := remembered(); n != 0 {
			t.Errorf("%d addresses are still remembered", n)
		}
	})
}

// TestAgentsFindPlaces: customers who send slowly don't keep agents from
// sending.
func TestAgentsFindPlaces(t *testing.T) {
	inWorld(t, Limits{Uploads: 4}, func(w *world) {
		w.logIn(ada)
		id := w.session()
		w.accept(ada)
		var ends []*io.PipeWriter
		var sent sync.WaitGroup
		for range 3 {
			in, out := io.Pipe()
			ends = append(ends, out)
			session := w.session()
			sent.Go(func() { _, _ = w.s.Upload(context.Background(), tenant, session, Principal, "", "x", in) })
		}
		synctest.Wait()
		for range 2 {
			_, err := w.upload(id, "x", "the customer's")
			wantCode(t, "one more customer", err, errTooMany)
		}
		_, err := w.s.Upload(context.Background(), tenant, id, ada, "", "x", strings.NewReader("the agent's"))
		wantCode(t, "an agent", err, 0)
		for _, end := range ends {
			_ = end.Close()
		}
		sent.Wait()
		_, err = w.upload(id, "x", "the customer's")
		wantCode(t, "when they are done", err, 0)
	})
}

// TestSameFileAtOnce: a file that is sent twice at once takes its room once.
func TestSameFileAtOnce(t *testing.T) {
	f, err := openFiles(t.TempDir(), Limits{AttachmentMax: 100, AttachmentsAll: 1000, Uploads: 8}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		var uploads sync.WaitGroup
		for range 8 {
			uploads.Go(func() {
				if _, _, _, err := f.keep(tenant, sender{}, strings.NewReader(fmt.Sprint("same", n))); err != nil {
					t.Error(err)
				}
			})
		}
		uploads.Wait()
	}
	if size, err := sizeOf(f.folder(tenant)); err != nil || size != f.used[tenant] {
		t.Errorf("%d bytes are there, %d are counted, %v", size, f.used[tenant], err)
	}
}

// TestMonitorSendsNoFiles: who may not speak takes up no place.
func TestMonitorSendsNoFiles(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada, bob)
		id, other := w.session(), w.session()
		w.accept(ada)
		w.accept(ada)
		send := func(id string) error {
			_, err := w.s.Upload(context.Background(), tenant, id, bob, "", "x", strings.NewReader("x"))
			return err
		}
		wantCode(t, "a supervisor who is not there", send(id), errNotAParty)
		w.must(bob, &usherv1.RequestIntrude{InteractionId: id, Visibility: usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR})
		wantCode(t, "a monitor", send(id), errNotAParty)
		w.must(bob, &usherv1.RequestIntrude{InteractionId: other, Visibility: usherv1.VisibilityMode_VISIBILITY_MODE_COACH})
		wantCode(t, "a coach", send(other), 0)
	})
}
