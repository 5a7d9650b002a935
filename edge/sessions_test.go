package edge

import (
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// fakeSessions remembers what it was asked. Its tokens are
// uss_TENANT.SITE.SESSION.
type fakeSessions struct {
	sites map[string]*usherv1.Site // of every tenant
	dir   string                   // of the one file that there is

	mu    sync.Mutex
	asked []string
	err   error // refuses all that a session does
}

// fakeCustomer is the token of a session of the fake.
const fakeCustomer = sessionTokenOfCustomer + "default.shop.s-1"

func newFakeSessions() *fakeSessions {
	return &fakeSessions{sites: map[string]*usherv1.Site{
		"shop":  {Name: "shop", Origins: []string{"https://shop.example.com"}, RequestTypes: []string{"billing"}, Anonymous: true, AnonymousSessionsPerMinute: 3},
		"other": {Name: "other", Origins: []string{"https://other.example.com"}, RequestTypes: []string{"billing"}},
	}}
}

func (f *fakeSessions) ask(what ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, strings.Join(what, " "))
	return f.err
}

func (f *fakeSessions) OpenToken(token string) (tenant, site, session string, expires time.Time, ok bool) {
	parts := strings.Split(strings.TrimPrefix(token, sessionTokenOfCustomer), ".")
	if len(parts) != 3 {
		return "", "", "", expires, false
	}
	return parts[0], parts[1], parts[2], time.Now().Add(time.Hour), true
}

func (f *fakeSessions) Site(_, name string) (*usherv1.Site, bool) {
	site, ok := f.sites[name]
	return site, ok
}

func (f *fakeSessions) OriginListed(origin string) bool {
	return origin == "https://shop.example.com" || origin == "https://other.example.com"
}

func (f *fakeSessions) Offer(_ context.Context, _ string, site *usherv1.Site) (*usherv1.GetSiteResponse, error) {
	return &usherv1.GetSiteResponse{Title: site.GetName()}, f.ask("offer", site.GetName())
}

func (f *fakeSessions) CreateCustomerToken(tenant string, r *usherv1.CreateCustomerTokenRequest) (*usherv1.CreateCustomerTokenResponse, error) {
	return &usherv1.CreateCustomerTokenResponse{Token: "usc_made"}, f.ask("token", tenant, r.GetSite())
}

func (f *fakeSessions) Launch(_ context.Context, tenant string, site *usherv1.Site, _ *usherv1.RequestLaunchSession) (*usherv1.EventSessionLaunched, error) {
	return &usherv1.EventSessionLaunched{SessionId: "s-1"}, f.ask("launch", tenant, site.GetName())
}

func (f *fakeSessions) Events(_ context.Context, tenant, session string, _ uint64, send func(*usherv1.SessionEvent) error) error {
	if err := f.ask("events", tenant, session); err != nil {
		return err
	}
	return send(&usherv1.SessionEvent{Sequence: 7})
}

func (f *fakeSessions) SendLine(_ context.Context, tenant, session string, _ *usherv1.RequestSendLine) (*usherv1.EventAck, error) {
	return &usherv1.EventAck{}, f.ask("line", tenant, session)
}

func (f *fakeSessions) Typing(_ context.Context, tenant, session string, _ *usherv1.RequestCustomerTyping) error {
	return f.ask("typing", tenant, session)
}

func (f *fakeSessions) Drop(_ context.Context, tenant, session string, _ *usherv1.RequestDropSession) (*usherv1.EventAck, error) {
	return &usherv1.EventAck{}, f.ask("drop", tenant, session)
}

func (f *fakeSessions) Upload(_ context.Context, tenant, interaction string, as engine.Participant, name string, from io.Reader) (*usherv1.Attachment, error) {
	content, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	return &usherv1.Attachment{Id: "abc", Name: name, ContentType: "text/plain", Size: int64(len(content))},
		f.ask("upload", tenant, interaction, as.ID, name, string(content))
}

func (f *fakeSessions) Has(_, interaction string) bool { return strings.HasPrefix(interaction, "s-") }

func (f *fakeSessions) Uploaded(_, interaction string, said *usherv1.Attachment) (*usherv1.Attachment, error) {
	if said.GetId() != "abc" {
		return nil, &center.Refused{Err: &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT}}
	}
	return &usherv1.Attachment{Id: "abc", Name: "of " + interaction}, nil
}

func (f *fakeSessions) Download(_ context.Context, tenant, interaction string, as engine.Participant, id string) (*usherv1.Attachment, *os.File, error) {
	if err := f.ask("download", tenant, interaction, as.ID, id); err != nil {
		return nil, nil, err
	}
	file, err := os.Open(f.dir + "/" + id)
	if err != nil {
		return nil, nil, &center.Refused{Err: &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT}}
	}
	info, err := file.Stat()
	return &usherv1.Attachment{Id: id, Name: `smile "☺".png`, ContentType: "image/png", Size: info.Size()}, file, err
}

func (f *fakeSessions) Counts() (sessions, streams int) { return 2, 3 }
