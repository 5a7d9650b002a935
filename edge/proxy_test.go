package edge

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestBehind: a trusted proxy speaks for its clients, and nobody else does.
func TestBehind(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	var got string
	h := behind(proxies, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = address(r.RemoteAddr) }))
	for _, c := range []struct {
		from    string
		headers []string
		want    string
	}{
		{"10.1.2.3:99", []string{"198.51.100.7"}, "198.51.100.7"},
		{"[::ffff:10.1.2.3]:99", []string{"198.51.100.7"}, "198.51.100.7"},
		{"[::1]:99", []string{"2001:db8:1:2:3::4"}, "2001:db8:1:2::/64"},
		// What the client claims stands before what the proxies saw.
		{"10.1.2.3:99", []string{"203.0.113.1, 198.51.100.7, 10.9.9.9"}, "198.51.100.7"},
		{"10.1.2.3:99", []string{"203.0.113.1", "198.51.100.7"}, "198.51.100.7"},
		{"10.1.2.3:99", []string{"10.4.4.4"}, "10.4.4.4"},
		{"10.1.2.3:99", nil, "10.1.2.3"},
		{"10.1.2.3:99", []string{"unknown"}, "10.1.2.3"},
		{"10.1.2.3:99", []string{"198.51.100.7, unknown"}, "10.1.2.3"},
		{"192.0.2.1:99", []string{"198.51.100.7"}, "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.from
		for _, header := range c.headers {
			r.Header.Add(forwardedFor, header)
		}
		if h.ServeHTTP(httptest.NewRecorder(), r); got != c.want {
			t.Errorf("from %s with %q: %s, want %s", c.from, c.headers, got, c.want)
		}
	}
}
