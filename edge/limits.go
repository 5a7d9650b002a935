package edge

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limitersMax is how many credentials or addresses are told apart; those
// beyond share one limiter.
const limitersMax = 100_000

// limiters limit the rate of each of many.
type limiters struct {
	limit rate.Limit
	burst int
	now   func() time.Time

	mu       sync.Mutex
	of       map[string]*rate.Limiter
	overflow *rate.Limiter
	sweepAt  int
}

func newLimiters(perSecond float64, burst int, now func() time.Time) *limiters {
	return &limiters{
		limit: rate.Limit(perSecond), burst: burst, now: now,
		of: map[string]*rate.Limiter{}, overflow: rate.NewLimiter(rate.Limit(perSecond), burst),
		sweepAt: 1024,
	}
}

// allow takes one from key's allowance.
func (l *limiters) allow(key string) bool { return l.allowAt(key, float64(l.limit), l.burst) }

// allowAt takes one from key's allowance, which is its own.
func (l *limiters) allowAt(key string, perSecond float64, burst int) bool {
	now := l.now()
	l.mu.Lock()
	limiter := l.of[key]
	if limiter == nil {
		limiter = l.add(key, now, perSecond, burst)
	}
	if limiter != l.overflow && (limiter.Limit() != rate.Limit(perSecond) || limiter.Burst() != burst) {
		limiter.SetLimitAt(now, rate.Limit(perSecond))
		limiter.SetBurstAt(now, burst)
	}
	l.mu.Unlock()
	return limiter.AllowN(now, 1)
}

// add makes key's limiter. Those that are full again say nothing any more and
// are forgotten, whenever their number has doubled.
func (l *limiters) add(key string, now time.Time, perSecond float64, burst int) *rate.Limiter {
	if len(l.of) >= l.sweepAt {
		for k, limiter := range l.of {
			if limiter.TokensAt(now) >= float64(limiter.Burst()) {
				delete(l.of, k)
			}
		}
		l.sweepAt = max(1024, 2*len(l.of))
	}
	if len(l.of) >= limitersMax {
		return l.overflow
	}
	limiter := rate.NewLimiter(rate.Limit(perSecond), burst)
	l.of[key] = limiter
	return limiter
}

// address is the part of a peer's address that counts: a host, for IPv6 its
// network, of which one host has as many addresses as it wants.
func address(peer string) string {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		host = peer
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return ip.String()
	}
	network, _ := ip.Prefix(64)
	return network.String()
}

// counters count what is open, by credential and in all.
type counters struct {
	maxEach, maxAll int

	mu  sync.Mutex
	of  map[string]int
	all int
}

func newCounters(maxEach, maxAll int) *counters {
	return &counters{maxEach: maxEach, maxAll: maxAll, of: map[string]int{}}
}

// open counts one more, unless a limit is reached.
func (c *counters) open(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.maxAll || c.of[key] >= c.maxEach {
		return false
	}
	c.all++
	c.of[key]++
	return true
}

// close counts one less.
func (c *counters) close(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.of[key]--; c.of[key] == 0 {
		delete(c.of, key)
	}
}

// limitedListener hangs up on connections above a limit. It accepts them
// first: a client that is refused tries elsewhere, one that is left waiting
// does not.
type limitedListener struct {
	net.Listener
	places chan struct{}
	full   func()
}

// Accept waits for the next connection within the limit.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.places <- struct{}{}:
			return &limitedConn{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
		default:
			l.full()
			_ = conn.Close()
		}
	}
}

type limitedConn struct {
	net.Conn
	leave func()
}

// Close closes the connection and makes room.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}
