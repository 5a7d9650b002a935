package media

import (
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// TestLongStop: after an orderly stop that was longer than every grace, agents
// and customers have a grace from the start on, and find their chat as it was.
func TestLongStop(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada)
		id := w.session()
		w.accept(ada)
		w.browse(id, 0, nil)
		w.close()
		w.readers.Wait()
		time.Sleep(61 * time.Second) // of the bubble
		w.open()
		w.pass(50 * time.Second)
		w.wantChat(id, true)
		w.logInAgain(ada)
		w.browse(id, 0, nil)
		w.pass(2 * time.Minute)
		w.wantChat(id, true)
	})
}

// TestOnlineAgain: when the server was away for so long that its sessions count
// as lost, those that it takes up are online again.
func TestOnlineAgain(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada)
		id := w.session()
		w.accept(ada)
		w.browse(id, 0, nil)
		off := &usherv1.RequestChangeProperties{InteractionId: id, Properties: data(map[string]any{"is_online": false})}
		w.must(Principal, off)
		w.wantChat(id, false)
		w.crash()
		w.wantChat(id, true)
	})
}

// wantChat looks at the chat that ada has, and whether it is online.
func (w *world) wantChat(id string, online bool) {
	w.t.Helper()
	present, err := w.c.Present(w.t.Context(), tenant, ada)
	if err != nil {
		w.t.Fatal(err)
	}
	all := present.GetInteractions()
	if len(present.GetAgentStatus().GetMedia()) == 0 || len(all) != 1 || all[0].GetInteractionId() != id || all[0].GetIsOnline() != online {
		w.t.Errorf("ada is %v and has %v", present.GetAgentStatus(), all)
	}
}
