package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/usher-cc/usher/zone"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Work modes (telephony.md, "EAS"). Who has skills has them; for others only
// their media states count.
//
//	agent1 > ixn  RequestSetAgentState
//	    ixn > agent1  EventAck
//	    ixn > report  EventAgentStateReasonChanged
//	    ixn > agent1  EventForcedAgentStateChange   if somebody else, or the server, does it
//
//	AUX      not working             ACW         after-call work
//	auto-in  available again         manual-in   ACW when an interaction ends
//
// What is asked for while he has interactions is pending until they have
// ended, and nothing new comes meanwhile.

// The work modes, in short.
const (
	noWorkMode = usherv1.WorkMode_WORK_MODE_UNSPECIFIED
	modeAux    = usherv1.WorkMode_WORK_MODE_AUX
	modeAcw    = usherv1.WorkMode_WORK_MODE_ACW
	modeAuto   = usherv1.WorkMode_WORK_MODE_AUTO_IN
	modeManual = usherv1.WorkMode_WORK_MODE_MANUAL_IN
)

// Reasons of changes that the server makes.
const (
	reasonAfterCallWork = "AfterCallWork"
	reasonTimedAcw      = "TimedACW"
	reasonPendingMode   = "PendingWorkMode"
	reasonRona          = "RONA"
	reasonAcwTooLong    = "ACWTooLong"
	reasonLogoutTime    = "LogoutTime"
	reasonInterrupted   = "AUXInterrupted"
)

// maxRings bounds RONA; a ring takes ringMs.
const (
	maxRings        = 20
	ringMs   Millis = 6_000
)

// working is what an agent's work mode is, and how much he has worked.
type working struct {
	mode, pending usherv1.WorkMode
	reasonCode    int32
	since         Millis
	// acwUntil ends timed after-call work, or the longest that is allowed.
	acwUntil deadline
	// oneMore: he asked for one more interaction while he has some.
	oneMore       bool
	logoutPending bool

	// Time worked, and spent available, since his login, up to countedUntil;
	// occupancy is their ratio when he last became idle, in millionths.
	loggedInAt, worked, available, countedUntil Millis
	occupancy                                   int64
	// delivered counts what he got by skill.
	delivered map[string]int64

	// ended is what ended in this input; nil for nothing.
	ended *endedWork
}

// endedWork is what was taken from an agent, or what he left: whether he
// handled it, and not only coached; whether a router had delivered it, by which
// skill and VDN.
type endedWork struct {
	handled, routed bool
	skill, vdn      string
}

// takes tells whether his work mode lets something new come.
func (w *working) takes() bool {
	rests := w.pending == modeAux || w.pending == modeAcw
	return (w.mode == noWorkMode || isIn(w.mode)) && !rests && !w.logoutPending
}

// isIn tells whether a work mode is auto-in or manual-in.
func isIn(mode usherv1.WorkMode) bool { return mode == modeAuto || mode == modeManual }

// describe says in words what keeps something new from coming.
func (w *working) describe() string {
	mode := ModeName(w.mode)
	if w.mode == modeAux {
		mode = fmt.Sprintf("%s %d", mode, w.reasonCode)
	}
	switch {
	case w.logoutPending:
		return "he is logged out when his interactions have ended"
	case w.pending != noWorkMode && w.mode != modeAcw:
		return fmt.Sprintf("%s, %s is pending", mode, ModeName(w.pending))
	}
	return mode
}

// ModeName is a work mode as people write it.
func ModeName(m usherv1.WorkMode) string {
	if m == modeAux || m == modeAcw {
		return strings.TrimPrefix(m.String(), "WORK_MODE_")
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(m.String(), "WORK_MODE_"), "_", "-"))
}

func (e *Engine) setAgentState(r *usherv1.RequestSetAgentState) refusal {
	a, why := e.agentOf(r.AgentId, r.Reason)
	if why != nil {
		return why
	}
	if why := checkWorkMode(r.WorkMode, r.ReasonCode); why != nil {
		return why
	}
	if r.WorkMode == noWorkMode {
		return refuse(errInvalidArgument, "work_mode is missing")
	}
	e.ack()
	busy := len(a.handling) > 0
	next := &usherv1.EventAgentStateReasonChanged{WorkMode: r.WorkMode, ReasonCode: r.ReasonCode}
	rests := r.WorkMode == modeAux || r.WorkMode == modeAcw
	switch {
	case rests && busy && a.work.mode != r.WorkMode:
		next.WorkMode, next.PendingWorkMode = a.work.mode, r.WorkMode
		switch a.work.mode {
		case noWorkMode:
			next.WorkMode = modeAuto
		case modeAux:
			next.ReasonCode = a.work.reasonCode
		}
	case r.WorkMode == modeAcw && a.work.mode == modeAcw && a.work.pending == noWorkMode:
		next.AcwUntilMs = int64(a.work.acwUntil.at) // asking again does not make it last
	case r.WorkMode == modeAcw:
		next.AcwUntilMs = e.longestAcw()
	case busy && isIn(r.WorkMode) && isIn(a.work.mode) && r.WorkMode != a.work.mode:
		next.WorkMode, next.PendingWorkMode, next.OneMore = a.work.mode, r.WorkMode, true
	case busy:
		next.OneMore = !rests
	}
	e.becomeWorking(a, next, r.Reason)
	e.tellForcedByOther(a, r.Reason)
	if rests {
		e.revokeAsNotAnswered(a, opReject, reasonNotReady, (*invitation).routed)
	}
	return nil
}

// loginWorkMode is the work mode after a login: what it names, what the agent
// is configured with, or AUX. Who has no skills has none unless he names one.
func (e *Engine) loginWorkMode(r *usherv1.RequestAgentLogin) (usherv1.WorkMode, refusal) {
	agent := e.config.agents[e.from.ID]
	mode := r.WorkMode
	if mode == noWorkMode && len(agent.GetSkills()) > 0 {
		mode = cmp.Or(agent.GetLoginWorkMode(), modeAux)
	}
	if mode == modeAcw {
		return mode, refuse(errInvalidArgument, "work_mode: ACW follows an interaction, not a login")
	}
	return mode, checkWorkMode(mode, r.ReasonCode)
}

func checkWorkMode(mode usherv1.WorkMode, code int32) refusal {
	switch {
	case usherv1.WorkMode_name[int32(mode)] == "":
		return refuse(errInvalidArgument, "work_mode: %d is unknown", mode)
	case code < 0 || code > maxReasonCode:
		return refuse(errInvalidArgument, "reason_code: %d, 0 to %d", code, maxReasonCode)
	case code != 0 && mode != modeAux:
		return refuse(errInvalidArgument, "reason_code: only AUX has one")
	}
	return nil
}

// longestAcw is until when after-call work that begins now may last; 0 for
// without end.
func (e *Engine) longestAcw() int64 {
	if most := e.config.options.GetMaxAcwMs(); most > 0 {
		return int64(e.now) + most
	}
	return 0
}

// becomeWorking changes an agent's work mode. Nothing calls a pending logout
// off.
func (e *Engine) becomeWorking(a *Agent, next *usherv1.EventAgentStateReasonChanged, reason string) {
	next.AgentId = string(a.id)
	next.LogoutPending = next.LogoutPending || a.work.logoutPending
	ev := e.agentEvent(reason)
	ev.Message = &usherv1.Event_EventAgentStateReasonChanged{EventAgentStateReasonChanged: next}
	e.report(ev)
}

// forceWorking changes an agent's work mode for him.
func (e *Engine) forceWorking(a *Agent, next *usherv1.EventAgentStateReasonChanged, reason string) {
	e.becomeWorking(a, next, reason)
	e.tellForced(a, reason)
}

// workEnded does what follows for the agents from whom something was taken in
// this input: after-call work, a pending work mode, a pending logout.
func (e *Engine) workEnded() {
	for len(e.ended) > 0 {
		a, ended := e.nextEnded()
		w, free := &a.work, len(a.handling) == 0
		switch {
		case a.loggedOut:
		case w.logoutPending && free:
			e.forceLogout(a, reasonLogoutTime, e.config.options.GetForcedLogoutReasonCode())
		case w.pending == modeAux && free:
			e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{WorkMode: modeAux, ReasonCode: w.reasonCode}, reasonPendingMode)
		case isIn(w.mode) && isIn(w.pending) && free:
			e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{WorkMode: w.pending}, reasonPendingMode)
		case isIn(w.mode) && isIn(w.pending): // when the last one ends
		case w.pending == modeAcw && free, w.mode == modeManual && ended.handled && free:
			e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{WorkMode: modeAcw, AcwUntilMs: e.longestAcw()}, reasonAfterCallWork)
		case w.mode == modeManual && ended.handled && w.pending == noWorkMode:
			e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{WorkMode: modeManual, PendingWorkMode: modeAcw}, reasonAfterCallWork)
		case w.mode == modeAuto && ended.routed && free:
			e.beginTimedAcw(a, ended.skill, ended.vdn)
		}
	}
}

// nextEnded is the next agent from whom something was taken, and what.
func (e *Engine) nextEnded() (*Agent, *endedWork) {
	a := e.ended[0]
	e.ended = e.ended[1:]
	ended := a.work.ended
	a.work.ended = nil
	return a, ended
}

// beginTimedAcw gives an agent in auto-in the after-call work of a VDN or
// skill.
func (e *Engine) beginTimedAcw(a *Agent, skill, vdn string) {
	length := e.config.vdns[vdn].GetTimedAcwMs()
	if length == 0 {
		length = e.config.skills[skill].GetTimedAcwMs()
	}
	if length > 0 {
		e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{
			WorkMode: modeAcw, PendingWorkMode: modeAuto, AcwUntilMs: int64(e.now) + length,
		}, reasonAfterCallWork)
	}
}

// acwEnded ends timed after-call work; an agent who exceeded the longest is
// logged out.
func (e *Engine) acwEnded(a *Agent) {
	if a.work.pending == modeAuto {
		e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{WorkMode: modeAuto}, reasonTimedAcw)
		return
	}
	if len(a.handling) > 0 { // he pulled something meanwhile
		e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{WorkMode: modeAcw, LogoutPending: true}, reasonAcwTooLong)
		return
	}
	e.forceLogout(a, reasonAcwTooLong, e.config.options.GetMaxAcwReasonCode())
}

// forceLogout logs an agent out for him.
func (e *Engine) forceLogout(a *Agent, reason string, code int32) {
	e.dropEverything(a, opLogout, reason)
	e.becomeLoggedOut(a, reason, code)
	e.tellLoggedOut(a, reason)
}

// logoutTimeCame logs out who has nothing; the others when it has ended. Many
// agents are dealt with in portions, one for each Tick.
func (e *Engine) logoutTimeCame() {
	left := maxHandedOver
	for a := range e.EachAgent {
		if a.work.logoutPending {
			continue
		}
		if left--; left < 0 {
			e.deadlines.set(&e.logoutAt, e.logoutAt.at)
			return
		}
		if len(a.handling) == 0 {
			e.forceLogout(a, reasonLogoutTime, e.config.options.GetForcedLogoutReasonCode())
			continue
		}
		w := &a.work
		e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{
			WorkMode: w.mode, PendingWorkMode: w.pending, ReasonCode: w.reasonCode, LogoutPending: true,
		}, reasonLogoutTime)
	}
	e.setLogoutTime()
}

// setLogoutTime sets the next time at which agents are logged out, as the
// options say.
func (e *Engine) setLogoutTime() {
	next := int64(0)
	if at := e.config.options.GetForcedLogoutAt(); at != "" {
		if e.logoutAt.place != 0 && e.logoutAt.at <= e.now {
			return // it is time; what follows sets the next one
		}
		minute, _ := minuteOfDay(at)
		next = e.zone.Next(int64(e.now), minute)
	}
	if next != int64(e.logoutAt.at) {
		e.fact(&usherv1.Fact{Fact: &usherv1.Fact_LogoutTimeSet{LogoutTimeSet: &usherv1.LogoutTimeSet{AtMs: next}}})
	}
}

// unansweredOfSkill is RONA's part for the agent: AUX with a code of its own.
func (e *Engine) unansweredOfSkill(a *Agent) {
	e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{
		WorkMode: modeAux, ReasonCode: e.config.options.GetRonaReasonCode(),
	}, reasonRona)
	// What else rings at him has not been answered either.
	e.revokeAsNotAnswered(a, opTimeout, reasonExpired, (*invitation).routed)
}

// InterruptAux puts an agent who rests in interruptible AUX to auto-in. Only
// the built-in router sends it.
type InterruptAux struct{ AgentID AgentID }

func (e *Engine) interruptAux(r *InterruptAux) refusal {
	a := e.agents[r.AgentID]
	if a == nil || !a.rests() {
		return refuse(errNotReady, "agent %q is not in interruptible AUX", r.AgentID)
	}
	e.forceWorking(a, &usherv1.EventAgentStateReasonChanged{WorkMode: modeAuto}, reasonInterrupted)
	return nil
}

// rests tells whether he is in AUX with a reason code that may be interrupted.
func (a *Agent) rests() bool {
	return a.work.mode == modeAux && !a.work.logoutPending &&
		slices.Contains(a.engine.config.options.GetInterruptibleAuxCodes(), a.work.reasonCode)
}

// Interruptible tells whether he rests, and would be available for a media
// type if he did not; and since when he rests.
func (a *Agent) Interruptible(media MediaName) (since Millis, ok bool) {
	return a.work.since, a.rests() && a.attends(media) && a.capacityLeft(media) > 0
}

// ---- folding ----

// foldWorking applies an EventAgentStateReasonChanged that is about the work
// mode.
func (e *Engine) foldWorking(a *Agent, m *usherv1.EventAgentStateReasonChanged, at Millis) {
	a.count(at)
	w := &a.work
	took := w.takes()
	if w.mode != m.WorkMode {
		w.since = at
	}
	w.mode, w.pending, w.reasonCode = m.WorkMode, m.PendingWorkMode, m.ReasonCode
	w.oneMore, w.logoutPending = m.OneMore, m.LogoutPending
	if w.takes() && !took {
		a.becameIdle(at)
	}
	e.deadlines.set(&w.acwUntil, Millis(m.AcwUntilMs))
}

// count counts the time up to now as worked or available.
func (a *Agent) count(at Millis) {
	w := &a.work
	passed := max(0, at-w.countedUntil)
	switch {
	case len(a.handling) > 0 || w.mode == modeAcw:
		w.worked += passed
	case w.takes():
		w.available += passed
	}
	w.countedUntil = at
}

// becameIdle notes since when he is idle, and how occupied he was.
func (a *Agent) becameIdle(at Millis) {
	a.idleSince = at
	if w := &a.work; w.worked+w.available > 0 {
		w.occupancy = int64(w.worked * 1_000_000 / (w.worked + w.available))
	}
}

// foldEnded notes that an interaction was taken from him, or he left it.
func (e *Engine) foldEnded(a *Agent, i *Interaction, p *party) {
	w := &a.work
	if w.mode == noWorkMode && !w.logoutPending {
		return
	}
	if w.ended == nil {
		w.ended = &endedWork{}
		e.ended = append(e.ended, a)
	}
	w.ended.handled = w.ended.handled || p.public()
	if p.info.Operation == opRoute {
		*w.ended = endedWork{handled: true, routed: true, skill: p.info.Skill, vdn: i.props.Vdn}
	}
}

// ---- what the router sees ----

// Works tells whether he works for a media type, whether or not he is free: he
// is ready, and neither in AUX nor about to be, nor to be logged out, when what
// he has has ended: he takes nothing more.
func (a *Agent) Works(media MediaName) bool {
	return a.attends(media) && a.work.mode != modeAux && a.work.pending != modeAux && !a.work.logoutPending
}

// Limits tells whether a skill's multiple call handling can keep agents from
// more; otherwise only their capacity does.
func (e *Engine) Limits(skill string) bool {
	switch e.config.skills[skill].GetMultipleCallHandling() {
	case usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_UNSPECIFIED,
		usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_MANY_FORCED:
		return false
	}
	return true
}

// AllowsAnother tells whether the skill's multiple call handling lets him have
// something more.
func (a *Agent) AllowsAnother(skill string) bool {
	if !a.engine.Limits(skill) {
		return true
	}
	all, ofSkill := a.routed(skill)
	switch a.engine.config.skills[skill].GetMultipleCallHandling() {
	case usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_ON_REQUEST:
		return all == 0 || a.work.oneMore
	case usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_ONE_FORCED:
		return all <= 1
	case usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_ONE_PER_SKILL:
		return ofSkill == 0
	}
	return all == 0
}

// routed counts what routers have delivered to him or are delivering, in all
// and of a skill.
func (a *Agent) routed(skill string) (all, ofSkill int) {
	count := func(of string) {
		all++
		if of == skill {
			ofSkill++
		}
	}
	for _, i := range a.handling {
		if p := i.party(a.id); p != nil && p.info.Operation == opRoute {
			count(p.info.Skill)
		}
	}
	for _, inv := range a.invitations {
		if inv.routed() {
			count(inv.invited.Skill)
		}
	}
	return all, ofSkill
}

// Occupancy is how occupied he was when he last became idle, in millionths.
func (a *Agent) Occupancy() int64 { return a.work.occupancy }

// Delivered is how many interactions of a skill he got since his login, and
// how many of all his skills.
func (a *Agent) Delivered(skill string) (ofSkill, all int64) {
	for _, s := range a.config.GetSkills() {
		all += a.work.delivered[s.GetSkill()]
	}
	return a.work.delivered[skill], all
}

// Configured is how he is configured.
func (a *Agent) Configured() *usherv1.Agent { return a.config }

// ---- snapshots ----

func (w *working) export(s *usherv1.AgentState) {
	s.WorkMode, s.PendingWorkMode, s.ReasonCode = w.mode, w.pending, w.reasonCode
	s.AcwUntilMs, s.WorkModeSinceMs, s.OneMore, s.LogoutPending = int64(w.acwUntil.at), int64(w.since), w.oneMore, w.logoutPending
	s.LoggedInAtMs, s.WorkedMs, s.AvailableMs = int64(w.loggedInAt), int64(w.worked), int64(w.available)
	s.CountedUntilMs, s.Occupancy = int64(w.countedUntil), w.occupancy
	s.Delivered = maps.Clone(w.delivered)
}

func (w *working) load(s *usherv1.AgentState) {
	*w = working{
		mode: s.WorkMode, pending: s.PendingWorkMode, reasonCode: s.ReasonCode, since: Millis(s.WorkModeSinceMs),
		oneMore: s.OneMore, logoutPending: s.LogoutPending,
		loggedInAt: Millis(s.LoggedInAtMs), worked: Millis(s.WorkedMs), available: Millis(s.AvailableMs),
		countedUntil: Millis(s.CountedUntilMs), occupancy: s.Occupancy, delivered: s.Delivered,
	}
}

// ---- the tenant's clock ----

// setZone takes the zone of the tenant's times of day.
func (e *Engine) setZone() {
	z, err := zone.Load(e.config.options.GetTimeZone())
	if err != nil {
		z = zone.UTC // another machine's zone database lacks it
	}
	e.zone = z
}
