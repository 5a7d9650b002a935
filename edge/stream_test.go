package edge

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// encoded is a message as the center gives it.
func encoded(t testing.TB, sequence uint64, event *usherv1.Event) center.Message {
	t.Helper()
	event.Sequence = sequence
	raw, err := proto.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return center.Message{Sequence: sequence, Event: raw}
}

func invite(ticket uint64) *usherv1.Event {
	return &usherv1.Event{
		InteractionId: "i1",
		Message:       &usherv1.Event_EventInvite{EventInvite: &usherv1.EventInvite{Ticket: ticket}},
	}
}

// pipes is a listener whose connections are pipes, so that a test decides when
// time passes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// inBubble runs a test with a server and a client on pipes.
func inBubble(t *testing.T, fake *fakeCenter, limits Limits, test func(t *testing.T, s *Server, client *http.Client)) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	inBubbleWith(t, fake, limits, protocols, test)
}

func inBubbleWith(t *testing.T, fake *fakeCenter, limits Limits, protocols *http.Protocols, test func(t *testing.T, s *Server, client *http.Client)) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Center: fake, Limits: limits})
		listener := newPipes()
		served := make(chan error)
		go func() { served <- s.Serve(listener) }()
		transport := &http.Transport{DialContext: listener.dial, Protocols: protocols}
		test(t, s, &http.Client{Transport: transport})
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func withCredential(credential string) connect.ClientOption {
	return connect.WithInterceptors(bearerInterceptor(credential))
}

type bearerInterceptor string

func (b bearerInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set("Authorization", "Bearer "+string(b))
		return next(ctx, r)
	}
}

func (b bearerInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", "Bearer "+string(b))
		return conn
	}
}

func (b bearerInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// eventErrorOf is the EventError in the details of an error.
func eventErrorOf(err error) *usherv1.EventError {
	e, _ := err.(*connect.Error)
	if e == nil {
		return nil
	}
	for _, d := range e.Details() {
		if m, err := d.Value(); err == nil {
			if event, ok := m.(*usherv1.EventError); ok {
				return event
			}
		}
	}
	return nil
}

// one is a subscription that gives these messages.
func one(fake *fakeCenter, messages ...center.Message) *fakeSubscription {
	sub := &fakeSubscription{messages: make(chan center.Message, 1000), errs: make(chan error, 1)}
	for _, m := range messages {
		sub.messages <- m
	}
	fake.subscribe = func(*uint64) (Subscription, error) { return sub, nil }
	return sub
}

func TestEventsPassEncoded(t *testing.T) {
	for name, options := range map[string][]connect.ClientOption{
		"gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()}, "Connect": nil, "JSON": {connect.WithProtoJSON()},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFake()
			m := encoded(t, 5, invite(4))
			show, err := proto.Marshal(&usherv1.Event{Interactions: []*usherv1.InteractionProperties{{InteractionId: "i1", Priority: 3}}})
			if err != nil {
				t.Fatal(err)
			}
			m.Show = show
			one(fake, m, encoded(t, 6, invite(5)))
			_, url := serve(t, Options{Center: fake})
			im := usherv1connect.NewInteractionManagementClient(h2c(t), url, append(options, withCredential(fake.agent(DefaultTenant, "ann", false)))...)
			events, err := im.Events(t.Context(), &usherv1.RequestEvents{})
			if err != nil {
				t.Fatal(err)
			}
			var got []*usherv1.Event
			for len(got) < 3 && events.Receive() {
				got = append(got, proto.CloneOf(events.Msg()))
			}
			_ = events.Close()
			if len(got) != 3 {
				t.Fatal(got, events.Err())
			}
			if got[0].GetEventHeartbeat() == nil {
				t.Error("a stream begins with a heartbeat:", got[0])
			}
			if got[1].Sequence != 5 || got[1].GetEventInvite().GetTicket() != 4 || len(got[1].Interactions) != 1 || got[1].Interactions[0].Priority != 3 {
				t.Error(got[1])
			}
			if got[2].Sequence != 6 || len(got[2].Interactions) != 0 || len(got[2].ProtoReflect().GetUnknown()) != 0 {
				t.Error(got[2])
			}
		})
	}
}

// TestConnection sees to it that the center hears of the beginning and the end
// of a stream, whatever ends it.
func TestConnection(t *testing.T) {
	fake := newFake()
	token := fake.agent(DefaultTenant, "ann", false)
	inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(token))
		ctx, hangUp := context.WithCancel(context.Background())
		events, err := im.Events(ctx, &usherv1.RequestEvents{ConnectionKind: "telephone"})
		if err != nil || !events.Receive() {
			t.Fatal(err, events.Err())
		}
		hangUp()
		_ = events.Close()
		synctest.Wait()
		asked := fake.requests()
		if len(asked) != 2 {
			t.Fatal(asked)
		}
		opened, ok1 := asked[0].Body.(engine.Connect)
		ended, ok2 := asked[1].Body.(engine.Disconnect)
		if !ok1 || !ok2 || opened.Kind != "telephone" || opened.ConnectionID == "" || opened.ConnectionID != ended.ConnectionID {
			t.Error(asked)
		}
		if _, err := s.serveClientKind("pager"); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT {
			t.Error(err)
		}
	})
}

// serveClientKind checks a connection kind as an agent.
func (s *Server) serveClientKind(kind string) (string, error) {
	return connectionKind(&caller{from: engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT}}, kind)
}

func TestHeartbeatAfterSilence(t *testing.T) {
	fake := newFake()
	token := fake.agent(DefaultTenant, "ann", false)
	inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
		sub := one(fake, encoded(t, 3, invite(1)))
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(token))
		events, err := im.Events(t.Context(), &usherv1.RequestEvents{})
		if err != nil {
			t.Fatal(err)
		}
		defer events.Close()
		start := time.Now()
		events.Receive()
		events.Receive()
		go func() {
			time.Sleep(4 * time.Second)
			sub.messages <- encoded(t, 8, invite(2))
		}()
		if events.Receive(); events.Msg().Sequence != 8 {
			t.Error(events.Msg())
		}
		for _, want := range []time.Duration{14 * time.Second, 24 * time.Second} {
			if !events.Receive() || events.Msg().GetEventHeartbeat().GetSequenceReached() != 8 {
				t.Error(events.Msg(), events.Err())
			}
			if got := time.Since(start); got != want {
				t.Errorf("a heartbeat after %v, not %v", got, want)
			}
		}
	})
}

func TestRegistrationInTime(t *testing.T) {
	for _, registered := range []bool{true, false} {
		fake := newFake()
		fake.answer = func(r center.Request) center.Reply {
			if _, probe := r.Body.(*usherv1.RequestGetInteractionProperties); probe && !registered {
				return center.Reply{Err: &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_NOT_REGISTERED}}
			}
			return center.Reply{}
		}
		token := fake.agent(DefaultTenant, "ann", false)
		inBubble(t, fake, Limits{Heartbeat: time.Minute}, func(t *testing.T, s *Server, client *http.Client) {
			im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(token))
			events, err := im.Events(t.Context(), &usherv1.RequestEvents{})
			if err != nil {
				t.Fatal(err)
			}
			defer events.Close()
			start := time.Now()
			events.Receive()
			got := events.Receive()
			want := time.Minute
			if !registered {
				want = 10 * time.Second
			}
			if time.Since(start) != want || got != registered {
				t.Errorf("registered %v: %v after %v", registered, events.Err(), time.Since(start))
			}
			if !registered && eventErrorOf(events.Err()).GetName() != "NotRegistered" {
				t.Error(events.Err())
			}
		})
	}
}

// streamEnds are the ways in which a stream ends, and what the client is told.
var streamEnds = map[string]struct {
	end  func(t *testing.T, s *Server, fake *fakeCenter, sub *fakeSubscription)
	want usherv1.ErrorCode
	at   uint64
}{
	"slow reader": {
		func(_ *testing.T, _ *Server, _ *fakeCenter, sub *fakeSubscription) {
			sub.errs <- &center.SlowReader{Resume: 77}
		},
		usherv1.ErrorCode_ERROR_CODE_SLOW_READER, 77,
	},
	"center closed": {
		func(_ *testing.T, _ *Server, _ *fakeCenter, sub *fakeSubscription) { sub.errs <- center.ErrClosed },
		usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, 0,
	},
	"session closed": {
		func(t *testing.T, s *Server, fake *fakeCenter, _ *fakeSubscription) {
			who := &caller{}
			for who.hash = range fake.sessions {
			}
			s.recognize(who)
			if _, err := (authentication{s}).CloseSession(context.WithValue(t.Context(), callerKey{}, who), nil); err != nil {
				t.Error(err)
			}
		},
		usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, 0,
	},
	"session expired": {
		func(_ *testing.T, _ *Server, fake *fakeCenter, _ *fakeSubscription) {
			fake.mu.Lock()
			clear(fake.sessions)
			fake.mu.Unlock()
		},
		usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, 0,
	},
	"shutdown": {
		func(_ *testing.T, s *Server, _ *fakeCenter, _ *fakeSubscription) { s.open.endAll(errClosing) },
		usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, 0,
	},
	"connection closed": {
		func(t *testing.T, _ *Server, fake *fakeCenter, sub *fakeSubscription) {
			id := fake.requests()[0].Body.(engine.Connect).ConnectionID
			for _, closed := range []string{"another", id} {
				sub.messages <- encoded(t, 9, &usherv1.Event{Message: &usherv1.Event_EventAgentConnectionClosed{
					EventAgentConnectionClosed: &usherv1.EventAgentConnectionClosed{ConnectionId: closed},
				}})
			}
		},
		0, 0,
	},
}

func TestStreamEnds(t *testing.T) {
	for name, test := range streamEnds {
		t.Run(name, func(t *testing.T) {
			fake := newFake()
			token := fake.agent(DefaultTenant, "ann", false)
			inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
				sub := one(fake)
				im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(token))
				events, err := im.Events(t.Context(), &usherv1.RequestEvents{})
				if err != nil || !events.Receive() {
					t.Fatal(err, events.Err())
				}
				defer events.Close()
				test.end(t, s, fake, sub)
				received := 0
				for events.Receive() {
					received++
				}
				got := eventErrorOf(events.Err())
				if got.GetCode() != test.want || got.GetSequence() != test.at {
					t.Error(events.Err(), got)
				}
				if name == "connection closed" && received != 2 {
					t.Errorf("%d messages before the end", received)
				}
				synctest.Wait()
				if s.streams.all != 0 || len(s.open.of) != 0 {
					t.Error("the stream is still counted")
				}
			})
		})
	}
}

// TestRevokedKey sees to it that the streams of a revoked key end at once, and
// no others.
func TestRevokedKey(t *testing.T) {
	fake := newFake()
	chat, mail := fake.key("acme", "chat", usherv1.Role_ROLE_MEDIA), fake.key("acme", "mail", usherv1.Role_ROLE_MEDIA)
	inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
		open := func(key string) *connect.ServerStreamForClient[usherv1.Event] {
			im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(key))
			events, err := im.Events(t.Context(), &usherv1.RequestEvents{})
			if err != nil || !events.Receive() {
				t.Fatal(err, events.Err())
			}
			return events
		}
		first, second := open(chat), open(mail)
		defer first.Close()
		defer second.Close()
		start := time.Now()
		id := strings.Split(chat, "_")[1]
		if _, err := (administration{s}).RevokeApiKey(as("acme", usherv1.Role_ROLE_ADMIN, "root"), &usherv1.RevokeApiKeyRequest{Id: id}); err != nil {
			t.Fatal(err)
		}
		if first.Receive() || eventErrorOf(first.Err()).GetName() != "Unauthenticated" || time.Since(start) != 0 {
			t.Error(first.Err(), time.Since(start))
		}
		if !second.Receive() || time.Since(start) != 10*time.Second {
			t.Error(second.Err())
		}
	})
}

func TestCursorExpired(t *testing.T) {
	fake := newFake()
	sub := &fakeSubscription{messages: make(chan center.Message, 10), errs: make(chan error, 1)}
	sub.messages <- encoded(t, 51, invite(1))
	var afters []uint64
	fake.subscribe = func(after *uint64) (Subscription, error) {
		afters = append(afters, *after)
		if *after < 40 {
			return nil, &center.CursorExpired{Oldest: 40, Present: &usherv1.EventPresentState{SequenceReached: 50}}
		}
		return sub, nil
	}
	_, url := serve(t, Options{Center: fake})
	im := usherv1connect.NewInteractionManagementClient(h2c(t), url, withCredential(fake.agent(DefaultTenant, "ann", false)))
	events, err := im.Events(t.Context(), &usherv1.RequestEvents{AfterSequence: proto.Uint64(3)})
	if err != nil || !events.Receive() {
		t.Fatal(err, events.Err())
	}
	defer events.Close()
	if events.Msg().GetEventCursorExpired().GetPresent().GetSequenceReached() != 50 || !slices.Equal(afters, []uint64{3, 50}) {
		t.Error(events.Msg(), afters)
	}
	if !events.Receive() || events.Msg().Sequence != 51 {
		t.Error(events.Msg(), events.Err())
	}
	// A reporting engine is told where the journal begins.
	fake.subscribe = func(*uint64) (Subscription, error) {
		return nil, &center.CursorExpired{Oldest: 40}
	}
	rpt := usherv1connect.NewReportingClient(h2c(t), url, withCredential(fake.key(DefaultTenant, "report", usherv1.Role_ROLE_REPORTING)))
	reports, err := rpt.ReportingEvents(t.Context(), &usherv1.RequestReportingEvents{AfterSequence: proto.Uint64(3)})
	if err != nil {
		t.Fatal(err)
	}
	defer reports.Close()
	if got := reports.Receive(); got || eventErrorOf(reports.Err()).GetSequence() != 39 || eventErrorOf(reports.Err()).GetName() != "CursorExpired" {
		t.Error(reports.Err())
	}
}

// TestStuckReader opens a stream and never reads from it: it is cut off after
// the write timeout, and the center hears of it.
func TestStuckReader(t *testing.T) {
	fake := newFake()
	big := invite(1)
	big.Reason = strings.Repeat("x", 1<<20)
	m := encoded(t, 2, big)
	token := fake.agent(DefaultTenant, "ann", false)
	inBubble(t, fake, Limits{PingAfter: time.Hour, Heartbeat: time.Hour, Registration: time.Hour}, func(t *testing.T, s *Server, client *http.Client) {
		sub := one(fake)
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), connect.WithAcceptCompression("gzip", nil, nil), withCredential(token))
		events, err := im.Events(t.Context(), &usherv1.RequestEvents{})
		if err != nil || !events.Receive() {
			t.Fatal(err, events.Err())
		}
		defer events.Close()
		for range 100 {
			sub.messages <- m
		}
		synctest.Wait()
		if n := len(fake.requests()); n != 1 {
			t.Fatal("not stuck:", fake.requests()[1:])
		}
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if n := len(fake.requests()); n != 1 {
			t.Fatal("cut off too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(fake.requests()); n != 2 {
			t.Fatal("not cut off")
		}
	})
}

func TestTooManyStreams(t *testing.T) {
	fake := newFake()
	token := fake.agent(DefaultTenant, "ann", false)
	_, url := serve(t, Options{Center: fake, Limits: Limits{StreamsEach: 1}})
	im := usherv1connect.NewInteractionManagementClient(h2c(t), url, connect.WithGRPC(), withCredential(token))
	first, err := im.Events(t.Context(), &usherv1.RequestEvents{})
	if err != nil || !first.Receive() {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := im.Events(t.Context(), &usherv1.RequestEvents{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.Receive() || eventErrorOf(second.Err()).GetName() != "TooManyRequests" {
		t.Error(second.Err())
	}
}

// TestBusyStreamOfAnExpiredSession sees to it that a stream that is never
// silent ends with its credential too.
func TestBusyStreamOfAnExpiredSession(t *testing.T) {
	fake := newFake()
	token := fake.agent(DefaultTenant, "ann", false)
	inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
		sub := one(fake)
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(token))
		events, err := im.Events(t.Context(), &usherv1.RequestEvents{})
		if err != nil || !events.Receive() {
			t.Fatal(err, events.Err())
		}
		defer events.Close()
		clear(fake.sessions)
		start := time.Now()
		go func() {
			for n := range uint64(60) {
				sub.messages <- encoded(t, n+1, invite(n))
				time.Sleep(time.Second)
			}
		}()
		for events.Receive() {
		}
		if eventErrorOf(events.Err()).GetName() != "Unauthenticated" || time.Since(start) > 10*time.Second {
			t.Error(events.Err(), time.Since(start))
		}
		time.Sleep(time.Minute)
	})
}

// TestLongAnswer waits longer for an answer than any timeout of the wire, in
// every protocol and over HTTP/1.1 too.
func TestLongAnswer(t *testing.T) {
	http1, http2 := new(http.Protocols), new(http.Protocols)
	http1.SetHTTP1(true)
	http2.SetUnencryptedHTTP2(true)
	for name, test := range map[string]struct {
		protocols *http.Protocols
		options   []connect.ClientOption
	}{
		"JSON, HTTP/1.1":     {http1, []connect.ClientOption{connect.WithProtoJSON()}},
		"gRPC-Web, HTTP/1.1": {http1, []connect.ClientOption{connect.WithGRPCWeb()}},
		"gRPC-Web, HTTP/2":   {http2, []connect.ClientOption{connect.WithGRPCWeb()}},
		"gRPC":               {http2, []connect.ClientOption{connect.WithGRPC()}},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFake()
			token := fake.agent(DefaultTenant, "ann", false)
			inBubbleWith(t, fake, Limits{}, test.protocols, func(t *testing.T, s *Server, client *http.Client) {
				slow := &slowCenter{fake, map[string]chan struct{}{"a": make(chan struct{})}}
				s.center = slow
				time.AfterFunc(time.Hour, func() { close(slow.release["a"]) })
				im := usherv1connect.NewInteractionManagementClient(client, "http://usher", append(test.options, withCredential(token))...)
				start := time.Now()
				for _, reference := range []string{"a", "b"} {
					ack, err := im.Transfer(t.Context(), &usherv1.RequestTransfer{ReferenceId: reference})
					if err != nil || ack.ReferenceId != reference || time.Since(start) != time.Hour {
						t.Error(ack, err, time.Since(start))
					}
				}
			})
		})
	}
}

// TestShutdownWaitsForNobody shuts down while requests wait for people or for an
// external service: each is told at once to try again.
func TestShutdownWaitsForNobody(t *testing.T) {
	for name, call := range map[string]func(context.Context, *http.Client, string, string) error{
		"Transfer": func(ctx context.Context, client *http.Client, ann, _ string) error {
			im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(ann))
			_, err := im.Transfer(ctx, &usherv1.RequestTransfer{ReferenceId: "a"})
			return err
		},
		"Conference": func(ctx context.Context, client *http.Client, ann, _ string) error {
			im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(ann))
			_, err := im.Conference(ctx, &usherv1.RequestConference{ReferenceId: "a"})
			return err
		},
		"RouteCall": func(ctx context.Context, client *http.Client, _, urs string) error {
			tlib := usherv1connect.NewTLibraryClient(client, "http://usher", connect.WithGRPC(), withCredential(urs))
			_, err := tlib.RouteCall(ctx, &usherv1.RequestRouteCall{ReferenceId: "a"})
			return err
		},
		"PrivateService": func(ctx context.Context, client *http.Client, _, urs string) error {
			tlib := usherv1connect.NewTLibraryClient(client, "http://usher", connect.WithGRPC(), withCredential(urs))
			_, err := tlib.PrivateService(ctx, &usherv1.RequestPrivateService{ReferenceId: "a"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFake()
			ann, urs := fake.agent(DefaultTenant, "ann", false), fake.key(DefaultTenant, "urs", usherv1.Role_ROLE_ROUTER)
			inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
				s.center = &slowCenter{fake, map[string]chan struct{}{"a": make(chan struct{})}}
				answered := make(chan error)
				go func() { answered <- call(t.Context(), client, ann, urs) }()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				go func() { _ = s.Shutdown(ctx) }()
				if err := <-answered; eventErrorOf(err).GetName() != "Unavailable" || time.Since(start) != 0 {
					t.Error(err, time.Since(start))
				}
			})
		})
	}
}

// TestSlowRequest sends a request and never finishes it.
func TestSlowRequest(t *testing.T) {
	fake := newFake()
	key := fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA)
	inBubble(t, fake, Limits{PingAfter: time.Hour}, func(t *testing.T, s *Server, client *http.Client) {
		in, out := io.Pipe()
		defer out.Close()
		r, err := http.NewRequest(http.MethodPost, "http://usher/usher.v1.InteractionManagement/Submit", in)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
		start := time.Now()
		answer, err := client.Do(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		if time.Since(start) != 30*time.Second {
			t.Error(err, time.Since(start))
		}
	})
}

// TestPresentState opens a stream with the present state: it comes first, and
// then what follows it.
func TestPresentState(t *testing.T) {
	fake := newFake()
	sub := &fakeSubscription{messages: make(chan center.Message, 10), errs: make(chan error, 1)}
	sub.messages <- encoded(t, 51, invite(1))
	var afters []uint64
	trimmed := false
	fake.subscribe = func(after *uint64) (Subscription, error) {
		afters = append(afters, *after)
		if trimmed && *after < 60 {
			return nil, &center.CursorExpired{Oldest: 60, Present: &usherv1.EventPresentState{SequenceReached: 70}}
		}
		return sub, nil
	}
	_, url := serve(t, Options{Center: fake})
	im := usherv1connect.NewInteractionManagementClient(h2c(t), url, withCredential(fake.agent(DefaultTenant, "ann", false)))
	open := func(r *usherv1.RequestEvents) *connect.ServerStreamForClient[usherv1.Event] {
		events, err := im.Events(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = events.Close() })
		return events
	}
	events := open(&usherv1.RequestEvents{PresentState: true})
	if !events.Receive() || events.Msg().GetEventPresentState().GetAgentId() != "ann" || events.Msg().Sequence != 0 || events.Msg().TimeMs == 0 {
		t.Fatal(events.Msg(), events.Err())
	}
	if !events.Receive() || events.Msg().Sequence != 51 || !slices.Equal(afters, []uint64{50}) {
		t.Error(events.Msg(), events.Err(), afters)
	}
	// The journal was trimmed beyond it at that moment: there is a later state.
	trimmed, afters = true, nil
	events = open(&usherv1.RequestEvents{PresentState: true})
	if !events.Receive() || events.Msg().GetEventPresentState().GetSequenceReached() != 70 || !slices.Equal(afters, []uint64{50, 70}) {
		t.Error(events.Msg(), events.Err(), afters)
	}
	// It has no other beginning.
	events = open(&usherv1.RequestEvents{PresentState: true, AfterSequence: proto.Uint64(3)})
	if events.Receive() || eventErrorOf(events.Err()).GetName() != "InvalidArgument" {
		t.Error(events.Msg(), events.Err())
	}
}
