package edge

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
)

// origin is the page from which a browser asks. Others than browsers have none.
type origin struct {
	name string // as in the header Origin
	own  bool   // it is the server's own
}

type originKey struct{}

func originOf(ctx context.Context) origin {
	o, _ := ctx.Value(originKey{}).(origin)
	return o
}

// readOrigin finds out from which page a request comes.
func readOrigin(r *http.Request) origin {
	o := origin{name: r.Header.Get("Origin")}
	if at, err := url.Parse(o.name); err == nil && at.Host != "" {
		o.own = strings.EqualFold(at.Host, r.Host)
	}
	return o
}

// unfit says why a page may not show a site.
func (o origin) unfit(site *usherv1.Site) *Refusal {
	if o.name == "" || o.own || slices.Contains(site.GetOrigins(), o.name) {
		return nil
	}
	return refuseOrigin(o)
}

func refuseOrigin(o origin) *Refusal {
	return refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "the origin %.300q is not one of the site's origins", o.name)
}

// embedded are the methods that a page on another origin may call. Customer
// tokens are for backends, which have no origin.
var embedded = map[string]bool{
	usherv1connect.InternetCallManagerGetSiteProcedure:        true,
	usherv1connect.InternetCallManagerLaunchSessionProcedure:  true,
	usherv1connect.InternetCallManagerSessionEventsProcedure:  true,
	usherv1connect.InternetCallManagerSendLineProcedure:       true,
	usherv1connect.InternetCallManagerCustomerTypingProcedure: true,
	usherv1connect.InternetCallManagerDropSessionProcedure:    true,
}

// The answer to a preflight.
const (
	corsMethods = "GET, POST"
	corsHeaders = "Authorization, Connect-Protocol-Version, Connect-Timeout-Ms, Content-Type, X-Grpc-Web, X-User-Agent, X-Usher-File-Name"
	corsExpose  = "Content-Disposition, Grpc-Message, Grpc-Status, Grpc-Status-Details-Bin"
	corsMaxAge  = "600"
)

// serveOrigin answers for pages on other origins: they may read the answers if
// a site lists them. Which site, the call itself will say; a preflight can't.
// It gives the request with its origin, or nil if it is answered.
func (s *Server) serveOrigin(w http.ResponseWriter, r *http.Request) *http.Request {
	w.Header().Add("Vary", "Origin")
	from := readOrigin(r)
	listed := from.own || from.name != "" && s.customers != nil && s.customers.OriginListed(from.name)
	if listed && !from.own {
		w.Header().Set("Access-Control-Allow-Origin", from.name)
		w.Header().Set("Access-Control-Expose-Headers", corsExpose)
	}
	switch {
	case from.name != "" && !listed:
		s.refuseHTTP(w, r, refuseOrigin(from))
		return nil
	case r.Method == http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Methods", corsMethods)
		w.Header().Set("Access-Control-Allow-Headers", corsHeaders)
		w.Header().Set("Access-Control-Max-Age", corsMaxAge)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return r.WithContext(context.WithValue(r.Context(), originKey{}, from))
}
