package edge

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// browser asks as a browser's page does; it follows no redirect.
func browser(t *testing.T, method, url, body string, header map[string]string, cookies ...*http.Cookie) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func sessionOf(t *testing.T, answer *http.Response) windowSession {
	t.Helper()
	var session windowSession
	if err := json.NewDecoder(answer.Body).Decode(&session); err != nil {
		t.Fatal(err, answer.Status)
	}
	return session
}

// windows is a server with the agent ann, the supervisor sue and an
// administrator's key.
func windows(t *testing.T, o Options) (fake *fakeCenter, url, adminKey string) {
	t.Helper()
	fake = newFake()
	hash, err := newPasswords(1, 64).hash(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	fake.logins[DefaultTenant+"/ann"] = center.Login{PasswordHash: hash}
	fake.logins[DefaultTenant+"/sue"] = center.Login{PasswordHash: hash, Supervisor: true}
	o.Center = fake
	_, url = serve(t, o)
	return fake, url, fake.key(DefaultTenant, "root", usherv1.Role_ROLE_ADMIN)
}

const presentState = "/usher.v1.InteractionManagement/GetPresentState"

func TestWindowLogin(t *testing.T) {
	_, url, key := windows(t, Options{})
	answer := browser(t, "POST", url+"/window/login", `{"window":"agent","agentId":"ann","password":"secret"}`, nil)
	if answer.StatusCode != http.StatusOK || len(answer.Cookies()) != 1 {
		t.Fatal(answer.Status, answer.Cookies())
	}
	if s := sessionOf(t, answer); s.Role != "agent" || s.AgentID != "ann" || s.TenantID != DefaultTenant || s.ExpiresAtMs == 0 {
		t.Error(s)
	}
	cookie := answer.Cookies()[0]
	if cookie.Name != "usher_agent" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Secure {
		t.Error(cookie)
	}
	named := map[string]string{windowHeader: "agent"}
	if s := sessionOf(t, browser(t, "GET", url+"/window/session", "", named, cookie)); s.AgentID != "ann" {
		t.Error(s)
	}
	if a := browser(t, "POST", url+presentState, "{}", named, cookie); a.StatusCode != http.StatusOK {
		t.Error(a.Status)
	}

	answer = browser(t, "POST", url+"/window/login", `{"window":"admin","apiKey":"`+key+`"}`, map[string]string{"X-Forwarded-Proto": "https"})
	if s := sessionOf(t, answer); s.Role != "admin" || s.Name != "root" || s.ExpiresAtMs != 0 {
		t.Error(s)
	}
	if cookie := answer.Cookies()[0]; cookie.Name != "usher_admin" || !cookie.Secure || !cookie.HttpOnly {
		t.Error(cookie)
	}
}

func TestWindowLoginRefused(t *testing.T) {
	fake, url, key := windows(t, Options{})
	media := fake.key(DefaultTenant, "media", usherv1.Role_ROLE_MEDIA)
	for body, want := range map[string]int{
		`{"window":"agent","agentId":"ann","password":"wrong"}`:       http.StatusUnauthorized,
		`{"window":"agent","agentId":"nobody","password":"secret"}`:   http.StatusUnauthorized,
		`{"window":"supervisor","agentId":"ann","password":"secret"}`: http.StatusForbidden,
		`{"window":"admin","apiKey":"` + media + `"}`:                 http.StatusForbidden,
		`{"window":"admin","apiKey":"wrong"}`:                         http.StatusUnauthorized,
		`{"window":"agent","apiKey":"` + key + `"}`:                   http.StatusUnauthorized,
		`{"window":"other","apiKey":"` + key + `"}`:                   http.StatusBadRequest,
		`{"window":"agent","agentId":"` + strings.Repeat("a", 9000):   http.StatusBadRequest,
		`nonsense`: http.StatusBadRequest,
	} {
		answer := browser(t, "POST", url+"/window/login", body, nil)
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != want || len(answer.Cookies()) != 0 || strings.Contains(string(text), "secret") {
			t.Errorf("%.60s: %s %s", body, answer.Status, text)
		}
	}
}

// TestCookieAloneIsNoCredential: a browser sends cookies with whatever another
// page makes it send.
func TestCookieAloneIsNoCredential(t *testing.T) {
	fake, url, _ := windows(t, Options{})
	cookie := &http.Cookie{Name: "usher_agent", Value: fake.agent(DefaultTenant, "ann", false)}
	for name, header := range map[string]map[string]string{
		"no header":       nil,
		"another window":  {windowHeader: "supervisor"},
		"no window":       {windowHeader: "other"},
		"another origin":  {windowHeader: "agent", "Origin": "https://evil.example"},
		"another site":    {windowHeader: "agent", "Sec-Fetch-Site": "cross-site"},
		"the same site":   {windowHeader: "agent", "Sec-Fetch-Site": "same-site"},
		"another account": {windowHeader: "agent", "Authorization": "Bearer wrong"},
	} {
		if a := browser(t, "POST", url+presentState, "{}", header, cookie); a.StatusCode == http.StatusOK {
			t.Errorf("%s: %s", name, a.Status)
		}
	}
	if a := browser(t, "POST", url+presentState, "{}", map[string]string{windowHeader: "agent", "Origin": url}, cookie); a.StatusCode != http.StatusOK {
		t.Error("the own page:", a.Status)
	}
	preflight := browser(t, "OPTIONS", url+presentState, "", map[string]string{
		"Origin": "https://evil.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "usher-window",
	})
	if preflight.StatusCode < 300 || preflight.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error(preflight.Status, preflight.Header)
	}
	for _, path := range []string{"login", "logout"} {
		a := browser(t, "POST", url+"/window/"+path, `{"window":"agent","agentId":"ann","password":"secret"}`, map[string]string{"Origin": "https://evil.example"}, cookie)
		if a.StatusCode != http.StatusForbidden || len(a.Cookies()) != 0 {
			t.Error(path, a.Status, a.Cookies())
		}
	}
}

func TestWindowSessionOfNobody(t *testing.T) {
	_, url, _ := windows(t, Options{})
	for _, cookies := range [][]*http.Cookie{nil, {{Name: "usher_agent", Value: "ust_revoked"}}} {
		if a := browser(t, "GET", url+"/window/session", "", map[string]string{windowHeader: "agent"}, cookies...); a.StatusCode != http.StatusNoContent {
			t.Error(a.Status)
		}
	}
}

func TestWindowLogout(t *testing.T) {
	fake, url, key := windows(t, Options{})
	token := fake.agent(DefaultTenant, "ann", false)
	a := browser(t, "POST", url+"/window/logout", `{"window":"agent"}`, nil, &http.Cookie{Name: "usher_agent", Value: token})
	if a.StatusCode != http.StatusNoContent || len(a.Cookies()) != 1 || a.Cookies()[0].MaxAge >= 0 {
		t.Error(a.Status, a.Cookies())
	}
	if _, valid := fake.LookupSession(center.Hash(HashCredential(token))); valid {
		t.Error("the session goes on")
	}
	a = browser(t, "POST", url+"/window/logout", `{"window":"admin"}`, nil, &http.Cookie{Name: "usher_admin", Value: key})
	if _, valid := fake.LookupAPIKey(center.Hash(HashCredential(key))); a.StatusCode != http.StatusNoContent || !valid {
		t.Error(a.Status, "the API key is gone")
	}
}

func TestTickets(t *testing.T) {
	tickets := &Tickets{}
	fake, url, _ := windows(t, Options{Tickets: tickets})
	link := tickets.Issue("agent", fake.agent(DefaultTenant, "ann", false), "/agent")
	for range 2 {
		a := browser(t, "GET", url+link, "", nil)
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/agent" || !slices.ContainsFunc(a.Cookies(), func(c *http.Cookie) bool {
			return c.Name == "usher_agent" && c.HttpOnly && c.SameSite == http.SameSiteStrictMode
		}) {
			t.Error(a.Status, a.Header)
		}
	}
	_, without, _ := windows(t, Options{})
	for _, wrong := range []string{without + link, url + "/window/enter?ticket=wrong", url + "/window/enter"} {
		if a := browser(t, "GET", wrong, "", nil); a.StatusCode < 400 || len(a.Cookies()) != 0 {
			t.Error(wrong, a.Status)
		}
	}
}
