package edge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The windows that are pages keep their credentials in cookies, which scripts
// can't read: one for each window, so that a browser can be an agent's and a
// supervisor's at once. A cookie alone is no credential, since a browser sends
// it with whatever another page makes it send. It counts in a request that
// names its window in a header, which only our own pages can send.
//
//	POST /window/login    sets the cookie
//	POST /window/logout   takes it away, and the credential with it
//	GET  /window/session  tells whose it is
//	GET  /window/enter    sets it by a login link, in a demo

// windowHeader names the window whose cookie is the credential.
const windowHeader = "Usher-Window"

// windowsPath is where windows log in and out.
const windowsPath = "/window/"

// Limits of a login by a window.
const (
	loginMaxBytes = 8 << 10
	loginTimeout  = 10 * time.Second
)

// windowRoles are the windows, and who may use each.
var windowRoles = map[string][]usherv1.Role{
	"agent":      {usherv1.Role_ROLE_AGENT, usherv1.Role_ROLE_SUPERVISOR},
	"supervisor": {usherv1.Role_ROLE_SUPERVISOR},
	"admin":      {usherv1.Role_ROLE_ADMIN},
}

func cookieName(window string) string { return "usher_" + window }

// crossOrigin refuses what another page makes a browser send.
var crossOrigin = http.NewCrossOriginProtection()

// fromWindow puts the credential of the window that a request names where all
// credentials are; it tells why not. What is no window's request stays as it
// is.
func fromWindow(r *http.Request) (_ *http.Request, refusal *Refusal) {
	window := r.Header.Get(windowHeader)
	if window == "" || r.Header.Get("Authorization") != "" {
		return r, nil
	}
	if err := crossOrigin.Check(r); err != nil {
		return r, refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "the request comes from another origin's page")
	}
	if windowRoles[window] == nil {
		return r, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "%s: there is no such window", windowHeader)
	}
	cookie, err := r.Cookie(cookieName(window))
	if err != nil {
		return r, nil // nobody is logged in there
	}
	named := *r
	named.Header = r.Header.Clone()
	named.Header.Set("Authorization", "Bearer "+cookie.Value)
	return &named, nil
}

// windowLogin is the body of a login or logout.
type windowLogin struct {
	Window   string `json:"window"`
	TenantID string `json:"tenantId"`
	AgentID  string `json:"agentId"`
	Password string `json:"password"`
	APIKey   string `json:"apiKey"`
}

// windowSession tells who is logged in at a window.
type windowSession struct {
	Window      string `json:"window"`
	Role        string `json:"role"`
	TenantID    string `json:"tenantId"`
	AgentID     string `json:"agentId"`
	Name        string `json:"name"`
	ExpiresAtMs int64  `json:"expiresAtMs"` // 0 if it does not
}

// serveWindow serves what is below windowsPath.
func (s *Server) serveWindow(w http.ResponseWriter, r *http.Request) {
	who := &caller{peer: address(r.RemoteAddr)}
	ctx := context.WithValue(r.Context(), callerKey{}, who)
	w.Header().Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(min(loginTimeout, s.limits.ReadTimeout)))
	var answer any
	var err error
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, windowsPath) {
	case "POST login":
		answer, err = s.logInWindow(ctx, w, r, who)
	case "POST logout":
		err = s.logOutWindow(ctx, w, r, who)
	case "GET session":
		answer, err = s.windowSession(ctx, w, r, who)
	case "GET enter":
		if s.enterWindow(w, r) {
			return
		}
		fallthrough
	default:
		err = refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "windows have login, logout and session")
	}
	if err != nil {
		if err := s.errorWriter.Write(w, r, s.refused(ctx, windowsPath, "", err)); err != nil {
			s.log.Debug("writing a refusal", "error", err)
		}
		return
	}
	if answer == nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// readLogin reads the body of a login or logout by our own page.
func readLogin(w http.ResponseWriter, r *http.Request) (*windowLogin, error) {
	if err := crossOrigin.Check(r); err != nil {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "the request comes from another origin's page")
	}
	var login windowLogin
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, loginMaxBytes)).Decode(&login); err != nil {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "the body is no login: JSON of at most %d bytes with window, agentId and password, or apiKey", loginMaxBytes)
	}
	if windowRoles[login.Window] == nil {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "window: there is no such window")
	}
	return &login, nil
}

// logInWindow checks a credential and puts it into the window's cookie.
func (s *Server) logInWindow(ctx context.Context, w http.ResponseWriter, r *http.Request, who *caller) (*windowSession, error) {
	login, err := readLogin(w, r)
	if err != nil {
		return nil, err
	}
	credential, expires := login.APIKey, int64(0)
	if login.Window == "admin" {
		if !s.addressRate.allow(who.peer) {
			return nil, refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many logins; try again later")
		}
		credential = bearer("Bearer " + credential)
	} else {
		opened, err := authentication{s}.OpenSession(ctx, &usherv1.OpenSessionRequest{
			TenantId: login.TenantID, AgentId: login.AgentID, Password: login.Password,
		})
		if err != nil {
			return nil, err
		}
		credential, expires = opened.GetToken(), opened.GetExpiresAtMs()
	}
	if !s.identify(credential, who) {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, "the API key is wrong or revoked")
	}
	session, err := s.describe(ctx, login.Window, who)
	if err != nil {
		if expires != 0 {
			_, _ = authentication{s}.CloseSession(ctx, &usherv1.CloseSessionRequest{}) // it is of no use
		}
		return nil, err
	}
	session.ExpiresAtMs = expires
	setCookie(w, r, login.Window, credential, expires)
	return session, nil
}

// logOutWindow makes an agent's session useless, and takes the cookie away. An
// API key goes on; only the window forgets it.
func (s *Server) logOutWindow(ctx context.Context, w http.ResponseWriter, r *http.Request, who *caller) error {
	login, err := readLogin(w, r)
	if err != nil {
		return err
	}
	cookie, err := r.Cookie(cookieName(login.Window))
	if err == nil && s.identify(cookie.Value, who) && who.keyID == "" {
		if _, err := (authentication{s}).CloseSession(ctx, &usherv1.CloseSessionRequest{}); err != nil {
			return err
		}
	}
	setCookie(w, r, login.Window, "", 0)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// windowSession tells who is logged in at the window that the request names;
// nobody is no error, and the answer is empty then.
func (s *Server) windowSession(ctx context.Context, w http.ResponseWriter, r *http.Request, who *caller) (any, error) {
	if s.recognized(r.Header, who) != nil {
		w.WriteHeader(http.StatusNoContent)
		return nil, nil
	}
	session, err := s.describe(ctx, r.Header.Get(windowHeader), who)
	if err != nil {
		return nil, err
	}
	if open, ok := s.center.LookupSession(who.hash); ok {
		session.ExpiresAtMs = open.ExpiresAtMs
	}
	return session, nil
}

// describe tells who uses a window, or that he may not.
func (s *Server) describe(ctx context.Context, window string, who *caller) (*windowSession, error) {
	if !slices.Contains(windowRoles[window], who.role) {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "the role %s may not use this window", roleName(who.role))
	}
	session := &windowSession{Window: window, Role: roleName(who.role), TenantID: who.tenant, Name: who.from.ID}
	if who.keyID != "" {
		return session, nil
	}
	session.AgentID = who.from.ID
	present, err := s.center.Present(ctx, who.tenant, who.from)
	if err != nil {
		return nil, err
	}
	if present.GetAgentName() != "" {
		session.Name = present.GetAgentName()
	}
	return session, nil
}

// setCookie gives a browser the credential of a window; an empty one takes it
// away.
func setCookie(w http.ResponseWriter, r *http.Request, window, credential string, expiresAtMs int64) {
	cookie := &http.Cookie{
		Name: cookieName(window), Value: credential, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
	switch {
	case credential == "":
		cookie.MaxAge = -1
	case expiresAtMs != 0:
		cookie.Expires = time.UnixMilli(expiresAtMs)
	}
	http.SetCookie(w, cookie)
}

// Tickets are login links for a demo: whoever follows one is logged in. They
// are good, again and again, for as long as the server runs. A server without
// tickets has no such links.
type Tickets struct {
	mu sync.Mutex
	of map[string]ticket
}

type ticket struct {
	window, credential, path string
}

// Issue makes a ticket for a window (agent, supervisor or admin) with a
// credential, and gives the path of its link, which leads to the page at path.
func (t *Tickets) Issue(window, credential, path string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]ticket{}
	}
	name := rand.Text()
	t.of[name] = ticket{window, credential, path}
	return windowsPath + "enter?ticket=" + name
}

// enterWindow follows a login link.
func (s *Server) enterWindow(w http.ResponseWriter, r *http.Request) bool {
	if s.tickets == nil {
		return false
	}
	s.tickets.mu.Lock()
	defer s.tickets.mu.Unlock()
	found, ok := s.tickets.of[r.URL.Query().Get("ticket")]
	if !ok {
		return false
	}
	setCookie(w, r, found.window, found.credential, 0)
	http.Redirect(w, r, found.path, http.StatusSeeOther)
	return true
}
