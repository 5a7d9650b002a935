package center

import (
	"context"
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

func code(t *testing.T, r Reply, err error) usherv1.ErrorCode {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return r.Err.GetCode()
}

func hashOf(secret string) Hash { return Hash(sha256.Sum256([]byte(secret))) }

// restarts runs a check on the live center, on a replayed one, and on one from
// a snapshot.
func (w *world) restarts(check func(how string)) {
	w.t.Helper()
	check("live")
	w.crash()
	check("replayed")
	if err := w.c.Drain(w.ctx()); err != nil {
		w.t.Fatal(err)
	}
	w.open()
	check("from a snapshot")
}

func TestAPIKeys(t *testing.T) {
	w := newWorld(t, nil).setUp()
	media, router := usherv1.Role_ROLE_MEDIA, usherv1.Role_ROLE_ROUTER
	for _, c := range []struct {
		tenant, id, name string
		role             usherv1.Role
		want             usherv1.ErrorCode
	}{
		{"default", "1", "chat", media, 0},
		{"default", "1", "mail", media, usherv1.ErrorCode_ERROR_CODE_IN_USE},
		{"default", "2", "chat", router, usherv1.ErrorCode_ERROR_CODE_IN_USE},
		{"default", "2", "chat", media, 0}, // while one replaces the other
		{"default", "3", "chat", media, usherv1.ErrorCode_ERROR_CODE_IN_USE},
		{"default", "", "x", media, usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT},
		{"nowhere", "4", "x", media, usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT},
		{SystemTenant, "5", "setup", usherv1.Role_ROLE_ADMIN, 0},
	} {
		key := &usherv1.ApiKey{Id: c.id, TenantId: c.tenant, Name: c.name, Role: c.role, RevokedAtMs: 1}
		r, err := w.c.CreateAPIKey(w.ctx(), admin, key, hashOf(c.id))
		if got := code(t, r, err); got != c.want {
			t.Errorf("%v: got %s, want %s", c, got, c.want)
		}
	}
	r, err := w.c.RevokeAPIKey(w.ctx(), admin, "default", "1")
	if got := code(t, r, err); got != 0 {
		t.Fatal(got)
	}
	for _, id := range []string{"1", "5", "unknown"} { // revoked, another tenant's, none
		r, err := w.c.RevokeAPIKey(w.ctx(), admin, "default", id)
		if got := code(t, r, err); got != usherv1.ErrorCode_ERROR_CODE_UNKNOWN_API_KEY {
			t.Errorf("revoke %s: %s", id, got)
		}
	}
	w.restarts(func(how string) {
		for id, want := range map[string]bool{"1": false, "2": true, "3": false, "5": true} {
			if k, found := w.c.LookupAPIKey(hashOf(id)); found != want || want && k.Id != id {
				t.Errorf("%s: key %s: %v", how, id, k)
			}
		}
		if list := w.c.ListAPIKeys("default"); len(list) != 2 || list[0].Id != "1" || list[0].RevokedAtMs == 0 || list[0].CreatedAtMs != beginning.UnixMilli() {
			t.Errorf("%s: list %v", how, list)
		}
		if list := w.c.ListAPIKeys(SystemTenant); len(list) != 1 {
			t.Errorf("%s: list of system %v", how, list)
		}
	})
}

// TestKeyOfTheSessionServer: a key of a journal of an earlier version, in which
// the name was free, is listed and opens nothing; it can be revoked.
func TestKeyOfTheSessionServer(t *testing.T) {
	w := newWorld(t, nil).setUp()
	key := &usherv1.ApiKey{Id: "1", TenantId: "default", Name: SessionServer, Role: usherv1.Role_ROLE_MEDIA}
	if r, err := w.c.CreateAPIKey(w.ctx(), admin, key, hashOf("1")); code(t, r, err) != usherv1.ErrorCode_ERROR_CODE_IN_USE {
		t.Error(r, err)
	}
	hash := hashOf("1")
	r, err := w.c.Do(w.ctx(), Request{Tenant: "default", From: admin, Body: operation{name: "CreateApiKey", decide: func(*writer) ([]*usherv1.Fact, *usherv1.EventError) {
		return []*usherv1.Fact{{Fact: &usherv1.Fact_ApiKeyCreated{ApiKeyCreated: &usherv1.ApiKeyCreated{ApiKey: key, KeyHash: hash[:]}}}}, nil
	}}})
	if code(t, r, err) != 0 {
		t.Fatal(r)
	}
	w.restarts(func(how string) {
		if k, found := w.c.LookupAPIKey(hash); found {
			t.Errorf("%s: %v", how, k)
		}
		if list := w.c.ListAPIKeys("default"); len(list) != 1 {
			t.Errorf("%s: list %v", how, list)
		}
	})
	if r, err := w.c.RevokeAPIKey(w.ctx(), admin, "default", "1"); code(t, r, err) != 0 {
		t.Error(r)
	}
}

// TestSites: what the edge has to know of customers is there without the
// writer, and a site's key names the site.
func TestSites(t *testing.T) {
	w := newWorld(t, nil).setUp()
	apply := func(r *usherv1.ApplyConfigurationRequest) {
		t.Helper()
		if r, err := w.c.Do(w.ctx(), Request{Tenant: "default", From: admin, Body: engine.Apply{Request: r}}); err != nil || r.Err != nil {
			t.Fatal(err, r.Err)
		}
	}
	if got := w.c.CustomerGraceMs("default"); got != 120_000 {
		t.Errorf("%d ms by default", got)
	}
	apply(&usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		Options:      &usherv1.Options{CustomerConnectionGraceMs: new(int64(7_000))},
		RequestTypes: []*usherv1.RequestType{{Name: "ask", MediaType: "chat", Queue: "support"}, {Name: "gone", MediaType: "chat", Queue: "support"}},
		Sites:        []*usherv1.Site{{Name: "shop", RequestTypes: []string{"ask"}}, {Name: "gone", RequestTypes: []string{"ask"}}},
	}})
	apply(&usherv1.ApplyConfigurationRequest{Remove: []*usherv1.ObjectName{{Kind: "site", Name: "gone"}, {Kind: "request_type", Name: "gone"}}})
	for _, c := range []struct {
		id, site string
		role     usherv1.Role
		want     usherv1.ErrorCode
	}{
		{"1", "shop", usherv1.Role_ROLE_SITE, 0},
		{"2", "gone", usherv1.Role_ROLE_SITE, usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT},
		{"3", "", usherv1.Role_ROLE_SITE, usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT},
		{"4", "shop", usherv1.Role_ROLE_MEDIA, usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT},
	} {
		key := &usherv1.ApiKey{Id: c.id, TenantId: "default", Name: "key" + c.id, Role: c.role, Site: c.site}
		r, err := w.c.CreateAPIKey(w.ctx(), admin, key, hashOf(c.id))
		if got := code(t, r, err); got != c.want {
			t.Errorf("%v: got %s, want %s", c, got, c.want)
		}
	}
	w.restarts(func(how string) {
		site, found := w.c.Site("default", "shop")
		asked, has := w.c.RequestType("default", "ask")
		if !found || !has || site.RequestTypes[0] != "ask" || asked.Queue != "support" {
			t.Errorf("%s: %v, %v", how, site, asked)
		}
		_, a := w.c.Site("default", "gone")
		_, b := w.c.RequestType("default", "gone")
		_, c := w.c.Site("nowhere", "shop")
		if a || b || c {
			t.Errorf("%s: found what is not there: %v, %v, %v", how, a, b, c)
		}
		if got := w.c.CustomerGraceMs("default"); got != 7_000 {
			t.Errorf("%s: grace %d ms", how, got)
		}
		if k, found := w.c.LookupAPIKey(hashOf("1")); !found || k.Site != "shop" {
			t.Errorf("%s: key %v", how, k)
		}
	})
}

func TestAPIKeyExpires(t *testing.T) {
	w := newWorld(t, nil).setUp()
	key := &usherv1.ApiKey{Id: "1", TenantId: "default", Name: "chat", ExpiresAtMs: beginning.UnixMilli() + 1000}
	if r, err := w.c.CreateAPIKey(w.ctx(), admin, key, hashOf("1")); code(t, r, err) != 0 {
		t.Fatal(r.Err)
	}
	w.clock.Advance(999 * time.Millisecond)
	if _, found := w.c.LookupAPIKey(hashOf("1")); !found {
		t.Fatal("expired early")
	}
	w.clock.Advance(time.Millisecond)
	if _, found := w.c.LookupAPIKey(hashOf("1")); found {
		t.Fatal("not expired")
	}
}

func TestAgentSessions(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxSessions = 2 }).setUp()
	open := func(agent, token string, after time.Duration) usherv1.ErrorCode {
		expires := beginning.Add(after).UnixMilli()
		r, err := w.c.OpenAgentSession(w.ctx(), Session{"default", agent, expires}, hashOf(token))
		return code(t, r, err)
	}
	if got := open("nobody", "x", time.Hour); got != usherv1.ErrorCode_ERROR_CODE_UNKNOWN_AGENT {
		t.Fatal(got)
	}
	if open("ada", "a", time.Hour) != 0 || open("bob", "b", time.Minute) != 0 {
		t.Fatal("can't open two sessions")
	}
	if got := open("ada", "a", time.Hour); got != usherv1.ErrorCode_ERROR_CODE_IN_USE {
		t.Fatal(got)
	}
	if got := open("ada", "c", time.Hour); got != usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS {
		t.Fatal(got)
	}
	w.restarts(func(how string) {
		if s, found := w.c.LookupSession(hashOf("a")); !found || s != (Session{"default", "ada", beginning.Add(time.Hour).UnixMilli()}) {
			t.Errorf("%s: %v", how, s)
		}
	})
	w.clock.Advance(time.Minute)
	if _, found := w.c.LookupSession(hashOf("b")); found {
		t.Fatal("an expired session is valid")
	}
	if got := open("ada", "c", time.Hour); got != 0 {
		t.Fatalf("expired sessions count: %s", got)
	}
	for range 2 { // closing again is no error
		r, err := w.c.CloseAgentSession(w.ctx(), "default", hashOf("a"))
		if code(t, r, err) != 0 {
			t.Fatal(r.Err)
		}
	}
	w.restarts(func(how string) {
		if _, found := w.c.LookupSession(hashOf("a")); found {
			t.Errorf("%s: a closed session is valid", how)
		}
		if _, found := w.c.LookupSession(hashOf("c")); !found {
			t.Errorf("%s: session lost", how)
		}
	})
	w.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Remove: []*usherv1.ObjectName{{Kind: "agent", Name: "ada"}}}})
	if _, found := w.c.LookupSession(hashOf("c")); found {
		t.Fatal("a removed agent has a session")
	}
}

func TestAgentLogins(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.restarts(func(how string) {
		if hash, found := w.c.AgentPasswordHash("default", "ada"); !found || hash != "hash of ada" {
			t.Errorf("%s: %q", how, hash)
		}
		if l, found := w.c.AgentLogin("default", "bob"); !found || !l.Supervisor {
			t.Errorf("%s: %v", how, l)
		}
		if _, found := w.c.AgentLogin("other", "bob"); found {
			t.Errorf("%s: an agent of another tenant", how)
		}
		configuration, refusal, err := w.c.GetConfiguration(w.ctx(), "default")
		if err != nil || refusal != nil || len(configuration.Configuration.Agents) != 2 || configuration.Version != 1 {
			t.Errorf("%s: %v %v %v", how, configuration, refusal, err)
		}
		if got := w.c.Tenants(); len(got) != 1 || got[0] != "default" {
			t.Errorf("%s: tenants %v", how, got)
		}
	})
	if _, refusal, _ := w.c.GetConfiguration(w.ctx(), "other"); refusal.GetCode() != usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT {
		t.Fatal(refusal)
	}
}

func TestCreateTenant(t *testing.T) {
	w := newWorld(t, nil).setUp()
	for id, want := range map[string]usherv1.ErrorCode{
		"default": usherv1.ErrorCode_ERROR_CODE_IN_USE, SystemTenant: usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT,
		"": usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "Ä": usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "a-1": 0,
	} {
		r, err := w.c.CreateTenant(w.ctx(), admin, id)
		if got := code(t, r, err); got != want {
			t.Errorf("tenant %q: got %s, want %s", id, got, want)
		}
	}
}

func TestCredentialsAreOnlyFoundWhenDurable(t *testing.T) {
	w, g := gated(t)
	g.shut(true)
	var done sync.WaitGroup
	done.Go(func() {
		_, _ = w.c.OpenAgentSession(context.Background(), Session{"default", "ada", beginning.Add(time.Hour).UnixMilli()}, hashOf("a"))
	})
	<-g.arrived
	if _, found := w.c.LookupSession(hashOf("a")); found {
		t.Error("found before it was durable")
	}
	g.pass <- nil
	done.Wait()
	g.shut(false)
	if _, found := w.c.LookupSession(hashOf("a")); !found {
		t.Error("not found when it was answered")
	}
}
