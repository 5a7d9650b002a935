package engine

import (
	"github.com/usher-cc/usher/vector"
)

// known is what the vectors of a configuration may name; parsed are those
// vectors that could be parsed.
type known struct {
	c      *configuration
	parsed map[string]*vector.Vector
}

func (k known) HasSkill(name string) bool  { return k.c.skills[name] != nil }
func (k known) HasTarget(name string) bool { return k.c.targets[name] != nil }

func (k known) HasVector(name vector.Name) (steps int, ok bool) {
	if v := k.parsed[string(name)]; v != nil {
		return len(v.Steps), true
	}
	return 0, k.c.vectors[string(name)] != nil
}

func (k known) HasVdn(name string) bool   { return k.c.vdns[name] != nil }
func (k known) HasQueue(name string) bool { return k.c.queues[name] != nil }

func (k known) HasWorkbin(name, owner string) bool {
	w := k.c.workbins[name]
	return w != nil && (owner == "" || kindNamed(ownerKinds[w.GetOwnerKind()]).has(k.c, owner))
}

func (k known) HasAgent(id string) bool          { return k.c.agents[id] != nil }
func (k known) HasTable(name string) bool        { return k.c.tables[name] != nil }
func (k known) HasHolidayTable(name string) bool { return k.c.holidayTables[name] != nil }
func (k known) HasTimetable(name string) bool    { return k.c.timetables[name] != nil }
func (k known) HasAnnouncement(name string) bool { return k.c.announcements[name] != nil }
func (k known) HasService(name string) bool      { return k.c.externalServices[name] != nil }

func (k known) HasServiceType(name string) bool {
	for _, id := range sortedKeys(k.c.externalServices) {
		if k.c.externalServices[id].GetType() == name {
			return true
		}
	}
	return false
}

func (k known) Entries(name vector.Name) []int {
	var steps []int
	for _, other := range sortedKeys(k.parsed) {
		if k.parsed[other] == nil {
			continue
		}
		for _, s := range k.parsed[other].Steps {
			if to, ok := s.Action.(vector.GotoVector); ok && to.Vector == name && to.Step > 1 {
				steps = append(steps, to.Step)
			}
		}
	}
	return steps
}
