package center

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

func properties(t *testing.T, m map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRepeatedRequestGetsTheFirstAnswer(t *testing.T) {
	w := newWorld(t, nil).setUp()
	first := w.must(chat, submit("a", "pull"))
	for _, how := range []string{"at once", "after 14 minutes", "after a restart", "after a drain"} {
		switch how {
		case "after 14 minutes":
			w.clock.Advance(14 * time.Minute)
		case "after a restart":
			w.crash()
		case "after a drain":
			if err := w.c.Drain(w.ctx()); err != nil {
				t.Fatal(err)
			}
			w.open()
		}
		again := w.must(chat, submit("a", "pull"))
		if again.Sequence != first.Sequence || again.TimeMs != first.TimeMs || !proto.Equal(again.Event, first.Event) {
			t.Fatalf("%s: got %v, first %v", how, again, first)
		}
	}
	w.wantError(usherv1.ErrorCode_ERROR_CODE_REFERENCE_ID_REUSED, chat, submit("a", "support"))
	w.wantError(usherv1.ErrorCode_ERROR_CODE_REFERENCE_ID_REUSED, chat, &usherv1.RequestStopProcessing{ReferenceId: "a"})
	w.clock.Advance(time.Minute)
	if w.must(chat, submit("a", "pull")).Sequence == first.Sequence {
		t.Fatal("still remembered after 15 minutes")
	}
	if got := submissions(w); len(got) != 2 {
		t.Fatalf("%d submissions", len(got))
	}
}

func TestReferenceIDsAreScopedByClient(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	w.must(chat, submit("a", "pull"))
	w.must(ada, &usherv1.RequestSubmit{ReferenceId: "a", MediaType: "chat"})
}

func TestRefusedRequestsAreNotRemembered(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_QUEUE, chat, submit("a", "nowhere"))
	w.must(chat, submit("a", "pull"))
}

func TestRepeatedRequestJoinsThePendingOne(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada, bob)
	stream := w.subscribe(ada, nil)
	id := w.must(ada, &usherv1.RequestSubmit{MediaType: "chat"}).Event.InteractionId
	transfer := func() *Call {
		return w.start(ada, &usherv1.RequestTransfer{ReferenceId: "t", InteractionId: id, AgentId: "bob"})
	}
	report := w.subscribe(reportEngine, nil)
	calls := []*Call{transfer(), transfer()}
	if err := w.c.Flush(w.ctx()); err != nil {
		t.Fatal(err)
	}
	if n := w.c.Status().Pending; n != 2 {
		t.Fatalf("%d pending", n)
	}
	w.wantError(usherv1.ErrorCode_ERROR_CODE_REFERENCE_ID_REUSED, ada, &usherv1.RequestTransfer{ReferenceId: "t", InteractionId: id, AgentId: "ada"})
	invited := w.next(report)
	w.must(bob, &usherv1.RequestAccept{Ticket: invited.Sequence})
	calls = append(calls, transfer()) // after the answer
	for n, c := range calls {
		r, err := c.Wait(w.ctx())
		if err != nil || r.Err != nil || r.Event.GetEventAck() == nil || r.Sequence != calls[0].reply.Sequence {
			t.Fatalf("call %d: %v %v", n, r, err)
		}
	}
	late := 0
	for _, ev := range w.all(stream) {
		if ev.ReferenceId == "t" && ev.GetEventAck() != nil {
			late++
		}
	}
	if late != 1 {
		t.Fatalf("the late answer came %d times on the stream", late)
	}
}

func TestContextEndsTheWaitingNotTheRequest(t *testing.T) {
	w, g := gated(t)
	g.shut(true)
	c := w.start(chat, submit("a", "pull"))
	<-g.arrived
	if _, err := c.Wait(canceled()); err == nil {
		t.Fatal("the wait did not end")
	}
	g.pass <- nil
	g.shut(false)
	w.must(chat, submit("a", "pull"))
	if got := submissions(w); len(got) != 1 {
		t.Fatalf("%d submissions", len(got))
	}
}

func TestAnswersAreLimited(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxAnswers = 10 }).setUp()
	first := w.must(chat, submit("first", "pull"))
	for n := range 20 {
		w.must(chat, submit(fmt.Sprint(n), "pull"))
	}
	if n := w.c.Status().Answers; n < 10 || n > 11 {
		t.Fatalf("%d are remembered", n)
	}
	if w.must(chat, submit("first", "pull")).Sequence == first.Sequence {
		t.Fatal("the oldest was not forgotten")
	}
}

// TestReferenceIDsOfTheServerPushNothingOut: nobody can repeat them.
func TestReferenceIDsOfTheServerPushNothingOut(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxAnswers = 100 }).setUp()
	w.logIn(ada, bob)
	first := w.must(chat, submit("first", "pull"))
	for range 200 {
		w.submit("pull")
	}
	id := w.must(ada, &usherv1.RequestSubmit{MediaType: "chat"}).Event.InteractionId
	pending := w.start(ada, &usherv1.RequestTransfer{InteractionId: id, AgentId: "bob"})
	if err := w.c.Flush(w.ctx()); err != nil {
		t.Fatal(err)
	}
	if n := w.c.Status().Answers; n != 2 {
		t.Fatalf("%d are remembered besides the one of the client and the one that is pending", n)
	}
	w.clock.Advance(30 * time.Second)
	if r, _ := pending.Wait(w.ctx()); r.Err.GetCode() != usherv1.ErrorCode_ERROR_CODE_NOT_ANSWERED {
		t.Fatalf("transfer: %v", r)
	}
	answers := func() (raw []byte) {
		err := w.c.ask(w.ctx(), "", func(w *writer) {
			for _, a := range w.answers.export() {
				raw, _ = appendAnswer(raw, a, nil)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	before := answers()
	w.crash()
	if !bytes.Equal(answers(), before) {
		t.Fatal("replaying remembers something else")
	}
	if again := w.must(chat, submit("first", "pull")); again.Sequence != first.Sequence {
		t.Fatalf("got %v, first %v", again, first)
	}
	if n := w.c.Status().Answers; n != 1 {
		t.Fatalf("%d are remembered", n)
	}
}

// TestNoRememberedRequestHasASecret holds what bodyHash relies on. The requests
// of customers are the session media server's and do not come here.
func TestNoRememberedRequestHasASecret(t *testing.T) {
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		d := mt.Descriptor()
		if d.ParentFile().Package() == "usher.v1" && d.ParentFile().Path() != usherv1.File_usher_v1_session_proto.Path() && d.Fields().ByName("reference_id") != nil {
			if _, ok := mt.New().Interface().(interface{ GetReferenceId() string }); ok && len(d.Name()) > 7 && d.Name()[:7] == "Request" {
				noSecret(t, d, nil)
			}
		}
		return true
	})
}

func noSecret(t *testing.T, d protoreflect.MessageDescriptor, path []protoreflect.FullName) {
	t.Helper()
	if slices.Contains(path, d.FullName()) {
		return
	}
	for n := range d.Fields().Len() {
		f := d.Fields().Get(n)
		if proto.GetExtension(f.Options(), usherv1.E_Secret).(bool) {
			t.Errorf("%s of %v is secret", f.FullName(), path)
		}
		if f.Message() != nil {
			noSecret(t, f.Message(), append(path, d.FullName()))
		}
	}
}
