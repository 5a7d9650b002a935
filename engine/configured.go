package engine

import (
	"fmt"
	"strings"

	"github.com/usher-cc/usher/zone"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// What the router sees of the configuration and of who is connected. Objects
// of a configuration are never changed, so that they may be kept.

// Now is the time of the latest input.
func (e *Engine) Now() Millis { return e.now }

// Moment is a time as the tenant's clocks show it.
func (e *Engine) Moment(at Millis) zone.Moment { return e.zone.At(int64(at)) }

// Options are the tenant's options; never nil.
func (e *Engine) Options() *usherv1.Options { return e.config.options }

// QueueNamed is a queue, or nil.
func (e *Engine) QueueNamed(name QueueName) *usherv1.Queue { return e.config.queues[string(name)] }

// Skill is a skill, or nil.
func (e *Engine) Skill(name string) *usherv1.Skill { return e.config.skills[name] }

// Target is a target, or nil.
func (e *Engine) Target(name string) *usherv1.Target { return e.config.targets[name] }

// EachTarget gives the targets, sorted by name.
func (e *Engine) EachTarget(yield func(*usherv1.Target) bool) {
	for _, name := range sortedKeys(e.config.targets) {
		if !yield(e.config.targets[name]) {
			return
		}
	}
}

// EachSkill gives the skills, sorted by name.
func (e *Engine) EachSkill(yield func(*usherv1.Skill) bool) {
	for _, name := range sortedKeys(e.config.skills) {
		if !yield(e.config.skills[name]) {
			return
		}
	}
}

// EachMediaType gives the names of the media types, sorted.
func (e *Engine) EachMediaType(yield func(MediaName) bool) {
	for _, name := range sortedKeys(e.config.mediaTypes) {
		if !yield(MediaName(name)) {
			return
		}
	}
}

// VdnNamed is a VDN, or nil.
func (e *Engine) VdnNamed(name string) *usherv1.Vdn { return e.config.vdns[name] }

// EachVdn gives the VDNs, sorted by name.
func (e *Engine) EachVdn(yield func(*usherv1.Vdn) bool) {
	for _, name := range sortedKeys(e.config.vdns) {
		if !yield(e.config.vdns[name]) {
			return
		}
	}
}

// AskedIn gives the media type in which customers ask for a queue, directly or by
// a VDN that leads there: that of the first request type by name; none if they
// don't.
func (e *Engine) AskedIn() func(queue string) MediaName {
	asked := map[string]MediaName{}
	for _, name := range sortedKeys(e.config.requestTypes) {
		r := e.config.requestTypes[name]
		queue := r.GetQueue()
		if r.GetVdn() != "" {
			queue = e.config.vdns[r.GetVdn()].GetQueue()
		}
		if asked[queue] == "" {
			asked[queue] = MediaName(r.GetMediaType())
		}
	}
	return func(queue string) MediaName { return asked[queue] }
}

// HasMediaType tells whether there is a media type.
func (e *Engine) HasMediaType(name MediaName) bool { return e.config.mediaTypes[string(name)] != nil }

// Announcement is an announcement, or nil.
func (e *Engine) Announcement(name string) *usherv1.Announcement { return e.config.announcements[name] }

// Table is a table, or nil.
func (e *Engine) Table(name string) *usherv1.Table { return e.config.tables[name] }

// HolidayTable is a holiday table, or nil.
func (e *Engine) HolidayTable(name string) *usherv1.HolidayTable { return e.config.holidayTables[name] }

// Timetable is a table of service hours, or nil.
func (e *Engine) Timetable(name string) *usherv1.Timetable { return e.config.timetables[name] }

// Agent is an agent who is logged in, or nil.
func (e *Engine) Agent(id AgentID) *Agent { return e.agents[id] }

// ConfiguredAgent is an agent as he is configured, or nil.
func (e *Engine) ConfiguredAgent(id AgentID) *usherv1.Agent { return e.config.agents[string(id)] }

// EachConfiguredAgent gives the agents, sorted by id, logged in or not.
func (e *Engine) EachConfiguredAgent(yield func(*usherv1.Agent) bool) {
	for _, id := range sortedKeys(e.config.agents) {
		if !yield(e.config.agents[id]) {
			return
		}
	}
}

// HasWorkbin tells whether an owner has a workbin.
func (e *Engine) HasWorkbin(name, owner string) bool {
	return owner != "" && known{c: e.config}.HasWorkbin(name, owner)
}

// LinkUp tells whether an external router is connected that has loaded the
// strategy that a link of adjunct routing names.
func (e *Engine) LinkUp(link string) bool {
	_, up := e.pickRouter(link, BuiltinRouter)
	return up
}

// ServiceUp tells whether an external service is connected that has the name,
// or the type.
func (e *Engine) ServiceUp(name, kind string) bool { return e.pickService(name, kind) != nil }

// Strategy is the strategy that works on the interaction; empty if none does.
func (i *Interaction) Strategy() string { return i.strategy }

// Values are its properties; they are not to be changed.
func (i *Interaction) Values() *usherv1.InteractionProperties { return i.props }

// Router is the router that has the interaction; empty if none has.
func (i *Interaction) Router() string { return i.router.ID }

// InvitedAgent is the first of the agents who are invited to it; empty if
// nobody is.
func (i *Interaction) InvitedAgent() AgentID {
	if len(i.invitations) == 0 {
		return ""
	}
	return i.invitations[0].agent
}

// Find is a live interaction, or the refusal that says what became of it.
func (e *Engine) Find(id string) (*Interaction, *usherv1.EventError) { return e.interaction(id) }

// Refuse makes a refusal; the sentence says what is wrong and where.
func Refuse(code usherv1.ErrorCode, format string, args ...any) *usherv1.EventError {
	return refuse(code, format, args...)
}

// WhyNot is a rule that keeps something new from an agent.
type WhyNot struct{ Rule, Description, Detail string }

// WhyNot is the rule that keeps a routed interaction of a media type from
// him now; its Rule is empty if none does.
func (a *Agent) WhyNot(media MediaName, now Millis) WhyNot {
	m := a.mediaState(media)
	switch {
	case !a.connected():
		return WhyNot{Rule: "ConnectionLost", Description: "They have lost their connection."}
	case a.dnd:
		return WhyNot{Rule: "DoNotDisturb", Description: "They do not want to be disturbed.", Detail: a.reason}
	case m == nil:
		return WhyNot{Rule: "MediaNotLoggedIn", Description: fmt.Sprintf("They are not logged in for %s.", media)}
	case !m.ready:
		return WhyNot{Rule: "MediaNotReady", Description: fmt.Sprintf("They are not ready for %s.", media), Detail: m.reason}
	case !a.work.takes() && (a.work.pending != noWorkMode && a.work.mode != modeAcw || a.work.logoutPending):
		return WhyNot{Rule: "PendingWorkMode", Description: "They take nothing more until their interactions have ended.", Detail: a.work.describe()}
	case !a.work.takes():
		return WhyNot{
			Rule: "WorkMode", Description: "They are in AUX or ACW.",
			Detail: fmt.Sprintf("%s since %d s", a.work.describe(), (now-a.work.since)/1000),
		}
	case a.capacityLeft(media) <= 0:
		return WhyNot{Rule: "CapacityUsed", Description: "They have as much as they may.", Detail: a.Has()}
	}
	return WhyNot{}
}

// Has says in words what he has.
func (a *Agent) Has() string {
	var parts []string
	for _, i := range a.handling {
		parts = append(parts, "handles "+string(i.ID()))
	}
	for _, inv := range a.invitations {
		parts = append(parts, "is invited to "+string(inv.interaction.ID()))
	}
	if len(parts) > 3 {
		parts = append(parts[:3], fmt.Sprintf("and %d more", len(parts)-3))
	}
	return strings.Join(parts, ", ")
}
