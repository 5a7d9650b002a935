package media

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

func someKeys(t testing.TB, seed byte) *keys {
	t.Helper()
	k, err := newKeys(bytes.Repeat([]byte{seed}, keyBytes))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var noon = time.UnixMilli(1_800_000_000_000)

func TestTokens(t *testing.T) {
	k := someKeys(t, 1)
	session := sessionClaims{tenant: strings.Repeat("t", 64), site: strings.Repeat("s", 128), session: k.interactionID(sessionPrefix, "a", "b", "c", "d"), expires: noon.Add(time.Hour)}
	customer := customerClaims{tenant: "default", expires: noon.Add(time.Hour), customer: &usherv1.CreateCustomerTokenRequest{
		Site: "shop", CustomerId: "c-7", Name: "Dora", UserData: data(map[string]any{"account": "4711"}),
	}}
	st := k.sessionToken(session)
	ct, err := k.customerToken(customer)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.openSession(st, noon); err != nil || got != session || len(st) > 512 {
		t.Errorf("a session's token of %d bytes: %v, %v", len(st), got, err)
	}
	got, err := k.openCustomer(ct, noon)
	if err != nil || got.tenant != customer.tenant || !got.expires.Equal(customer.expires) || !proto.Equal(got.customer, customer.customer) {
		t.Errorf("a customer token: %v, %v", got, err)
	}
	if strings.Contains(ct, lower.EncodeToString([]byte("4711"))) || k.sessionToken(session) == st {
		t.Error("a token can be read, or is the same twice")
	}
	if _, err := k.openSession(st, noon.Add(time.Hour)); err == nil {
		t.Error("a session's token does not expire")
	}
	if _, err := k.openCustomer(ct, noon.Add(time.Hour)); err == nil {
		t.Error("a customer token does not expire")
	}
	// One for the other, of another server, cut, and changed in each place.
	forged := []string{
		SessionTokenPrefix + strings.TrimPrefix(ct, CustomerTokenPrefix), CustomerTokenPrefix + strings.TrimPrefix(st, SessionTokenPrefix),
		someKeys(t, 2).sessionToken(session), "", "uss_", "usc_", st[:len(st)-1], st + "a", strings.ToUpper(st), " " + st,
	}
	for n := range st {
		forged = append(forged, st[:n]+string(st[n]^1)+st[n+1:])
	}
	for _, token := range forged {
		if _, err := k.openSession(token, noon); err == nil {
			t.Errorf("a forged session's token was taken: %q", token)
		}
		if _, err := k.openCustomer(token, noon); err == nil {
			t.Errorf("a forged customer token was taken: %q", token)
		}
	}
}

func TestSessionIDs(t *testing.T) {
	k := someKeys(t, 1)
	id := k.interactionID(sessionPrefix, "a", "b", "c", "d")
	if id != k.interactionID(sessionPrefix, "a", "b", "c", "d") {
		t.Error("the same reference id gives another session")
	}
	seen := map[string]bool{id: true}
	for _, other := range []string{
		k.interactionID(sessionPrefix, "ab", "", "c", "d"), k.interactionID(sessionPrefix, "a", "b", "", "cd"), k.interactionID(sessionPrefix, "a", "b", "c", "e"), k.interactionID(sessionPrefix, "a", "b", "x", "d"),
		someKeys(t, 2).interactionID(sessionPrefix, "a", "b", "c", "d"), k.interactionID(sessionPrefix, "a", "b", "c", ""), k.interactionID(sessionPrefix, "a", "b", "c", ""),
	} {
		if seen[other] || len(other) != 28 {
			t.Errorf("%q", other)
		}
		seen[other] = true
	}
}

// TestKey: the key is made once, for its owner's eyes only.
func TestKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := Key(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Key(dir)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("another key: %v", err)
	}
	name := filepath.Join(dir, KeyFile)
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	if err := os.WriteFile(name, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Key(dir); err == nil {
		t.Error("a damaged key was taken")
	}
	a, _ := Key("")
	b, _ := Key("")
	if bytes.Equal(a, b) || len(a) != keyBytes {
		t.Error("without a folder the key is not a new one")
	}
}

// FuzzTokens: what is no token of ours is refused, and what can be read says
// what was written.
func FuzzTokens(f *testing.F) {
	k := someKeys(f, 1)
	f.Add(k.sessionToken(sessionClaims{tenant: "default", site: "shop", session: "s-1", expires: noon.Add(time.Hour)}), []byte("x"))
	customer, err := k.customerToken(customerClaims{tenant: "default", expires: noon.Add(time.Hour), customer: &usherv1.CreateCustomerTokenRequest{Name: "Dora"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(customer, []byte{0, 0, 0, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, token string, claims []byte) {
		if c, err := k.openSession(token, noon); err == nil && c != (sessionClaims{"default", "shop", "s-1", c.expires}) {
			t.Errorf("%q was taken as %v", token, c)
		}
		if c, err := k.openCustomer(token, noon); err == nil && c.customer.GetName() != "Dora" {
			t.Errorf("%q was taken as %v", token, c)
		}
		// Claims as nobody else can seal them must not hurt either.
		_, _ = k.openSession(seal(k.session, SessionTokenPrefix, claims), noon)
		_, _ = k.openCustomer(seal(k.customer, CustomerTokenPrefix, claims), noon)
	})
}
