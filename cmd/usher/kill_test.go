package main

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/pebble"
)

// TestKill kills the real process under load, again and again, and proves that
// nothing that was acknowledged is lost, that nothing is done twice, and that
// every stream goes on without gap or duplicate. USHER_SEED chooses another
// sequence of moments.
func TestKill(t *testing.T) {
	rounds, longest := 20, 250
	if testing.Short() {
		rounds, longest = 4, 100
	}
	seed := uint64(1)
	if text := os.Getenv("USHER_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("USHER_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	l := startLoad(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l.report(ctx)
	media := l.media(ctx, 4, random)
	for _, id := range []string{"alice", "bob", "carol"} {
		l.agent(ctx, id, random)
	}
	for round := range rounds {
		wanted := len(l.acknowledged()) + 1 + random.IntN(longest)
		eventually(t, "the load goes on", func() bool { return len(l.acknowledged()) >= wanted })
		l.down()
		if round%5 == 4 { // now and then in good order, which saves a snapshot
			if err := l.process.stop(); err != nil {
				t.Fatal(err)
			}
		} else {
			l.process.kill()
		}
		l.start()
		l.checkAcknowledged(ctx, media, random)
	}
	l.down()
	if err := l.process.stop(); err != nil {
		t.Fatal(err)
	}
	record := readRecord(t, l.dir)
	l.checkRecord(record)
	l.start()
	l.checkStreams(ctx, record)
	cancel()
	l.working.Wait()
	t.Logf("%d requests acknowledged after %d attempts without an answer, %d refused, %d entries in the journal",
		len(l.acked), l.doubted, len(l.refused), record.entries)
	if l.doubted == 0 {
		t.Error("no request was under way when the server was killed")
	}
}

// checkAcknowledged asks the restarted server about some of what was
// acknowledged: the interaction is known, and the same request gets the same
// answer.
func (l *load) checkAcknowledged(ctx context.Context, media *client.Client, random *rand.Rand) {
	l.t.Helper()
	acked := l.acknowledged()
	for n := range 30 {
		op := acked[len(acked)-1-n%min(10, len(acked))] // the last ones, and any
		if n >= 10 {
			op = acked[random.IntN(len(acked))]
		}
		read := &usherv1.RequestGetInteractionProperties{InteractionId: op.ack.GetInteractionId()}
		_, err := media.InteractionManagement().GetInteractionProperties(ctx, read)
		if code := client.CodeOf(err); err != nil && code != usherv1.ErrorCode_ERROR_CODE_ALREADY_STOPPED {
			l.t.Errorf("%s (%s) was acknowledged, and its interaction is %v", op.reference, op.reported, err)
		}
		again, err := op.send(ctx, op.reference)
		if err != nil || !proto.Equal(again, op.ack) {
			l.t.Errorf("%s (%s) was answered with\n%v, and again with\n%v, %v", op.reference, op.reported, op.ack, again, err)
		}
	}
}

// record is what the journal holds of the default tenant.
type record struct {
	entries int
	// answers are the sequences of the answers, by reference id.
	answers map[string][]uint64
	// caused are the messages to reporting engines in the record of an answer.
	caused map[uint64][]string
	// streams are the messages by recipient, answers to requests left out.
	streams map[engine.Participant][]*usherv1.Event
	// all are the sequences of all messages by recipient.
	all map[engine.Participant]map[uint64]*usherv1.Event
	// submitted counts by interaction.
	submitted map[string]int
}

// readRecord reads the journal of a server that is stopped.
func readRecord(t *testing.T, dir string) *record {
	t.Helper()
	if err := verifyJournal(t.Context(), dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	j, err := pebble.Open(pebble.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r := &record{
		answers: map[string][]uint64{}, caused: map[uint64][]string{}, submitted: map[string]int{},
		streams: map[engine.Participant][]*usherv1.Event{}, all: map[engine.Participant]map[uint64]*usherv1.Event{},
	}
	err = eachBatch(t.Context(), j, func(b *journal.Batch, content *usherv1.RecordBatch) error {
		sequence := uint64(b.First)
		for _, one := range content.GetRecords() {
			r.add(sequence, one)
			sequence += uint64(len(one.GetEntries()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *record) add(first uint64, one *usherv1.Record) {
	r.entries += len(one.GetEntries())
	if one.GetTenantId() != "default" {
		return
	}
	var reported []string
	var answered uint64
	for n, entry := range one.GetEntries() {
		event, sequence := entry.GetEvent(), first+uint64(n)
		if entry.GetAnswer() && event.GetReferenceId() == one.GetCause().GetReferenceId() {
			r.answers[event.GetReferenceId()] = append(r.answers[event.GetReferenceId()], sequence)
			answered = sequence
		}
		for _, to := range entry.GetTo() {
			r.deliver(engine.ParticipantOf(to), sequence, entry)
			if engine.ParticipantOf(to) == engine.Report {
				reported = append(reported, messageName(event))
			}
		}
		if event.GetEventInteractionSubmitted() != nil {
			r.submitted[event.GetInteractionId()]++
		}
	}
	if answered != 0 {
		r.caused[answered] = reported
	}
}

func (r *record) deliver(to engine.Participant, sequence uint64, entry *usherv1.Entry) {
	if r.all[to] == nil {
		r.all[to] = map[uint64]*usherv1.Event{}
	}
	r.all[to][sequence] = entry.GetEvent()
	if !entry.GetAnswer() {
		r.streams[to] = append(r.streams[to], entry.GetEvent())
	}
}

func messageName(event *usherv1.Event) string {
	m := event.ProtoReflect()
	if field := m.WhichOneof(m.Descriptor().Oneofs().ByName("message")); field != nil {
		return string(field.Message().Name())
	}
	return ""
}
