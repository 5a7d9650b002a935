package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// office is a configuration with something of every kind.
func office() *usherv1.Configuration {
	return &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 3}, {Name: "mail", Offline: true}},
		Places:      []*usherv1.Place{{Name: "desk1"}, {Name: "desk2"}, {Name: "desk3"}},
		PlaceGroups: []*usherv1.PlaceGroup{{Name: "north", Places: []string{"desk1", "desk2"}}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "sales"}, {Name: "support"}},
		Agents: []*usherv1.Agent{
			{AgentId: "anna", Name: "Anna", AgentGroups: []string{"support"}, Capacity: map[string]int32{"chat": 2, "mail": 0}, PasswordHash: "hash-of-anna"},
			{AgentId: "ben"},
			{AgentId: "sue", Supervisor: true},
		},
		Queues: []*usherv1.Queue{
			{Name: "in"},
			{Name: "idle", Strategy: LongestIdle, AgentGroup: "sales"},
			{Name: "special", Strategy: "vip"},
		},
		Workbins: []*usherv1.WorkbinType{
			{Name: "drafts", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT},
			{Name: "team", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT_GROUP},
			{Name: "tray", OwnerKind: usherv1.OwnerKind_OWNER_KIND_PLACE},
			{Name: "shelf", OwnerKind: usherv1.OwnerKind_OWNER_KIND_PLACE_GROUP},
		},
	}
}

// bureau is an engine and its replica, which knows only the entries.
type bureau struct {
	t       testing.TB
	e       *Engine
	replica *Engine
	next    Sequence
}

func newBureau(t testing.TB, c *usherv1.Configuration) *bureau {
	t.Helper()
	b := &bureau{t: t, e: New("acme"), replica: New("acme"), next: 1}
	b.mustApply(&usherv1.ApplyConfigurationRequest{Configuration: c})
	return b
}

// apply hands a request to the engine and checks what holds for every one.
func (b *bureau) apply(r *usherv1.ApplyConfigurationRequest) Output {
	b.t.Helper()
	before, version := b.e.Configuration()
	asked := proto.CloneOf(r)
	out := b.e.Handle(Input{Now: Millis(b.next) * 1000, Next: b.next, From: Server, Request: Apply{r}})
	if !proto.Equal(asked, r) {
		b.t.Errorf("the request was changed: %v, was %v", r, asked)
	}
	after, newVersion := b.e.Configuration()
	if changed := !proto.Equal(before, after); changed != (version != newVersion) || changed != (len(out.Entries) > 0) {
		b.t.Errorf("changed %v, version %d -> %d, entries %v", changed, version, newVersion, out.Entries)
	}
	b.follow(out.Entries)
	return out
}

func (b *bureau) mustApply(r *usherv1.ApplyConfigurationRequest) *usherv1.ApplyConfigurationResponse {
	b.t.Helper()
	out := b.apply(r)
	if out.Err != nil {
		b.t.Fatalf("refused: %v", out.Err)
	}
	return out.Changes
}

func (b *bureau) follow(entries []Entry) {
	b.t.Helper()
	for _, entry := range entries {
		b.replica.Fold(b.next, &entry)
		b.next++
	}
	c, version := b.e.Configuration()
	replica, replicaVersion := b.replica.Configuration()
	if !proto.Equal(c, replica) || version != replicaVersion {
		b.t.Errorf("the replica differs:\n%d %v\n%d %v", replicaVersion, replica, version, c)
	}
}

// happen records what a model would.
func (b *bureau) happen(what func(e *Engine)) {
	b.t.Helper()
	b.e.begin(Millis(b.next)*1000, b.next, Server)
	what(b.e)
	b.follow(b.e.output().Entries)
}

func (b *bureau) login(id, place string, media ...string) {
	b.t.Helper()
	m := &usherv1.EventAgentLogin{AgentId: id, Place: place}
	for _, name := range media {
		m.Media = append(m.Media, &usherv1.MediaStatus{MediaType: name, Ready: true})
	}
	b.happen(func(e *Engine) {
		e.report(&usherv1.Event{Message: &usherv1.Event_EventAgentLogin{EventAgentLogin: m}})
	})
}

// submit brings an interaction to the place that put puts it in.
func (b *bureau) submit(id, media string, put func(e *Engine, i *Interaction)) {
	b.t.Helper()
	b.happen(func(e *Engine) {
		put(e, e.becomeSubmitted(&usherv1.InteractionProperties{InteractionId: id, MediaType: media, State: stateQueued}, nil))
		e.settle()
	})
}

func intoQueue(name QueueName) func(*Engine, *Interaction) {
	return func(e *Engine, i *Interaction) { e.becomeQueued(i, name, opSubmit, "") }
}

func intoWorkbin(name, owner string) func(*Engine, *Interaction) {
	return func(e *Engine, i *Interaction) {
		e.becomeInWorkbin(i, &usherv1.Workbin{Name: name, Owner: owner}, opPlace, "")
	}
}

// thenTo takes it from where it was put to an agent.
func thenTo(agent AgentID, put func(*Engine, *Interaction)) func(*Engine, *Interaction) {
	return func(e *Engine, i *Interaction) {
		put(e, i)
		e.leavePlace(i, opPull, "")
		e.becomeHandling(i, e.agents[agent], opPull, usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE, 0, "")
	}
}

func giving(c *usherv1.Configuration) *usherv1.ApplyConfigurationRequest {
	return &usherv1.ApplyConfigurationRequest{Configuration: c}
}

func removing(kindsAndNames ...string) *usherv1.ApplyConfigurationRequest {
	r := &usherv1.ApplyConfigurationRequest{}
	for o := range slices.Chunk(kindsAndNames, 2) {
		r.Remove = append(r.Remove, &usherv1.ObjectName{Kind: o[0], Name: o[1]})
	}
	return r
}

// lines are the changes, one in a line.
func lines(changes []*usherv1.Change) string {
	var text strings.Builder
	for _, ch := range changes {
		kind := strings.ToLower(strings.TrimPrefix(ch.Kind.String(), "CHANGE_KIND_"))
		what := strings.TrimSpace(kind + " " + ch.Object.Kind + " " + ch.Object.Name)
		fmt.Fprintln(&text, strings.TrimSpace(what+": "+strings.Join(ch.Fields, "; ")))
	}
	return text.String()
}

func options(o *usherv1.Options) *usherv1.ApplyConfigurationRequest {
	return giving(&usherv1.Configuration{Options: o})
}

func agentsGiven(agents ...*usherv1.Agent) *usherv1.ApplyConfigurationRequest {
	return giving(&usherv1.Configuration{Agents: agents})
}

func placeNamed(name string) *usherv1.ApplyConfigurationRequest {
	return giving(&usherv1.Configuration{Places: []*usherv1.Place{{Name: name}}})
}

func TestApplyRefuses(t *testing.T) {
	type configured = usherv1.Configuration
	both := removing("place", "desk3")
	both.Configuration = &configured{Places: []*usherv1.Place{{Name: "desk3"}}}
	regrouped := removing("agent_group", "sales")
	regrouped.Configuration = &configured{Queues: []*usherv1.Queue{{Name: "new", AgentGroup: "sales"}}}
	strict := options(&usherv1.Options{})
	strict.ExpectedVersion = 7
	bare := giving(&configured{AgentGroups: []*usherv1.AgentGroup{{Name: "sales"}}, Agents: []*usherv1.Agent{{AgentId: "anna", AgentGroups: []string{"support"}}}})
	bare.ReplaceAll = true

	const invalid = errInvalidArgument
	tests := []struct {
		request *usherv1.ApplyConfigurationRequest
		code    usherv1.ErrorCode
		says    string
	}{
		{strict, errVersionMismatch, "has version 1, not 7"},

		{placeNamed(""), invalid, `place "": name is missing`},
		{placeNamed(strings.Repeat("x", 129)), invalid, "name has more than 128 characters"},
		{placeNamed("__BACK__"), invalid, `place "__BACK__": name begins with "__"`},
		{placeNamed("room 1"), invalid, `place "room 1": name has ' '`},
		{placeNamed("a\x00"), invalid, `name has '\x00'`},
		{placeNamed("Zoë"), invalid, `name has 'ë'`},
		{placeNamed("\xff"), invalid, "name has"},
		{agentsGiven(&usherv1.Agent{Name: "Nobody"}), invalid, `agent "": agent_id is missing`},
		{giving(&configured{Places: []*usherv1.Place{{Name: "a"}, {Name: "b"}, {Name: "a"}}}), invalid, `place "a": name is given twice`},

		{agentsGiven(&usherv1.Agent{AgentId: "x", AgentGroups: []string{"none"}}), errUnknownObject, `agent "x": agent_groups: there is no agent_group "none"`},
		{agentsGiven(&usherv1.Agent{AgentId: "x", AgentGroups: []string{"sales", "sales"}}), invalid, `agent "x": agent_groups has "sales" twice`},
		{agentsGiven(&usherv1.Agent{AgentId: "x", Capacity: map[string]int32{"fax": 1}}), errUnknownMediaType, `agent "x": capacity: there is no media_type "fax"`},
		{agentsGiven(&usherv1.Agent{AgentId: "x", Capacity: map[string]int32{"chat": -1}}), invalid, `agent "x": capacity -1 for "chat" is not between 0 and 1000`},
		{agentsGiven(&usherv1.Agent{AgentId: "x", Capacity: map[string]int32{"chat": 1001}}), invalid, `agent "x": capacity 1001 for "chat" is not between`},
		{agentsGiven(&usherv1.Agent{AgentId: "x", Name: strings.Repeat("n", 1025)}), invalid, `agent "x": name has 1025 bytes`},
		{agentsGiven(&usherv1.Agent{AgentId: "x", Password: "clear"}), invalid, `agent "x": password has not been replaced by its hash`},
		{giving(&configured{PlaceGroups: []*usherv1.PlaceGroup{{Name: "g", Places: []string{"desk1", "roof"}}}}), errUnknownPlace, `place_group "g": places: there is no place "roof"`},
		{giving(&configured{PlaceGroups: []*usherv1.PlaceGroup{{Name: "g", Places: []string{"desk1", "desk1"}}}}), invalid, `place_group "g": places has "desk1" twice`},
		{giving(&configured{Queues: []*usherv1.Queue{{Name: "q", Strategy: LongestIdle}}}), invalid, `queue "q": agent_group is missing`},
		{giving(&configured{Queues: []*usherv1.Queue{{Name: "q", Strategy: LongestIdle, AgentGroup: "none"}}}), errUnknownObject, `queue "q": agent_group: there is no agent_group "none"`},
		{giving(&configured{Queues: []*usherv1.Queue{{Name: "q", Strategy: "vip", AgentGroup: "none"}}}), errUnknownObject, `queue "q": agent_group: there is no agent_group "none"`},
		{giving(&configured{Queues: []*usherv1.Queue{{Name: "q", Strategy: strings.Repeat("s", 257)}}}), invalid, `queue "q": strategy has 257 bytes`},
		{giving(&configured{Workbins: []*usherv1.WorkbinType{{Name: "w"}}}), invalid, `workbin "w": owner_kind is missing`},
		{giving(&configured{Workbins: []*usherv1.WorkbinType{{Name: "w", OwnerKind: 9}}}), invalid, `workbin "w": owner_kind: 9 is none of its values`},
		{giving(&configured{MediaTypes: []*usherv1.MediaType{{Name: "m", DefaultCapacity: 1001}}}), invalid, `media_type "m": default_capacity: 1001 is not between 0 and 1000`},
		{giving(&configured{MediaTypes: []*usherv1.MediaType{{Name: "m", DefaultCapacity: -1}}}), invalid, `media_type "m": default_capacity: -1`},
		{giving(&configured{MediaTypes: []*usherv1.MediaType{{Name: "m", RoutingTimeoutMs: 1_199_999}}}), invalid, `media_type "m": routing_timeout_ms: 1199999 is not between 1200000 and 31536000000`},
		{options(&usherv1.Options{AllowMultipleAgentConnections: 4}), invalid, "options: allow_multiple_agent_connections: 4 is none of its values"},

		{removing("plaice", "x"), invalid, `remove: "plaice": kind is none of media_type, place, place_group, agent_group, agent, queue, workbin`},
		{removing("options", ""), invalid, "kind is none of"},
		{removing("queue", "none"), errUnknownObject, `remove: there is no queue "none"`},
		{removing("queue", ""), errUnknownObject, `remove: there is no queue ""`},
		{removing("queue", "in", "queue", "in"), invalid, `remove: queue "in" is named twice`},
		{both, invalid, `remove: place "desk3" is given too`},

		{removing("media_type", "chat"), errInUse, `media_type "chat" is in use: capacity of agent "anna" has it`},
		{removing("place", "desk1"), errInUse, `place "desk1" is in use: places of place_group "north" has it`},
		{removing("agent_group", "support"), errInUse, `agent_group "support" is in use: agent_groups of agent "anna" has it`},
		{removing("agent_group", "sales"), errInUse, `agent_group "sales" is in use: agent_group of queue "idle" has it`},
		{regrouped, errInUse, `agent_group "sales" is in use: agent_group of queue "idle" has it`},
		{bare, errInUse, `agent_group "support" is in use: agent_groups of agent "anna" has it`},
	}
	b := newBureau(t, office())
	for _, test := range tests {
		t.Run(test.says, func(t *testing.T) {
			for _, dry := range []bool{false, true} {
				test.request.DryRun = dry
				out := b.apply(test.request)
				if out.Err.GetCode() != test.code || !strings.Contains(out.Err.GetDescription(), test.says) || out.Changes != nil {
					t.Errorf("dry run %v: %v, changes %v; want %v %s", dry, out.Err, out.Changes, test.code, test.says)
				}
			}
		})
	}
}

// TestRanges tries both ends of every range where it stands, and that no
// number stands without one.
func TestRanges(t *testing.T) {
	b := newBureau(t, nil)
	tries := map[string]func(proto.Message) refusal{
		"Options": func(m proto.Message) refusal { return b.apply(options(m.(*usherv1.Options))).Err },
		"MediaType": func(m proto.Message) refusal {
			m.(*usherv1.MediaType).Name = "m"
			return b.apply(giving(&usherv1.Configuration{MediaTypes: []*usherv1.MediaType{m.(*usherv1.MediaType)}})).Err
		},
		"Timeouts": func(m proto.Message) refusal { return checkTimeouts(m.(*usherv1.Timeouts)) },
		"Skill": func(m proto.Message) refusal {
			m.(*usherv1.Skill).Name = "s"
			return b.apply(giving(&usherv1.Configuration{Skills: []*usherv1.Skill{m.(*usherv1.Skill)}})).Err
		},
		"Vdn": func(m proto.Message) refusal {
			m.(*usherv1.Vdn).Name, m.(*usherv1.Vdn).Queue = "1", "q"
			return b.apply(giving(&usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "q"}}, Vdns: []*usherv1.Vdn{m.(*usherv1.Vdn)}})).Err
		},
		"Announcement": func(m proto.Message) refusal {
			m.(*usherv1.Announcement).Name = "a"
			return b.apply(giving(&usherv1.Configuration{Announcements: []*usherv1.Announcement{m.(*usherv1.Announcement)}})).Err
		},
		"ThirdServer": func(m proto.Message) refusal {
			m.(*usherv1.ThirdServer).Name = "t"
			return b.apply(giving(&usherv1.Configuration{ExternalServices: []*usherv1.ThirdServer{m.(*usherv1.ThirdServer)}})).Err
		},
		"Queue": func(m proto.Message) refusal {
			m.(*usherv1.Queue).Name = "q"
			return b.apply(giving(&usherv1.Configuration{Queues: []*usherv1.Queue{m.(*usherv1.Queue)}})).Err
		},
		"RequestType": func(m proto.Message) refusal {
			asked := m.(*usherv1.RequestType)
			asked.Name, asked.MediaType, asked.Queue = "r", "m", "q"
			return b.apply(giving(&usherv1.Configuration{
				Queues: []*usherv1.Queue{{Name: "q"}}, MediaTypes: []*usherv1.MediaType{{Name: "m"}}, RequestTypes: []*usherv1.RequestType{asked},
			})).Err
		},
		"Site": func(m proto.Message) refusal {
			m.(*usherv1.Site).Name, m.(*usherv1.Site).RequestTypes = "s", []string{"r"}
			return b.apply(giving(&usherv1.Configuration{Sites: []*usherv1.Site{m.(*usherv1.Site)}})).Err
		},
		"Reason": func(m proto.Message) refusal {
			m.(*usherv1.Reason).Name, m.(*usherv1.Reason).Kind = "r", usherv1.ReasonKind_REASON_KIND_AUX
			return b.apply(giving(&usherv1.Configuration{Reasons: []*usherv1.Reason{m.(*usherv1.Reason)}})).Err
		},
	}
	for _, of := range []proto.Message{
		&usherv1.Options{}, &usherv1.MediaType{}, &usherv1.Timeouts{}, &usherv1.Skill{}, &usherv1.Vdn{}, &usherv1.Announcement{}, &usherv1.ThirdServer{},
		&usherv1.Queue{}, &usherv1.RequestType{}, &usherv1.Site{}, &usherv1.Reason{},
	} {
		fields := of.ProtoReflect().Descriptor().Fields()
		for n := range fields.Len() {
			f := fields.Get(n)
			if f.IsList() || f.Kind() != protoreflect.Int32Kind && f.Kind() != protoreflect.Int64Kind {
				continue
			}
			r, ok := ranges[f.Name()]
			if !ok {
				t.Errorf("%s has no range", f.FullName())
			}
			for value, legal := range map[int64]bool{r.from - 1: false, r.from: true, r.to: true, r.to + 1: false} {
				m := of.ProtoReflect().New()
				if f.Kind() == protoreflect.Int32Kind {
					m.Set(f, protoreflect.ValueOfInt32(int32(value)))
				} else {
					m.Set(f, protoreflect.ValueOfInt64(value))
				}
				why := tries[string(of.ProtoReflect().Descriptor().Name())](m.Interface())
				if (why == nil) != legal || !legal && (why.Code != errInvalidArgument || !strings.Contains(why.Description, string(f.Name()))) {
					t.Errorf("%s = %d: %v; legal: %v", f.FullName(), value, why, legal)
				}
			}
		}
	}
	if why := checkTimeouts(nil); why != nil {
		t.Errorf("no timeouts: %v", why)
	}
	if why := checkTimeouts(&usherv1.Timeouts{}); why != nil {
		t.Errorf("timeouts that are not set: %v", why)
	}
}

func TestApplyDifference(t *testing.T) {
	b := newBureau(t, office())
	r := giving(&usherv1.Configuration{
		Options:    &usherv1.Options{DeliveringTimeoutMs: new(int64(20_000)), PullObeysCapacity: new(true)},
		MediaTypes: []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 3}, {Name: "fax"}},
		Agents: []*usherv1.Agent{
			{AgentId: "zoe", AgentGroups: []string{"night"}},
			{AgentId: "anna", Name: "Anna K.", AgentGroups: []string{"support", "night"}, Capacity: map[string]int32{"mail": 2, "fax": 1}},
			{AgentId: "ben", Supervisor: true},
		},
		AgentGroups: []*usherv1.AgentGroup{{Name: "night"}},
		Queues:      []*usherv1.Queue{{Name: "in", Description: "all", Strategy: LongestIdle, AgentGroup: "night"}},
		Workbins:    []*usherv1.WorkbinType{{Name: "team", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT}},
	})
	r.Remove = removing("workbin", "shelf", "place_group", "north", "place", "desk1", "agent", "sue").Remove
	r.ExpectedVersion = 1
	const want = `changed options: delivering_timeout_ms: default -> 20000; pull_obeys_capacity: default -> true
added media_type fax:
removed place desk1:
removed place_group north:
added agent_group night:
changed agent anna: name: "Anna" -> "Anna K."; agent_groups: ["support"] -> ["support", "night"]; capacity: {"chat": 2, "mail": 0} -> {"fax": 1, "mail": 2}
changed agent ben: supervisor: false -> true
removed agent sue:
added agent zoe:
changed queue in: description: "" -> "all"; strategy: "" -> "longest-idle"; agent_group: "" -> "night"
removed workbin shelf:
changed workbin team: owner_kind: OWNER_KIND_AGENT_GROUP -> OWNER_KIND_AGENT
`
	r.DryRun = true
	if dry := b.mustApply(r); lines(dry.Changes) != want || dry.Version != 1 || dry.Sequence != 0 {
		t.Errorf("dry run: version %d, sequence %d:\n%s", dry.Version, dry.Sequence, lines(dry.Changes))
	}
	r.DryRun = false
	at := b.next
	out := b.apply(r)
	if got := out.Changes; lines(got.GetChanges()) != want || got.Version != 2 || got.Sequence != uint64(at) {
		t.Fatalf("version %d, sequence %d, want 2 and %d:\n%s", got.GetVersion(), got.GetSequence(), at, lines(got.GetChanges()))
	}
	fact := out.Entries[0].Fact.GetConfigurationApplied()
	if c := fact.GetConfiguration(); len(out.Entries) != 1 || len(c.MediaTypes) != 1 || len(c.Agents) != 3 || len(c.Queues) != 1 ||
		len(c.Workbins) != 1 || len(c.Places) != 0 || len(fact.Removed) != 4 || fact.Version != 2 || c.Options == nil {
		t.Errorf("the fact holds more or less than what differs: %v", out.Entries)
	}

	// The same again: nothing differs, whatever the form.
	r.ExpectedVersion, r.Remove = 2, nil
	if again := b.apply(r); again.Err != nil || len(again.Changes.Changes) != 0 || again.Changes.Version != 2 || again.Changes.Sequence != 0 {
		t.Errorf("again: %v", again)
	}
	if empty := b.mustApply(&usherv1.ApplyConfigurationRequest{}); len(empty.Changes) != 0 || empty.Version != 2 {
		t.Errorf("an empty request: %v", empty)
	}

	// Options are replaced whole; a default that is set differs from none.
	back := b.apply(options(&usherv1.Options{IntrudeObeysCapacity: new(false)}))
	if got, want := lines(back.Changes.Changes), "changed options: delivering_timeout_ms: 20000 -> default; pull_obeys_capacity: true -> default; intrude_obeys_capacity: default -> false\n"; got != want {
		t.Errorf("options: %s, want %s", got, want)
	}
}

func TestReplaceAll(t *testing.T) {
	b := newBureau(t, office())
	b.mustApply(options(&usherv1.Options{HandlingTimeoutMs: new(int64(60_000))}))
	few := &usherv1.Configuration{
		MediaTypes: []*usherv1.MediaType{{Name: "mail", Offline: true}},
		Agents:     []*usherv1.Agent{{AgentId: "anna"}},
	}
	r := giving(few)
	r.ReplaceAll = true
	b.mustApply(r)
	want := proto.CloneOf(few)
	want.Options = &usherv1.Options{HandlingTimeoutMs: new(int64(60_000))}
	want.Agents[0].PasswordHash = "hash-of-anna"
	if c, _ := b.e.Configuration(); !proto.Equal(c, want) {
		t.Errorf("%v\nwant %v", c, want)
	}
	if got := b.mustApply(&usherv1.ApplyConfigurationRequest{ReplaceAll: true}); lines(got.Changes) != "removed media_type mail:\nremoved agent anna:\n" {
		t.Errorf("%s", lines(got.Changes))
	}
}

func TestPasswords(t *testing.T) {
	b := newBureau(t, office())
	hashOf := func(agent string) string {
		c, _ := b.e.Configuration()
		return c.Agents[slices.IndexFunc(c.Agents, func(a *usherv1.Agent) bool { return a.AgentId == agent })].PasswordHash
	}
	anna := &usherv1.Agent{AgentId: "anna", Name: "A."}
	out := b.apply(agentsGiven(anna))
	if hashOf("anna") != "hash-of-anna" {
		t.Errorf("an agent given without password lost it")
	}
	if hash := out.Entries[0].Fact.GetConfigurationApplied().Configuration.Agents[0].PasswordHash; hash != "hash-of-anna" {
		t.Errorf("the fact does not hold the agent whole: %q", hash)
	}
	anna.PasswordHash = "another-hash"
	got := b.mustApply(agentsGiven(anna))
	if text := lines(got.Changes); text != "changed agent anna: password: changed\n" || hashOf("anna") != "another-hash" {
		t.Errorf("%q, %q", text, hashOf("anna"))
	}
	got = b.mustApply(agentsGiven(&usherv1.Agent{AgentId: "new", PasswordHash: "hash-of-new"}))
	if text := lines(got.Changes); text != "added agent new:\n" {
		t.Errorf("%q", text)
	}
	for _, a := range []*usherv1.Agent{
		{AgentId: "x", PasswordHash: "SECRET" + strings.Repeat("h", maxTextBytes)},
		{AgentId: "x", PasswordHash: "SECRET", AgentGroups: []string{"none"}},
		{AgentId: "x", PasswordHash: "SECRET", Password: "SECRET"},
		{AgentId: "x y", PasswordHash: "SECRET"},
	} {
		if out := b.apply(agentsGiven(a)); out.Err == nil || strings.Contains(out.Err.String(), "SECRET") {
			t.Errorf("%v", out.Err)
		}
	}
	// Removed and made again, he has none.
	b.mustApply(removing("agent", "anna"))
	b.mustApply(agentsGiven(&usherv1.Agent{AgentId: "anna"}))
	if hashOf("anna") != "" {
		t.Errorf("a removed agent's password came back")
	}
}

// TestConfigurationIsACopy holds that nobody outside can change the state.
func TestConfigurationIsACopy(t *testing.T) {
	given := office()
	given.Options = &usherv1.Options{PullWhileRouting: new(true)}
	b := newBureau(t, given)
	c, _ := b.e.Configuration()
	want := proto.CloneOf(c)
	for _, outside := range []*usherv1.Configuration{given, c} {
		outside.Agents[0].Capacity["chat"] = 9
		*outside.Options.PullWhileRouting = false
	}
	if now, _ := b.e.Configuration(); !proto.Equal(now, want) {
		t.Errorf("%v\nwant %v", now, want)
	}
}

func TestRemoveWhatIsInUse(t *testing.T) {
	b := newBureau(t, office())
	b.mustApply(giving(&usherv1.Configuration{
		MediaTypes: []*usherv1.MediaType{{Name: "fax"}, {Name: "sms"}, {Name: "free"}},
		Queues:     []*usherv1.Queue{{Name: "was"}, {Name: "free"}},
		Places:     []*usherv1.Place{{Name: "free"}},
		Workbins: []*usherv1.WorkbinType{
			{Name: "old", OwnerKind: usherv1.OwnerKind_OWNER_KIND_PLACE},
			{Name: "free", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT},
		},
	}))
	b.login("sue", "desk2", "sms")
	b.submit("i1", "fax", intoQueue("in"))
	b.submit("i2", "fax", intoQueue("idle"))
	b.submit("i3", "fax", thenTo("sue", intoQueue("was")))
	b.submit("i4", "fax", intoWorkbin("drafts", "anna"))
	b.submit("i5", "fax", intoWorkbin("team", "support"))
	b.submit("i6", "fax", thenTo("sue", intoWorkbin("old", "desk3")))
	b.submit("i7", "fax", intoWorkbin("shelf", "north"))

	replaceAll := giving(office())
	replaceAll.ReplaceAll = true
	tests := []struct {
		request *usherv1.ApplyConfigurationRequest
		says    string
	}{
		{removing("agent", "sue"), `agent "sue" is in use: agent "sue" is logged in`},
		{removing("place_group", "north", "place", "desk2"), `place "desk2" is in use: agent "sue" sits there`},
		{removing("media_type", "sms"), `media_type "sms" is in use: agent "sue" is logged in with it`},
		{removing("media_type", "fax"), `media_type "fax" is in use: interaction "i1" is of it`},
		{removing("queue", "in"), `queue "in" is in use: interaction "i1" is in it`},
		{removing("queue", "idle"), `queue "idle" is in use: interaction "i2" is in it`},
		{removing("queue", "was"), `queue "was" is in use: it is the former location of interaction "i3"`},
		{removing("workbin", "drafts"), `workbin "drafts" is in use: interaction "i4" is in it`},
		{removing("workbin", "old"), `workbin "old" is in use: it is the former location of interaction "i6"`},
		{giving(&usherv1.Configuration{Workbins: []*usherv1.WorkbinType{{Name: "drafts", OwnerKind: usherv1.OwnerKind_OWNER_KIND_PLACE}}}), `workbin "drafts" is in use: interaction "i4" is in it`},
		{removing("agent", "anna"), `agent "anna" is in use: of its workbin, interaction "i4" is in it`},
		{removing("place", "desk3"), `place "desk3" is in use: of its workbin, it is the former location of interaction "i6"`},
		{removing("place_group", "north"), `place_group "north" is in use: of its workbin, interaction "i7" is in it`},
		{removing("workbin", "team", "agent", "anna", "agent_group", "support"), `agent_group "support" is in use: of its workbin, interaction "i5" is in it`},
		{replaceAll, `media_type "fax" is in use: interaction "i1" is of it`},
	}
	for _, test := range tests {
		t.Run(test.says, func(t *testing.T) {
			if out := b.apply(test.request); out.Err.GetCode() != errInUse || out.Err.Description != test.says {
				t.Errorf("%v", out.Err)
			}
		})
	}
	b.mustApply(removing("media_type", "free", "queue", "free", "queue", "special", "place", "free", "workbin", "free", "agent", "ben"))
	if b.e.queues["free"] != nil || b.e.queues["in"] == nil {
		t.Errorf("the wrong queues are gone")
	}
	// What was free becomes removable once nobody needs it any more.
	b.happen(func(e *Engine) {
		i := e.interactions["i1"]
		e.leavePlace(i, opStop, "")
		e.becomeStopped(i, "")
	})
	b.mustApply(removing("queue", "in"))
}

// TestApplyRefreshes holds what is derived from the configuration.
func TestApplyRefreshes(t *testing.T) {
	b := newBureau(t, office())
	b.login("ben", "desk1", "chat")
	b.login("anna", "desk2", "chat")
	b.submit("i2", "chat", intoQueue("in"))
	b.submit("i1", "chat", intoQueue("in"))
	b.e.Changed()
	b.mustApply(agentsGiven(&usherv1.Agent{AgentId: "anna", Capacity: map[string]int32{"chat": 7}}))
	if left := b.e.agents["anna"].capacityLeft("chat"); left != 7 {
		t.Errorf("capacity left %d", left)
	}
	var names []string
	agents, interactions := b.e.Changed()
	for _, a := range agents {
		names = append(names, string(a.id))
	}
	for _, i := range interactions {
		names = append(names, string(i.ID()))
	}
	if want := []string{"anna", "ben", "i2", "i1"}; !slices.Equal(names, want) {
		t.Errorf("changed %v, want %v", names, want)
	}

	b.mustApply(giving(&usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "in", AgentGroup: "support"}}}))
	if b.e.GroupOf("in") != "support" || b.e.ConfigurationVersion() != 3 {
		t.Errorf("%q, version %d", b.e.GroupOf("in"), b.e.ConfigurationVersion())
	}
}

func TestSubscriptionsEndWithAccess(t *testing.T) {
	b := newBureau(t, office())
	b.login("anna", "desk1")
	b.login("sue", "desk3")
	subscribe := func(agent, name, owner string) {
		b.happen(func(e *Engine) {
			e.fact(&usherv1.Fact{Fact: &usherv1.Fact_WorkbinSubscription{WorkbinSubscription: &usherv1.WorkbinSubscription{
				AgentId: agent, Workbin: &usherv1.Workbin{Name: name, Owner: owner},
			}}})
		})
	}
	for _, w := range [][2]string{{"team", "support"}, {"drafts", "anna"}, {"drafts", "ben"}, {"tray", "desk1"}, {"shelf", "north"}} {
		subscribe("anna", w[0], w[1])
		subscribe("sue", w[0], w[1])
	}
	check := func(want string) {
		t.Helper()
		var got []string
		for _, s := range b.e.exportSubscriptions() {
			got = append(got, s.AgentId+" "+s.Workbin.Name+"/"+s.Workbin.Owner)
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("subscriptions: %s\nwant %s", text, want)
		}
	}
	b.mustApply(giving(&usherv1.Configuration{Agents: []*usherv1.Agent{{AgentId: "anna"}}}))
	check("anna drafts/anna, sue drafts/anna, sue drafts/ben, anna shelf/north, sue shelf/north, sue team/support, anna tray/desk1, sue tray/desk1")
	b.mustApply(removing("place_group", "north", "agent", "ben", "workbin", "tray"))
	check("anna drafts/anna, sue drafts/anna, sue team/support")
}

func TestQueueGetsAnotherStrategy(t *testing.T) {
	b := newBureau(t, office())
	b.submit("last", "chat", intoQueue("in"))
	b.submit("second", "chat", intoQueue("in"))
	b.submit("first", "chat", intoQueue("in"))
	b.submit("other", "chat", intoQueue("special"))
	b.submit("busy", "chat", intoQueue("idle"))
	b.happen(func(e *Engine) {
		for n, id := range []InteractionID{"last", "second", "first"} {
			i := e.interactions[id]
			q := e.queue("in").queued
			q.Delete(i)
			i.props.Priority = int32(n)
			q.ReplaceOrInsert(i)
		}
	})
	out := b.apply(giving(&usherv1.Configuration{Queues: []*usherv1.Queue{
		{Name: "in", Strategy: LongestIdle, AgentGroup: "support"},
		{Name: "idle", Strategy: "vip"},
		{Name: "special", Strategy: "vip", Description: "as before"},
	}}))
	if out.Err != nil {
		t.Fatal(out.Err)
	}
	var routed []string
	for _, entry := range out.Entries {
		if entry.Event.GetEventRouteRequest() != nil {
			routed = append(routed, entry.Event.InteractionId)
		}
	}
	if want := []string{"first", "second", "last"}; !slices.Equal(routed, want) || out.Entries[0].Fact == nil {
		t.Errorf("routed %v, want %v", routed, want)
	}
	if i := b.e.interactions["busy"]; i.strategy != "" || i.State() != stateQueued {
		t.Errorf("what the former strategy's router had does not come back: %q, %v", i.strategy, i.State())
	}
	if i := b.e.interactions["other"]; i.State() != stateQueued {
		t.Errorf("an interaction without a router is %v", i.State())
	}
}

// TestRoomForRouters holds that a raised limit is used at once.
func TestRoomForRouters(t *testing.T) {
	b := newBureau(t, office())
	b.mustApply(options(&usherv1.Options{MaxSubmittedPerRouter: new(int32(1))}))
	b.happen(func(e *Engine) {
		who := routerParticipant("urs").Proto()
		e.fact(&usherv1.Fact{Fact: &usherv1.Fact_ClientRegistered{ClientRegistered: &usherv1.ClientRegistered{Client: who, Strategies: []string{"vip"}}}})
		e.fact(&usherv1.Fact{Fact: &usherv1.Fact_ConnectionOpened{ConnectionOpened: &usherv1.ConnectionOpened{Client: who, ConnectionId: "c"}}})
	})
	for _, id := range []string{"i1", "i2", "i3"} {
		b.submit(id, "chat", intoQueue("special"))
	}
	states := func() (with int) {
		for i := range b.e.EachInteraction {
			if i.State() == stateRouting {
				with++
			}
		}
		return with
	}
	if states() != 1 {
		t.Fatalf("%d are with the router, whose limit is 1", states())
	}
	b.mustApply(options(&usherv1.Options{MaxSubmittedPerRouter: new(int32(2))}))
	if states() != 2 {
		t.Errorf("%d are with the router, whose limit is 2", states())
	}
}

func TestOptions(t *testing.T) {
	c := loadConfiguration(nil, 0) // of a tenant that never had one
	if c.agentGrace() != 60_000 || c.mediaGrace() != 60_000 || !c.notReadyOnTimeout() || !c.pullWhileRouting() ||
		c.multipleConnections() != usherv1.MultipleConnections_MULTIPLE_CONNECTIONS_FORCE_LOGOUT ||
		c.pullObeysCapacity() || c.transferObeysCapacity() || c.conferenceObeysCapacity() || c.intrudeObeysCapacity() ||
		c.maxPerSnapshot() != 500 || c.maxPerRouter() != 50_000 {
		t.Errorf("the defaults are wrong")
	}
	c.options = &usherv1.Options{
		AgentConnectionGraceMs: new(int64(0)), MediaConnectionGraceMs: new(int64(7)),
		NotReadyOnInvitationTimeout: new(false), PullWhileRouting: new(false),
		AllowMultipleAgentConnections: usherv1.MultipleConnections_MULTIPLE_CONNECTIONS_FALSE,
		PullObeysCapacity:             new(true), TransferObeysCapacity: new(true),
		ConferenceObeysCapacity: new(true), IntrudeObeysCapacity: new(true),
		MaxInteractionsPerSnapshot: new(int32(100)), MaxSubmittedPerRouter: new(int32(0)),
	}
	if c.agentGrace() != 0 || c.mediaGrace() != 7 || c.notReadyOnTimeout() || c.pullWhileRouting() ||
		c.multipleConnections() != usherv1.MultipleConnections_MULTIPLE_CONNECTIONS_FALSE ||
		!c.pullObeysCapacity() || !c.transferObeysCapacity() || !c.conferenceObeysCapacity() || !c.intrudeObeysCapacity() ||
		c.maxPerSnapshot() != 100 || c.maxPerRouter() != 0 {
		t.Errorf("options are not obeyed")
	}
}

func TestTimeoutsInTheirOrder(t *testing.T) {
	c := newConfiguration()
	c.mediaTypes["chat"] = &usherv1.MediaType{DeliveringTimeoutMs: 3_000, HandlingTimeoutMs: 90_000, RoutingTimeoutMs: 1_300_000}
	own := &usherv1.Timeouts{DeliveringTimeoutMs: 2_000, HandlingTimeoutMs: 80_000, RoutingTimeoutMs: 1_250_000}
	tenant := &usherv1.Options{DeliveringTimeoutMs: new(int64(4_000)), HandlingTimeoutMs: new(int64(95_000)), RoutingTimeoutMs: new(int64(1_400_000))}
	for _, test := range []struct {
		own     *usherv1.Timeouts
		media   MediaName
		options *usherv1.Options
		want    [3]Millis
	}{
		{own, "chat", tenant, [3]Millis{2_000, 80_000, 1_250_000}},
		{nil, "chat", tenant, [3]Millis{3_000, 90_000, 1_300_000}},
		{&usherv1.Timeouts{}, "mail", tenant, [3]Millis{4_000, 95_000, 1_400_000}},
		{nil, "mail", &usherv1.Options{}, [3]Millis{30_000, 180 * 60_000, 720 * 60_000}},
	} {
		c.options = test.options
		got := [3]Millis{c.deliveringTimeout(test.own, test.media), c.handlingTimeout(test.own, test.media), c.routingTimeout(test.own, test.media)}
		if got != test.want {
			t.Errorf("%v, %v, %v: %v, want %v", test.own, test.media, test.options, got, test.want)
		}
	}
}

func TestCapacity(t *testing.T) {
	c := loadConfiguration(office(), 1)
	anna := c.agents["anna"]
	for media, want := range map[MediaName]int{"chat": 2, "mail": 0} {
		if got := c.capacity(anna, media); got != want {
			t.Errorf("capacity of anna for %s: %d, want %d", media, got, want)
		}
	}
	for media, want := range map[MediaName]int{"chat": 3, "mail": 1} {
		if got := c.capacity(c.agents["ben"], media); got != want {
			t.Errorf("capacity of ben for %s: %d, want %d", media, got, want)
		}
	}
}

func TestWorkbinOwner(t *testing.T) {
	b := newBureau(t, office())
	b.login("anna", "desk1")
	b.login("ben", "desk3")
	b.login("sue", "")
	tests := []struct {
		asker, name, owner string
		want               string
		code               usherv1.ErrorCode
		denied             bool // he may place something there, no more
	}{
		{asker: "anna", name: "drafts", want: "anna"},
		{asker: "anna", name: "drafts", owner: "anna", want: "anna"},
		{asker: "anna", name: "drafts", owner: "ben", want: "ben", denied: true},
		{asker: "anna", name: "drafts", owner: "nobody", code: errUnknownWorkbin},
		{asker: "anna", name: "drafts", owner: "desk1", code: errUnknownWorkbin},
		{asker: "anna", name: "none", code: errUnknownWorkbin},
		{asker: "anna", name: "", code: errUnknownWorkbin},
		{asker: "anna", name: "team", want: "support"},
		{asker: "anna", name: "team", owner: "sales", want: "sales", denied: true},
		{asker: "anna", name: "tray", want: "desk1"},
		{asker: "anna", name: "tray", owner: "desk2", want: "desk2", denied: true},
		{asker: "anna", name: "shelf", want: "north"},
		{asker: "anna", name: "shelf", owner: "north", want: "north"},
		{asker: "ben", name: "team", code: errUnknownWorkbin},
		{asker: "ben", name: "team", owner: "support", want: "support", denied: true},
		{asker: "ben", name: "shelf", code: errUnknownWorkbin},
		{asker: "ben", name: "shelf", owner: "north", want: "north", denied: true},
		{asker: "sue", name: "drafts", owner: "ben", want: "ben"},
		{asker: "sue", name: "team", owner: "sales", want: "sales"},
		{asker: "sue", name: "tray", code: errUnknownWorkbin},
		{asker: "sue", name: "tray", owner: "desk3", want: "desk3"},
		{asker: "sue", name: "shelf", owner: "north", want: "north"},
		{name: "drafts", code: errUnknownWorkbin},
		{name: "drafts", owner: "ben", want: "ben"},
		{name: "drafts", owner: "nobody", code: errUnknownWorkbin},
	}
	for _, test := range tests {
		named, asker := &usherv1.Workbin{Name: test.name, Owner: test.owner}, b.e.agents[AgentID(test.asker)]
		got, why := b.e.workbinOwner(named, asker)
		if why.GetCode() != test.code || got.GetOwner() != test.want || why == nil && got.GetName() != test.name {
			t.Errorf("%s asks for %q of %q: %v, %v", test.asker, test.name, test.owner, got, why)
		}
		if asker == nil {
			continue
		}
		if test.denied {
			test.want, test.code = "", errPermissionDenied
		}
		if got, why := b.e.usableWorkbin(named, asker); why.GetCode() != test.code || got.GetOwner() != test.want {
			t.Errorf("%s wants to use %q of %q: %v, %v", test.asker, test.name, test.owner, got, why)
		}
	}
	if _, why := b.e.workbinOwner(nil, nil); why.GetCode() != errUnknownWorkbin {
		t.Errorf("no workbin at all: %v", why)
	}
}

// TestExportAndLoad applies random requests; bureau.apply compares with the
// fold of the entries.
func TestExportAndLoad(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 0))
		b := newBureau(t, nil)
		applied := 0
		for range 60 {
			if out := b.apply(randomRequest(random)); out.Err == nil {
				applied++
			}
			c, version := b.e.Configuration()
			loaded := loadConfiguration(proto.CloneOf(c), version)
			if !proto.Equal(loaded.export(), c) || loaded.version != version {
				t.Fatalf("seed %d: loaded and exported:\n%v\nwas\n%v", seed, loaded.export(), c)
			}
			whole := giving(c)
			whole.ReplaceAll = true
			if again := b.mustApply(whole); len(again.Changes) != 0 {
				t.Fatalf("seed %d: what was exported differs: %s", seed, lines(again.Changes))
			}
			if fresh, _ := newBureau(t, c).e.Configuration(); !proto.Equal(fresh, c) {
				t.Fatalf("seed %d: applied to an empty tenant:\n%v\nwas\n%v", seed, fresh, c)
			}
			if !sortedByName(c) {
				t.Fatalf("seed %d: not sorted: %v", seed, c)
			}
		}
		if applied < 10 {
			t.Errorf("seed %d: only %d of 60 requests were applied", seed, applied)
		}
	}
}

func sortedByName(c *usherv1.Configuration) bool {
	return slices.IsSortedFunc(c.Agents, func(a, b *usherv1.Agent) int { return strings.Compare(a.AgentId, b.AgentId) }) &&
		slices.IsSortedFunc(c.Places, func(a, b *usherv1.Place) int { return strings.Compare(a.Name, b.Name) }) &&
		slices.IsSortedFunc(c.Queues, func(a, b *usherv1.Queue) int { return strings.Compare(a.Name, b.Name) })
}

// randomRequest often fits a configuration that other ones have made.
func randomRequest(random *rand.Rand) *usherv1.ApplyConfigurationRequest {
	name := func(prefix string) string { return fmt.Sprintf("%s%d", prefix, random.IntN(4)) }
	maybe := func() bool { return random.IntN(2) == 0 }
	c := &usherv1.Configuration{}
	if maybe() {
		c.Options = &usherv1.Options{MaxSubmittedPerRouter: new(int32(random.IntN(3))), NotReadyOnInvitationTimeout: new(maybe())}
	}
	for range random.IntN(3) {
		switch random.IntN(7) {
		case 0:
			c.MediaTypes = append(c.MediaTypes, &usherv1.MediaType{Name: name("m"), Offline: maybe(), DefaultCapacity: random.Int32N(3)})
		case 1:
			c.Places = append(c.Places, &usherv1.Place{Name: name("p")})
		case 2:
			c.PlaceGroups = append(c.PlaceGroups, &usherv1.PlaceGroup{Name: name("pg"), Places: []string{name("p")}})
		case 3:
			c.AgentGroups = append(c.AgentGroups, &usherv1.AgentGroup{Name: name("g")})
		case 4:
			a := &usherv1.Agent{AgentId: name("a"), Supervisor: maybe()}
			if maybe() {
				a.AgentGroups, a.Capacity, a.PasswordHash = []string{name("g")}, map[string]int32{name("m"): 2}, name("hash")
			}
			c.Agents = append(c.Agents, a)
		case 5:
			c.Queues = append(c.Queues, &usherv1.Queue{Name: name("q"), Strategy: LongestIdle, AgentGroup: name("g")})
		case 6:
			c.Workbins = append(c.Workbins, &usherv1.WorkbinType{Name: name("w"), OwnerKind: usherv1.OwnerKind(1 + random.IntN(4))})
		}
	}
	r := giving(c)
	if random.IntN(4) == 0 {
		prefixes := []string{"m", "p", "pg", "g", "a", "q", "w"}
		n := random.IntN(len(prefixes))
		r.Remove = removing(kinds[n].called(), name(prefixes[n])).Remove
	}
	r.ReplaceAll = random.IntN(20) == 0
	r.DryRun = random.IntN(10) == 0
	return r
}

// TestAppliedInWords: the journal keeps what the one who applied was told, with
// long lines cut between characters.
func TestAppliedInWords(t *testing.T) {
	b := newBureau(t, office())
	out := b.apply(&usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{Queues: []*usherv1.Queue{
		{Name: "in", Description: strings.Repeat("ü", 300)}, {Name: "new"},
	}}})
	told, kept := out.Changes, out.Entries[0].Fact.GetConfigurationApplied().GetChanges()
	if len(kept) != 2 || !proto.Equal(kept[1], told.Changes[1]) {
		t.Fatalf("%v\nkept %v", told, kept)
	}
	long, short := told.Changes[0].Fields[0], kept[0].Fields[0]
	cut, isCut := strings.CutSuffix(short, "...")
	if !isCut || !strings.HasPrefix(long, cut) || len(cut) < maxChangeBytes-1 || len(cut) > maxChangeBytes || len(long) < 600 {
		t.Errorf("%d bytes: %s\nkept %d: %s", len(long), long, len(short), short)
	}
}
