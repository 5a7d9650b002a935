package serverdriver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/sim/enginedriver"
	"github.com/usher-cc/usher/sim/scenario"
)

// patience is how long the server may take for what follows a step.
const patience = 20 * time.Second

// Driver is a tenant of a running server. It plays one phase.
type Driver struct {
	system  *System
	tenant  string
	callers map[string]caller
	streams map[string]*streams
	// pending are the requests whose answer has not come, by client and
	// reference id.
	pending map[string]bool
	// traced is how far the trace has been read.
	traced uint64
	lines  []*usherv1.TraceLine
}

// Close ends all streams.
func (d *Driver) Close() {
	for _, s := range d.streams {
		s.disconnect("")
	}
}

// Tenant is the id of the driver's tenant.
func (d *Driver) Tenant() string { return d.tenant }

// roles are those of clients with API keys.
var roles = map[string]usherv1.Role{
	"media": usherv1.Role_ROLE_MEDIA, "urs": usherv1.Role_ROLE_ROUTER, "urs2": usherv1.Role_ROLE_ROUTER,
	"report": usherv1.Role_ROLE_REPORTING, "svc": usherv1.Role_ROLE_SERVICE, "svc2": usherv1.Role_ROLE_SERVICE,
}

// caller is a participant with his credential, got when it is first needed.
func (d *Driver) caller(ctx context.Context, participant string) (caller, error) {
	if c, ok := d.callers[participant]; ok {
		return c, nil
	}
	c := caller{url: d.system.host.URL}
	var err error
	if role, ok := roles[participant]; ok {
		c.key, err = d.system.key(ctx, d.tenant, participant, role)
	} else {
		opened := &usherv1.OpenSessionResponse{}
		err = c.call(ctx, &usherv1.OpenSessionRequest{TenantId: d.tenant, AgentId: participant, Password: password}, opened)
		c.key = opened.Token
	}
	if err != nil {
		return c, fmt.Errorf("credential of %s: %w", participant, err)
	}
	d.callers[participant] = c
	return c, nil
}

type outcome struct {
	event *usherv1.Event
	err   error
}

// Send implements scenario.Driver. A request is pending when the trace shows
// it, or it joins one that is, and there is no answer.
func (d *Driver) Send(ctx context.Context, from string, request proto.Message) (*usherv1.Event, error) {
	c, err := d.caller(ctx, from)
	if err != nil {
		return nil, err
	}
	answered := make(chan outcome, 1)
	go func() {
		event, err := c.ask(ctx, enginedriver.ProtocolOf(from, request), request)
		answered <- outcome{event, err}
	}()
	if !mayPend(request) {
		o := <-answered
		return o.event, o.err
	}
	return d.answerOrPending(ctx, from, request, answered)
}

// mayPend tells whether a request's answer may come later.
func mayPend(request proto.Message) bool {
	switch r := request.(type) {
	case *usherv1.RequestTransfer, *usherv1.RequestConference, *usherv1.RequestPrivateService:
		return true
	case *usherv1.RequestRouteCall:
		return r.GetAgent() != nil
	}
	return false
}

func (d *Driver) answerOrPending(ctx context.Context, from string, request proto.Message, answered <-chan outcome) (*usherv1.Event, error) {
	reference := request.(interface{ GetReferenceId() string }).GetReferenceId()
	key, name := from+" "+reference, string(request.ProtoReflect().Descriptor().Name())
	if d.pending[key] && reference != "" {
		return nil, nil
	}
	before := len(d.lines)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case o := <-answered:
			return o.event, o.err
		case <-time.After(time.Millisecond):
		}
		if err := d.trace(ctx); err != nil {
			return nil, err
		}
		for _, line := range d.lines[before:] {
			if line.Message == name && line.From.Kind == enginedriver.Participant(from).Kind {
				d.pending[key] = true
				return nil, nil
			}
		}
	}
	return nil, fmt.Errorf("%s: neither an answer nor a pending request", name)
}

// Connect implements scenario.Driver.
func (d *Driver) Connect(ctx context.Context, participant, kind string) error {
	return d.open(ctx, participant, kind, nil)
}

func (d *Driver) open(ctx context.Context, participant, kind string, after *uint64) error {
	open, err := d.opener(ctx, participant, kind)
	if err != nil {
		return err
	}
	if d.streams[participant] == nil {
		d.streams[participant] = newStreams()
	}
	return d.streams[participant].connect(open, kind, after)
}

// Disconnect implements scenario.Driver. The server has taken it in when it
// counts the streams no more.
func (d *Driver) Disconnect(ctx context.Context, participant, kind string) error {
	if d.streams[participant] == nil {
		return nil
	}
	before, err := d.openStreams(ctx)
	if err != nil {
		return err
	}
	ended := d.streams[participant].disconnect(kind)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		now, err := d.openStreams(ctx)
		if err != nil {
			return err
		}
		if now <= before-ended {
			return nil
		}
	}
	return fmt.Errorf("the end of the streams of %s was not noticed", participant)
}

// openStreams is how many event streams the server counts.
func (d *Driver) openStreams(ctx context.Context) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.system.host.AdminURL()+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	open := 0
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(name, "usher_streams_open") && strings.Contains(name, "Events") {
			n, err := strconv.Atoi(value)
			if err != nil {
				return 0, fmt.Errorf("metrics: %q: %w", lines.Text(), err)
			}
			open += n
		}
	}
	return open, nil
}

// Restart implements scenario.Driver. Streams are resumed where they were.
func (d *Driver) Restart(ctx context.Context) error {
	kinds := map[string][]string{}
	for participant, s := range d.streams {
		kinds[participant] = s.kinds()
	}
	if err := d.system.host.Restart(ctx); err != nil {
		return err
	}
	for _, participant := range enginedriver.Participants {
		s := d.streams[participant]
		if len(kinds[participant]) > 0 {
			s.disconnect("")
		}
		for _, kind := range kinds[participant] {
			if err := d.open(ctx, participant, kind, &s.reached); err != nil {
				return fmt.Errorf("resume the stream of %s: %w", participant, err)
			}
		}
	}
	return nil
}

// Apply implements scenario.Driver.
func (d *Driver) Apply(ctx context.Context, configuration *usherv1.Configuration) error {
	return d.system.apply(ctx, d.tenant, configuration)
}

// Advance implements scenario.Driver.
func (d *Driver) Advance(ctx context.Context, by time.Duration) error {
	return d.system.host.Advance(ctx, by)
}

// Observe implements scenario.Driver.
func (d *Driver) Observe(ctx context.Context) ([]scenario.Observed, error) {
	if err := d.trace(ctx); err != nil {
		return nil, err
	}
	lines := d.lines
	d.lines = nil
	var seen []scenario.Observed
	for n, line := range lines {
		if line.Event == nil {
			if enginedriver.Name(engine.ParticipantOf(line.From)) == "router" {
				seen = append(seen, scenario.Observed{From: "router", To: []string{"ixn"}, Request: routeCall(lines[n:])})
			}
			continue
		}
		o, err := d.delivered(line)
		if err != nil {
			return nil, err
		}
		seen = append(seen, o)
	}
	return seen, nil
}

// routeCall is the built-in router's request, as far as the trace tells it.
func routeCall(lines []*usherv1.TraceLine) *usherv1.RequestRouteCall {
	call := &usherv1.RequestRouteCall{InteractionId: lines[0].InteractionId}
	for _, line := range lines[1:] {
		switch m := line.Event.GetMessage().(type) {
		case *usherv1.Event_EventAgentInvited:
			invited := m.EventAgentInvited
			call.Target = &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: invited.AgentId, Skill: invited.Skill}}
			return call
		case *usherv1.Event_EventPlacedInQueue:
			call.Target = &usherv1.RequestRouteCall_Queue{Queue: m.EventPlacedInQueue.Queue}
			if vdn := m.EventPlacedInQueue.Vdn; vdn != "" {
				call.Target = &usherv1.RequestRouteCall_Vdn{Vdn: vdn}
			}
		case *usherv1.Event_EventPlacedInWorkbin:
			call.Target = &usherv1.RequestRouteCall_Workbin{Workbin: m.EventPlacedInWorkbin.Workbin}
		case *usherv1.Event_EventProcessingStopped:
			call.Target, call.Reason = &usherv1.RequestRouteCall_Stop{Stop: true}, line.Event.Reason
		case *usherv1.Event_EventRouteUsed:
			return call
		}
	}
	return call
}

// delivered waits until every recipient with an open stream has the message.
func (d *Driver) delivered(line *usherv1.TraceLine) (scenario.Observed, error) {
	o := scenario.Observed{From: "ixn", Event: line.Event, Answer: line.Answer}
	for _, to := range line.To {
		name := enginedriver.Name(engine.ParticipantOf(to))
		o.To = append(o.To, name)
		s := d.streams[name]
		if s == nil || line.Answer && to.Kind != usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
			continue
		}
		event, err := s.delivered(line.Sequence)
		if err != nil {
			return o, fmt.Errorf("%s: %s: %w", name, line.Message, err)
		}
		if event != nil {
			o.Event = event
		}
		if line.Answer {
			delete(d.pending, name+" "+line.ReferenceId)
		}
	}
	return o, nil
}

// mark forgets what has happened so far.
func (d *Driver) mark(ctx context.Context) error {
	if err := d.trace(ctx); err != nil {
		return err
	}
	d.lines = nil
	return nil
}

// trace reads what is durable. Every answer is released after what was
// decided before is durable, so that it holds all that a step has caused.
func (d *Driver) trace(ctx context.Context) error {
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().Set("Authorization", "Bearer "+d.system.admin.key)
	stream, err := d.system.reporting().Trace(ctx, &usherv1.RequestTrace{TenantId: d.tenant, AfterSequence: d.traced})
	if err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	defer stream.Close()
	for stream.Receive() {
		line := proto.CloneOf(stream.Msg())
		if line.Event != nil {
			d.traced = max(d.traced, line.Sequence)
		}
		d.lines = append(d.lines, line)
	}
	if err := stream.Err(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("trace: %w", err)
	}
	return nil
}

// Participants are the agents who take part in a phase, and so log in.
func Participants(p *scenario.Phase) []string {
	var agents []string
	text := p.String()
	for _, name := range []string{"agent1", "agent2", "agent3", "supervisor"} {
		if strings.Contains(text, name) {
			agents = append(agents, name)
		}
	}
	return slices.Clip(agents)
}
