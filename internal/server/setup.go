package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
)

// setupFile holds the setup token's hash until the server is set up.
const setupFile = "setup-token"

// setup is how a server without API keys comes to its first.
type setup struct {
	dir   string // empty for a journal in memory
	log   *slog.Logger
	token string // known only where it was made
	hash  []byte // nil once there is a key
}

func (s *setup) path() string { return filepath.Join(s.dir, setupFile) }

// begin makes a setup token at the first start. At later ones it reads the
// hash of the token that was printed then; when there is a key, a crash may
// have left the file behind.
func (s *setup) begin(hasKeys bool) error {
	if hasKeys {
		return s.remove()
	}
	if s.dir != "" {
		raw, err := os.ReadFile(s.path())
		if err == nil {
			return s.read(string(raw))
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the setup token's hash: %w", err)
		}
	}
	s.token, s.hash = edge.NewSetupToken()
	if s.dir == "" {
		return nil
	}
	if err := os.WriteFile(s.path(), []byte(hex.EncodeToString(s.hash)+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the setup token's hash: %w", err)
	}
	return nil
}

func (s *setup) read(text string) error {
	hash, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(hash) != sha256.Size {
		return fmt.Errorf("%s is damaged; remove it to get another setup token", s.path())
	}
	s.hash = hash
	s.log.Info("waiting to be set up with the token that was printed at the first start; for another one remove the file and start again", "file", s.path())
	return nil
}

func (s *setup) remove() error {
	if s.dir == "" {
		return nil
	}
	if err := os.Remove(s.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the setup token's hash: %w", err)
	}
	return nil
}

// hasKeys tells whether there is any API key, also a revoked one.
func (s *Server) hasKeys() bool {
	for _, tenant := range append(s.center.Tenants(), center.SystemTenant) {
		if len(s.center.ListAPIKeys(tenant)) > 0 {
			return true
		}
	}
	return false
}

// settingUp is the center for the edge; it notices when the first key is made.
func (s *Server) settingUp() edge.Center {
	if s.setup.hash == nil {
		return edge.Over(s.center)
	}
	return setUpCenter{edge.Over(s.center), &s.setup}
}

// setUpCenter is a center that waits to be set up.
type setUpCenter struct {
	edge.Center
	setup *setup
}

// CreateAPIKey makes an API key. With the first one the setup token is used
// up; that its file goes is only tidiness, since the edge accepts no token
// when there is a key.
func (c setUpCenter) CreateAPIKey(ctx context.Context, by engine.Participant, key *usherv1.ApiKey, hash center.Hash) (center.Reply, error) {
	reply, err := c.Center.CreateAPIKey(ctx, by, key, hash)
	if err == nil && reply.Err == nil {
		if err := c.setup.remove(); err != nil {
			c.setup.log.Warn("the setup token is used up, but its file is still there", "error", err)
		}
	}
	return reply, err
}
