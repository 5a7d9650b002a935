package vector

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/expression"
)

// fakePlace is a skill or target of a fakeWorld.
type fakePlace struct {
	full, reached                     bool
	available, staffed, queued        int
	oldestMs, asaMs, waitMs, waitAsMs int64
	infinite, infiniteAs              bool
	askedPriority                     usherv1.VectorPriority
}

// fakeWorld is a world made by hand. Names that are in a map or list are
// known.
type fakeWorld struct {
	nowMs         int64
	weekMinute    int
	versions      map[Name][]*Vector // the last is the present; versions count from 1
	vdnSkills     []string
	places        map[string]*fakePlace // targets have a "~" before their name
	announcements map[string]int64
	ani           string
	lastAgent     string
	position      int
	vdnASAMs      map[string]int64
	counted       map[string]int
	tables        map[string]string
	holidays      map[string]bool
	hours         map[string]bool
	known         map[string]bool // "agent bob", "queue q", "vdn 4099", "workbin w of bob", "link 1", "service s", "type t"
	values        *expression.Values
}

func newFakeWorld() *fakeWorld {
	return &fakeWorld{
		nowMs:    1_000_000,
		versions: map[Name][]*Vector{},
		places: map[string]*fakePlace{
			"billing": {}, "general": {}, "tax": {}, "sales": {}, "~german": {},
		},
		announcements: map[string]int64{"busy-now": 4000, "short": 0},
		known:         map[string]bool{},
		values:        &expression.Values{Interaction: &usherv1.InteractionProperties{MediaType: "chat"}, WaitS: 31},
	}
}

// is makes a vector the present one of its name.
func (w *fakeWorld) is(t testing.TB, text string) Name {
	t.Helper()
	v, problems := Parse(text)
	if problems.Refused() {
		t.Fatalf("%s\n%s", text, problems)
	}
	w.versions[v.Name] = append(w.versions[v.Name], v)
	return v.Name
}

func (w *fakeWorld) place(p Place) *fakePlace {
	if p.Target != "" {
		return w.places["~"+p.Target]
	}
	return w.places[p.Skill]
}

func (w *fakeWorld) NowMs() int64    { return w.nowMs }
func (w *fakeWorld) WeekMinute() int { return w.weekMinute }
func (w *fakeWorld) Vector(name Name) (*Vector, uint64) {
	n := len(w.versions[name])
	return w.VectorAt(name, uint64(n)), uint64(n)
}
func (w *fakeWorld) VectorAt(name Name, version uint64) *Vector {
	if version == 0 || version > uint64(len(w.versions[name])) {
		return nil
	}
	return w.versions[name][version-1]
}
func (w *fakeWorld) VdnSkill(number int) string {
	if number > len(w.vdnSkills) {
		return ""
	}
	return w.vdnSkills[number-1]
}
func (w *fakeWorld) Vdn() string           { return "4099" }
func (w *fakeWorld) HasPlace(p Place) bool { return w.place(p) != nil }
func (w *fakeWorld) Full(p Place) bool     { return w.place(p).full }
func (w *fakeWorld) Reaches(q *usherv1.Queueing) bool {
	return w.place(rankedOf(q).place).reached
}
func (w *fakeWorld) AvailableAgents(p Place) int { return w.place(p).available }
func (w *fakeWorld) StaffedAgents(p Place) int   { return w.place(p).staffed }
func (w *fakeWorld) CallsQueued(p Place, priority usherv1.VectorPriority) int {
	w.place(p).askedPriority = priority
	return w.place(p).queued
}
func (w *fakeWorld) OldestCallWaitMs(p Place, priority usherv1.VectorPriority) int64 {
	w.place(p).askedPriority = priority
	return w.place(p).oldestMs
}
func (w *fakeWorld) RollingASAMs(p Place) int64         { return w.place(p).asaMs }
func (w *fakeWorld) RollingASAOfVdnMs(vdn string) int64 { return w.vdnASAMs[vdn] }
func (w *fakeWorld) CountedCalls(vdn string) int        { return w.counted[vdn] }
func (w *fakeWorld) ExpectedWaitMs(p Place, priority usherv1.VectorPriority) (int64, bool) {
	w.place(p).askedPriority = priority
	return w.place(p).waitMs, w.place(p).infinite
}
func (w *fakeWorld) ExpectedWaitAsMs(q *usherv1.Queueing) (int64, bool) {
	p := w.place(rankedOf(q).place)
	return p.waitAsMs, p.infiniteAs
}
func (w *fakeWorld) QueuePosition([]*usherv1.Queueing) int { return w.position }
func (w *fakeWorld) Announcement(name string) (int64, bool) {
	ms, ok := w.announcements[name]
	return ms, ok
}
func (w *fakeWorld) HasVoice() bool                  { return false }
func (w *fakeWorld) Ani() string                     { return w.ani }
func (w *fakeWorld) LastAgent() string               { return w.lastAgent }
func (w *fakeWorld) InTable(table, text string) bool { return w.tables[table] == text }
func (w *fakeWorld) Holiday(table string) bool       { return w.holidays[table] }
func (w *fakeWorld) ServiceHours(table string) bool  { return w.hours[table] }
func (w *fakeWorld) LinkUp(link string) bool         { return w.known["link "+link] }
func (w *fakeWorld) ServiceUp(service, kind string) bool {
	return w.known["service "+service] || w.known["type "+kind]
}
func (w *fakeWorld) AgentKnown(agent string) bool { return w.known["agent "+agent] }
func (w *fakeWorld) QueueKnown(queue string) bool { return w.known["queue "+queue] }
func (w *fakeWorld) VdnKnown(vdn string) bool     { return w.known["vdn "+vdn] }
func (w *fakeWorld) WorkbinKnown(workbin, owner string) bool {
	return w.known["workbin "+workbin+" of "+owner]
}
func (w *fakeWorld) Values() *expression.Values { return w.values }

// told puts a state and an outcome in a few words, e.g. "suspended at 3, +30000,
// in billing m, hearing music"; what is not said is empty. Times count from
// the fake world's first moment.
func told(s *usherv1.VectorState, o Outcome) string {
	var words []string
	say := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	switch {
	case o.Kind == Routed:
		return strings.TrimSpace(fmt.Sprintf("routed to %s %s %s", routeKinds[o.To], o.Name, o.Owner))
	case o.Kind == Dropped:
		return "dropped " + o.Reason
	case s.GetEnded():
		say("ended at %d", s.GetStep())
	default:
		say("suspended at %d", s.GetStep())
	}
	if s.GetResumeAtMs() != 0 {
		say("+%d", s.GetResumeAtMs()-1_000_000)
	}
	for _, q := range s.GetQueueings() {
		say("in %s %s", q.GetSkill()+q.GetTarget()+q.GetAgent(), priorities[q.GetPriority()][:1])
		if q.GetPreferredAgent() != "" {
			say("%s first until +%d", q.GetPreferredAgent(), q.GetPreferredUntilMs()-1_000_000)
		}
	}
	if t := s.GetTreatment(); t != nil {
		say("hearing %s", strings.ToLower(strings.TrimPrefix(t.GetKind().String(), "TREATMENT_KIND_"))+" "+t.GetSource())
		words[len(words)-1] = strings.TrimSpace(words[len(words)-1])
	}
	if len(s.GetAdjuncts()) > 0 {
		say("asking %s", strings.Join(s.GetAdjuncts(), " "))
	}
	if s.GetConversing() {
		say("passing %q", s.GetPassing())
	}
	return strings.Join(words, ", ")
}

func structOf(t testing.TB, json string) *structpb.Struct {
	t.Helper()
	s := &structpb.Struct{}
	if err := protojson.Unmarshal([]byte(json), s); err != nil {
		t.Fatal(err)
	}
	return s
}
