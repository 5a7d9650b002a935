package scenario

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/usher-cc/usher/scenarios"
)

var rewrite = flag.Bool("format", false, "write the scenarios in canonical form")

// TestCanonical holds that every scenario is written as Format writes it.
func TestCanonical(t *testing.T) {
	all, err := Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		want := Format(s)
		text, err := fs.ReadFile(scenarios.Files, s.Name+".seq")
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != want && *rewrite {
			if err := os.WriteFile(filepath.Join("..", "..", "scenarios", s.Name+".seq"), []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if string(text) != want {
			t.Errorf("%s.seq is not in canonical form; run go test ./sim/scenario -run Canonical -format", s.Name)
		}
		again, err := Parse(s.File, strings.NewReader(want))
		if err != nil {
			t.Fatalf("the canonical form does not parse: %v", err)
		}
		if Format(again) != want {
			t.Errorf("%s: parsed again it is another scenario", s.Name)
		}
	}
}

// TestFixture holds that the fixture is a configuration, and that every
// phase's options fit it.
func TestFixture(t *testing.T) {
	all, err := Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for _, p := range s.Phases {
			c, err := p.Configuration(scenarios.Fixture)
			if err != nil {
				t.Fatal(err)
			}
			if s.Tenant != "" {
				continue
			}
			if len(c.GetAgents()) != 4 || len(c.GetQueues()) != 5 || proto.Size(c.GetOptions()) == 0 != (len(p.Options) == 0) {
				t.Errorf("%s: phase %s: the configuration is %v", p.Position(), p.Name, c)
			}
		}
	}
}

// eachPhase runs a test for every golden phase.
func eachPhase(t *testing.T, test func(*testing.T, *Phase)) {
	all, err := Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for _, p := range s.Phases {
			t.Run(s.Name+"/"+p.Name, func(t *testing.T) { test(t, p) })
		}
	}
}

// TestPlayable holds that every phase can be played to its end by a server
// that does what it says: requests can be built, names are bound before they
// are used, and no expectation contradicts itself.
func TestPlayable(t *testing.T) {
	eachPhase(t, func(t *testing.T, p *Phase) {
		var lines []Line
		if err := Play(t.Context(), newEcho(t, p), p, func(l Line) { lines = append(lines, l) }); err != nil {
			t.Fatal(err)
		}
		if n := len(lines); n > 0 && (lines[n-1].Seq != n || lines[0].Scenario != p.Scenario || lines[0].Phase != p.Name) {
			t.Errorf("the lines are not counted from 1: %v", lines)
		}
	})
}

// TestEveryMessageOccurs holds that no message of the protocols is without a
// scenario, but for those that belong to streams and are not recorded.
func TestEveryMessageOccurs(t *testing.T) {
	seen := map[string]bool{}
	eachPhase(t, func(_ *testing.T, p *Phase) {
		for _, s := range p.Steps {
			switch s := s.(type) {
			case *Request:
				seen[s.Name] = true
			case *Expect:
				seen[s.Name] = true
			}
		}
	})
	ofStreams := []string{"EventHeartbeat", "EventCursorExpired", "EventPresentState", "EventTyping"}
	for _, name := range slices.Concat(requestNames, eventNames) {
		if !seen[name] && !slices.Contains(ofStreams, name) {
			t.Errorf("no scenario holds %s", name)
		}
	}
}

// published are the messages that the published tables name for a phase, with
// the tables of consecutive phases taken together (models.md, marks P).
var published = []struct{ scenario, phase, messages string }{
	{"registration", "media-server", "EventAck/im"},
	{"registration", "wrong-client-type", "EventError/im"},
	{"registration", "request-before-registering", "EventError/im"},
	{"agent-login", "login", "EventAck/im EventAgentLogin/rpt EventCurrentAgentStatus/im"},
	{"agent-login", "logout", "EventAgentLogout/rpt EventAck/im"},
	{"connection-loss", "grace-ends", "EventAgentLogout/rpt"},
	{"submit", "into-queue", "EventAck/im EventInteractionSubmitted/rpt"},
	{"submit", "duplicate-interaction", "EventError/im"},
	{"agent-submit", "submitted", "EventAck/im EventInteractionSubmitted/rpt EventPartyAdded/rpt"},
	{"route-to-agent", "accepted", "EventAgentInvited/rpt EventInvite/im EventPartyRemoved/rpt EventRouteUsed/tlib EventPartyAdded/rpt"},
	{"route-to-agent", "rejected", "EventAgentInvited/rpt EventInvite/im EventPartyRemoved/rpt EventRouteUsed/tlib EventAck/im EventRejected/rpt"},
	{"route-to-agent", "not-answered", "EventAgentInvited/rpt EventInvite/im EventPartyRemoved/rpt EventRouteUsed/tlib EventRevoked/im"},
	{"pull", "from-queue", "EventPulledInteractions/im EventTakenFromQueue/rpt EventPartyAdded/rpt"},
	{"pull", "from-workbin", "EventPulledInteractions/im EventTakenFromQueue/rpt EventTakenFromWorkbin/rpt EventWorkbinContentChanged/im EventPartyAdded/rpt"},
	{"pull", "handling-timeout", "EventRevoked/im EventPartyRemoved/rpt"},
	{"place-in-queue", "by-the-agent", "EventAck/im EventPartyRemoved/rpt EventPlacedInQueue/rpt"},
	{"place-in-queue", "by-the-router", "EventRouteUsed/tlib EventPartyRemoved/rpt EventPlacedInQueue/rpt"},
	{"place-in-workbin", "of-the-agent", "EventAck/im EventPartyRemoved/rpt EventPlacedInQueue/rpt EventPlacedInWorkbin/rpt EventWorkbinContentChanged/im"},
	{"workbin-operations", "content", "EventWorkbinContent/im"},
	{"workbin-operations", "subscribe", "EventAck/im EventWorkbinContentChanged/im"},
	{"transfer", "accepted", "EventAgentInvited/rpt EventInvite/im EventAck/im EventPartyAdded/rpt EventPartyRemoved/rpt"},
	{"transfer", "rejected", "EventAgentInvited/rpt EventInvite/im EventAck/im EventError/im EventRejected/rpt"},
	{"transfer", "not-answered", "EventAgentInvited/rpt EventInvite/im EventError/im EventRevoked/im"},
	{"transfer", "invalid", "EventError/im"},
	{"conference", "accepted", "EventAgentInvited/rpt EventInvite/im EventAck/im EventPartyAdded/rpt EventPartyAdded/im"},
	{"conference", "rejected", "EventAgentInvited/rpt EventInvite/im EventAck/im EventRejected/rpt EventError/im"},
	{"conference", "not-answered", "EventAgentInvited/rpt EventInvite/im EventRevoked/im EventError/im"},
	{"conference", "invalid", "EventError/im"},
	{"conference", "leave", "EventAck/im EventPartyRemoved/rpt EventPartyRemoved/im"},
	{"conference", "leave-last-to-queue", "EventAck/im EventPartyRemoved/rpt EventPlacedInQueue/rpt"},
	{"conference", "leave-last-to-workbin", "EventAck/im EventPartyRemoved/rpt EventPlacedInQueue/rpt EventPlacedInWorkbin/rpt"},
	{"conference", "fail-to-leave", "EventError/im"},
	{"change-properties", "by-media-while-an-agent-holds-it", "EventAck/im EventPropertiesChanged/im EventPropertiesChanged/rpt"},
	{"change-properties", "by-media-while-the-router-holds-it", "EventAck/im EventAttachedDataChanged/tlib"},
	{"change-properties", "by-the-router", "EventAttachedDataChanged/tlib EventPropertiesChanged/im"},
	{"change-properties", "invalid", "EventError/im"},
	{"stop-processing", "a", "EventAck/im EventPartyRemoved/rpt EventProcessingStopped/rpt EventRevoked/im"},
	{"stop-processing", "b", "EventAck/im EventPartyRemoved/rpt EventProcessingStopped/rpt EventAbandoned/tlib"},
	{"stop-processing", "c", "EventAck/im EventPartyRemoved/rpt EventProcessingStopped/rpt EventRevoked/im"},
	{"stop-processing", "d", "EventPartyRemoved/rpt EventProcessingStopped/rpt EventRouteUsed/tlib"},
	{"stop-processing", "unsuccessful", "EventError/im"},
	{"external-service", "responded", "Request3rdServer/esp EventExternalServiceRequested/rpt EventPrivateInfo/tlib EventExternalServiceResponded/rpt"},
	{"external-service", "fault", "Request3rdServer/esp EventExternalServiceRequested/rpt EventPrivateInfo/tlib EventExternalServiceResponded/rpt"},
	{"external-service", "autoresponse", "EventExternalServiceRequested/rpt EventAck/im EventInteractionSubmitted/rpt EventExternalServiceResponded/rpt"},
	{"vectors", "route-to-queue", "EventRouteUsed/tlib EventPartyRemoved/rpt EventPlacedInQueue/rpt"},
	{"vectors", "route-to-workbin", "EventRouteUsed/tlib EventPartyRemoved/rpt EventPlacedInQueue/rpt EventPlacedInWorkbin/rpt EventWorkbinContentChanged/im"},
	{"vectors", "busy", "EventRouteUsed/tlib EventPartyRemoved/rpt EventProcessingStopped/rpt"},
}

// TestPublished holds that every published phase stands in a golden one with
// all of its messages.
func TestPublished(t *testing.T) {
	all, err := Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	phases := map[string]*Phase{}
	for _, s := range all {
		for _, p := range s.Phases {
			phases[s.Name+"/"+p.Name] = p
		}
	}
	for _, want := range published {
		p := phases[want.scenario+"/"+want.phase]
		if p == nil {
			t.Errorf("there is no phase %s of %s", want.phase, want.scenario)
			continue
		}
		var sent []string
		for _, s := range p.Steps {
			if e, ok := s.(*Expect); ok {
				sent = append(sent, e.Name+"/"+e.Protocol)
			}
		}
		for m := range strings.FieldsSeq(want.messages) {
			if !slices.Contains(sent, m) {
				t.Errorf("%s: phase %s lacks %s", p.Position(), p.Name, m)
			}
		}
	}
}
