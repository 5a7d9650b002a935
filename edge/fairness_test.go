package edge

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
)

// begin waits for the first message of a stream.
func begin[T any](stream *connect.ServerStreamForClient[T], err error) error {
	if err == nil && !stream.Receive() {
		err = stream.Err()
	}
	return err
}

// TestCustomersLeaveStreams: however many streams customers have open, agents
// and applications find theirs, and the other way round.
func TestCustomersLeaveStreams(t *testing.T) {
	s := serveSite(t, Limits{CustomerStreams: 2, Streams: 3})
	s.sessions.hold = true
	client := h2c(t)
	browse := func(session int) error {
		token := fmt.Sprint(sessionTokenOfCustomer, "default.shop.s-", session)
		icm := usherv1connect.NewInternetCallManagerClient(client, s.url, withCredential(token))
		return begin(icm.SessionEvents(t.Context(), &usherv1.RequestSessionEvents{}))
	}
	work := func(role usherv1.Role) error {
		credential := s.center.agent(DefaultTenant, "ann", role == usherv1.Role_ROLE_SUPERVISOR)
		if role == usherv1.Role_ROLE_MEDIA {
			credential = s.center.key(DefaultTenant, "chat", role)
		}
		im := usherv1connect.NewInteractionManagementClient(client, s.url, connect.WithGRPC(), withCredential(credential))
		return begin(im.Events(t.Context(), &usherv1.RequestEvents{}))
	}
	for n := range 4 {
		err := browse(n)
		if full := eventErrorOf(err).GetCode() == usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS; full != (n >= 2) {
			t.Errorf("customer %d: %v", n, err)
		}
	}
	for _, role := range []usherv1.Role{usherv1.Role_ROLE_AGENT, usherv1.Role_ROLE_SUPERVISOR, usherv1.Role_ROLE_MEDIA} {
		if err := work(role); err != nil {
			t.Errorf("%v beside all customers: %v", role, err)
		}
	}
	if err := work(usherv1.Role_ROLE_AGENT); eventErrorOf(err).GetCode() != usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS {
		t.Errorf("an agent too many: %v", err)
	}
}

// TestAnybodyLeavesStreams: streams that need no credential have limits of
// their own.
func TestAnybodyLeavesStreams(t *testing.T) {
	s := serveSite(t, Limits{Streams: 1})
	client := h2c(t)
	watch := connect.NewClient[wrapperspb.StringValue, wrapperspb.Int32Value](client, s.url+"/grpc.health.v1.Health/Watch", connect.WithGRPC())
	for n := range anybodyStreamsEach + 1 {
		err := begin(watch.CallServerStream(t.Context(), connect.NewRequest(wrapperspb.String(""))))
		if full := connect.CodeOf(err) == connect.CodeResourceExhausted; err != nil && !full || full != (n == anybodyStreamsEach) {
			t.Fatalf("watcher %d: %v", n, err)
		}
	}
	im := usherv1connect.NewInteractionManagementClient(client, s.url, connect.WithGRPC(), withCredential(s.center.agent(DefaultTenant, "ann", false)))
	if err := begin(im.Events(t.Context(), &usherv1.RequestEvents{})); err != nil {
		t.Errorf("an agent beside all watchers: %v", err)
	}
}

// TestCustomersLeaveRates: more customers than are told apart share an
// allowance, with no agent.
func TestCustomersLeaveRates(t *testing.T) {
	s := serveSite(t, Limits{AgentPerSecond: 1e-9, AgentBurst: 1, LinesPerSecond: 1e-9, LineBurst: 1})
	for n := range limitersMax + 2 {
		who := &caller{tenant: DefaultTenant, role: usherv1.Role_ROLE_CUSTOMER}
		who.from.ID = fmt.Sprint("s-", n)
		s.server.inRate(who)
		s.server.lineRate.allow(who.limitKey())
	}
	agent := "Bearer " + s.center.agent(DefaultTenant, "ann", false)
	if answer, text := s.send("POST", "/sessions/attachments?interaction_id=s-1", "hello", "Authorization", agent); answer.StatusCode != 200 {
		t.Errorf("an agent's file: %d %s", answer.StatusCode, text)
	}
}

// TestUploadsOfAnAddress: one address sends so many files at once, in however
// many sessions. An agent who is there too is no customer.
func TestUploadsOfAnAddress(t *testing.T) {
	s := serveSite(t, Limits{})
	var ends []*io.PipeWriter
	var sent sync.WaitGroup
	for n := range uploadsEach {
		in, out := io.Pipe()
		ends = append(ends, out)
		r, err := http.NewRequest(http.MethodPost, s.url+attachmentsPath, in)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", fmt.Sprint("Bearer ", sessionTokenOfCustomer, "default.shop.s-", n))
		sent.Go(func() {
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = answer.Body.Close()
		})
		if _, err := out.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for n := 0; ; n++ { // the server hears of the last in its own time
		token := fmt.Sprint("Bearer ", sessionTokenOfCustomer, "default.shop.t-", n)
		if answer, text := s.send("POST", attachmentsPath, "x", "Authorization", token); answer.StatusCode == 429 {
			break
		} else if answer.StatusCode != 200 {
			t.Fatal(text)
		}
	}
	agent := "Bearer " + s.center.agent(DefaultTenant, "ann", false)
	if answer, text := s.send("POST", attachmentsPath+"?interaction_id=s-1", "x", "Authorization", agent); answer.StatusCode != 200 {
		t.Errorf("an agent's file: %d %s", answer.StatusCode, text)
	}
	for _, end := range ends {
		_ = end.Close()
	}
	sent.Wait()
	if answer, text := s.send("POST", attachmentsPath, "x", "Authorization", "Bearer "+sessionTokenOfCustomer+"default.shop.late"); answer.StatusCode != 200 {
		t.Errorf("when they are done: %d %s", answer.StatusCode, text)
	}
}

// TestStrangersLockNobodyOut: whoever tries an agent's password from elsewhere
// does not keep him from logging in where he always does.
func TestStrangersLockNobodyOut(t *testing.T) {
	fake := newFake()
	s := New(Options{Center: fake, Limits: Limits{LoginBurstAgent: 2, LoginsPerAgent: 1e-9, LoginsWaiting: 1, PasswordKiB: 64}})
	hash, err := s.passwords.hash(t.Context(), "right")
	if err != nil {
		t.Fatal(err)
	}
	fake.logins["default/ann"] = center.Login{PasswordHash: hash}
	try := func(what, peer, password string, want usherv1.ErrorCode) string {
		t.Helper()
		ctx := context.WithValue(t.Context(), callerKey{}, &caller{peer: peer})
		opened, err := authentication{s}.OpenSession(ctx, &usherv1.OpenSessionRequest{AgentId: "ann", Password: password})
		if codeOf(err) != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		return opened.GetToken()
	}
	const wrong, many = usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS
	token := try("at home", "home", "right", 0)
	try("a stranger", "a", "wrong", wrong)
	try("strangers, too often", "b", "wrong", many)
	try("with the right password", "c", "right", many)
	try("at home again", "home", "right", 0)
	try("at home, too often", "home", "wrong", many)

	// Where his session is good he is at home, too.
	r := http.Header{"Authorization": {"Bearer " + token}}
	if refusal := s.recognized(r, &caller{peer: "train"}); refusal != nil {
		t.Fatal(refusal)
	}
	try("where he has a session", "train", "right", 0)

	// Strangers' passwords wait in a line of their own.
	if _, err := s.passwords.strangers.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range cap(s.passwords.strangers.working) - 1 {
		s.passwords.strangers.working <- struct{}{}
	}
	s.passwords.strangers.waiting <- struct{}{}
	fake.logins["default/bob"] = center.Login{PasswordHash: hash}
	ctx := context.WithValue(t.Context(), callerKey{}, &caller{peer: "home"})
	if _, err := (authentication{s}).OpenSession(ctx, &usherv1.OpenSessionRequest{AgentId: "bob", Password: "right"}); codeOf(err) != many {
		t.Errorf("a stranger when all wait: %v", err)
	}
	try("an agent when all strangers wait", "train", "right", 0)
}

// TestHomes: so many addresses of an agent are remembered, the latest.
func TestHomes(t *testing.T) {
	var h homes
	for n := range homesEach {
		h.note("t", "ann", fmt.Sprint(n))
	}
	h.note("t", "ann", "0") // is the latest again
	h.note("t", "ann", "new")
	h.note("t", "bob", "b")
	for address, want := range map[string]bool{"0": true, "1": false, "2": true, "new": true, "b": false} {
		if got := h.has("t", "ann", address); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}

// TestStrangersMakeRoom: for a connection above the limit a stranger's goes, and
// never an agent's.
func TestStrangersMakeRoom(t *testing.T) {
	for name, set := range map[string]func(*http.Protocols, bool){"HTTP/1": (*http.Protocols).SetHTTP1, "HTTP/2": (*http.Protocols).SetUnencryptedHTTP2} {
		t.Run(name, func(t *testing.T) {
			fake := newFake()
			credential := withCredential(fake.agent(DefaultTenant, "ann", false))
			protocols := new(http.Protocols)
			set(protocols, true)
			inBubbleWith(t, fake, Limits{Connections: 3}, protocols, func(t *testing.T, _ *Server, client *http.Client) {
				transport := client.Transport.(*http.Transport)
				dial := transport.DialContext
				dials := 0
				transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					dials++
					return dial(ctx, network, address)
				}
				im := usherv1connect.NewInteractionManagementClient(client, "http://usher", credential)
				crowd := func() {
					for range 5 {
						conn, err := dial(t.Context(), "", "")
						if err != nil {
							t.Fatal(err)
						}
						t.Cleanup(func() { _ = conn.Close() })
						synctest.Wait()
					}
				}
				crowd()
				for range 3 {
					if _, err := im.Accept(t.Context(), &usherv1.RequestAccept{}); err != nil {
						t.Error(err)
					}
					synctest.Wait()
					crowd()
				}
				if dials != 1 {
					t.Errorf("the agent connected %d times", dials)
				}
			})
		})
	}
}

// TestWhoMakesRoom: strangers that ask for nothing go first, and the oldest. If
// there are none, who comes is refused.
func TestWhoMakesRoom(t *testing.T) {
	l := &limitedListener{max: 2}
	admit := func() (c, gone *limitedConn) {
		c = &limitedConn{listener: l}
		return c, l.admit(c)
	}
	a, _ := admit()
	b, _ := admit()
	connState(a, http.StateActive)
	c, gone := admit()
	if gone != b {
		t.Error("it was not the idle one that went")
	}
	connState(b, http.StateIdle) // too late
	connState(c, http.StateActive)
	d, gone := admit()
	if gone != a {
		t.Error("it was not the oldest that went")
	}
	keepConn(withConn(t.Context(), c))
	connState(c, http.StateIdle) // it is nobody's turn to go
	connState(c, http.StateActive)
	keepConn(withConn(t.Context(), tls.Server(d, nil)))
	e, gone := admit()
	if gone != e || l.open != 2 || l.idle.Len()+l.busy.Len() != 0 {
		t.Error("a known one went")
	}
}

// TestNewcomersHaveTime: among many strangers who ask for something, who comes
// is not the next to go.
func TestNewcomersHaveTime(t *testing.T) {
	l := &limitedListener{max: 16}
	for range l.max {
		c := &limitedConn{listener: l}
		l.admit(c)
		connState(c, http.StateActive)
	}
	newcomers := make([]*limitedConn, 4)
	for n := range newcomers {
		newcomers[n] = &limitedConn{listener: l}
		if gone := l.admit(newcomers[n]); n < 3 && slices.Contains(newcomers, gone) || n == 3 && gone != newcomers[0] {
			t.Errorf("newcomer %d: the wrong one went", n)
		}
	}
}
