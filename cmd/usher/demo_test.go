package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/demo"
)

// tourPart is a part of the tour: a message to two, and an explanation.
func tourPart(t *testing.T, w demo.Watcher) {
	t.Helper()
	agent := func(id string) *usherv1.Participant {
		return &usherv1.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, Id: id}
	}
	line := &usherv1.TraceLine{
		Sequence: 7, From: &usherv1.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_SERVER},
		To: []*usherv1.Participant{agent("ana"), agent("ben")}, Message: "EventAck", Protocol: usherv1.Protocol_PROTOCOL_IM,
		Event: &usherv1.Event{},
	}
	why := &usherv1.EventWhyWaiting{
		InteractionId: "chat-1", Summary: "Nobody is there.",
		Exclusions: []*usherv1.Exclusion{{Rule: "WorkMode", Description: "They rest.", Count: 1}},
	}
	for _, err := range []error{w.Part("it begins"), w.Arrow(line), w.Why(why), w.Part("it ends")} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestDemoPages: the tour stands below its title, an explanation at a margin of
// its own.
func TestDemoPages(t *testing.T) {
	var out bytes.Buffer
	tourPart(t, &pages{out: bufio.NewWriter(&out)})
	want := `
==== a small contact centre, step by step

contact-centre 1: it begins
    ixn > ana, ben  EventAck                                      im    #7 00:00:00.000

  usher explain chat-1
  | Nobody is there.
  | RULE      AGENTS  MEANING
  | WorkMode  1       They rest.

contact-centre 2: it ends
`
	if out.String() != want {
		t.Errorf("%s\nis not\n%s", &out, want)
	}
}

// TestDemoObjects: every line is one JSON object, with its place in the tour.
func TestDemoObjects(t *testing.T) {
	var out bytes.Buffer
	buffered := bufio.NewWriter(&out)
	v := &objects{out: json.NewEncoder(buffered), Writer: buffered}
	tourPart(t, v)
	var got []string
	for line := range strings.Lines(out.String()) {
		var arrow struct{ Scenario, Phase, From, To, Message, Summary string }
		if err := json.Unmarshal([]byte(line), &arrow); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, strings.Join([]string{arrow.Phase, arrow.From, arrow.To, arrow.Message, arrow.Summary}, " "))
	}
	want := "1 ixn ana EventAck |1 ixn ben EventAck |1 ixn admin EventWhyWaiting Nobody is there."
	if strings.Join(got, "|") != want {
		t.Errorf("%q, not %q", strings.Join(got, "|"), want)
	}
}
