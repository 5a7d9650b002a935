package router

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

const (
	aux      = usherv1.WorkMode_WORK_MODE_AUX
	autoIn   = usherv1.WorkMode_WORK_MODE_AUTO_IN
	manualIn = usherv1.WorkMode_WORK_MODE_MANUAL_IN
)

// newOffice is a floor with a configuration of its own, where nobody is logged
// in.
func newOffice(t *testing.T, config *usherv1.Configuration) *floor {
	t.Helper()
	f := &floor{t: t, e: engine.New("acme"), router: New(), now: 1_000_000, next: 1, judge: true}
	f.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: config}})
	f.must(chat, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER, Name: "chat"})
	f.must(chat, engine.Connect{ConnectionID: "chat"})
	return f
}

// login logs an agent in for media types; "-voice" is not ready.
func (f *floor) login(agent string, mode usherv1.WorkMode, media ...string) {
	f.t.Helper()
	who, login := agentNamed(agent), &usherv1.RequestAgentLogin{WorkMode: mode}
	for _, m := range media {
		name, not := strings.CutPrefix(m, "-")
		login.Media = append(login.Media, &usherv1.MediaLogin{MediaType: name, Ready: !not})
	}
	f.must(who, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION, Name: agent})
	f.must(who, engine.Connect{ConnectionID: agent})
	f.must(who, login)
}

func (f *floor) submit(id, queue, media string) {
	f.t.Helper()
	f.must(chat, &usherv1.RequestSubmit{InteractionId: id, Queue: queue, MediaType: media})
}

// accepted submits an interaction that somebody gets and accepts.
func (f *floor) accepted(id, queue, media string) {
	f.t.Helper()
	f.submit(id, queue, media)
	inv := f.take()
	f.must(agentNamed(inv.agent), &usherv1.RequestAccept{Ticket: inv.ticket})
}

func (f *floor) works(agent string, mode usherv1.WorkMode, code int32) {
	f.t.Helper()
	f.must(agentNamed(agent), &usherv1.RequestSetAgentState{WorkMode: mode, ReasonCode: code})
}

// why asks why an interaction waits, and for all agents.
func (f *floor) why(id string) *usherv1.EventWhyWaiting {
	f.t.Helper()
	answer, why := f.router.WhyWaiting(f.e, f.now, &usherv1.RequestWhyWaiting{InteractionId: id, MaxAgents: maxNamed})
	if why != nil {
		f.t.Fatal(why)
	}
	return answer
}

// ruleOf is what an explanation says of an agent.
func ruleOf(answer *usherv1.EventWhyWaiting, agent string) (rule, description, detail string) {
	for _, e := range answer.Exclusions {
		for _, a := range e.Agents {
			if a.AgentId == agent {
				return e.Rule, e.Description, a.Detail
			}
		}
	}
	return "", "", ""
}

// office is where ann works: for billing and once, in group service, for four
// chats or one voice call.
func office() *usherv1.Configuration {
	c := &usherv1.Configuration{
		Options:     &usherv1.Options{ForcedLogoutAt: "02:00"},
		MediaTypes:  []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 4}, {Name: "voice"}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "sales"}, {Name: "service"}},
		Workbins:    []*usherv1.WorkbinType{{Name: "desk", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT}},
		Skills: []*usherv1.Skill{
			{Name: "billing"}, {Name: "tax"},
			{Name: "once", MultipleCallHandling: usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_NONE},
		},
		Targets: []*usherv1.Target{{
			Name: "german", Expression: `attribute.language == "de"`,
			Stages: []*usherv1.TargetStage{{AfterMs: 20_000, Expression: `attribute.language != "fr"`}},
		}},
		Agents: []*usherv1.Agent{
			{
				AgentId: "ann", AgentGroups: []string{"service"}, Skills: []*usherv1.AgentSkill{{Skill: "billing"}, {Skill: "once"}},
				Attributes: map[string]string{"language": "fr"},
			},
			{AgentId: "bob"},
		},
		Queues: []*usherv1.Queue{
			{Name: "sales", Strategy: engine.LongestIdle, AgentGroup: "sales"},
			{Name: "service", Strategy: engine.LongestIdle, AgentGroup: "service"},
			{Name: "pulled"}, {Name: "external", Strategy: "ext"},
		},
	}
	vectored(c, "billing", "queue-to skill billing pri m")
	vectored(c, "tax", "queue-to skill tax pri h")
	vectored(c, "once", "queue-to skill once pri m")
	vectored(c, "german", "queue-to target german pri l")
	vectored(c, "preferring", "queue-to skill billing pri m preferring agent bob for 60 secs")
	vectored(c, "direct", "route-to agent bob")
	vectored(c, "music", "wait-time 50 secs hearing music")
	vectored(c, "two", "queue-to skill tax pri t\n02  queue-to skill billing pri m")
	vectored(c, "neither", "queue-to skill tax pri m\n02  queue-to target german pri m")
	return c
}

// whyRules are what keeps ann from an interaction "wanted".
var whyRules = []struct {
	name                      string
	happens                   func(*floor)
	rule, description, detail string
}{
	{"another skill", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.submit("wanted", "tax", "chat")
	}, "NotInSkill", `They do not have skill "tax".`, ""},
	{"another group", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.submit("wanted", "sales", "chat")
	}, "NotInGroup", `They are not in agent group "sales".`, ""},
	{"another language", func(f *floor) { f.submit("wanted", "german", "chat") },
		"NotInTarget", `They do not fit target "german" (attribute.language == "de").`, ""},
	{"another language, widened", func(f *floor) {
		f.submit("wanted", "german", "chat")
		f.pass(20_000)
	}, "NotInTarget", `They do not fit target "german" (attribute.language != "fr").`, ""},
	{"another is preferred", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.login("bob", aux, "chat")
		f.submit("wanted", "preferring", "chat")
	}, "NotPreferred", `It waits for agent "bob".`, ""},
	{"direct agent", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.login("bob", aux, "chat")
		f.submit("wanted", "direct", "chat")
	}, "NotPreferred", `It waits for agent "bob".`, ""},
	{"not there", func(f *floor) { f.submit("wanted", "billing", "chat") },
		"NotLoggedIn", "They are not logged in.", ""},
	{"no connection", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.must(agentNamed("ann"), engine.Disconnect{ConnectionID: "ann"})
		f.submit("wanted", "billing", "chat")
	}, "ConnectionLost", "They have lost their connection.", ""},
	{"do not disturb", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.must(agentNamed("ann"), &usherv1.RequestDoNotDisturbOn{})
		f.submit("wanted", "billing", "chat")
	}, "DoNotDisturb", "They do not want to be disturbed.", ""},
	{"without the media type", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.submit("wanted", "billing", "voice")
	}, "MediaNotLoggedIn", "They are not logged in for voice.", ""},
	{"not ready", func(f *floor) {
		f.login("ann", autoIn, "chat", "voice")
		f.must(agentNamed("ann"), &usherv1.RequestNotReadyForMedia{MediaType: "voice", Reason: "hoarse"})
		f.submit("wanted", "billing", "voice")
	}, "MediaNotReady", "They are not ready for voice.", "hoarse"},
	{"AUX", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.works("ann", aux, 3)
		f.submit("wanted", "billing", "chat")
		f.pass(120_000)
	}, "WorkMode", "They are in AUX or ACW.", "AUX 3 since 120 s"},
	{"after-call work", func(f *floor) {
		f.login("ann", manualIn, "chat")
		f.accepted("first", "billing", "chat")
		f.must(agentNamed("ann"), &usherv1.RequestStopProcessing{InteractionId: "first"})
		f.submit("wanted", "billing", "chat")
		f.pass(7_999)
	}, "WorkMode", "They are in AUX or ACW.", "ACW since 7 s"},
	{"AUX is pending", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.accepted("first", "billing", "chat")
		f.works("ann", aux, 3)
		f.submit("wanted", "billing", "chat")
	}, "PendingWorkMode", "They take nothing more until their interactions have ended.", "auto-in, AUX is pending"},
	{"a logout is pending", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.accepted("first", "billing", "chat")
		f.pass(2*3_600_000 - f.now)
		f.submit("wanted", "billing", "chat")
	}, "PendingWorkMode", "They take nothing more until their interactions have ended.", "he is logged out when his interactions have ended"},
	{"capacity, invited", func(f *floor) {
		f.login("ann", autoIn, "voice")
		f.submit("first", "billing", "voice")
		f.submit("wanted", "billing", "voice")
	}, "CapacityUsed", "They have as much as they may.", "is invited to first"},
	{"capacity, much", func(f *floor) {
		f.login("ann", autoIn, "chat")
		for n := range 4 {
			f.accepted(fmt.Sprint(n), "billing", "chat")
		}
		f.submit("wanted", "billing", "chat")
	}, "CapacityUsed", "They have as much as they may.", "handles 0, handles 1, handles 2, and 1 more"},
	{"no more of the skill", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.accepted("first", "billing", "chat")
		f.submit("wanted", "once", "chat")
	}, "MultipleCallHandling", "They have something, and a skill gives them no more.", `skill "once": handles first`},
	{"refused", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.submit("wanted", "billing", "chat")
		f.must(agentNamed("ann"), &usherv1.RequestReject{Ticket: f.take().ticket})
		f.pass(1_000)
	}, "BackOff", "They refused it, or did not answer, and are not asked again at once.", "not before 4000 ms"},
	{"refused, and the router has not been asked since", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.submit("wanted", "billing", "chat")
		f.must(agentNamed("ann"), &usherv1.RequestReject{Ticket: f.take().ticket})
		f.now += 5_000
	}, "Eligible", "They can have it now.", ""},
	{"none of two places", func(f *floor) { f.submit("wanted", "neither", "chat") }, "NotInSkill",
		`They do not have skill "tax". They do not fit target "german" (attribute.language == "de").`, ""},
	{"one of two places", func(f *floor) { f.submit("wanted", "two", "chat") },
		"NotLoggedIn", "They are not logged in.", ""},
}

func TestWhyWaitingRules(t *testing.T) {
	for _, test := range whyRules {
		t.Run(test.name, func(t *testing.T) {
			f := newOffice(t, office())
			test.happens(f)
			rule, description, detail := ruleOf(f.why("wanted"), "ann")
			if rule != test.rule || description != test.description || detail != test.detail {
				t.Errorf("got\n%s: %s (%s)\nwant\n%s: %s (%s)", rule, description, detail, test.rule, test.description, test.detail)
			}
		})
	}
}

// TestWhyWaitingCounts holds the order of the rules, how many agents are named,
// and that they are sorted.
func TestWhyWaitingCounts(t *testing.T) {
	c := office()
	for n := range 12 {
		c.Agents = append(c.Agents, &usherv1.Agent{AgentId: fmt.Sprintf("skilled%02d", n), Skills: []*usherv1.AgentSkill{{Skill: "billing"}}})
	}
	f := newOffice(t, c)
	f.login("ann", autoIn, "voice")
	f.login("skilled05", autoIn, "chat")
	f.login("skilled04", aux, "chat")
	f.login("skilled03", autoIn, "-chat")
	f.submit("wanted", "billing", "chat")
	f.must(agentNamed("skilled05"), &usherv1.RequestReject{Ticket: f.take().ticket})
	for most, want := range map[int32]string{
		0: "BackOff 1 [05], WorkMode 1 [04], MediaNotReady 1 [03], MediaNotLoggedIn 1 [ann], NotLoggedIn 9 [00 01 02 06 07 08 09 10 11], NotInSkill 1 [bob]",
		2: "BackOff 1 [05], WorkMode 1 [04], MediaNotReady 1 [03], MediaNotLoggedIn 1 [ann], NotLoggedIn 9 [00 01], NotInSkill 1 [bob]",
	} {
		answer, why := f.router.WhyWaiting(f.e, f.now, &usherv1.RequestWhyWaiting{InteractionId: "wanted", MaxAgents: most})
		if why != nil {
			t.Fatal(why)
		}
		if got := counted(answer); got != want {
			t.Errorf("%d at most: got\n%s\nwant\n%s", most, got, want)
		}
	}
	f.submit("for nobody", "tax", "chat")
	answer, _ := f.router.WhyWaiting(f.e, f.now, &usherv1.RequestWhyWaiting{InteractionId: "for nobody"})
	if got, want := counted(answer), "NotInSkill 14 [ann bob 00 01 02 03 04 05 06 07]"; got != want {
		t.Errorf("by default: got\n%s\nwant\n%s", got, want)
	}
}

func counted(answer *usherv1.EventWhyWaiting) string {
	var all []string
	for _, e := range answer.Exclusions {
		var agents []string
		for _, a := range e.Agents {
			agents = append(agents, strings.TrimPrefix(a.AgentId, "skilled"))
		}
		all = append(all, fmt.Sprintf("%s %d %v", e.Rule, e.Count, agents))
	}
	return strings.Join(all, ", ")
}

// TestMultipleCallHandlingOfTwoSkills holds that each agent is told of his own
// skill.
func TestMultipleCallHandlingOfTwoSkills(t *testing.T) {
	none := usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_NONE
	c := &usherv1.Configuration{
		MediaTypes: []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 4}},
		Skills:     []*usherv1.Skill{{Name: "red", MultipleCallHandling: none}, {Name: "blue", MultipleCallHandling: none}},
		Agents: []*usherv1.Agent{
			{AgentId: "ann", Skills: []*usherv1.AgentSkill{{Skill: "red"}}}, {AgentId: "bob", Skills: []*usherv1.AgentSkill{{Skill: "blue"}}},
			{AgentId: "cid", Skills: []*usherv1.AgentSkill{{Skill: "blue"}, {Skill: "red"}}},
		},
	}
	vectored(c, "both", "queue-to skill red pri m\n02  queue-to skill blue pri m")
	f := newOffice(t, c)
	f.login("ann", autoIn, "chat")
	f.accepted("first", "both", "chat")
	f.login("bob", autoIn, "chat")
	f.accepted("second", "both", "chat")
	f.login("cid", autoIn, "chat")
	f.accepted("third", "both", "chat")
	f.submit("wanted", "both", "chat")
	answer := f.why("wanted")
	for agent, want := range map[string]string{
		"ann": `skill "red": handles first`, "bob": `skill "blue": handles second`, "cid": `skill "red", "blue": handles third`,
	} {
		rule, description, detail := ruleOf(answer, agent)
		if rule != "MultipleCallHandling" || strings.Contains(description, "red") || detail != want {
			t.Errorf("%s: %s: %s (%s)", agent, rule, description, detail)
		}
	}
}

func TestWhyWaitingRefused(t *testing.T) {
	f := newOffice(t, office())
	f.submit("wanted", "billing", "chat")
	f.submit("gone", "billing", "chat")
	f.must(chat, &usherv1.RequestStopProcessing{InteractionId: "gone"})
	for _, test := range []struct {
		id   string
		most int32
		want usherv1.ErrorCode
	}{
		{"", 0, usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT},
		{"unheard-of", 0, usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION},
		{"gone", 0, usherv1.ErrorCode_ERROR_CODE_ALREADY_STOPPED},
		{"wanted", -1, usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT},
		{"wanted", 10_001, usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT},
		{"wanted", 10_000, 0},
	} {
		_, why := f.router.WhyWaiting(f.e, f.now, &usherv1.RequestWhyWaiting{InteractionId: test.id, MaxAgents: test.most})
		if why.GetCode() != test.want {
			t.Errorf("%q, %d at most: got %v, want %s", test.id, test.most, why, test.want)
		}
	}
}

// summaries are how things stand with an interaction "wanted"; explained tells
// whether agents are.
var summaries = []struct {
	name      string
	happens   func(*floor)
	want      string
	explained bool
}{
	{"handled", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.accepted("wanted", "billing", "chat")
	}, "It does not wait: agent ann handles it.", false},
	{"held", func(f *floor) {
		f.submit("wanted", "billing", "chat")
		f.must(chat, &usherv1.RequestHold{InteractionId: "wanted"})
	}, "It is held, and routing passes over it until it is resumed.", false},
	{"locked", func(f *floor) {
		f.submit("wanted", "billing", "chat")
		f.must(chat, &usherv1.RequestTakeSnapshot{Lock: true})
	}, "It is locked by a snapshot, and routing passes over it until it is unlocked.", false},
	{"delivering", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.submit("wanted", "billing", "chat")
	}, "It is being delivered: agent ann is invited.", false},
	{"workbin", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.accepted("wanted", "billing", "chat")
		f.must(agentNamed("ann"), &usherv1.RequestPlaceInWorkbin{InteractionId: "wanted", Workbin: &usherv1.Workbin{Name: "desk"}})
	}, "It is in workbin desk of ann, where agents pull.", false},
	{"no strategy", func(f *floor) { f.submit("wanted", "pulled", "chat") }, "Queue pulled has no strategy: agents pull.", false},
	{"no router", func(f *floor) { f.submit("wanted", "external", "chat") },
		`It is in queue external and not handed to a router: none with strategy "ext" has room, or the queue's view does not show it.`, false},
	{"external router", func(f *floor) {
		f.must(urs, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_ROUTER, Strategies: []string{"ext"}})
		f.must(urs, engine.Connect{ConnectionID: "urs"})
		f.submit("wanted", "external", "chat")
	}, "It is with external router urs, which decides.", false},
	{"in no skill yet", func(f *floor) { f.submit("wanted", "music", "chat") }, "Its vector has queued it to no skill yet.", false},
	{"nobody there", func(f *floor) {
		f.login("bob", autoIn, "chat")
		f.submit("wanted", "billing", "chat")
	}, "Nobody is logged in who could have it.", true},
	{"all in AUX", func(f *floor) {
		f.login("ann", aux, "chat")
		f.submit("wanted", "billing", "chat")
	}, "All who could have it are in AUX or not ready.", true},
	{"all not ready", func(f *floor) {
		f.login("ann", autoIn, "-chat")
		f.submit("wanted", "service", "chat")
	}, "All who could have it are in AUX or not ready.", true},
	{"all busy", func(f *floor) {
		f.login("ann", autoIn, "voice")
		f.accepted("first", "billing", "voice")
		f.submit("wanted", "billing", "voice")
	}, "All who could have it are busy.", true},
	{"refused lately", func(f *floor) {
		f.login("ann", autoIn, "chat")
		f.submit("wanted", "billing", "chat")
		f.must(agentNamed("ann"), &usherv1.RequestReject{Ticket: f.take().ticket})
	}, "Those who are available have refused it lately, and are not asked again at once.", true},
}

func TestWhyWaitingSummaries(t *testing.T) {
	for _, test := range summaries {
		t.Run(test.name, func(t *testing.T) {
			f := newOffice(t, office())
			test.happens(f)
			answer := f.why("wanted")
			if answer.Summary != test.want {
				t.Errorf("got  %s\nwant %s", answer.Summary, test.want)
			}
			if explained := len(answer.Exclusions) > 0; explained != test.explained {
				t.Errorf("agents: %v", answer.Exclusions)
			}
			waits := test.name != "handled"
			if (answer.ExpectedWait != nil) != waits || (answer.WaitingSinceMs > 0) != waits {
				t.Errorf("since %d, expected %v", answer.WaitingSinceMs, answer.ExpectedWait)
			}
		})
	}
}

// TestWhyWaitingPlaces holds in which words a place is named, and the numbers
// of it.
func TestWhyWaitingPlaces(t *testing.T) {
	f := newOffice(t, office())
	f.login("ann", autoIn, "voice")
	f.login("bob", aux, "voice")
	f.accepted("first", "billing", "voice")
	for _, queue := range []string{"billing", "tax", "two", "german", "preferring", "direct", "music"} {
		f.submit(queue, queue, "voice")
	}
	f.must(chat, &usherv1.RequestSubmit{InteractionId: "service", Queue: "service", MediaType: "voice", Priority: 7})
	f.must(agentNamed("ann"), &usherv1.RequestStopProcessing{InteractionId: "first"}) // service is for her
	f.must(agentNamed("ann"), &usherv1.RequestReject{Ticket: f.take().ticket})        // now it is billing
	f.must(agentNamed("ann"), &usherv1.RequestReject{Ticket: f.take().ticket})        // now it is two
	f.must(agentNamed("ann"), &usherv1.RequestReject{Ticket: f.take().ticket})
	f.pass(4_500)
	for id, want := range map[string][]string{
		"billing":    {`skill "billing" at priority m for 4 s: 1, 1 of 1 available`},
		"tax":        {`skill "tax" at priority h for 4 s: 2, 0 of 0 available`},
		"two":        {`skill "tax" at priority t for 4 s: 1, 0 of 0 available`, `skill "billing" at priority m for 4 s: 2, 1 of 1 available`},
		"german":     {`target "german" (attribute.language == "de") at priority l for 4 s: 1, 0 of 0 available`},
		"preferring": {`agent "bob", preferred until others may have it for 4 s: 2, 0 of 1 available`},
		"direct":     {`agent "bob", directly for 4 s: 1, 0 of 1 available`},
		"service":    {`group "service" at priority 7 for 4 s: 1, 1 of 1 available`},
		"music":      nil,
	} {
		var got []string
		for _, p := range f.why(id).Places {
			got = append(got, fmt.Sprintf("%s: %d, %d of %d available", p.Where, p.Position, p.Available, p.Staffed))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got\n%q\nwant\n%q", id, got, want)
		}
	}
}

// TestWhyWaitingStep holds that the step is named on which it waits, and since
// when it waits.
func TestWhyWaitingStep(t *testing.T) {
	f := newOffice(t, office())
	f.submit("wanted", "music", "chat")
	began := f.now
	f.pass(1_500)
	answer := f.why("wanted")
	if answer.Step != "vector music, step 1: wait-time 50 secs hearing music" || answer.VectorState.GetVector() != "music" ||
		answer.WaitingSinceMs != int64(began) || answer.TimeMs != int64(f.now) || answer.InteractionId != "wanted" {
		t.Errorf("got %v", answer)
	}
}

// agentRule is a rule, and how the engine refuses to invite those in it.
type agentRule struct {
	rule string
	code usherv1.ErrorCode
}

// allRules are those that routing.proto names for agents, those nearest to an
// assignment first.
var allRules = []agentRule{
	{"Eligible", 0},
	{"BackOff", usherv1.ErrorCode_ERROR_CODE_NOT_READY},
	{"MultipleCallHandling", usherv1.ErrorCode_ERROR_CODE_NO_CAPACITY},
	{"CapacityUsed", usherv1.ErrorCode_ERROR_CODE_NO_CAPACITY},
	{"PendingWorkMode", usherv1.ErrorCode_ERROR_CODE_NOT_READY},
	{"WorkMode", usherv1.ErrorCode_ERROR_CODE_NOT_READY},
	{"MediaNotReady", usherv1.ErrorCode_ERROR_CODE_NOT_READY},
	{"MediaNotLoggedIn", usherv1.ErrorCode_ERROR_CODE_NOT_READY},
	{"DoNotDisturb", usherv1.ErrorCode_ERROR_CODE_NOT_READY},
	{"ConnectionLost", usherv1.ErrorCode_ERROR_CODE_NOT_READY},
	{"NotLoggedIn", usherv1.ErrorCode_ERROR_CODE_NOT_LOGGED_IN},
	{"NotPreferred", 0}, {"NotInSkill", 0}, {"NotInTarget", 0}, {"NotInGroup", 0},
}

// TestWhyWaitingAtRandom asks in random states why interactions wait. Each
// agent is in one rule, and if it is not that he can have it, the engine does
// not invite him.
func TestWhyWaitingAtRandom(t *testing.T) {
	seeds := uint64(10)
	if testing.Short() {
		seeds = 5
	}
	seen := map[string]int{}
	for seed := range seeds {
		f := newCentre(t, seed)
		random := rand.New(rand.NewPCG(seed, 11))
		for n := range 120 {
			who, request := f.anythingInCentre(random)
			switch {
			case n%20 == 7:
				who, request = f.unavailable(random)
			case n%4 == 1 && len(f.open) > 0:
				inv := f.take()
				who, request = agentNamed(inv.agent), &usherv1.RequestReject{Ticket: inv.ticket}
			}
			f.ask(who, request)
			f.route()
			if random.IntN(3) == 0 {
				f.pass(engine.Millis(random.IntN(4_000)))
			}
			if n%6 == 5 {
				later := f.now + engine.Millis(random.IntN(2)*6_000)
				(&inquiry{judge{f}, later, engine.Load(f.e.Export()), seen}).all()
			}
		}
	}
	t.Log(seen)
	for _, r := range allRules {
		if seen[r.rule] == 0 {
			t.Errorf("no agent is in rule %s: the work is not random enough", r.rule)
		}
	}
}

// unavailable is a request that makes an agent unavailable by other rules than
// work modes.
func (f *floor) unavailable(random *rand.Rand) (engine.Participant, any) {
	agent := fmt.Sprint("agent", random.IntN(7))
	return agentNamed(agent), []any{
		engine.Disconnect{ConnectionID: agent}, engine.Connect{ConnectionID: agent}, &usherv1.RequestDoNotDisturbOn{},
		&usherv1.RequestNotReadyForMedia{MediaType: "voice"}, &usherv1.RequestRemoveMedia{MediaType: "voice"},
	}[random.IntN(5)]
}

// inquiry compares what is said of the interactions of a state with what the
// judge counts and the engine's copy does.
type inquiry struct {
	judge
	now  engine.Millis // later than the router was asked, perhaps
	copy *engine.Engine
	seen map[string]int
}

func (q *inquiry) all() {
	for _, i := range q.waiting() {
		q.about(i)
	}
}

func (q *inquiry) about(i *engine.Interaction) {
	t, bids := q.f.t, q.bidsOf(i)
	answer, why := q.f.router.WhyWaiting(q.f.e, q.now, &usherv1.RequestWhyWaiting{InteractionId: string(i.ID()), MaxAgents: 100})
	if why != nil {
		t.Fatal(why)
	}
	q.places(answer, i, bids)
	ruled, last := map[string]bool{}, -1
	for _, e := range answer.Exclusions {
		at := slices.IndexFunc(allRules, func(r agentRule) bool { return r.rule == e.Rule })
		if at <= last || int(e.Count) != len(e.Agents) || e.Description == "" {
			t.Fatalf("%s: %d agents, named %d, after rule %d", e.Rule, e.Count, len(e.Agents), last)
		}
		last = at
		for _, a := range e.Agents {
			if ruled[a.AgentId] {
				t.Fatalf("%s is named twice", a.AgentId)
			}
			ruled[a.AgentId] = true
			q.seen[e.Rule]++
			q.agent(i, bids, e.Rule, a.AgentId, allRules[at].code)
		}
	}
	for config := range q.f.e.EachConfiguredAgent {
		if len(bids) > 0 && !ruled[config.AgentId] {
			t.Fatalf("%s is not named", config.AgentId)
		}
	}
}

// agent holds that a rule is true of an agent.
func (q *inquiry) agent(i *engine.Interaction, bids []bid, rule, id string, code usherv1.ErrorCode) {
	config, a := q.f.e.ConfiguredAgent(engine.AgentID(id)), q.f.e.Agent(engine.AgentID(id))
	if rule == "Eligible" && q.now == q.f.now {
		q.f.t.Fatalf("%s can have %s, and the router does not ask for it", id, i.ID())
	}
	his := slices.DeleteFunc(slices.Clone(bids), func(b bid) bool { return !q.wants(config, b.kind, b.name) })
	if excluded := strings.HasPrefix(rule, "Not") && rule != "NotLoggedIn"; excluded != (len(his) == 0) {
		q.f.t.Fatalf("%s: of the bids for %s %v are his", rule, id, his)
	}
	var codes []usherv1.ErrorCode
	for _, b := range his {
		skill := ""
		if a != nil {
			skill = q.rules(a, b)
		}
		codes = append(codes, q.asked(q.copy, i, id, skill))
		if rule == "Eligible" {
			q.copy = engine.Load(q.f.e.Export()) // it has been invited
		}
	}
	if code == usherv1.ErrorCode_ERROR_CODE_NO_CAPACITY && i.NotBefore(engine.AgentID(id)) > q.now {
		return // the engine names the back-off first
	}
	if len(his) > 0 && (!slices.Contains(codes, code) || rule != "Eligible" && slices.Contains(codes, 0)) {
		q.f.t.Fatalf("at %d: %s keeps %s from %s, but the engine says %v", q.now, rule, id, i.ID(), codes)
	}
}

// asked is how an engine refuses to invite an agent; 0 if it invites him.
func (q *inquiry) asked(e *engine.Engine, i *engine.Interaction, agent, skill string) usherv1.ErrorCode {
	return e.Handle(engine.Input{
		Now: q.now, Next: q.f.next, From: engine.BuiltinRouter, Request: &usherv1.RequestRouteCall{
			InteractionId: string(i.ID()),
			Target:        &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: agent, Skill: skill}},
		},
	}).Err.GetCode()
}

// places holds the numbers of the places, and the summary.
func (q *inquiry) places(answer *usherv1.EventWhyWaiting, i *engine.Interaction, bids []bid) {
	if len(answer.Places) != len(bids) {
		q.f.t.Fatalf("%d places for %d bids", len(answer.Places), len(bids))
	}
	all, working, available, least := 0, 0, 0, int32(0)
	for k, b := range bids {
		position := int32(0)
		for _, other := range q.bids() {
			if other.kind == b.kind && other.name == b.name && other.i.MediaType() == i.MediaType() {
				position++
				if other.i == i {
					break
				}
			}
		}
		free := 0
		for a := range q.f.e.EachAgent {
			if q.available(a, b.kind, b.name, i.MediaType()) {
				free++
			}
		}
		want := &usherv1.WaitingPlace{
			Where: answer.Places[k].Where, Position: position, Staffed: int32(q.staffed(b.kind, b.name)), Available: int32(free),
		}
		if !proto.Equal(answer.Places[k], want) {
			q.f.t.Fatalf("place %v, want %v", answer.Places[k], want)
		}
		all, working, available = all+int(want.Staffed), working+q.works(b.kind, b.name, i.MediaType()), available+free
		if least == 0 || position < least {
			least = position
		}
	}
	summary := "Those who are available"
	switch {
	case len(bids) == 0:
		summary = "Its vector has queued it to no skill"
	case all == 0:
		summary = "Nobody is logged in"
	case working == 0:
		summary = "All who could have it are in AUX"
	case available == 0:
		summary = "All who could have it are busy"
	}
	if !strings.HasPrefix(answer.Summary, summary) {
		q.f.t.Fatalf("%s, want %s", answer.Summary, summary)
	}
	if wait := answer.ExpectedWait; wait.Position != least || wait.Infinite != (working == 0 && available == 0) {
		q.f.t.Fatalf("expected wait %v, want position %d of %d who work", wait, least, working)
	}
}

// ---- expected waits ----

// waitingOffice is where of those who have a colour
//
//	red     ann is busy; high, medium and low wait
//	green   bob is busy; one waits, and no more may
//	blue    cid is free
//	grey    dan is in AUX
//	pink    eve is not logged in
func waitingOffice(t *testing.T) *floor {
	c := &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat"}, {Name: "voice"}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "reds"}, {Name: "empty"}},
		Skills:      []*usherv1.Skill{{Name: "red"}, {Name: "green", MaxQueued: 1}, {Name: "blue"}, {Name: "grey"}, {Name: "pink"}},
		Targets:     []*usherv1.Target{{Name: "reddish", Expression: "skill.red == 1", Stages: []*usherv1.TargetStage{{AfterMs: 1, Expression: "skill.blue == 1"}}}},
		Queues: []*usherv1.Queue{
			{Name: "reds", Strategy: engine.LongestIdle, AgentGroup: "reds"}, {Name: "empty", Strategy: engine.LongestIdle, AgentGroup: "empty"},
			{Name: "pulled"}, {Name: "external", Strategy: "ext"},
		},
		Vdns: []*usherv1.Vdn{
			{Name: "1", Queue: "by-number", Skills: []string{"grey", "red"}},
			{Name: "2", Queue: "by-number", Skills: []string{"pink", "grey", "blue"}},
			{Name: "3", Queue: "by-number"}, {Name: "4", Queue: "reds"},
		},
	}
	for agent, skill := range map[string]string{"ann": "red", "bob": "green", "cid": "blue", "dan": "grey", "eve": "pink"} {
		c.Agents = append(c.Agents, &usherv1.Agent{AgentId: agent, Skills: []*usherv1.AgentSkill{{Skill: skill}}})
		if skill == "red" {
			c.Agents[len(c.Agents)-1].AgentGroups = []string{"reds"}
		}
		vectored(c, skill, fmt.Sprintf("queue-to skill %s pri m", skill))
	}
	vectored(c, "red-high", "queue-to skill red pri h")
	vectored(c, "red-low", "queue-to skill red pri l")
	vectored(c, "grey-red", "queue-to skill grey pri m\n02  queue-to skill red pri l")
	vectored(c, "red-green", "queue-to skill green pri m\n02  check skill red pri l if calls-queued < 9")
	vectored(c, "reddish", "queue-to target reddish pri m")
	vectored(c, "by-number", "check skill 1st pri m if unconditionally\n02  queue-to skill 2nd pri l\n03  queue-to skill 3rd pri l")
	vectored(c, "best", "consider skill grey pri m adjust-by 0\n02  consider target reddish pri m adjust-by 0\n03  queue-to best")
	vectored(c, "considering", "consider skill red pri m adjust-by 0")
	vectored(c, "music", "wait-time 50 secs hearing music")
	f := newOffice(t, c)
	f.login("ann", autoIn, "voice")
	f.login("bob", autoIn, "voice")
	f.login("cid", autoIn, "voice")
	f.login("dan", aux, "voice")
	f.accepted("of-ann", "red", "voice")
	f.accepted("of-bob", "green", "voice")
	for _, queue := range []string{"red-low", "red", "red-high", "green", "grey-red"} {
		f.submit(queue, queue, "voice")
	}
	return f
}

// expectedWaits are answers in the waiting office. Where a wait ends, one agent
// works there; free tells that nobody waits for him.
var expectedWaits = []struct {
	name     string
	of       *usherv1.RequestExpectedWait
	position int32
	rank     int32
	infinite bool
	free     bool
}{
	{"skill, medium", ofSkill("red", 0), 3, 0, false, false},
	{"skill, low", ofSkill("red", usherv1.VectorPriority_VECTOR_PRIORITY_LOW), 5, -1, false, false},
	{"skill, high", ofSkill("red", usherv1.VectorPriority_VECTOR_PRIORITY_HIGH), 2, 1, false, false},
	{"skill, top", ofSkill("red", usherv1.VectorPriority_VECTOR_PRIORITY_TOP), 1, 2, false, false},
	{"skill, full", ofSkill("green", usherv1.VectorPriority_VECTOR_PRIORITY_TOP), 1, 0, true, false},
	{"skill, somebody is free", ofSkill("blue", 0), 1, 0, false, true},
	{"skill, all in AUX", ofSkill("grey", 0), 2, 0, true, false},
	{"skill, nobody logged in", ofSkill("pink", 0), 1, 0, true, false},
	{"skill, nobody for chat", &usherv1.RequestExpectedWait{Of: &usherv1.RequestExpectedWait_Skill{Skill: "blue"}, MediaType: "chat"}, 1, 0, true, false},
	{"queue with a group", ofQueue("reds"), 1, 0, false, false},
	{"queue with an empty group", ofQueue("empty"), 1, 0, true, false},
	{"queue where agents pull", ofQueue("pulled"), 0, 0, true, false},
	{"queue of an external router", ofQueue("external"), 0, 0, true, false},
	{"queue with a vector", ofQueue("red"), 3, 0, false, false},
	{"the better of two, the other is in AUX", ofQueue("grey-red"), 3, 0, false, false},
	{"the better of two, the other is full", ofQueue("red-green"), 3, 0, false, false},
	{"queue with a target", ofQueue("reddish"), 1, 0, false, false},
	{"the best of those considered", ofQueue("best"), 1, 0, false, false},
	{"considered in vain", ofQueue("considering"), 0, 0, true, false},
	{"queue that names no skill", ofQueue("music"), 0, 0, true, false},
	{"VDN, its 2nd skill, no 3rd", ofVdn("1"), 3, 0, false, false},
	{"VDN, its 3rd skill", ofVdn("2"), 1, 0, false, true},
	{"VDN without skills", ofVdn("3"), 0, 0, true, false},
	{"VDN of a queue with a group", ofVdn("4"), 1, 0, false, false},
	{"interaction", ofInteraction("red"), 2, 0, false, false},
	{"interaction, high", ofInteraction("red-high"), 1, 1, false, false},
	{"interaction, low", ofInteraction("red-low"), 3, -1, false, false},
	{"interaction, full makes it no worse", ofInteraction("green"), 1, 0, false, false},
	{"interaction, handled", ofInteraction("of-ann"), 0, 0, true, false},
}

func ofSkill(skill string, priority usherv1.VectorPriority) *usherv1.RequestExpectedWait {
	return &usherv1.RequestExpectedWait{Of: &usherv1.RequestExpectedWait_Skill{Skill: skill}, MediaType: "voice", Priority: priority}
}

func ofQueue(queue string) *usherv1.RequestExpectedWait {
	return &usherv1.RequestExpectedWait{Of: &usherv1.RequestExpectedWait_Queue{Queue: queue}, MediaType: "voice"}
}

func ofVdn(vdn string) *usherv1.RequestExpectedWait {
	return &usherv1.RequestExpectedWait{Of: &usherv1.RequestExpectedWait_Vdn{Vdn: vdn}, MediaType: "voice"}
}

func ofInteraction(id string) *usherv1.RequestExpectedWait {
	return &usherv1.RequestExpectedWait{Of: &usherv1.RequestExpectedWait_InteractionId{InteractionId: id}}
}

// TestExpectedWait: nothing has ended yet, so that all services foresee the
// same of the same numbers.
func TestExpectedWait(t *testing.T) {
	f := waitingOffice(t)
	for _, test := range expectedWaits {
		got, why := f.router.ExpectedWait(f.e, f.now, test.of)
		if why != nil {
			t.Fatalf("%s: %v", test.name, why)
		}
		want := &usherv1.EventExpectedWait{Position: test.position, Infinite: test.infinite}
		if !test.infinite && !test.free {
			want.ExpectedWaitMs, _ = f.e.Service(engine.ServedSkill, "pink", "voice").ExpectedMs(int(test.position), 1, 1, 0, test.rank)
		}
		if !proto.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", test.name, got, want)
		}
	}
}

// TestExpectedWaitOfTwoPlaces: its wait is the least, its position the
// smallest, which may be in different places.
func TestExpectedWaitOfTwoPlaces(t *testing.T) {
	f := waitingOffice(t)
	got, _ := f.router.ExpectedWait(f.e, f.now, ofInteraction("grey-red"))
	ms, _ := f.e.Service(engine.ServedSkill, "red", "voice").ExpectedMs(4, 1, 1, 0, -1)
	if got.Position != 1 || got.Infinite || got.ExpectedWaitMs != ms {
		t.Errorf("got %v, want the 1st place of grey, and %d ms of red", got, ms)
	}
	f.must(chat, &usherv1.RequestHold{InteractionId: "grey-red"})
	if got, _ := f.router.ExpectedWait(f.e, f.now, ofInteraction("grey-red")); !got.Infinite || got.Position != 0 {
		t.Errorf("held: got %v", got)
	}
}

func TestExpectedWaitRefused(t *testing.T) {
	f := waitingOffice(t)
	of := &usherv1.RequestExpectedWait_Skill{Skill: "red"}
	for _, test := range []struct {
		request *usherv1.RequestExpectedWait
		want    usherv1.ErrorCode
	}{
		{&usherv1.RequestExpectedWait{MediaType: "voice"}, usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT},
		{&usherv1.RequestExpectedWait{Of: of}, usherv1.ErrorCode_ERROR_CODE_UNKNOWN_MEDIA_TYPE},
		{&usherv1.RequestExpectedWait{Of: of, MediaType: "telex"}, usherv1.ErrorCode_ERROR_CODE_UNKNOWN_MEDIA_TYPE},
		{&usherv1.RequestExpectedWait{Of: of, MediaType: "voice", Priority: 5}, usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT},
		{ofSkill("violet", 0), usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT},
		{ofQueue("violet"), usherv1.ErrorCode_ERROR_CODE_UNKNOWN_QUEUE},
		{ofVdn("violet"), usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT},
		{ofInteraction("violet"), usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION},
	} {
		if got, why := f.router.ExpectedWait(f.e, f.now, test.request); got != nil || why.GetCode() != test.want {
			t.Errorf("%v: got %v, %v, want %s", test.request, got, why, test.want)
		}
	}
}
