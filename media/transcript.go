package media

import (
	"context"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// conversation is that of an interaction, as far as somebody may read it.
type conversation struct {
	center      Center
	tenant      string
	interaction string
	as          engine.Participant
}

// page reads the latest lines between two sequences; before is 0 for no end.
func (v conversation) page(ctx context.Context, after, before uint64) (lines []*usherv1.TranscriptLine, more bool, err error) {
	transcript, refusal, err := v.center.Transcript(ctx, v.tenant, v.as, &usherv1.RequestGetTranscript{
		InteractionId: v.interaction, AfterSequence: after, BeforeSequence: before,
	})
	if err := outcome(refusal, err); err != nil {
		return nil, false, err
	}
	lines = transcript.GetLines()
	return lines, transcript.GetMore() && len(lines) > 0, nil // the journal may have no more
}

// each calls with every line after a sequence that there is now, in order. They
// are read from the end to find where the pages are, and again to pass them on,
// so that it holds one page at a time.
func (v conversation) each(ctx context.Context, after uint64, call func(*usherv1.TranscriptLine) error) error {
	lines, more, err := v.page(ctx, after, 0)
	if err != nil || len(lines) == 0 {
		return err
	}
	ends := []uint64{lines[len(lines)-1].GetSequence() + 1} // of the pages, the last first
	for more {
		ends = append(ends, lines[0].GetSequence())
		if lines, more, err = v.page(ctx, after, lines[0].GetSequence()); err != nil {
			return err
		}
	}
	for n := len(ends) - 1; ; n-- {
		for _, line := range lines {
			if err := call(line); err != nil {
				return err
			}
		}
		if n == 0 {
			return nil
		}
		if lines, _, err = v.page(ctx, ends[n]-1, ends[n-1]); err != nil {
			return err
		}
	}
}

// find gives a line that fits, of the latest page that has one; nil if none does.
func (v conversation) find(ctx context.Context, fits func(*usherv1.TranscriptLine) bool) (*usherv1.TranscriptLine, error) {
	for before := uint64(0); ; {
		lines, more, err := v.page(ctx, 0, before)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			if fits(line) {
				return line, nil
			}
		}
		if !more {
			return nil, nil
		}
		before = lines[0].GetSequence()
	}
}

// attachment finds one that was said; nil if it was not.
func (v conversation) attachment(ctx context.Context, id string) (*usherv1.Attachment, error) {
	line, err := v.find(ctx, func(l *usherv1.TranscriptLine) bool {
		a := l.GetAdded().GetLine().GetAttachment()
		return a != nil && a.GetId() == id && len(id) == attachmentIDDigits
	})
	return line.GetAdded().GetLine().GetAttachment(), err
}

// withReference finds the line that was added with a reference id; nil if none
// was.
func (v conversation) withReference(ctx context.Context, reference string) (*usherv1.TranscriptLine, error) {
	return v.find(ctx, func(l *usherv1.TranscriptLine) bool { return l.GetReferenceId() == reference })
}

// conversation is one of the tenant's, as somebody may read it.
func (c *client) conversation(interaction string, as engine.Participant) conversation {
	return conversation{c.s.center, c.tenant, interaction, as}
}
