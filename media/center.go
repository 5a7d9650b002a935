package media

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// Center is what sessions need of the single writer. Over makes one of a
// center.Center, whose documentation says what each method promises.
type Center interface {
	// Do carries a request out and waits for its durable outcome.
	Do(ctx context.Context, r center.Request) (center.Reply, error)
	// Subscribe opens the stream of the messages for a participant.
	Subscribe(tenant string, p engine.Participant, after *uint64) (Subscription, error)
	// Present is the present state of a participant.
	Present(ctx context.Context, tenant string, p engine.Participant) (*usherv1.EventPresentState, error)
	// Transcript reads the lines of a conversation.
	Transcript(ctx context.Context, tenant string, p engine.Participant, r *usherv1.RequestGetTranscript) (*usherv1.EventTranscript, *usherv1.EventError, error)
	// Stopped tells how an interaction ended.
	Stopped(ctx context.Context, tenant, interaction string) (*usherv1.StoppedInteraction, error)
	// ExpectedWait asks the tenant's router how long somebody will wait.
	ExpectedWait(ctx context.Context, tenant string, r *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, *usherv1.EventError, error)
	// Status tells how the center fares.
	Status() center.Status
	// Tenants gives the ids of all tenants.
	Tenants() []string

	// Site finds a web site.
	Site(tenant, name string) (*usherv1.Site, bool)
	// OriginListed tells whether any site of any tenant lists an origin.
	OriginListed(origin string) bool
	// RequestType finds what customers can ask for.
	RequestType(tenant, name string) (*usherv1.RequestType, bool)
	// CustomerGraceMs is how long a tenant waits for a lost customer.
	CustomerGraceMs(tenant string) int64
	// AgentName is an agent's name, for people; empty if he has none.
	AgentName(tenant, agent string) string
}

// Subscription is a participant's stream of messages, for one reader.
type Subscription interface {
	// Next waits for the next message.
	Next(ctx context.Context) (center.Message, error)
	// Close ends the subscription.
	Close()
}

// Over is c as the Center of sessions.
func Over(c *center.Center) Center { return over{c} }

type over struct{ *center.Center }

// Subscribe opens the stream of the messages for a participant.
func (o over) Subscribe(tenant string, p engine.Participant, after *uint64) (Subscription, error) {
	s, err := o.Center.Subscribe(tenant, p, after)
	if err != nil {
		return nil, err
	}
	return s, nil
}
