package center

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/journal"
)

// followed are the records after a sequence, as the library reads them.
func (w *world) followed(after uint64) (all []*usherv1.Record, firsts []uint64) {
	w.t.Helper()
	for r, err := range w.c.Follow(w.ctx(), after, false) {
		if err != nil {
			w.t.Fatal(err)
		}
		cause, err := r.Cause()
		if err != nil || cause.GetRequest() != r.Request() {
			w.t.Fatal(cause, err)
		}
		read := &usherv1.Record{TenantId: r.Tenant, Cause: cause}
		for _, e := range r.Entries {
			entry := &usherv1.Entry{}
			if e.Event != nil {
				entry.Event = &usherv1.Event{}
				err = proto.Unmarshal(e.Event, entry.Event)
			} else {
				entry.Fact = &usherv1.Fact{}
				err = proto.Unmarshal(e.Fact, entry.Fact)
			}
			if err != nil {
				w.t.Fatal(err)
			}
			w.checkGlimpses(e, entry)
			read.Entries = append(read.Entries, entry)
		}
		all, firsts = append(all, read), append(firsts, r.First)
	}
	return all, firsts
}

// checkGlimpses holds what is told of an entry without decoding it against the
// decoded one.
func (w *world) checkGlimpses(e RecordEntry, decoded *usherv1.Entry) {
	w.t.Helper()
	var reports, holds int32
	if ev := decoded.Event; ev != nil && ev.Protocol == usherv1.Protocol_PROTOCOL_RPT {
		m := ev.ProtoReflect()
		reports = int32(m.WhichOneof(m.Descriptor().Oneofs().ByName("message")).Number())
	}
	if decoded.Fact != nil {
		m := decoded.Fact.ProtoReflect()
		holds = int32(m.WhichOneof(m.Descriptor().Oneofs().ByName("fact")).Number())
	}
	if int32(e.Reports()) != reports || int32(e.Holds()) != holds {
		w.t.Fatalf("%v: reports %d, holds %d", decoded, e.Reports(), e.Holds())
	}
}

// TestFollowGivesTheJournal compares what is followed with what the library
// reads from the journal, from every sequence on.
func TestFollowGivesTheJournal(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	w.submit("support")
	w.submit("pull")
	var want []*usherv1.Record
	for b, err := range w.c.o.Journal.Read(w.ctx(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		batch := &usherv1.RecordBatch{}
		if err := proto.Unmarshal(b.Payload, batch); err != nil {
			t.Fatal(err)
		}
		for _, r := range batch.Records {
			for _, e := range r.Entries {
				e.To, e.Answer = nil, false
			}
			want = append(want, r)
		}
	}
	same := func(a, b *usherv1.Record) bool { return proto.Equal(a, b) }
	end := w.c.Status().Durable
	for after := range end + 1 {
		got, firsts := w.followed(after)
		skipped := len(want) - len(got)
		if !slices.EqualFunc(got, want[skipped:], same) {
			t.Fatalf("after %d: %v", after, got)
		}
		if len(got) == 0 != (after == end) || len(got) > 0 && firsts[0]+uint64(len(got[0].Entries)) <= after+1 {
			t.Fatalf("after %d begins with %v", after, firsts)
		}
	}
}

func TestFollowGoesOnLive(t *testing.T) {
	w := newWorld(t, nil).setUp()
	ctx, hangUp := context.WithTimeout(w.ctx(), time.Minute) // rather than for ever
	defer hangUp()
	after := w.c.Status().Durable
	w.start(chat, submit("", "pull"))
	seen := 0
	var last error
	for r, err := range w.c.Follow(ctx, after, true) {
		if last = err; err == nil && r.Request() == "RequestSubmit" {
			if seen++; seen == 3 {
				hangUp()
			}
			w.start(chat, submit("", "pull"))
		}
	}
	if seen < 3 || !errors.Is(last, context.Canceled) {
		t.Fatalf("saw %d submits and ended with %v", seen, last)
	}
	for range w.c.Follow(w.ctx(), 0, true) {
		break // it holds nothing
	}
}

// TestSequenceBefore looks for the beginning of every batch, and for times
// beyond both ends.
func TestSequenceBefore(t *testing.T) {
	w := newWorld(t, nil).setUp()
	for range 20 {
		w.clock.Advance(time.Minute)
		w.submit("pull")
	}
	var last journal.Batch
	for b, err := range w.c.o.Journal.Read(w.ctx(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if b.Time > last.Time {
			w.wantBefore(b.Time, uint64(b.First)-1)
			w.wantBefore(last.Time+1, uint64(b.First)-1)
		}
		last = *b
	}
	w.wantBefore(0, 0)
	w.wantBefore(last.Time+1, uint64(last.Last()))
}

func (w *world) wantBefore(timeMs int64, want uint64) {
	w.t.Helper()
	if got, err := w.c.SequenceBefore(w.ctx(), timeMs); err != nil || got != want {
		w.t.Errorf("before %d: %d, %v; want %d", timeMs, got, err, want)
	}
}
