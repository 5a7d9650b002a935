package server

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/client"
)

// TestSessionsOutliveTheServer: a customer goes on with his token after a
// restart, and another data folder's server knows nothing of it.
func TestSessionsOutliveTheServer(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Config{DataDir: dir})
	keys, err := first.SetUpForDevelopment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	launched, err := dial(t, first).LaunchSession(t.Context(), &usherv1.RequestLaunchSession{Site: "dev", Name: "Dora", Text: "Hello?"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = dial(t, first, client.WithAPIKey(keys.Admin)).Administration().
		CreateApiKey(t.Context(), &usherv1.CreateApiKeyRequest{Name: "sessions", Role: usherv1.Role_ROLE_MEDIA})
	if connect.CodeOf(err) != connect.CodeFailedPrecondition {
		t.Errorf("a key with the name of the session media server: %v", err)
	}
	shutdown(t, first)

	second := start(t, Config{DataDir: dir})
	token := launched.Launched().GetSessionToken()
	stranger := start(t, Config{})
	if _, err := stranger.SetUpForDevelopment(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := said(t, stranger, token); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("another server: %v", err)
	}
	if err := said(t, second, token, "Hello?"); err != nil {
		t.Error(err)
	}
}

// said reads a session's first lines, and fails unless they are these.
func said(t *testing.T, s *Server, token string, want ...string) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ctx, call := connect.NewClientContext(ctx)
	call.RequestHeader().Set("Authorization", "Bearer "+token)
	events, err := usherv1connect.NewInternetCallManagerClient(http.DefaultClient, s.URL()).
		SessionEvents(ctx, &usherv1.RequestSessionEvents{})
	if err != nil {
		return err
	}
	defer func() { _ = events.Close() }()
	for events.Receive() {
		line := events.Msg().GetLine()
		if line == nil {
			continue
		}
		if line.GetLine().GetText() != want[0] {
			t.Errorf("%v, want %q", line, want[0])
		}
		if want = want[1:]; len(want) == 0 {
			return nil
		}
	}
	return events.Err()
}

// heard is a log that tells when a text was written to it.
type heard struct {
	text string
	now  chan struct{}
}

// Write implements io.Writer.
func (h heard) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(h.text)) {
		close(h.now)
	}
	return len(line), nil
}

// TestAttachmentsGoWithTheJournal: the retention of the journal is that of
// attachments.
func TestAttachmentsGoWithTheJournal(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "attachments", "default", "00", "00ff")
	then := time.Now().Add(-time.Hour - 25*time.Hour)
	err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte("old"), 0o600), os.Chtimes(name, then, then))
	if err != nil {
		t.Fatal(err)
	}
	log := heard{"removed old attachments", make(chan struct{})}
	start(t, Config{DataDir: dir, Retention: time.Hour, Logger: slog.New(slog.NewTextHandler(log, nil))})
	<-log.now
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there still: %v", err)
	}
}
