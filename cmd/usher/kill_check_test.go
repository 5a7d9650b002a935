package main

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/engine"
)

// checkRecord holds the journal against what the clients were told: every
// acknowledged request is in it, once, with what reporting engines hear of it;
// no refused one is.
func (l *load) checkRecord(r *record) {
	l.t.Helper()
	kinds := map[string]int{}
	for _, op := range l.acknowledged() {
		kinds[op.reported]++
		sequence := op.ack.GetSequence()
		if answers := r.answers[op.reference]; len(answers) != 1 || answers[0] != sequence {
			l.t.Errorf("%s (%s) was acknowledged with sequence %d, and the journal has %v", op.reference, op.reported, sequence, answers)
		} else if !slices.Contains(r.caused[sequence], op.reported) {
			l.t.Errorf("%s: reporting engines heard %v, and not %s", op.reference, r.caused[sequence], op.reported)
		}
	}
	for _, reference := range l.refused {
		if answers := r.answers[reference]; len(answers) > 0 {
			l.t.Errorf("%s was refused, and the journal has its answers %v", reference, answers)
		}
	}
	for interaction, times := range r.submitted {
		if times != 1 {
			l.t.Errorf("interaction %s was submitted %d times", interaction, times)
		}
	}
	for _, kind := range []string{"EventInteractionSubmitted", "EventPartyAdded", "EventPartyRemoved", "EventPlacedInQueue", "EventPropertiesChanged", "EventProcessingStopped"} {
		if kinds[kind] == 0 {
			l.t.Errorf("the load had no request that is reported as %s", kind)
		}
	}
	l.t.Logf("acknowledged: %v", kinds)
}

// checkStreams waits until the streams have caught up with the journal, and
// holds what was heard on each, over all breaks, against the journal's filter;
// the reporting stream also when it is read from the beginning.
func (l *load) checkStreams(ctx context.Context, r *record) {
	l.t.Helper()
	listeners := []engine.Participant{engine.Report, mediaServer, agentNamed("alice"), agentNamed("bob"), agentNamed("carol")}
	for _, who := range listeners {
		want := r.streams[who]
		if len(want) == 0 {
			l.t.Errorf("the journal has nothing for %v", who)
			continue
		}
		last := want[len(want)-1].GetSequence()
		eventually(l.t, "the stream catches up", func() bool {
			heard := l.heardBy(who)
			return len(heard) > 0 && heard[len(heard)-1].GetSequence() >= last
		})
		l.checkStream(who, l.heardBy(who), want, r)
	}
	l.checkStream(engine.Report, l.reread(ctx, r), r.streams[engine.Report], r)
}

// reread hears the reporting events once more, from the beginning and without
// a break.
func (l *load) reread(ctx context.Context, r *record) []*usherv1.Event {
	l.t.Helper()
	want := r.streams[engine.Report]
	c := l.dial(client.WithAPIKey(l.keys["USHER_REPORTING_KEY"]))
	var heard []*usherv1.Event
	for event, err := range c.Reports(ctx, beginning) {
		if err != nil {
			l.t.Fatal(err)
		}
		if heard = append(heard, event); event.GetSequence() >= want[len(want)-1].GetSequence() {
			break
		}
	}
	return heard
}

// checkStream holds one stream against the journal. Answers to his own requests
// a client may hear or not, as he has several applications or one.
func (l *load) checkStream(who engine.Participant, heard, want []*usherv1.Event, r *record) {
	l.t.Helper()
	before := uint64(0)
	missing := want
	for _, event := range heard {
		sequence := event.GetSequence()
		if sequence <= before {
			l.t.Errorf("%v heard sequence %d after %d", who, sequence, before)
		}
		before = sequence
		if sequence > want[len(want)-1].GetSequence() {
			break // from the time after the journal was read
		}
		stored := r.all[who][sequence]
		plain := proto.CloneOf(event)
		plain.Interactions = nil // attached on delivery
		if !proto.Equal(stored, plain) {
			l.t.Errorf("%v heard\n%v, and the journal has\n%v", who, plain, stored)
		}
		if len(missing) > 0 && missing[0].GetSequence() == sequence {
			missing = missing[1:]
		}
	}
	if len(missing) > 0 {
		l.t.Errorf("%v did not hear %d of %d messages, the first is %v", who, len(missing), len(want), missing[0])
	}
}
