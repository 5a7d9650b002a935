package center

import (
	"context"
	"errors"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/router"
)

// silentRouter is a router that does not explain itself, whatever the one that
// it wraps can do.
type silentRouter struct{ Router }

// knowing is a router that answers with what the test put into it.
type knowing struct {
	Router
	answer  string
	refusal *usherv1.EventError
}

func (k *knowing) WhyWaiting(e *engine.Engine, now engine.Millis, r *usherv1.RequestWhyWaiting) (*usherv1.EventWhyWaiting, *usherv1.EventError) {
	if k.refusal != nil {
		return nil, k.refusal
	}
	since := int64(e.Interaction(engine.InteractionID(r.GetInteractionId())).MovedToQueueAt())
	return &usherv1.EventWhyWaiting{InteractionId: r.GetInteractionId(), Summary: k.answer, WaitingSinceMs: int64(now) - since}, nil
}

func (k *knowing) ExpectedWait(*engine.Engine, engine.Millis, *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, *usherv1.EventError) {
	return &usherv1.EventExpectedWait{ExpectedWaitMs: 42}, k.refusal
}

func (k *knowing) FillQueues(_ *engine.Engine, _ engine.Millis, rows []*usherv1.QueueRow, media func(string) engine.MediaName) {
	for _, row := range rows {
		row.AgentsStaffed, row.Description = 7, string(media(row.Queue))
	}
}

// TestRows: a look at everything is a read, whatever the router knows.
func TestRows(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	w.submit("pull")
	before := w.c.Status()
	rows, refusal, err := w.c.Rows(w.ctx(), "default", Look{Agent: "ada", MediaType: "chat"})
	if err != nil || refusal != nil || rows.Sequence != before.Decided || rows.TimeMs != before.TimeMs ||
		len(rows.Agents) != 2 || len(rows.Queues) != 2 || len(rows.MediaTypes) != 1 {
		t.Fatal(rows, refusal, err)
	}
	pull, support := rows.Queues[0], rows.Queues[1]
	if pull.Waiting != 1 || pull.AgentsStaffed != 0 || support.AgentsStaffed != 1 || support.AgentsAvailable != 1 || support.ExpectedWaitMs == nil {
		t.Error(pull, support)
	}
	if rows, _, _ := w.c.Rows(w.ctx(), "default", Look{WithoutAgents: true}); len(rows.Agents) != 0 || rows.Queues[1].ExpectedWaitMs != nil {
		t.Error(rows)
	}
	for tenant, want := range map[string]usherv1.ErrorCode{
		"default": usherv1.ErrorCode_ERROR_CODE_UNKNOWN_MEDIA_TYPE, "nobody": usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT,
	} {
		if rows, refusal, err := w.c.Rows(w.ctx(), tenant, Look{MediaType: "fax"}); rows != nil || refusal.GetCode() != want || err != nil {
			t.Error(rows, refusal, err)
		}
	}
	if _, _, err := w.c.Rows(canceled(), "default", Look{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if rows, _, _ := w.c.Rows(w.ctx(), "default", Look{Asked: true}); rows.Queues[1].ExpectedWaitMs != nil {
		t.Error("nobody asks for it:", rows.Queues[1])
	}
	if after := w.c.Status(); after.Decided != before.Decided || after.Entries != before.Entries {
		t.Fatalf("a look was recorded: %+v", after)
	}
	w.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{TenantId: "default", Configuration: &usherv1.Configuration{
		RequestTypes: []*usherv1.RequestType{{Name: "help", MediaType: "chat", Queue: "support"}},
	}}})
	if rows, _, _ := w.c.Rows(w.ctx(), "default", Look{Asked: true}); rows.Queues[1].ExpectedWaitMs == nil || rows.Queues[0].ExpectedWaitMs != nil {
		t.Error("customers ask for it:", rows.Queues)
	}
}

// TestRowsOfOtherRouters: one that explains itself fills in what it knows, of
// another that is left out.
func TestRowsOfOtherRouters(t *testing.T) {
	for staffed, made := range map[int32]Router{7: &knowing{Router: router.New()}, 0: silentRouter{router.New()}} {
		w := newWorld(t, func(o *Options) { o.NewRouter = func() Router { return made } }).setUp()
		rows, refusal, err := w.c.Rows(w.ctx(), "default", Look{MediaType: "chat"})
		if err != nil || refusal != nil || rows.Queues[0].AgentsStaffed != staffed {
			t.Error(rows, refusal, err)
		}
	}
}

func TestQuestionsAreReads(t *testing.T) {
	k := &knowing{answer: "nobody is there"}
	w := newWorld(t, func(o *Options) {
		o.NewRouter = func() Router { k.Router = router.New(); return k }
	}).setUp()
	id := w.submit("support")
	w.clock.Advance(5)
	before := w.c.Status()
	why, refusal, err := w.c.WhyWaiting(w.ctx(), "default", &usherv1.RequestWhyWaiting{InteractionId: id})
	if err != nil || refusal != nil || why.Summary != k.answer || why.Sequence != before.Decided || why.TimeMs != before.TimeMs ||
		why.TimeMs-why.WaitingSinceMs != beginning.UnixMilli() {
		t.Fatalf("%v, %v, %v at sequence %d", why, refusal, err, before.Decided)
	}
	wait, refusal, err := w.c.ExpectedWait(w.ctx(), "default", &usherv1.RequestExpectedWait{})
	if err != nil || refusal != nil || wait.ExpectedWaitMs != 42 || wait.Sequence != before.Decided || wait.TimeMs != before.TimeMs {
		t.Fatalf("%v, %v, %v", wait, refusal, err)
	}
	k.refusal = refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION, "no")
	if _, refusal, err = w.c.WhyWaiting(w.ctx(), "default", &usherv1.RequestWhyWaiting{}); err != nil || refusal != k.refusal || refusal.Sequence != before.Decided {
		t.Fatal(refusal, err)
	}
	if after := w.c.Status(); after.Decided != before.Decided || after.Entries != before.Entries {
		t.Fatalf("a question was recorded: %+v", after)
	}
}

func TestQuestionsThatNobodyAnswers(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.NewRouter = func() Router { return silentRouter{router.New()} }
	}).setUp()
	for tenant, want := range map[string]usherv1.ErrorCode{
		"default": usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, "nobody": usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT,
	} {
		if answer, refusal, err := w.c.WhyWaiting(w.ctx(), tenant, &usherv1.RequestWhyWaiting{}); err != nil || answer != nil || refusal.GetCode() != want || refusal.GetName() == "" {
			t.Errorf("%s: %v, %v, %v", tenant, answer, refusal, err)
		}
		if answer, refusal, err := w.c.ExpectedWait(w.ctx(), tenant, &usherv1.RequestExpectedWait{}); err != nil || answer != nil || refusal.GetCode() != want {
			t.Errorf("%s: %v, %v, %v", tenant, answer, refusal, err)
		}
	}
	if _, _, err := w.c.WhyWaiting(canceled(), "default", &usherv1.RequestWhyWaiting{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
