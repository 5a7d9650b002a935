package edge

import (
	"context"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// caller is who makes a call, by his credential.
type caller struct {
	// tenant is the credential's; center.SystemTenant for administration of
	// all tenants.
	tenant string
	// from is the principal.
	from engine.Participant
	role usherv1.Role
	// keyID is the API key's id; empty for an agent.
	keyID string
	// site is that of a site's key, or of a customer's session.
	site string
	// expires is when a customer's token does.
	expires time.Time
	// hash is the credential's.
	hash center.Hash
	// peer is the client's address.
	peer string
}

// limitKey tells credentials apart for limits. An agent's sessions count
// together, so that nobody gets more by logging in again.
func (c *caller) limitKey() string {
	if c.keyID != "" {
		return "key " + c.keyID
	}
	if c.isCustomer() {
		return "session " + c.tenant + "/" + c.from.ID
	}
	return "agent " + c.tenant + "/" + c.from.ID
}

// isCustomer tells whether the caller is a customer, or nobody who is known: he
// shares no limit with agents and applications.
func (c *caller) isCustomer() bool {
	return c.role == usherv1.Role_ROLE_CUSTOMER || c.role == usherv1.Role_ROLE_UNSPECIFIED
}

// principal names the caller in logs.
func (c *caller) principal() string {
	if c.role == usherv1.Role_ROLE_UNSPECIFIED {
		return ""
	}
	return c.tenant + "/" + roleName(c.role) + "/" + c.from.ID
}

type callerKey struct{}

// callerOf is who makes the call; the gate has put it there.
func callerOf(ctx context.Context) *caller {
	if c, ok := ctx.Value(callerKey{}).(*caller); ok {
		return c
	}
	return &caller{}
}

// gate lets a call in or refuses it, before anything of its body is read. It
// is the one place where a method's permission is looked at; a method that is
// not in the table, or has no permission there, is for nobody.
func (s *Server) gate(ctx context.Context, spec connect.Spec, peer connect.Peer, header http.Header) (context.Context, error) {
	who := &caller{peer: address(peer.Addr)}
	if refusal := s.admit(spec.Procedure, header, who); refusal != nil {
		ctx = context.WithValue(ctx, callerKey{}, who)
		return nil, s.refused(ctx, spec.Procedure, "", refusal)
	}
	if !who.isCustomer() {
		keepConn(ctx)
	}
	return context.WithValue(ctx, callerKey{}, who), nil
}

// admit fills in who makes the call and says why he may not.
func (s *Server) admit(procedure string, header http.Header, who *caller) *Refusal {
	allowed := s.permissions[procedure]
	if allowed.anonymous {
		return nil
	}
	if refusal := s.recognized(header, who); refusal != nil {
		return refusal
	}
	if !allowed.allows(who.role) {
		return refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "the role %s may not call this method", roleName(who.role))
	}
	return nil
}

// recognized fills in whose credential the headers carry and counts the
// request, or says why not.
func (s *Server) recognized(header http.Header, who *caller) *Refusal {
	authorization := header.Get("Authorization")
	if authorization == "" {
		return refuse(usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, "the header \"Authorization: Bearer ...\" is missing")
	}
	if !s.identify(bearer(authorization), who) {
		return refuse(usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, "the credential is wrong, revoked or expired")
	}
	if !s.inRate(who) {
		return refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many requests with this credential; try again later")
	}
	if who.from.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		s.homes.note(who.tenant, who.from.ID, who.peer)
	}
	return nil
}

// inRate counts a request of a credential; false if there were too many.
func (s *Server) inRate(who *caller) bool {
	switch {
	case who.keyID != "":
		return s.keyRate.allow(who.limitKey())
	case who.isCustomer():
		return s.customerRate.allow(who.limitKey())
	}
	return s.sessionRate.allow(who.limitKey())
}

// streamsOf counts the streams of those with whom the caller shares a limit:
// customers, or all others.
func (s *Server) streamsOf(who *caller) *counters {
	if who.isCustomer() {
		return s.customerStreams
	}
	return s.streams
}

// participantKinds says as what the credentials of a role act.
var participantKinds = map[usherv1.Role]usherv1.ParticipantKind{
	usherv1.Role_ROLE_MEDIA:     usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA,
	usherv1.Role_ROLE_ROUTER:    usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER,
	usherv1.Role_ROLE_SERVICE:   usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE,
	usherv1.Role_ROLE_REPORTING: usherv1.ParticipantKind_PARTICIPANT_KIND_REPORT,
	usherv1.Role_ROLE_SITE:      usherv1.ParticipantKind_PARTICIPANT_KIND_SITE,
	usherv1.Role_ROLE_ADMIN:     usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN,
}

// identify finds whose credential it is.
func (s *Server) identify(credential string, who *caller) bool {
	if credential == "" {
		return false
	}
	who.hash = center.Hash(HashCredential(credential))
	if strings.HasPrefix(credential, sessionTokenOfCustomer) {
		return s.identifyCustomer(credential, who)
	}
	return s.recognize(who)
}

// identifyCustomer finds whose session's token it is.
func (s *Server) identifyCustomer(token string, who *caller) bool {
	if s.customers == nil {
		return false
	}
	tenant, site, session, expires, ok := s.customers.OpenToken(token)
	if !ok {
		return false
	}
	who.tenant, who.role, who.site, who.expires = tenant, usherv1.Role_ROLE_CUSTOMER, site, expires
	who.from = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_CUSTOMER, ID: session}
	return true
}

// recognize fills in who the credential with who.hash stands for; false if it
// is not, or no longer, valid.
func (s *Server) recognize(who *caller) bool {
	if key, ok := s.center.LookupAPIKey(who.hash); ok {
		kind, ok := participantKinds[key.GetRole()]
		if !ok || (key.GetTenantId() == center.SystemTenant && key.GetRole() != usherv1.Role_ROLE_ADMIN) {
			return false
		}
		who.tenant, who.role, who.keyID, who.site = key.GetTenantId(), key.GetRole(), key.GetId(), key.GetSite()
		who.from = engine.Participant{Kind: kind, ID: key.GetName()}
		return true
	}
	session, ok := s.center.LookupSession(who.hash)
	if !ok {
		return false
	}
	login, ok := s.center.AgentLogin(session.Tenant, session.Agent)
	if !ok {
		return false
	}
	who.tenant, who.role = session.Tenant, usherv1.Role_ROLE_AGENT
	if login.Supervisor {
		who.role = usherv1.Role_ROLE_SUPERVISOR
	}
	who.from = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: session.Agent}
	return true
}
