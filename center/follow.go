package center

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// Record is one input of the journal and all that came of it, for those who
// fold the journal on their own. Nothing of it is decoded before it is asked
// for, since most of it concerns nobody but its recipients.
type Record struct {
	// Tenant is whose it is.
	Tenant string
	// First is the sequence of the first entry; the others follow.
	First uint64
	// Entries are what came of it, in order. The slice is valid until the next
	// record, the bytes in it for good.
	Entries []RecordEntry

	cause []byte
}

// Cause tells who asked for what; nil for a deadline.
func (r *Record) Cause() (*usherv1.Cause, error) {
	if r.cause == nil {
		return nil, nil
	}
	c := &usherv1.Cause{}
	return c, proto.Unmarshal(r.cause, c)
}

// Request is the name of the request behind the record, e.g. RequestAccept;
// empty for a deadline.
func (r *Record) Request() string {
	name := ""
	// The bytes come from encode, by way of a journal that verifies them.
	_ = eachField(r.cause, func(number protowire.Number, value []byte) error {
		if number == fieldRequest {
			name = string(value)
		}
		return nil
	})
	return name
}

// RecordEntry is a message, or a private fact.
type RecordEntry struct {
	Event []byte // an encoded usherv1.Event; or
	Fact  []byte // an encoded usherv1.Fact
}

// Reports gives the field of usherv1.Event that holds a reporting event's
// message, e.g. that of event_party_added; 0 for a message of another protocol
// and for a fact. It decodes nothing.
func (e RecordEntry) Reports() protowire.Number {
	protocol := uint64(0)
	for raw := e.Event; len(raw) > 0; {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return 0
		}
		if number >= fieldFirstMessage { // encoded last
			if protocol != uint64(usherv1.Protocol_PROTOCOL_RPT) {
				return 0
			}
			return number
		}
		raw = raw[n:]
		if number == fieldProtocol && kind == protowire.VarintType {
			protocol, _ = protowire.ConsumeVarint(raw)
		}
		if n = protowire.ConsumeFieldValue(number, kind, raw); n < 0 {
			return 0
		}
		raw = raw[n:]
	}
	return 0
}

// Holds gives the field of usherv1.Fact that a fact is, e.g. that of
// configuration_applied; 0 for a message. It decodes nothing.
func (e RecordEntry) Holds() protowire.Number {
	var found protowire.Number
	_ = eachField(e.Fact, func(number protowire.Number, _ []byte) error {
		found = number
		return nil
	})
	return found
}

// Follow gives the records of all tenants after a sequence, in order: up to the
// durable end, or, if live, without end. Whoever breaks off may go on after the
// last entry that he has seen: a record is given whole if any of it is later
// than after. An error is the last thing given: a *CursorExpired without present
// state, ErrClosed, that of ctx, or the journal's.
func (c *Center) Follow(ctx context.Context, after uint64, live bool) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for {
			more, err := c.follow(ctx, &after, yield)
			if err == nil && more && live {
				err = c.WaitFor(ctx, after+1)
			}
			if err != nil {
				yield(nil, err)
			}
			if err != nil || !more || !live {
				return
			}
		}
	}
}

// follow gives the records up to the durable end; more is false when nobody
// wants any more.
func (c *Center) follow(ctx context.Context, after *uint64, yield func(*Record, error) bool) (more bool, err error) {
	record := &Record{}
	for b, err := range c.o.Journal.Read(ctx, journal.Sequence(*after+1)) {
		var trimmed *journal.TrimmedError
		if errors.As(err, &trimmed) {
			return true, &CursorExpired{Oldest: uint64(trimmed.Oldest)}
		}
		if err != nil {
			return true, fmt.Errorf("follow after sequence %d: %w", *after, err)
		}
		more, next := true, uint64(b.First)
		err = eachField(b.Payload, func(number protowire.Number, value []byte) error {
			if number != fieldRecords || !more {
				return nil
			}
			if err := record.parse(value, next); err != nil {
				return err
			}
			next += uint64(len(record.Entries))
			more = next <= *after+1 || yield(record, nil)
			return nil
		})
		if err != nil {
			return true, fmt.Errorf("follow at sequence %d: %w", b.First, err)
		}
		if !more {
			return false, nil
		}
		*after = uint64(b.Last())
	}
	return true, nil
}

// parse takes a record apart, in the place of another.
func (r *Record) parse(raw []byte, first uint64) error {
	r.First, r.Entries, r.cause = first, r.Entries[:0], nil
	return eachField(raw, func(number protowire.Number, value []byte) error {
		switch number {
		case fieldTenant:
			if r.Tenant != string(value) {
				r.Tenant = string(value)
			}
		case fieldCause:
			r.cause = value
		case fieldEntries:
			var e RecordEntry
			if err := e.parse(value); err != nil {
				return err
			}
			r.Entries = append(r.Entries, e)
		}
		return nil
	})
}

func (e *RecordEntry) parse(raw []byte) error {
	return eachField(raw, func(number protowire.Number, value []byte) error {
		switch number {
		case fieldEvent:
			e.Event = value
		case fieldFact:
			e.Fact = value
		}
		return nil
	})
}

// SequenceBefore gives the last sequence of the journal that was appended
// before a time, in Unix milliseconds; if all that it still holds is later, that
// before the oldest. It reads a few batches, not all.
func (c *Center) SequenceBefore(ctx context.Context, timeMs int64) (uint64, error) {
	oldest, err := c.o.Journal.Oldest(ctx)
	if err != nil {
		return 0, fmt.Errorf("find a time in the journal: %w", err)
	}
	head, err := c.o.Journal.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("find a time in the journal: %w", err)
	}
	first, err := c.firstSince(engine.Millis(timeMs), uint64(oldest), uint64(head.Next))
	if err != nil {
		return 0, fmt.Errorf("find a time in the journal: %w", err)
	}
	return first - 1, nil
}
