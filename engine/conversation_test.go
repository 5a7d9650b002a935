package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// anAttachment is the id of a file.
var anAttachment = strings.Repeat("0123456789abcdef", 4)

// saying is a line by its text.
func saying(interaction, text string) *usherv1.RequestAddLine {
	return &usherv1.RequestAddLine{InteractionId: interaction, Line: &usherv1.Line{Text: text}}
}

// attaching is a line that is a file.
func attaching(interaction string, change func(*usherv1.Attachment)) *usherv1.RequestAddLine {
	a := &usherv1.Attachment{Id: anAttachment, Name: "bill.pdf", ContentType: "application/pdf", Size: 4711}
	if change != nil {
		change(a)
	}
	return &usherv1.RequestAddLine{InteractionId: interaction, Line: &usherv1.Line{Kind: lineAttachment, Attachment: a}}
}

// saidLines are the lines of a conversation as those who listen have noted them.
type saidLines struct {
	lines       []line
	attachments int
	reported    *usherv1.EventLineAdded // to be followed by the line that people get
}

// followLine holds each line against who may say it and who has to hear it.
func (w *world) followLine(entry *Entry) {
	w.t.Helper()
	ev := entry.Event
	if ev.GetEventInteractionSubmitted() != nil {
		w.said[ev.InteractionId] = &saidLines{}
	}
	said := ev.GetEventLineAdded()
	if said == nil {
		return
	}
	of, i := w.said[ev.InteractionId], w.e.interactions[InteractionID(ev.InteractionId)]
	switch {
	case int(said.Number) != len(of.lines)+1:
		w.t.Fatalf("line %d follows %d others", said.Number, len(of.lines))
	case ev.Protocol == rpt:
		of.reported = said
		return
	case ev.Protocol != icm || !proto.Equal(of.reported, said):
		w.t.Fatalf("%v, but was reported as %v", ev, of.reported)
	}
	var want []Participant
	for _, p := range i.parties {
		want = append(want, agentParticipant(p.agent))
		if string(p.agent) == said.Author.Id && (p.info.Visibility == usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR ||
			p.info.Visibility == usherv1.VisibilityMode_VISIBILITY_MODE_COACH && said.Line.Visibility != forAgents) {
			w.t.Fatalf("%s is %s and says %v", p.agent, p.info.Visibility, said)
		}
	}
	if said.Author.Kind == agent1.Kind && !slices.Contains(want, ParticipantOf(said.Author)) {
		w.t.Fatalf("who is no party says %v", said)
	}
	if submitter := ParticipantOf(i.props.SubmittedBy); submitter.Kind == media.Kind && said.Line.Visibility == forEverybody {
		want = append(want, submitter)
	}
	if !slices.Equal(entry.To, want) {
		w.t.Fatalf("%v is for %v, not %v", said, want, entry.To)
	}
	of.lines = append(of.lines, line{Sequence(ev.Sequence), said.Line.Visibility == forAgents})
	if said.Line.Attachment != nil {
		of.attachments++
	}
}

// checkConversation: the engine knows where each line is.
func (w *world) checkConversation(i *Interaction) {
	w.t.Helper()
	if of := w.said[string(i.ID())]; !slices.Equal(i.lines, of.lines) || i.attachments != of.attachments {
		w.t.Fatalf("the lines of %s are at %v with %d attachments, not at %v with %d", i.ID(), of.lines, of.attachments, i.lines, i.attachments)
	}
}

// wantRefused asks for something that has to be refused, with words in its
// sentence.
func (w *world) wantRefused(from Participant, request any, code usherv1.ErrorCode, words string) {
	w.t.Helper()
	if out := w.ask(from, request); out.Err == nil || out.Err.Code != code || !strings.Contains(out.Err.Description, words) {
		w.t.Errorf("%v by %s: %v, not %v with %q", request, describe(from), out.Err, code, words)
	}
}

// conversing is interaction "i0" that agent1 handles, with agent2 as a further
// party who is seen in some way, if at all.
func conversing(t *testing.T, second usherv1.VisibilityMode) *world {
	w := inState(t, states["handling"])
	if second != 0 {
		w.must(agent1, &usherv1.RequestConference{InteractionId: "i0", AgentId: "agent2", ReferenceId: "c", Visibility: second})
		w.must(agent2, &usherv1.RequestAccept{Ticket: uint64(w.e.agents["agent2"].invitations[0].ticket)})
	}
	return w
}

// TestWhatALineMayBe is every limit of a line, at it and beyond.
func TestWhatALineMayBe(t *testing.T) {
	w := conversing(t, 0)
	text := func(s string) *usherv1.RequestAddLine { return saying("i0", s) }
	file := func(change func(*usherv1.Attachment)) *usherv1.RequestAddLine { return attaching("i0", change) }
	line := func(change func(*usherv1.Line)) *usherv1.RequestAddLine {
		r := text("hello")
		change(r.Line)
		return r
	}
	for _, r := range []*usherv1.RequestAddLine{
		text(strings.Repeat("x", maxLineBytes)), text("<script>\n\t\"'&\u202e\U0001F642"), file(nil),
		file(func(a *usherv1.Attachment) { a.Name, a.Size = strings.Repeat("ä", 127)+"x", 0 }),
		line(func(l *usherv1.Line) { l.Kind, l.Visibility = lineText, forAgents }),
	} {
		w.must(agent1, r)
	}
	for _, test := range []struct {
		request *usherv1.RequestAddLine
		code    usherv1.ErrorCode
		words   string
	}{
		{text(strings.Repeat("x", maxLineBytes+1)), errTooLarge, "line.text: 16385 bytes"},
		{text(""), errInvalidArgument, "line.text: missing"},
		{&usherv1.RequestAddLine{InteractionId: "i0"}, errInvalidArgument, "line.text: missing"},
		{text("a\x00b"), errInvalidArgument, "NUL"},
		{text("a\xff"), errInvalidArgument, "UTF-8"},
		{line(func(l *usherv1.Line) { l.Kind = 9 }), errInvalidArgument, "line.kind"},
		{line(func(l *usherv1.Line) { l.Kind = lineNotice }), errInvalidArgument, "line.kind"},
		{line(func(l *usherv1.Line) { l.Visibility = 9 }), errInvalidArgument, "line.visibility"},
		{line(func(l *usherv1.Line) { l.Kind = lineAttachment }), errInvalidArgument, "line.attachment: missing"},
		{line(func(l *usherv1.Line) { l.Attachment = file(nil).Line.Attachment }), errInvalidArgument, "line.attachment"},
		{file(func(a *usherv1.Attachment) { a.Id = a.Id[1:] }), errInvalidArgument, "line.attachment.id"},
		{file(func(a *usherv1.Attachment) { a.Id = strings.ToUpper(a.Id) }), errInvalidArgument, "line.attachment.id"},
		{file(func(a *usherv1.Attachment) { a.Id = a.Id[:60] + "/../" }), errInvalidArgument, "line.attachment.id"},
		{file(func(a *usherv1.Attachment) { a.Id = a.Id[:30] + "../." + a.Id[34:] }), errInvalidArgument, "line.attachment.id"},
		{file(func(a *usherv1.Attachment) { a.Name = "" }), errInvalidArgument, "line.attachment.name"},
		{file(func(a *usherv1.Attachment) { a.Name = strings.Repeat("x", 256) }), errInvalidArgument, "line.attachment.name"},
		{file(func(a *usherv1.Attachment) { a.Name = "../x" }), errInvalidArgument, "line.attachment.name"},
		{file(func(a *usherv1.Attachment) { a.Name = `a\x` }), errInvalidArgument, "line.attachment.name"},
		{file(func(a *usherv1.Attachment) { a.Name = ".." }), errInvalidArgument, "line.attachment.name"},
		{file(func(a *usherv1.Attachment) { a.Name = "a\nb" }), errInvalidArgument, "line.attachment.name"},
		{file(func(a *usherv1.Attachment) { a.Name = "a\u0085" }), errInvalidArgument, "line.attachment.name"},
		{file(func(a *usherv1.Attachment) { a.Name = "\xff" }), errInvalidArgument, "line.attachment.name"},
		{file(func(a *usherv1.Attachment) { a.ContentType = "" }), errInvalidArgument, "line.attachment.content_type"},
		{file(func(a *usherv1.Attachment) { a.ContentType = "text/plain\r\nX: y" }), errInvalidArgument, "line.attachment.content_type"},
		{file(func(a *usherv1.Attachment) { a.ContentType = strings.Repeat("x", 128) }), errInvalidArgument, "line.attachment.content_type"},
		{file(func(a *usherv1.Attachment) { a.Size = -1 }), errInvalidArgument, "line.attachment.size"},
	} {
		w.wantRefused(agent1, test.request, test.code, test.words)
	}
	named := func(name string) *usherv1.RequestAddLine {
		r := text("hello")
		r.AuthorName = name
		return r
	}
	w.must(media, named(strings.Repeat("x", 256)))
	w.wantRefused(media, named(strings.Repeat("x", 257)), errInvalidArgument, "author_name")
	w.wantRefused(media, named("a\x1b[31m"), errInvalidArgument, "author_name")
	w.wantRefused(media, named("\xff"), errInvalidArgument, "author_name")
	w.wantRefused(agent1, named("Ana"), errInvalidArgument, "author_name")
}

// TestConversationIsLimited in lines and in attachments, also after a restart.
func TestConversationIsLimited(t *testing.T) {
	w := conversing(t, 0)
	for range maxAttachments {
		w.must(media, attaching("i0", nil))
	}
	w = reopened(t, savedState(t, w))
	w.wantRefused(agent1, attaching("i0", nil), errTooLarge, "20 attachments")
	w.must(agent1, saying("i0", "hello"))
	i := w.e.interactions["i0"]
	for len(i.lines) < maxLines-1 {
		i.lines = append(i.lines, line{1, false})
	}
	w.said["i0"].lines = slices.Clone(i.lines)
	w.must(media, saying("i0", "the last"))
	w.wantRefused(media, saying("i0", "one more"), errTooLarge, "10000 lines")
}

// TestAuthors: an agent speaks under the name of his configuration, a media
// server for the customer or, in a notice, for itself.
func TestAuthors(t *testing.T) {
	w := conversing(t, usherv1.VisibilityMode_VISIBILITY_MODE_COACH)
	w.must(admin, Apply{giving(&usherv1.Configuration{Agents: []*usherv1.Agent{func() *usherv1.Agent {
		a := proto.CloneOf(w.e.config.agents["agent1"])
		a.Name = "Ana"
		return a
	}()}})})
	notice := saying("i0", "hello")
	notice.Line.Kind, notice.AuthorName = lineNotice, "Shop"
	customer := saying("i0", "hello")
	customer.AuthorName = "Mr Jones"
	for _, test := range []struct {
		from    Participant
		request *usherv1.RequestAddLine
		author  Participant
		name    string
		whom    usherv1.LineVisibility
	}{
		{agent1, saying("i0", "hello"), agent1, "Ana", forEverybody},
		{agent2, saying("i0", "hello"), agent2, "", forAgents},
		{media, customer, Participant{usherv1.ParticipantKind_PARTICIPANT_KIND_CUSTOMER, "i0"}, "Mr Jones", forEverybody},
		{media, notice, media, "Shop", forEverybody},
	} {
		out := w.must(test.from, test.request)
		said := out.Entries[1].Event.GetEventLineAdded()
		if ParticipantOf(said.GetAuthor()) != test.author || said.GetAuthorName() != test.name || said.GetLine().GetVisibility() != test.whom {
			t.Errorf("%v", said)
		}
	}
}

// TestTypingIsHeardBy those who hear a line of the same author, but himself.
func TestTypingIsHeardBy(t *testing.T) {
	const (
		conference = usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE
		coach      = usherv1.VisibilityMode_VISIBILITY_MODE_COACH
		monitor    = usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR
	)
	typing := &usherv1.RequestTyping{InteractionId: "i0"}
	for _, test := range []struct {
		second usherv1.VisibilityMode
		from   Participant
		want   []Participant
	}{
		{0, agent1, []Participant{media}},
		{0, media, []Participant{agent1}},
		{conference, agent1, []Participant{agent2, media}},
		{conference, agent2, []Participant{agent1, media}},
		{conference, media, []Participant{agent1, agent2}},
		{coach, agent1, []Participant{agent2, media}},
		{coach, agent2, []Participant{agent1}},
		{monitor, agent1, []Participant{agent2, media}},
		{monitor, media, []Participant{agent1, agent2}},
	} {
		w := conversing(t, test.second)
		out := w.must(test.from, typing)
		if len(out.Entries) != 0 || out.Reply != nil || out.Unrecorded == nil || !slices.Equal(out.Unrecorded.To, test.want) {
			t.Errorf("%s, the second is %v: %+v, not to %v", describe(test.from), test.second, out.Unrecorded, test.want)
		}
	}
	w := conversing(t, monitor)
	w.wantRefused(agent2, typing, errNotAParty, "monitors")
	w.wantRefused(supervisor, typing, errNotAParty, "not a party")
	if out := inState(t, states["queued"]).must(media, typing); out.Unrecorded != nil {
		t.Errorf("nobody is there, and yet %v", out.Unrecorded)
	}
	if out := w.must(media, saying("i0", "hello")); out.Unrecorded != nil {
		t.Error("a notice comes again")
	}
}

// TestWhoReadsATranscript in each state, and which lines.
func TestWhoReadsATranscript(t *testing.T) {
	w := inState(t, states["queued"])
	ask := func(who Participant) string {
		t.Helper()
		lines, more, why := w.e.Transcript(w.now, who, &usherv1.RequestGetTranscript{InteractionId: "i0"})
		if why != nil {
			return ErrorName(why.Code)
		}
		return fmt.Sprint(len(lines), more)
	}
	want := func(step string, all map[Participant]string) {
		t.Helper()
		for _, again := range []bool{false, true} {
			for _, who := range []Participant{media, agent1, agent2, agent3, supervisor, urs, bot} {
				answer, expected := all[who]
				if !expected {
					answer = "NotAParty"
				}
				if got := ask(who); got != answer {
					t.Errorf("%s: %s reads %q, not %q (loaded: %v)", step, describe(who), got, answer, again)
				}
			}
			w = reopened(t, savedState(t, w))
		}
	}
	// agent3 has registered and not logged in.
	w.must(media, saying("i0", "1"))
	want("queued", map[Participant]string{media: "1 false", supervisor: "1 false"})
	pullFrom(w, "inbound")
	w.must(agent1, saying("i0", "2"))
	hidden := saying("i0", "3")
	hidden.Line.Visibility = forAgents
	w.must(agent1, hidden)
	want("handled", map[Participant]string{media: "2 false", supervisor: "3 false", agent1: "3 false"})
	w.must(agent1, &usherv1.RequestTransfer{InteractionId: "i0", AgentId: "agent2", ReferenceId: "t"})
	want("offered", map[Participant]string{media: "2 false", supervisor: "3 false", agent1: "3 false", agent2: "3 false"})
	w.must(agent2, &usherv1.RequestAccept{Ticket: uint64(w.e.agents["agent2"].invitations[0].ticket)})
	want("transferred", map[Participant]string{media: "2 false", supervisor: "3 false", agent1: "3 false", agent2: "3 false"})
	w.must(agent2, &usherv1.RequestPlaceInQueue{InteractionId: "i0", Queue: "second"})
	want("in a queue again", map[Participant]string{media: "2 false", supervisor: "3 false", agent2: "3 false"})
	w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i0"})
	want("stopped", map[Participant]string{media: "2 false", supervisor: "3 false", agent2: "3 false"})
	w.now += stoppedMemoryMs
	if got := ask(media); got != "UnknownInteraction" {
		t.Errorf("after a day: %s", got)
	}
}

// TestStoppedWithItsParties: all who were parties when it was stopped are
// remembered, however they were seen.
func TestStoppedWithItsParties(t *testing.T) {
	for _, by := range []Participant{media, agent1} {
		w := conversing(t, usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR)
		w.must(by, &usherv1.RequestStopProcessing{InteractionId: "i0"})
		s := w.e.stopped.find("i0", w.now)
		if !slices.Equal(s.Agents, []string{"agent1", "agent2"}) || ParticipantOf(s.SubmittedBy) != media || s.MediaType != "chat" {
			t.Errorf("%v", s)
		}
		w.checkFold()
	}
}

// TestTranscriptPortions: the latest lines, and that there are earlier ones.
func TestTranscriptPortions(t *testing.T) {
	w := conversing(t, 0)
	var all []Sequence
	for n := range 6 {
		r := saying("i0", "hello")
		if n%2 == 1 {
			r.Line.Visibility = forAgents
		}
		out := w.must(agent1, r)
		all = append(all, Sequence(out.Entries[2].Event.Sequence))
	}
	for _, test := range []struct {
		who    Participant
		after  Sequence
		before Sequence
		limit  int32
		want   []Sequence
		more   bool
	}{
		{agent1, 0, 0, 0, all, false},
		{agent1, 0, 0, 6, all, false},
		{agent1, 0, 0, 5, all[1:], true},
		{agent1, all[2], 0, 0, all[3:], false},
		{agent1, all[2], 0, 3, all[3:], false},
		{agent1, all[2], 0, 2, all[4:], true},
		{agent1, all[2] - 1, 0, 0, all[2:], false},
		{agent1, all[5], 0, 0, nil, false},
		{media, 0, 0, 0, []Sequence{all[0], all[2], all[4]}, false},
		{media, 0, 0, 3, []Sequence{all[0], all[2], all[4]}, false},
		{media, 0, 0, 1, []Sequence{all[4]}, true},
		{media, all[3], 0, 1, []Sequence{all[4]}, false},
		{agent1, 0, all[3], 0, all[:3], false},
		{agent1, 0, all[3] + 1, 0, all[:4], false},
		{agent1, 0, all[3], 2, all[1:3], true},
		{agent1, 0, all[0], 0, nil, false},
		{agent1, all[0], all[4], 3, all[1:4], false},
		{agent1, all[0], all[4], 2, all[2:4], true},
		{agent1, all[4], all[2], 0, nil, false},
		{media, 0, all[4], 1, []Sequence{all[2]}, true},
	} {
		r := &usherv1.RequestGetTranscript{InteractionId: "i0", AfterSequence: uint64(test.after), BeforeSequence: uint64(test.before), Limit: test.limit}
		if got, more, why := w.e.Transcript(w.now, test.who, r); why != nil || !slices.Equal(got, test.want) || more != test.more {
			t.Errorf("%v by %s: %v, %v, %v; want %v, %v", r, describe(test.who), got, more, why, test.want, test.more)
		}
	}
	for _, limit := range []int32{-1, maxTranscriptLines + 1} {
		if _, _, why := w.e.Transcript(w.now, agent1, &usherv1.RequestGetTranscript{InteractionId: "i0", Limit: limit}); why.GetCode() != errInvalidArgument {
			t.Errorf("limit %d: %v", limit, why)
		}
	}
	if _, _, why := w.e.Transcript(w.now, Participant{agent1.Kind, "nobody"}, &usherv1.RequestGetTranscript{InteractionId: "i0"}); why.GetCode() != errNotRegistered {
		t.Errorf("a stranger: %v", why)
	}
}
