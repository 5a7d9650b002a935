package router

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/usher-cc/usher/engine"
)

// script tells an index what happens, one line each:
//
//	agent NAME idle-since GROUPS MEDIA...  media "voice" is available, "-voice" is not
//	wait ID GROUP MEDIA priority moved-at  in order of entry
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
		var since int64
		fmt.Sscan(f[2], &since)
		for g := range strings.SplitSeq(f[3], ",") {
			for _, m := range f[4:] {
				name, not := strings.CutPrefix(m, "-")
				item.seats = append(item.seats, seatItem{
					pool: groupPool(engine.GroupName(g), engine.MediaName(name)), available: !not, order: [3]int64{since},
				})
			}
		}
		s.index.setAgent(item)
	case "wait":
		s.entry++
		w := &worldWork{
			id: engine.InteractionID(f[1]), group: engine.GroupName(f[2]), media: engine.MediaName(f[3]),
			entry: s.entry, backOffs: map[engine.AgentID]engine.Millis{},
		}
		fmt.Sscan(f[4]+" "+f[5], &w.priority, &w.movedAt)
		s.works[f[1]] = w
		s.index.setWork(w.item())
	case "refuse":
		var until engine.Millis
		fmt.Sscan(f[3], &until)
		s.works[f[1]].backOffs[engine.AgentID(f[2])] = until
		s.index.setWork(s.works[f[1]].item())
	case "engine-refuses":
		s.index.refused(engine.InteractionID(f[1]), engine.AgentID(f[2]))
	case "gone":
		s.index.dropWork(engine.InteractionID(f[1]))
	case "at":
		s.at(f[1])
	default:
		t.Fatalf("unknown line %q", line)
	}
	checkIndex(t, s.index)
}

func (s *script) at(at string) {
	var now engine.Millis
	fmt.Sscan(at, &now)
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

func TestRules(t *testing.T) {
	for _, test := range rules {
		t.Run(test.name, func(t *testing.T) {
			s := &script{index: newIndex(0), works: map[string]*worldWork{}}
			for line := range strings.Lines(test.script) {
				if strings.TrimSpace(line) != "" {
					s.play(t, line)
				}
			}
			if want := strings.Fields(test.want); !slices.Equal(s.said, want) {
				t.Errorf("matches %q, want %q", s.said, want)
			}
		})
	}
}
