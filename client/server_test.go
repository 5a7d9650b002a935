package client_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/router"
)

// server is a whole server in this process, on a journal in memory, with one
// tenant.
type server struct {
	url    string
	edge   *edge.Server
	center *center.Center
	conns  *conns

	admin, media, router, service, report string // API keys
}

// conns is a listener that can break all its connections.
type conns struct {
	net.Listener
	mu   sync.Mutex
	open []net.Conn
}

func (c *conns) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.mu.Lock()
		c.open = append(c.open, conn)
		c.mu.Unlock()
	}
	return conn, err
}

func (c *conns) breakAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}

// start starts a server and sets it up, all through its own protocols.
func start() (*server, error) {
	ctx := context.Background()
	c, err := center.Open(ctx, center.Options{
		Journal: memory.New(), NewRouter: func() center.Router { return router.New() },
	})
	if err != nil {
		return nil, err
	}
	token, hash := edge.NewSetupToken()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{
		url: "http://" + listener.Addr().String(), center: c, conns: &conns{Listener: listener},
		edge: edge.New(edge.Options{Center: edge.Over(c), SetupTokenHash: hash}),
	}
	go func() { _ = s.edge.Serve(s.conns) }()
	return s, s.setUp(ctx, token)
}

// mustStart is start for examples.
func mustStart() *server {
	s, err := start()
	if err != nil {
		panic(err)
	}
	return s
}

func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = s.edge.Shutdown(ctx)
	_ = s.center.Drain(ctx)
}

func (s *server) setUp(ctx context.Context, token string) error {
	anonymous, err := client.Dial(s.url)
	if err != nil {
		return err
	}
	first, err := anonymous.Authentication().SetUp(ctx, &usherv1.SetUpRequest{SetupToken: token})
	if err != nil {
		return err
	}
	s.admin = first.GetKey()
	admin, err := client.Dial(s.url, client.WithAPIKey(s.admin))
	if err != nil {
		return err
	}
	if _, err := admin.Administration().CreateTenant(ctx, &usherv1.CreateTenantRequest{TenantId: "default"}); err != nil {
		return err
	}
	if _, err := admin.Administration().ApplyConfiguration(ctx, &usherv1.ApplyConfigurationRequest{Configuration: configuration()}); err != nil {
		return err
	}
	key := func(name string, role usherv1.Role) string {
		made, keyErr := admin.Administration().CreateApiKey(ctx, &usherv1.CreateApiKeyRequest{Name: name, Role: role})
		err = errors.Join(err, keyErr)
		return made.GetKey()
	}
	s.media = key("chat", usherv1.Role_ROLE_MEDIA)
	s.router = key("urs", usherv1.Role_ROLE_ROUTER)
	s.service = key("crm", usherv1.Role_ROLE_SERVICE)
	s.report = key("report", usherv1.Role_ROLE_REPORTING)
	return err
}

func configuration() *usherv1.Configuration {
	return &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 5}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "support"}},
		Agents: []*usherv1.Agent{
			{AgentId: "ann", AgentGroups: []string{"support"}, Password: "correct horse"},
			{AgentId: "sue", Supervisor: true, Password: "battery staple"},
		},
		Queues: []*usherv1.Queue{
			{Name: "support", Strategy: engine.LongestIdle, AgentGroup: "support"},
			{Name: "by-name", Strategy: "by-name"},
			{Name: "pull"},
		},
		ExternalServices: []*usherv1.ThirdServer{{Name: "crm"}},
	}
}

// as is a client with a credential, quick to try again.
func (s *server) as(credential client.Option) *client.Client {
	c, err := client.Dial(s.url, credential, client.WithBackOff(time.Millisecond, 20*time.Millisecond))
	if err != nil {
		panic(err)
	}
	return c
}
