package media

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// Limits of what customers say of themselves.
const (
	nameMaxBytes      = 256
	subjectMaxBytes   = 1_024
	dataMaxKeys       = 16
	dataKeyMaxBytes   = 128
	dataValueMaxBytes = 1_024
	tokenDataMaxBytes = 8 << 10
	textMaxBytes      = 16_384
	referenceMaxBytes = 128
	callbackWithin    = 366 * 24 * time.Hour
)

// CreateCustomerToken makes a token with which a customer's browser asks for a
// session under a name that the site vouches for. The refusals are
// UnknownObject and InvalidArgument.
func (s *Server) CreateCustomerToken(tenant string, r *usherv1.CreateCustomerTokenRequest) (*usherv1.CreateCustomerTokenResponse, error) {
	if _, ok := s.center.Site(tenant, r.GetSite()); !ok {
		return nil, refuse(errUnknownObject, "site: there is no site %.128q", r.GetSite())
	}
	valid := time.Duration(r.GetValidS()) * time.Second
	switch {
	case valid == 0:
		valid = customerTokenValid
	case valid < 0 || valid > customerTokenMax:
		return nil, refuse(errInvalid, "valid_s: %d, 0 to %d", r.GetValidS(), int(customerTokenMax.Seconds()))
	}
	if r.GetCustomerId() == "" {
		return nil, refuse(errInvalid, "customer_id: is missing")
	}
	for field, text := range map[string]string{"customer_id": r.GetCustomerId(), "name": r.GetName()} {
		if err := checkText(field, text, nameMaxBytes); err != nil {
			return nil, err
		}
	}
	if n := proto.Size(r.GetUserData()); n > tokenDataMaxBytes {
		return nil, refuse(errInvalid, "user_data: %d bytes, at most %d", n, tokenDataMaxBytes)
	}
	expires := s.now().Add(valid).Truncate(time.Millisecond)
	token, err := s.keys.customerToken(customerClaims{tenant: tenant, expires: expires, customer: &usherv1.CreateCustomerTokenRequest{
		Site: r.GetSite(), CustomerId: r.GetCustomerId(), Name: r.GetName(), UserData: r.GetUserData(),
	}})
	if err != nil {
		return nil, err
	}
	return &usherv1.CreateCustomerTokenResponse{Token: token, ExpiresAtMs: expires.UnixMilli()}, nil
}

// launch is a request for a session that was found in order.
type launch struct {
	r      *usherv1.RequestLaunchSession
	tenant string
	site   *usherv1.Site
	asked  *usherv1.RequestType
	who    customer
	data   *structpb.Struct
	id     string
}

// Launch asks for a session on a site of the tenant. The refusals are
// Unauthenticated, PermissionDenied, UnknownObject, InvalidArgument, TooLarge,
// TooManyRequests, NoSpace and Unavailable.
func (s *Server) Launch(ctx context.Context, tenant string, site *usherv1.Site, r *usherv1.RequestLaunchSession) (*usherv1.EventSessionLaunched, error) {
	l, err := s.prepare(tenant, site, r)
	if err != nil {
		return nil, err
	}
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return nil, err
	}
	sequence, err := c.launch(ctx, l)
	if err != nil {
		return nil, err
	}
	answer := &usherv1.EventSessionLaunched{SessionId: l.id, Callback: l.asked.GetCallback(), Sequence: sequence}
	if wait, refusal, err := s.center.ExpectedWait(ctx, tenant, waitOf(l.id)); err == nil && refusal == nil && !wait.GetInfinite() {
		answer.ExpectedWaitMs = &wait.ExpectedWaitMs
	}
	if !l.asked.GetCallback() {
		expires := s.now().Add(sessionTokenValid)
		answer.ExpiresAtMs = expires.UnixMilli()
		answer.SessionToken = s.keys.sessionToken(sessionClaims{tenant: tenant, site: site.GetName(), session: l.id, expires: expires})
	}
	return answer, nil
}

// Launched finds a session or callback that goes on and was asked for by the
// same request before: with the same reference id, and without a token. It asks
// the center for nothing.
func (s *Server) Launched(tenant string, site *usherv1.Site, r *usherv1.RequestLaunchSession) (session string, ok bool) {
	if r.GetReferenceId() == "" || r.GetCustomerToken() != "" {
		return "", false
	}
	l, err := s.prepare(tenant, site, r)
	if err != nil {
		return "", false
	}
	s.mu.Lock()
	c := s.clients[tenant]
	s.mu.Unlock()
	if c == nil {
		return "", false // the tenant has none
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, callback := c.callbacks[l.id]
	return l.id, callback || c.sessions[l.id] != nil
}

// waitOf asks how long a session will wait.
func waitOf(id string) *usherv1.RequestExpectedWait {
	return &usherv1.RequestExpectedWait{Of: &usherv1.RequestExpectedWait_InteractionId{InteractionId: id}}
}

// prepare checks a request for a session and finds what it asks for.
func (s *Server) prepare(tenant string, site *usherv1.Site, r *usherv1.RequestLaunchSession) (*launch, error) {
	l := &launch{r: r, tenant: tenant, site: site, who: customer{site: site.GetName(), name: r.GetName()}}
	if err := checkLaunch(r); err != nil {
		return nil, err
	}
	var vouched *structpb.Struct
	switch {
	case r.GetCustomerToken() != "":
		claims, err := s.keys.openCustomer(r.GetCustomerToken(), s.now())
		if err != nil || claims.tenant != tenant || claims.customer.GetSite() != site.GetName() {
			return nil, refuse(errUnauthenticated, "customer_token: is wrong, expired or for another site")
		}
		l.who.id, vouched = claims.customer.GetCustomerId(), claims.customer.GetUserData()
		if name := claims.customer.GetName(); name != "" {
			l.who.name = name
		}
	case !site.GetAnonymous():
		return nil, refuse(errDenied, "the site %q takes customers with a token only", site.GetName())
	}
	name := r.GetRequestType()
	if name == "" {
		name = site.GetRequestTypes()[0]
	}
	asked, ok := s.center.RequestType(tenant, name)
	if !ok || !slices.Contains(site.GetRequestTypes(), name) {
		return nil, refuse(errUnknownObject, "request_type: the site %q offers no %.128q", site.GetName(), name)
	}
	l.asked = asked
	if err := s.checkCallback(l); err != nil {
		return nil, err
	}
	l.data = l.userData(vouched)
	prefix := sessionPrefix
	if asked.GetCallback() {
		prefix = callbackPrefix
	}
	l.id = s.keys.interactionID(prefix, tenant, site.GetName(), l.who.id, r.GetReferenceId())
	return l, nil
}

// checkLaunch checks the texts of a request for a session.
func checkLaunch(r *usherv1.RequestLaunchSession) error {
	for _, f := range []struct {
		field, text string
		max         int
	}{
		{"reference_id", r.GetReferenceId(), referenceMaxBytes}, {"name", r.GetName(), nameMaxBytes},
		{"subject", r.GetSubject(), subjectMaxBytes}, {"callback_to", r.GetCallbackTo(), nameMaxBytes},
	} {
		if err := checkText(f.field, f.text, f.max); err != nil {
			return err
		}
	}
	switch n := len(r.GetText()); { // what is no line is to be no session either
	case n > textMaxBytes:
		return refuse(errTooLarge, "text: %d bytes, at most %d", n, textMaxBytes)
	case !utf8.ValidString(r.GetText()) || strings.ContainsRune(r.GetText(), 0):
		return refuse(errInvalid, "text: a NUL, or not UTF-8")
	}
	data := r.GetUserData().GetFields()
	if len(data) > dataMaxKeys {
		return refuse(errInvalid, "user_data: %d keys, at most %d", len(data), dataMaxKeys)
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, ok := data[key].GetKind().(*structpb.Value_StringValue)
		switch {
		case key == "" || len(key) > dataKeyMaxBytes:
			return refuse(errInvalid, "user_data: a key of %d bytes, 1 to %d", len(key), dataKeyMaxBytes)
		case !ok:
			return refuse(errInvalid, "user_data: %q is no text", key)
		case len(text.StringValue) > dataValueMaxBytes:
			return refuse(errInvalid, "user_data: %q has %d bytes, at most %d", key, len(text.StringValue), dataValueMaxBytes)
		}
	}
	return nil
}

// checkText checks a text of one line.
func checkText(field, text string, maxBytes int) error {
	switch {
	case len(text) > maxBytes:
		return refuse(errInvalid, "%s: %d bytes, at most %d", field, len(text), maxBytes)
	case !utf8.ValidString(text) || strings.IndexFunc(text, unicode.IsControl) >= 0:
		return refuse(errInvalid, "%s: control characters, or not UTF-8", field)
	}
	return nil
}

func (s *Server) checkCallback(l *launch) error {
	if !l.asked.GetCallback() {
		if l.r.GetCallbackTo() != "" || l.r.GetCallbackAtMs() != 0 {
			return refuse(errInvalid, "callback_to, callback_at_ms: %q is no callback", l.asked.GetName())
		}
		return nil
	}
	at := l.r.GetCallbackAtMs()
	switch {
	case l.r.GetCallbackTo() == "":
		return refuse(errInvalid, "callback_to: is missing; where can the customer be reached?")
	case at < 0 || at > s.now().Add(callbackWithin).UnixMilli():
		return refuse(errInvalid, "callback_at_ms: is before 1970, or in more than a year")
	}
	return nil
}

// userData is the user data of the interaction. What the customer says himself
// goes last: before it goes what the site vouches for, before that what the
// request type sets, and before all what the server sets.
func (l *launch) userData(vouched *structpb.Struct) *structpb.Struct {
	data := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	maps.Copy(data.Fields, l.r.GetUserData().GetFields())
	maps.Copy(data.Fields, vouched.GetFields())
	for key, text := range l.asked.GetUserData() {
		data.Fields[key] = structpb.NewStringValue(text)
	}
	for key, text := range map[string]string{
		keyName: l.who.name, keyCustomer: l.who.id, keySubject: l.r.GetSubject(), keySite: l.site.GetName(),
		keyType: l.asked.GetName(), keyCallback: l.r.GetCallbackTo(),
	} {
		delete(data.Fields, key)
		if text != "" {
			data.Fields[key] = structpb.NewStringValue(text)
		}
	}
	delete(data.Fields, keyCallbackAt)
	if at := l.r.GetCallbackAtMs(); at != 0 {
		data.Fields[keyCallbackAt] = structpb.NewNumberValue(float64(at))
	}
	return data
}

// launch submits the interaction, and its first line. One that is there already
// was asked for before.
func (c *client) launch(ctx context.Context, l *launch) (sequence uint64, err error) {
	if err := c.expect(l); err != nil {
		return 0, err
	}
	reply, err := c.do(ctx, icm, &usherv1.RequestSubmit{
		InteractionId: l.id, Queue: l.asked.GetQueue(), Vdn: l.asked.GetVdn(), MediaType: l.asked.GetMediaType(),
		InteractionSubtype: l.asked.GetInteractionSubtype(), Priority: l.asked.GetPriority(),
		IsOnline: !l.asked.GetCallback(), UserData: l.data,
	})
	var refused *center.Refused
	switch {
	case err == nil:
		c.arrived(l.id, reply.Sequence)
	case errors.As(err, &refused) && refused.Err.GetCode() == errDuplicate:
		return c.again(ctx, l, refused.Err.GetSequence())
	case errors.As(err, &refused):
		c.endNamed(l.id, 0)
		return 0, err
	default:
		return 0, err // the outcome is not known: the session's time will tell
	}
	if l.r.GetText() == "" {
		return reply.Sequence, nil
	}
	_, err = c.addFirstLine(ctx, l)
	return reply.Sequence, err
}

// expect makes the session before it is submitted, so that nothing that is
// told of it is missed. Of a callback nothing will be; it is counted.
func (c *client) expect(l *launch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.callbacks[l.id]; known || c.sessions[l.id] != nil {
		return nil
	}
	count, own := len(c.sessions), 0
	for _, se := range c.sessions {
		own += se.customer.counts(l.who)
	}
	if l.asked.GetCallback() {
		count, own = len(c.callbacks), 0
		for _, who := range c.callbacks {
			own += who.counts(l.who)
		}
	}
	if count >= c.s.limits.Sessions {
		return refuse(errTooMany, "there are as many sessions or callbacks as there may be; try again later")
	}
	if own >= c.s.limits.SessionsEach {
		return refuse(errTooMany, "the customer has %d sessions or callbacks, as many as he may have", own)
	}
	if l.asked.GetCallback() {
		c.callbacks[l.id] = l.who
	} else {
		c.add(l.id, l.who)
	}
	return nil
}

// counts is 1 for the same customer, as far as he is known.
func (who customer) counts(as customer) int {
	if who.id == "" || who.id != as.id || who.site != as.site {
		return 0
	}
	return 1
}

// arrived remembers when a session came into being.
func (c *client) arrived(id string, sequence uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if se := c.sessions[id]; se != nil {
		se.born = sequence
	}
}

// again answers for a session that was asked for before. If it has ended there
// is nothing to hear of it.
func (c *client) again(ctx context.Context, l *launch, sequence uint64) (uint64, error) {
	found, err := c.do(ctx, im, &usherv1.RequestGetInteractionProperties{InteractionId: l.id})
	switch {
	case isGone(err):
		c.endNamed(l.id, 0)
		return sequence, nil
	case err != nil:
		return 0, err
	}
	c.found(found.Event.GetEventInteractionProperties().GetProperties(), sequence)
	if l.r.GetText() == "" {
		return sequence, nil
	}
	said, err := c.conversation(l.id, Principal).withReference(ctx, scoped(l.id, launchReference))
	if err == nil && said == nil {
		_, err = c.addFirstLine(ctx, l)
	}
	if isGone(err) {
		err = nil
	}
	return sequence, err
}

// found takes over a session that is there.
func (c *client) found(p *usherv1.InteractionProperties, sequence uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if se := c.sessions[p.GetInteractionId()]; se != nil && se.born == 0 {
		se.born = sequence
		se.become(p)
	}
}

// launchReference is the reference id of what was said with the launch.
const launchReference = "launch"

func (c *client) addFirstLine(ctx context.Context, l *launch) (center.Reply, error) {
	return c.do(ctx, icm, &usherv1.RequestAddLine{
		ReferenceId: scoped(l.id, launchReference), InteractionId: l.id, AuthorName: l.who.name,
		Line: &usherv1.Line{Kind: usherv1.LineKind_LINE_KIND_TEXT, Text: l.r.GetText()},
	})
}
