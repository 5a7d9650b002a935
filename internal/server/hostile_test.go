package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/media"
)

// What hostile customers, hostile pages, curious agents and careless operators
// try, against a whole server by its public ways: each is refused with a code
// that says why, changes nothing, and learns nothing.

// TestHostileTokens: only the token of a session that goes on says something in
// it, and it says nothing anywhere else.
func TestHostileTokens(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{}, media.Limits{})
	dora := w.launch(&usherv1.RequestLaunchSession{Name: "Dora", Text: "Hello?"})
	gone := w.launch(&usherv1.RequestLaunchSession{Name: "Gus"})
	if a := w.call(icm+"DropSession", gone.token, `{}`); a.status != http.StatusOK {
		t.Fatal(a)
	}
	agent := w.login(edge.DefaultTenant, "agent-id-of-ada")
	customerToken := w.customerToken(t, "shop", 0)

	w.unmoved(func() {
		wrong := map[string]string{
			"none": "", "truncated": dora.token[:len(dora.token)-1], "half": dora.token[:len(dora.token)/2], "longer": dora.token + "a",
			"only its prefix": "uss_", "with another prefix": "usc_" + dora.token[4:], "in capitals": strings.ToUpper(dora.token),
			"a customer token": customerToken, "an id": dora.id, "two": dora.token + " " + gone.token, "very long": "uss_" + strings.Repeat("a", 20_000),
			"with padding": dora.token + "=", "of nobody": "uss_" + strings.Repeat("a", len(dora.token)-4),
		}
		for n := len("uss_"); n < len(dora.token); n++ {
			flipped := []byte(dora.token)
			if flipped[n]++; flipped[n] == 'z'+1 || flipped[n] == '7'+1 {
				flipped[n] = 'a'
			}
			wrong[fmt.Sprint("changed at ", n)] = string(flipped)
		}
		for what, token := range wrong {
			w.refused("a line with a token that is "+what, w.call(icm+"SendLine", token, `{"line":{"text":"forged"}}`), unauthenticated)
		}
		for _, method := range []string{"DropSession", "CustomerTyping", "SendLine"} {
			w.refused(method+" by an agent", w.call(icm+method, agent, `{}`), denied)
			w.refused(method+" by an administrator", w.call(icm+method, w.keys.Admin, `{}`), denied)
			w.refused(method+" without", w.call(icm+method, "", `{}`), unauthenticated)
		}
		for _, procedure := range []string{
			im + "GetTranscript", im + "AddLine", im + "FindInteractions", im + "Submit", im + "RegisterClient", im + "GetPresentState",
			stat + "GetDirectory", stat + "GetAuditLog", stat + "GetHistory", icm + "CreateCustomerToken",
			"/usher.v1.Administration/GetConfiguration", "/usher.v1.Administration/CreateApiKey", "/usher.v1.Authentication/CloseSession",
			"/usher.v1.Routing/ExpectedWait", "/usher.v1.Routing/WhyWaiting", "/usher.v1.TLibrary/RouteCall", "/usher.v1.ExternalService/Respond",
		} {
			w.refused("a customer at "+procedure, w.call(procedure, dora.token, `{"interactionId":"`+dora.id+`"}`), denied)
		}
		w.refused("a line after the end", w.call(icm+"SendLine", gone.token, `{"line":{"text":"still here"}}`), stopped)
		for _, method := range []string{"DropSession", "CustomerTyping"} { // it makes no difference
			if a := w.call(icm+method, gone.token, `{}`); a.status != http.StatusOK {
				t.Errorf("%s after the end: %v", method, a)
			}
		}
		for what, r := range map[string]*usherv1.RequestLaunchSession{
			"none":            {Site: "members"},
			"a session's":     {Site: "members", CustomerToken: dora.token},
			"another site's":  {Site: "members", CustomerToken: customerToken},
			"another tenant":  {Site: "shop", TenantId: "other", CustomerToken: customerToken},
			"an expired one":  {Site: "shop", CustomerToken: w.customerToken(t, "shop", 2*time.Hour)},
			"a truncated one": {Site: "shop", CustomerToken: customerToken[:100]},
			"a long one":      {Site: "shop", CustomerToken: customerToken + strings.Repeat("a", 100_000)},
		} {
			code := unauthenticated
			if what == "none" {
				code = denied
			}
			w.refused("a session with a token: "+what, w.ask(icm+"LaunchSession", "", r), code)
		}
		for _, token := range []string{"", w.s.SetupToken(), w.s.SetupToken() + "a", dora.token} {
			w.refused("a setup token of a server that is set up", w.call("/usher.v1.Authentication/SetUp", "", `{"setupToken":"`+token+`"}`), unauthenticated)
		}
	})
	for _, secret := range []string{dora.token, gone.token, customerToken, agent, w.keys.Admin, w.s.SetupToken(), password} {
		if secret != "" && strings.Contains(w.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	if !strings.Contains(w.log.String(), "refused") {
		t.Error("the log was not kept")
	}
}

// customerToken makes a token that was made some time ago. It does so beside
// the server, with the key from its data folder: nobody else can.
func (w *hostileWorld) customerToken(t *testing.T, site string, ago time.Duration) string {
	t.Helper()
	key, err := media.Key(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := media.New(media.Options{
		Center: media.Over(w.s.Center()), Key: key, Dir: w.dir, Now: func() time.Time { return time.Now().Add(-ago) },
	})
	if err != nil {
		t.Fatal(err)
	}
	made, err := beside.CreateCustomerToken(edge.DefaultTenant, &usherv1.CreateCustomerTokenRequest{Site: site, CustomerId: "c-1", Name: "Vouched"})
	if err != nil {
		t.Fatal(err)
	}
	return made.GetToken()
}

// TestCustomerTokenOfSite: a site's key makes tokens for its own site, and a
// token that is used again gives no more sessions than a customer may have.
func TestCustomerTokenOfSite(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{}, media.Limits{SessionsEach: 2})
	key := w.key("shop", usherv1.Role_ROLE_SITE, "shop")
	w.refused("a token for another site", w.call(icm+"CreateCustomerToken", key, `{"site":"members","customerId":"c"}`), denied)
	w.refused("a token for nobody", w.call(icm+"CreateCustomerToken", key, `{}`), invalid)
	w.refused("a token for ever", w.call(icm+"CreateCustomerToken", key, `{"customerId":"c","validS":2147483647}`), invalid)
	w.refused("a token of the past", w.call(icm+"CreateCustomerToken", key, `{"customerId":"c","validS":-1}`), invalid)
	w.refused("much user data", w.call(icm+"CreateCustomerToken", key, `{"customerId":"c","userData":{"a":"`+strings.Repeat("x", 9000)+`"}}`), invalid)
	a := w.call(icm+"CreateCustomerToken", key, `{"customerId":"c","name":"Vouched"}`)
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || made.Token == "" {
		t.Fatal(a)
	}
	for n, code := range []usherv1.ErrorCode{fine, fine, tooMany} {
		w.refused(fmt.Sprint("the token again ", n), w.ask(icm+"LaunchSession", "", &usherv1.RequestLaunchSession{Site: "shop", CustomerToken: made.Token, Name: "Somebody Else"}), code)
	}
	for _, method := range []string{icm + "SendLine", im + "Submit", stat + "GetDirectory"} {
		w.refused("a site's key at "+method, w.call(method, key, `{}`), denied)
	}
}

// TestOtherPeoplesSessions: nobody gets at another customer's session by naming
// it, or a file of it.
func TestOtherPeoplesSessions(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{}, media.Limits{})
	dora, eve := w.launch(&usherv1.RequestLaunchSession{Name: "Dora", Text: "Hello?"}), w.launch(&usherv1.RequestLaunchSession{Name: "Eve"})
	said, unsaid := w.upload(dora.token, "bill.txt", "Dora's bill"), w.upload(dora.token, "draft.txt", "Dora's draft")
	line := func(id string) string {
		return `{"line":{"kind":"LINE_KIND_ATTACHMENT","attachment":{"id":"` + id + `","name":"x.exe","contentType":"text/html","size":"1"}}}`
	}
	if a := w.call(icm+"SendLine", dora.token, line(said.GetId())); a.status != http.StatusOK {
		t.Fatal(a)
	}
	agent, cyd, stranger := w.sit("agent-id-of-bob").token, w.sit("agent-id-of-cyd").token, w.sitIn("other", "agent-id-of-cyd").token
	w.launch(&usherv1.RequestLaunchSession{TenantId: "other"}) // which has sessions of its own, too
	get := func(id, credential, query string) answer {
		return w.send(http.MethodGet, file+"/"+id+query, credential, "")
	}
	w.unmoved(func() {
		of := "?interaction_id=" + dora.id
		for what, a := range map[string]answer{
			"Eve fetches Dora's file":       get(said.GetId(), eve.token, of),
			"Eve uploads for Dora":          w.send(http.MethodPost, file+of, eve.token, "x"),
			"no credential":                 get(said.GetId(), "", of),
			"a media server's key":          get(said.GetId(), w.keys.Media, of),
			"an administrator's key":        get(said.GetId(), w.keys.Admin, of),
			"a customer token":              get(said.GetId(), w.customerToken(t, "shop", 0), of),
			"a cookie of an agent":          w.send(http.MethodGet, file+"/"+said.GetId()+of, "", "", "Cookie", "usher_supervisor="+cyd),
			"an agent's, without its name":  w.send(http.MethodGet, file+"/"+said.GetId()+of, "", "", "Cookie", "usher_supervisor="+cyd, "Usher-Window", "agent"),
			"another page with that cookie": w.send(http.MethodGet, file+"/"+said.GetId()+of, "", "", "Cookie", "usher_supervisor="+cyd, "Usher-Window", "supervisor", "Origin", "https://evil.example"),
		} {
			w.refused(what, a, denied, unauthenticated)
		}
		w.refused("Eve fetches by the id alone", get(said.GetId(), eve.token, ""), unknownObject)
		w.refused("Eve says Dora's file", w.call(icm+"SendLine", eve.token, line(said.GetId())), invalid)
		w.refused("a file that was not said", get(unsaid.GetId(), dora.token, ""), unknownObject)
		w.refused("an agent without part", get(said.GetId(), agent, of), notAParty)
		w.refused("an agent of another tenant", get(said.GetId(), stranger, of), unknown)
		w.refused("an agent of another tenant uploads", w.send(http.MethodPost, file+of, stranger, "x"), unknown)
		w.refused("an agent without part uploads", w.send(http.MethodPost, file+of, agent, "x"), notAParty)
		w.refused("an agent without session", get(said.GetId(), agent, ""), invalid)
		for _, id := range []string{
			"..", "../" + said.GetId(), "%2e%2e%2f" + said.GetId(), "..%2f..%2fsessions.key", "%00", said.GetId() + "%00", strings.ToUpper(said.GetId()),
			said.GetId()[:2] + "/" + said.GetId(), said.GetId()[:63], said.GetId() + "0", strings.Repeat("a", 10_000), "%e2%80%ae", "", "%ff",
			"..%5c..%5csessions.key", "sessions.key", strings.Repeat("0", 64), "%2f%2fetc%2fpasswd",
		} {
			w.refused(fmt.Sprintf("the file %.80q", id), get(id, dora.token, ""), unknownObject, invalid)
		}
		for _, field := range []string{"interactionId", "sessionId", "interaction_id"} { // a customer names no session: what he names is passed over
			a := w.call(icm+"CustomerTyping", eve.token, `{"`+field+`":"`+dora.id+`"}`)
			if a.status != http.StatusOK && a.status != http.StatusBadRequest {
				t.Error(field, a)
			}
		}
	})
	if a := get(said.GetId(), dora.token, ""); a.status != http.StatusOK || a.body != "Dora's bill" {
		t.Error(a)
	}
	if a := get(said.GetId(), cyd, "?interaction_id="+dora.id); a.status != http.StatusOK || a.body != "Dora's bill" {
		t.Error("the supervisor:", a)
	}
	// Who names Dora as his reference id, her session or her first request, finds his own.
	for _, reference := range []string{dora.id, dora.id + "/launch", dora.id + "/1"} {
		other := w.launch(&usherv1.RequestLaunchSession{ReferenceId: reference, Name: "Eve"})
		if other.id == dora.id {
			t.Error("Eve has Dora's session")
		}
		a := w.call(icm+"SendLine", other.token, `{"referenceId":"`+reference+`","line":{"text":"mine"}}`)
		if a.status != http.StatusOK || !strings.Contains(a.body, other.id) {
			t.Error(a)
		}
	}
}

// upload sends a file.
func (w *hostileWorld) upload(credential, name, content string) *usherv1.Attachment {
	w.t.Helper()
	a := w.send(http.MethodPost, file, credential, content, "X-Usher-File-Name", name)
	made := &usherv1.Attachment{}
	var fields struct{ ID, Name, ContentType, Size string }
	if err := json.Unmarshal([]byte(a.body), &fields); err != nil || a.status != http.StatusOK {
		w.t.Fatalf("upload %q: %v", name, a)
	}
	made.Id, made.Name, made.ContentType = fields.ID, fields.Name, fields.ContentType
	return made
}

// TestHostileFiles: what a file is called, and what is said of it, does not
// matter; how many and how large they are does.
func TestHostileFiles(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{LinesPerSecond: 1000, LineBurst: 1000}, media.Limits{AttachmentMax: 5 << 10, Attachments: 8, UploadsEach: 40})
	dora := w.launch(&usherv1.RequestLaunchSession{Name: "Dora"})
	png := "\x89PNG\r\n\x1a\n"
	w.unmoved(func() {
		for what, content := range map[string]string{
			"a page": "<html><script>alert(1)</script>", "a page after a mark": "\ufeff <html>", "an SVG": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
			"XML": `<?xml version="1.0"?><svg/>`, "a page in UTF-16": "\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00", "a program": "MZ\x90\x00\x03", "an archive": "PK\x03\x04....",
			"NUL": "a\x00b", "not UTF-8": "Gr\xfcezi",
		} {
			w.refused(what, w.send(http.MethodPost, file, dora.token, content, "Content-Type", "image/png", "X-Usher-File-Name", "innocent.png"), unsupportedFile)
		}
		w.refused("one byte too many", w.send(http.MethodPost, file, dora.token, png+strings.Repeat("x", 5<<10-len(png)+1)), tooLarge)
		w.refused("nothing", w.send(http.MethodPost, file, dora.token, ""), invalid)
		w.refused("a name that is not encoded", w.send(http.MethodPost, file, dora.token, "x", "X-Usher-File-Name", "%zz"), invalid)
	})
	for name, want := range map[string]string{
		"..%2f..%2fetc%2fpasswd": "passwd", "..": "file", "%00": "file", "C%3A%5Cboot.ini": "boot.ini", "a%0d%0aSet-Cookie%3A%20x%3D1.txt": "aSet-Cookie: x=1.txt",
		"gnp%e2%80%aeexe.png": "gnpexe.png", "a%d8%9cb.png": "ab.png", "a%e2%80%a8b.png": "ab.png", "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E": "script>",
		strings.Repeat("a", 5000) + ".png": strings.Repeat("a", 251) + ".png",
	} {
		dora := w.launch(&usherv1.RequestLaunchSession{})
		if a := w.upload(dora.token, name, png+"<html><script>alert(1)</script>"); a.GetName() != want || a.GetContentType() != "image/png" {
			t.Errorf("%.100q: %v, want %.100q", name, a, want)
		}
	}
	// At the same time not more than one after the other.
	results := make(chan answer, 40)
	for n := range cap(results) {
		go func() { results <- w.send(http.MethodPost, file, dora.token, fmt.Sprint("file ", n)) }()
	}
	taken := 0
	for range cap(results) {
		if a := <-results; a.status == http.StatusOK {
			taken++
		} else {
			w.refused("a file too many", a, tooMany)
		}
	}
	if stored := w.stored(); taken != 8 || stored > 8+1 { // and the picture above
		t.Errorf("%d of 8 files were taken, %d are stored", taken, stored)
	}
}

// stored is how many files lie in the data folder.
func (w *hostileWorld) stored() (n int) {
	found, err := filepath.Glob(filepath.Join(w.dir, "attachments", "*", "*", "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return len(found)
}

// TestStuckUploads: files that never end take up the room of a session's files,
// and nothing beyond it.
func TestStuckUploads(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{LinesPerSecond: 1000, LineBurst: 1000}, media.Limits{Attachments: 3, UploadsEach: 3})
	dora, eve := w.launch(&usherv1.RequestLaunchSession{}), w.launch(&usherv1.RequestLaunchSession{})
	ctx, cancel := context.WithCancel(t.Context())
	var ends []*io.PipeWriter
	answers := make(chan error, 3)
	for range 3 {
		in, out := io.Pipe()
		ends = append(ends, out)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.s.URL()+file, in)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+dora.token)
		go func() {
			a, err := w.http.Do(r)
			if err == nil {
				_ = a.Body.Close()
			}
			answers <- err
		}()
		if _, err := out.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil { // the server has read it, or its buffers have
			t.Fatal(err)
		}
	}
	for { // the server hears of the last in its own time; until then it looks at the file, and takes none such
		a := w.send(http.MethodPost, file, dora.token, "<html>one more while three are under way")
		if a.refusal().GetCode() == tooMany {
			break
		} else if a.refusal().GetCode() != unsupportedFile {
			t.Fatal(a)
		}
	}
	w.upload(eve.token, "eve.txt", "Eve's file") // is served meanwhile
	cancel()
	for _, end := range ends {
		_ = end.CloseWithError(context.Canceled)
		<-answers
	}
	for { // the server hears of it in its own time
		if a := w.send(http.MethodPost, file, dora.token, "one more"); a.status == http.StatusOK {
			break
		} else if a.refusal().GetCode() != tooMany {
			t.Fatal(a)
		}
	}
}

// TestCuriousAgents: what is another tenant's, a supervisor's or an
// administrator's, others can't read.
func TestCuriousAgents(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{}, media.Limits{})
	dora := w.launch(&usherv1.RequestLaunchSession{Name: "Dora", Text: "a word of Dora"})
	plain := w.sit("agent-id-of-bob").token
	supervisor, stranger := w.sit("agent-id-of-cyd").token, w.sitIn("other", "agent-id-of-cyd").token
	named := `{"interactionId":"` + dora.id + `"}`
	w.unmoved(func() {
		w.refused("a plain agent reads what he has no part in", w.call(im+"GetTranscript", plain, named), notAParty)
		w.refused("and says", w.call(im+"AddLine", plain, `{"interactionId":"`+dora.id+`","line":{"text":"x"}}`), notAParty)
		w.refused("and types", w.call(im+"Typing", plain, named), notAParty)
		for _, procedure := range []string{stat + "GetAuditLog", stat + "GetHistory", "/usher.v1.Routing/WhyWaiting", "/usher.v1.Administration/GetConfiguration", "/usher.v1.Administration/ListApiKeys"} {
			w.refused("a plain agent at "+procedure, w.call(procedure, plain, named), denied)
		}
		for _, procedure := range []string{"/usher.v1.Administration/ListApiKeys", "/usher.v1.Administration/CreateApiKey", "/usher.v1.Administration/CreateTenant", "/usher.v1.Administration/ApplyConfiguration"} {
			w.refused("a supervisor at "+procedure, w.call(procedure, supervisor, `{}`), denied)
		}
		w.refused("a supervisor of another tenant reads", w.call(im+"GetTranscript", stranger, named), unknown)
		w.refused("and intrudes", w.call(im+"Intrude", stranger, named), unknown)
		for _, try := range []struct{ procedure, body string }{
			{stat + "GetHistory", `{"tenantId":"default"}`}, {stat + "GetAuditLog", `{"tenantId":"default"}`},
			{stat + "GetDirectory", `{"tenantId":"default"}`}, {"/usher.v1.Routing/WhyWaiting", `{"tenantId":"default","interactionId":"` + dora.id + `"}`},
			{im + "GetPresentState", `{"tenantId":"default"}`}, {im + "GetTranscript", `{"tenantId":"default","interactionId":"` + dora.id + `"}`},
		} {
			if a := w.call(try.procedure, stranger, try.body); a.status == http.StatusOK && strings.Contains(a.body, dora.id) || strings.Contains(a.body, "a word of Dora") {
				t.Errorf("a stranger at %s: %v", try.procedure, a)
			}
		}
		for _, try := range []struct{ procedure, body string }{
			{stat + "Watch", `{"tenantId":"default"}`}, {"/usher.v1.Reporting/Trace", `{"tenantId":"default","interactionId":"` + dora.id + `"}`},
		} {
			if got := w.stream(try.procedure, stranger, try.body); strings.Contains(got, dora.id) || strings.Contains(got, "agent-id-of-ada") && strings.Contains(got, "interactionId") {
				t.Errorf("a stranger at %s: %s", try.procedure, got)
			}
			if got := w.stream(try.procedure, plain, try.body); !strings.Contains(got, "permission_denied") {
				t.Errorf("a plain agent at %s: %s", try.procedure, got)
			}
		}
		if got := w.stream("/usher.v1.Reporting/ReportingEvents", supervisor, `{}`); !strings.Contains(got, "permission_denied") {
			t.Errorf("a supervisor at all reports: %s", got)
		}
	})
	if a := w.call(im+"GetTranscript", supervisor, named); !strings.Contains(a.body, "a word of Dora") {
		t.Error("her own supervisor:", a)
	}
}

// stream is the beginning of what a stream gives: its first message, or its
// error.
func (w *hostileWorld) stream(procedure, credential, body string) string {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	frame := append([]byte{0, 0, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.s.URL()+procedure, bytes.NewReader(frame))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/connect+json")
	r.Header.Set("Authorization", "Bearer "+credential)
	a, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	first := make([]byte, 64<<10)
	n, err := io.ReadAtLeast(a.Body, first, 6)
	if err != nil && n == 0 {
		w.t.Fatal(err)
	}
	return string(first[:n])
}

// TestHostileTexts: what is too long, too deep, too much or no text is refused
// in few words, and changes nothing.
func TestHostileTexts(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{LinesPerSecond: 1000, LineBurst: 1000}, media.Limits{})
	dora := w.launch(&usherv1.RequestLaunchSession{Name: "Dora", Text: "Hello?"})
	ada := w.sit("agent-id-of-ada", "chat")
	ada.accept(dora.id)
	mega := strings.Repeat("x", 1<<20)
	nested := strings.Repeat(`{"a":`, 200) + `"x"` + strings.Repeat(`}`, 200)
	deep := strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000)
	var keys strings.Builder
	for n := range 10_000 {
		fmt.Fprintf(&keys, `"k%d":"v",`, n)
	}
	many := `{` + keys.String() + `"last":"v"}`
	site := func(fields string) string { return `{"site":"shop",` + fields + `}` }
	to := `"interactionId":"` + dora.id + `"`
	type try struct {
		what, procedure, credential, body string
		codes                             []usherv1.ErrorCode
	}
	var tries []try
	add := func(what, procedure, credential, body string, codes ...usherv1.ErrorCode) {
		tries = append(tries, try{what, procedure, credential, body, codes})
	}
	for _, field := range []string{"referenceId", "tenantId", "site", "customerToken", "requestType", "name", "subject", "text", "callbackTo"} {
		add("1 MB of "+field, icm+"LaunchSession", "", `{"`+field+`":"`+mega+`"}`, tooLarge)
		add("100 KB of "+field, icm+"LaunchSession", "", strings.Replace(site(`"`+field+`":"`+mega[:100_000]+`"`), `"site":"shop","site"`, `"site"`, 1), tooLarge, invalid, unknownObject, unauthenticated)
		if field != "text" && field != "customerToken" && field != "site" && field != "tenantId" && field != "requestType" {
			add("control characters in "+field, icm+"LaunchSession", "", site(`"`+field+`":"a\u0007b"`), invalid)
		}
		add("NUL in "+field, icm+"LaunchSession", "", strings.Replace(site(`"`+field+`":"a\u0000b"`), `"site":"shop","site"`, `"site"`, 1), invalid, unknownObject, unauthenticated)
		add("no UTF-8 in "+field, icm+"LaunchSession", "", "{\""+field+"\":\"a\xffb\"}", invalid)
		add("half a character in "+field, icm+"LaunchSession", "", `{"`+field+`":"\ud800"}`, invalid)
		add("a number for "+field, icm+"LaunchSession", "", `{"`+field+`":`+strings.Repeat("9", 100_000)+`}`, invalid)
	}
	for what, data := range map[string]string{
		"nested": nested, "10,000 keys": many, "a list": `{"a":["b"]}`, "a number": `{"a":1}`, "null": `{"a":null}`, "no key": `{"":"x"}`,
		"a long key": `{"` + mega[:2000] + `":"x"}`, "a long value": `{"a":"` + mega[:2000] + `"}`, "very deep": `{"a":` + deep + `}`, "NaN": `{"a":"NaN","b":NaN}`,
	} {
		add("user data: "+what, icm+"LaunchSession", "", site(`"userData":`+data), invalid, tooLarge)
	}
	for _, at := range []string{"-1", "-9223372036854775808", "9223372036854775807", "99999999999999999999", "1e400", `"soon"`} {
		add("a callback at "+at, icm+"LaunchSession", "", site(`"requestType":"callback","callbackTo":"x","callbackAtMs":`+at), invalid)
	}
	add("a first line of 17 KB", icm+"LaunchSession", "", site(`"text":"`+mega[:17_000]+`"`), tooLarge)
	for field, code := range map[string]usherv1.ErrorCode{"text": tooLarge} {
		add("1 MB of line."+field, icm+"SendLine", dora.token, `{"line":{"`+field+`":"`+mega+`"}}`, code)
		add("17 KB of line."+field, icm+"SendLine", dora.token, `{"line":{"`+field+`":"`+mega[:17_000]+`"}}`, code)
	}
	for what, body := range map[string]string{
		"nothing": `{}`, "an empty line": `{"line":{}}`, "NUL": `{"line":{"text":"a\u0000b"}}`, "no UTF-8": "{\"line\":{\"text\":\"\xc3\x28\"}}",
		"for agents": `{"line":{"text":"x","visibility":"LINE_VISIBILITY_AGENTS"}}`, "a notice": `{"line":{"text":"x","kind":"LINE_KIND_NOTICE"}}`,
		"kind 99": `{"line":{"text":"x","kind":99}}`, "visibility -1": `{"line":{"text":"x","visibility":-1}}`, "no file": `{"line":{"kind":"LINE_KIND_ATTACHMENT"}}`,
		"a file in a text": `{"line":{"text":"x","attachment":{"id":"` + strings.Repeat("0", 64) + `"}}}`, "a long reference id": `{"referenceId":"` + mega[:129] + `","line":{"text":"x"}}`,
		"no JSON": `{"line":`, "no object": `[]`, "nonsense": "\x00\x01\x02", "very deep": deep, "very deep and unknown": `{"x":` + deep + `}`,
	} {
		add("a customer's line: "+what, icm+"SendLine", dora.token, body, invalid)
		if what != "for agents" && what != "a notice" && what != "no object" {
			add("an agent's line: "+what, im+"AddLine", ada.token, strings.Replace(body, `{`, `{`+to+`,`, 1), invalid)
		}
	}
	add("1 MB of an agent's line", im+"AddLine", ada.token, `{`+to+`,"line":{"text":"`+mega+`"}}`, tooLarge)
	add("17 KB of an agent's line", im+"AddLine", ada.token, `{`+to+`,"line":{"text":"`+mega[:17_000]+`"}}`, tooLarge)
	add("an agent's line under another name", im+"AddLine", ada.token, `{`+to+`,"authorName":"Bob","line":{"text":"x"}}`, invalid)
	for what, data := range map[string]string{"nested": nested, "a fraction": `{"a":0.5}`, "null": `{"a":null}`, "huge": `{"a":1e300}`, "100 KB": `{"a":"` + mega[:100_000] + `"}`, "1 MB": `{"a":"` + mega + `"}`} {
		add("properties: "+what, im+"ChangeProperties", ada.token, `{`+to+`,"userData":`+data+`}`, invalid, tooLarge)
	}
	for _, method := range []string{"GetTranscript", "Typing", "AddLine", "ChangeProperties", "Hold", "StopProcessing", "LeaveInteraction", "GetInteractionProperties"} {
		add("an interaction of 100 KB at "+method, im+method, ada.token, `{"interactionId":"`+mega[:100_000]+`"}`, invalid, unknown)
	}
	add("a transcript of -1 lines", im+"GetTranscript", ada.token, `{`+to+`,"limit":-1}`, invalid)
	add("a login of 1 MB", "/usher.v1.Authentication/OpenSession", "", `{"agentId":"`+mega+`","password":"x"}`, tooLarge)
	add("a site of 100 KB", icm+"GetSite", "", `{"site":"`+mega[:100_000]+`"}`, unknownObject)
	w.unmoved(func() {
		for _, try := range tries {
			w.refused(try.what, w.call(try.procedure, try.credential, try.body), try.codes...)
		}
		for _, after := range []uint64{1 << 40, 1<<64 - 1} {
			e := w.hear(dora.token, after)
			for range e.events {
			}
			if e.end.GetCode() != invalid {
				t.Errorf("a stream after %d: %v", after, e.end)
			}
		}
	})
	w.notFinite(dora, ada)
}

// notFinite sends user data that JSON has no words for: what one client could
// put there, no other could read.
func (w *hostileWorld) notFinite(of customer, ada *desk) {
	w.t.Helper()
	zero := 0.0
	for what, value := range map[string]*structpb.Value{
		"NaN": structpb.NewNumberValue(zero / zero), "infinite": structpb.NewNumberValue(1 / zero), "no value": {}, "null": structpb.NewNullValue(),
	} {
		data := &structpb.Struct{Fields: map[string]*structpb.Value{"a": value}}
		for procedure, request := range map[string]proto.Message{
			im + "ChangeProperties": &usherv1.RequestChangeProperties{InteractionId: of.id, UserData: data},
			icm + "LaunchSession":   &usherv1.RequestLaunchSession{Site: "shop", UserData: data},
		} {
			raw, err := proto.Marshal(request)
			if err != nil {
				w.t.Fatal(err)
			}
			credential := ""
			if procedure != icm+"LaunchSession" {
				credential = ada.token
			}
			w.unmoved(func() {
				w.refused(procedure+" with "+what, w.call(procedure, credential, string(raw), "Content-Type", "application/proto"), invalid)
			})
		}
	}
}

// TestHostileFloods: who asks too often is told so, and it is his own
// allowance alone: others are served meanwhile.
func TestHostileFloods(t *testing.T) {
	limits := edge.Limits{
		LinesPerSecond: 1e-9, LineBurst: 3, TypingPerSecond: 1e-9, AgentPerSecond: 1e-9, AgentBurst: 40,
		LoginsPerAgent: 1e-9, LoginBurstAgent: 3, StreamsEach: 4,
	}
	w := newHostileWorld(t, limits, media.Limits{StreamsEach: 2})
	dora, eve := w.launch(&usherv1.RequestLaunchSession{Name: "Dora"}), w.launch(&usherv1.RequestLaunchSession{Name: "Eve"})
	heard := w.hear(dora.token, 0)
	flood := func(what string, allowed, n int, do func() answer) {
		t.Helper()
		for k := range n {
			code := fine
			if k >= allowed {
				code = tooMany
			}
			a := do()
			w.refused(fmt.Sprint(what, " ", k), a, code)
			if code == tooMany && a.status != http.StatusTooManyRequests {
				t.Errorf("%s: status %d", what, a.status)
			}
		}
	}
	flood("lines", 3, 6, func() answer { return w.call(icm+"SendLine", eve.token, `{"line":{"text":"flood"}}`) })
	flood("files", 0, 3, func() answer { return w.send(http.MethodPost, file, eve.token, "flood") })
	flood("typing", 20, 20, func() answer { return w.call(icm+"CustomerTyping", eve.token, `{}`) })
	flood("all requests", 11, 20, func() answer { return w.call(icm+"CustomerTyping", eve.token, `{}`) })
	flood("anonymous sessions", 3, 6, func() answer { return w.call(icm+"LaunchSession", "", `{"site":"slow"}`) })
	flood("logins", 3, 6, func() answer {
		a := w.call("/window/login", "", `{"window":"agent","agentId":"agent-id-of-ada","password":"wrong"}`)
		if a.refusal().GetCode() == unauthenticated {
			return answer{status: http.StatusOK} // it was looked at
		}
		return a
	})
	w.refused("even with the password", w.call("/window/login", "", `{"window":"agent","agentId":"agent-id-of-ada","password":"`+password+`"}`), tooMany)
	w.refused("another agent's login", w.call("/window/login", "", `{"window":"agent","agentId":"agent-id-of-bob","password":"`+password+`"}`), fine)

	// What Dora says after all that comes to her at once, and in order.
	for _, text := range []string{"one", "two"} {
		w.refused("Dora's line", w.call(icm+"SendLine", dora.token, `{"line":{"text":"`+text+`"}}`), fine)
		heard.line(t, text)
	}
	second := w.hear(dora.token, 0)
	second.line(t, "two")
	third := w.hear(dora.token, 0)
	for range third.events {
	}
	if third.end.GetCode() != tooMany {
		t.Errorf("a third stream of a session with two: %v", third.end)
	}
	second.close()
	other := w.launch(&usherv1.RequestLaunchSession{Name: "Fay"})
	w.hear(other.token, 0).until(t, func(ev *usherv1.SessionEvent) bool { return ev.GetProgress() != nil })
}

// TestHostilePages: a page may show the sites that list its origin, whatever it
// calls itself; and it never acts with the cookies of its visitors.
func TestHostilePages(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{}, media.Limits{})
	dora := w.launch(&usherv1.RequestLaunchSession{Name: "Dora"})
	cookie := "usher_agent=" + w.login(edge.DefaultTenant, "agent-id-of-cyd")
	host := strings.TrimPrefix(w.s.URL(), "http://")
	listed := "https://shop.example.com"
	good := func(a answer, origin string) {
		t.Helper()
		if a.header.Get("Access-Control-Allow-Origin") != origin || !slices.Contains(a.header.Values("Vary"), "Origin") {
			t.Errorf("for %q: %d %v", origin, a.status, a.header)
		}
	}
	all := []string{
		listed + ".evil.example", "https://evil.example", "https://evilshop.example.com", "http://shop.example.com", listed + ":443", listed + ":8443", listed + "/", listed + "/x",
		"HTTPS://SHOP.EXAMPLE.COM", "https://Shop.example.com", "https://shop.example.com.", "https://shop.example.com@evil.example", "https://evil.example#" + listed,
		"null", "file://", "https://", "*", "https://*.example.com", listed + " https://evil.example", listed + ", " + listed, "https://members.example.com",
		"http://" + host + ".evil.example", "http://evil.example/" + host, "http://" + host + "@evil.example", "http://localhost", "javascript:alert(1)", strings.Repeat("a", 5000), "%00",
	}
	w.unmoved(func() {
		for _, origin := range all {
			for _, path := range []string{icm + "GetSite", icm + "LaunchSession", icm + "SendLine", icm + "DropSession", file} {
				credential := ""
				if path != icm+"GetSite" && path != icm+"LaunchSession" {
					credential = dora.token
				}
				a := w.call(path, credential, `{"site":"shop","line":{"text":"x"}}`, "Origin", origin)
				w.refused(path+" from "+origin, a, denied)
				good(a, "")
				a = w.send(http.MethodOptions, path, "", "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")
				w.refused("a preflight of "+path+" from "+origin, a, denied)
				good(a, "")
			}
		}
		for _, forward := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Original-Host", "Forwarded", "X-Forwarded-Origin"} {
			w.refused(forward, w.call(icm+"GetSite", "", `{"site":"shop"}`, "Origin", "https://evil.example", forward, "evil.example"), denied)
		}
		w.refused("a site that lists another origin", w.call(icm+"GetSite", "", `{"site":"members"}`, "Origin", listed), denied)
		w.refused("a session of such a site", w.call(icm+"LaunchSession", "", `{"site":"members"}`, "Origin", listed), denied)
		w.refused("the other tenant's, by a page of none", w.call(icm+"GetSite", "", `{"tenantId":"other","site":"shop"}`, "Origin", "https://evil.example"), denied)
		for name, headers := range map[string][]string{
			"no header":          {},
			"no origin":          {"Origin", "https://evil.example", "Usher-Window", "agent"},
			"a listed origin":    {"Origin", listed, "Usher-Window", "agent"},
			"null":               {"Origin", "null", "Usher-Window", "agent"},
			"cross-site":         {"Sec-Fetch-Site", "cross-site", "Usher-Window", "agent"},
			"same-site":          {"Sec-Fetch-Site", "same-site", "Usher-Window", "agent"},
			"strange":            {"Sec-Fetch-Site", "strange", "Usher-Window", "agent"},
			"another window":     {"Sec-Fetch-Site", "same-origin", "Usher-Window", "supervisor"},
			"the administration": {"Sec-Fetch-Site", "same-origin", "Usher-Window", "admin"},
			"no such window":     {"Sec-Fetch-Site", "same-origin", "Usher-Window", "../agent"},
			"a trick with Host":  {"Origin", "https://evil.example", "Usher-Window", "agent", "X-Forwarded-Host", "evil.example"},
		} {
			for _, path := range []string{im + "GetPresentState", icm + "SendLine", file + "/" + strings.Repeat("0", 64) + "?interaction_id=" + dora.id} {
				w.refused("a cookie with "+name+" at "+path, w.call(path, "", `{}`, append(headers, "Cookie", cookie)...), denied, unauthenticated, invalid)
			}
			if name == "no header" || strings.Contains(name, "window") || name == "the administration" {
				continue
			}
			for _, path := range []string{"/window/login", "/window/logout"} {
				a := w.call(path, "", `{"window":"agent","agentId":"agent-id-of-ada","password":"`+password+`"}`, append(headers, "Cookie", cookie)...)
				w.refused(path+" with "+name, a, denied)
				if a.header.Get("Set-Cookie") != "" {
					t.Error(path, name, a.header)
				}
			}
		}
	})
	for _, path := range []string{im + "GetPresentState", "/usher.v1.Authentication/OpenSession", "/window/login", "/window/session", icm + "CreateCustomerToken", "/agent", "/"} {
		if a := w.send(http.MethodOptions, path, "", "", "Origin", listed, "Access-Control-Request-Method", "POST"); a.status < 300 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("a preflight of %s: %d %v", path, a.status, a.header)
		}
		if a := w.call(path, "", `{}`, "Origin", listed); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	for _, origin := range []string{listed, w.s.URL()} {
		want := origin
		if origin == w.s.URL() {
			want = ""
		}
		for _, a := range []answer{
			w.call(icm+"GetSite", "", `{"site":"shop"}`, "Origin", origin), w.call(icm+"CustomerTyping", dora.token, `{}`, "Origin", origin),
			w.send(http.MethodOptions, icm+"SendLine", "", "", "Origin", origin, "Access-Control-Request-Method", "POST"),
		} {
			if good(a, want); a.status != http.StatusOK && a.status != http.StatusNoContent {
				t.Error(a)
			}
			if a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are allowed")
			}
		}
	}
	if a := w.call(im+"GetPresentState", "", `{}`, "Cookie", cookie, "Usher-Window", "agent", "Sec-Fetch-Site", "same-origin"); a.status != http.StatusOK {
		t.Error("our own page:", a)
	}
}

// markers are words that no customer is to receive: ids of agents and queues,
// user data, reasons, what coaches say, other people's sessions.
var markers = []string{
	"agent-id-of-", "queue-of-", "secret-key", "secret-value", "secret-reason", "said by the coach", "between agents", "other-data", "submittedBy", "userData",
	"AGENT_SELECTION", "VISIBILITY_AGENTS", "MODE_COACH", "MODE_MONITOR", "default/", ".go:",
}

// TestNothingLeaks: in a whole conversation with a coach, edited user data, a
// hold and an end, a customer receives what is for him and not a byte more.
func TestNothingLeaks(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{}, media.Limits{})
	eve := w.launch(&usherv1.RequestLaunchSession{Name: "Eve", Text: "other-data"})
	dora := w.launch(&usherv1.RequestLaunchSession{Name: "Dora", Subject: "a subject", Text: "Hello?"})
	e := w.hear(dora.token, 0)
	ada, bob, cyd := w.sit("agent-id-of-ada", "chat"), w.sit("agent-id-of-bob", "chat"), w.sit("agent-id-of-cyd", "chat")
	ada.accept(dora.id)
	e.until(t, func(ev *usherv1.SessionEvent) bool { return len(ev.GetProgress().GetAgents()) == 1 })
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	data, err := structpb.NewStruct(map[string]any{"secret-key": "secret-value", "customer_name": "secret-value", "callback_to": "secret-value"})
	must(data, err)
	must(ada.Requests().ChangeProperties(ctx, &usherv1.RequestChangeProperties{InteractionId: dora.id, UserData: data}))
	pending := make(chan error, 1)
	go func() {
		pending <- ada.Conference(ctx, dora.id, "agent-id-of-bob", usherv1.VisibilityMode_VISIBILITY_MODE_COACH)
	}()
	bob.accept(dora.id)
	must(nil, <-pending)
	must(nil, bob.Say(ctx, dora.id, "said by the coach"))
	must(nil, bob.Typing(ctx, dora.id, false))
	must(ada.AddLine(ctx, &usherv1.RequestAddLine{InteractionId: dora.id, Line: &usherv1.Line{Text: "between agents", Visibility: usherv1.LineVisibility_LINE_VISIBILITY_AGENTS}}))
	must(cyd.Requests().Intrude(ctx, &usherv1.RequestIntrude{InteractionId: dora.id, Visibility: usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR, Reason: "secret-reason"}))
	must(nil, ada.Typing(ctx, dora.id, false))
	typing := e.until(t, func(ev *usherv1.SessionEvent) bool { return ev.GetTyping() != nil })
	if typing.GetTyping().GetAuthorName() != "Ada" {
		t.Error(typing)
	}
	must(nil, ada.Say(ctx, dora.id, "said by the agent"))
	e.line(t, "said by the agent")
	again := w.hear(dora.token, 0) // reads the transcript
	again.line(t, "said by the agent")
	must(nil, cyd.Leave(ctx, dora.id, "secret-reason"))
	must(nil, bob.Leave(ctx, dora.id, "secret-reason"))
	must(nil, ada.Stop(ctx, dora.id, "secret-reason"))
	for _, e := range []*ear{e, again} {
		end := e.until(t, func(ev *usherv1.SessionEvent) bool {
			return ev.GetProgress().GetState() == usherv1.SessionState_SESSION_STATE_ENDED
		})
		if end.GetProgress().GetReason() != "AgentEnded" {
			t.Error(end)
		}
	}
	after := w.hear(dora.token, 0)
	for range after.events {
	}
	received := e.received() + again.received() + after.received()
	for _, a := range []answer{
		w.call(icm+"SendLine", dora.token, `{"line":{"text":"x"}}`), w.call(icm+"DropSession", dora.token, `{}`), w.call(icm+"CustomerTyping", dora.token, `{}`),
		w.send(http.MethodPost, file, dora.token, "x"), w.send(http.MethodGet, file+"/"+strings.Repeat("0", 64), dora.token, ""), w.call(icm+"GetSite", "", `{"site":"shop"}`),
		w.call(icm+"LaunchSession", "", `{"site":"shop","requestType":"no"}`), w.call(icm+"GetSite", "", `{"site":"no"}`),
	} {
		received += a.body
		for name, values := range a.header {
			received += name + strings.Join(values, " ")
		}
	}
	for _, marker := range append(slices.Clone(markers), eve.id, w.dir) {
		if at := strings.Index(received, marker); at >= 0 {
			t.Errorf("the customer received %q: ...%s", marker, received[max(0, at-200):at+len(marker)])
		}
	}
	for _, known := range []string{"said by the agent", "Hello?", "Ada"} {
		if !strings.Contains(received, known) {
			t.Errorf("the customer did not receive %q", known)
		}
	}
}

// TestTextIsText: what is typed arrives as it was typed, on both sides and in
// names of files, and no browser runs any of it.
func TestTextIsText(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{}, media.Limits{})
	evil := `<script>alert(1)</script><img src=x onerror="alert('2')"> javascript:alert(3) &lt;b&gt; \u0041 \" ` + "' ` ${x} {{x}} %s %n ../../ \u202e \ufeff \u2028 é 😀"
	key := "<img src=x onerror=alert(1)>.__proto__"
	data, err := structpb.NewStruct(map[string]any{key: evil})
	if err != nil {
		t.Fatal(err)
	}
	dora := w.launch(&usherv1.RequestLaunchSession{Name: evil, Subject: evil, Text: evil + "\n\t", UserData: data})
	ada, e := w.sit("agent-id-of-ada", "chat"), w.hear(dora.token, 0)
	ada.accept(dora.id)
	present, err := ada.Requests().GetPresentState(t.Context(), &usherv1.RequestGetPresentState{})
	if err != nil || len(present.GetInteractions()) != 1 {
		t.Fatal(present, err)
	}
	got := present.GetInteractions()[0].GetUserData().GetFields()
	for _, key := range []string{"customer_name", "subject", key} {
		if got[key].GetStringValue() != evil {
			t.Errorf("%q: %q", key, got[key].GetStringValue())
		}
	}
	transcript, err := ada.Transcript(t.Context(), dora.id, 0)
	if err != nil || len(transcript.GetLines()) != 1 || transcript.GetLines()[0].GetAdded().GetLine().GetText() != evil+"\n\t" || transcript.GetLines()[0].GetAdded().GetAuthorName() != evil {
		t.Error(transcript, err)
	}
	e.line(t, evil+"\n\t")
	if err := ada.Say(t.Context(), dora.id, evil); err != nil {
		t.Fatal(err)
	}
	e.line(t, evil)

	names := map[string]string{
		`<script>"';.png`: `<script>"';.png`, "a\";filename=evil.html;x=\".png": "a\";filename=evil.html;x=\".png", "Grüße 😀.png": "Grüße 😀.png", "a\r\nX-Evil: 1.png": "aX-Evil: 1.png",
	}
	for name, want := range names {
		picture := "\x89PNG\r\n\x1a\n<html><script>alert(1)</script>" + name
		file := w.upload(dora.token, strings.ReplaceAll(urlEncoded(name), "+", "%20"), picture)
		sum := sha256.Sum256([]byte(picture))
		if file.GetName() != want || file.GetId() != hex.EncodeToString(sum[:]) {
			t.Errorf("%q: %v", name, file)
		}
		w.refused("say "+name, w.call(icm+"SendLine", dora.token, `{"line":{"kind":"LINE_KIND_ATTACHMENT","attachment":{"id":"`+file.GetId()+`","name":"x.html","contentType":"text/html"}}}`), fine)
		w.downloaded(dora.token, file.GetId(), want, picture)
	}
}

func urlEncoded(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

// downloaded holds that a file comes in a way in which no browser runs it.
func (w *hostileWorld) downloaded(token, id, name, content string) {
	w.t.Helper()
	for query, disposition := range map[string]string{"": "attachment", "?inline=1": "inline"} {
		for _, headers := range [][]string{nil, {"Range", "bytes=0-3"}, {"Range", "bytes=0-1,3-4"}, {"Range", "bytes=999999-"}} {
			a := w.send(http.MethodGet, file+"/"+id+query, token, "", headers...)
			kind, parameters, err := mime.ParseMediaType(a.header.Get("Content-Disposition"))
			if a.status < 400 && (err != nil || kind != disposition || parameters["filename"] != name) {
				w.t.Errorf("%q %v: %v", name, headers, a.header)
			}
			if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" || a.header.Get("X-Evil") != "" {
				w.t.Errorf("%q %v: %v", name, headers, a.header)
			}
			if headers == nil && (a.body != content || a.header.Get("Content-Type") != "image/png") {
				w.t.Errorf("%q: %v", name, a)
			}
		}
	}
}

// TestStalledRequests: who sends the head of a request and never its body is
// not waited for, whether or not he may send it.
func TestStalledRequests(t *testing.T) {
	w := newHostileWorld(t, edge.Limits{ReadTimeout: 50 * time.Millisecond}, media.Limits{})
	for _, path := range []string{im + "Submit", icm + "SendLine", icm + "LaunchSession", file, "/window/login", "/window/logout", "/agent", "/nowhere", "/usher.v1.None/None", "/grpc.health.v1.Health/Check"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.s.URL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // of a test that fails
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); os.IsTimeout(err) {
			t.Errorf("%s: the server waits", path)
		}
		_ = conn.Close()
	}
}
