package router

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// script tells an index what happens, one line each:
//
//	agent NAME idle-since GROUPS MEDIA...  media "voice" is available, "-voice" is not
//	skilled NAME PREFERENCE SEAT...        "SKILL/level/idle-since/deficit", "-SKILL/..." is not available
//	out NAME
//	wait ID GROUP MEDIA priority moved-at  in order of entry
//	claim ID CLAIM...                      "SKILL/rank/at"; "@NAME" is an agent's own pool
//	refuse ID AGENT until                  back-off
//	engine-refuses ID AGENT
//	gone ID
//	at TIME                                next match, "ID>AGENT" or "-", then the deadline
type script struct {
	index *index
	works map[string]*worldWork
	entry engine.Sequence
	said  []string
}

func (s *script) play(t *testing.T, line string) {
	t.Helper()
	f := strings.Fields(line)
	switch f[0] {
	case "agent":
		item := agentItem{id: engine.AgentID(f[1])}
		for g := range strings.SplitSeq(f[3], ",") {
			for _, m := range f[4:] {
				name, not := strings.CutPrefix(m, "-")
				item.seats = append(item.seats, seatItem{
					pool: groupPool(engine.GroupName(g), engine.MediaName(name)), available: !not, order: [3]int64{number64(f[2])},
				})
			}
		}
		s.index.setAgent(item)
	case "skilled":
		s.index.setAgent(skilled(f[1:]))
	case "out":
		s.index.dropAgent(engine.AgentID(f[1]))
	case "wait":
		at := engine.Millis(number64(f[5]))
		pool := groupPool(engine.GroupName(f[2]), engine.MediaName(f[3]))
		s.wait(f[1], []claimItem{{pool, int32(number64(f[4])), at}})
	case "claim":
		var claims []claimItem
		for _, c := range f[2:] {
			part := strings.Split(c, "/")
			claims = append(claims, claimItem{skillPool(part[0]), int32(number64(part[1])), engine.Millis(number64(part[2]))})
		}
		s.wait(f[1], claims)
	case "refuse":
		s.works[f[1]].backOffs[engine.AgentID(f[2])] = engine.Millis(number64(f[3]))
		s.index.setWork(s.works[f[1]].item())
	case "engine-refuses":
		s.index.refused(engine.InteractionID(f[1]), engine.AgentID(f[2]))
	case "gone":
		s.index.dropWork(engine.InteractionID(f[1]))
	case "at":
		s.at(engine.Millis(number64(f[1])))
	default:
		t.Fatalf("unknown line %q", line)
	}
	checkIndex(t, s.index)
}

// number64 is a number, or the rank of direct claims.
func number64(text string) int64 {
	if text == "direct" {
		return directRank
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// skillPool is where voice interactions wait for a skill or an agent.
func skillPool(name string) poolName {
	if id, own := strings.CutPrefix(name, "@"); own {
		return poolOf(engine.AgentID(id))
	}
	return poolName{className{kindSkill, name}, "voice"}
}

func skilled(f []string) agentItem {
	item := agentItem{id: engine.AgentID(f[0]), preference: map[string]usherv1.CallPreference{
		"level": usherv1.CallPreference_CALL_PREFERENCE_SKILL_LEVEL,
		"need":  usherv1.CallPreference_CALL_PREFERENCE_GREATEST_NEED,
		"share": usherv1.CallPreference_CALL_PREFERENCE_PERCENT_ALLOCATION,
	}[f[1]]}
	for _, seat := range f[2:] {
		name, not := strings.CutPrefix(seat, "-")
		part := strings.Split(name, "/")
		item.seats = append(item.seats, seatItem{
			pool: skillPool(part[0]), available: !not, level: int32(number64(part[1])),
			order: [3]int64{number64(part[2])}, deficit: number64(part[3]),
		})
	}
	return item
}

func (s *script) wait(id string, claims []claimItem) {
	s.entry++
	w := &worldWork{
		id: engine.InteractionID(id), entry: s.entry, claims: claims, backOffs: map[engine.AgentID]engine.Millis{},
	}
	s.works[id] = w
	s.index.setWork(w.item())
}

func (s *script) at(now engine.Millis) {
	said := "-"
	if m, ok := s.index.next(now); ok {
		said = fmt.Sprintf("%s>%s", m.interaction, m.agent)
	} else if next, ok := s.index.deadline(); ok {
		said = fmt.Sprintf("-%d", next)
	}
	s.said = append(s.said, said)
}

var rules = []struct{ name, script, want string }{
	{"nobody there", `
			wait 1 sales voice 0 10
			at 20`, "-"},
	{"longest idle of the group, then the smaller id", `
			agent cid 5 sales voice
			agent bob 5 sales voice
			agent ann 3 service voice
			wait 1 sales voice 0 10
			at 20`, "1>bob"},
	{"his media, and capacity left for it", `
			agent ann 1 sales -voice chat
			agent bob 2 sales chat
			agent cid 3 sales voice
			wait 1 sales voice 0 10
			at 20`, "1>cid"},
	{"priority, then time in the queue, then entry", `
			wait 1 sales voice 0 10
			wait 2 sales voice 5 30
			wait 3 sales voice 5 20
			wait 4 sales voice 5 20
			agent ann 1 sales voice
			at 40
			gone 3
			at 40
			gone 4
			at 40
			gone 2
			at 40`, "3>ann 4>ann 2>ann 1>ann"},
	{"first of all his queues and media", `
			wait 1 sales voice 1 10
			wait 2 service chat 2 20
			wait 3 service voice 1 9
			agent ann 1 sales,service voice chat
			at 40
			gone 2
			at 40
			gone 3
			at 40`, "2>ann 3>ann 1>ann"},
	{"an earlier one without agents holds back nobody", `
			wait 1 service voice 9 10
			wait 2 sales voice 0 20
			agent ann 1 sales voice
			at 40`, "2>ann"},
	{"back-off keeps a pair apart, and nobody else", `
			agent ann 1 sales voice
			agent bob 2 sales voice
			wait 1 sales voice 0 10
			at 20
			refuse 1 ann 5020
			at 20
			agent bob 2 sales -voice
			at 20
			wait 2 sales voice 0 30
			at 40`, "1>ann 1>bob -5020 2>ann"},
	{"a sole agent who refuses is asked again in time", `
			agent ann 1 sales voice
			wait 1 sales voice 0 10
			at 20
			refuse 1 ann 5020
			at 20
			at 5019
			at 5020
			refuse 1 ann 15020
			at 5020
			at 15020`, "1>ann -5020 -5020 1>ann -15020 1>ann"},
	{"who refused all gets what comes later", `
			wait 1 sales voice 0 10
			wait 2 sales voice 0 11
			wait 3 sales voice 0 12
			refuse 1 ann 5020
			refuse 2 ann 5010
			agent ann 1 sales voice
			at 20
			gone 3
			at 20
			wait 4 sales voice 7 30
			at 30
			at 5010
			gone 4
			at 5010
			at 5020`, "3>ann -5010 4>ann 4>ann 2>ann 1>ann"},
	{"the end of a back-off gives it to who is idle longer", `
			agent ann 1 sales voice
			agent bob 2 sales voice
			wait 1 sales voice 0 10
			refuse 1 ann 100
			at 99
			at 100`, "1>bob 1>ann"},
	{"what the engine refused waits for a change of the interaction", `
			agent ann 1 sales voice
			wait 1 sales voice 0 10
			wait 2 sales voice 0 20
			engine-refuses 1 ann
			engine-refuses 1 ann
			at 30
			gone 2
			at 30
			wait 1 sales voice 0 10
			at 30`, "2>ann - 1>ann"},
	{"or of the agent", `
			agent ann 1 sales voice
			wait 1 sales voice 0 10
			engine-refuses 1 ann
			engine-refuses 9 ann
			engine-refuses 1 nobody
			at 30
			agent ann 1 sales voice
			at 30`, "- 1>ann"},
	{"a refusal after a back-off", `
			agent ann 1 sales voice
			wait 1 sales voice 0 10
			refuse 1 ann 100
			at 30
			engine-refuses 1 ann
			at 30
			at 100
			agent ann 1 sales voice
			at 100`, "-100 -100 - 1>ann"},
	{"a refusal of one that came back meanwhile is forgotten", `
			agent ann 1 sales voice
			wait 1 sales voice 0 10
			engine-refuses 1 ann
			wait 1 sales voice 0 10
			engine-refuses 1 ann
			at 30
			agent ann 2 sales voice
			at 30`, "- 1>ann"},
	{"an agent leaves the group", `
			agent ann 1 sales voice
			wait 1 sales voice 0 10
			refuse 1 ann 50
			at 30
			agent ann 1 service voice
			at 50
			agent ann 1 sales,service voice
			at 50`, "-50 - 1>ann"},
	{"a match is taken back when its agent goes", `
			agent ann 1 sales voice
			agent bob 2 sales voice
			wait 1 sales voice 0 10
			at 20
			agent ann 1 sales -voice
			at 20
			agent bob 1 sales
			at 20`, "1>ann 1>bob -"},
	{"earlier ones of the agents who came and of those that arrived", `
			wait 1 sales voice 0 10
			at 20
			agent ann 1 sales voice
			wait 2 sales voice 0 20
			at 20
			wait 3 sales voice 1 30
			at 30`, "- 1>ann 3>ann"},
}

var skillRules = []struct {
	name         string
	agingMs      engine.Millis
	script, want string
}{
	{"the pool's order among free agents", 0, `
			skilled ann need billing/1/5/0
			skilled bob need billing/1/10/0
			skilled cid need billing/2/3/0
			claim 1 billing/0/10
			at 20
			out cid
			at 20
			skilled ann need -billing/1/5/0
			at 20`, "1>cid 1>ann 1>bob"},
	{"greatest need: rank, then age, over all skills", 0, `
			claim 1 billing/0/10
			claim 2 orders/1/30
			claim 3 orders/1/20
			skilled ann need billing/1/5/0 orders/9/5/0
			at 40
			gone 3
			at 40
			gone 2
			at 40`, "3>ann 2>ann 1>ann"},
	{"skill level: the best that has something for him", 0, `
			claim 1 orders/2/10
			claim 2 claims/0/20
			claim 3 claims/1/30
			claim 4 billing/9/5
			skilled ann level orders/3/5/0 claims/2/5/0 -billing/1/5/0
			at 40
			refuse 3 ann 50
			at 40
			gone 2
			at 40
			at 50`, "3>ann 2>ann 1>ann 3>ann"},
	{"percent allocation: the furthest below its share, then the better level", 0, `
			claim 1 orders/2/10
			claim 2 claims/0/20
			claim 3 billing/0/30
			skilled ann share orders/1/5/3 claims/9/5/7 billing/8/5/7
			at 40
			gone 3
			at 40
			gone 2
			at 40`, "3>ann 2>ann 1>ann"},
	{"the first claim names the agent, who takes what he prefers", 0, `
			claim 1 orders/2/10
			claim 2 claims/0/20
			skilled ann level orders/3/5/0 claims/2/5/0
			skilled bob level orders/1/9/0
			at 40
			gone 2
			at 40`, "2>ann 1>ann"},
	{"a direct claim goes before rank, level and share", 0, `
			claim 1 orders/9/10
			claim 2 @ann/direct/30
			claim 3 @ann/direct/20
			skilled ann level orders/1/5/0 @ann/9/5/0
			at 40
			skilled ann share orders/1/5/9 @ann/9/5/0
			gone 3
			at 40
			gone 2
			at 40`, "3>ann 2>ann 1>ann"},
	{"several claims are one interaction", 0, `
			claim 1 billing/0/10 orders/1/10
			claim 2 orders/0/5
			skilled ann need billing/1/5/0
			skilled bob need orders/1/5/0
			at 20
			gone 1
			at 20
			gone 2
			at 20`, "1>bob 2>bob -"},
	{"a back-off holds in all pools", 0, `
			claim 1 billing/0/10 orders/1/10
			skilled ann need billing/1/5/0 orders/1/5/0
			refuse 1 ann 50
			at 20
			at 50`, "-50 1>ann"},
	{"and so does what the engine refuses", 0, `
			claim 1 billing/0/10 orders/1/10
			skilled ann need billing/1/5/0 orders/1/5/0
			engine-refuses 1 ann
			at 20
			skilled bob need orders/1/9/0
			at 20
			skilled ann need billing/1/5/0 orders/1/5/0
			at 20`, "- 1>bob 1>ann"},
	{"the same claim again is at the other rank", 0, `
			claim 1 billing/0/10
			claim 2 billing/1/20
			skilled ann need billing/1/5/0
			at 30
			claim 1 billing/2/10
			at 30`, "2>ann 1>ann"},
	{"age makes up for rank, at so many milliseconds each", 100, `
			claim 1 billing/0/1000
			claim 2 billing/2/1199
			claim 3 billing/2/1200
			claim 4 billing/2/1201
			claim 5 billing/direct/9999
			skilled ann need billing/1/5/0
			at 9999
			gone 5
			at 9999
			gone 2
			at 9999
			gone 1
			at 9999
			gone 3
			at 9999`, "5>ann 2>ann 1>ann 3>ann 4>ann"},
}

func TestSkillRules(t *testing.T) {
	for _, test := range skillRules {
		t.Run(test.name, func(t *testing.T) { play(t, test.agingMs, test.script, test.want) })
	}
}

func TestRules(t *testing.T) {
	for _, test := range rules {
		t.Run(test.name, func(t *testing.T) { play(t, 0, test.script, test.want) })
	}
}

func play(t *testing.T, agingMs engine.Millis, lines, want string) {
	t.Helper()
	s := &script{index: newIndex(agingMs), works: map[string]*worldWork{}}
	for line := range strings.Lines(lines) {
		if strings.TrimSpace(line) != "" {
			s.play(t, line)
		}
	}
	if want := strings.Fields(want); !slices.Equal(s.said, want) {
		t.Errorf("matches %q, want %q", s.said, want)
	}
}
