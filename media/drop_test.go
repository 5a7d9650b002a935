package media

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// TestTurns: customers ask the center for so much at once. The others wait for
// their turn, and agents beside them don't.
func TestTurns(t *testing.T) {
	inWorld(t, Limits{Asking: 2}, func(w *world) {
		w.logIn(ada)
		id := w.session()
		w.accept(ada)
		w.must(ada, &usherv1.RequestNotReadyForMedia{MediaType: "chat"})
		sessions := []string{w.session(), w.session(), w.session()}
		w.line.stops.close()
		var dropping sync.WaitGroup
		for _, session := range sessions[:2] {
			dropping.Go(func() { _, _ = w.s.Drop(context.Background(), tenant, session, &usherv1.RequestDropSession{}) })
		}
		synctest.Wait()
		spoken := make(chan error, 1)
		dropping.Go(func() {
			_, err := w.s.SendLine(context.Background(), tenant, sessions[2], &usherv1.RequestSendLine{Line: &usherv1.Line{Text: "my turn"}})
			spoken <- err
		})
		impatient, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := w.s.SendLine(impatient, tenant, sessions[2], &usherv1.RequestSendLine{Line: &usherv1.Line{Text: "never mind"}})
		if !errors.Is(err, context.DeadlineExceeded) || len(spoken) != 0 {
			t.Errorf("two are asked, and a third was: %v, %d", err, len(spoken))
		}
		w.answer(ada, id, "an agent's line")
		w.line.stops.open()
		dropping.Wait()
		if err := <-spoken; err != nil {
			t.Error(err)
		}
		wantStrings(t, "lines", w.browse(sessions[2], 0, nil).lines(), "*: my turn")
	})
}
