package edge

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

// DefaultTenant is the tenant that is meant where none is named.
const DefaultTenant = "default"

// compressMinBytes is the size from which answers are compressed. Compressing
// everything costs several times the work of all the rest.
const compressMinBytes = 4096

// Limits bound what clients may take up. Zero means the default.
type Limits struct {
	RequestBytes       int           // one request; 256 KiB
	ConfigurationBytes int           // one request of Administration; 4 MiB
	ReferenceIDBytes   int           // a reference id; 128
	RequestsPerSecond  float64       // with one API key; 10,000
	RequestBurst       int           // at once with one API key; 20,000
	AgentPerSecond     float64       // requests of one agent, or of one customer's session; 100
	AgentBurst         int           // those at once; 400
	StreamsEach        int           // open streams of one credential; 64
	Streams            int           // open streams of agents and applications in all; 20,000
	CustomerStreams    int           // open streams of customers in all; 20,000
	Connections        int           // open connections; 30,000
	InFlight           int           // unanswered requests of one Session; 4,096
	LoginsPerAgent     float64       // logins per second of one agent; 0.2
	LoginBurstAgent    int           // logins at once of one agent; 10
	LoginsPerAddress   float64       // logins per second from one address; 10
	LoginBurstAddress  int           // logins at once from one address; 300
	LoginsWaiting      int           // logins that wait for their turn; 256
	PasswordKiB        int           // memory of one password hash (argon2id); 19 MiB. A hash names its own, so that it may be changed
	HeaderTimeout      time.Duration // to send the headers; 10 s
	ReadTimeout        time.Duration // to send a request; 30 s
	WriteTimeout       time.Duration // to take one message or answer; 10 s
	IdleTimeout        time.Duration // of a connection without a call; 2 min
	Heartbeat          time.Duration // silence on a stream before a heartbeat; 10 s
	Registration       time.Duration // to register after opening a stream; 10 s
	PingAfter          time.Duration // silence on a connection before a ping; 15 s
	PingTimeout        time.Duration // for the answer to a ping; 15 s
	SessionValid       time.Duration // of an agent's session token; 12 h
	LinesPerSecond     float64       // lines and files of one customer's session, or files of one agent; 5
	LineBurst          int           // lines and files at once; 20
	TypingPerSecond    float64       // typing notices of one customer's session that are passed on; 2
	VisitorsPerSecond  float64       // sessions and looks at sites from one address; 100
	VisitorBurst       int           // those at once; 1,000
}

// standard fills in the defaults.
func (l Limits) standard() Limits {
	l.RequestBytes = cmp.Or(l.RequestBytes, 256<<10)
	l.ConfigurationBytes = cmp.Or(l.ConfigurationBytes, 4<<20)
	l.ReferenceIDBytes = cmp.Or(l.ReferenceIDBytes, 128)
	l.RequestsPerSecond = cmp.Or(l.RequestsPerSecond, 10_000)
	l.RequestBurst = cmp.Or(l.RequestBurst, 20_000)
	l.AgentPerSecond = cmp.Or(l.AgentPerSecond, 100)
	l.AgentBurst = cmp.Or(l.AgentBurst, 400)
	l.StreamsEach = cmp.Or(l.StreamsEach, 64)
	l.Streams = cmp.Or(l.Streams, 20_000)
	l.CustomerStreams = cmp.Or(l.CustomerStreams, 20_000)
	l.Connections = cmp.Or(l.Connections, 30_000)
	l.InFlight = cmp.Or(l.InFlight, 4096)
	l.LoginsPerAgent = cmp.Or(l.LoginsPerAgent, 0.2)
	l.LoginBurstAgent = cmp.Or(l.LoginBurstAgent, 10)
	l.LoginsPerAddress = cmp.Or(l.LoginsPerAddress, 10)
	l.LoginBurstAddress = cmp.Or(l.LoginBurstAddress, 300)
	l.LoginsWaiting = cmp.Or(l.LoginsWaiting, 256)
	l.PasswordKiB = cmp.Or(l.PasswordKiB, argonMemoryKiB)
	l.HeaderTimeout = cmp.Or(l.HeaderTimeout, 10*time.Second)
	l.ReadTimeout = cmp.Or(l.ReadTimeout, 30*time.Second)
	l.WriteTimeout = cmp.Or(l.WriteTimeout, 10*time.Second)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, 2*time.Minute)
	l.Heartbeat = cmp.Or(l.Heartbeat, 10*time.Second)
	l.Registration = cmp.Or(l.Registration, 10*time.Second)
	l.PingAfter = cmp.Or(l.PingAfter, 15*time.Second)
	l.PingTimeout = cmp.Or(l.PingTimeout, 15*time.Second)
	l.SessionValid = cmp.Or(l.SessionValid, 12*time.Hour)
	l.LinesPerSecond = cmp.Or(l.LinesPerSecond, 5)
	l.LineBurst = cmp.Or(l.LineBurst, 20)
	l.TypingPerSecond = cmp.Or(l.TypingPerSecond, 2)
	l.VisitorsPerSecond = cmp.Or(l.VisitorsPerSecond, 100)
	l.VisitorBurst = cmp.Or(l.VisitorBurst, 1_000)
	return l
}

// Options say how a Server works. Center is necessary; for every other field
// the zero value means its default.
type Options struct {
	// Center is the single writer.
	Center Center
	// Statistics is what people look at; nil refuses to show anything.
	Statistics Statistics
	// Sessions is the session media server; without it no customer is served.
	Sessions Sessions
	// Logger takes one line for every refused request; none by default.
	Logger *slog.Logger
	// Registry takes the metrics; a registry of its own by default.
	Registry *prometheus.Registry
	// Limits bound what clients may take up.
	Limits Limits
	// TLS, if set, encrypts; without it the server speaks plain HTTP/1.1 and
	// HTTP/2, for local use and behind a proxy.
	TLS *tls.Config
	// PlaintextAnywhere lets Serve listen without TLS where others than this
	// machine can reach it, for a server behind a proxy that encrypts. Without
	// it, and without TLS, Serve takes loopback addresses only: credentials
	// don't travel in the clear because somebody forgot a setting.
	PlaintextAnywhere bool
	// TrustedProxies are from where X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// SetupTokenHash is HashCredential of the one-time setup token; nil if
	// setting up over the network is not offered.
	SetupTokenHash []byte
	// Tickets are login links, for a demo; nil for none.
	Tickets *Tickets
	// Other serves the paths that are no methods, such as the web pages; nil
	// refuses them.
	Other http.Handler
	// Ready, if set, tells besides the center whether requests can be served.
	Ready func() error
}

// Server serves the protocols. Make it with New.
type Server struct {
	center      Center
	customers   Sessions
	statistics  Statistics
	log         *slog.Logger
	limits      Limits
	tls         *tls.Config
	plaintext   bool // anywhere
	other       http.Handler
	tickets     *Tickets
	ready       func() error
	metrics     *metrics
	permissions map[string]permission
	sessions    map[protoreflect.FullName]sessionMethod
	errorWriter *connect.ErrorWriter
	passwords   *passwords
	setup       setup

	// What customers take up is counted apart from all others: however many
	// they are, agents and applications find room.
	keyRate         *limiters
	sessionRate     *limiters
	fileRate        *limiters
	agentRate       *limiters // logins by strangers
	homeRate        *limiters // logins where an agent is known
	homes           homes
	addressRate     *limiters
	customerRate    *limiters
	visitorRate     *limiters
	launchRate      *limiters
	lineRate        *limiters
	typingRate      *limiters
	streams         *counters
	customerStreams *counters
	anybodyStreams  *counters
	uploads         *counters // of customers, by address
	open            openStreams

	handler  http.Handler
	http     *http.Server
	draining atomic.Bool
}

// New makes a server.
func New(o Options) *Server {
	limits := o.Limits.standard()
	s := &Server{
		center: o.Center, customers: o.Sessions, statistics: o.Statistics, log: o.Logger, limits: limits, tls: o.TLS, plaintext: o.PlaintextAnywhere, other: o.Other, tickets: o.Tickets, ready: o.Ready,
		permissions: permissions(services()),
		errorWriter: connect.NewErrorWriter(),
		passwords:   newPasswords(limits.LoginsWaiting, uint32(limits.PasswordKiB)),
		setup:       setup{hash: o.SetupTokenHash},

		keyRate:         newLimiters(limits.RequestsPerSecond, limits.RequestBurst, time.Now),
		sessionRate:     newLimiters(limits.AgentPerSecond, limits.AgentBurst, time.Now),
		fileRate:        newLimiters(limits.LinesPerSecond, limits.LineBurst, time.Now),
		agentRate:       newLimiters(limits.LoginsPerAgent, limits.LoginBurstAgent, time.Now),
		homeRate:        newLimiters(limits.LoginsPerAgent, limits.LoginBurstAgent, time.Now),
		addressRate:     newLimiters(limits.LoginsPerAddress, limits.LoginBurstAddress, time.Now),
		customerRate:    newLimiters(limits.AgentPerSecond, limits.AgentBurst, time.Now),
		visitorRate:     newLimiters(limits.VisitorsPerSecond, limits.VisitorBurst, time.Now),
		launchRate:      newLimiters(float64(anonymousPerMinute)/60, anonymousPerMinute, time.Now),
		lineRate:        newLimiters(limits.LinesPerSecond, limits.LineBurst, time.Now),
		typingRate:      newLimiters(limits.TypingPerSecond, typingBurst, time.Now),
		streams:         newCounters(limits.StreamsEach, limits.Streams),
		customerStreams: newCounters(limits.StreamsEach, limits.CustomerStreams),
		anybodyStreams:  newCounters(anybodyStreamsEach, anybodyStreamsAll),
		uploads:         newCounters(uploadsEach, math.MaxInt),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	registry := o.Registry
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	s.metrics = newMetrics(registry, s)
	s.sessions = sessionMethods(s.permissions)
	s.handler = behind(o.TrustedProxies, s.wire(s.mount()))
	s.http = s.newHTTP()
	return s
}

// maxBytes is how large a request of a procedure may be.
func (s *Server) maxBytes(procedure string) int {
	if service, _ := splitProcedure(procedure); service == usherv1connect.AdministrationName {
		return s.limits.ConfigurationBytes
	}
	return s.limits.RequestBytes
}

// mount puts the services on their paths.
func (s *Server) mount() http.Handler {
	options := func(maxBytes int) connect.HandlerOption {
		return connect.WithHandlerOptions(append(codecs(maxBytes),
			gzipCompression(maxBytes),
			connect.WithCompressMinBytes(compressMinBytes),
			connect.WithRequestGate(s.gate),
			connect.WithInterceptors(&watch{s}),
			connect.WithConditionalHandlerOptions(func(spec connect.Spec) []connect.HandlerOption {
				if spec.StreamType != connect.StreamTypeBidi {
					return nil // the wire limits the body
				}
				return []connect.HandlerOption{connect.WithReadMaxBytes(maxBytes)}
			}))...)
	}
	request := options(s.limits.RequestBytes)
	mux := http.NewServeMux()
	mux.Handle(usherv1connect.NewInteractionManagementHandler(interactionManagement{s}, request))
	mux.Handle(usherv1connect.NewTLibraryHandler(tLibrary{s}, request))
	mux.Handle(usherv1connect.NewExternalServiceHandler(externalService{s}, request))
	mux.Handle(usherv1connect.NewRoutingHandler(routing{s}, request))
	mux.Handle(usherv1connect.NewReportingHandler(reporting{s}, request))
	mux.Handle(usherv1connect.NewStatisticsHandler(statistics{s}, request))
	mux.Handle(usherv1connect.NewAuthenticationHandler(authentication{s}, request))
	mux.Handle(usherv1connect.NewInternetCallManagerHandler(internetCallManager{s}, request))
	mux.Handle(usherv1connect.NewAdministrationHandler(administration{s}, options(s.limits.ConfigurationBytes)))

	var names []string
	for _, service := range services() {
		names = append(names, string(service.FullName()))
	}
	reflector := grpcreflect.NewStaticReflector(append(names, healthService)...)
	small := connect.WithHandlerOptions(connect.WithReadMaxBytes(s.limits.RequestBytes), connect.WithInterceptors(&forAnybody{s}))
	mux.Handle(grpcreflect.NewHandlerV1(reflector, small))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, small))
	s.mountHealth(mux, small)
	return mux
}

// newHTTP is the server of the port.
func (s *Server) newHTTP() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(s.tls == nil)
	return &http.Server{
		Handler:           s.handler,
		TLSConfig:         s.tls,
		Protocols:         protocols,
		ReadHeaderTimeout: s.limits.HeaderTimeout,
		IdleTimeout:       s.limits.IdleTimeout,
		MaxHeaderBytes:    32 << 10,
		ConnContext:       withConn,
		ConnState:         connState,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 4096,
			SendPingTimeout:      s.limits.PingAfter,
			PingTimeout:          s.limits.PingTimeout,
			WriteByteTimeout:     s.limits.WriteTimeout,
		},
	}
}

// Handler is what Serve serves, for tests and for other servers.
func (s *Server) Handler() http.Handler { return s.handler }

// errPlaintext: see Options.PlaintextAnywhere.
var errPlaintext = errors.New("edge: without TLS the server listens on loopback addresses only, unless plaintext is allowed anywhere")

// loopback tells whether only this machine reaches an address.
func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// Serve serves on l until Shutdown; it returns nil then.
func (s *Server) Serve(l net.Listener) error {
	if s.tls == nil && !s.plaintext && !loopback(l.Addr()) {
		return errPlaintext
	}
	l = &limitedListener{Listener: l, max: s.limits.Connections, full: s.metrics.refusedConnections.Inc}
	var err error
	if s.tls != nil {
		err = s.http.ServeTLS(l, "", "")
	} else {
		err = s.http.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Drain makes the server not ready, so that nobody sends new clients here; it
// goes on serving.
func (s *Server) Drain() { s.draining.Store(true) }

// Shutdown ends every stream and every request that waits for people with
// Unavailable, waits until the other requests are answered or ctx ends, and
// closes what is left. Who repeats a pending request later joins it.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	s.open.endAll(errClosing)
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// openStreams are the streams that are open, and the requests that wait for
// people, by credential.
type openStreams struct {
	mu     sync.Mutex
	of     map[*caller]context.CancelCauseFunc
	closed error
}

// add enters a stream; the caller calls remove at its end.
func (o *openStreams) add(ctx context.Context, who *caller) (_ context.Context, remove func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed != nil {
		cancel(o.closed)
	}
	if o.of == nil {
		o.of = map[*caller]context.CancelCauseFunc{}
	}
	o.of[who] = cancel
	return ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.of, who)
		cancel(nil)
	}
}

// end ends the streams of those for whom which is true.
func (o *openStreams) end(which func(*caller) bool, why error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for who, cancel := range o.of {
		if which(who) {
			cancel(why)
		}
	}
}

// endAll ends every stream, now and later.
func (o *openStreams) endAll(why error) {
	o.mu.Lock()
	o.closed = why
	o.mu.Unlock()
	o.end(func(*caller) bool { return true }, why)
}
