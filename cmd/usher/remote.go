package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"github.com/usher-cc/usher/client"
)

// The addresses of a server that was started without any.
const (
	defaultListen      = "127.0.0.1:8480"
	defaultAdminListen = "127.0.0.1:8481"
)

// remote says which server a command talks to, as whom, and about which
// tenant.
type remote struct{ url, apiKey, tenant string }

// flags adds --url, --api-key and --tenant.
func (r *remote) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.url, "url", cmp.Or(os.Getenv(environmentPrefix+"URL"), "http://"+defaultListen), "the server (USHER_URL)")
	cmd.Flags().StringVar(&r.apiKey, "api-key", "", "the API key (USHER_API_KEY)")
	cmd.Flags().StringVar(&r.tenant, "tenant", "", "the tenant, for keys of the tenant system (\"default\" if empty)")
}

// dial is a client with the key. Whoever types a command tries again himself.
func (r *remote) dial() (*client.Client, error) {
	key := cmp.Or(r.apiKey, os.Getenv(environmentPrefix+"API_KEY"))
	if key == "" {
		return nil, errors.New("an API key is necessary: --api-key or USHER_API_KEY")
	}
	return client.Dial(r.url, client.WithAPIKey(key), client.WithAttempts(1))
}

// explain says of an error what an operator can use of it.
func (r *remote) explain(err error) error {
	var refusal *client.Error
	if errors.As(err, &refusal) {
		return fmt.Errorf("%s: %s", refusal.Event.GetName(), refusal.Event.GetDescription())
	}
	if connect.CodeOf(err) == connect.CodeUnavailable {
		return fmt.Errorf("no server answers at %s: %w", r.url, err)
	}
	return err
}
