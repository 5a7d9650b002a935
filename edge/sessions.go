package edge

import (
	"cmp"
	"context"
	"io"
	"os"
	"time"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/engine"
)

// sessionTokenOfCustomer is how the token of a customer's session begins.
const sessionTokenOfCustomer = "uss_"

// Sessions is what the edge needs of the session media server. Package media
// has one; its documentation says what each method promises. Refusals are
// *center.Refused.
type Sessions interface {
	// OpenToken tells whose a session's token is.
	OpenToken(token string) (tenant, site, session string, expires time.Time, ok bool)
	// Site finds a web site.
	Site(tenant, name string) (*usherv1.Site, bool)
	// OriginListed tells whether any site of any tenant lists an origin.
	OriginListed(origin string) bool
	// Offer is what a site shows.
	Offer(ctx context.Context, tenant string, site *usherv1.Site) (*usherv1.GetSiteResponse, error)
	// CreateCustomerToken makes a token for a customer of a site.
	CreateCustomerToken(tenant string, r *usherv1.CreateCustomerTokenRequest) (*usherv1.CreateCustomerTokenResponse, error)
	// Launched finds a session that goes on and was asked for by the same
	// request before, without a token.
	Launched(tenant string, site *usherv1.Site, r *usherv1.RequestLaunchSession) (session string, ok bool)
	// Launch asks for a session.
	Launch(ctx context.Context, tenant string, site *usherv1.Site, r *usherv1.RequestLaunchSession) (*usherv1.EventSessionLaunched, error)
	// Events streams a session after a sequence.
	Events(ctx context.Context, tenant, session string, after uint64, send func(*usherv1.SessionEvent) error) error
	// SendLine says something for the customer.
	SendLine(ctx context.Context, tenant, session string, r *usherv1.RequestSendLine) (*usherv1.EventAck, error)
	// Typing says that the customer is writing.
	Typing(ctx context.Context, tenant, session string, r *usherv1.RequestCustomerTyping) error
	// Drop ends a session.
	Drop(ctx context.Context, tenant, session string, r *usherv1.RequestDropSession) (*usherv1.EventAck, error)

	// Upload stores a file for the conversation of an interaction, that comes
	// from an address.
	Upload(ctx context.Context, tenant, interaction string, as engine.Participant, address, name string, from io.Reader) (*usherv1.Attachment, error)
	// Has tells whether an interaction is a session or callback.
	Has(ctx context.Context, tenant, interaction string) (bool, error)
	// Uploaded is the attachment that was uploaded for an interaction.
	Uploaded(ctx context.Context, tenant, interaction string, as engine.Participant, said *usherv1.Attachment) (*usherv1.Attachment, error)
	// Download opens an attachment of a conversation.
	Download(ctx context.Context, tenant, interaction string, as engine.Participant, id string) (*usherv1.Attachment, *os.File, error)
	// Counts are the live sessions and their open streams.
	Counts() (sessions, streams int)
}

// internetCallManager is the protocol of customers and of the sites that they
// look at.
type internetCallManager struct{ *Server }

// errNoSessions: see Options.Sessions.
var errNoSessions = refuse(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, "this server has no sessions of customers")

// CreateCustomerToken makes a token for a customer of the caller's site.
func (s internetCallManager) CreateCustomerToken(ctx context.Context, r *usherv1.CreateCustomerTokenRequest) (*usherv1.CreateCustomerTokenResponse, error) {
	who := callerOf(ctx)
	switch {
	case s.customers == nil:
		return nil, errNoSessions
	case r.GetSite() == "":
		r.Site = who.site
	case r.GetSite() != who.site:
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "site: the key is for the site %q", who.site)
	}
	return s.customers.CreateCustomerToken(who.tenant, r)
}

// siteFor finds the site that somebody without a session looks at, if the page
// on which he does may show it.
func (s *Server) siteFor(ctx context.Context, tenant, name string) (string, *usherv1.Site, error) {
	if s.customers == nil {
		return "", nil, errNoSessions
	}
	if !s.visitorRate.allow(callerOf(ctx).peer) {
		return "", nil, refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many requests from this address; try again later")
	}
	if tenant == "" {
		tenant = DefaultTenant
	}
	site, ok := s.customers.Site(tenant, name)
	if !ok {
		return "", nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT, "site: there is no site %.128q", name)
	}
	if refusal := originOf(ctx).unfit(site); refusal != nil {
		return "", nil, refusal
	}
	return tenant, site, nil
}

// GetSite tells what a site offers.
func (s internetCallManager) GetSite(ctx context.Context, r *usherv1.GetSiteRequest) (*usherv1.GetSiteResponse, error) {
	tenant, site, err := s.siteFor(ctx, r.GetTenantId(), r.GetSite())
	if err != nil {
		return nil, err
	}
	return s.customers.Offer(ctx, tenant, site)
}

// anonymousPerMinute is how many sessions an address may ask for without a
// token, if the site does not say.
const anonymousPerMinute = 6

// guessable is below how many bytes a reference id may be guessed.
const guessable = 16

// typingBurst is how many typing notices are passed on at once.
const typingBurst = 4

// LaunchSession asks for a session.
func (s internetCallManager) LaunchSession(ctx context.Context, r *usherv1.RequestLaunchSession) (*usherv1.EventSessionLaunched, error) {
	tenant, site, err := s.siteFor(ctx, r.GetTenantId(), r.GetSite())
	if err != nil {
		return nil, err
	}
	if r.GetCustomerToken() == "" {
		if n := len(r.GetReferenceId()); n > 0 && n < guessable {
			return nil, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT,
				"reference_id: %d bytes, at least %d that nobody can guess: whoever knows it has the session", n, guessable)
		}
		if !s.mayLaunch(callerOf(ctx).peer, tenant, site, r) {
			return nil, refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many sessions from this address; try again in a minute")
		}
	}
	return s.customers.Launch(ctx, tenant, site, r)
}

// mayLaunch counts a session that an address asks for without a token. A page
// that asks again, since the answer was lost, takes nothing from what its
// address may ask for: there is a session already, which is found before
// anything is made. To answer costs the center some reads, hence each session
// has an allowance for it, as large as that of an address; beyond it a
// repetition counts as any other. All of them count as visits of the address.
func (s *Server) mayLaunch(peer, tenant string, site *usherv1.Site, r *usherv1.RequestLaunchSession) bool {
	perMinute := cmp.Or(int(site.GetAnonymousSessionsPerMinute()), anonymousPerMinute)
	allow := func(key string) bool { return s.launchRate.allowAt(key, float64(perMinute)/60, perMinute) }
	if session, again := s.customers.Launched(tenant, site, r); again && allow("again "+tenant+"/"+session) {
		return true
	}
	return allow("new " + tenant + "/" + site.GetName() + "/" + peer)
}

// customer is the caller by a session's token, if the page on which he is may
// show his site.
func (s *Server) customer(ctx context.Context) (*caller, error) {
	who := callerOf(ctx)
	site, ok := s.customers.Site(who.tenant, who.site)
	if !ok {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "the session's site is no more")
	}
	if refusal := originOf(ctx).unfit(site); refusal != nil {
		return nil, refusal
	}
	return who, nil
}

// SessionEvents streams the caller's session.
func (s internetCallManager) SessionEvents(ctx context.Context, r *usherv1.RequestSessionEvents, out *connect.ServerStream[usherv1.SessionEvent]) error {
	who, err := s.customer(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Until(who.expires), errRevoked)
	defer cancel()
	return s.customers.Events(ctx, who.tenant, who.from.ID, r.GetAfterSequence(), func(event *usherv1.SessionEvent) error {
		if event.GetHeartbeat() == nil {
			s.metrics.delivered.Inc()
		}
		return out.Send(event)
	})
}

// SendLine says something in the caller's session.
func (s internetCallManager) SendLine(ctx context.Context, r *usherv1.RequestSendLine) (*usherv1.EventAck, error) {
	who, err := s.customer(ctx)
	if err != nil {
		return nil, err
	}
	if !s.lineRate.allow(who.limitKey()) {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many lines; try again in a second")
	}
	return s.customers.SendLine(ctx, who.tenant, who.from.ID, r)
}

// CustomerTyping says that the customer is writing. What comes too often is
// left out: it is worth nothing.
func (s internetCallManager) CustomerTyping(ctx context.Context, r *usherv1.RequestCustomerTyping) (*usherv1.TypingNoted, error) {
	who, err := s.customer(ctx)
	if err != nil {
		return nil, err
	}
	if s.typingRate.allow(who.limitKey()) {
		err = s.customers.Typing(ctx, who.tenant, who.from.ID, r)
	}
	if err != nil {
		return nil, err
	}
	return &usherv1.TypingNoted{}, nil
}

// DropSession ends the caller's session.
func (s internetCallManager) DropSession(ctx context.Context, r *usherv1.RequestDropSession) (*usherv1.EventAck, error) {
	who, err := s.customer(ctx)
	if err != nil {
		return nil, err
	}
	return s.customers.Drop(ctx, who.tenant, who.from.ID, r)
}

var _ usherv1connect.InternetCallManagerHandler = internetCallManager{}
