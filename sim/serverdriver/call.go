package serverdriver

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// caller sends requests with a credential.
type caller struct {
	url func() string
	key string
}

// Refused is an EventError that came back.
type Refused struct{ Event *usherv1.EventError }

// Error is its sentence.
func (r *Refused) Error() string { return r.Event.Name + ": " + r.Event.Description }

// methods are the unary methods by the full name of what they take.
var methods = func() map[protoreflect.FullName]protoreflect.MethodDescriptor {
	byInput := map[protoreflect.FullName]protoreflect.MethodDescriptor{}
	for _, file := range []protoreflect.FileDescriptor{
		usherv1.File_usher_v1_interaction_management_proto, usherv1.File_usher_v1_tlibrary_proto,
		usherv1.File_usher_v1_external_service_proto, usherv1.File_usher_v1_administration_proto, usherv1.File_usher_v1_authentication_proto,
	} {
		for n := range file.Services().Len() {
			all := file.Services().Get(n).Methods()
			for m := range all.Len() {
				if method := all.Get(m); !method.IsStreamingServer() {
					byInput[method.Input().FullName()] = method
				}
			}
		}
	}
	return byInput
}()

// call sends a request to the method that takes it.
func (c caller) call(ctx context.Context, request, response proto.Message) error {
	method := methods[request.ProtoReflect().Descriptor().FullName()]
	if method == nil {
		return fmt.Errorf("no method takes %s", request.ProtoReflect().Descriptor().Name())
	}
	body, err := protojson.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode %s: %w", request.ProtoReflect().Descriptor().Name(), err)
	}
	url := fmt.Sprintf("%s/%s/%s", c.url(), method.Parent().FullName(), method.Name())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return refusal(answer.Status, text)
	}
	return protojson.Unmarshal(text, response)
}

// refusal reads the EventError in the details of an error.
func refusal(status string, text []byte) error {
	var failed struct {
		Message string
		Details []struct{ Type, Value string }
	}
	if err := json.Unmarshal(text, &failed); err != nil {
		return fmt.Errorf("%s: %s", status, text)
	}
	for _, d := range failed.Details {
		value, err := base64.RawStdEncoding.DecodeString(d.Value)
		event := &usherv1.EventError{}
		if err == nil && d.Type == "usher.v1.EventError" && proto.Unmarshal(value, event) == nil {
			return &Refused{event}
		}
	}
	return fmt.Errorf("%s: %s", status, failed.Message)
}

// ask sends a published request and gives its answer, or refusal, as an Event.
func (c caller) ask(ctx context.Context, protocol usherv1.Protocol, request proto.Message) (*usherv1.Event, error) {
	method := methods[request.ProtoReflect().Descriptor().FullName()]
	if method == nil {
		return nil, fmt.Errorf("no method takes %s", request.ProtoReflect().Descriptor().Name())
	}
	response := newMessage(method.Output())
	err := c.call(ctx, request, response)
	var refused *Refused
	if errors.As(err, &refused) {
		return &usherv1.Event{
			Protocol: protocol, ReferenceId: refused.Event.ReferenceId, InteractionId: refused.Event.InteractionId,
			Message: &usherv1.Event_EventError{EventError: refused.Event},
		}, nil
	}
	if err != nil {
		return nil, err
	}
	return asEvent(protocol, response), nil
}

func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	event := &usherv1.Event{}
	if d == event.ProtoReflect().Descriptor() {
		return event
	}
	field := messageField(d)
	return event.ProtoReflect().NewField(field).Message().Interface()
}

// messageField is where an Event holds a message of this type.
func messageField(d protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	fields := (&usherv1.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("message").Fields()
	for n := range fields.Len() {
		if fields.Get(n).Message() == d {
			return fields.Get(n)
		}
	}
	panic("no Event holds a " + string(d.Name()))
}

// asEvent puts an answer into its envelope.
func asEvent(protocol usherv1.Protocol, response proto.Message) *usherv1.Event {
	if event, ok := response.(*usherv1.Event); ok {
		return event
	}
	event := &usherv1.Event{Protocol: usherv1.Protocol_PROTOCOL_IM}
	if protocol == usherv1.Protocol_PROTOCOL_ICM {
		event.Protocol = protocol
	}
	if ack, ok := response.(*usherv1.EventAck); ok {
		event.Sequence, event.TimeMs, event.ReferenceId, event.InteractionId = ack.Sequence, ack.TimeMs, ack.ReferenceId, ack.InteractionId
		response = &usherv1.EventAck{}
	}
	m := event.ProtoReflect()
	m.Set(messageField(response.ProtoReflect().Descriptor()), protoreflect.ValueOfMessage(response.ProtoReflect()))
	return event
}
