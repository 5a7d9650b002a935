package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/internal/server"
)

// development starts a server for development.
func development(t *testing.T, args ...string) *process {
	t.Helper()
	p, err := startServe(t.TempDir(), nil, append(args, "--dev", "--data=data")...)
	if err != nil || !p.serves() {
		t.Fatal(err, p.log())
	}
	t.Cleanup(p.kill)
	return p
}

func (p *process) dial(t *testing.T, option client.Option) *client.Client {
	t.Helper()
	c, err := client.Dial(p.environment()["USHER_URL"], option, client.WithAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestStopAnswersWhatWaitsForPeople stops a server in which a transfer waits
// for an agent, who may think about it for longer than the server lives.
func TestStopAnswersWhatWaitsForPeople(t *testing.T) {
	p := development(t)
	login := func(id string) *client.AgentSession {
		agent, err := p.dial(t, client.WithAgent("", id, server.DevPassword)).
			Agent(t.Context(), client.Login{Media: []*usherv1.MediaLogin{client.Ready("chat")}})
		if err != nil {
			t.Fatal(err)
		}
		return agent
	}
	alice, bob := login("alice"), login("bob")
	ack, err := alice.Requests().Submit(t.Context(), &usherv1.RequestSubmit{MediaType: "chat"})
	if err != nil {
		t.Fatal(err)
	}
	outcome := make(chan error, 1)
	go func() {
		ctx := context.WithoutCancel(t.Context())
		err := alice.Transfer(ctx, ack.GetInteractionId(), "bob")
		for client.CodeOf(err) == usherv1.ErrorCode_ERROR_CODE_NOT_READY { // his stream is not open yet
			err = alice.Transfer(ctx, ack.GetInteractionId(), "bob")
		}
		outcome <- err
	}()
	for event, err := range bob.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if event.GetEventInvite() != nil {
			break
		}
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-outcome; client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE {
		t.Errorf("the transfer's outcome: %v", err)
	}
}

// unfinished sends one half of a request, and waits until the server waits for
// the other.
func unfinished(t *testing.T, p *process) {
	t.Helper()
	address := strings.TrimPrefix(p.environment()["USHER_URL"], "http://")
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	// The server asks for the body when it has begun to work on the request.
	fmt.Fprintf(connection, "POST /usher.v1.Authentication/SetUp HTTP/1.1\r\nHost: %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", address)
	if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
}

// TestDrainTimeout stops a server that would have to wait for too long.
func TestDrainTimeout(t *testing.T) {
	p := development(t, "--drain-timeout=100ms", "--limit-read-timeout=10m")
	unfinished(t, p)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"gave up", "saved a snapshot", "msg=stopped"} {
		if !strings.Contains(p.log(), line) {
			t.Errorf("nothing says %q:\n%s", line, p.log())
		}
	}
}

// TestSecondSignalEndsAtOnce sends SIGTERM twice to a server that waits for the
// rest of a request.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := development(t, "--drain-timeout=10m", "--limit-read-timeout=10m")
	unfinished(t, p)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server stops", func() bool { return strings.Contains(p.log(), "msg=stopping") })
	select {
	case <-p.exited:
		t.Fatalf("it did not wait for the request:\n%s", p.log())
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatal("the second signal did not end it")
	}
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v", p.cmd.ProcessState)
	}
}

// TestStopEndsStreams follows a live trace over the end of its server.
func TestStopEndsStreams(t *testing.T) {
	p := development(t, "--drain-timeout=10m")
	media := p.dial(t, client.WithAPIKey(p.environment()["USHER_MEDIA_KEY"]))
	if _, err := media.Register(t.Context(), &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER}); err != nil {
		t.Fatal(err)
	}
	reader := p.dial(t, client.WithAPIKey(p.environment()["USHER_API_KEY"]))
	heard, ended := 0, error(nil)
	for line, err := range reader.Trace(t.Context(), &usherv1.RequestTrace{Live: true}) {
		if ended = err; err != nil {
			break
		}
		if heard++; line.GetMessage() == "EventAck" {
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
	}
	if heard != 2 || client.CodeOf(ended) != usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE {
		t.Errorf("%d lines, then %v", heard, ended)
	}
	if err := p.ended(); err != nil {
		t.Fatal(err)
	}
}
