package center

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// Transcript reads the lines of a conversation, as far as who may read them. The
// writer only says where they are; they are read from the journal beside it.
// The answer holds at its sequence and is given when the journal is durable up
// to there; lines that were trimmed away are left out, and it says that there
// are more. The refusal is nil, UnknownTenant, Unavailable or the engine's. The
// error is that of ctx, or the journal's.
func (c *Center) Transcript(ctx context.Context, tenant string, who engine.Participant, r *usherv1.RequestGetTranscript) (*usherv1.EventTranscript, *usherv1.EventError, error) {
	var lines []engine.Sequence
	var refusal *usherv1.EventError
	answer := &usherv1.EventTranscript{}
	reply, err := c.Do(ctx, Request{Tenant: tenant, From: who, Body: inspection(func(w *writer) {
		lines, answer.More, refusal = w.tenants[tenant].engine.Transcript(w.now, who, r)
		answer.Sequence = uint64(w.next - 1)
		if refusal != nil {
			refusal.Sequence, refusal.InteractionId = answer.Sequence, r.InteractionId
		}
	})})
	switch {
	case err != nil:
		return nil, nil, err
	case reply.Err != nil:
		return nil, reply.Err, nil
	case refusal != nil:
		return nil, refusal, nil
	}
	for len(lines) > 0 {
		found, rest, err := c.readLines(ctx, tenant, lines)
		var trimmed *journal.TrimmedError
		if errors.As(err, &trimmed) {
			answer.More, lines = true, reachedBy(lines, engine.Sequence(trimmed.Oldest))
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the conversation of %q: %w", r.InteractionId, err)
		}
		answer.Lines, lines = append(answer.Lines, found...), rest
	}
	return answer, nil, nil
}

// reachedBy leaves out lines before the oldest sequence that can be read, and
// the first in any case, since that could not.
func reachedBy(lines []engine.Sequence, oldest engine.Sequence) []engine.Sequence {
	lines = lines[1:]
	for len(lines) > 0 && lines[0] < oldest {
		lines = lines[1:]
	}
	return lines
}

// readLines reads the batch that holds the first of the lines, and gives those
// that are in it, and the others.
func (c *Center) readLines(ctx context.Context, tenant string, lines []engine.Sequence) (found []*usherv1.TranscriptLine, rest []engine.Sequence, err error) {
	for b, err := range c.o.Journal.Read(ctx, journal.Sequence(lines[0])) {
		if err != nil {
			return nil, nil, err
		}
		var failed error
		err = eachRecord(b.Payload, uint64(b.First), func(r *storedRecord) bool {
			for len(lines) > 0 && failed == nil && uint64(lines[0]) < r.sequence(len(r.entries)) {
				var l *usherv1.TranscriptLine
				if l, failed = r.line(tenant, uint64(lines[0])); failed == nil {
					found, lines = append(found, l), lines[1:]
				}
			}
			return len(lines) > 0 && failed == nil
		})
		return found, lines, errors.Join(err, failed)
	}
	return nil, nil, fmt.Errorf("the journal ends before sequence %d", lines[0])
}

// line is the line that a record holds at a sequence.
func (r *storedRecord) line(tenant string, sequence uint64) (*usherv1.TranscriptLine, error) {
	ev := &usherv1.Event{}
	if sequence < r.first || r.tenant != tenant {
		return nil, fmt.Errorf("sequence %d is none of its messages", sequence)
	}
	if err := proto.Unmarshal(r.entries[sequence-r.first].event, ev); err != nil {
		return nil, fmt.Errorf("line of sequence %d: %w", sequence, err)
	}
	said := ev.GetEventLineAdded()
	if said == nil {
		return nil, fmt.Errorf("sequence %d is no line", sequence)
	}
	l := &usherv1.TranscriptLine{Sequence: sequence, TimeMs: ev.TimeMs, Added: said}
	if r.cause != nil {
		l.ReferenceId = r.cause.ReferenceId
	}
	return l, nil
}
