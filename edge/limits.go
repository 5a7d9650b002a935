package edge

import (
	"container/list"
	"context"
	"net"
	"net/http"
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
//
// Who comes may be an agent, which only his first request tells. So it is not he
// who goes, but a stranger, over whose connection no credential of an agent or
// an application has come: one that asks for nothing, as long as there are some,
// or else any, and the oldest first. However many connections customers open, agents find room.
type limitedListener struct {
	net.Listener
	max  int
	full func()

	mu         sync.Mutex
	open       int
	idle, busy list.List // the strangers' *limitedConn, in the order in which they became so
}

// Accept waits for the next connection within the limit.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &limitedConn{Conn: inner, listener: l}
		gone := l.admit(c)
		if gone != nil {
			l.full()
			_ = gone.Conn.Close()
		}
		if gone != c {
			return c, nil
		}
	}
}

// admit takes a connection in and gives the one that has to go for it, which may
// be itself.
func (l *limitedListener) admit(c *limitedConn) (gone *limitedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.max {
		oldest := l.idle.Front()
		// The newest of the idle have had no time to ask: some of them stay.
		if l.idle.Len() <= l.max/8 && l.busy.Len() > 0 {
			oldest = l.busy.Front()
		}
		if oldest == nil {
			return c
		}
		gone = oldest.Value.(*limitedConn)
		gone.leave()
	}
	l.open++
	c.become(&l.idle)
	return gone
}

// limitedConn is a connection within the limit; the listener's mu guards it.
type limitedConn struct {
	net.Conn
	listener *limitedListener
	among    *list.List // the strangers; nil once it is known, or has left
	place    *list.Element
	left     bool
}

// become puts the connection at the end of a list of strangers; mu is held.
func (c *limitedConn) become(among *list.List) {
	if c.among != nil {
		c.among.Remove(c.place)
	}
	if c.among = among; among != nil {
		c.place = among.PushBack(c)
	}
}

// leave makes room, once; mu is held.
func (c *limitedConn) leave() {
	c.become(nil)
	if !c.left {
		c.left = true
		c.listener.open--
	}
}

// Close closes the connection and makes room.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.leave()
	return err
}

// connState notes whether a stranger's connection asks for something.
func connState(conn net.Conn, state http.ConnState) {
	c := limited(conn)
	if c == nil {
		return
	}
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	switch {
	case c.among == nil: // it is no stranger's
	case state == http.StateActive:
		c.become(&c.listener.busy)
	case state == http.StateIdle:
		c.become(&c.listener.idle)
	}
}

// limited is the connection within the limit below another; nil if there is
// none.
func limited(conn net.Conn) *limitedConn {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok { // of TLS
		conn = wrapped.NetConn()
	}
	c, _ := conn.(*limitedConn)
	return c
}

type connKey struct{}

// withConn lets the requests of a connection know it.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, limited(conn))
}

// keepConn keeps the connection of a request whose caller is an agent or an
// application: it goes for nobody.
func keepConn(ctx context.Context) {
	if c, _ := ctx.Value(connKey{}).(*limitedConn); c != nil {
		c.listener.mu.Lock()
		defer c.listener.mu.Unlock()
		c.become(nil)
	}
}
