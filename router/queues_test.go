package router

import (
	"fmt"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// rows are the rows of all queues, filled in.
func (f *floor) rows(media string) map[string]*usherv1.QueueRow {
	d := f.e.Directory("", false)
	f.router.FillQueues(f.e, f.now, d.Queues, func(string) engine.MediaName { return engine.MediaName(media) })
	rows := map[string]*usherv1.QueueRow{}
	for _, row := range d.Queues {
		rows[row.Queue] = row
	}
	return rows
}

// TestFillQueues counts each agent once for a queue, whatever he serves it by,
// and available while he could be asked.
func TestFillQueues(t *testing.T) {
	c := office()
	c.Agents = append(c.Agents, &usherv1.Agent{
		AgentId: "don", AgentGroups: []string{"sales"}, Skills: []*usherv1.AgentSkill{{Skill: "billing"}},
	}, &usherv1.Agent{
		AgentId: "cho", AgentGroups: []string{"sales"}, Skills: []*usherv1.AgentSkill{{Skill: "tax"}, {Skill: "billing"}},
		Attributes: map[string]string{"language": "de"},
	})
	vectored(c, "both", "queue-to skill billing pri m\ncheck skill tax pri m if unconditionally\nqueue-to target german pri m")
	vectored(c, "behind", "queue-to skill 1st pri m")
	vectored(c, "unserved", "wait-time 5 secs hearing music")
	c.Vdns = append(c.Vdns, &usherv1.Vdn{Name: "77", Queue: "behind", Skills: []string{"tax"}}, &usherv1.Vdn{Name: "78", Queue: "behind", Skills: []string{"billing"}})
	f := newOffice(t, c)
	expect := func(want map[string]string) {
		t.Helper()
		rows := f.rows("chat")
		for queue, want := range want {
			if got := fmt.Sprintf("%d of %d", rows[queue].AgentsAvailable, rows[queue].AgentsStaffed); got != want {
				t.Errorf("queue %s: %s are available, want %s", queue, got, want)
			}
		}
	}
	expect(map[string]string{"sales": "0 of 0", "both": "0 of 0"})
	f.login("ann", autoIn, "chat", "voice")
	f.login("bob", 0, "chat")
	f.login("cho", aux, "chat", "-voice")
	expect(map[string]string{
		"sales": "0 of 1", "both": "1 of 2", "behind": "1 of 2", "unserved": "0 of 0", "pulled": "0 of 0", "external": "0 of 0",
	})
	f.works("cho", autoIn, 0)
	expect(map[string]string{"sales": "1 of 1", "both": "2 of 2", "behind": "2 of 2"})

	if rows := f.rows("chat"); rows["sales"].GetExpectedWaitMs() != 0 || rows["sales"].ExpectedWaitMs == nil || rows["pulled"].ExpectedWaitMs != nil {
		t.Errorf("expected waits: %v", rows)
	}
	if rows := f.rows(""); rows["sales"].ExpectedWaitMs != nil {
		t.Errorf("nobody asked: %v", rows["sales"])
	}
	f.login("don", 0, "voice")
	if row := f.rows("chat")["sales"]; row.AgentsStaffed != 1 {
		t.Errorf("who has no chat serves no chats: %v", row)
	}
	f.must(agentNamed("cho"), &usherv1.RequestAgentLogout{})
	expect(map[string]string{"sales": "0 of 0", "both": "1 of 1"})
}
