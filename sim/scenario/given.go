package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// The forms of given. WHO is a participant, I an interaction.
//
//	given WHO registered                       registered and connected; a router with strategy test
//	given WHO unregistered                     media or report, which are registered otherwise
//	given WHO logged-in chat[,mail]            registered, connected and logged in at his place, not ready
//	given WHO ready chat[,mail]                the same, ready
//	given WHO auto-in chat[,mail]              the same, in work mode auto-in; manual-in likewise
//	given WHO handles I [from QUEUE]           media submits a chat to the queue (inbound), WHO pulls it
//	given WHO submitted I                      an agent submits a chat
//	given WHO joins I with WHO2 [as MODE]      WHO2 asks for a conference, WHO accepts
//	given > WHO REQUEST path=value...          any request; it must not be refused
//	given +DURATION                            time passes
const givenHint = "write WHO registered, unregistered, logged-in MEDIA, ready MEDIA, auto-in MEDIA, manual-in MEDIA, " +
	"handles I [from QUEUE], submitted I, joins I with WHO [as MODE], > WHO REQUEST, or +DURATION"

// places are where the agents of the fixture sit.
var places = map[string]string{"agent1": "place1", "agent2": "place2", "agent3": "place3", "supervisor": "place4"}

// clientTypes are what participants that are no agents register as.
var clientTypes = map[string]string{
	media:  "MEDIA_SERVER",
	report: "REPORTING_ENGINE",
	"urs":  "ROUTER strategies=[test]",
	"urs2": "ROUTER strategies=[test]",
	"svc":  "EXTERNAL_SERVICE",
	"svc2": "EXTERNAL_SERVICE",
}

// workModes are the work modes with which agents log in.
var workModes = map[string]string{"auto-in": "AUTO_IN", "manual-in": "MANUAL_IN"}

func (p *parser) parseGiven(source Source, words []token) error {
	if err := p.needPhase(words[0]); err != nil {
		return err
	}
	given := &Given{Source: source, Text: givenText(words[1:])}
	if len(words) < 2 {
		return p.fail(words[0].column, givenHint, "given is empty")
	}
	var err error
	if first := words[1].text; first == ">" || strings.HasPrefix(first, "+") {
		given.Steps, err = p.parsePlainGiven(source, words[1:])
	} else if given.Absent = absent(words[1:]); given.Absent == "" {
		given.Steps, err = p.expand(source, words[1:])
	}
	if err != nil {
		return err
	}
	p.phase.Givens = append(p.phase.Givens, given)
	return nil
}

// givenText is the canonical text of a given: its words, attributes in
// canonical form.
func givenText(words []token) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
		if path, text, ok := strings.Cut(w.text, "="); ok {
			if value, err := parseValue(text); err == nil {
				texts[i] = path + "=" + value.String()
			}
		}
	}
	return strings.Join(texts, " ")
}

// absent is who is not registered.
func absent(words []token) string {
	who := words[0].text
	if len(words) == 2 && words[1].text == "unregistered" && (who == media || who == report) {
		return who
	}
	return ""
}

// parsePlainGiven reads the forms that are a step already.
func (p *parser) parsePlainGiven(source Source, words []token) ([]Step, error) {
	if words[0].text != ">" {
		step, err := p.parseAdvance(source, words)
		return []Step{step}, err
	}
	if len(words) < 3 || !slices.Contains(senders, words[1].text) {
		return nil, p.fail(words[0].column, "write > WHO REQUEST path=value", "the line is not complete, or nobody can send it")
	}
	protocol := "im"
	if slices.Contains(routers, words[1].text) {
		protocol = "tlib"
	}
	step, err := p.parseRequest(source, words[1].text, words[2], protocol, words[3:])
	return []Step{step}, err
}

// expand turns the other forms into plain steps.
func (p *parser) expand(source Source, words []token) ([]Step, error) {
	text, ok := expansion(strings.Fields(givenText(words)))
	if !ok {
		return nil, p.fail(words[0].column, givenHint, "this given is unknown")
	}
	var steps []Step
	for line := range strings.SplitSeq(text, "\n") {
		tokens, _, bad := split(line)
		if bad != nil {
			return nil, p.fail(words[0].column, givenHint, "%s", bad.Message)
		}
		for i := range tokens {
			tokens[i].column = words[0].column
		}
		step, err := p.parseStep(source, tokens)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// expansion is what a given means, as lines of a phase. Expectations among
// them bind names; they need not be all that happens.
func expansion(w []string) (string, bool) {
	who := w[0]
	if !slices.Contains(senders, who) || len(w) < 2 {
		return "", false
	}
	isAgent := slices.Contains(agents, who)
	switch {
	case w[1] == "registered" && len(w) == 2:
		return registered(who), true
	case w[1] == "ready" && len(w) == 3 && isAgent:
		return loggedIn(who, w[2], true), true
	case workModes[w[1]] != "" && len(w) == 3 && isAgent:
		return loggedIn(who, w[2], true) + " work_mode=" + workModes[w[1]], true
	case w[1] == "logged-in" && len(w) == 3 && isAgent:
		return loggedIn(who, w[2], false), true
	case w[1] == "handles" && len(w) == 3 && isAgent:
		return handles(who, w[2], "inbound"), true
	case w[1] == "handles" && len(w) == 5 && w[3] == "from" && isAgent:
		return handles(who, w[2], w[4]), true
	case w[1] == "submitted" && len(w) == 3 && isAgent:
		return fmt.Sprintf("%s > ixn RequestSubmit im interaction_id=%s media_type=chat", who, w[2]), true
	case w[1] == "joins" && len(w) == 5 && w[3] == "with" && isAgent:
		return joins(who, w[2], w[4], "CONFERENCE"), true
	case w[1] == "joins" && len(w) == 7 && w[3] == "with" && w[5] == "as" && isAgent:
		return joins(who, w[2], w[4], w[6]), true
	}
	return "", false
}

func registered(who string) string {
	clientType, ok := clientTypes[who]
	if !ok {
		clientType = "AGENT_APPLICATION"
	}
	return fmt.Sprintf("%[1]s > ixn RequestRegisterClient im name=%[1]s client_type=%[2]s\n* %[1]s connects", who, clientType)
}

func loggedIn(who, mediaTypes string, ready bool) string {
	login := registered(who) + fmt.Sprintf("\n%s > ixn RequestAgentLogin im place=%s", who, places[who])
	for i, m := range strings.Split(mediaTypes, ",") {
		login += fmt.Sprintf(" media.%d.media_type=%s media.%d.ready=%t", i, m, i, ready)
	}
	return login
}

func handles(who, interaction, queue string) string {
	return fmt.Sprintf("media > ixn RequestSubmit im interaction_id=%[2]s queue=%[3]s media_type=chat\n"+
		"%[1]s > ixn RequestPull im queue=%[3]s", who, interaction, queue)
}

func joins(who, interaction, with, mode string) string {
	return fmt.Sprintf("%[3]s > ixn RequestConference im interaction_id=%[2]s agent_id=%[1]s visibility=%[4]s\n"+
		"ixn > report EventAgentInvited rpt interaction_id=%[2]s agent_id=%[1]s sequence=$given-%[1]s-%[2]s\n"+
		"%[1]s > ixn RequestAccept im ticket=$given-%[1]s-%[2]s", who, interaction, with, mode)
}
