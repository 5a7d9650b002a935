package media

import (
	"context"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// TestSecondDrop: the second to drop hears that the session has already ended;
// who only repeats himself hears what he heard, also after a restart.
func TestSecondDrop(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		drop := func(session, reference string) uint64 {
			t.Helper()
			ack, err := w.s.Drop(context.Background(), tenant, session, &usherv1.RequestDropSession{ReferenceId: reference})
			if err != nil || ack.GetInteractionId() != session || ack.GetReferenceId() != reference || ack.GetTimeMs() == 0 {
				t.Errorf("%s: %v %v", reference, ack, err)
			}
			return ack.GetSequence()
		}
		id := w.session()
		first := drop(id, "1")
		if first == 0 {
			t.Error("the first to drop hears that it has ended already")
		}
		for _, how := range []string{"live", "after a restart"} {
			if again, second := drop(id, "1"), drop(id, "2"); again != first || second != 0 {
				t.Errorf("%s: repeated %d, not %d; second %d", how, again, first, second)
			}
			w.crash()
		}
		w.logIn(ada)
		other := w.session()
		w.accept(ada)
		w.must(ada, &usherv1.RequestStopProcessing{InteractionId: other})
		if got := drop(other, "3"); got != 0 {
			t.Errorf("after the agent: %d", got)
		}
	})
}
