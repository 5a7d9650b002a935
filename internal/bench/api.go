package bench

import (
	"context"
	"fmt"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/internal/server"
)

// The contact centre that is measured.
const (
	queueName     = "routed"
	mediaType     = "chat"
	groupName     = "everybody"
	agentPassword = "usher-bench"
)

// unlimited lets clients ask as often as they can, with passwords that are
// cheap to check because they guard nothing.
func unlimited() edge.Limits {
	const many = 1e9
	return edge.Limits{
		RequestsPerSecond: many, RequestBurst: many, AgentPerSecond: many, AgentBurst: many,
		LoginsPerAgent: many, LoginBurstAgent: many, LoginsPerAddress: many, LoginBurstAddress: many, PasswordKiB: 64,
		VisitorsPerSecond: many, VisitorBurst: many, LinesPerSecond: many, LineBurst: many,
	}
}

// startServer starts a server on a data folder, with clients who may come.
func startServer(ctx context.Context, dir string, o Options) (*server.Server, *target, error) {
	s, err := server.Start(ctx, server.Config{DataDir: dir, Listen: "127.0.0.1:0", Limits: unlimited()})
	if err != nil {
		return nil, nil, err
	}
	t, err := prepare(ctx, s, o)
	if err != nil {
		return nil, nil, fmt.Errorf("%w (%v)", err, s.Shutdown(ctx))
	}
	return s, t, nil
}

// prepare configures the contact centre and makes the clients' credentials.
func prepare(ctx context.Context, s *server.Server, o Options) (*target, error) {
	anybody, err := client.Dial(s.URL())
	if err != nil {
		return nil, err
	}
	made, err := anybody.Authentication().SetUp(ctx, &usherv1.SetUpRequest{SetupToken: s.SetupToken()})
	if err != nil {
		return nil, fmt.Errorf("set up: %w", err)
	}
	dialled, err := client.Dial(s.URL(), client.WithAPIKey(made.Key))
	if err != nil {
		return nil, err
	}
	defer func() { _ = dialled.Close(ctx) }()
	admin := dialled.Administration()
	apply := &usherv1.ApplyConfigurationRequest{Configuration: centre(o.Agents)}
	for _, agent := range apply.Configuration.Agents {
		agent.Password = agentPassword
	}
	if _, err := admin.ApplyConfiguration(ctx, apply); err != nil {
		return nil, fmt.Errorf("configure: %w", err)
	}
	t := &target{url: s.URL(), admin: made.Key}
	for n := range o.Media {
		key, err := admin.CreateApiKey(ctx, &usherv1.CreateApiKeyRequest{Name: fmt.Sprintf("media-%d", n), Role: usherv1.Role_ROLE_MEDIA})
		if err != nil {
			return nil, fmt.Errorf("make a key: %w", err)
		}
		t.media = append(t.media, key.Key)
	}
	for n := range o.Agents {
		session, err := anybody.Authentication().OpenSession(ctx, &usherv1.OpenSessionRequest{AgentId: string(agentID(n)), Password: agentPassword})
		if err != nil {
			return nil, fmt.Errorf("open a session: %w", err)
		}
		t.agents = append(t.agents, session.Token)
	}
	return t, nil
}

// centre is one queue and agents who take one interaction at a time.
func centre(agents int) *usherv1.Configuration {
	c := &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: mediaType}},
		AgentGroups: []*usherv1.AgentGroup{{Name: groupName}},
		Queues:      []*usherv1.Queue{{Name: queueName, Strategy: engine.LongestIdle, AgentGroup: groupName}},
	}
	for n := range agents {
		c.Agents = append(c.Agents, &usherv1.Agent{AgentId: string(agentID(n)), AgentGroups: []string{groupName}})
	}
	return c
}

func agentID(n int) engine.AgentID { return engine.AgentID(fmt.Sprintf("agent-%05d", n)) }
