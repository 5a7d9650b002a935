// Package scenario reads golden scenarios, plays them and draws them. It
// promises that a scenario which parses can be played: every participant,
// message, field and enum value has been resolved against the protocols, and
// a mistake is answered with file, line, column and a hint.
//
// A scenario is one file of models.md, typed by hand:
//
//	scenario route-to-agent
//	title    Interaction routed to an agent
//	spec     models.md 6
//
//	phase accepted
//	title   the agent accepts
//	option  delivering_timeout_ms=20000
//	given   agent1 ready chat
//	given   > media RequestSubmit queue=external media_type=chat interaction_id=i1
//	urs > ixn         RequestRouteCall   tlib  interaction_id=i1 agent.agent_id=agent1
//	    ixn > report  EventAgentInvited  rpt   agent_id=agent1 sequence=$ticket
//	    ixn > agent1  EventInvite        im    ticket=$ticket
//	+20s
//	    ixn > agent1  EventRevoked       im    ticket=$ticket reason=Expired
//
// Lines that begin at the margin happen: a participant sends a request, time
// passes, a connection opens or ends, a configuration is applied, the server
// restarts. The indented lines
// that follow are all that the server sends because of it, in this order and
// nothing else; the recipients of one line are a set. A request of the
// built-in router (router > ixn) is something that happens inside the server,
// and so is expected like a message.
//
// Attributes name fields by their path, looked up in the message and then in
// the envelope Event. In an expectation * is present, - is absent or empty,
// and $name is bound where it is met first and compared afterwards. What a
// line does not name is not compared.
//
// What `given` prepares is sent silently; given.go lists its few forms. The
// tenant has the objects of the fixture, and those of the file that the
// scenario names: tenant FILE.
package scenario
