package edge

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwardedFor is the header in which proxies say for whom they ask: a list, to
// which each appends the address that asked it.
const forwardedFor = "X-Forwarded-For"

// behind takes what comes from a trusted proxy as coming from the client that it
// names, so that limits by address count clients and not the proxy. From
// everybody else the header is a claim and counts for nothing.
func behind(proxies []netip.Prefix, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && trusted(proxies, from.Addr()) {
			if client, ok := clientOf(proxies, r.Header.Values(forwardedFor)); ok {
				r.RemoteAddr = net.JoinHostPort(client.String(), "0")
			}
		}
		next.ServeHTTP(w, r)
	})
}

// clientOf is the last address that no trusted proxy has: what stands before it
// is what the client itself wrote.
func clientOf(proxies []netip.Prefix, headers []string) (client netip.Addr, ok bool) {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for _, hop := range slices.Backward(hops) {
		ip, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return client, ok
		}
		client, ok = ip.Unmap(), true
		if !trusted(proxies, client) {
			break
		}
	}
	return client, ok
}

func trusted(proxies []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}
