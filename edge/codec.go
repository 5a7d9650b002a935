package edge

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// recursionLimit is how deep a message may be nested. User data of 16 levels
// takes three levels of messages for each.
const recursionLimit = 100

// refusalField is the number of the unknown field in which a codec leaves the
// refusal of a message that it could not read. No client can forge it: unknown
// fields of what comes in are discarded.
const refusalField protowire.Number = 536870911

// faultMaxBytes is how much is told of what is wrong with a message. What
// protojson says quotes the message, whatever its size.
const faultMaxBytes = 300

// codec reads and writes messages. It differs from connect's own in three
// ways: it limits size and depth; what can't be read arrives as a message that
// carries its refusal, because connect would answer with an error of its own,
// without EventError; and an Event that the center has encoded is written as
// it is.
type codec struct {
	name     string
	maxBytes int
	read     func([]byte, proto.Message) error
	write    func([]byte, proto.Message) ([]byte, error)
}

// codecs are the codecs by which messages travel.
func codecs(maxBytes int) []connect.HandlerOption {
	var options []connect.HandlerOption
	for _, c := range []*codec{
		{name: "proto", read: readBinary, write: writeBinary},
		{name: "json", read: readJSON, write: writeJSON},
		{name: "json; charset=utf-8", read: readJSON, write: writeJSON},
	} {
		c.maxBytes = maxBytes
		options = append(options, connect.WithCodec(c))
	}
	return options
}

// Name is the codec's name in content types.
func (c *codec) Name() string { return c.name }

// Marshal encodes a message.
func (c *codec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

// MarshalAppend appends an encoded message.
func (c *codec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("edge: %T is no message", message)
	}
	return c.write(dst, m)
}

// Unmarshal decodes a message, or leaves a refusal in it.
func (c *codec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("edge: %T is no message", message)
	}
	if len(data) > c.maxBytes {
		leaveRefusal(m, tooLarge(c.maxBytes))
		return nil
	}
	if err := c.read(data, m); err != nil {
		leaveRefusal(m, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT,
			"the request is no %s message: %.*s", m.ProtoReflect().Descriptor().Name(), faultMaxBytes, err.Error()))
	}
	return nil
}

func tooLarge(maxBytes int) *Refusal {
	return refuse(usherv1.ErrorCode_ERROR_CODE_TOO_LARGE, "the request is larger than %d bytes", maxBytes)
}

// leaveRefusal makes m carry a refusal and nothing else.
func leaveRefusal(m proto.Message, r *Refusal) {
	encoded, err := proto.Marshal(r.Event)
	if err != nil {
		encoded = nil
	}
	proto.Reset(m)
	raw := protowire.AppendTag(nil, refusalField, protowire.BytesType)
	m.ProtoReflect().SetUnknown(protowire.AppendBytes(raw, encoded))
}

// refusalIn finds the refusal that a codec left in m.
func refusalIn(message any) *Refusal {
	m, ok := message.(proto.Message)
	if !ok {
		return nil
	}
	raw := []byte(m.ProtoReflect().GetUnknown())
	number, kind, n := protowire.ConsumeTag(raw)
	if n < 0 || number != refusalField || kind != protowire.BytesType {
		return nil
	}
	encoded, n := protowire.ConsumeBytes(raw[n:])
	event := &usherv1.EventError{}
	if n < 0 || proto.Unmarshal(encoded, event) != nil {
		event.Code = usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT
	}
	return refusalOf(event)
}

func readBinary(data []byte, m proto.Message) error {
	return proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: recursionLimit}.Unmarshal(data, m)
}

func writeBinary(dst []byte, m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{}.MarshalAppend(dst, m)
}

func readJSON(data []byte, m proto.Message) error {
	if len(data) == 0 {
		return errors.New("the body is empty; the smallest request is {}")
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: recursionLimit}.Unmarshal(data, m)
}

// writeJSON decodes what is still encoded: the only readers for whom that has
// to be done are those who want JSON.
func writeJSON(dst []byte, m proto.Message) ([]byte, error) {
	if raw := m.ProtoReflect().GetUnknown(); len(raw) != 0 {
		decoded := m.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(raw, decoded); err != nil {
			return nil, fmt.Errorf("decoding a message for JSON: %w", err)
		}
		m = decoded
	}
	return protojson.MarshalOptions{}.MarshalAppend(dst, m)
}

// encodedEvent is an Event of which only the encoded form is known: the parts
// one after the other are the message, as protocol buffers merge them.
func encodedEvent(parts ...[]byte) *usherv1.Event {
	event := &usherv1.Event{}
	raw := parts[0]
	for _, part := range parts[1:] {
		if len(part) != 0 {
			raw = append(raw[:len(raw):len(raw)], part...)
		}
	}
	event.ProtoReflect().SetUnknown(raw)
	return event
}

// decompressor reads a compressed message up to the limit, and makes a refusal
// of what is not compressed as it says.
type decompressor struct {
	gzip     gzip.Reader
	maxBytes int
	left     int
	broken   error
}

func gzipCompression(maxBytes int) connect.HandlerOption {
	return connect.WithCompression("gzip",
		func() connect.Decompressor { return &decompressor{maxBytes: maxBytes} },
		func() connect.Compressor { return gzip.NewWriter(io.Discard) })
}

// Reset begins a message. An error waits for Read, where connect passes
// refusals on unchanged.
func (d *decompressor) Reset(r io.Reader) error {
	d.left = d.maxBytes
	d.broken = d.gzip.Reset(r)
	return nil
}

// Read reads what was compressed.
func (d *decompressor) Read(p []byte) (int, error) {
	if d.broken != nil {
		return 0, d.malformed(d.broken)
	}
	n, err := d.gzip.Read(p)
	if d.left -= n; d.left < 0 {
		return n, tooLarge(d.maxBytes)
	}
	if err != nil && err != io.EOF {
		return n, d.malformed(err)
	}
	return n, err
}

func (d *decompressor) malformed(err error) error {
	return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "the request is not compressed with gzip: %v", err)
}

// Close ends a message.
func (d *decompressor) Close() error { return nil }
