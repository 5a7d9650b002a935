package media

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// TestAgentIDsStayInside: whatever agents do, the customer hears their names,
// and never the ids with which they log in.
func TestAgentIDsStayInside(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		ctx := context.Background()
		w.logIn(eve)
		ask := &usherv1.RequestLaunchSession{ReferenceId: "r", Text: "Hello?"}
		id := w.launch(ask).GetSessionId()
		b := w.browse(id, 0, nil)
		w.must(eve, &usherv1.RequestReject{Ticket: w.invitation(eve).GetTicket()})
		w.must(eve, &usherv1.RequestCancelNotReadyForMedia{MediaType: "chat"})
		w.pass(6 * time.Second) // until she is asked again
		w.accept(eve)
		w.must(eve, &usherv1.RequestTyping{InteractionId: id})
		w.answer(eve, id, "What can I do?")
		file, err := w.s.Upload(ctx, tenant, id, eve, "", "terms.txt", strings.NewReader("terms"))
		if err == nil {
			file, err = w.s.Uploaded(ctx, tenant, id, eve, file)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.must(eve, &usherv1.RequestAddLine{InteractionId: id, Line: &usherv1.Line{Kind: usherv1.LineKind_LINE_KIND_ATTACHMENT, Attachment: file}})
		w.must(eve, &usherv1.RequestHold{InteractionId: id})
		w.must(eve, &usherv1.RequestResume{InteractionId: id})
		if got := b.last().GetAgents(); !slices.Equal(got, []string{""}) {
			t.Errorf("the customer speaks with %q", got)
		}
		wantStrings(t, "lines", b.lines(), "*: Hello?", ": What can I do?", ": ")
		if !slices.ContainsFunc(b.events(), func(ev *usherv1.SessionEvent) bool { return ev.GetTyping() != nil }) {
			t.Error("no typing notice")
		}

		var heard bytes.Buffer
		note := func(what ...any) { fmt.Fprintln(&heard, what...) }
		tell := func(b *browser) {
			for _, ev := range b.events() {
				note(ev)
			}
			_, err := b.ended()
			note(err)
		}
		use := func(when string) {
			for _, reference := range []string{"1", "1", "What can I do?"} {
				note(w.s.SendLine(ctx, tenant, id, &usherv1.RequestSendLine{ReferenceId: reference, Line: &usherv1.Line{Text: when}}))
			}
			note(w.s.SendLine(ctx, tenant, id, &usherv1.RequestSendLine{Line: &usherv1.Line{}}))
			note(w.upload(id, "x", when))
			note(w.download(tenant, id, Principal, file.GetId()))
			note(w.s.Launch(ctx, tenant, w.site("shop"), ask))
			note(w.s.Typing(ctx, tenant, id, &usherv1.RequestCustomerTyping{}))
			tell(w.browse(id, 0, nil))
		}
		use("while it goes on")
		tell(b)
		w.crash() // what was heard before is read again
		b = w.browse(id, 0, nil)
		if got := b.last().GetAgents(); !slices.Equal(got, []string{""}) {
			t.Errorf("after a restart the customer speaks with %q", got)
		}
		w.logInAgain(eve)
		w.must(eve, &usherv1.RequestStopProcessing{InteractionId: id, Reason: "Solved"})
		tell(b)
		use("after its end")
		note(w.s.Drop(ctx, tenant, id, &usherv1.RequestDropSession{ReferenceId: "drop"}))
		for line := range strings.Lines(heard.String()) {
			if strings.Contains(line, eve.ID) {
				t.Errorf("the customer hears %s", line)
			}
		}
	})
}
