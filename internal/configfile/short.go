package configfile

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/nearest"
	"github.com/usher-cc/usher/internal/yamlfile"
)

// What is written shorter than field by field: each form with its reader and
// its writer. A writer gives nil for what does not fit its form.

var (
	// holidayForm is a day of every year or of one, or the days from one to
	// another.
	holidayForm = regexp.MustCompile(`^((?:\d{4}-)?\d\d-\d\d)(?: to ((?:\d{4}-)?\d\d-\d\d))?$`)
	// hoursForm is a day of the week, or the days from one to another, and the
	// times between which they are open.
	hoursForm = regexp.MustCompile(`^([a-z]+)(?:-([a-z]+))? (\d\d:\d\d)-(\d\d:\d\d)$`)
	// orderForm is a property.
	orderForm = regexp.MustCompile(`^(\S+)( descending)?$`)
)

// weekdays are in the order in which a range of days goes.
var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// everyDay is the day that stands for all.
const everyDay = "all"

// short reads an element of a list in its short form, and tells whether it was
// one.
func (d *decoder) short(n *yaml.Node, what string, to protoreflect.List) bool {
	n = yamlfile.Resolved(n)
	kind := to.NewElement().Message()
	if _, is := kind.Interface().(*usherv1.CapacityAlternative); is {
		d.field(n, what, kind.Descriptor().Fields().ByName("media"), to.AppendMutable().Message())
		return true
	}
	if n.Kind != yaml.ScalarNode {
		return false
	}
	var all []proto.Message
	switch kind.Interface().(type) {
	case *usherv1.Holiday:
		all = d.holiday(n, what)
	case *usherv1.ServiceHours:
		all = d.hours(n, what)
	case *usherv1.ViewOrder:
		all = d.order(n, what)
	default:
		return false
	}
	for _, m := range all {
		to.Append(protoreflect.ValueOfMessage(m.ProtoReflect()))
	}
	return true
}

func (d *decoder) holiday(n *yaml.Node, what string) []proto.Message {
	m := holidayForm.FindStringSubmatch(n.Value)
	if m == nil {
		d.Fail(n, "%s: expected a day such as 12-25 or 2026-12-25, or 12-24 to 12-26, found %s", what, yamlfile.Found(n))
		return nil
	}
	return []proto.Message{&usherv1.Holiday{From: m[1], To: m[2]}}
}

func (d *decoder) hours(n *yaml.Node, what string) (all []proto.Message) {
	m := hoursForm.FindStringSubmatch(n.Value)
	if m == nil {
		d.Fail(n, "%s: expected hours such as mon-fri 08:00-18:00 or all 00:00-24:00, found %s", what, yamlfile.Found(n))
		return nil
	}
	if m[1] == everyDay && m[2] == "" {
		return []proto.Message{&usherv1.ServiceHours{Day: everyDay, From: m[3], To: m[4]}}
	}
	if m[2] == "" {
		m[2] = m[1]
	}
	for _, day := range m[1:3] {
		if !slices.Contains(weekdays, day) {
			d.Fail(n, "%s: %q is none of %s%s", what, day, strings.Join(append(weekdays, everyDay), ", "), nearest.Hint(day, weekdays))
			return nil
		}
	}
	from, to := slices.Index(weekdays, m[1]), slices.Index(weekdays, m[2])
	if from > to {
		d.Fail(n, "%s: %s comes after %s in the week; write two lines", what, m[1], m[2])
		return nil
	}
	for _, day := range weekdays[from : to+1] {
		all = append(all, &usherv1.ServiceHours{Day: day, From: m[3], To: m[4]})
	}
	return all
}

func (d *decoder) order(n *yaml.Node, what string) []proto.Message {
	m := orderForm.FindStringSubmatch(n.Value)
	if m == nil || !isText(n) {
		d.Fail(n, "%s: expected a property such as priority, or priority descending, found %s", what, yamlfile.Found(n))
		return nil
	}
	return []proto.Message{&usherv1.ViewOrder{Property: m[1], Descending: m[2] != ""}}
}

// isSkills tells whether a field is the skills of an agent.
func isSkills(field protoreflect.FieldDescriptor) bool {
	return field.Message() != nil && field.Message() == (&usherv1.AgentSkill{}).ProtoReflect().Descriptor()
}

// agentSkills reads skills with their levels, or with level and share.
func (d *decoder) agentSkills(n *yaml.Node, what string, to protoreflect.List) {
	d.Pairs(n, what, func(key, value *yaml.Node) {
		skill := &usherv1.AgentSkill{Skill: key.Value}
		what := what + "." + key.Value
		to.Append(protoreflect.ValueOfMessage(skill.ProtoReflect()))
		if value = yamlfile.Resolved(value); value.Kind != yaml.MappingNode {
			if level, ok := d.number(value, what, protoreflect.Int32Kind); ok {
				skill.Level = int32(level.Int())
			}
			return
		}
		d.message(value, what, skill.ProtoReflect(), func(field protoreflect.FieldDescriptor, key, value *yaml.Node) {
			if field.Name() == "skill" {
				d.Fail(key, "the skill has been named already")
				return
			}
			d.field(value, key.Value, field, skill.ProtoReflect())
		})
	})
}

// skillsNode writes skills as agentSkills reads them.
func skillsNode(skills protoreflect.List) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range skills.Len() {
		skill := skills.Get(i).Message().Interface().(*usherv1.AgentSkill)
		rest := &usherv1.AgentSkill{Level: skill.GetLevel(), Percent: skill.GetPercent()}
		value := message(rest.ProtoReflect())
		if rest.GetPercent() == 0 {
			value = numberNode(int64(rest.GetLevel()))
		}
		n.Content = append(n.Content, textNode(skill.GetSkill()), compact(value))
	}
	return compact(n)
}

// shortNodes writes the elements of a list in their short forms; nil if they
// have none or one does not fit.
func shortNodes(list protoreflect.List) []*yaml.Node {
	nodes := []*yaml.Node{}
	for i := 0; i < list.Len(); {
		n, count := shortNode(list, i)
		if n == nil {
			return nil
		}
		nodes = append(nodes, n)
		i += count
	}
	return nodes
}

// shortNode writes the element at i, and says how many elements it stands for.
func shortNode(list protoreflect.List, i int) (n *yaml.Node, count int) {
	switch m := list.Get(i).Message().Interface().(type) {
	case *usherv1.CapacityAlternative:
		media := m.ProtoReflect().Descriptor().Fields().ByName("media")
		return mapping(media, m.ProtoReflect().Get(media).Map()), 1
	case *usherv1.Holiday:
		text := m.GetFrom()
		if m.GetTo() != "" {
			text += " to " + m.GetTo()
		}
		if m.GetDescription() == "" && holidayForm.MatchString(text) {
			return textNode(text), 1
		}
	case *usherv1.ServiceHours:
		return hoursNode(list, i)
	case *usherv1.ViewOrder:
		if orderForm.MatchString(m.GetProperty()) && m.GetProperty() != "" {
			if m.GetDescending() {
				return textNode(m.GetProperty() + " descending"), 1
			}
			return textNode(m.GetProperty()), 1
		}
	}
	return nil, 0
}

// hoursNode writes consecutive days with the same hours as one.
func hoursNode(list protoreflect.List, i int) (n *yaml.Node, count int) {
	at := func(i int) *usherv1.ServiceHours { return list.Get(i).Message().Interface().(*usherv1.ServiceHours) }
	first := at(i)
	times := " " + first.GetFrom() + "-" + first.GetTo()
	day := slices.Index(weekdays, first.GetDay())
	switch {
	case !hoursForm.MatchString("all" + times):
		return nil, 0
	case first.GetDay() == everyDay:
		return textNode(everyDay + times), 1
	case day < 0:
		return nil, 0
	}
	count = 1
	for i+count < list.Len() && day+count < len(weekdays) {
		next := at(i + count)
		if next.GetDay() != weekdays[day+count] || next.GetFrom() != first.GetFrom() || next.GetTo() != first.GetTo() {
			break
		}
		count++
	}
	if count == 1 {
		return textNode(first.GetDay() + times), 1
	}
	return textNode(first.GetDay() + "-" + weekdays[day+count-1] + times), count
}
