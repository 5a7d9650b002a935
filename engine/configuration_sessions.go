package engine

import (
	"fmt"
	"strconv"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The kinds of objects of customers' sessions and of the windows of people
// (telephony.md, "Internet sessions").

// Limits of these objects.
const (
	maxLabelBytes        = 256
	maxDataOfRequestType = 64
	maxOrigins           = 100
	maxOriginBytes       = 300 // a host name has 253 characters
	maxRequestTypes      = 100
	maxSessionsPerMinute = 1_000
)

// sessionKinds are the kinds of sessions and windows, in the order of a
// difference.
var sessionKinds = []kind{
	&kindOf[*usherv1.RequestType]{
		name: "request_type", idField: "name", id: (*usherv1.RequestType).GetName,
		table:   func(c *configuration) map[string]*usherv1.RequestType { return c.requestTypes },
		list:    func(c *usherv1.Configuration) *[]*usherv1.RequestType { return &c.RequestTypes },
		unknown: errUnknownObject,
		fault:   requestTypeFault,
		references: func(t *usherv1.RequestType) []reference {
			refs := refer(nil, "media_type", "media_type", t.GetMediaType())
			refs = referOne(refs, "queue", "queue", t.GetQueue())
			return referOne(refs, "vdn", "vdn", t.GetVdn())
		},
	},
	&kindOf[*usherv1.Site]{
		name: "site", idField: "name", id: (*usherv1.Site).GetName,
		table:   func(c *configuration) map[string]*usherv1.Site { return c.sites },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Site { return &c.Sites },
		unknown: errUnknownObject,
		fault:   siteFault,
		references: func(s *usherv1.Site) []reference {
			return refer(nil, "request_types", "request_type", s.GetRequestTypes()...)
		},
	},
	&kindOf[*usherv1.Reason]{
		name: "reason", idField: "name", id: (*usherv1.Reason).GetName,
		table:   func(c *configuration) map[string]*usherv1.Reason { return c.reasons },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Reason { return &c.Reasons },
		unknown: errUnknownObject,
		fault:   reasonFault,
	},
}

// labelFault is what is wrong with a text that people read.
func labelFault(label string) string {
	if n := len(label); n > maxLabelBytes {
		return fmt.Sprintf("has %d bytes, more than %d", n, maxLabelBytes)
	}
	return ""
}

func requestTypeFault(t *usherv1.RequestType) (field, what string) {
	if what := labelFault(t.GetLabel()); what != "" {
		return "label", what
	}
	switch why := checkID("it", t.GetInteractionSubtype()); {
	case why != nil:
		return "interaction_subtype", "is unfit: " + why.Description
	case t.GetMediaType() == "":
		return "media_type", "is missing"
	case t.GetQueue() == "" && t.GetVdn() == "":
		return "queue", "is missing, and so is vdn"
	case t.GetQueue() != "" && t.GetVdn() != "":
		return "queue", "is given, and so is vdn"
	case len(t.GetUserData()) > maxDataOfRequestType:
		return "user_data", fmt.Sprintf("has %d keys, more than %d", len(t.GetUserData()), maxDataOfRequestType)
	}
	for _, key := range sortedKeys(t.GetUserData()) {
		switch {
		case key == "" || len(key) > maxNameChars:
			return "user_data", fmt.Sprintf("%.128q has %d bytes, not 1 to %d", key, len(key), maxNameChars)
		case len(t.GetUserData()[key]) > maxTextBytes:
			return "user_data", fmt.Sprintf("of %q has %d bytes, more than %d", key, len(t.GetUserData()[key]), maxTextBytes)
		}
	}
	return "", ""
}

func siteFault(s *usherv1.Site) (field, what string) {
	if what := labelFault(s.GetTitle()); what != "" {
		return "title", what
	}
	switch {
	case len(s.GetRequestTypes()) == 0:
		return "request_types", "are missing"
	case len(s.GetRequestTypes()) > maxRequestTypes:
		return "request_types", fmt.Sprintf("are %d, more than %d", len(s.GetRequestTypes()), maxRequestTypes)
	case len(s.GetOrigins()) > maxOrigins:
		return "origins", fmt.Sprintf("are %d, more than %d", len(s.GetOrigins()), maxOrigins)
	}
	seen := map[string]bool{}
	for n, origin := range s.GetOrigins() {
		if what := originFault(origin); what != "" {
			return "origins", fmt.Sprintf("[%d]: %.64q %s", n, origin, what)
		}
		if seen[origin] {
			return "origins", fmt.Sprintf("[%d]: %q is given twice", n, origin)
		}
		seen[origin] = true
	}
	return "", ""
}

// originFault is what is wrong with an origin: it must be written as browsers
// write it into the header Origin, since it is compared with that.
func originFault(origin string) string {
	scheme, rest, found := strings.Cut(origin, "://")
	defaultPort := map[string]string{"http": "80", "https": "443"}[scheme]
	switch {
	case len(origin) > maxOriginBytes:
		return fmt.Sprintf("has %d bytes, more than %d", len(origin), maxOriginBytes)
	case !found || defaultPort == "":
		return "does not begin with https:// or http://, in lower case"
	case strings.ContainsAny(rest, "/?#"):
		return "has a path; an origin ends with its host or port"
	case strings.Contains(rest, "*"):
		return "has a wildcard; name each origin"
	}
	host, port, hasPort := strings.Cut(rest, ":")
	if strings.HasPrefix(rest, "[") { // an IPv6 address
		var after string
		host, after, _ = strings.Cut(rest[1:], "]")
		port, hasPort = strings.CutPrefix(after, ":")
		if strings.Trim(host, "0123456789abcdef:") != "" || host == "" || after != "" && !hasPort {
			return "has no address in [ ]"
		}
	} else if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" || host == "" {
		return "has a host that is no name in lower case"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	switch {
	case hasPort && (err != nil || strconv.FormatUint(number, 10) != port || number == 0):
		return "has a port that is no number from 1 to 65535"
	case port == defaultPort:
		return fmt.Sprintf("names the port %s, which browsers leave out of an origin with %s", port, scheme)
	}
	return ""
}

func reasonFault(r *usherv1.Reason) (field, what string) {
	switch {
	case r.GetKind() == usherv1.ReasonKind_REASON_KIND_UNSPECIFIED:
		return "kind", "is missing"
	case r.GetCode() != 0 && r.GetKind() != usherv1.ReasonKind_REASON_KIND_AUX:
		return "code", "is for AUX only"
	}
	return "label", labelFault(r.GetLabel())
}

// checkOnline refuses request types whose customers wait in their browsers for
// what is never online.
func (c *configuration) checkOnline() refusal {
	for _, name := range sortedKeys(c.requestTypes) {
		if t := c.requestTypes[name]; c.mediaTypes[t.GetMediaType()].GetOffline() && !t.GetCallback() {
			return refuse(errInvalidArgument, "request_type %q: media_type %q is never online, and only a callback needs not be", name, t.GetMediaType())
		}
	}
	return nil
}
