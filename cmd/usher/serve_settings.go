package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/spf13/pflag"

	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/internal/server"
	"github.com/usher-cc/usher/internal/settings"
	"github.com/usher-cc/usher/media"
)

// serveSettings are what can be set by flag, environment and file.
type serveSettings struct {
	data, listen, adminListen string
	tlsCert, tlsKey           string
	dev, insecure             bool
	trustedProxies            []string
	logLevel, logFormat       string
	retention, drainTimeout   time.Duration
	lowSpaceBytes             uint64
	limits                    edge.Limits
	sessions                  media.Limits
}

func (s *serveSettings) flags(f *pflag.FlagSet) {
	f.String(settings.ConfigFlag, "", "a YAML file with settings")
	f.StringVar(&s.data, "data", "", "the data folder; made if it is missing")
	f.StringVar(&s.listen, "listen", defaultListen, "address for clients")
	f.StringVar(&s.adminListen, "admin-listen", defaultAdminListen, "address for operators: health, metrics, profiles, status; empty for none")
	f.StringVar(&s.tlsCert, "tls-cert", "", "certificate chain for clients, a PEM file")
	f.StringVar(&s.tlsKey, "tls-key", "", "private key of the certificate, a PEM file")
	f.BoolVar(&s.insecure, "insecure", false, "serve without TLS beyond this machine, e.g. behind a proxy")
	f.StringSliceVar(&s.trustedProxies, "trusted-proxy", nil, "address or network (10.0.0.0/8) of a proxy whose X-Forwarded-For is believed; several by commas")
	f.BoolVar(&s.dev, "dev", false, "for development: set up by itself, print keys, serve this machine only; without --data forget all at the end")
	f.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&s.logFormat, "log-format", "text", "text or json")
	f.DurationVar(&s.retention, "retention", 0, "how long the journal is kept, and attachments a day longer; 0 for ever")
	f.DurationVar(&s.drainTimeout, "drain-timeout", 10*time.Second, "how long requests under way may take when the server stops")
	f.Uint64Var(&s.lowSpaceBytes, "low-space-bytes", 0, "free disk below which new interactions are refused; 0 for 256 MiB")
	s.limitFlags(f)
	s.attachmentFlags(f)
}

// limitFlags are the limits of what clients and customers may take up; 0 stands
// for the default.
func (s *serveSettings) limitFlags(f *pflag.FlagSet) {
	l, customers := &s.limits, &s.sessions
	for _, limit := range []struct {
		to          *int
		name, usage string
	}{
		{&l.RequestBytes, "request-bytes", "size of one request"},
		{&l.ConfigurationBytes, "configuration-bytes", "size of one request of administration"},
		{&l.RequestBurst, "request-burst", "requests at once with one API key"},
		{&l.AgentBurst, "agent-burst", "requests at once of one agent, or of one customer's session"},
		{&l.StreamsEach, "streams-each", "open streams of one credential"},
		{&l.Streams, "streams", "open streams of agents and applications in all"},
		{&l.CustomerStreams, "customer-streams", "open streams of customers in all"},
		{&l.Connections, "connections", "open connections"},
		{&l.InFlight, "in-flight", "unanswered requests of one session"},
		{&l.LoginBurstAgent, "login-burst-agent", "logins at once of one agent"},
		{&l.LoginBurstAddress, "login-burst-address", "logins at once from one address"},
		{&l.LoginsWaiting, "logins-waiting", "logins that wait for their turn"},
		{&l.LineBurst, "line-burst", "lines and files at once in one customer's session"},
		{&l.VisitorBurst, "visitor-burst", "launches of sessions and looks at sites at once from one address"},
		{&customers.Sessions, "sessions", "live sessions of a tenant's customers"},
		{&customers.SessionsEach, "sessions-each", "live sessions of one customer whom a site knows"},
		{&customers.StreamsEach, "session-streams", "open streams of one customer's session"},
		{&customers.Attachments, "attachments", "attachments of one session"},
	} {
		f.IntVar(limit.to, "limit-"+limit.name, 0, "limit: "+limit.usage)
	}
	for _, limit := range []struct {
		to          *float64
		name, usage string
	}{
		{&l.RequestsPerSecond, "requests-per-second", "requests per second with one API key"},
		{&l.AgentPerSecond, "agent-per-second", "requests per second of one agent, or of one customer's session"},
		{&l.LoginsPerAgent, "logins-per-agent", "logins per second of one agent"},
		{&l.LoginsPerAddress, "logins-per-address", "logins per second from one address"},
		{&l.LinesPerSecond, "lines-per-second", "lines and files per second in one customer's session"},
		{&l.VisitorsPerSecond, "visitors-per-second", "launches of sessions and looks at sites per second from one address"},
	} {
		f.Float64Var(limit.to, "limit-"+limit.name, 0, "limit: "+limit.usage)
	}
	for _, limit := range []struct {
		to          *time.Duration
		name, usage string
	}{
		{&l.ReadTimeout, "read-timeout", "time to send a request"},
		{&l.WriteTimeout, "write-timeout", "time to take one message or answer"},
		{&l.IdleTimeout, "idle-timeout", "time of a connection without a call"},
		{&l.Heartbeat, "heartbeat", "silence on a stream before a heartbeat"},
		{&l.SessionValid, "session-valid", "time that an agent's session token is valid"},
	} {
		f.DurationVar(limit.to, "limit-"+limit.name, 0, "limit: "+limit.usage)
	}
}

// attachmentFlags are how many bytes the files of conversations may take.
func (s *serveSettings) attachmentFlags(f *pflag.FlagSet) {
	for _, limit := range []struct {
		to          *int64
		name, usage string
	}{
		{&s.sessions.AttachmentMax, "attachment-bytes", "size of one attachment"},
		{&s.sessions.AttachmentsAll, "attachment-bytes-all", "size of all attachments of a tenant, the last quarter for agents alone"},
		{&s.sessions.AttachmentsAddress, "attachment-bytes-address", "bytes of attachments that customers of one address may send to a tenant within a day"},
	} {
		f.Int64Var(limit.to, "limit-"+limit.name, 0, "limit: "+limit.usage)
	}
}

// config checks the settings and makes the server's configuration of them.
func (s *serveSettings) config(stderr io.Writer) (server.Config, error) {
	config := server.Config{
		DataDir: s.data, Listen: s.listen, AdminListen: s.adminListen, Plaintext: s.insecure,
		Limits: s.limits, Sessions: s.sessions, Retention: s.retention, LowSpaceBytes: s.lowSpaceBytes,
	}
	var err error
	if config.Logger, err = s.logger(stderr); err != nil {
		return config, err
	}
	if config.TLS, err = s.tls(); err != nil {
		return config, err
	}
	if config.Proxies, err = s.proxies(); err != nil {
		return config, err
	}
	return config, s.check()
}

// proxies are the networks of --trusted-proxy.
func (s *serveSettings) proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range s.trustedProxies {
		network, err := netip.ParsePrefix(text)
		if ip, single := netip.ParseAddr(text); single == nil {
			network, err = ip.Unmap().Prefix(ip.Unmap().BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxy: %q is no address and no network", text)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

// check refuses what would be unsafe or make no sense.
func (s *serveSettings) check() error {
	switch {
	case s.dev && s.tlsCert != "":
		return errors.New("--dev serves this machine only, without TLS: leave out --tls-cert")
	case s.dev && !loopback(s.listen):
		return fmt.Errorf("--dev serves this machine only, with a known password: --listen %q is not a loopback address", s.listen)
	case s.dev && s.adminListen != "" && !loopback(s.adminListen):
		return fmt.Errorf("--dev serves this machine only: --admin-listen %q is not a loopback address", s.adminListen)
	case !s.dev && s.data == "":
		return errors.New("a data folder is necessary: --data DIR (or --dev to try things out)")
	case !s.dev && s.tlsCert == "" && !s.insecure && !loopback(s.listen):
		return fmt.Errorf("%q is reachable from other machines: give --tls-cert and --tls-key, or --insecure if something else encrypts", s.listen)
	case s.retention < 0 || s.drainTimeout < 0:
		return errors.New("--retention and --drain-timeout can't be negative")
	}
	return nil
}

// loopback tells whether an address is reachable from this machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func (s *serveSettings) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return nil, fmt.Errorf("log level %q: it is debug, info, warn or error", s.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: it is text or json", s.logFormat)
}

func (s *serveSettings) tls() (*tls.Config, error) {
	if s.tlsCert == "" && s.tlsKey == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(s.tlsCert, s.tlsKey)
	if err != nil {
		return nil, fmt.Errorf("load --tls-cert and --tls-key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, nil
}
