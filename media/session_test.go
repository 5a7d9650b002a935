package media

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// TestConversation follows a session from its launch to its end.
func TestConversation(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		launched := w.launch(&usherv1.RequestLaunchSession{Name: "Dora", Subject: "my bill", Text: "Hello?", ReferenceId: "r"})
		id := launched.GetSessionId()
		if launched.GetSessionToken() == "" || launched.GetCallback() || launched.ExpectedWaitMs != nil {
			t.Errorf("launched: %v", launched)
		}
		b := w.browse(id, 0, nil)
		w.pass(time.Second)
		if p := b.last(); p.GetState() != usherv1.SessionState_SESSION_STATE_QUEUED || p.GetPosition() != 1 || p.ExpectedWaitMs != nil {
			t.Errorf("while nobody is there: %v", p)
		}
		w.logIn(ada)
		w.accept(ada)
		w.answer(ada, id, "What can I do?")
		w.must(ada, &usherv1.RequestTyping{InteractionId: id})
		w.say(id, "My bill is wrong.")
		wantStrings(t, "lines", b.lines(), "*: Hello?", "Ada: What can I do?", "*: My bill is wrong.")
		if got := b.states(); got != "queued alerting connected" {
			t.Errorf("states: %s", got)
		}
		if p := b.last(); !slices.Equal(p.GetAgents(), []string{"Ada"}) || p.GetPosition() != 0 {
			t.Errorf("connected: %v", p)
		}
		events := b.events()
		own := events[len(events)-1]
		if own.GetLine().GetReferenceId() != "My bill is wrong." || own.GetSequence() == 0 {
			t.Errorf("the customer does not know his line again: %v", own)
		}
		if !slices.ContainsFunc(events, func(ev *usherv1.SessionEvent) bool { return ev.GetTyping().GetAuthorName() == "Ada" }) {
			t.Error("no typing notice")
		}
		if slices.ContainsFunc(events, func(ev *usherv1.SessionEvent) bool { return ev.GetTyping().GetAuthor() != nil }) {
			t.Error("the customer learns an agent's id")
		}
		w.must(ada, &usherv1.RequestHold{InteractionId: id})
		w.must(ada, &usherv1.RequestResume{InteractionId: id})
		w.must(ada, &usherv1.RequestStopProcessing{InteractionId: id, Reason: "Solved"})
		if got := b.states(); got != "queued alerting connected held connected ended" {
			t.Errorf("states: %s", got)
		}
		if done, err := b.ended(); !done || err != nil || b.last().GetReason() != "AgentEnded" {
			t.Errorf("ended: %v, %v, %v", done, err, b.last())
		}
	})
}

// TestUserData: what the customer says of himself goes last.
func TestUserData(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		token, err := w.s.CreateCustomerToken(tenant, &usherv1.CreateCustomerTokenRequest{
			Site: "shop", CustomerId: "c-7", Name: "Dora Brown",
			UserData: data(map[string]any{"account": "4711", "topic": "sales", "site": "forged"}),
		})
		if err != nil {
			t.Fatal(err)
		}
		html := `<script>alert("1")</script>`
		id := w.launch(&usherv1.RequestLaunchSession{
			CustomerToken: token.GetToken(), Name: "Somebody", Subject: html,
			UserData: data(map[string]any{"account": "0", "topic": "x", "customer_id": "c-1", "callback_to": "me", "note": html}),
		}).GetSessionId()
		reply := w.must(Principal, &usherv1.RequestGetInteractionProperties{InteractionId: id})
		p := reply.Event.GetEventInteractionProperties().GetProperties()
		want := map[string]any{
			"account": "4711", "topic": "billing", "customer_id": "c-7", "customer_name": "Dora Brown",
			"subject": html, "note": html, "site": "shop", "request_type": "billing",
		}
		if !proto.Equal(p.GetUserData(), data(want)) {
			t.Errorf("user data: %v", p.GetUserData())
		}
		if !p.GetIsOnline() || p.GetQueue() != "support" || p.GetMediaType() != "chat" {
			t.Errorf("properties: %v", p)
		}
	})
}

func data(fields map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(fields)
	if err != nil {
		panic(err)
	}
	return s
}

// TestDropTwice: a drop is idempotent, whoever was first.
func TestDropTwice(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada)
		id := w.session()
		w.accept(ada)
		b := w.browse(id, 0, nil)
		for range 3 {
			if err := w.drop(id); err != nil {
				t.Error(err)
			}
		}
		if b.last().GetReason() != "CustomerLeft" {
			t.Errorf("ended: %v", b.last())
		}
		second := w.session()
		w.accept(ada)
		w.must(ada, &usherv1.RequestStopProcessing{InteractionId: second})
		if err := w.drop(second); err != nil {
			t.Error(err)
		}
		if got := w.browse(second, 0, nil).last().GetReason(); got != "AgentEnded" {
			t.Errorf("reason: %s", got)
		}
		_, err := w.s.SendLine(context.Background(), tenant, second, &usherv1.RequestSendLine{Line: &usherv1.Line{Text: "x"}})
		wantCode(t, "a line after the end", err, errStopped)
		if sessions, streams := w.s.Counts(); sessions != 0 || streams != 0 {
			t.Errorf("%d sessions, %d streams are left", sessions, streams)
		}
	})
}

// TestCustomerLost: without a stream the session ends after its grace, and not
// while one is open.
func TestCustomerLost(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		id := w.session()
		w.pass(59 * time.Second)
		first, second := w.browse(id, 0, nil), w.browse(id, 0, nil)
		w.pass(10 * time.Minute)
		first.close()
		w.pass(10 * time.Minute)
		second.close()
		w.pass(59 * time.Second)
		third := w.browse(id, 0, nil)
		if got := third.states(); got != "queued" {
			t.Errorf("within the grace: %s", got)
		}
		third.close()
		w.pass(61 * time.Second)
		fourth := w.browse(id, 0, nil)
		if got := fourth.last(); got.GetReason() != "CustomerLeft" || fourth.states() != "ended" {
			t.Errorf("after it: %v", got)
		}
	})
}

// TestReturnedToQueue: an agent leaves, and the customer waits again.
func TestReturnedToQueue(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada)
		id := w.session()
		w.accept(ada)
		b := w.browse(id, 0, nil)
		w.must(ada, &usherv1.RequestNotReadyForMedia{MediaType: "chat"})
		w.must(ada, &usherv1.RequestPlaceInQueue{InteractionId: id, Queue: "later"})
		w.pass(6 * time.Second)
		if got := b.states(); got != "connected queued" {
			t.Errorf("states: %s", got)
		}
		if p := b.last(); len(p.GetAgents()) != 0 {
			t.Errorf("queued: %v", p)
		}
	})
}

// TestSupervisorUnseen: who only monitors is not shown, who joins is.
func TestSupervisorUnseen(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada, bob)
		id := w.session()
		w.accept(ada)
		b := w.browse(id, 0, nil)
		w.must(bob, &usherv1.RequestIntrude{InteractionId: id, Visibility: usherv1.VisibilityMode_VISIBILITY_MODE_COACH})
		w.must(bob, &usherv1.RequestAddLine{InteractionId: id, Line: &usherv1.Line{Text: "offer him a refund"}})
		w.must(ada, &usherv1.RequestAddLine{InteractionId: id, Line: &usherv1.Line{Text: "among us", Visibility: usherv1.LineVisibility_LINE_VISIBILITY_AGENTS}})
		if got := b.lines(); len(got) != 0 || !slices.Equal(b.last().GetAgents(), []string{"Ada"}) {
			t.Errorf("the customer hears %q, sees %v", got, b.last())
		}
	})
}

// TestRestart: sessions go on after the process has died in the middle.
func TestRestart(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada)
		id := w.session()
		w.accept(ada)
		b := w.browse(id, 0, nil)
		w.say(id, "one")
		w.answer(ada, id, "two")
		events := b.events()
		reached := events[len(events)-1].GetSequence()
		dropped := w.session()
		if err := w.drop(dropped); err != nil {
			t.Fatal(err)
		}
		w.crash()
		w.say(id, "three")
		resumed, anew := w.browse(id, reached, nil), w.browse(id, 0, nil)
		w.logInAgain(ada)
		w.answer(ada, id, "four")
		wantStrings(t, "resumed", resumed.lines(), "*: three", "Ada: four")
		wantStrings(t, "from the beginning", anew.lines(), "*: one", "Ada: two", "*: three", "Ada: four")
		if p := resumed.last(); p.GetState() != usherv1.SessionState_SESSION_STATE_CONNECTED || !slices.Equal(p.GetAgents(), []string{"Ada"}) {
			t.Errorf("progress after the restart: %v", p)
		}
		if got := w.browse(dropped, 0, nil).last().GetReason(); got != "CustomerLeft" {
			t.Errorf("the session that had ended: %s", got)
		}
		resumed.close()
		anew.close()
		w.pass(61 * time.Second)
		if got := w.browse(id, 0, nil).last().GetReason(); got != "CustomerLeft" {
			t.Errorf("the lost customer: %s", got)
		}
	})
}

// logInAgain connects an agent after a restart; he is still logged in.
func (w *world) logInAgain(a engine.Participant) {
	w.t.Helper()
	w.must(a, engine.Connect{ConnectionID: "again-" + a.ID, Kind: "desktop"})
}

// TestLaunchOnce: the same reference id gives the same session, also after a
// restart, and its first line once.
func TestLaunchOnce(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		r := func() *usherv1.RequestLaunchSession {
			return &usherv1.RequestLaunchSession{ReferenceId: "browser-made", Name: "Dora", Text: "Hello?"}
		}
		first := w.launch(r())
		if again := w.launch(r()); again.GetSessionId() != first.GetSessionId() {
			t.Error("another session")
		}
		w.crash()
		w.pass(time.Hour / 2) // longer than any answer is remembered, and than the grace
		again := w.launch(r())
		if again.GetSessionId() != first.GetSessionId() {
			t.Error("another session after a restart")
		}
		b := w.browse(again.GetSessionId(), 0, nil)
		wantStrings(t, "lines", b.lines(), "*: Hello?")
		if b.states() != "ended" {
			t.Errorf("states: %s", b.states())
		}
		other := r()
		other.ReferenceId = "another"
		if w.launch(other).GetSessionId() == first.GetSessionId() {
			t.Error("the same session for another reference id")
		}
		if sessions, _ := w.s.Counts(); sessions != 1 {
			t.Errorf("%d sessions live", sessions)
		}
	})
}

// TestLaunched: a session that goes on is found by the request that asked for
// it, also after a restart, and by no other.
func TestLaunched(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		r := &usherv1.RequestLaunchSession{ReferenceId: "r"}
		callback := &usherv1.RequestLaunchSession{ReferenceId: "r", RequestType: "callback", CallbackTo: "1"}
		find := func(what, in string, r *usherv1.RequestLaunchSession, want string) {
			t.Helper()
			if id, ok := w.s.Launched(in, w.site("shop"), r); ok != (want != "") || ok && id != want {
				t.Errorf("%s: %q %t, want %q", what, id, ok, want)
			}
		}
		find("before the first", tenant, r, "")
		id, task := w.launch(r).GetSessionId(), w.launch(callback).GetSessionId()
		w.launch(&usherv1.RequestLaunchSession{})
		w.browse(id, 0, nil)
		for _, when := range []string{"at once", "after a restart"} {
			find(when, tenant, r, id)
			find(when+", a callback", tenant, callback, task)
			find(when+", another", tenant, &usherv1.RequestLaunchSession{ReferenceId: "other"}, "")
			find(when+", one without a reference id", tenant, &usherv1.RequestLaunchSession{}, "")
			find(when+", with a token", tenant, &usherv1.RequestLaunchSession{ReferenceId: "r", CustomerToken: "usc_x"}, "")
			find(when+", what is refused", tenant, &usherv1.RequestLaunchSession{ReferenceId: "r", RequestType: "nonsense"}, "")
			find(when+", another tenant's", "other", r, "")
			if when == "at once" {
				w.crash()
			}
		}
		if err := w.drop(id); err != nil {
			t.Fatal(err)
		}
		find("after its end", tenant, r, "")
	})
}

// TestCallback becomes a task for which nobody waits.
func TestCallback(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		at := time.Now().Add(time.Hour).UnixMilli()
		r := &usherv1.RequestLaunchSession{RequestType: "callback", Name: "Dora", Text: "please", CallbackTo: "+41 44 000 00 00", CallbackAtMs: at}
		launched := w.launch(r)
		if !launched.GetCallback() || launched.GetSessionToken() != "" {
			t.Errorf("launched: %v", launched)
		}
		w.pass(time.Hour)
		w.crash()
		w.pass(time.Hour)
		reply := w.must(Principal, &usherv1.RequestGetInteractionProperties{InteractionId: launched.GetSessionId()})
		p := reply.Event.GetEventInteractionProperties().GetProperties()
		fields := p.GetUserData().GetFields()
		if p.GetIsOnline() || p.GetMediaType() != "task" || p.GetQueue() != "later" || fields["callback_to"].GetStringValue() == "" || fields["callback_at_ms"].GetNumberValue() != float64(at) {
			t.Errorf("the task: %v", p)
		}
		transcript, refusal, err := w.c.Transcript(context.Background(), tenant, Principal, &usherv1.RequestGetTranscript{InteractionId: launched.GetSessionId()})
		if err != nil || refusal != nil || len(transcript.GetLines()) != 1 {
			t.Errorf("what he left word of: %v, %v, %v", transcript, refusal, err)
		}
		for what, bad := range map[string]*usherv1.RequestLaunchSession{
			"nowhere to call":       {RequestType: "callback"},
			"long ago":              {RequestType: "callback", CallbackTo: "1", CallbackAtMs: -1},
			"in two years":          {RequestType: "callback", CallbackTo: "1", CallbackAtMs: time.Now().Add(2 * callbackWithin).UnixMilli()},
			"no callback, and yet":  {CallbackTo: "1"},
			"no callback, and when": {CallbackAtMs: at},
		} {
			_, err := w.s.Launch(context.Background(), tenant, w.site("shop"), bad)
			wantCode(t, what, err, errInvalid)
		}
	})
}

// TestRefusedLaunches: what can't be asked for, and by whom.
func TestRefusedLaunches(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		ctx := context.Background()
		token := func(in, site string) string {
			made, err := w.s.CreateCustomerToken(in, &usherv1.CreateCustomerTokenRequest{Site: site, CustomerId: "c", ValidS: 60})
			if err != nil {
				t.Fatal(err)
			}
			return made.GetToken()
		}
		long := func(n int) string { return string(make([]byte, 0, n)) + fmt.Sprintf("%*s", n, "x") }
		many := map[string]any{}
		for n := range dataMaxKeys + 1 {
			many[fmt.Sprint(n)] = "x"
		}
		expired := token(tenant, "closed")
		for _, try := range []struct {
			what string
			site string
			r    *usherv1.RequestLaunchSession
			code usherv1.ErrorCode
		}{
			{"anonymous where that is not allowed", "closed", &usherv1.RequestLaunchSession{}, errDenied},
			{"with a token", "closed", &usherv1.RequestLaunchSession{CustomerToken: token(tenant, "closed")}, 0},
			{"with that of another site", "closed", &usherv1.RequestLaunchSession{CustomerToken: token(tenant, "shop")}, errUnauthenticated},
			{"with that of another tenant", "closed", &usherv1.RequestLaunchSession{CustomerToken: token("other", "closed")}, errUnauthenticated},
			{"with a session's", "closed", &usherv1.RequestLaunchSession{CustomerToken: w.launch(&usherv1.RequestLaunchSession{}).GetSessionToken()}, errUnauthenticated},
			{"with nonsense", "shop", &usherv1.RequestLaunchSession{CustomerToken: "usc_abc"}, errUnauthenticated},
			{"what the site does not offer", "closed", &usherv1.RequestLaunchSession{CustomerToken: token(tenant, "closed"), RequestType: "callback"}, errUnknownObject},
			{"what there is not", "shop", &usherv1.RequestLaunchSession{RequestType: "nonsense"}, errUnknownObject},
			{"a long name", "shop", &usherv1.RequestLaunchSession{Name: long(257)}, errInvalid},
			{"a name of two lines", "shop", &usherv1.RequestLaunchSession{Name: "a\nb"}, errInvalid},
			{"a long subject", "shop", &usherv1.RequestLaunchSession{Subject: long(1025)}, errInvalid},
			{"a long reference id", "shop", &usherv1.RequestLaunchSession{ReferenceId: long(129)}, errInvalid},
			{"a long text", "shop", &usherv1.RequestLaunchSession{Text: long(16_385)}, errTooLarge},
			{"much data", "shop", &usherv1.RequestLaunchSession{UserData: data(many)}, errInvalid},
			{"large data", "shop", &usherv1.RequestLaunchSession{UserData: data(map[string]any{"a": long(1025)})}, errInvalid},
			{"a number", "shop", &usherv1.RequestLaunchSession{UserData: data(map[string]any{"a": 1})}, errInvalid},
			{"a NUL", "shop", &usherv1.RequestLaunchSession{Text: "a\x00b"}, errInvalid},
		} {
			_, err := w.s.Launch(ctx, tenant, w.site(try.site), try.r)
			wantCode(t, try.what, err, try.code)
		}
		w.pass(61 * time.Second)
		_, err := w.s.Launch(ctx, tenant, w.site("closed"), &usherv1.RequestLaunchSession{CustomerToken: expired})
		wantCode(t, "with an expired token", err, errUnauthenticated)
		w.pass(10 * time.Minute)
		if sessions, _ := w.s.Counts(); sessions != 0 {
			t.Errorf("%d sessions are left of refused launches", sessions)
		}
	})
}

// TestSessionsEach: a customer has so many sessions at once and no more, also
// after a restart.
func TestSessionsEach(t *testing.T) {
	inWorld(t, Limits{SessionsEach: 2, Sessions: 4}, func(w *world) {
		launch := func(customer string) (string, error) {
			made, err := w.s.CreateCustomerToken(tenant, &usherv1.CreateCustomerTokenRequest{Site: "shop", CustomerId: customer})
			if err != nil {
				t.Fatal(err)
			}
			l, err := w.s.Launch(context.Background(), tenant, w.site("shop"), &usherv1.RequestLaunchSession{CustomerToken: made.GetToken()})
			synctest.Wait()
			return l.GetSessionId(), err
		}
		first, err := launch("c")
		wantCode(t, "the first", err, 0)
		_, err = launch("c")
		wantCode(t, "the second", err, 0)
		w.crash()
		_, err = launch("c")
		wantCode(t, "the third", err, errTooMany)
		if err := w.drop(first); err != nil {
			t.Fatal(err)
		}
		_, err = launch("c")
		wantCode(t, "after one has ended", err, 0)
		for n, want := range []usherv1.ErrorCode{0, 0, errTooMany} {
			_, err = launch(fmt.Sprint("d", n))
			wantCode(t, "of others", err, want)
		}
	})
}

// TestOtherSession: what one session's token is for, no other is.
func TestOtherSession(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		launched := w.launch(&usherv1.RequestLaunchSession{Name: "Dora"})
		in, site, session, expires, ok := w.s.OpenToken(launched.GetSessionToken())
		if !ok || in != tenant || site != "shop" || session != launched.GetSessionId() || expires.UnixMilli() != launched.GetExpiresAtMs() {
			t.Errorf("the token is that of %s %s %s until %v", in, site, session, expires)
		}
		for _, other := range []struct{ tenant, session string }{{"other", session}, {tenant, "s-nonsense"}} {
			ctx := context.Background()
			_, err := w.s.SendLine(ctx, other.tenant, other.session, &usherv1.RequestSendLine{Line: &usherv1.Line{Text: "x"}})
			wantCode(t, "a line", err, errStopped) // as if it had ended: nobody learns whether it is there
			err = w.s.Events(ctx, other.tenant, other.session, 0, func(*usherv1.SessionEvent) error { return nil })
			wantCode(t, "its events", err, errUnknown)
		}
		w.pass(24*time.Hour + time.Second)
		if _, _, _, _, ok := w.s.OpenToken(launched.GetSessionToken()); ok {
			t.Error("the token does not expire")
		}
	})
}

// TestLines: what a customer may not say.
func TestLines(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		id := w.session()
		html := "<img src=x onerror=alert(1)> \u202e & \r\n\t 😀"
		for _, try := range []struct {
			line *usherv1.Line
			code usherv1.ErrorCode
		}{
			{nil, errInvalid},
			{&usherv1.Line{}, errInvalid},
			{&usherv1.Line{Text: html}, 0},
			{&usherv1.Line{Text: fmt.Sprintf("%16384s", "x")}, 0},
			{&usherv1.Line{Text: fmt.Sprintf("%16385s", "x")}, errTooLarge},
			{&usherv1.Line{Text: "x", Kind: usherv1.LineKind_LINE_KIND_NOTICE}, errInvalid},
			{&usherv1.Line{Text: "x", Kind: 99}, errInvalid},
			{&usherv1.Line{Text: "x", Visibility: usherv1.LineVisibility_LINE_VISIBILITY_AGENTS}, errInvalid},
			{&usherv1.Line{Text: "x", Attachment: &usherv1.Attachment{Id: "x"}}, errInvalid},
			{&usherv1.Line{Kind: usherv1.LineKind_LINE_KIND_ATTACHMENT, Attachment: &usherv1.Attachment{Id: "x"}}, errInvalid},
		} {
			_, err := w.s.SendLine(context.Background(), tenant, id, &usherv1.RequestSendLine{Line: try.line})
			wantCode(t, fmt.Sprintf("%.40v", try.line), err, try.code)
		}
		if got := w.browse(id, 0, nil).lines(); len(got) != 2 || got[0] != "*: "+html {
			t.Errorf("lines: %.200q", got)
		}
		// The same reference id of two customers is not the same.
		second := w.session()
		for range 2 {
			w.say(id, "same")
			w.say(second, "same")
		}
		if a, b := w.browse(id, 0, nil).lines(), w.browse(second, 0, nil).lines(); len(a) != 3 || len(b) != 1 {
			t.Errorf("lines: %d, %d", len(a), len(b))
		}
	})
}

// TestSlowReader: a stuck browser is cut off, the others hear everything, and
// it goes on where it was.
func TestSlowReader(t *testing.T) {
	inWorld(t, Limits{Waiting: 8}, func(w *world) {
		id := w.session()
		free := make(chan struct{})
		stuck, other := w.browse(id, 0, func() { <-free }), w.browse(id, 0, nil)
		var want []string
		for n := range 20 {
			w.say(id, fmt.Sprint(n))
			want = append(want, fmt.Sprint("*: ", n))
		}
		close(free)
		_, err := stuck.ended()
		wantCode(t, "the stuck one", err, errSlowReader)
		wantStrings(t, "the other one", other.lines(), want...)
		resume := err.(*center.Refused).Err.GetSequence()
		got := append(stuck.lines(), w.browse(id, resume, nil).lines()...)
		wantStrings(t, "the stuck one after it came back", got, want...)
	})
}

// TestHeartbeat: silence is broken, and a shutdown told.
func TestHeartbeat(t *testing.T) {
	inWorld(t, Limits{Progress: time.Hour}, func(w *world) {
		id := w.session()
		b := w.browse(id, 0, nil)
		w.pass(35 * time.Second)
		beats := 0
		for _, ev := range b.events() {
			if ev.GetHeartbeat() != nil {
				beats++
			}
		}
		if beats != 3 {
			t.Errorf("%d heartbeats", beats)
		}
		if err := w.s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		_, err := b.ended()
		wantCode(t, "at the shutdown", err, errUnavailable)
		_, err = w.s.Launch(context.Background(), tenant, w.site("shop"), &usherv1.RequestLaunchSession{})
		wantCode(t, "after the shutdown", err, errUnavailable)
	})
}

// TestPlaces: those who wait are told their places, with bounded work.
func TestPlaces(t *testing.T) {
	inWorld(t, Limits{ProgressEach: 3}, func(w *world) {
		var all []*browser
		var ids []string
		for range 10 {
			ids = append(ids, w.session())
			all = append(all, w.browse(ids[len(ids)-1], 0, nil))
		}
		w.pass(10 * time.Second)
		for n, b := range all {
			if got := b.last().GetPosition(); got != int32(n)+1 {
				t.Errorf("the place of %d: %d", n, got)
			}
		}
		if err := w.drop(ids[0]); err != nil {
			t.Fatal(err)
		}
		w.pass(12 * time.Second)
		for n, b := range all[1:] {
			if got := b.last().GetPosition(); got != int32(n)+1 {
				t.Errorf("the place of %d after the first has left: %d", n+1, got)
			}
		}
		err := w.s.Events(context.Background(), tenant, ids[1], 1<<40, func(*usherv1.SessionEvent) error { return nil })
		wantCode(t, "a stream from the future", err, errInvalid)
	})
}

// TestStreamsEach limits the streams of one session.
func TestStreamsEach(t *testing.T) {
	inWorld(t, Limits{StreamsEach: 2}, func(w *world) {
		id := w.session()
		w.browse(id, 0, nil)
		second := w.browse(id, 0, nil)
		_, err := w.browse(id, 0, nil).ended()
		wantCode(t, "the third", err, errTooMany)
		second.close()
		if done, _ := w.browse(id, 0, nil).ended(); done {
			t.Error("there was room")
		}
	})
}

// TestOffer is what a site shows.
func TestOffer(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		offer, err := w.s.Offer(context.Background(), tenant, w.site("shop"))
		if err != nil || offer.GetTitle() != "Shop" || !offer.GetAnonymous() || len(offer.GetRequestTypes()) != 2 {
			t.Fatalf("%v, %v", offer, err)
		}
		billing, callback := offer.GetRequestTypes()[0], offer.GetRequestTypes()[1]
		if billing.GetLabel() != "Billing" || billing.ExpectedWaitMs != nil || callback.GetLabel() != "callback" || !callback.GetCallback() {
			t.Errorf("%v", offer)
		}
		w.logIn(ada)
		w.pass(2 * time.Second)
		offer, err = w.s.Offer(context.Background(), tenant, w.site("shop"))
		if err != nil || offer.GetRequestTypes()[0].ExpectedWaitMs == nil {
			t.Errorf("%v, %v", offer, err)
		}
	})
}

// TestResume: streams that come and go while both sides speak give every line
// once and in order, whatever happens when.
func TestResume(t *testing.T) {
	for seed := range uint64(20) {
		inWorld(t, Limits{Waiting: 4}, func(w *world) {
			chance := rand.New(rand.NewPCG(seed, 1))
			w.logIn(ada)
			id := w.session()
			w.accept(ada)
			var spoken sync.WaitGroup
			const each = 40
			for side := range 2 {
				pauses := rand.New(rand.NewPCG(seed, uint64(side)+10))
				spoken.Go(func() {
					for n := range each {
						time.Sleep(time.Duration(pauses.IntN(3)) * time.Millisecond)
						line := &usherv1.Line{Text: fmt.Sprint(side, " ", n)}
						if side == 0 {
							_, _ = w.s.SendLine(context.Background(), tenant, id, &usherv1.RequestSendLine{Line: line})
						} else {
							_, _ = w.c.Do(context.Background(), center.Request{Tenant: tenant, From: ada, Body: &usherv1.RequestAddLine{InteractionId: id, Line: line}, Protocol: icm})
						}
					}
				})
			}
			reader := &seqReader{w: w, id: id, chance: chance}
			for reader.lines() < 2*each {
				reader.once()
			}
			spoken.Wait()
			reader.check(t, seed, each)
		})
	}
}

// seqReader reads a session by many streams, each going on after the last.
type seqReader struct {
	w      *world
	id     string
	chance *rand.Rand
	after  uint64
	texts  []string
}

func (r *seqReader) lines() int { return len(r.texts) }

// once reads by one stream for a while, slowly at times.
func (r *seqReader) once() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+r.chance.IntN(20))*time.Millisecond)
	defer cancel()
	_ = r.w.s.Events(ctx, tenant, r.id, r.after, func(ev *usherv1.SessionEvent) error {
		if r.chance.IntN(4) == 0 {
			time.Sleep(time.Duration(r.chance.IntN(10)) * time.Millisecond)
		}
		if ev.GetLine() != nil {
			r.texts = append(r.texts, ev.GetLine().GetLine().GetText())
		}
		r.after = max(r.after, ev.GetSequence())
		return nil
	})
}

func (r *seqReader) check(t *testing.T, seed uint64, each int) {
	t.Helper()
	next := [2]int{}
	for _, text := range r.texts {
		var side, n int
		if _, err := fmt.Sscan(text, &side, &n); err != nil || n != next[side] {
			t.Fatalf("seed %d: %q where %d was next: %q", seed, text, next[side], r.texts)
		}
		next[side]++
	}
	if next != [2]int{each, each} {
		t.Errorf("seed %d: %v lines", seed, next)
	}
}

// TestLineBroken: when the sessions have not heard the center for a while
// nobody misses anything.
func TestLineBroken(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada)
		id, other := w.session(), w.session()
		w.accept(ada)
		w.accept(ada)
		b, o := w.browse(id, 0, nil), w.browse(other, 0, nil)
		w.say(id, "one")
		former := w.line.cut
		w.line.ctx, w.line.cut = context.WithCancelCause(context.Background())
		former(nil)
		synctest.Wait()
		w.answer(ada, id, "two")
		w.must(ada, &usherv1.RequestStopProcessing{InteractionId: other})
		wantStrings(t, "meanwhile", b.lines(), "*: one")
		w.pass(2 * againAfter)
		w.answer(ada, id, "three")
		wantStrings(t, "afterwards", b.lines(), "*: one", "Ada: two", "Ada: three")
		if o.last().GetReason() != "AgentEnded" || b.last().GetState() != usherv1.SessionState_SESSION_STATE_CONNECTED {
			t.Errorf("progress: %v, %v", o.last(), b.last())
		}
	})
}

// TestEditedUserData: what agents make of the user data decides nothing, also
// over a restart: a callback stays one, and so does a chat.
func TestEditedUserData(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		callback := w.launch(&usherv1.RequestLaunchSession{RequestType: "callback", CallbackTo: "1"}).GetSessionId()
		chat := w.session()
		w.must(Principal, &usherv1.RequestChangeProperties{InteractionId: callback, DeletedKeys: []string{"callback_to"}})
		w.must(Principal, &usherv1.RequestChangeProperties{InteractionId: chat, UserData: data(map[string]any{"callback_to": "2"})})
		w.crash()
		b := w.browse(chat, 0, nil)
		w.pass(time.Hour)
		if got := b.states(); got != "queued" {
			t.Errorf("the chat: %s", got)
		}
		w.must(Principal, &usherv1.RequestGetInteractionProperties{InteractionId: callback})
	})
}

// TestNoLineNoCallback: a launch whose text is no line leaves nothing behind.
func TestNoLineNoCallback(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		for _, text := range []string{"a\x00b", "a\xffb"} {
			_, err := w.s.Launch(context.Background(), tenant, w.site("shop"), &usherv1.RequestLaunchSession{RequestType: "callback", CallbackTo: "1", Text: text})
			wantCode(t, text, err, errInvalid)
		}
		present, err := w.c.Present(context.Background(), tenant, Principal)
		if err != nil || len(present.GetInteractions()) != 0 {
			t.Errorf("left behind: %v, %v", present.GetInteractions(), err)
		}
	})
}

// TestLongConversation is passed on from its beginning, whatever its length,
// and a file in it is found.
func TestLongConversation(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		id := w.session()
		early := w.said(id, "early")
		const lines = 2_300
		for n := range lines {
			if _, err := w.s.SendLine(context.Background(), tenant, id, &usherv1.RequestSendLine{Line: &usherv1.Line{Text: fmt.Sprint(n)}}); err != nil {
				t.Fatal(err)
			}
		}
		got := w.browse(id, 0, nil).lines()
		if len(got) != lines+1 {
			t.Fatalf("%d lines", len(got))
		}
		for n, line := range got[1:] {
			if want := fmt.Sprint("*: ", n); line != want {
				t.Fatalf("line %d: %s", n, line)
			}
		}
		if got, err := w.download(tenant, id, Principal, early.GetId()); err != nil || got != "early" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestRepeatedLine has its first answer, after a restart and after the end; a
// new one after the end has the end's.
func TestRepeatedLine(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		id := w.session()
		a := w.uploaded(id, "a file")
		file := &usherv1.RequestSendLine{ReferenceId: "f", Line: &usherv1.Line{Kind: usherv1.LineKind_LINE_KIND_ATTACHMENT, Attachment: a}}
		text := &usherv1.RequestSendLine{ReferenceId: "t", Line: &usherv1.Line{Text: "Hello?"}}
		first := map[string]*usherv1.EventAck{}
		send := func(when string) {
			for _, r := range []*usherv1.RequestSendLine{file, text} {
				ack, err := w.s.SendLine(context.Background(), tenant, id, proto.CloneOf(r))
				if known := first[r.GetReferenceId()]; err != nil || known != nil && !proto.Equal(ack, known) {
					t.Errorf("%s, %s: %v, %v, want %v", when, r.GetReferenceId(), ack, err, known)
				}
				first[r.GetReferenceId()] = ack
			}
			if got := w.browse(id, 0, nil).lines(); len(got) != 2 {
				t.Errorf("%s: %q", when, got)
			}
		}
		send("at first")
		send("again")
		w.crash()
		send("after a restart")
		if err := w.drop(id); err != nil {
			t.Fatal(err)
		}
		send("after the end")
		for _, r := range []*usherv1.RequestSendLine{file, text} {
			other := proto.CloneOf(r)
			other.ReferenceId = "new"
			_, err := w.s.SendLine(context.Background(), tenant, id, other)
			wantCode(t, "a new line after the end", err, errStopped)
		}
	})
}

// TestReferenceReused: who uses his reference id for another line reads it as he
// gave it.
func TestReferenceReused(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		id := w.session()
		w.say(id, "one")
		_, err := w.s.SendLine(context.Background(), tenant, id, &usherv1.RequestSendLine{ReferenceId: "one", Line: &usherv1.Line{Text: "two"}})
		wantCode(t, "another line", err, errReused)
		if err != nil && strings.Contains(err.Error(), id) {
			t.Error(err)
		}
	})
}

// TestFirstLineLater: a launch that is repeated because its line was lost adds
// it, whatever was said meanwhile.
func TestFirstLineLater(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		r := func(text string) *usherv1.RequestLaunchSession {
			return &usherv1.RequestLaunchSession{ReferenceId: "r", Name: "Dora", Text: text}
		}
		id := w.launch(r("")).GetSessionId() // as one whose line was lost
		w.say(id, "Are you there?")
		for range 2 {
			w.launch(r("Hello?"))
		}
		wantStrings(t, "lines", w.browse(id, 0, nil).lines(), "*: Are you there?", "*: Hello?")
	})
}

// TestStoppedWhileWaiting: no agent has ended what none had.
func TestStoppedWhileWaiting(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(bob)
		id := w.session()
		w.must(bob, &usherv1.RequestStopProcessing{InteractionId: id, Reason: "stuck"})
		if got := w.browse(id, 0, nil).last().GetReason(); got != "Stopped" {
			t.Errorf("reason: %s", got)
		}
	})
}

// TestSequencesGoOn: progress that waited while later lines were sent has no
// earlier sequence than they.
func TestSequencesGoOn(t *testing.T) {
	var sent []uint64
	r := &reader{sent: 7, send: func(ev *usherv1.SessionEvent) error {
		sent = append(sent, ev.GetSequence())
		return nil
	}}
	for _, sequence := range []uint64{5, 0, 9} {
		ev := &usherv1.SessionEvent{Sequence: sequence, Message: &usherv1.SessionEvent_Progress{Progress: &usherv1.EventSessionProgress{}}}
		if err := r.pass(ev); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(sent, []uint64{7, 0, 9}) {
		t.Errorf("sequences: %d", sent)
	}
}

// TestNotReady: who asks while the sessions can't be taken up is told so.
func TestNotReady(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.s.mu.Lock()
		w.s.clients["stuck"] = newClient(w.s, "stuck")
		w.s.mu.Unlock()
		_, err := w.s.SendLine(context.Background(), "stuck", "s-1", &usherv1.RequestSendLine{})
		wantCode(t, "a line", err, errUnavailable)
		_, err = w.s.Has(context.Background(), "stuck", "s-1")
		wantCode(t, "an agent's line", err, errUnavailable)
	})
}

// TestComesBackTooLate: who comes back while his session is being ended hears
// that it has, and not first that it goes on.
func TestComesBackTooLate(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		id := w.session()
		w.line.stops.close()
		w.pass(61 * time.Second)
		b := w.browse(id, 0, nil)
		if got := b.states(); got != "" {
			t.Errorf("before it is known: %s", got)
		}
		w.line.stops.open()
		if got := b.states(); got != "ended" {
			t.Errorf("states: %s", got)
		}
	})
}

// TestCallbacksEach: a customer has so many callbacks at once and no more, also
// after a restart; they count apart from his sessions.
func TestCallbacksEach(t *testing.T) {
	inWorld(t, Limits{SessionsEach: 2}, func(w *world) {
		made, err := w.s.CreateCustomerToken(tenant, &usherv1.CreateCustomerTokenRequest{Site: "shop", CustomerId: "c"})
		if err != nil {
			t.Fatal(err)
		}
		launch := func(reference string) (string, error) {
			l, err := w.s.Launch(context.Background(), tenant, w.site("shop"), &usherv1.RequestLaunchSession{
				ReferenceId: reference, CustomerToken: made.GetToken(), RequestType: "callback", CallbackTo: "1",
			})
			synctest.Wait()
			return l.GetSessionId(), err
		}
		first, err := launch("1")
		wantCode(t, "the first", err, 0)
		_, err = launch("2")
		wantCode(t, "the second", err, 0)
		w.crash()
		_, err = launch("3")
		wantCode(t, "the third", err, errTooMany)
		_, err = launch("2")
		wantCode(t, "the second again", err, 0)
		w.launch(&usherv1.RequestLaunchSession{CustomerToken: made.GetToken()})
		w.logIn(bob)
		w.must(bob, &usherv1.RequestStopProcessing{InteractionId: first})
		synctest.Wait()
		_, err = launch("3")
		wantCode(t, "when the first is done", err, 0)
	})
}

// TestOfferIsLeft: who looks at a site may go while the answer is awaited.
func TestOfferIsLeft(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.line.asks.close()
		for range 2 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_, err := w.s.Offer(ctx, tenant, w.site("shop"))
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		w.line.asks.open()
	})
}

// TestAskedWhileBroken: an agent who was asked, and is no longer when the
// center is heard again, is not shown as being asked.
func TestAskedWhileBroken(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada)
		b := w.browse(w.session(), 0, nil)
		w.invitation(ada)
		former := w.line.cut
		w.line.ctx, w.line.cut = context.WithCancelCause(context.Background())
		former(nil)
		synctest.Wait()
		w.must(ada, &usherv1.RequestNotReadyForMedia{MediaType: "chat"})
		w.pass(2 * againAfter)
		if got := b.states(); got != "alerting queued" {
			t.Errorf("states: %s", got)
		}
	})
}

// TestAskedAtRestart: a customer who comes back after a restart sees that an agent
// is being asked, and what becomes of it.
func TestAskedAtRestart(t *testing.T) {
	inWorld(t, Limits{}, func(w *world) {
		w.logIn(ada)
		l := w.session()
		w.invitation(ada)
		w.crash()
		b := w.browse(l, 0, nil)
		if got := b.states(); got != "alerting" {
			t.Errorf("states after the restart: %s", got)
		}
		w.must(ada, &usherv1.RequestReject{Ticket: w.invitation(ada).GetTicket()})
		synctest.Wait()
		if got := b.states(); got != "alerting queued" {
			t.Errorf("states after the refusal: %s", got)
		}
	})
}

// TestNothingAfterGap: a stream that has missed a message gets no later one.
func TestNothingAfterGap(t *testing.T) {
	st := newStream(1)
	line := func(sequence uint64) *usherv1.SessionEvent { return &usherv1.SessionEvent{Sequence: sequence} }
	st.put(line(1), true)
	st.put(line(2), true)
	<-st.events
	st.put(line(3), true)
	if len(st.events) != 0 {
		t.Errorf("after 1 without 2: %v", <-st.events)
	}
}
