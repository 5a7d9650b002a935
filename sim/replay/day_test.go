package replay

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/router"
)

// day is a day in a contact centre, played by hand and recorded.
type day struct {
	t        *testing.T
	engine   *engine.Engine
	router   *router.Router
	recorder *Recorder
	now      engine.Millis
	next     engine.Sequence
	asked    int

	// What the people of the day look at.
	invited map[engine.AgentID]uint64
	has     map[engine.AgentID]string
	modes   map[engine.AgentID]usherv1.WorkMode
	waiting []string
	answers map[string]*Outcome
	request uint64 // to an external service
}

const morning engine.Millis = 1_800_000_000_000

func newDay(t *testing.T, configuration *usherv1.Configuration) *day {
	d := &day{
		t: t, engine: engine.New("default"), router: router.New(), recorder: NewRecorder("default"), now: morning, next: 1,
		invited: map[engine.AgentID]uint64{}, has: map[engine.AgentID]string{}, modes: map[engine.AgentID]usherv1.WorkMode{}, answers: map[string]*Outcome{},
	}
	d.ask(administrator, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: configuration}})
	d.ask(media, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER})
	d.ask(media, engine.Connect{ConnectionID: "media"})
	return d
}

var media = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, ID: "media"}

func agent(id string) engine.Participant {
	return engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: id}
}

// ask carries a request out, and records it as the center would.
func (d *day) ask(from engine.Participant, request any) {
	d.t.Helper()
	d.asked++
	out := d.engine.Handle(engine.Input{Now: d.now, Next: d.next, NewID: engine.InteractionID(fmt.Sprint(d.asked)), From: from, Request: request})
	if out.Err != nil {
		d.t.Fatalf("%v asks %T: %v", from, request, out.Err)
	}
	name := ""
	if m, is := request.(proto.Message); is {
		name = string(m.ProtoReflect().Descriptor().Name())
	}
	d.record(&usherv1.Cause{Principal: from.Proto(), Request: name}, out)
	d.route()
}

func (d *day) route() {
	for {
		d.router.Update(d.engine)
		request, ok := d.router.Next(d.now)
		if !ok {
			return
		}
		out := d.engine.Handle(engine.Input{Now: d.now, Next: d.next, From: engine.BuiltinRouter, Request: request})
		if out.Err != nil {
			d.t.Fatal(out.Err)
		}
		d.record(&usherv1.Cause{Principal: engine.BuiltinRouter.Proto(), Request: "RequestRouteCall"}, out)
	}
}

// until lets time pass.
func (d *day) until(seconds float64) {
	end := morning + engine.Millis(seconds*1000)
	for {
		at, due := d.engine.NextDeadline()
		if again, waits := d.router.NextDeadline(); waits && (!due || again < at) {
			at, due = again, true
		}
		if !due || at > end {
			d.now = end
			return
		}
		d.now = max(d.now, at)
		d.record(nil, d.engine.Tick(d.now, d.next))
		d.route()
	}
}

func (d *day) record(cause *usherv1.Cause, out engine.Output) {
	record := &usherv1.Record{TenantId: "default", Cause: cause}
	for _, entry := range out.Entries {
		record.Entries = append(record.Entries, proto.CloneOf(&usherv1.Entry{Event: entry.Event, Fact: entry.Fact, Answer: entry.Answer}))
		d.look(entry.Event)
	}
	if len(record.Entries) > 0 {
		d.recorder.Take(d.next, d.now, record)
	}
	d.next += engine.Sequence(len(out.Entries))
}

// look is what people see.
func (d *day) look(ev *usherv1.Event) {
	if ev.GetProtocol() != usherv1.Protocol_PROTOCOL_RPT {
		return
	}
	id := ev.GetInteractionId()
	switch m := ev.GetMessage().(type) {
	case *usherv1.Event_EventInteractionSubmitted:
		d.answers[id] = &Outcome{InteractionID: id, SubmittedAtMs: ev.GetTimeMs(), Kind: Waiting}
		d.waiting = append(d.waiting, id)
	case *usherv1.Event_EventAgentInvited:
		d.invited[engine.AgentID(m.EventAgentInvited.GetAgentId())] = ev.GetSequence()
	case *usherv1.Event_EventRejected:
		delete(d.invited, engine.AgentID(m.EventRejected.GetAgentId()))
	case *usherv1.Event_EventRevoked:
		delete(d.invited, engine.AgentID(m.EventRevoked.GetAgentId()))
	case *usherv1.Event_EventPartyAdded:
		if m.EventPartyAdded.GetParty().GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
			who := m.EventPartyAdded.GetParty().GetId()
			d.has[engine.AgentID(who)] = id
			delete(d.invited, engine.AgentID(who))
			if o := d.answers[id]; o.Kind == Waiting {
				o.Kind, o.Agent, o.WaitMs = Answered, who, ev.GetTimeMs()-o.SubmittedAtMs
			}
		}
	case *usherv1.Event_EventPartyRemoved:
		delete(d.has, engine.AgentID(m.EventPartyRemoved.GetParty().GetId()))
	case *usherv1.Event_EventProcessingStopped:
		if o := d.answers[id]; o.Kind == Waiting {
			o.Kind, o.WaitMs = Ended, ev.GetTimeMs()-o.SubmittedAtMs
			if ev.GetActor().GetId() == media.ID {
				o.Kind = Abandoned
			}
		}
	case *usherv1.Event_EventExternalServiceRequested:
		d.request = m.EventExternalServiceRequested.GetRequestId()
	case *usherv1.Event_EventAgentStateReasonChanged:
		d.modes[engine.AgentID(m.EventAgentStateReasonChanged.GetAgentId())] = m.EventAgentStateReasonChanged.GetWorkMode()
	}
}

func (d *day) login(id string, mode usherv1.WorkMode) {
	d.t.Helper()
	d.ask(agent(id), &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION})
	d.ask(agent(id), engine.Connect{ConnectionID: id})
	d.ask(agent(id), &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{{MediaType: "chat", Ready: true}}, WorkMode: mode})
}

func (d *day) submit(id, queue string) {
	d.t.Helper()
	d.ask(media, &usherv1.RequestSubmit{InteractionId: id, Queue: queue, MediaType: "chat"})
}

func (d *day) accept(id string) {
	d.t.Helper()
	d.ask(agent(id), &usherv1.RequestAccept{Ticket: d.invited[engine.AgentID(id)]})
}

func (d *day) stop(who engine.Participant, id string) {
	d.t.Helper()
	d.ask(who, &usherv1.RequestStopProcessing{InteractionId: id})
}

func office() *usherv1.Configuration {
	return &usherv1.Configuration{
		Options:     &usherv1.Options{NotReadyOnInvitationTimeout: new(false)},
		MediaTypes:  []*usherv1.MediaType{{Name: "chat"}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "support"}, {Name: "spare"}},
		Agents: []*usherv1.Agent{
			{AgentId: "anna", AgentGroups: []string{"support"}},
			{AgentId: "ben", AgentGroups: []string{"spare"}},
			{AgentId: "carl", AgentGroups: []string{"support"}},
		},
		Queues: []*usherv1.Queue{
			{Name: "in", Strategy: engine.LongestIdle, AgentGroup: "support"},
			{Name: "later", Strategy: engine.LongestIdle, AgentGroup: "support"},
			{Name: "shared"},
		},
		Workbins: []*usherv1.WorkbinType{{Name: "drafts", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT}},
	}
}

// TestAnotherAgentHelps: what a customer gave up for is answered when somebody
// else helps, in the time that his colleagues take.
func TestAnotherAgentHelps(t *testing.T) {
	d := newDay(t, office())
	d.login("anna", 0)
	d.login("ben", 0)
	d.submit("one", "in")
	d.until(2)
	d.accept("anna")
	d.until(10)
	d.submit("two", "in")
	d.submit("three", "in")
	d.until(40)
	d.stop(media, "two")
	d.until(60)
	d.stop(agent("anna"), "one")
	d.until(63)
	d.accept("anna")
	d.until(100)
	d.stop(agent("anna"), "three")
	d.until(200)
	d.ask(agent("ben"), &usherv1.RequestAgentLogout{})

	recording := d.recorder.Recording()
	before, err := recording.Play()
	if err != nil {
		t.Fatal(err)
	}
	after, err := recording.Play(&usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		Agents: []*usherv1.Agent{{AgentId: "ben", AgentGroups: []string{"support"}, Password: "is passed over"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := recording.Compare(before, after)
	if c.Interactions != 3 || c.AsRecorded != 3 {
		t.Errorf("%d of %d are as recorded", c.AsRecorded, c.Interactions)
	}
	if len(c.Differences) != 1 {
		t.Fatalf("%d interactions go another way, want 1", len(c.Differences))
	}
	submitted := int64(morning) + 10_000
	for _, test := range []struct{ got, want Outcome }{
		{*c.Differences[0].Before, Outcome{"two", "chat", "in", submitted, Abandoned, "in", "", 30_000, false}},
		// He answers as fast as anna usually does, and talks as long.
		{*c.Differences[0].After, Outcome{"two", "chat", "in", submitted, Answered, "in", "ben", 3_000, false}},
	} {
		if test.got != test.want {
			t.Errorf("got %+v\nwant %+v", test.got, test.want)
		}
	}
	want := Entry{
		Name: "in", Before: Figures{Answered: 2, Abandoned: 1, MeanWaitMs: 27_500, P90WaitMs: 53_000},
		After: Figures{Answered: 3, MeanWaitMs: 19_333, P90WaitMs: 53_000},
	}
	if len(c.Entries) != 1 || c.Entries[0] != want || c.All.After != want.After || c.All.Before != want.Before {
		t.Errorf("got %+v and %+v\nwant %+v", c.Entries, c.All, want)
	}
}

// TestSkills: with a vector the best of a skill gets what the longest idle got,
// though nobody had skills then.
func TestSkills(t *testing.T) {
	d := newDay(t, office())
	d.login("anna", 0)
	d.until(1)
	d.login("carl", 0)
	d.until(2)
	d.submit("one", "in")
	d.until(4)
	d.accept("anna")
	d.until(50)
	d.stop(agent("anna"), "one")
	d.until(60)
	recording := d.recorder.Recording()
	before, err := recording.Play()
	if err != nil {
		t.Fatal(err)
	}
	after, err := recording.Play(&usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		Skills:  []*usherv1.Skill{{Name: "billing", AgentSelection: usherv1.AgentSelection_AGENT_SELECTION_EAD_MIA}},
		Vectors: []*usherv1.Vector{{Name: "12", Text: "vector 12\n01 wait-time 5 secs hearing silence\n02 queue-to skill billing pri m\n"}},
		Queues:  []*usherv1.Queue{{Name: "in", Strategy: engine.Vectored, Vector: "12"}},
		Agents: []*usherv1.Agent{
			{AgentId: "anna", Skills: []*usherv1.AgentSkill{{Skill: "billing", Level: 2}}},
			{AgentId: "carl", Skills: []*usherv1.AgentSkill{{Skill: "billing", Level: 1}}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	was, is := before.Outcomes[0], after.Outcomes[0]
	if was.Kind != Answered || was.Agent != "anna" || was.WaitMs != 2_000 {
		t.Errorf("before: %+v", was)
	}
	if is.Kind != Answered || is.Agent != "carl" || is.WaitMs != 7_000 {
		t.Errorf("after: %+v", is)
	}
}

// TestServices: an external service answers as it did, and can't answer what it
// was never asked.
func TestServices(t *testing.T) {
	c := office()
	c.ExternalServices = []*usherv1.ThirdServer{{Name: "crm"}}
	c.Queues = append(c.Queues, &usherv1.Queue{Name: "vip", Strategy: engine.LongestIdle, AgentGroup: "spare"})
	c.Vectors = []*usherv1.Vector{{Name: "12", Text: `vector 12
call-service crm method lookup within 5 secs
goto step 4 if expression response.vip == true
route-to queue later
route-to queue vip
`}}
	c.Queues[0].Strategy, c.Queues[0].Vector = engine.Vectored, "12"
	d := newDay(t, c)
	crm := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE, ID: "crm"}
	d.ask(crm, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_EXTERNAL_SERVICE})
	d.ask(crm, engine.Connect{ConnectionID: "crm"})
	d.submit("good", "in")
	d.until(1.5)
	d.ask(crm, &usherv1.Event3RdServerResponse{RequestId: d.request, Response: &structpb.Struct{
		Fields: map[string]*structpb.Value{"vip": structpb.NewBoolValue(true)},
	}})
	d.submit("bad", "in")
	d.until(2)
	d.ask(crm, &usherv1.Event3RdServerFault{RequestId: d.request, Fault: "Unknown"})
	d.submit("late", "in")
	d.until(20)
	recording := d.recorder.Recording()
	for _, test := range []struct {
		vector          string
		good, bad, late string
	}{
		{c.Vectors[0].Text, "vip", "later", "later"},
		{strings.ReplaceAll(c.Vectors[0].Text, "response.vip == true", "response.fault != ''"), "later", "vip", "vip"},
		{strings.ReplaceAll(c.Vectors[0].Text, "lookup", "other"), "later", "later", "later"},
		{strings.Replace(c.Vectors[0].Text, "5 secs", "1 secs", 1), "later", "later", "later"},
	} {
		result, err := recording.Play(&usherv1.ApplyConfigurationRequest{
			Configuration: &usherv1.Configuration{Vectors: []*usherv1.Vector{{Name: "12", Text: test.vector}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range []string{test.good, test.bad, test.late} {
			if got := result.Outcomes[n]; got.Queue != want {
				t.Errorf("%s\n%s is in %s, want %s", test.vector, got.InteractionID, got.Queue, want)
			}
		}
	}
}

// TestChanges: what a media server changes while an interaction waits counts.
func TestChanges(t *testing.T) {
	d := newDay(t, office())
	d.submit("first", "in")
	d.submit("second", "in")
	d.until(1)
	d.ask(media, &usherv1.RequestChangeProperties{InteractionId: "second", Properties: &structpb.Struct{
		Fields: map[string]*structpb.Value{"priority": structpb.NewNumberValue(5)},
	}})
	d.until(2)
	d.login("anna", 0)
	d.until(3)
	d.accept("anna")
	d.until(9)
	result, err := d.recorder.Recording().Play()
	if err != nil {
		t.Fatal(err)
	}
	if first, second := result.Outcomes[0], result.Outcomes[1]; first.Kind != Waiting || second.Agent != "anna" || result.AsRecorded != 2 {
		t.Errorf("%+v, %+v, %d as recorded", first, second, result.AsRecorded)
	}
}

// TestRefused: what the server would refuse is refused.
func TestRefused(t *testing.T) {
	d := newDay(t, office())
	_, err := d.recorder.Recording().Play(&usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		Queues: []*usherv1.Queue{{Name: "in", AgentGroup: "nobody"}},
	}})
	if want := `UnknownObject: queue "in": agent_group: there is no agent_group "nobody"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// switchboard is the office with skills and vectors.
func switchboard() *usherv1.Configuration {
	c := office()
	c.Skills = []*usherv1.Skill{{
		Name: "billing", AgentSelection: usherv1.AgentSelection_AGENT_SELECTION_EAD_LOA, RonaRings: 2, TimedAcwMs: 7_000,
	}, {Name: "sales"}}
	c.Vectors = []*usherv1.Vector{
		{Name: "12", Text: "vector 12\nqueue-to skill billing pri m\nwait-time 9 secs hearing music\nqueue-to skill sales pri h\n"},
		{Name: "13", Text: "vector 13\nwait-time 5 secs hearing music\nqueue-to skill sales pri m\nwait-time 200 secs hearing music\nbusy\n"},
	}
	c.Queues[0].Strategy, c.Queues[0].Vector = engine.Vectored, "12"
	c.Queues[1].Strategy, c.Queues[1].Vector = engine.Vectored, "13"
	for n, agent := range c.Agents {
		agent.Skills = []*usherv1.AgentSkill{{Skill: "billing", Level: int32(n + 1)}, {Skill: "sales", Level: int32(3 - n)}}
	}
	return c
}

// TestPresentConfigurationGivesWhatWas plays random days again as they were.
func TestPresentConfigurationGivesWhatWas(t *testing.T) {
	for name, configuration := range map[string]*usherv1.Configuration{"office": office(), "switchboard": switchboard()} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				givesWhatWas(t, seed, randomDay(t, configuration, seed))
			}
		})
	}
}

func givesWhatWas(t *testing.T, seed uint64, d *day) {
	result, err := d.recorder.Recording().Play()
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Outcomes) != len(d.waiting) || len(d.waiting) < 20 {
		t.Fatalf("seed %d: %d of %d interactions were played", seed, len(result.Outcomes), len(d.waiting))
	}
	for _, got := range result.Outcomes {
		want := d.answers[got.InteractionID]
		if got.Kind != want.Kind || got.Agent != want.Agent || got.WaitMs != want.WaitMs {
			t.Fatalf("seed %d: interaction %s: %s by %q after %d ms, was %s by %q after %d ms",
				seed, got.InteractionID, got.Kind, got.Agent, got.WaitMs, want.Kind, want.Agent, want.WaitMs)
		}
	}
	if result.AsRecorded != len(result.Outcomes) {
		t.Errorf("seed %d: %d of %d are as recorded", seed, result.AsRecorded, len(result.Outcomes))
	}
}

// randomDay is a day on which everybody does what comes to his mind.
func randomDay(t *testing.T, configuration *usherv1.Configuration, seed uint64) *day {
	random := rand.New(rand.NewPCG(seed, 0))
	d := newDay(t, configuration)
	agents := []string{"anna", "ben", "carl"}
	d.login("anna", usherv1.WorkMode_WORK_MODE_MANUAL_IN)
	d.login("ben", usherv1.WorkMode_WORK_MODE_AUTO_IN)
	d.login("carl", usherv1.WorkMode_WORK_MODE_UNSPECIFIED)
	for second := 1; second < 1_000; second++ {
		d.until(float64(second))
		if second%25 == 0 {
			d.submit(fmt.Sprint("i", second), []string{"in", "in", "later", "later", "shared"}[random.IntN(5)])
		}
		id := agents[random.IntN(len(agents))]
		d.act(engine.AgentID(id), random)
		if second%90 == 0 {
			d.until(float64(second) + 0.5) // at one moment, what was decided then goes before what follows
			d.giveUp(random)
		}
	}
	return d
}

// act is what an agent does in a moment.
func (d *day) act(id engine.AgentID, random *rand.Rand) {
	who, chance := agent(string(id)), random.IntN(10)
	switch {
	case d.invited[id] != 0 && chance < 2:
		d.ask(who, &usherv1.RequestReject{Ticket: d.invited[id]})
	case d.invited[id] != 0 && chance < 8:
		d.accept(string(id))
	case d.has[id] != "" && chance == 0:
		d.ask(who, &usherv1.RequestPlaceInQueue{InteractionId: d.has[id], Queue: "later"})
	case d.has[id] != "" && chance == 1:
		d.ask(who, &usherv1.RequestPlaceInWorkbin{InteractionId: d.has[id], Workbin: &usherv1.Workbin{Name: "drafts"}})
	case d.has[id] != "" && chance < 4:
		d.stop(who, d.has[id])
	case d.modes[id] == usherv1.WorkMode_WORK_MODE_ACW && chance < 3:
		d.ask(who, &usherv1.RequestSetAgentState{WorkMode: usherv1.WorkMode_WORK_MODE_MANUAL_IN})
	case d.modes[id] == usherv1.WorkMode_WORK_MODE_AUX && chance < 3:
		d.ask(who, &usherv1.RequestSetAgentState{WorkMode: usherv1.WorkMode_WORK_MODE_AUTO_IN})
	case chance == 8 && d.has[id] == "" && d.invited[id] == 0:
		d.ask(who, &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: "shared"}})
	case chance == 7 && id == "ben" && d.has[id] == "":
		d.ask(who, &usherv1.RequestAgentLogout{})
		d.ask(who, engine.Disconnect{ConnectionID: "ben"})
		d.ask(who, engine.Connect{ConnectionID: "ben"})
		d.ask(who, &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{{MediaType: "chat"}}})
	case chance == 9 && id == "anna" && d.has[id] == "" && d.invited[id] == 0:
		d.ask(who, &usherv1.RequestDoNotDisturbOn{})
		d.ask(who, &usherv1.RequestDoNotDisturbOff{})
	case chance == 9 && id == "carl" && d.invited[id] == 0 && d.has[id] == "":
		if random.IntN(2) == 0 {
			d.ask(who, &usherv1.RequestNotReadyForMedia{MediaType: "chat"})
		} else {
			d.ask(who, &usherv1.RequestCancelNotReadyForMedia{MediaType: "chat"})
		}
	}
}

// giveUp lets a customer go who has not been answered.
func (d *day) giveUp(random *rand.Rand) {
	var open []string
	for _, id := range d.waiting {
		if d.answers[id].Kind == Waiting {
			open = append(open, id)
		}
	}
	if len(open) > 0 {
		d.stop(media, open[random.IntN(len(open))])
	}
}
