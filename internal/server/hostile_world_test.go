package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/internal/configfile"
	"github.com/usher-cc/usher/media"
)

// The codes with which hostile requests are refused, in short.
const (
	fine            = usherv1.ErrorCode_ERROR_CODE_UNSPECIFIED // it is not refused
	unauthenticated = usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED
	denied          = usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED
	invalid         = usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT
	tooLarge        = usherv1.ErrorCode_ERROR_CODE_TOO_LARGE
	tooMany         = usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS
	stopped         = usherv1.ErrorCode_ERROR_CODE_ALREADY_STOPPED
	notAParty       = usherv1.ErrorCode_ERROR_CODE_NOT_A_PARTY
	unknown         = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION
	unknownObject   = usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT
	unsupportedFile = usherv1.ErrorCode_ERROR_CODE_UNSUPPORTED_ATTACHMENT
)

// The methods by which the world is asked, in short.
const (
	icm  = "/usher.v1.InternetCallManager/"
	im   = "/usher.v1.InteractionManagement/"
	stat = "/usher.v1.Statistics/"
	file = "/sessions/attachments"
)

const password = "the agents' password"

// hostileConfiguration is that of every tenant of the world.
const hostileConfiguration = `
media_types:
  - {name: chat, default_capacity: 20}
  - {name: task, offline: true}
agent_groups:
  - {name: support}
agents:
  - {agent_id: agent-id-of-ada, name: Ada, agent_groups: [support], password: "` + password + `"}
  - {agent_id: agent-id-of-bob, name: Bob, password: "` + password + `"}
  - {agent_id: agent-id-of-cyd, name: Cyd, supervisor: true, password: "` + password + `"}
queues:
  - {name: queue-of-chats, strategy: longest-idle, agent_group: support}
request_types:
  - {name: chat, media_type: chat, queue: queue-of-chats}
  - {name: callback, media_type: task, queue: queue-of-chats, callback: true}
sites:
  - {name: shop, origins: ["https://shop.example.com"], request_types: [chat, callback], anonymous: true, anonymous_sessions_per_minute: 1000}
  - {name: members, origins: ["https://members.example.com:8443"], request_types: [chat]}
  - {name: slow, request_types: [chat], anonymous: true, anonymous_sessions_per_minute: 3}
`

// hostileWorld is a server with two tenants, default and other, of the same
// configuration, and a log that is kept.
type hostileWorld struct {
	t    *testing.T
	s    *Server
	dir  string
	log  *logged
	keys DevKeys
	http *http.Client
}

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newHostileWorld(t *testing.T, limits edge.Limits, sessions media.Limits) *hostileWorld {
	t.Helper()
	limits.PasswordKiB = 64
	w := &hostileWorld{t: t, dir: t.TempDir(), log: &logged{}, http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(w.http.CloseIdleConnections)
	w.s = start(t, Config{
		DataDir: w.dir, Limits: limits, Sessions: sessions,
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	var err error
	if w.keys, err = w.s.SetUpForDevelopment(t.Context()); err != nil {
		t.Fatal(err)
	}
	admin := dial(t, w.s, client.WithAPIKey(w.keys.Admin)).Administration()
	if _, err := admin.CreateTenant(t.Context(), &usherv1.CreateTenantRequest{TenantId: "other"}); err != nil {
		t.Fatal(err)
	}
	for tenant, version := range map[string]uint64{edge.DefaultTenant: 1, "other": 0} {
		configuration, _, err := configfile.Parse("hostile.yaml", []byte(hostileConfiguration))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.ApplyConfiguration(t.Context(), &usherv1.ApplyConfigurationRequest{
			TenantId: tenant, Configuration: configuration, ExpectedVersion: version,
		}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// key makes an API key of the tenant default.
func (w *hostileWorld) key(name string, role usherv1.Role, site string) string {
	w.t.Helper()
	made, err := dial(w.t, w.s, client.WithAPIKey(w.keys.Admin)).Administration().
		CreateApiKey(w.t.Context(), &usherv1.CreateApiKeyRequest{Name: name, Role: role, Site: site})
	if err != nil {
		w.t.Fatal(err)
	}
	return made.GetKey()
}

// login gives an agent's token.
func (w *hostileWorld) login(tenant, agent string) string {
	w.t.Helper()
	opened, err := dial(w.t, w.s).Authentication().
		OpenSession(w.t.Context(), &usherv1.OpenSessionRequest{TenantId: tenant, AgentId: agent, Password: password})
	if err != nil {
		w.t.Fatal(err)
	}
	return opened.GetToken()
}

// customer is somebody with a session.
type customer struct{ id, token string }

func (w *hostileWorld) launch(r *usherv1.RequestLaunchSession) customer {
	w.t.Helper()
	if r.GetSite() == "" {
		r.Site = "shop"
	}
	launched, err := dial(w.t, w.s).InternetCallManager().LaunchSession(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return customer{launched.GetSessionId(), launched.GetSessionToken()}
}

// answer is what a request came to.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request as it is; headers are pairs.
func (w *hostileWorld) send(method, path, credential, body string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.s.URL()+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if credential != "" {
		r.Header.Set("Authorization", "Bearer "+credential)
	}
	for n := 0; n < len(headers); n += 2 {
		if r.Header.Set(headers[n], headers[n+1]); headers[n] == "Host" {
			r.Host = headers[n+1]
		}
	}
	got, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

// call calls a method with JSON.
func (w *hostileWorld) call(procedure, credential, body string, headers ...string) answer {
	w.t.Helper()
	return w.send(http.MethodPost, procedure, credential, body, headers...)
}

// ask calls a method with a message.
func (w *hostileWorld) ask(procedure, credential string, request proto.Message) answer {
	w.t.Helper()
	body, err := protojson.Marshal(request)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.call(procedure, credential, string(body))
}

// refusal is the error that an answer carries.
func (a answer) refusal() *usherv1.EventError {
	if a.status == http.StatusOK || a.status == http.StatusNoContent {
		return &usherv1.EventError{}
	}
	return refusalOf([]byte(a.body))
}

// refusalOf is the error in the JSON of the protocol; INTERNAL if there is none.
func refusalOf(body []byte) *usherv1.EventError {
	var carried struct {
		Details []struct{ Value string }
	}
	e := &usherv1.EventError{}
	if err := json.Unmarshal(body, &carried); err != nil || len(carried.Details) != 1 {
		return &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_INTERNAL, Description: "no EventError: " + string(body)}
	}
	raw, err := base64.RawStdEncoding.DecodeString(carried.Details[0].Value)
	if err = errors.Join(err, proto.Unmarshal(raw, e)); err != nil {
		return &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_INTERNAL, Description: err.Error()}
	}
	return e
}

// refused holds that an answer is a refusal with one of the codes, in few words.
func (w *hostileWorld) refused(what string, a answer, codes ...usherv1.ErrorCode) {
	w.t.Helper()
	got := a.refusal()
	for _, code := range codes {
		if got.GetCode() == code {
			if code != fine {
				w.discreet(what, a.body)
			}
			return
		}
	}
	w.t.Errorf("%s: %d %v %.300s, want %v", what, a.status, got, a.body, codes)
}

// refusalMaxBytes is how long a refusal may be: nobody gets what he sent back,
// or more than he sent.
const refusalMaxBytes = 16 << 10

// discreet holds that a refusal says nothing of the machine and of other people.
func (w *hostileWorld) discreet(what, text string) {
	w.t.Helper()
	if len(text) > refusalMaxBytes {
		w.t.Errorf("%s: a refusal of %d bytes: %.200s", what, len(text), text)
	}
	decoded := text + refusalOf([]byte(text)).GetDescription()
	for _, secret := range []string{w.dir, filepath.Base(w.dir) + "/", os.TempDir() + "/", "sessions.key", ".go:", "goroutine", password, "uss_", "usc_", "ust_", "usk_"} {
		if strings.Contains(decoded, secret) {
			w.t.Errorf("%s: the refusal has %q: %s", what, secret, decoded)
		}
	}
}

// unmoved holds that the journal does not move meanwhile.
func (w *hostileWorld) unmoved(do func()) {
	w.t.Helper()
	before := w.s.Center().Status().Durable
	do()
	if after := w.s.Center().Status().Durable; after != before {
		w.t.Errorf("the journal moved from %d to %d", before, after)
	}
}

// ear is what a customer's browser receives, to the byte.
type ear struct {
	mu     sync.Mutex
	raw    bytes.Buffer
	events chan *usherv1.SessionEvent
	end    *usherv1.EventError // set when events is closed
	close  context.CancelFunc
}

// hear opens a customer's stream.
func (w *hostileWorld) hear(token string, after uint64) *ear {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	request := fmt.Sprintf(`{"afterSequence":"%d"}`, after)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.s.URL()+icm+"SessionEvents",
		strings.NewReader(string(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(request))))+request))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/connect+json")
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	e := &ear{events: make(chan *usherv1.SessionEvent, 1000), close: cancel}
	if answer.StatusCode != http.StatusOK {
		w.t.Fatal(answer.Status)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = answer.Body.Close() }()
		e.read(answer.Body)
	}()
	w.t.Cleanup(func() { cancel(); <-done })
	return e
}

func (e *ear) read(from io.Reader) {
	defer close(e.events)
	for {
		var head [5]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		message := make([]byte, binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(from, message); err != nil {
			return
		}
		e.mu.Lock()
		e.raw.Write(message)
		e.mu.Unlock()
		if head[0]&2 != 0 { // the end of the stream
			var end struct{ Error json.RawMessage }
			if json.Unmarshal(message, &end) == nil && end.Error != nil {
				e.end = refusalOf(end.Error)
			}
			return
		}
		event := &usherv1.SessionEvent{}
		if protojson.Unmarshal(message, event) == nil {
			e.events <- event
		}
	}
}

// until receives until a message for which is is true.
func (e *ear) until(t *testing.T, is func(*usherv1.SessionEvent) bool) *usherv1.SessionEvent {
	t.Helper()
	for event := range e.events {
		if is(event) {
			return event
		}
	}
	t.Fatalf("the stream ended before: %v", e.end)
	return nil
}

// line receives until a line with a text.
func (e *ear) line(t *testing.T, text string) *usherv1.SessionEvent {
	t.Helper()
	return e.until(t, func(ev *usherv1.SessionEvent) bool { return ev.GetLine().GetLine().GetText() == text })
}

// received is everything that came, to the byte.
func (e *ear) received() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.raw.String()
}

// desk is an agent who works.
type desk struct {
	*client.AgentSession
	t      *testing.T
	token  string
	events chan *usherv1.Event
}

// sit lets an agent of the tenant default work; ready is for which media.
func (w *hostileWorld) sit(agent string, ready ...string) *desk {
	w.t.Helper()
	return w.sitIn(edge.DefaultTenant, agent, ready...)
}

func (w *hostileWorld) sitIn(tenant, agent string, ready ...string) *desk {
	w.t.Helper()
	d := &desk{t: w.t, token: w.login(tenant, agent), events: make(chan *usherv1.Event, 1000)}
	login := client.Login{Media: []*usherv1.MediaLogin{client.NotReady("chat")}}
	if len(ready) != 0 {
		login.Media = []*usherv1.MediaLogin{client.Ready(ready[0])}
	}
	var err error
	if d.AgentSession, err = dial(w.t, w.s, client.WithToken(d.token)).Agent(w.t.Context(), login); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(d.events)
		for event, err := range d.Events(ctx) {
			if err != nil {
				return
			}
			d.events <- event
		}
	}()
	w.t.Cleanup(func() { cancel(); <-done })
	d.until(func(*usherv1.Event) bool { return true }) // the stream is open
	return d
}

// until receives until a message for which is is true.
func (d *desk) until(is func(*usherv1.Event) bool) *usherv1.Event {
	d.t.Helper()
	for event := range d.events {
		if is(event) {
			return event
		}
	}
	d.t.Fatal("the agent's stream ended before")
	return nil
}

// accept takes the invitation to an interaction.
func (d *desk) accept(interaction string) *usherv1.Event {
	d.t.Helper()
	invite := d.until(func(ev *usherv1.Event) bool {
		return ev.GetEventInvite() != nil && ev.GetInteractionId() == interaction
	})
	if err := d.Accept(d.t.Context(), invite.GetEventInvite().GetTicket()); err != nil {
		d.t.Fatal(err)
	}
	return invite
}
