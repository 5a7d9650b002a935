package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/internal/server"
)

// The defaults of ChatOptions.
const (
	DefaultCustomers = 2_000
	DefaultEvery     = 5 * time.Second
)

const (
	siteName        = "bench"
	chatPatience    = 2 * time.Minute // for all customers to be answered
	streamsEachConn = 200             // of clients, on one HTTP/2 connection
	launchesAtOnce  = 64
)

// ChatOptions say how many chat at once.
type ChatOptions struct {
	// Customers and Agents chat at once; each agent has as many chats as it
	// takes.
	Customers, Agents int
	// Every is how often a customer says something, on average; his agent
	// answers at once.
	Every time.Duration
	// Duration is how long is measured.
	Duration time.Duration
	// Dir and Progress are as in Options.
	Dir      string
	Progress func(what string)
}

// ChatResult is what was measured of chats.
type ChatResult struct {
	Customers int `json:"customers"`
	Agents    int `json:"agents"`
	// How soon all of them were connected, from the first session request.
	ConnectedS float64 `json:"connected_s"`
	// Lines said, durable and heard by the other side; customers' and agents'.
	LinesPerS float64 `json:"lines_per_s"`
	// From a customer's SendLine to his agent's EventLineAdded.
	ToAgentP50Ms float64 `json:"to_agent_p50_ms"`
	ToAgentP99Ms float64 `json:"to_agent_p99_ms"`
	// From the agent's AddLine to the customer's stream.
	ToCustomerP50Ms float64 `json:"to_customer_p50_ms"`
	ToCustomerP99Ms float64 `json:"to_customer_p99_ms"`
	// The processors' time of server and clients together, for one line.
	CPUUsPerLine float64 `json:"cpu_us_per_line"`
	// The server's memory for one more open stream of a customer's browser, on
	// a connection of its own.
	BytesPerConnection float64 `json:"bytes_per_connection"`
}

// RunChats lets customers and agents chat on a server.
func RunChats(ctx context.Context, o ChatOptions) (_ *ChatResult, err error) {
	if o.Customers < 1 || o.Agents < 1 || o.Every <= 0 || o.Duration <= 0 {
		return nil, errors.New("customers, agents, how often they speak and the duration must be positive")
	}
	dir, err := os.MkdirTemp(o.Dir, "usher-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, t, err := startServer(ctx, dir, Options{Agents: o.Agents})
	if err != nil {
		return nil, err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		err = errors.Join(err, s.Shutdown(ending))
	}()
	c := &chats{o: o, server: s, target: t, begun: time.Now()}
	return c.measure(ctx)
}

// chats are customers and agents who chat.
type chats struct {
	o      ChatOptions
	server *server.Server
	target *target
	begun  time.Time
	site   *client.Client // the site's backend

	connected atomic.Int64
	lines     atomic.Uint64

	mu                  sync.Mutex
	timing              bool
	toAgent, toCustomer []time.Duration
}

func (c *chats) measure(ctx context.Context) (*ChatResult, error) {
	if err := c.configure(ctx); err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	all, ctx := errgroup.WithContext(ctx)
	if err := c.agents(ctx, all); err != nil {
		return nil, err
	}
	c.o.Progress(fmt.Sprintf("%d customers who ask for a session", c.o.Customers))
	asked := time.Now()
	if err := c.customers(ctx, all); err != nil {
		return nil, err
	}
	if err := c.allConnected(ctx); err != nil {
		return nil, err
	}
	r := &ChatResult{Customers: c.o.Customers, Agents: c.o.Agents, ConnectedS: time.Since(asked).Seconds()}
	c.o.Progress(fmt.Sprintf("what they say, for %v", c.o.Duration))
	c.time(true)
	lines, cpu, began := c.lines.Load(), cpuTime(), time.Now()
	c.during(ctx)
	said := float64(c.lines.Load() - lines)
	r.LinesPerS, r.CPUUsPerLine = said/time.Since(began).Seconds(), float64((cpuTime()-cpu).Microseconds())/said
	c.time(false)
	if !c.bothHeard() {
		end()
		return nil, errors.Join(errors.New("nothing was said in time"), all.Wait())
	}
	r.ToAgentP50Ms, r.ToAgentP99Ms = quantiles(c.toAgent)
	r.ToCustomerP50Ms, r.ToCustomerP99Ms = quantiles(c.toCustomer)
	end()
	if err := all.Wait(); err != nil {
		return nil, err
	}
	c.o.Progress("the memory of connections")
	var err error
	r.BytesPerConnection, err = c.memory(context.WithoutCancel(ctx))
	return r, err
}

// during waits for as long as is measured, and until both sides were heard.
func (c *chats) during(ctx context.Context) {
	pause(ctx, nil, c.o.Duration)
	ctx, cancel := context.WithTimeout(ctx, chatPatience)
	defer cancel()
	for !c.bothHeard() && ctx.Err() == nil {
		pause(ctx, nil, time.Millisecond)
	}
}

func (c *chats) bothHeard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.toAgent) > 0 && len(c.toCustomer) > 0
}

func quantiles(of []time.Duration) (p50, p99 float64) {
	slices.Sort(of)
	return ms(of[len(of)/2]), ms(of[len(of)*99/100])
}

// configure makes a site, and agents who take as many chats as it needs.
func (c *chats) configure(ctx context.Context) error {
	dialled, err := client.Dial(c.target.url, client.WithAPIKey(c.target.admin))
	if err != nil {
		return err
	}
	defer func() { _ = dialled.Close(ctx) }()
	each := int32((c.o.Customers + c.o.Agents - 1) / c.o.Agents)
	_, err = dialled.Administration().ApplyConfiguration(ctx, &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		MediaTypes:   []*usherv1.MediaType{{Name: mediaType, DefaultCapacity: each}},
		RequestTypes: []*usherv1.RequestType{{Name: mediaType, MediaType: mediaType, Queue: queueName}},
		Sites: []*usherv1.Site{{
			Name: siteName, RequestTypes: []string{mediaType},
		}},
	}})
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	key, err := dialled.Administration().CreateApiKey(ctx, &usherv1.CreateApiKeyRequest{
		Name: siteName, Role: usherv1.Role_ROLE_SITE, Site: siteName,
	})
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	c.site, err = client.Dial(c.target.url, client.WithAPIKey(key.GetKey()))
	return err
}

// launch asks for a session as a customer for whom the site vouches.
func (c *chats) launch(ctx context.Context, browser *client.Client, n int) (*client.CustomerSession, error) {
	minted, err := c.site.InternetCallManager().CreateCustomerToken(ctx, &usherv1.CreateCustomerTokenRequest{
		Site: siteName, CustomerId: strconv.Itoa(n), Name: "Customer " + strconv.Itoa(n),
	})
	if err != nil {
		return nil, fmt.Errorf("vouch for customer %d: %w", n, err)
	}
	session, err := browser.LaunchSession(ctx, &usherv1.RequestLaunchSession{Site: siteName, CustomerToken: minted.GetToken(), Text: "Hello!"})
	if err != nil {
		return nil, fmt.Errorf("customer %d: %w", n, err)
	}
	return session, nil
}

// said is a line's text: when it was said, and a word.
func (c *chats) said(word string) string {
	return strconv.FormatInt(int64(time.Since(c.begun)), 10) + " " + word
}

// heard notes how long a line was on its way.
func (c *chats) heard(line *usherv1.Line, to *[]time.Duration) {
	var at int64
	if _, err := fmt.Sscan(line.GetText(), &at); err != nil {
		return // the first line of a session
	}
	c.lines.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timing {
		*to = append(*to, time.Since(c.begun)-time.Duration(at))
	}
}

func (c *chats) time(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timing = on
}

// dial makes a client, on the n-th share of connections.
func (c *chats) dial(shared []*http.Client, n int, with ...client.Option) (*client.Client, error) {
	return client.Dial(c.target.url, append(with, client.WithHTTPClient(shared[n/streamsEachConn]))...)
}

// connections are HTTP clients for a number of streams.
func connections(streams int) []*http.Client {
	var f fleet
	for range streams/streamsEachConn + 1 {
		f.newHTTP()
	}
	return f.http
}

// agents come, accept what they are offered, and answer what they are asked.
func (c *chats) agents(ctx context.Context, all *errgroup.Group) error {
	shared := connections(c.o.Agents)
	for n, token := range c.target.agents {
		dialled, err := c.dial(shared, n, client.WithToken(token))
		if err != nil {
			return err
		}
		session, err := dialled.Agent(ctx, client.Login{Media: []*usherv1.MediaLogin{client.Ready(mediaType)}})
		if err != nil {
			return fmt.Errorf("agent %d: %w", n, err)
		}
		all.Go(func() error { return c.agent(ctx, all, session) })
	}
	return nil
}

func (c *chats) agent(ctx context.Context, all *errgroup.Group, session *client.AgentSession) error {
	for event, err := range session.Events(ctx) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("an agent's stream: %w", err)
		}
		switch {
		case event.GetEventInvite() != nil:
			all.Go(func() error { return unlessOver(ctx, session.Accept(ctx, event.GetEventInvite().GetTicket())) })
		case event.GetEventLineAdded().GetAuthor().GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_CUSTOMER:
			c.heard(event.GetEventLineAdded().GetLine(), &c.toAgent)
			all.Go(func() error {
				_, err := session.Requests().AddLine(ctx, &usherv1.RequestAddLine{
					InteractionId: event.GetInteractionId(), Line: &usherv1.Line{Text: c.said("I will have a look.")},
				})
				return unlessOver(ctx, err)
			})
		}
	}
	return nil
}

// unlessOver is an error that did not come because the measuring is over.
func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// customers come, many at once.
func (c *chats) customers(ctx context.Context, all *errgroup.Group) error {
	shared := connections(c.o.Customers)
	coming, comingCtx := errgroup.WithContext(ctx)
	coming.SetLimit(launchesAtOnce)
	for n := range c.o.Customers {
		coming.Go(func() error {
			browser, err := c.dial(shared, n)
			if err != nil {
				return err
			}
			session, err := c.launch(comingCtx, browser, n)
			if err != nil {
				return err
			}
			all.Go(func() error { return c.customer(ctx, all, session) })
			return nil
		})
	}
	return coming.Wait()
}

func (c *chats) customer(ctx context.Context, all *errgroup.Group, session *client.CustomerSession) error {
	connected := false
	for event, err := range session.Events(ctx, session.Launched().GetSequence()) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("a customer's stream: %w", err)
		}
		switch {
		case !connected && event.GetProgress().GetState() == usherv1.SessionState_SESSION_STATE_CONNECTED:
			connected = true
			c.connected.Add(1)
			all.Go(func() error { return c.speak(ctx, session) })
		case event.GetLine() != nil && !event.GetLine().GetOwn():
			c.heard(event.GetLine().GetLine(), &c.toCustomer)
		}
	}
	return nil
}

// speak says something from time to time.
func (c *chats) speak(ctx context.Context, session *client.CustomerSession) error {
	for {
		pause(ctx, nil, time.Duration(rand.ExpFloat64()*float64(c.o.Every)))
		if ctx.Err() != nil {
			return nil
		}
		if err := session.Say(ctx, c.said("When will my parcel be here?")); err != nil {
			return unlessOver(ctx, err)
		}
	}
}

// allConnected waits until every customer has an agent.
func (c *chats) allConnected(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, chatPatience)
	defer cancel()
	for c.connected.Load() < int64(c.o.Customers) {
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d customers are connected: %w", c.connected.Load(), c.o.Customers, ctx.Err())
		}
		pause(ctx, nil, time.Millisecond)
	}
	return nil
}

// memory is what the server needs for a connection with a customer's stream.
// The other ends are bare sockets, which need next to nothing.
func (c *chats) memory(ctx context.Context) (float64, error) {
	session, err := c.launch(ctx, c.site, c.o.Customers)
	if err != nil {
		return 0, err
	}
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	before := inUse()
	for range c.o.Customers {
		conn, err := openStream(ctx, c.target.url, session.Launched().GetSessionToken())
		if err != nil {
			return 0, err
		}
		open = append(open, conn)
	}
	return float64(inUse()-before) / float64(len(open)), nil
}

// openStream opens a session's stream as a browser does, and reads its
// beginning.
func openStream(ctx context.Context, url, token string) (net.Conn, error) {
	address, body := url[len("http://"):], "\x00\x00\x00\x00\x02{}"
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/connect+json\r\nContent-Length: %d\r\n\r\n%s",
		usherv1connect.InternetCallManagerSessionEventsProcedure, address, token, len(body), body)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	status := make([]byte, len("HTTP/1.1 200"))
	if _, err := conn.Read(status); err != nil || string(status) != "HTTP/1.1 200" {
		return nil, errors.Join(fmt.Errorf("open a stream: %q, %w", status, err), conn.Close())
	}
	return conn, nil
}

// inUse is the memory in use by heap and stacks.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
