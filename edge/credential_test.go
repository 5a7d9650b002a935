package edge

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// as is a context in which the gate has let somebody in.
func as(tenant string, role usherv1.Role, name string) context.Context {
	return context.WithValue(context.Background(), callerKey{}, &caller{
		tenant: tenant, role: role, from: engine.Participant{Kind: participantKinds[role], ID: name}, peer: "192.0.2.1",
	})
}

func codeOf(err error) usherv1.ErrorCode {
	if err == nil {
		return 0
	}
	return asRefusal(err).Event.GetCode()
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer  abc ": "abc", "Basic abc": "", "abc": "", "": "",
		"Bearer " + strings.Repeat("x", 1025): "",
	} {
		if got := bearer(header); got != want {
			t.Errorf("%q: %q", header, got)
		}
	}
}

func TestAddress(t *testing.T) {
	for peer, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[2001:db8::1]:80": "2001:db8::/64", "[::ffff:192.0.2.1]:80": "192.0.2.1", "@": "@",
	} {
		if got := address(peer); got != want {
			t.Errorf("%s: %s", peer, got)
		}
	}
}

func TestAPIKeyForm(t *testing.T) {
	id, key, hash := NewAPIKey()
	if !strings.HasPrefix(key, "usk_"+id+"_") || len(hash) != 32 || strings.Count(key, "_") != 2 {
		t.Error(id, key)
	}
	if secret := key[len("usk_"+id+"_"):]; len(secret) != 52 { // 256 bits in base32
		t.Errorf("a secret of %d characters", len(secret))
	}
}

func TestLogin(t *testing.T) {
	fake := newFake()
	s := New(Options{Center: fake, Limits: Limits{LoginBurstAgent: 3, LoginBurstAddress: 6, LoginsPerAgent: 0.001, LoginsPerAddress: 0.001}})
	a := authentication{s}
	hash, err := s.passwords.hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(hash, err)
	}
	fake.logins["default/sue"] = center.Login{PasswordHash: hash, Supervisor: true}
	fake.logins["default/nopassword"] = center.Login{}
	ctx := as("", 0, "")
	opened, err := a.OpenSession(ctx, &usherv1.OpenSessionRequest{AgentId: "sue", Password: "correct horse"})
	if err != nil || opened.Role != usherv1.Role_ROLE_SUPERVISOR || !strings.HasPrefix(opened.Token, "ust_") {
		t.Fatal(opened, err)
	}
	who := &caller{}
	if !s.identify(opened.Token, who) || who.role != usherv1.Role_ROLE_SUPERVISOR || who.from.ID != "sue" {
		t.Fatalf("%+v", who)
	}
	// The role is looked up at each request.
	fake.logins["default/sue"] = center.Login{PasswordHash: hash}
	if !s.identify(opened.Token, who) || who.role != usherv1.Role_ROLE_AGENT {
		t.Fatalf("%+v", who)
	}
	var refusals []error
	for _, r := range []*usherv1.OpenSessionRequest{
		{AgentId: "sue", Password: "wrong"}, {AgentId: "nobody", Password: "wrong"}, {AgentId: "nopassword", Password: ""},
	} {
		_, err := a.OpenSession(ctx, r)
		refusals = append(refusals, err)
	}
	for _, err := range refusals {
		if codeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED || err.Error() != refusals[0].Error() {
			t.Error(err)
		}
	}
	try := func(agent string) error {
		_, err := a.OpenSession(ctx, &usherv1.OpenSessionRequest{AgentId: agent})
		return err
	}
	if err := try("sue"); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED {
		t.Error("third of sue:", err)
	}
	if err := try("sue"); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS {
		t.Error("fourth of sue:", err)
	}
	if err := try("another"); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS {
		t.Error("seventh from the address:", err)
	}
}

func TestVerifyRefusesMalformedHashes(t *testing.T) {
	good := newPasswords(1, argonMemoryKiB).compute("x")
	for _, hash := range []string{
		"", "x", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA",
		strings.Replace(good, "v=19", "v=18", 1), strings.Replace(good, "t=2", "t=0", 1),
		strings.Replace(good, "m=19456", "m=999999999", 1), strings.Replace(good, "p=1", "p=0", 1), good + "!",
	} {
		if ok, err := verifyPHC(hash, "x"); ok || err == nil {
			t.Errorf("%q: %v, %v", hash, ok, err)
		}
	}
	if ok, err := verifyPHC(good, "x"); !ok || err != nil {
		t.Error(ok, err)
	}
}

func TestPasswordsInConfigurations(t *testing.T) {
	fake := newFake()
	s := New(Options{Center: fake})
	admin := administration{s}
	ctx := as(center.SystemTenant, usherv1.Role_ROLE_ADMIN, "root")
	apply := func(agents ...*usherv1.Agent) *usherv1.ApplyConfigurationResponse {
		t.Helper()
		answer, err := admin.ApplyConfiguration(ctx, &usherv1.ApplyConfigurationRequest{
			Configuration: &usherv1.Configuration{Agents: agents},
		})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	ann := &usherv1.Agent{AgentId: "ann", Password: "swordfish", PasswordHash: "ignored"}
	if got := apply(proto.CloneOf(ann)); len(got.Changes) != 1 {
		t.Error("first:", got)
	}
	stored := fake.config.Agents[0]
	if stored.Password != "" || !strings.HasPrefix(stored.PasswordHash, "$argon2id$") {
		t.Error(stored)
	}
	if got := apply(proto.CloneOf(ann)); len(got.Changes) != 0 {
		t.Error("the same password:", got)
	}
	if got := apply(&usherv1.Agent{AgentId: "ann"}); len(got.Changes) != 0 {
		t.Error("no password:", got)
	}
	if got := apply(&usherv1.Agent{AgentId: "ann", Password: "swordfish2"}); len(got.Changes) != 1 {
		t.Error("another password:", got)
	}
	shown, err := admin.GetConfiguration(ctx, &usherv1.GetConfigurationRequest{})
	if err != nil || shown.Configuration.Agents[0].PasswordHash != "" || fake.config.Agents[0].PasswordHash == "" {
		t.Error(shown, err)
	}
	_, err = admin.ApplyConfiguration(ctx, &usherv1.ApplyConfigurationRequest{
		Configuration: &usherv1.Configuration{Agents: []*usherv1.Agent{{AgentId: "ann", Password: "short"}}},
	})
	if codeOf(err) != usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT || strings.Contains(err.Error(), "short") {
		t.Error(err)
	}
}

// TestSiteKey: a key for a site keeps the site, and acts as it.
func TestSiteKey(t *testing.T) {
	s := New(Options{Center: newFake()})
	made, err := administration{s}.CreateApiKey(as("acme", usherv1.Role_ROLE_ADMIN, "root"), &usherv1.CreateApiKeyRequest{
		Name: "backend", Role: usherv1.Role_ROLE_SITE, Site: "shop",
	})
	if err != nil || made.GetApiKey().GetSite() != "shop" {
		t.Fatal(made, err)
	}
	who := &caller{}
	if !s.identify(made.GetKey(), who) || who.role != usherv1.Role_ROLE_SITE || who.tenant != "acme" ||
		who.from != (engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_SITE, ID: "backend"}) {
		t.Errorf("%+v", who)
	}
}

func TestTenants(t *testing.T) {
	s := New(Options{Center: newFake()})
	admin := administration{s}
	own := as("acme", usherv1.Role_ROLE_ADMIN, "root")
	if _, err := admin.CreateTenant(own, &usherv1.CreateTenantRequest{TenantId: "x"}); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED {
		t.Error(err)
	}
	if _, err := admin.GetConfiguration(own, &usherv1.GetConfigurationRequest{TenantId: "other"}); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED {
		t.Error(err)
	}
	if got, err := admin.ListTenants(own, &usherv1.ListTenantsRequest{}); err != nil || len(got.TenantIds) != 1 || got.TenantIds[0] != "acme" {
		t.Error(got, err)
	}
	for named, want := range map[string]string{"": DefaultTenant, "acme": "acme"} {
		if got, err := tenantFor(&caller{tenant: center.SystemTenant}, named); got != want || err != nil {
			t.Error(got, err)
		}
	}
	for _, r := range []*usherv1.CreateApiKeyRequest{
		{TenantId: "acme", Name: "x"},
		{TenantId: "acme", Name: "x", Role: usherv1.Role_ROLE_AGENT},
		{TenantId: center.SystemTenant, Name: "x", Role: usherv1.Role_ROLE_MEDIA},
		{TenantId: "acme", Name: "x", Role: usherv1.Role_ROLE_MEDIA, ExpiresAtMs: 1},
	} {
		ctx := as(center.SystemTenant, usherv1.Role_ROLE_ADMIN, "root")
		if _, err := admin.CreateApiKey(ctx, r); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT {
			t.Errorf("%v: %v", r, err)
		}
	}
}

func TestSetUpWorksOnce(t *testing.T) {
	token, hash := NewSetupToken()
	fake := newFake()
	a := authentication{New(Options{Center: fake, SetupTokenHash: hash})}
	ctx := as("", 0, "")
	if _, err := a.SetUp(ctx, &usherv1.SetUpRequest{SetupToken: "usu_wrong"}); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED {
		t.Error(err)
	}
	made, err := a.SetUp(ctx, &usherv1.SetUpRequest{SetupToken: token})
	if err != nil || made.ApiKey.TenantId != center.SystemTenant || made.ApiKey.Role != usherv1.Role_ROLE_ADMIN {
		t.Fatal(made, err)
	}
	if who := (&caller{}); !a.identify(made.Key, who) || who.role != usherv1.Role_ROLE_ADMIN || who.tenant != center.SystemTenant {
		t.Errorf("%+v", who)
	}
	if _, err := a.SetUp(ctx, &usherv1.SetUpRequest{SetupToken: token}); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED {
		t.Error("second:", err)
	}
	// A server started anew with the same token: there is a key.
	b := authentication{New(Options{Center: fake, SetupTokenHash: hash})}
	if _, err := b.SetUp(ctx, &usherv1.SetUpRequest{SetupToken: token}); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED {
		t.Error("after a restart:", err)
	}
	// Without a token nothing fits, not even none.
	c := authentication{New(Options{Center: newFake()})}
	if _, err := c.SetUp(ctx, &usherv1.SetUpRequest{}); codeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED {
		t.Error("without a token:", err)
	}
}

func TestLimitersForget(t *testing.T) {
	now := time.Unix(0, 0)
	l := newLimiters(1, 2, func() time.Time { return now })
	for n, want := range []bool{true, true, false} {
		if l.allow("a") != want {
			t.Error("the burst is 2, not", n)
		}
	}
	if !l.allow("b") {
		t.Error("the burst is for each")
	}
	now = now.Add(time.Second)
	for _, want := range []bool{true, false} {
		if l.allow("a") != want {
			t.Error("one more after a second")
		}
	}
	for i := range 5000 {
		now = now.Add(10 * time.Millisecond)
		l.allow(strings.Repeat("x", i))
	}
	if len(l.of) > 2500 {
		t.Errorf("%d are remembered", len(l.of))
	}
}

func TestCounters(t *testing.T) {
	c := newCounters(2, 3)
	for _, step := range []struct {
		key  string
		want bool
	}{{"a", true}, {"a", true}, {"a", false}, {"b", true}, {"c", false}} {
		if c.open(step.key) != step.want {
			t.Error("2 each, 3 in all:", step)
		}
	}
	c.close("a")
	if !c.open("c") || c.open("a") {
		t.Error("one was free")
	}
	if len(c.of) != 3 {
		t.Error(c.of)
	}
}

// TestRequestRate lets a key and an agent send so many requests and no more.
func TestRequestRate(t *testing.T) {
	fake := newFake()
	s := New(Options{Center: fake, Limits: Limits{RequestsPerSecond: 1e-9, RequestBurst: 3, AgentPerSecond: 1e-9, AgentBurst: 2}})
	for credential, burst := range map[string]int{
		fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA): 3, fake.agent(DefaultTenant, "ann", false): 2,
	} {
		for n := range 5 {
			refusal := s.admit("/usher.v1.InteractionManagement/Submit", http.Header{"Authorization": {"Bearer " + credential}}, &caller{})
			if (refusal == nil) != (n < burst) || (refusal != nil && refusal.Event.Name != "TooManyRequests") {
				t.Error(n, refusal)
			}
		}
	}
}

// TestOwnLimit: who has a limit of his own has it from the first request on.
func TestOwnLimit(t *testing.T) {
	now := time.Unix(0, 0)
	l := newLimiters(1, 2, func() time.Time { return now })
	for n := range 31 {
		if got, want := l.allowAt("own", 0.5, 30), n < 30; got != want {
			t.Fatalf("request %d: %t, want %t", n, got, want)
		}
	}
}
