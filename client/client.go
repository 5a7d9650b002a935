package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

// The defaults of the options.
const (
	defaultAttempts   = 10
	defaultBackOffMin = 50 * time.Millisecond
	defaultBackOffMax = 5 * time.Second
	pingAfter         = 15 * time.Second
	pingTimeout       = 15 * time.Second
)

// Option says how a Client works.
type Option func(*Client)

// WithAPIKey is the credential of a media server, router, external service,
// reporting engine or administrator.
func WithAPIKey(key string) Option {
	return func(c *Client) { c.credential.fixed = key }
}

// WithAgent is the credential of an agent. The client logs in when it first
// needs to, and again when its session has expired. An empty tenant is the
// default one.
func WithAgent(tenant, agent, password string) Option {
	return func(c *Client) {
		c.credential.login = &usherv1.OpenSessionRequest{TenantId: tenant, AgentId: agent, Password: password}
	}
}

// WithToken is the credential of an agent who has a session already.
func WithToken(token string) Option {
	return func(c *Client) { c.credential.fixed = token }
}

// WithTLS encrypts with this configuration; by default https trusts what the
// system trusts.
func WithTLS(config *tls.Config) Option {
	return func(c *Client) { c.tls = config }
}

// WithHTTPClient takes the place of the client's own, which speaks HTTP/2.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) { c.http = h }
}

// WithBackOff is how long to wait before the first and at most before every
// further attempt.
func WithBackOff(shortest, longest time.Duration) Option {
	return func(c *Client) { c.backOffMin, c.backOffMax = shortest, longest }
}

// WithAttempts is how often a request is sent before its error is returned; 1
// for no retries. Streams are opened again until their context ends.
func WithAttempts(n int) Option {
	return func(c *Client) { c.attempts = n }
}

// Client calls a server. All methods may be called concurrently.
type Client struct {
	http       *http.Client
	tls        *tls.Config
	credential credential
	attempts   int
	backOffMin time.Duration
	backOffMax time.Duration

	address string
	services
}

// services are the protocols, as one credential calls them.
type services struct {
	im         usherv1connect.InteractionManagementClient
	tlib       usherv1connect.TLibraryClient
	icm        usherv1connect.InternetCallManagerClient
	rpt        usherv1connect.ReportingClient
	routing    usherv1connect.RoutingClient
	statistics usherv1connect.StatisticsClient
	admin      usherv1connect.AdministrationClient
	auth       usherv1connect.AuthenticationClient
}

// Dial makes a client of the server at an address such as
// https://usher.example.com. It does not connect yet.
func Dial(address string, options ...Option) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("usher: the server's address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("usher: the server's address %q must begin with http:// or https://", address)
	}
	c := &Client{attempts: defaultAttempts, backOffMin: defaultBackOffMin, backOffMax: defaultBackOffMax}
	for _, option := range options {
		option(c)
	}
	if c.http == nil {
		c.http = newHTTP(u.Scheme, c.tls)
	}
	c.address = address
	c.serve()
	return c, nil
}

// serve makes the services, with the client's credential.
func (c *Client) serve() {
	with := []connect.ClientOption{connect.WithGRPC(), connect.WithInterceptors(&caller{c})}
	c.services = services{
		im:         usherv1connect.NewInteractionManagementClient(c.http, c.address, with...),
		tlib:       usherv1connect.NewTLibraryClient(c.http, c.address, with...),
		icm:        usherv1connect.NewInternetCallManagerClient(c.http, c.address, with...),
		rpt:        usherv1connect.NewReportingClient(c.http, c.address, with...),
		routing:    usherv1connect.NewRoutingClient(c.http, c.address, with...),
		statistics: usherv1connect.NewStatisticsClient(c.http, c.address, with...),
		admin:      usherv1connect.NewAdministrationClient(c.http, c.address, with...),
		auth:       usherv1connect.NewAuthenticationClient(c.http, c.address, with...),
	}
	c.credential.auth = c.auth
}

// withToken is the same client with another credential.
func (c *Client) withToken(token string) *Client {
	other := &Client{
		http: c.http, attempts: c.attempts, backOffMin: c.backOffMin, backOffMax: c.backOffMax, address: c.address,
		credential: credential{fixed: token},
	}
	other.serve()
	return other
}

// newHTTP is an HTTP/2 client that notices when the server is gone.
func newHTTP(scheme string, config *tls.Config) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(scheme == "https")
	protocols.SetUnencryptedHTTP2(scheme == "http")
	return &http.Client{Transport: &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: config,
		Protocols:       protocols,
		HTTP2:           &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}}
}

// InteractionManagement has every method of the protocol of media servers and
// agent applications.
func (c *Client) InteractionManagement() usherv1connect.InteractionManagementClient { return c.im }

// TLibrary has every method of the protocol of routers.
func (c *Client) TLibrary() usherv1connect.TLibraryClient { return c.tlib }

// Routing has every question about interactions that wait: why, and how long.
func (c *Client) Routing() usherv1connect.RoutingClient { return c.routing }

// InternetCallManager has every method of the protocol of customers' browsers
// and of sites.
func (c *Client) InternetCallManager() usherv1connect.InternetCallManagerClient { return c.icm }

// Statistics has every figure that people look at.
func (c *Client) Statistics() usherv1connect.StatisticsClient { return c.statistics }

// Administration has every method for tenants, configuration and API keys.
func (c *Client) Administration() usherv1connect.AdministrationClient { return c.admin }

// Authentication has every method for credentials.
func (c *Client) Authentication() usherv1connect.AuthenticationClient { return c.auth }

// Close gives an agent's session back and closes what is idle. Streams are
// closed by their contexts.
func (c *Client) Close(ctx context.Context) error {
	defer c.http.CloseIdleConnections()
	if c.credential.login == nil || c.credential.current() == "" {
		return nil
	}
	_, err := c.auth.CloseSession(ctx, &usherv1.CloseSessionRequest{})
	return err
}

// Register says what the client is; nothing else is answered before it.
func (c *Client) Register(ctx context.Context, r *usherv1.RequestRegisterClient) (*usherv1.EventAck, error) {
	return c.im.RegisterClient(ctx, r)
}

// credential is an API key or token, or how to come to one.
type credential struct {
	fixed string
	login *usherv1.OpenSessionRequest
	auth  usherv1connect.AuthenticationClient

	mu    sync.Mutex
	token string
}

func (c *credential) current() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// get is the credential; it logs in if need be.
func (c *credential) get(ctx context.Context) (string, error) {
	if c.login == nil {
		return c.fixed, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == "" {
		opened, err := c.auth.OpenSession(ctx, proto.CloneOf(c.login))
		if err != nil {
			return "", err
		}
		c.token = opened.GetToken()
	}
	return c.token, nil
}

// renew forgets a token that was refused; false if there can't be another.
func (c *credential) renew(refused string) bool {
	if c.login == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == refused {
		c.token = ""
	}
	return true
}

// caller is around every call: it gives the request its reference id and its
// credential, sends it again when that helps, and makes errors of the
// protocol *Errors.
type caller struct{ c *Client }

// WrapUnary implements connect.Interceptor.
func (w *caller) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		again := repeatable(request)
		renewed := false
		for attempt := 1; ; attempt++ {
			credential, err := w.authorize(ctx, request)
			var answer connect.AnyResponse
			if err == nil {
				answer, err = next(ctx, request)
			}
			if err == nil {
				return answer, nil
			}
			err = wrap(err)
			if credential != "" && !renewed && CodeOf(err) == usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED && w.c.credential.renew(credential) {
				renewed = true
				continue
			}
			if !again || !passes(err) || attempt >= w.c.attempts {
				return nil, err
			}
			if w.c.backOff(ctx, attempt) != nil {
				return nil, err
			}
		}
	}
}

// authorize sets the credential, except for the methods that give one.
func (w *caller) authorize(ctx context.Context, request connect.AnyRequest) (string, error) {
	switch request.Spec().Procedure {
	case usherv1connect.AuthenticationOpenSessionProcedure, usherv1connect.AuthenticationSetUpProcedure,
		usherv1connect.InternetCallManagerGetSiteProcedure, usherv1connect.InternetCallManagerLaunchSessionProcedure:
		return "", nil
	}
	credential, err := w.c.credential.get(ctx)
	if err != nil {
		return "", err
	}
	request.Header().Set("Authorization", "Bearer "+credential)
	return credential, nil
}

// WrapStreamingClient implements connect.Interceptor. Streams are opened again
// by whoever reads them, who knows where to go on.
func (w *caller) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (w *caller) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// repeatable tells whether a request may be sent again: it is a read, or has a
// reference id, which it is given here if it can have one.
func repeatable(request connect.AnyRequest) bool {
	if m, ok := request.Any().(proto.Message); ok && setReferenceID(m) != "" {
		return true
	}
	service, method, _ := strings.Cut(strings.TrimPrefix(request.Spec().Procedure, "/"), "/")
	return service == usherv1connect.RoutingName || strings.HasPrefix(method, "Get") || strings.HasPrefix(method, "Find") || strings.HasPrefix(method, "List")
}

// setReferenceID gives a request a reference id if it can have one and has
// none, and returns it.
func setReferenceID(m proto.Message) string {
	r := m.ProtoReflect()
	field := r.Descriptor().Fields().ByName("reference_id")
	if field == nil {
		return ""
	}
	if r.Get(field).String() == "" {
		r.Set(field, protoString(rand.Text()))
	}
	return r.Get(field).String()
}

// backOff waits before the next attempt, longer after each, and never in step
// with other clients.
func (c *Client) backOff(ctx context.Context, attempt int) error {
	wait := c.backOffMax
	if attempt < 20 {
		wait = min(wait, c.backOffMin<<(attempt-1))
	}
	timer := time.NewTimer(wait/2 + mathrand.N(wait/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// authorized is ctx for a stream, with the credential.
func (c *Client) authorized(ctx context.Context) (context.Context, string, error) {
	credential, err := c.credential.get(ctx)
	if err != nil {
		return nil, "", err
	}
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().Set("Authorization", "Bearer "+credential)
	return ctx, credential, nil
}

// errClosed is what a request gets from a session that was closed.
var errClosed = errors.New("usher: the session is closed")
