package edge

import (
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// fakeSessions remembers what it was asked. Its tokens are
// uss_TENANT.SITE.SESSION.
type fakeSessions struct {
	sites map[string]*usherv1.Site // of every tenant
	dir   string                   // of the one file that there is

	mu    sync.Mutex
	asked []string
	err   error           // refuses all that a session does
	hold  bool            // streams go on until their readers leave
	known map[string]bool // sessions that go on, by the reference ids of their launches
}

// fakeCustomer is the token of a session of the fake.
const fakeCustomer = sessionTokenOfCustomer + "default.shop.s-1"

func newFakeSessions() *fakeSessions {
	return &fakeSessions{known: map[string]bool{}, sites: map[string]*usherv1.Site{
		"shop":  {Name: "shop", Origins: []string{"https://shop.example.com"}, RequestTypes: []string{"billing"}, Anonymous: true, AnonymousSessionsPerMinute: 3},
		"other": {Name: "other", Origins: []string{"https://other.example.com"}, RequestTypes: []string{"billing"}},
	}}
}

func (f *fakeSessions) ask(what ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, strings.Join(what, " "))
	return f.err
}

func (f *fakeSessions) OpenToken(token string) (tenant, site, session string, expires time.Time, ok bool) {
	parts := strings.Split(strings.TrimPrefix(token, sessionTokenOfCustomer), ".")
	if len(parts) != 3 {
		return "", "", "", expires, false
	}
	return parts[0], parts[1], parts[2], time.Now().Add(time.Hour), true
}

func (f *fakeSessions) Site(_, name string) (*usherv1.Site, bool) {
	site, ok := f.sites[name]
	return site, ok
}

func (f *fakeSessions) OriginListed(origin string) bool {
	return origin == "https://shop.example.com" || origin == "https://other.example.com"
}

func (f *fakeSessions) Offer(_ context.Context, _ string, site *usherv1.Site) (*usherv1.GetSiteResponse, error) {
	return &usherv1.GetSiteResponse{Title: site.GetName()}, f.ask("offer", site.GetName())
}

func (f *fakeSessions) CreateCustomerToken(tenant string, r *usherv1.CreateCustomerTokenRequest) (*usherv1.CreateCustomerTokenResponse, error) {
	return &usherv1.CreateCustomerTokenResponse{Token: "usc_made"}, f.ask("token", tenant, r.GetSite())
}

func (f *fakeSessions) Launched(_ string, _ *usherv1.Site, r *usherv1.RequestLaunchSession) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return "s-" + r.GetReferenceId(), f.known[r.GetReferenceId()]
}

func (f *fakeSessions) Launch(_ context.Context, tenant string, site *usherv1.Site, r *usherv1.RequestLaunchSession) (*usherv1.EventSessionLaunched, error) {
	if r.GetReferenceId() != "" {
		f.mu.Lock()
		f.known[r.GetReferenceId()] = true
		f.mu.Unlock()
	}
	return &usherv1.EventSessionLaunched{SessionId: "s-1"}, f.ask("launch", tenant, site.GetName())
}

func (f *fakeSessions) Events(ctx context.Context, tenant, session string, _ uint64, send func(*usherv1.SessionEvent) error) error {
	if err := f.ask("events", tenant, session); err != nil {
		return err
	}
	err := send(&usherv1.SessionEvent{Sequence: 7})
	if f.hold {
		<-ctx.Done()
	}
	return err
}

func (f *fakeSessions) SendLine(_ context.Context, tenant, session string, _ *usherv1.RequestSendLine) (*usherv1.EventAck, error) {
	return &usherv1.EventAck{}, f.ask("line", tenant, session)
}

func (f *fakeSessions) Typing(_ context.Context, tenant, session string, _ *usherv1.RequestCustomerTyping) error {
	return f.ask("typing", tenant, session)
}

func (f *fakeSessions) Drop(_ context.Context, tenant, session string, _ *usherv1.RequestDropSession) (*usherv1.EventAck, error) {
	return &usherv1.EventAck{}, f.ask("drop", tenant, session)
}

func (f *fakeSessions) Upload(_ context.Context, tenant, interaction string, as engine.Participant, address, name string, from io.Reader) (*usherv1.Attachment, error) {
	content, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	return &usherv1.Attachment{Id: "abc", Name: name, ContentType: "text/plain", Size: int64(len(content))},
		f.ask("upload", tenant, interaction, as.ID, address, name, string(content))
}

func (f *fakeSessions) Has(_ context.Context, _, interaction string) (bool, error) {
	return strings.HasPrefix(interaction, "s-"), nil
}

func (f *fakeSessions) Uploaded(_ context.Context, _, interaction string, _ engine.Participant, said *usherv1.Attachment) (*usherv1.Attachment, error) {
	if said.GetId() != "abc" {
		return nil, &center.Refused{Err: &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT}}
	}
	return &usherv1.Attachment{Id: "abc", Name: "of " + interaction}, nil
}

func (f *fakeSessions) Download(_ context.Context, tenant, interaction string, as engine.Participant, id string) (*usherv1.Attachment, *os.File, error) {
	if err := f.ask("download", tenant, interaction, as.ID, id); err != nil {
		return nil, nil, err
	}
	file, err := os.Open(f.dir + "/" + id)
	if err != nil {
		return nil, nil, &center.Refused{Err: &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT}}
	}
	info, err := file.Stat()
	return &usherv1.Attachment{Id: id, Name: `smile "☺".png`, ContentType: "image/png", Size: info.Size()}, file, err
}

func (f *fakeSessions) Counts() (sessions, streams int) { return 2, 3 }

// siteServer is a server with the sessions of the fake.
type siteServer struct {
	t        *testing.T
	url      string
	server   *Server
	sessions *fakeSessions
	center   *fakeCenter
}

func serveSite(t *testing.T, limits Limits) *siteServer {
	t.Helper()
	s := &siteServer{t: t, sessions: newFakeSessions(), center: newFake()}
	s.sessions.dir = t.TempDir()
	s.server, s.url = serve(t, Options{Center: s.center, Sessions: s.sessions, Limits: limits})
	return s
}

// send sends a request; headers are pairs.
func (s *siteServer) send(method, path, body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for n := 0; n < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(text)
}

// call calls a method of customers and gives the status.
func (s *siteServer) call(method, body string, headers ...string) (int, string) {
	s.t.Helper()
	answer, text := s.send(http.MethodPost, "/usher.v1.InternetCallManager/"+method, body, headers...)
	return answer.StatusCode, text
}

const asCustomer = "Bearer " + fakeCustomer

// TestOrigins: a page may show the sites that list it, and no others.
func TestOrigins(t *testing.T) {
	s := serveSite(t, Limits{})
	for _, try := range []struct {
		origin, site string
		status       int
		allow        string
	}{
		{"", "shop", 200, ""},
		{s.url, "shop", 200, ""},
		{"https://shop.example.com", "shop", 200, "https://shop.example.com"},
		{"https://other.example.com", "shop", 403, "https://other.example.com"},
		{"https://other.example.com", "other", 200, "https://other.example.com"},
		{"https://shop.example.com.evil.example", "shop", 403, ""},
		{"http://shop.example.com", "shop", 403, ""},
		{"null", "shop", 403, ""},
		{"https://evil.example", "shop", 403, ""},
	} {
		var headers []string
		if try.origin != "" {
			headers = []string{"Origin", try.origin}
		}
		calls := map[string][]string{"GetSite": headers, "LaunchSession": headers}
		if try.site == "shop" {
			for _, method := range []string{"SendLine", "CustomerTyping", "DropSession"} {
				calls[method] = append(slices.Clone(headers), "Authorization", asCustomer)
			}
		}
		for method, headers := range calls {
			if method == "LaunchSession" {
				headers = append(headers, "X-Forwarded-Host", "evil.example")
			}
			answer, text := s.send(http.MethodPost, "/usher.v1.InternetCallManager/"+method, `{"site":"`+try.site+`","customerToken":"usc_x"}`, headers...)
			if answer.StatusCode != try.status || answer.Header.Get("Access-Control-Allow-Origin") != try.allow || answer.Header.Get("Vary") == "" {
				t.Errorf("%s of %s from %s: %d %v %s", method, try.site, try.origin, answer.StatusCode, answer.Header, text)
			}
			if try.status == 403 && !strings.Contains(text, try.origin) {
				t.Errorf("the refusal does not name the origin: %s", text)
			}
			if answer.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are allowed")
			}
		}
	}
}

// TestPreflight: a browser asks before it lets another page's script call.
func TestPreflight(t *testing.T) {
	s := serveSite(t, Limits{})
	for _, try := range []struct {
		path, origin string
		allowed      bool
	}{
		{"/usher.v1.InternetCallManager/SessionEvents", "https://shop.example.com", true},
		{"/sessions/attachments", "https://shop.example.com", true},
		{"/sessions/attachments/abc", "https://other.example.com", true},
		{"/usher.v1.InternetCallManager/SessionEvents", "https://evil.example", false},
		{"/sessions/attachments", "https://evil.example", false},
		{"/usher.v1.InternetCallManager/CreateCustomerToken", "https://shop.example.com", false},
		{"/usher.v1.InteractionManagement/Submit", "https://shop.example.com", false},
		{"/usher.v1.Authentication/OpenSession", "https://shop.example.com", false},
	} {
		answer, _ := s.send(http.MethodOptions, try.path, "", "Origin", try.origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,connect-protocol-version")
		h := answer.Header
		got := answer.StatusCode == http.StatusNoContent && h.Get("Access-Control-Allow-Origin") == try.origin &&
			strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") && strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST")
		if got != try.allowed || !try.allowed && h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s from %s: %d %v", try.path, try.origin, answer.StatusCode, h)
		}
	}
}

// TestCustomerTokens: a site's key is good for that site alone.
func TestCustomerTokens(t *testing.T) {
	s := serveSite(t, Limits{})
	s.center.keys[center.Hash(HashCredential("usk_site"))] = &usherv1.ApiKey{Id: "k", TenantId: DefaultTenant, Name: "shop", Role: usherv1.Role_ROLE_SITE, Site: "shop"}
	for site, want := range map[string]int{"": 200, "shop": 200, "other": 403} {
		if status, text := s.call("CreateCustomerToken", `{"site":"`+site+`"}`, "Authorization", "Bearer usk_site"); status != want {
			t.Errorf("for %q: %d %s", site, status, text)
		}
	}
	if !slices.Equal(s.sessions.asked, []string{"token default shop", "token default shop"}) {
		t.Errorf("asked: %q", s.sessions.asked)
	}
}

// TestForgedTokens: what is no token of a session gets nothing.
func TestForgedTokens(t *testing.T) {
	s := serveSite(t, Limits{})
	for _, token := range []string{"uss_", "uss_abc", "usc_default.shop.s-1", "ust_default.shop.s-1", strings.Repeat("uss_.", 300)} {
		for _, method := range []string{"SendLine", "DropSession", "CustomerTyping"} {
			if status, text := s.call(method, `{}`, "Authorization", "Bearer "+token); status != 401 {
				t.Errorf("%s with %.20q: %d %s", method, token, status, text)
			}
		}
	}
	if status, _ := s.call("SendLine", `{}`, "Authorization", "Bearer uss_default.gone.s-1"); status != 403 {
		t.Errorf("of a site that is no more: %d", status)
	}
	if len(s.sessions.asked) != 0 {
		t.Errorf("asked: %q", s.sessions.asked)
	}
}

// TestFloods: customers have limits, each his own.
func TestFloods(t *testing.T) {
	s := serveSite(t, Limits{LinesPerSecond: 1e-9, LineBurst: 3, TypingPerSecond: 1e-9, VisitorsPerSecond: 1e-9, VisitorBurst: 10})
	for n := range 5 {
		want := 200
		if n >= 3 {
			want = 429
		}
		if status, text := s.call("SendLine", `{}`, "Authorization", asCustomer); status != want {
			t.Errorf("line %d: %d %s", n, status, text)
		}
		if status, text := s.call("CustomerTyping", `{}`, "Authorization", asCustomer); status != 200 {
			t.Errorf("typing %d: %d %s", n, status, text)
		}
		if status, text := s.call("LaunchSession", `{"site":"shop"}`); status != want {
			t.Errorf("anonymous session %d: %d %s", n, status, text)
		}
	}
	if status, _ := s.call("SendLine", `{}`, "Authorization", "Bearer uss_default.shop.s-2"); status != 200 {
		t.Errorf("another session's line: %d", status)
	}
	for n := range 7 {
		want := 200
		if n >= 5 {
			want = 429
		}
		if status, text := s.call("LaunchSession", `{"site":"shop","customerToken":"usc_x"}`); status != want {
			t.Errorf("session with a token %d: %d %s", n, status, text)
		}
	}
	asked := map[string]int{}
	for _, what := range s.sessions.asked {
		asked[what]++
	}
	if asked["typing default s-1"] != typingBurst || asked["launch default shop"] != 8 || asked["line default s-1"] != 3 {
		t.Errorf("asked: %v", asked)
	}
	if status, text := s.call("SendLine", `{"line":{"text":"`+strings.Repeat("x", 1<<20)+`"}}`, "Authorization", "Bearer uss_default.shop.s-3"); status != 429 || !strings.Contains(text, "larger than") {
		t.Errorf("a line of 1 MB: %d %.300s", status, text)
	}
}

// TestRepeatedLaunch: a page that asks again for its session takes nothing from
// the allowance of its address, and yet can't do so without end.
func TestRepeatedLaunch(t *testing.T) {
	s := serveSite(t, Limits{})
	launch := func(what, reference string, want int) {
		t.Helper()
		if status, text := s.call("LaunchSession", `{"site":"shop","referenceId":"`+strings.Repeat(reference, 16)+`"}`); status != want {
			t.Errorf("%s: %d %s", what, status, text)
		}
	}
	launch("the first", "a", 200)
	for range 3 {
		launch("the first again", "a", 200)
	}
	launch("the second", "b", 200)
	launch("the first a fifth time, which counts", "a", 200)
	launch("the third", "c", 429)
	launch("the second again", "b", 200)
	launch("the first a sixth time", "a", 429)
	if status, text := s.call("LaunchSession", `{"site":"shop","referenceId":"123456789012345"}`); status != 400 || !strings.Contains(text, "15 bytes, at least 16") {
		t.Errorf("what can be guessed: %d %s", status, text)
	}
}

// TestReferenceIDsOfCustomers: no method of customers takes a reference id that
// is too long.
func TestReferenceIDsOfCustomers(t *testing.T) {
	s := serveSite(t, Limits{})
	tried := 0
	methods := usherv1.File_usher_v1_session_proto.Services().ByName("InternetCallManager").Methods()
	for n := range methods.Len() {
		method := methods.Get(n)
		field := method.Input().Fields().ByName("reference_id")
		allowed := s.server.permissions[procedure(method)]
		if field == nil || !allowed.anonymous && !allowed.allows(usherv1.Role_ROLE_CUSTOMER) {
			continue
		}
		if method.IsStreamingClient() || method.IsStreamingServer() {
			t.Fatalf("%s: say how to try it", method.Name())
		}
		for length, refused := range map[int]bool{128: false, 129: true, 100_000: true} {
			reference := strings.Repeat("x", length)
			status, text := s.call(string(method.Name()), `{"site":"shop","`+field.JSONName()+`":"`+reference+`"}`, "Authorization", asCustomer)
			if got := status == 400 && strings.Contains(text, "reference_id"); got != refused || strings.Contains(text, reference) && refused {
				t.Errorf("%s, %d bytes: %d %.300s", method.Name(), length, status, text)
			}
		}
		tried++
	}
	if tried < 3 {
		t.Errorf("%d methods were tried", tried)
	}
}

// TestAttachmentsByHTTP: who may send and fetch files, and how they are given.
func TestAttachmentsByHTTP(t *testing.T) {
	s := serveSite(t, Limits{})
	if err := os.WriteFile(s.sessions.dir+"/abc", []byte("\x89PNG"), 0o600); err != nil {
		t.Fatal(err)
	}
	agent, media := "Bearer "+s.center.agent(DefaultTenant, "ann", false), "Bearer "+s.center.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA)
	for _, try := range []struct {
		method, path, credential string
		status                   int
		asked                    string
	}{
		{"POST", "/sessions/attachments", asCustomer, 200, "upload default s-1 sessions 127.0.0.1 smile ☺.png hello"},
		{"POST", "/sessions/attachments?interaction_id=s-1", asCustomer, 200, "upload default s-1 sessions 127.0.0.1 smile ☺.png hello"},
		{"POST", "/sessions/attachments?interaction_id=s-2", asCustomer, 403, ""},
		{"POST", "/sessions/attachments?interaction_id=s-2", agent, 200, "upload default s-2 ann 127.0.0.1 smile ☺.png hello"},
		{"POST", "/sessions/attachments", agent, 400, ""},
		{"POST", "/sessions/attachments?interaction_id=s-1", media, 403, ""},
		{"POST", "/sessions/attachments", "", 401, ""},
		{"POST", "/sessions/attachments", "Bearer uss_forged", 401, ""},
		{"GET", "/sessions/attachments/abc", asCustomer, 200, "download default s-1 sessions abc"},
		{"GET", "/sessions/attachments/abc?interaction_id=s-9", agent, 200, "download default s-9 ann abc"},
		{"GET", "/sessions/attachments/..%2fabc", asCustomer, 404, "download default s-1 sessions ../abc"},
		{"GET", "/sessions/attachments/none", asCustomer, 404, "download default s-1 sessions none"},
		{"GET", "/sessions/attachments", asCustomer, 400, ""},
		{"DELETE", "/sessions/attachments/abc", asCustomer, 400, ""},
	} {
		s.sessions.asked = nil
		headers := []string{"Content-Type", "image/png", "X-Usher-File-Name", "smile%20%E2%98%BA.png"}
		if try.credential != "" {
			headers = append(headers, "Authorization", try.credential)
		}
		answer, text := s.send(try.method, try.path, "hello", headers...)
		if answer.StatusCode != try.status || strings.Join(s.sessions.asked, ",") != try.asked {
			t.Errorf("%s %s: %d %q %s", try.method, try.path, answer.StatusCode, s.sessions.asked, text)
		}
	}
	for query, disposition := range map[string]string{"": "attachment", "?inline=1": "inline"} {
		answer, text := s.send("GET", "/sessions/attachments/abc"+query, "", "Authorization", asCustomer)
		h := answer.Header
		if text != "\x89PNG" || h.Get("Content-Type") != "image/png" || h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || !strings.HasPrefix(h.Get("Content-Disposition"), disposition+";") {
			t.Errorf("%q %v", text, h)
		}
	}
}

// TestAgentSaysAttachment: what an agent says of a file does not count.
func TestAgentSaysAttachment(t *testing.T) {
	s := serveSite(t, Limits{})
	agent := "Bearer " + s.center.agent(DefaultTenant, "ann", false)
	for _, try := range []struct {
		interaction, id, name string // as it reaches the center
		status                int
	}{{"s-1", "abc", "of s-1", 200}, {"s-1", "other", "", 400}, {"mail-1", "other", "x.exe", 200}} {
		before := len(s.center.requests())
		answer, text := s.send("POST", "/usher.v1.InteractionManagement/AddLine",
			`{"interactionId":"`+try.interaction+`","line":{"attachment":{"id":"`+try.id+`","name":"x.exe"}}}`, "Authorization", agent)
		asked := s.center.requests()[before:]
		if answer.StatusCode != try.status || (len(asked) == 1) != (try.status == 200) {
			t.Errorf("%v: %d %s", try, answer.StatusCode, text)
		}
		if len(asked) == 1 && asked[0].Body.(*usherv1.RequestAddLine).GetLine().GetAttachment().GetName() != try.name {
			t.Errorf("%v: %v", try, asked[0].Body)
		}
	}
}
