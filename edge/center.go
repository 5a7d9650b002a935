package edge

import (
	"context"
	"iter"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// Center is what the edge needs of the single writer. Over makes one of a
// center.Center; its documentation says what each method promises.
type Center interface {
	// Do carries a request out and waits for its durable outcome.
	Do(ctx context.Context, r center.Request) (center.Reply, error)
	// Start puts a request in line; those started one after the other are
	// decided in that order.
	Start(r center.Request) Call
	// Subscribe opens the stream of the messages for a participant.
	Subscribe(tenant string, p engine.Participant, after *uint64) (Subscription, error)
	// Present is the present state of a participant.
	Present(ctx context.Context, tenant string, p engine.Participant) (*usherv1.EventPresentState, error)
	// Trace gives the arrows of a sequence diagram.
	Trace(ctx context.Context, tenant, interaction string, after uint64, live bool) iter.Seq2[*usherv1.TraceLine, error]
	// WhyWaiting asks the tenant's router why an interaction waits.
	WhyWaiting(ctx context.Context, tenant string, r *usherv1.RequestWhyWaiting) (*usherv1.EventWhyWaiting, *usherv1.EventError, error)
	// ExpectedWait asks it how long somebody will wait.
	ExpectedWait(ctx context.Context, tenant string, r *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, *usherv1.EventError, error)
	// Transcript reads the lines of a conversation, as far as who may read them.
	Transcript(ctx context.Context, tenant string, who engine.Participant, r *usherv1.RequestGetTranscript) (*usherv1.EventTranscript, *usherv1.EventError, error)
	// Status tells how the center fares.
	Status() center.Status

	// LookupAPIKey finds a valid API key by its hash.
	LookupAPIKey(hash center.Hash) (*usherv1.ApiKey, bool)
	// LookupSession finds an agent's valid session by its token's hash.
	LookupSession(token center.Hash) (center.Session, bool)
	// AgentLogin finds an agent's password hash and whether he supervises.
	AgentLogin(tenant, agent string) (center.Login, bool)
	// OpenAgentSession makes a session token valid.
	OpenAgentSession(ctx context.Context, s center.Session, token center.Hash) (center.Reply, error)
	// CloseAgentSession makes a session token useless.
	CloseAgentSession(ctx context.Context, tenant string, token center.Hash) (center.Reply, error)

	// CreateAPIKey makes an API key.
	CreateAPIKey(ctx context.Context, by engine.Participant, key *usherv1.ApiKey, hash center.Hash) (center.Reply, error)
	// RevokeAPIKey makes an API key useless.
	RevokeAPIKey(ctx context.Context, by engine.Participant, tenant, id string) (center.Reply, error)
	// ListAPIKeys gives a tenant's API keys.
	ListAPIKeys(tenant string) []*usherv1.ApiKey
	// Tenants gives the ids of all tenants.
	Tenants() []string
	// CreateTenant makes a tenant.
	CreateTenant(ctx context.Context, by engine.Participant, tenant string) (center.Reply, error)
	// GetConfiguration reads a tenant's configuration, with password hashes.
	GetConfiguration(ctx context.Context, tenant string) (*usherv1.GetConfigurationResponse, *usherv1.EventError, error)
}

// Call is a request under way.
type Call interface {
	// Wait returns the reply when it is there, or the error of ctx.
	Wait(ctx context.Context) (center.Reply, error)
}

// Subscription is a participant's stream of messages, for one reader.
type Subscription interface {
	// Next waits for the next message.
	Next(ctx context.Context) (center.Message, error)
	// Reached is the sequence up to which Next has returned every message.
	Reached() uint64
	// Close ends the subscription.
	Close()
}

// Over is c as the edge's Center.
func Over(c *center.Center) Center { return over{c} }

type over struct{ *center.Center }

// Start puts a request in line.
func (o over) Start(r center.Request) Call { return o.Center.Start(r) }

// Subscribe opens the stream of the messages for a participant.
func (o over) Subscribe(tenant string, p engine.Participant, after *uint64) (Subscription, error) {
	s, err := o.Center.Subscribe(tenant, p, after)
	if err != nil {
		return nil, err
	}
	return s, nil
}
