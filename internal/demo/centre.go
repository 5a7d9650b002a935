package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/internal/configfile"
)

// Password is the password of the agents in centre.yaml.
const Password = "usher-demo"

// The business process of the small contact centre, and what windows add.
var (
	//go:embed centre.yaml
	centreFile []byte
	//go:embed windows.yaml
	windowsFile []byte
)

// What the centre's customers use.
const (
	billingNumber = "4001"
	shopNumber    = "4002"
)

// centre is the small contact centre.
type centre struct {
	tenant string
	url    string
	admin  *client.Client
	// Keys of its website and of its external service.
	websiteKey, crmKey string
}

// newCentre configures a tenant as its files say, one over the other, and makes
// keys for those who work for it.
func newCentre(ctx context.Context, url, key, tenant string, files ...[]byte) (*centre, error) {
	admin, err := client.Dial(url, client.WithAPIKey(key))
	if err != nil {
		return nil, err
	}
	c := &centre{tenant: tenant, url: url, admin: admin}
	for _, file := range files {
		configuration, _, err := configfile.Parse("centre.yaml", file)
		if err != nil {
			return nil, err
		}
		apply := &usherv1.ApplyConfigurationRequest{TenantId: tenant, Configuration: configuration}
		if _, err := admin.Administration().ApplyConfiguration(ctx, apply); err != nil {
			return nil, err
		}
	}
	if c.websiteKey, err = c.newKey(ctx, "website", usherv1.Role_ROLE_MEDIA); err != nil {
		return nil, err
	}
	c.crmKey, err = c.newKey(ctx, "crm", usherv1.Role_ROLE_SERVICE)
	return c, err
}

func (c *centre) newKey(ctx context.Context, name string, role usherv1.Role) (string, error) {
	made, err := c.admin.Administration().CreateApiKey(ctx, &usherv1.CreateApiKeyRequest{TenantId: c.tenant, Name: name, Role: role})
	return made.GetKey(), err
}

// website connects the media server. It hears what callers are given, so that
// the trace shows it.
func (c *centre) website(ctx context.Context) (*client.Client, *client.MediaServer, error) {
	dialled, err := client.Dial(c.url, client.WithAPIKey(c.websiteKey))
	if err != nil {
		return nil, nil, err
	}
	website, err := dialled.MediaServer(ctx, "the website", usherv1.Notify_NOTIFY_TREATMENTS)
	return dialled, website, err
}

// crm connects the external service.
func (c *centre) crm(ctx context.Context) (*client.ExternalService, error) {
	dialled, err := client.Dial(c.url, client.WithAPIKey(c.crmKey))
	if err != nil {
		return nil, err
	}
	return dialled.ExternalService(ctx, "the customer database")
}

// goldCustomers are those whom the database knows to be good ones.
var goldCustomers = map[string]bool{"Mia": true, "Omar": true}

// lookUp is what the external service answers.
func lookUp(_ context.Context, request *usherv1.Event) (*structpb.Struct, error) {
	asked := request.GetRequest_3RdServer()
	if asked.GetMethod() != "lookup" {
		return nil, fmt.Errorf("there is no method %q", asked.GetMethod())
	}
	customer := asked.GetParameters().GetFields()["customer"].GetStringValue()
	return structpb.NewStruct(map[string]any{"gold": goldCustomers[customer]})
}

// agent logs an agent in; a reason code lets him begin in AUX.
func (c *centre) agent(ctx context.Context, id string, mode usherv1.WorkMode, code int, media ...string) (*client.AgentSession, error) {
	dialled, err := client.Dial(c.url, client.WithAgent(c.tenant, id, Password))
	if err != nil {
		return nil, err
	}
	login := client.Login{WorkMode: mode, ReasonCode: code}
	for _, name := range media {
		login.Media = append(login.Media, client.Ready(name))
	}
	session, err := dialled.Agent(ctx, login)
	if err != nil {
		return nil, fmt.Errorf("agent %s: %w", id, err)
	}
	return session, nil
}

// why asks why an interaction waits; nil for one that is no more.
func (c *centre) why(ctx context.Context, interaction string) (*usherv1.EventWhyWaiting, error) {
	why, err := c.admin.Routing().WhyWaiting(ctx, &usherv1.RequestWhyWaiting{InteractionId: interaction, TenantId: c.tenant})
	if errors.Is(err, client.ErrorWith(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION)) {
		return nil, nil
	}
	return why, err
}

// trace gives every arrow of the centre after a sequence until ctx ends.
func (c *centre) trace(ctx context.Context, after uint64, show func(context.Context, *usherv1.TraceLine) error) error {
	for line, err := range c.admin.Trace(ctx, &usherv1.RequestTrace{TenantId: c.tenant, AfterSequence: after, Live: true}) {
		if err != nil {
			return err
		}
		if err := show(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

// chat is a customer who begins to write.
func chat(vdn, customer, subject string) *usherv1.RequestSubmit {
	return &usherv1.RequestSubmit{Vdn: vdn, MediaType: "chat", IsOnline: true, UserData: &structpb.Struct{Fields: map[string]*structpb.Value{
		"customer_name": structpb.NewStringValue(customer),
		"subject":       structpb.NewStringValue(subject),
	}}}
}
