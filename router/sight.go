package router

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/usher-cc/usher/expression"
	"github.com/usher-cc/usher/vector"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// sight is what the vector of an interaction can see.
type sight struct {
	r           *Router
	interaction *engine.Interaction
	now         engine.Millis
}

var _ vector.World = (*sight)(nil)

func (w *sight) NowMs() int64    { return int64(w.now) }
func (w *sight) WeekMinute() int { return w.r.engine.Moment(w.now).WeekMinute }

func (w *sight) Vector(name vector.Name) (*vector.Vector, uint64) {
	return w.r.engine.PresentVector(string(name))
}

func (w *sight) VectorAt(name vector.Name, version uint64) *vector.Vector {
	return w.r.engine.VectorAt(string(name), version)
}

func (w *sight) Vdn() string { return w.interaction.Vdn() }

func (w *sight) VdnSkill(number int) string {
	if skills := w.r.engine.VdnNamed(w.Vdn()).GetSkills(); number >= 1 && number <= len(skills) {
		return skills[number-1]
	}
	return ""
}

func (w *sight) HasPlace(p vector.Place) bool {
	if p.Target != "" {
		return w.r.engine.Target(p.Target) != nil
	}
	return w.r.engine.Skill(p.Skill) != nil
}

func (w *sight) Full(p vector.Place) bool {
	most := w.r.engine.Skill(p.Skill).GetMaxQueued()
	return p.Target == "" && most > 0 && w.r.index.waiting(w.pool(p), -directRank) >= int(most)
}

// pool is where the interaction would wait at a place at first.
func (w *sight) pool(p vector.Place) poolName {
	return w.poolOf(&usherv1.Queueing{Skill: p.Skill, Target: p.Target, QueuedAtMs: int64(w.now)})
}

func (w *sight) poolOf(q *usherv1.Queueing) poolName {
	class, _ := w.r.classOf(q)
	return poolName{class, w.interaction.MediaType()}
}

func (w *sight) Reaches(q *usherv1.Queueing) bool {
	return w.r.index.reaches(w.poolOf(q), w.interaction, w.now)
}

func (w *sight) AvailableAgents(p vector.Place) int { return w.r.index.idle(w.pool(p)) }
func (w *sight) StaffedAgents(p vector.Place) int   { return w.r.index.staffed(w.pool(p).class) }

func (w *sight) CallsQueued(p vector.Place, priority usherv1.VectorPriority) int {
	return w.r.index.waiting(w.pool(p), lowestOf(priority))
}

// lowestOf is the least rank that counts; without a priority all do.
func lowestOf(priority usherv1.VectorPriority) int32 {
	if priority == usherv1.VectorPriority_VECTOR_PRIORITY_UNSPECIFIED {
		return -directRank
	}
	return rankOfPriority(priority)
}

func (w *sight) OldestCallWaitMs(p vector.Place, priority usherv1.VectorPriority) int64 {
	if at, ok := w.r.index.oldest(w.pool(p), lowestOf(priority)); ok {
		return int64(w.now - at)
	}
	return 0
}

func (w *sight) RollingASAMs(p vector.Place) int64 {
	if p.Target != "" {
		return w.r.engine.Service(engine.ServedTarget, p.Target, w.interaction.MediaType()).AverageAnswerMs()
	}
	return w.r.engine.Service(engine.ServedSkill, p.Skill, w.interaction.MediaType()).AverageAnswerMs()
}

func (w *sight) RollingASAOfVdnMs(vdn string) int64 { return w.r.engine.AnswerOfVdnMs(vdn) }
func (w *sight) CountedCalls(vdn string) int        { return w.r.engine.CallsOfVdn(vdn) }

func (w *sight) ExpectedWaitMs(p vector.Place, priority usherv1.VectorPriority) (ms int64, infinite bool) {
	if w.Full(p) {
		return 0, true
	}
	rank := rankOfPriority(priority)
	pool := w.pool(p)
	return w.r.expected(pool, p.Target, w.r.index.waiting(pool, rank)+1, rank)
}

func (w *sight) ExpectedWaitAsMs(q *usherv1.Queueing) (ms int64, infinite bool) {
	return w.r.expected(w.poolOf(q), q.GetTarget(), w.position(q), rankOf(q))
}

// position is the interaction's place where it waits so. Where it has been
// queued or requeued in this very run, it is that which it is about to have.
func (w *sight) position(q *usherv1.Queueing) int {
	pool := w.poolOf(q)
	for _, known := range w.interaction.Vector().GetQueueings() {
		if known.GetSkill() == q.GetSkill() && known.GetTarget() == q.GetTarget() && known.GetPriority() == q.GetPriority() {
			if position, ok := w.r.index.position(w.interaction.ID(), pool); ok {
				return position
			}
		}
	}
	return w.r.index.waiting(pool, rankOf(q)) + 1
}

func (w *sight) QueuePosition(queueings []*usherv1.Queueing) int {
	least := 0
	for _, q := range queueings {
		if position := w.position(q); least == 0 || position < least {
			least = position
		}
	}
	return least
}

func (w *sight) Announcement(name string) (ms int64, ok bool) {
	a := w.r.engine.Announcement(name)
	return a.GetDurationMs(), a != nil
}

// HasVoice: no interaction has a voice leg yet.
func (w *sight) HasVoice() bool { return false }

// Ani is the user data "ani".
func (w *sight) Ani() string {
	return w.interaction.Values().GetUserData().GetFields()["ani"].GetStringValue()
}

func (w *sight) LastAgent() string { return string(w.interaction.LastAgent()) }

func (w *sight) InTable(table, text string) bool {
	for _, entry := range w.r.engine.Table(table).GetEntries() {
		if fits(entry, text) {
			return true
		}
	}
	return false
}

// fits tells whether a text is that of a table's entry: "?" stands for one
// character, "+" at the end for any rest, at the beginning for itself.
func fits(entry, text string) bool {
	rest := len(entry) > 1 && strings.HasSuffix(entry, "+")
	if rest {
		entry = strings.TrimSuffix(entry, "+")
	}
	want, have := []rune(entry), []rune(text)
	if len(have) < len(want) || !rest && len(have) != len(want) {
		return false
	}
	for k := range want {
		if want[k] != '?' && want[k] != have[k] {
			return false
		}
	}
	return true
}

func (w *sight) Holiday(table string) bool {
	m := w.r.engine.Moment(w.now)
	for _, h := range w.r.engine.HolidayTable(table).GetHolidays() {
		today := fmt.Sprintf("%02d-%02d", m.Month, m.Day)
		if len(h.GetFrom()) > len(today) {
			today = fmt.Sprintf("%04d-%s", m.Year, today)
		}
		from, to := h.GetFrom(), cmp.Or(h.GetTo(), h.GetFrom())
		if from <= to && from <= today && today <= to || from > to && (today >= from || today <= to) {
			return true
		}
	}
	return false
}

const minutesOfDay = 24 * 60

func (w *sight) ServiceHours(table string) bool {
	minute := w.WeekMinute()
	today := vector.Days[1+minute/minutesOfDay]
	time := fmt.Sprintf("%02d:%02d", minute%minutesOfDay/60, minute%60)
	for _, h := range w.r.engine.Timetable(table).GetHours() {
		if (h.GetDay() == vector.Days[0] || h.GetDay() == today) && h.GetFrom() <= time && time < h.GetTo() {
			return true
		}
	}
	return false
}

func (w *sight) LinkUp(link string) bool             { return w.r.engine.LinkUp(link) }
func (w *sight) ServiceUp(service, kind string) bool { return w.r.engine.ServiceUp(service, kind) }
func (w *sight) AgentKnown(agent string) bool        { return w.r.engine.Agent(engine.AgentID(agent)) != nil }
func (w *sight) VdnKnown(vdn string) bool            { return w.r.engine.VdnNamed(vdn) != nil }

func (w *sight) QueueKnown(queue string) bool {
	return w.r.engine.QueueNamed(engine.QueueName(queue)) != nil
}

func (w *sight) WorkbinKnown(workbin, owner string) bool {
	return w.r.engine.HasWorkbin(workbin, owner)
}

func (w *sight) Values() *expression.Values {
	return &expression.Values{
		Interaction: w.interaction.Values(), Vdn: w.Vdn(),
		WaitS: int64(w.now-w.interaction.MovedToQueueAt()) / 1000,
	}
}
