package edge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

func TestTLS(t *testing.T) {
	lender := httptest.NewTLSServer(nil) // of a certificate
	lender.Close()
	fake := newFake()
	s := New(Options{Center: fake, TLS: &tls.Config{Certificates: lender.TLS.Certificates}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- s.Serve(listener) }()
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}, ForceAttemptHTTP2: true}
	im := usherv1connect.NewInteractionManagementClient(&http.Client{Transport: transport}, "https://"+listener.Addr().String(),
		connect.WithGRPC(), withCredential(fake.agent(DefaultTenant, "ann", false)))
	if _, err := im.Accept(t.Context(), &usherv1.RequestAccept{ReferenceId: "a"}); err != nil {
		t.Error(err)
	}
	transport.CloseIdleConnections()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// elsewhere is a listener that others than this machine reach.
type elsewhere struct{ *pipes }

func (elsewhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }

func TestPlaintextStaysAtHome(t *testing.T) {
	if err := New(Options{Center: newFake()}).Serve(elsewhere{newPipes()}); !errors.Is(err, errPlaintext) {
		t.Error(err)
	}
	s := New(Options{Center: newFake(), PlaintextAnywhere: true})
	served := make(chan error)
	l := elsewhere{newPipes()}
	go func() { served <- s.Serve(l) }()
	conn, err := l.dial(t.Context(), "", "") // it accepts
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
		t.Error(err)
	}
}

func TestTooManyConnections(t *testing.T) {
	inner := newPipes()
	refused := make(chan struct{}, 1)
	l := &limitedListener{Listener: inner, max: 1, full: func() { refused <- struct{}{} }}
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		conn, err := inner.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	dial()
	first := <-accepted
	keepConn(withConn(t.Context(), first))
	second := dial()
	<-refused
	if _, err := second.Read(make([]byte, 1)); err == nil {
		t.Error("the second was not hung up on")
	}
	_ = first.Close()
	_ = first.Close() // makes room once
	dial()
	_ = (<-accepted).Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != 0 {
		t.Errorf("%d are open", l.open)
	}
	_ = inner.Close()
}
