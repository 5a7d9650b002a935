package main

import (
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/memory"
)

// TestRecordAfterTrim: where the journal does not reach back to the beginning,
// the configuration is that of the snapshot and what was changed after it.
func TestRecordAfterTrim(t *testing.T) {
	j := memory.New()
	epoch, err := j.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	head := journal.Genesis
	// Every batch changes the description of a queue of its own, and of "all".
	change := func(text string) {
		t.Helper()
		applied := &usherv1.ConfigurationApplied{Configuration: &usherv1.Configuration{Queues: []*usherv1.Queue{
			{Name: "all", Description: text}, {Name: text},
		}}}
		payload, err := proto.Marshal(&usherv1.RecordBatch{Records: []*usherv1.Record{{TenantId: "default", Entries: []*usherv1.Entry{
			{Fact: &usherv1.Fact{Fact: &usherv1.Fact_ConfigurationApplied{ConfigurationApplied: applied}}},
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		head, err = j.Append(t.Context(), epoch, &journal.Batch{First: head.Next, Count: 1, Time: 1, Payload: payload})
		if err != nil {
			t.Fatal(err)
		}
	}
	save := func(queues ...*usherv1.Queue) {
		t.Helper()
		payload, err := proto.Marshal(&usherv1.StateSnapshot{Tenants: []*usherv1.TenantState{
			{TenantId: "default", ConfigurationVersion: 7, Configuration: &usherv1.Configuration{Queues: queues}},
		}})
		if err == nil {
			err = j.SaveSnapshot(t.Context(), &journal.Snapshot{Head: head, Payload: payload})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change("first")
	change("second")
	save(&usherv1.Queue{Name: "first"}, &usherv1.Queue{Name: "second"}, &usherv1.Queue{Name: "all", Description: "second"})
	change("third")
	save(&usherv1.Queue{Name: "first"}, &usherv1.Queue{Name: "second"}, &usherv1.Queue{Name: "third"}, &usherv1.Queue{Name: "all", Description: "of the snapshot"})
	if err := j.Trim(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	check := func(want string) {
		t.Helper()
		recording, err := recordingOf(t.Context(), j, "default")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, q := range recording.Configuration().Queues {
			got += q.Name + " " + q.Description + ","
		}
		if got != want {
			t.Errorf("got %s want %s", got, want)
		}
	}
	check("all of the snapshot,first ,second ,third ,")
	change("fourth")
	check("all fourth,first ,fourth ,second ,third ,")
	if recording, err := recordingOf(t.Context(), j, "nowhere"); err != nil || recording != nil {
		t.Errorf("of a tenant that is not there: %v, %v", recording, err)
	}
}
