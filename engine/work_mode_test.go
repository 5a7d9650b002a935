package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// staffed is a centre where agent1 and agent2 are logged in with a work mode.
func staffed(t *testing.T, mode usherv1.WorkMode, code int32) *world {
	w := centre(t)
	for n, who := range []Participant{agent1, agent2} {
		r := login(fmt.Sprintf("place%d", n+1))
		r.WorkMode, r.ReasonCode = mode, code
		w.must(who, r)
	}
	return w
}

// pulls gives an agent a mail that no router brought.
func pulls(w *world, who Participant, id string) {
	w.must(media, &usherv1.RequestSubmit{InteractionId: id, Queue: "inbound", MediaType: "mail"})
	w.must(who, &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: "inbound"}})
}

// rings invites an agent by skill to a new mail; vdn is "" for no VDN.
func rings(w *world, who Participant, id, skill, vdn string) refusal {
	submit := &usherv1.RequestSubmit{InteractionId: id, Vdn: vdn, MediaType: "mail"}
	if vdn == "" {
		submit.Queue = "vectored"
	}
	w.must(media, submit)
	return w.ask(BuiltinRouter, &usherv1.RequestRouteCall{InteractionId: id, Target: &usherv1.RequestRouteCall_Agent{
		Agent: &usherv1.AgentTarget{AgentId: who.ID, Skill: skill},
	}}).Err
}

// gets is rings, and the agent accepts.
func gets(w *world, who Participant, id, skill, vdn string) {
	w.t.Helper()
	if why := rings(w, who, id, skill, vdn); why != nil {
		w.t.Fatal(why)
	}
	w.must(who, &usherv1.RequestAccept{Ticket: uint64(w.e.interactions[InteractionID(id)].invitations[0].ticket)})
}

func ends(w *world, who Participant, id string) {
	w.must(who, &usherv1.RequestStopProcessing{InteractionId: id})
}

// setMode asks for a work mode in words, as "AUX 7".
func setMode(w *world, who Participant, words string) refusal {
	name, code, _ := strings.Cut(words, " ")
	r := &usherv1.RequestSetAgentState{}
	_, _ = fmt.Sscan(code, &r.ReasonCode) // no code is 0
	for m := range usherv1.WorkMode_name {
		if ModeName(usherv1.WorkMode(m)) == name {
			r.WorkMode = usherv1.WorkMode(m)
		}
	}
	return w.ask(who, r).Err
}

// workOf is an agent's work mode in words: the present one, (the pending one),
// + for one more, ! for a pending logout, and the seconds of timed ACW.
func workOf(w *world, id AgentID) string {
	a := w.e.agents[id]
	if a == nil {
		return "logged out"
	}
	s := &a.work
	text := ModeName(s.mode)
	if s.mode == noWorkMode {
		text = "none"
	}
	code := ""
	if s.reasonCode != 0 {
		code = fmt.Sprintf(" %d", s.reasonCode)
	}
	if s.mode == modeAux {
		text, code = text+code, ""
	}
	if s.pending != noWorkMode {
		text += fmt.Sprintf(" (%s%s)", ModeName(s.pending), code)
	}
	if s.oneMore {
		text += " +"
	}
	if s.logoutPending {
		text += " !"
	}
	if s.acwUntil.at != 0 {
		text += fmt.Sprintf(" %ds", (s.acwUntil.at-w.now)/1000)
	}
	return text
}

// TestWorkModes asks for every work mode in every other, free and with an
// interaction.
func TestWorkModes(t *testing.T) {
	asked := []string{"AUX 7", "ACW", "auto-in", "manual-in"}
	free := []string{"AUX 7", "ACW 300s", "auto-in", "manual-in"}
	for _, test := range []struct {
		in   string
		busy []string
	}{
		{"none", []string{"auto-in (AUX 7)", "auto-in (ACW)", "auto-in +", "manual-in +"}},
		{"AUX 3", []string{"AUX 7", "AUX 3 (ACW)", "auto-in +", "manual-in +"}},
		{"ACW", []string{"ACW (AUX 7)", "ACW 300s", "auto-in +", "manual-in +"}},
		{"auto-in", []string{"auto-in (AUX 7)", "auto-in (ACW)", "auto-in +", "auto-in (manual-in) +"}},
		{"manual-in", []string{"manual-in (AUX 7)", "manual-in (ACW)", "manual-in (auto-in) +", "manual-in +"}},
	} {
		for n, mode := range asked {
			for _, busy := range []bool{false, true} {
				w := centre(t)
				w.must(agent3, login("place3")) // has no skills, and so no work mode
				if test.in != "none" && setMode(w, agent3, test.in) != nil {
					t.Fatal("refused")
				}
				want := free[n]
				if busy {
					pulls(w, agent3, "m")
					want = test.busy[n]
				}
				if why := setMode(w, agent3, mode); why != nil {
					t.Fatal(why)
				}
				if got := workOf(w, "agent3"); got != want {
					t.Errorf("%s, busy %v, asks %s: %s, want %s", test.in, busy, mode, got, want)
				}
				takes := !strings.Contains(want, "AUX") && !strings.Contains(want, "ACW")
				if w.e.agents["agent3"].work.takes() != takes {
					t.Errorf("%s: takes something new: %v", want, !takes)
				}
				w.checkFold()
			}
		}
	}
}

func TestWorkModeRefused(t *testing.T) {
	w := staffed(t, modeAuto, 0)
	w.must(supervisor, login("place3"))
	for _, test := range []struct {
		from    Participant
		request *usherv1.RequestSetAgentState
		code    usherv1.ErrorCode
		says    string
	}{
		{agent1, &usherv1.RequestSetAgentState{}, errInvalidArgument, "work_mode is missing"},
		{agent1, &usherv1.RequestSetAgentState{WorkMode: 9}, errInvalidArgument, "work_mode: 9 is unknown"},
		{agent1, &usherv1.RequestSetAgentState{WorkMode: modeAux, ReasonCode: 100}, errInvalidArgument, "reason_code: 100, 0 to 99"},
		{agent1, &usherv1.RequestSetAgentState{WorkMode: modeAux, ReasonCode: -1}, errInvalidArgument, "reason_code: -1, 0 to 99"},
		{agent1, &usherv1.RequestSetAgentState{WorkMode: modeAcw, ReasonCode: 1}, errInvalidArgument, "only AUX has one"},
		{agent1, &usherv1.RequestSetAgentState{WorkMode: modeAuto, AgentId: "agent2"}, errPermissionDenied, "only a supervisor"},
		{supervisor, &usherv1.RequestSetAgentState{WorkMode: modeAuto, AgentId: "agent3"}, errNotLoggedIn, `agent "agent3" is not logged in`},
		{agent3, &usherv1.RequestSetAgentState{WorkMode: modeAuto}, errNotLoggedIn, "is not logged in"},
	} {
		out := w.ask(test.from, test.request)
		if out.Err.GetCode() != test.code || !strings.Contains(out.Err.GetDescription(), test.says) {
			t.Errorf("%v: %v, want %s", test.request, out.Err, test.says)
		}
	}
	out := w.must(supervisor, &usherv1.RequestSetAgentState{WorkMode: modeAux, ReasonCode: 99, AgentId: "agent2"})
	if last := out.Entries[len(out.Entries)-1]; last.To[0] != agent2 || last.Event.GetEventForcedAgentStateChange().GetStatus().GetReasonCode() != 99 {
		t.Errorf("the agent does not hear it: %v", last)
	}
}

func TestLoginWorkMode(t *testing.T) {
	for _, test := range []struct {
		who  Participant
		mode usherv1.WorkMode
		code int32
		want string
	}{
		{agent1, noWorkMode, 0, "auto-in"},
		{agent2, noWorkMode, 0, "manual-in"},
		{agent3, noWorkMode, 0, "none"},
		{agent3, modeManual, 0, "manual-in"},
		{agent1, modeAux, 5, "AUX 5"},
		{agent1, modeAcw, 0, "refused"},
		{agent1, modeAuto, 5, "refused"},
		{agent1, 9, 0, "refused"},
		{supervisor, noWorkMode, 5, "refused"},
	} {
		w := centre(t)
		r := login("place1")
		r.WorkMode, r.ReasonCode = test.mode, test.code
		got := "refused"
		if w.ask(test.who, r).Err == nil {
			got = workOf(w, AgentID(test.who.ID))
		}
		if got != test.want {
			t.Errorf("%s logs in with %v %d: %s, want %s", test.who.ID, test.mode, test.code, got, test.want)
		}
	}
	w := centre(t)
	w.must(admin, agentApplied(&usherv1.Agent{AgentId: "agent1", Skills: []*usherv1.AgentSkill{{Skill: "billing"}}}))
	w.must(agent1, login(""))
	if got := workOf(w, "agent1"); got != "AUX" {
		t.Errorf("who has skills and nothing configured logs in with %s", got)
	}
}

func agentApplied(agents ...*usherv1.Agent) Apply { return Apply{agentsGiven(agents...)} }

// step is something that happens, in words that happens understands.
func happens(w *world, what string) {
	w.t.Helper()
	verb, rest, _ := strings.Cut(what, ":")
	switch arguments := strings.Split(rest, ","); verb {
	case "pulls":
		pulls(w, agent1, rest)
	case "gets":
		gets(w, agent1, arguments[0], arguments[1], arguments[2])
	case "rings":
		if why := rings(w, agent1, arguments[0], arguments[1], arguments[2]); why != nil {
			w.t.Fatal(why)
		}
	case "ends":
		ends(w, agent1, rest)
	case "asks":
		if why := setMode(w, agent1, rest); why != nil {
			w.t.Fatal(why)
		}
	case "leaves":
		w.must(agent1, &usherv1.RequestLeaveInteraction{InteractionId: rest})
	case "says":
		w.must(agent1, &usherv1.RequestChangeAgentStateReason{Reason: rest})
	case "passes":
		var seconds int
		if _, err := fmt.Sscan(rest, &seconds); err != nil {
			w.t.Fatal(err)
		}
		w.pass(Millis(seconds) * 1000)
	default:
		w.t.Fatalf("nothing is called %q", what)
	}
}

// TestWorkModeGoesOn is what follows of itself, step by step; logout time
// comes after 100 s.
func TestWorkModeGoesOn(t *testing.T) {
	for name, steps := range map[string][]string{
		"pending AUX begins": {"gets:m,billing,", "asks:AUX 7", "-> auto-in (AUX 7)", "ends:m", "-> AUX 7"},
		"pending waits for the last": {
			"pulls:a", "pulls:b", "asks:AUX 7", "ends:a", "-> auto-in (AUX 7)", "ends:b", "-> AUX 7",
		},
		"pending ACW begins":             {"pulls:m", "asks:ACW", "ends:m", "-> ACW 300s"},
		"pending is taken back":          {"pulls:m", "asks:AUX 7", "asks:auto-in", "-> auto-in +", "ends:m", "-> auto-in +"},
		"no ACW in auto-in":              {"gets:m,billing,", "ends:m", "-> auto-in"},
		"timed by skill":                 {"gets:m,orders,", "ends:m", "-> ACW (auto-in) 20s", "passes:19", "-> ACW (auto-in) 1s", "passes:1", "-> auto-in"},
		"timed by VDN first":             {"gets:m,orders,4002", "ends:m", "-> ACW (auto-in) 15s"},
		"VDN without one":                {"gets:m,orders,4001", "ends:m", "-> ACW (auto-in) 20s"},
		"timed after leaving":            {"gets:m,orders,", "leaves:m", "-> ACW (auto-in) 20s"},
		"timed is ended by himself":      {"gets:m,orders,", "ends:m", "asks:auto-in", "-> auto-in"},
		"timed becomes his own":          {"gets:m,orders,", "ends:m", "asks:ACW", "-> ACW 300s"},
		"ACW after a pull, too":          {"asks:manual-in", "pulls:m", "ends:m", "-> ACW 300s"},
		"pending manual-in begins":       {"pulls:m", "asks:manual-in", "-> auto-in (manual-in) +", "ends:m", "-> manual-in"},
		"pending auto-in: no ACW":        {"asks:manual-in", "gets:m,billing,", "asks:auto-in", "ends:m", "-> auto-in"},
		"pending till the last has gone": {"pulls:m", "pulls:o", "asks:manual-in", "ends:m", "-> auto-in (manual-in) +", "ends:o", "-> manual-in"},
		"manual-in":                      {"asks:manual-in", "gets:m,billing,", "ends:m", "-> ACW 300s"},
		"manual-in is never timed":       {"asks:manual-in", "gets:m,orders,4002", "ends:m", "-> ACW 300s"},
		"manual-in, another is left":     {"asks:manual-in", "gets:m,billing,", "pulls:o", "ends:m", "-> manual-in (ACW)", "ends:o", "-> ACW 300s"},
		"manual-in, one more asked for":  {"asks:manual-in", "gets:m,billing,", "pulls:o", "ends:m", "asks:auto-in", "-> manual-in (auto-in) +"},
		"ACW too long":                   {"asks:ACW", "passes:99", "-> ACW 201s", "-> ACW 201s"},
		"AUX revokes what rings":         {"rings:m,billing,", "asks:AUX 1", "passes:60", "-> AUX 1"},
		"RONA":                           {"rings:m,billing,", "passes:11", "-> auto-in", "passes:1", "-> AUX 4"},
		"no RONA":                        {"rings:m,orders,", "passes:30", "-> auto-in"},
		"logout time, free":              {"passes:100", "-> logged out"},
		"logout time, ACW":               {"asks:ACW", "passes:100", "-> logged out"},
		"logout time, ringing":           {"passes:95", "rings:m,billing,", "passes:5", "-> logged out"},
		"logout time, busy":              {"pulls:m", "passes:100", "-> auto-in !", "ends:m", "-> logged out"},
		"logout waits for the last":      {"pulls:a", "pulls:b", "passes:100", "ends:a", "-> auto-in !", "ends:b", "-> logged out"},
		"a pending logout stays":         {"pulls:m", "passes:100", "asks:manual-in", "-> auto-in (manual-in) + !", "asks:AUX 7", "-> auto-in (AUX 7) !", "ends:m", "-> logged out"},
		"a reason changes nothing else":  {"pulls:m", "passes:100", "says:lunch", "-> auto-in !", "ends:m", "-> logged out"},
		"logout and ACW after the first": {"asks:manual-in", "gets:m,billing,", "pulls:o", "passes:100", "ends:m", "-> manual-in (ACW) !", "ends:o", "-> logged out"},
		"RONA keeps a pending logout":    {"pulls:o", "passes:95", "rings:m,billing,", "passes:5", "-> auto-in !", "passes:10", "-> AUX 4 !"},
	} {
		t.Run(name, func(t *testing.T) {
			w := staffed(t, modeAuto, 0)
			w.now = untilLogout(w, 100_000)
			for _, step := range steps {
				if want, is := strings.CutPrefix(step, "-> "); !is {
					happens(w, step)
				} else if got := workOf(w, "agent1"); got != want {
					t.Errorf("%v: %s, want %s", steps, got, want)
				}
			}
			w.checkFold()
		})
	}
}

// untilLogout is a time before the next forced logout.
func untilLogout(w *world, before Millis) Millis { return w.e.logoutAt.at - before }

// TestLogoutTime is at which times agents are logged out, by the clocks of
// the tenant's zone.
func TestLogoutTime(t *testing.T) {
	for _, test := range []struct{ zone, at, now, next, then string }{
		{"Europe/Berlin", "18:00", "2026-01-10T16:59:59Z", "2026-01-10T17:00:00Z", "2026-01-11T17:00:00Z"},
		{"Europe/Berlin", "18:00", "2026-01-10T17:00:00Z", "2026-01-11T17:00:00Z", "2026-01-12T17:00:00Z"},
		{"Europe/Berlin", "18:00", "2026-03-28T10:00:00Z", "2026-03-28T17:00:00Z", "2026-03-29T16:00:00Z"}, // summer time begins
		{"Europe/Berlin", "18:00", "2026-10-24T10:00:00Z", "2026-10-24T16:00:00Z", "2026-10-25T17:00:00Z"}, // and ends
		{"Asia/Kolkata", "00:00", "2026-01-10T00:00:00Z", "2026-01-10T18:30:00Z", "2026-01-11T18:30:00Z"},
		{"", "23:59", "2026-01-10T00:00:00Z", "2026-01-10T23:59:00Z", "2026-01-11T23:59:00Z"},
	} {
		w := newWorld(t)
		w.now = at(t, test.now)
		w.must(admin, Apply{options(&usherv1.Options{TimeZone: test.zone, ForcedLogoutAt: test.at})})
		if next, _ := w.e.NextDeadline(); next != at(t, test.next) {
			t.Errorf("%v: next is %s", test, time.UnixMilli(int64(next)).UTC())
		}
		w.pass(at(t, test.next) - w.now)
		if next, _ := w.e.NextDeadline(); next != at(t, test.then) {
			t.Errorf("%v: then is %s", test, time.UnixMilli(int64(next)).UTC())
		}
		w.must(admin, Apply{options(&usherv1.Options{TimeZone: test.zone})})
		if next, ok := w.e.NextDeadline(); ok {
			t.Errorf("without a time, next is %d", next)
		}
		w.checkFold()
	}
}

// TestLogoutTimeIsNotMissed: a change of the configuration at the very time
// does not put it off.
func TestLogoutTimeIsNotMissed(t *testing.T) {
	w := staffed(t, modeAuto, 0)
	w.now = w.e.logoutAt.at
	w.must(admin, Apply{placeNamed("new")})
	changed := w.e.Options()
	w.must(admin, Apply{options(&usherv1.Options{TimeZone: changed.TimeZone, ForcedLogoutAt: changed.ForcedLogoutAt, ForcedLogoutReasonCode: 8})})
	var codes []int32
	for _, entry := range w.pass(0) {
		if out := entry.Event.GetEventAgentLogout(); out != nil {
			codes = append(codes, out.ReasonCode)
		}
	}
	if fmt.Sprint(codes) != "[8 8]" || workOf(w, "agent1") != "logged out" {
		t.Errorf("logged out with %v", codes)
	}
}

func at(t *testing.T, text string) Millis {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return Millis(parsed.UnixMilli())
}

// TestForcedLogouts: which reason and code a forced logout has.
func TestForcedLogouts(t *testing.T) {
	for reason, test := range map[string]struct {
		code int32
		does func(*world)
	}{
		reasonAcwTooLong:     {2, func(w *world) { setMode(w, agent1, "ACW"); w.pass(300_000) }},
		reasonLogoutTime:     {3, func(w *world) { w.pass(24 * 3_600_000) }},
		reasonConnectionLost: {5, func(w *world) { w.must(agent1, Disconnect{ConnectionID: "agent1-c"}); w.pass(60_000) }},
		"":                   {0, func(w *world) { w.must(agent1, &usherv1.RequestAgentLogout{}) }},
	} {
		w := centre(t)
		w.must(agent1, login("place1"))
		from := len(w.journal)
		test.does(w)
		found := false
		for _, ev := range eventsSince(w, from) {
			if out := ev.GetEventAgentLogout(); out != nil {
				found = true
				if ev.Reason != reason || out.ReasonCode != test.code {
					t.Errorf("%q: logged out with %q %d", reason, ev.Reason, out.ReasonCode)
				}
			}
		}
		if !found {
			t.Errorf("%q: not logged out", reason)
		}
	}
}

// eventsSince are the messages of the journal from an entry on.
func eventsSince(w *world, from int) (all []*usherv1.Event) {
	for _, stored := range w.journal[from:] {
		var entry usherv1.Entry
		if err := proto.Unmarshal(stored, &entry); err != nil {
			w.t.Fatal(err)
		}
		if entry.Event != nil {
			all = append(all, entry.Event)
		}
	}
	return all
}
