package engine

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// shop is an office whose customers come through a web site.
func shop() *usherv1.Configuration {
	c := routedOffice()
	c.RequestTypes = []*usherv1.RequestType{
		{Name: "sales", MediaType: "chat", Queue: "in"},
		{Name: "billing", MediaType: "chat", Vdn: "11"},
		{Name: "call-me", MediaType: "mail", Queue: "special", Callback: true},
	}
	c.Sites = []*usherv1.Site{{Name: "shop", Origins: []string{"https://shop.example.com"}, RequestTypes: []string{"billing", "sales"}}}
	c.Reasons = []*usherv1.Reason{{Name: "lunch", Kind: usherv1.ReasonKind_REASON_KIND_AUX, Code: 1}}
	for _, m := range c.MediaTypes {
		m.Offline = m.Name == "mail"
	}
	return c
}

// TestSessionReferences: what a request type or a site names can't be removed.
func TestSessionReferences(t *testing.T) {
	b := newBureau(t, shop())
	for _, test := range []struct{ kind, name, says string }{
		{"request_type", "sales", `request_type "sales" is in use: request_types of site "shop" has it`},
		{"queue", "in", `queue "in" is in use: queue of request_type "sales" has it`},
		{"vdn", "11", `vdn "11" is in use: vdn of request_type "billing" has it`},
	} {
		if out := b.apply(removing(test.kind, test.name)); out.Err.GetCode() != errInUse || out.Err.Description != test.says {
			t.Errorf("%s %s: %v", test.kind, test.name, out.Err)
		}
	}
	b.mustApply(removing("site", "shop", "request_type", "sales", "request_type", "call-me", "reason", "lunch"))
	c, _ := b.e.Configuration()
	if len(c.Sites) != 0 || len(c.RequestTypes) != 1 || len(c.Reasons) != 0 {
		t.Errorf("left: %v, %v, %v", c.Sites, c.RequestTypes, c.Reasons)
	}
}

func TestSessionFaults(t *testing.T) {
	type c = usherv1.Configuration
	asked := func(r *usherv1.RequestType) *c { return &c{RequestTypes: []*usherv1.RequestType{r}} }
	site := func(s *usherv1.Site) *c {
		if s.RequestTypes == nil {
			s.RequestTypes = []string{"sales"}
		}
		return &c{Sites: []*usherv1.Site{s}}
	}
	reason := func(r *usherv1.Reason) *c { return &c{Reasons: []*usherv1.Reason{r}} }
	long, invalid := strings.Repeat("x", 257), errInvalidArgument
	aux := usherv1.ReasonKind_REASON_KIND_AUX
	b := newBureau(t, shop())
	for _, test := range []struct {
		given *c
		code  usherv1.ErrorCode
		says  string
	}{
		{asked(&usherv1.RequestType{Name: "x", Queue: "in"}), invalid, `request_type "x": media_type is missing`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "chat"}), invalid, `request_type "x": queue is missing, and so is vdn`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "chat", Queue: "in", Vdn: "11"}), invalid, `request_type "x": queue is given, and so is vdn`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "fax", Queue: "in"}), errUnknownMediaType, `request_type "x": media_type: there is no media_type "fax"`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "chat", Queue: "none"}), errUnknownQueue, `request_type "x": queue: there is no queue "none"`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "chat", Vdn: "99"}), errUnknownObject, `request_type "x": vdn: there is no vdn "99"`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "chat", Queue: "in", Label: long}), invalid, `request_type "x": label has 257 bytes`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "chat", Queue: "in", InteractionSubtype: long}), invalid, `request_type "x": interaction_subtype is unfit`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "chat", Queue: "in", UserData: map[string]string{"": "v"}}), invalid, `request_type "x": user_data "" has 0 bytes`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "chat", Queue: "in", UserData: map[string]string{"k": strings.Repeat("v", 1025)}}), invalid, `request_type "x": user_data of "k" has 1025 bytes`},
		{asked(&usherv1.RequestType{Name: "x", MediaType: "mail", Queue: "in"}), invalid, `request_type "x": media_type "mail" is never online`},
		{&c{MediaTypes: []*usherv1.MediaType{{Name: "chat", Offline: true}}}, invalid, `request_type "billing": media_type "chat" is never online`},

		{site(&usherv1.Site{Name: "x", RequestTypes: []string{}}), invalid, `site "x": request_types are missing`},
		{site(&usherv1.Site{Name: "x", RequestTypes: []string{"none"}}), errUnknownObject, `site "x": request_types: there is no request_type "none"`},
		{site(&usherv1.Site{Name: "x", RequestTypes: []string{"sales", "sales"}}), invalid, `site "x": request_types has "sales" twice`},
		{site(&usherv1.Site{Name: "x", Title: long}), invalid, `site "x": title has 257 bytes`},
		{site(&usherv1.Site{Name: "x", Greeting: strings.Repeat(long, 4)}), invalid, `site "x": greeting has 1028 bytes`},
		{site(&usherv1.Site{Name: "x", Origins: make([]string, 101)}), invalid, `site "x": origins are 101`},
		{site(&usherv1.Site{Name: "x", Origins: []string{"https://a.example", "https://a.example"}}), invalid, `site "x": origins [1]: "https://a.example" is given twice`},
		{site(&usherv1.Site{Name: "x", Origins: []string{"https://a.example/"}}), invalid, `site "x": origins [0]: "https://a.example/" has a path`},

		{reason(&usherv1.Reason{Name: "x"}), invalid, `reason "x": kind is missing`},
		{reason(&usherv1.Reason{Name: "x", Kind: 77}), invalid, `reason "x": kind: 77 is none of its values`},
		{reason(&usherv1.Reason{Name: "x", Kind: aux, Label: long}), invalid, `reason "x": label has 257 bytes`},
		{reason(&usherv1.Reason{Name: "x", Kind: aux + 1, Code: 3}), invalid, `reason "x": code is for AUX only`},
	} {
		if out := b.apply(giving(test.given)); out.Err.GetCode() != test.code || !strings.Contains(out.Err.GetDescription(), test.says) {
			t.Errorf("got %v, want %s", out.Err, test.says)
		}
	}
	// What is no fault.
	data := map[string]string{"from": "shop", "empty": ""}
	for _, good := range []*c{
		asked(&usherv1.RequestType{Name: "x", MediaType: "mail", Queue: "in", Callback: true}),
		asked(&usherv1.RequestType{Name: "x", MediaType: "chat", Vdn: "12", Label: long[1:], InteractionSubtype: "InboundNew", UserData: data}),
		site(&usherv1.Site{Name: "x", Title: long[1:], Anonymous: true}),
		reason(&usherv1.Reason{Name: "x", Kind: aux, Code: 99}),
	} {
		b.mustApply(giving(good))
	}
}

// TestOrigins: an origin stands as browsers write it, and no other way.
func TestOrigins(t *testing.T) {
	for _, good := range []string{
		"https://shop.example.com", "http://localhost:8080", "http://127.0.0.1:1", "https://[2001:db8::1]", "http://[::1]:65535", "https://xn--bcher-kva.example",
	} {
		if what := originFault(good); what != "" {
			t.Errorf("%s %s", good, what)
		}
	}
	for bad, says := range map[string]string{
		"":                                    "https://",
		"shop.example.com":                    "https://",
		"ftp://shop.example.com":              "https://",
		"HTTPS://shop.example.com":            "lower case",
		"https://Shop.example.com":            "lower case",
		"https://":                            "host",
		"https://shop.example.com/":           "path",
		"https://shop.example.com/chat":       "path",
		"https://shop.example.com?x":          "path",
		"https://*.example.com":               "wildcard",
		"https://user@shop.example.com":       "host",
		"https://shop.example.com:443":        "leave out",
		"http://shop.example.com:80":          "leave out",
		"https://shop.example.com:":           "port",
		"https://shop.example.com:0":          "port",
		"https://shop.example.com:0443":       "port",
		"https://shop.example.com:65536":      "port",
		"https://a:1:2":                       "port",
		"https://[]":                          "address",
		"https://[::1]x":                      "address",
		"https://[shop]":                      "address",
		"https://[::1]:x":                     "port",
		"null":                                "https://",
		"https://" + strings.Repeat("a", 300): "bytes",
	} {
		if what := originFault(bad); !strings.Contains(what, says) {
			t.Errorf("%q: %q does not say %q", bad, what, says)
		}
	}
}

// TestSessionKinds: what is applied is in the configuration, and in that which
// is loaded.
func TestSessionKinds(t *testing.T) {
	b := newBureau(t, shop())
	c, version := b.e.Configuration()
	if len(c.RequestTypes) != 3 || c.RequestTypes[0].Name != "billing" || len(c.Sites) != 1 || len(c.Reasons) != 1 {
		t.Fatalf("%v", c)
	}
	if loaded := loadConfiguration(proto.CloneOf(c), version).export(); !proto.Equal(loaded, c) {
		t.Errorf("loaded and exported: %v", loaded)
	}
	changed := proto.CloneOf(c.Sites[0])
	changed.Anonymous = true
	if got, want := lines(b.mustApply(giving(&usherv1.Configuration{Sites: []*usherv1.Site{changed}})).Changes), "changed site shop: anonymous: false -> true\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
