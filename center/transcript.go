package center

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

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
	answer, refusal, err := read(ctx, c, tenant, who, func(w *writer) (*usherv1.EventTranscript, *usherv1.EventError) {
		found, more, refusal := w.tenants[tenant].engine.Transcript(w.now, who, r)
		if refusal != nil {
			refusal.InteractionId = r.InteractionId
			return nil, refusal
		}
		lines = found
		return &usherv1.EventTranscript{More: more, Sequence: uint64(w.next - 1)}, nil
	})
	if err != nil || refusal != nil {
		return nil, refusal, err
	}
	answer.Lines, err = c.readLines(ctx, tenant, lines)
	if err != nil {
		return nil, nil, fmt.Errorf("read the conversation of %q: %w", r.InteractionId, err)
	}
	answer.More = answer.More || len(answer.Lines) < len(lines)
	return answer, nil, nil
}

// readLines reads lines from the journal; those that it no longer has are left
// out.
func (c *Center) readLines(ctx context.Context, tenant string, lines []engine.Sequence) ([]*usherv1.TranscriptLine, error) {
	oldest, err := c.o.Journal.Oldest(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]*usherv1.TranscriptLine, 0, len(lines))
	for _, at := range lines {
		if at < engine.Sequence(oldest) {
			continue
		}
		l, err := c.lines.find(ctx, c.o.Journal, uint64(at))
		var trimmed *journal.TrimmedError
		if errors.As(err, &trimmed) {
			oldest = trimmed.Oldest
			continue
		}
		if err != nil {
			return nil, err
		}
		if l.tenant != tenant {
			return nil, fmt.Errorf("the line of sequence %d is another tenant's", at)
		}
		ev := &usherv1.Event{}
		if err := proto.Unmarshal(l.event, ev); err != nil {
			return nil, fmt.Errorf("line of sequence %d: %w", at, err)
		}
		found = append(found, &usherv1.TranscriptLine{
			Sequence: uint64(at), TimeMs: ev.TimeMs, Added: ev.GetEventLineAdded(), ReferenceId: l.reference,
		})
	}
	return found, nil
}

// keptLinesBytes is how much of the lines that were read is kept, twice at most.
const keptLinesBytes = 16 << 20

// recentLines keeps the lines of the batches that were read: when all customers
// read their transcripts at once, as after a restart, a batch in which many of
// them have said something is read once. One batch is read at a time, so that
// who reads leaves the processors to the writer.
type recentLines struct {
	reading chan struct{} // holds one while a batch is read

	mu         sync.Mutex
	young, old map[uint64]keptLine // by sequence
	bytes      int                 // of the young ones
}

// keptLine is a line as it was read: the message that people got.
type keptLine struct {
	tenant, reference string
	event             []byte
}

func newRecentLines() *recentLines {
	return &recentLines{reading: make(chan struct{}, 1), young: map[uint64]keptLine{}}
}

// find gives the line at a sequence, read if need be.
func (l *recentLines) find(ctx context.Context, j journal.Journal, at uint64) (keptLine, error) {
	if kept, ok := l.kept(at); ok {
		return kept, nil
	}
	select {
	case l.reading <- struct{}{}:
	case <-ctx.Done():
		return keptLine{}, ctx.Err()
	}
	defer func() { <-l.reading }()
	if kept, ok := l.kept(at); ok {
		return kept, nil // somebody has read it meanwhile
	}
	if err := l.read(ctx, j, at); err != nil {
		return keptLine{}, err
	}
	if kept, ok := l.kept(at); ok {
		return kept, nil
	}
	return keptLine{}, fmt.Errorf("sequence %d is no line", at)
}

func (l *recentLines) kept(at uint64) (keptLine, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if kept, ok := l.young[at]; ok {
		return kept, true
	}
	kept, ok := l.old[at]
	return kept, ok
}

// read keeps the lines of the batch that holds a sequence.
func (l *recentLines) read(ctx context.Context, j journal.Journal, at uint64) error {
	for b, err := range j.Read(ctx, journal.Sequence(at)) {
		if err != nil {
			return err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.bytes >= keptLinesBytes {
			l.old, l.young, l.bytes = l.young, map[uint64]keptLine{}, 0
		}
		return eachRecord(b.Payload, uint64(b.First), func(r *storedRecord) bool {
			for n := range r.entries {
				l.keep(r, n)
			}
			return true
		})
	}
	return fmt.Errorf("the journal ends before sequence %d", at)
}

// keep keeps an entry if it is a line as people got it; the caller holds mu.
func (l *recentLines) keep(r *storedRecord, entry int) {
	e := &r.entries[entry]
	if e.event == nil || e.reports() || peek(e.event).message != fieldLineAdded {
		return
	}
	l.young[r.sequence(entry)] = keptLine{r.tenant, r.cause.GetReferenceId(), slices.Clone(e.event)}
	l.bytes += len(e.event) + len(r.cause.GetReferenceId())
}
