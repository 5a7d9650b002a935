package center

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

func TestFieldNumbersAreThoseOfTheProto(t *testing.T) {
	for _, c := range []struct {
		message proto.Message
		field   protoreflect.Name
		number  protoreflect.FieldNumber
	}{
		{&usherv1.RecordBatch{}, "records", fieldRecords},
		{&usherv1.Record{}, "tenant_id", fieldTenant},
		{&usherv1.Record{}, "cause", fieldCause},
		{&usherv1.Record{}, "entries", fieldEntries},
		{&usherv1.Entry{}, "to", fieldTo},
		{&usherv1.Entry{}, "answer", fieldAnswer},
		{&usherv1.Entry{}, "event", fieldEvent},
		{&usherv1.Entry{}, "fact", fieldFact},
		{&usherv1.Participant{}, "kind", fieldKind},
		{&usherv1.Participant{}, "id", fieldID},
		{&usherv1.Cause{}, "request", fieldRequest},
		{&usherv1.Fact{}, "time_ms", fieldFactTime},
		{&usherv1.Event{}, "time_ms", fieldTime},
		{&usherv1.Event{}, "protocol", fieldProtocol},
		{&usherv1.Event{}, "reference_id", fieldReference},
		{&usherv1.Event{}, "interaction_id", fieldInteraction},
		{&usherv1.Event{}, "interactions", fieldInteractions},
		{&usherv1.Event{}, "event_ack", fieldFirstMessage},
		{&usherv1.Event{}, "event_invite", fieldInvite},
		{&usherv1.Event{}, "event_pulled_interactions", fieldPulled},
		{&usherv1.Event{}, "event_route_request", fieldRouteRequest},
		{&usherv1.Event{}, "request_3rd_server", fieldThirdServer},
		{&usherv1.Event{}, "event_line_added", fieldLineAdded},
		{&usherv1.EventPulledInteractions{}, "interaction_ids", fieldPulledIDs},
		{&usherv1.StateSnapshot{}, "answers", fieldAnswers},
		{&usherv1.AnswerState{}, "tenant_id", fieldAnswerTenant},
		{&usherv1.AnswerState{}, "principal", fieldAnswerPrincipal},
		{&usherv1.AnswerState{}, "reference_id", fieldAnswerReference},
		{&usherv1.AnswerState{}, "body_hash", fieldAnswerHash},
		{&usherv1.AnswerState{}, "time_ms", fieldAnswerTime},
		{&usherv1.AnswerState{}, "answer", fieldAnswerEvent},
		{&usherv1.AnswerState{}, "request", fieldAnswerRequest},
	} {
		f := c.message.ProtoReflect().Descriptor().Fields().ByName(c.field)
		if f == nil || f.Number() != c.number {
			t.Errorf("%s of %T is not %d", c.field, c.message, c.number)
		}
	}
	if d := (&usherv1.Event{}).ProtoReflect().Descriptor(); d.Oneofs().Get(0).Fields().Get(0).Number() != fieldFirstMessage {
		t.Errorf("the first message of an Event is not %d", fieldFirstMessage)
	}
}

// TestFramingIsWhatTheLibraryWrites compares the framing by hand with that of
// the library, both ways.
func TestFramingIsWhatTheLibraryWrites(t *testing.T) {
	long := string(make([]byte, 300))
	event := &usherv1.Event{
		Sequence: 7, TimeMs: 1234567, Protocol: usherv1.Protocol_PROTOCOL_RPT, ReferenceId: "ref", InteractionId: "i-1",
		Message: &usherv1.Event_EventPulledInteractions{EventPulledInteractions: &usherv1.EventPulledInteractions{InteractionIds: []string{"i-1", "i-2"}}},
	}
	fact := &usherv1.Fact{TimeMs: 99, Fact: &usherv1.Fact_GraceEnded{GraceEnded: &usherv1.GraceEnded{Client: ada.Proto()}}}
	cause := &usherv1.Cause{Principal: ada.Proto(), Request: "RequestPull", ReferenceId: "ref", BodyHash: []byte(long)}
	entries := []engine.Entry{
		{To: []engine.Participant{ada, engine.Report, {}}, Answer: true, Event: event},
		{Fact: fact},
		{To: []engine.Participant{{Kind: ada.Kind, ID: long}}, Event: &usherv1.Event{Reason: long}},
	}
	var b batch
	b.reset(10)
	b.add("default", cause, entries, 5)
	b.add("other", nil, entries[1:2], 6)
	want := &usherv1.RecordBatch{Records: []*usherv1.Record{
		{TenantId: "default", Cause: cause, Entries: []*usherv1.Entry{
			{To: []*usherv1.Participant{ada.Proto(), engine.Report.Proto(), {}}, Answer: true, Event: event},
			{Fact: fact},
			{To: []*usherv1.Participant{{Kind: ada.Kind, Id: long}}, Event: &usherv1.Event{Reason: long}},
		}},
		{TenantId: "other", Entries: []*usherv1.Entry{{Fact: fact}}},
	}}
	var got usherv1.RecordBatch
	if err := proto.Unmarshal(b.payload, &got); err != nil || !proto.Equal(&got, want) {
		t.Fatalf("%v\ngot  %v\nwant %v", err, &got, want)
	}
	if b.entries != 4 || b.decided != 13 {
		t.Fatalf("%d entries up to %d", b.entries, b.decided)
	}
	var records []*storedRecord
	if err := eachRecord(b.payload, 10, func(r *storedRecord) bool { records = append(records, r); return true }); err != nil {
		t.Fatal(err)
	}
	first := records[0].entries[0]
	g := peek(first.event)
	if len(records) != 2 || records[1].first != 13 || records[1].tenant != "other" || len(first.to) != 3 || first.to[0] != ada || !first.answer ||
		!records[0].immediate(&first) || first.timeMs() != 1234567 || !first.reports() || records[0].entries[1].timeMs() != 99 ||
		g.interaction != "i-1" || len(g.shows()) != 2 || records[0].entries[2].to[0].ID != long {
		t.Fatalf("read back %+v, %+v", records, g)
	}
}

// TestWhatIsShown holds what is looked up for a message to what is looked up
// for the same one once it is encoded.
func TestWhatIsShown(t *testing.T) {
	for _, c := range []struct {
		event *usherv1.Event
		want  []string
	}{
		{&usherv1.Event{Message: &usherv1.Event_EventAck{}}, nil},
		{&usherv1.Event{Message: &usherv1.Event_EventInvite{EventInvite: &usherv1.EventInvite{}}}, []string{"i"}},
		{&usherv1.Event{Message: &usherv1.Event_EventRouteRequest{EventRouteRequest: &usherv1.EventRouteRequest{}}}, []string{"i"}},
		{&usherv1.Event{Message: &usherv1.Event_Request_3RdServer{Request_3RdServer: &usherv1.Request3RdServer{}}}, []string{"i"}},
		{&usherv1.Event{Message: &usherv1.Event_EventPrivateInfo{EventPrivateInfo: &usherv1.EventPrivateInfo{}}}, nil},
		{&usherv1.Event{Message: &usherv1.Event_EventPulledInteractions{
			EventPulledInteractions: &usherv1.EventPulledInteractions{InteractionIds: []string{"j", "k"}},
		}}, []string{"j", "k"}},
	} {
		c.event.InteractionId = "i"
		if direct, encoded := showing(c.event), peek(encode(c.event)).shows(); !slices.Equal(direct, c.want) || !slices.Equal(encoded, c.want) {
			t.Errorf("%s: %v, encoded %v", messageName(c.event), direct, encoded)
		}
	}
}

func TestDamagedRecordsAreRefused(t *testing.T) {
	var b batch
	b.reset(1)
	b.add("default", nil, []engine.Entry{{To: []engine.Participant{ada}, Event: &usherv1.Event{Reason: "x"}}}, 5)
	for n := 1; n < len(b.payload); n++ {
		if err := eachRecord(b.payload[:n], 1, func(*storedRecord) bool { return true }); err == nil {
			t.Fatalf("cut to %d bytes of %d and not noticed", n, len(b.payload))
		}
	}
}
