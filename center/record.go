package center

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// schema is the version of RecordBatch and StateSnapshot that is written.
const schema = 1

// The numbers of the fields that are framed by hand, so that an event is
// encoded once and the same bytes go to the journal and to every stream. A
// test holds them to the descriptors.
const (
	fieldRecords      = 1 // RecordBatch
	fieldTenant       = 1 // Record
	fieldCause        = 2
	fieldEntries      = 3
	fieldTo           = 1 // Entry
	fieldAnswer       = 2
	fieldEvent        = 3
	fieldFact         = 4
	fieldKind         = 1 // Participant
	fieldID           = 2
	fieldRequest      = 2 // Cause
	fieldFactTime     = 1 // Fact
	fieldTime         = 2 // Event
	fieldProtocol     = 3
	fieldReference    = 4
	fieldInteraction  = 5
	fieldInteractions = 11
	fieldFirstMessage = 20
	fieldInvite       = 22
	fieldPulled       = 50
	fieldRouteRequest = 60
	fieldThirdServer  = 70
	fieldLineAdded    = 80
	fieldPulledIDs    = 1 // EventPulledInteractions
)

// encoding is deterministic, so that the same inputs make the same journal.
var encoding = proto.MarshalOptions{Deterministic: true}

// encode gives bytes of exactly the message's size, which rings may keep.
func encode(m proto.Message) []byte {
	size := encoding.Size(m)
	raw, err := proto.MarshalOptions{Deterministic: true, UseCachedSize: true}.MarshalAppend(make([]byte, 0, size), m)
	if err != nil {
		// Only text that is not UTF-8 can't be encoded, and the edge lets
		// none in: the writer turns this into a refusal.
		panic(fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().Name(), err))
	}
	return raw
}

// appendRecord appends a field records of RecordBatch. events are the encoded
// events and facts of the entries.
func appendRecord(to []byte, tenant string, cause *usherv1.Cause, entries []engine.Entry, encoded [][]byte) []byte {
	size := protowire.SizeTag(fieldTenant) + protowire.SizeBytes(len(tenant))
	var causeRaw []byte
	if cause != nil {
		causeRaw = encode(cause)
		size += protowire.SizeTag(fieldCause) + protowire.SizeBytes(len(causeRaw))
	}
	for n := range entries {
		size += protowire.SizeTag(fieldEntries) + protowire.SizeBytes(sizeEntry(&entries[n], len(encoded[n])))
	}
	to = protowire.AppendTag(to, fieldRecords, protowire.BytesType)
	to = protowire.AppendVarint(to, uint64(size))
	to = protowire.AppendTag(to, fieldTenant, protowire.BytesType)
	to = protowire.AppendString(to, tenant)
	if cause != nil {
		to = protowire.AppendTag(to, fieldCause, protowire.BytesType)
		to = protowire.AppendBytes(to, causeRaw)
	}
	for n := range entries {
		to = appendEntry(to, &entries[n], encoded[n])
	}
	return to
}

func sizeEntry(e *engine.Entry, encoded int) int {
	size := 0
	for _, p := range e.To {
		size += protowire.SizeTag(fieldTo) + protowire.SizeBytes(sizeParticipant(p))
	}
	if e.Answer {
		size += protowire.SizeTag(fieldAnswer) + 1
	}
	return size + protowire.SizeTag(fieldEvent) + protowire.SizeBytes(encoded)
}

func appendEntry(to []byte, e *engine.Entry, encoded []byte) []byte {
	to = protowire.AppendTag(to, fieldEntries, protowire.BytesType)
	to = protowire.AppendVarint(to, uint64(sizeEntry(e, len(encoded))))
	for _, p := range e.To {
		to = protowire.AppendTag(to, fieldTo, protowire.BytesType)
		to = protowire.AppendVarint(to, uint64(sizeParticipant(p)))
		to = appendParticipant(to, p)
	}
	if e.Answer {
		to = protowire.AppendTag(to, fieldAnswer, protowire.VarintType)
		to = protowire.AppendVarint(to, 1)
	}
	field := protowire.Number(fieldEvent)
	if e.Event == nil {
		field = fieldFact
	}
	to = protowire.AppendTag(to, field, protowire.BytesType)
	return protowire.AppendBytes(to, encoded)
}

func sizeParticipant(p engine.Participant) int {
	size := 0
	if p.Kind != 0 {
		size += protowire.SizeTag(fieldKind) + protowire.SizeVarint(uint64(p.Kind))
	}
	if p.ID != "" {
		size += protowire.SizeTag(fieldID) + protowire.SizeBytes(len(p.ID))
	}
	return size
}

func appendParticipant(to []byte, p engine.Participant) []byte {
	if p.Kind != 0 {
		to = protowire.AppendTag(to, fieldKind, protowire.VarintType)
		to = protowire.AppendVarint(to, uint64(p.Kind))
	}
	if p.ID != "" {
		to = protowire.AppendTag(to, fieldID, protowire.BytesType)
		to = protowire.AppendString(to, p.ID)
	}
	return to
}

// storedRecord is a record as it is read, its events not yet decoded.
type storedRecord struct {
	tenant  string
	cause   *usherv1.Cause // nil for a deadline
	first   uint64         // sequence of the first entry
	entries []storedEntry
}

type storedEntry struct {
	to     []engine.Participant
	answer bool
	event  []byte // encoded; or
	fact   []byte // encoded
}

// sequence is that of the entry with this index.
func (r *storedRecord) sequence(index int) uint64 { return r.first + uint64(index) }

// immediate tells whether an answer is the one to the record's own request,
// which is replied and not sent over the stream of a client that has only one
// application.
func (r *storedRecord) immediate(e *storedEntry) bool {
	return e.answer && r.cause != nil && len(e.to) > 0 &&
		e.to[0] == engine.ParticipantOf(r.cause.Principal) && peek(e.event).reference == r.cause.ReferenceId
}

// eachRecord walks through the payload of a batch that begins with sequence
// first.
func eachRecord(payload []byte, first uint64, yield func(*storedRecord) bool) error {
	more := true
	err := eachField(payload, func(number protowire.Number, value []byte) error {
		if number != fieldRecords || !more {
			return nil
		}
		r := &storedRecord{first: first}
		if err := r.parse(value); err != nil {
			return fmt.Errorf("record of sequence %d: %w", first, err)
		}
		first += uint64(len(r.entries))
		more = yield(r)
		return nil
	})
	return err
}

func (r *storedRecord) parse(raw []byte) error {
	return eachField(raw, func(number protowire.Number, value []byte) error {
		switch number {
		case fieldTenant:
			r.tenant = string(value)
		case fieldCause:
			r.cause = &usherv1.Cause{}
			return proto.Unmarshal(value, r.cause)
		case fieldEntries:
			var e storedEntry
			if err := e.parse(value); err != nil {
				return err
			}
			r.entries = append(r.entries, e)
		}
		return nil
	})
}

func (e *storedEntry) parse(raw []byte) error {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		if kind == protowire.VarintType {
			v, n := protowire.ConsumeVarint(raw)
			if n < 0 {
				return protowire.ParseError(n)
			}
			e.answer = e.answer || number == fieldAnswer && v != 0
			raw = raw[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		switch number {
		case fieldTo:
			p, err := parseParticipant(value)
			if err != nil {
				return err
			}
			e.to = append(e.to, p)
		case fieldEvent:
			e.event = value
		case fieldFact:
			e.fact = value
		}
	}
	return nil
}

func parseParticipant(raw []byte) (engine.Participant, error) {
	var p engine.Participant
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return p, protowire.ParseError(n)
		}
		raw = raw[n:]
		if number == fieldKind && kind == protowire.VarintType {
			v, n := protowire.ConsumeVarint(raw)
			if n < 0 {
				return p, protowire.ParseError(n)
			}
			p.Kind, raw = usherv1.ParticipantKind(v), raw[n:]
			continue
		}
		n = protowire.ConsumeFieldValue(number, kind, raw)
		if n < 0 {
			return p, protowire.ParseError(n)
		}
		if number == fieldID && kind == protowire.BytesType {
			id, _ := protowire.ConsumeBytes(raw)
			p.ID = string(id)
		}
		raw = raw[n:]
	}
	return p, nil
}

// eachField calls f with the value of every field of bytes, skipping the
// others.
func eachField(raw []byte, f func(number protowire.Number, value []byte) error) error {
	return eachRawField(raw, func(number protowire.Number, _, value []byte) error {
		if value == nil {
			return nil
		}
		return f(number, value)
	})
}

// eachRawField calls f with every field, with its tag, and with the value of
// those that are bytes.
func eachRawField(raw []byte, f func(number protowire.Number, field, value []byte) error) error {
	for len(raw) > 0 {
		number, kind, tag := protowire.ConsumeTag(raw)
		if tag < 0 {
			return protowire.ParseError(tag)
		}
		n := protowire.ConsumeFieldValue(number, kind, raw[tag:])
		if n < 0 {
			return protowire.ParseError(n)
		}
		var value []byte
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(raw[tag : tag+n])
		}
		if err := f(number, raw[:tag+n], value); err != nil {
			return err
		}
		raw = raw[tag+n:]
	}
	return nil
}

// timeMs is when an entry was made.
func (e *storedEntry) timeMs() int64 {
	if e.fact != nil {
		return int64(varint(e.fact, fieldFactTime))
	}
	return int64(varint(e.event, fieldTime))
}

// reports tells whether an entry is a reporting event: the state is the fold of
// these and of the facts, and of nothing else.
func (e *storedEntry) reports() bool {
	return e.fact == nil && varint(e.event, fieldProtocol) == uint64(usherv1.Protocol_PROTOCOL_RPT)
}

// varint finds a number among the fields of a message; 0 if it is absent.
func varint(raw []byte, wanted protowire.Number) uint64 {
	var found uint64
	_ = eachRawField(raw, func(number protowire.Number, field, value []byte) error {
		if number == wanted && value == nil {
			_, _, tag := protowire.ConsumeTag(field)
			found, _ = protowire.ConsumeVarint(field[tag:])
		}
		return nil
	})
	return found
}

// glimpse is what must be known of an event to deliver it.
type glimpse struct {
	reference   string
	interaction string
	message     protowire.Number // which one it is
	pulled      []string         // interactions of EventPulledInteractions
}

// peek looks into an encoded event without decoding it.
func peek(raw []byte) glimpse {
	var g glimpse
	// The bytes come from encode, by way of a journal that verifies them.
	_ = eachField(raw, func(number protowire.Number, value []byte) error {
		switch {
		case number == fieldReference:
			g.reference = string(value)
		case number == fieldInteraction:
			g.interaction = string(value)
		case number >= fieldFirstMessage:
			g.message = number
		}
		if number == fieldPulled {
			return eachField(value, func(number protowire.Number, id []byte) error {
				if number == fieldPulledIDs {
					g.pulled = append(g.pulled, string(id))
				}
				return nil
			})
		}
		return nil
	})
	return g
}

// shows gives the interactions whose present properties go with the message
// when it is delivered.
func (g glimpse) shows() []string {
	switch g.message {
	case fieldInvite, fieldRouteRequest, fieldThirdServer:
		return []string{g.interaction}
	case fieldPulled:
		return g.pulled
	}
	return nil
}
