package vector

import (
	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// token is a word of a line; its Pos.Line is 0 where an optional one is
// missing.
type token = lexer.Token

// tokens are the words of a line. A Source is all that is left of it, since
// an expression has words of its own.
var tokens = lexer.MustStateful(lexer.Rules{
	"Root": {
		{Name: "Number", Pattern: `[0-9]+\b`, Action: lexer.Push("Begin")},
		lexer.Include("Begin"),
	},
	"Begin": {
		{Name: "space", Pattern: space},
		{Name: "Set", Pattern: `(?i:set)(?:` + space + `|$)`, Action: lexer.Push("Assign")},
		{Name: "Word", Pattern: word, Action: lexer.Push("Step")},
		lexer.Include("Step"),
	},
	"Assign": {
		{Name: "space", Pattern: space},
		{Name: "Word", Pattern: word},
		{Name: "Assignment", Pattern: `=`, Action: lexer.Push("Rest")},
		{Name: "Other", Pattern: other},
	},
	"Step": {
		{Name: "space", Pattern: space},
		{Name: "IfExpression", Pattern: `(?i:if)` + space + `(?i:expression)(?:` + space + `|$)`, Action: lexer.Push("Rest")},
		{Name: "Word", Pattern: word},
		{Name: "String", Pattern: `"(?:\\.|[^"\\])*"`},
		{Name: "Raw", Pattern: "`[^`]*`"},
		{Name: "Compare", Pattern: `<=|>=|<>|!=|==|<|>|=`},
		{Name: "Other", Pattern: other},
	},
	"Rest": {
		{Name: "space", Pattern: space},
		{Name: "Source", Pattern: `.+`},
	},
})

// kinds are the types of tokens by their names.
var kinds = tokens.Symbols()

// Patterns of tokens. A word holds what plain allows.
const (
	space = `[\s\v\x{85}\pZ]+`
	word  = `[\pL\pM\pN._@+*/:%&-]+`
	other = `.`
)

// The grammars of the first line and of the others. The first word of every
// choice decides, so that a wrong word is found where it is.
var (
	headers = participle.MustBuild[headerLine](participle.Lexer(tokens), participle.CaseInsensitive("Word"))
	lines   = participle.MustBuild[stepLine](
		participle.Lexer(tokens), participle.CaseInsensitive("Word"), participle.UseLookahead(0),
		participle.Union[stepNode](
			queueToNode{}, checkNode{}, gotoNode{}, returnNode{}, waitTimeNode{}, announceNode{}, collectNode{},
			routeToNode{}, adjunctNode{}, converseOnNode{}, messagingNode{}, considerNode{}, setNode{}, callServiceNode{}, busyNode{},
			disconnectNode{}, stopNode{},
		),
		participle.Union[conditionNode](
			unconditionallyNode{}, placeConditionNode{}, interflowNode{}, dialledNode{}, timeOfDayNode{}, scheduleNode{}, variableNode{},
		),
	)
)

// stepNode and conditionNode are what a line reads as, before its names and
// numbers are looked at.
type (
	stepNode interface {
		action(r *reader) Action
	}
	conditionNode interface {
		// condition is inside a step that names a place, or none.
		condition(r *reader, own ranked) Condition
	}
)

type headerLine struct {
	Name  token `parser:"'vector' @(Word | String)"`
	Title token `parser:"@String?"`
}

type stepLine struct {
	Number token `parser:"@Number?"`
	Body   body  `parser:"@@"`
}

type body struct {
	Pos  lexer.Position
	Step stepNode `parser:"@@"`
}

// Parts of steps.
type (
	placeNode struct {
		Kind token `parser:"@('skill' | 'target')"`
		Name token `parser:"@(Word | String)"`
	}
	rankedNode struct {
		Best     token     `parser:"( @'best' |"`
		Place    placeNode `parser:"  @@"`
		Priority token     `parser:"  'pri' @Word )"`
	}
	unitNode struct {
		Word token `parser:"@('secs' | 'sec' | 'seconds' | 'mins' | 'min' | 'minutes' | 'hrs' | 'hr' | 'hours')"`
	}
	spanNode struct {
		Number token    `parser:"@Word"`
		Unit   unitNode `parser:"@@"`
	}
	preferenceNode struct {
		LastAgent  token    `parser:"'preferring' ( @'last-agent' | 'agent' ("`
		Expression token    `parser:"  'expression' @(Raw | String)"`
		Agent      token    `parser:"| @(Word | String) ) ) 'for'"`
		For        spanNode `parser:"@@"`
	}
	ifNode struct {
		Condition  conditionNode `parser:"( 'if' @@ |"`
		Expression token         `parser:"  IfExpression @Source )"`
	}
)

// The steps, in the order of vector.go.
type (
	queueToNode struct {
		To         rankedNode      `parser:"'queue-to' @@"`
		Preferring *preferenceNode `parser:"@@?"`
	}
	checkNode struct {
		To rankedNode `parser:"'check' @@"`
		If ifNode     `parser:"@@"`
	}
	gotoNode struct {
		Step   token   `parser:"'goto' ( 'step' @Word |"`
		Vector token   `parser:"  'vector' @(Word | String)"`
		At     token   `parser:"  ( '@step' @Word )? )"`
		If     *ifNode `parser:"@@?"`
	}
	returnNode struct {
		Keyword token `parser:"@'return'"`
	}
	waitTimeNode struct {
		For     spanNode `parser:"'wait-time' @@"`
		Hearing token    `parser:"'hearing' @(Word | String)"`
	}
	announceNode struct {
		Source token `parser:"'announcement' @(Word | String)"`
	}
	collectNode struct {
		Digits token `parser:"'collect' @Word ('digits' | 'digit')"`
		After  token `parser:"( 'after' 'announcement' @(Word | String) )?"`
	}
	routeToNode struct {
		To    token   `parser:"'route-to' ( @'digits' | @('number' | 'queue' | 'vdn' | 'workbin' | 'agent')"`
		Name  token   `parser:"  @(Word | String)"`
		Owner token   `parser:"  ( 'of' @(Word | String) )? )"`
		Cov   token   `parser:"( 'with' 'cov' @('y' | 'n' | 'yes' | 'no') )?"`
		If    *ifNode `parser:"@@?"`
	}
	adjunctNode struct {
		Link token `parser:"'adjunct' 'routing' 'link' @(Word | String)"`
	}
	converseOnNode struct {
		Place    placeNode `parser:"'converse-on' @@"`
		Priority token     `parser:"'pri' @Word"`
		First    token     `parser:"( 'passing' @(Word | String)"`
		Second   token     `parser:"  ( 'and' @(Word | String) )? )?"`
	}
	messagingNode struct {
		Place placeNode `parser:"'messaging' @@"`
		For   token     `parser:"'for' @(Word | String)"`
	}
	considerNode struct {
		Place    placeNode `parser:"'consider' @@"`
		Priority token     `parser:"'pri' @Word"`
		AdjustBy token     `parser:"( 'adjust-by' @Word )?"`
	}
	setNode struct {
		Variable token `parser:"Set @Word"`
		To       token `parser:"Assignment @Source"`
	}
	callServiceNode struct {
		Type    token    `parser:"'call-service' ( 'type' @(Word | String)"`
		Service token    `parser:"| @(Word | String) )"`
		Method  token    `parser:"'method' @(Word | String)"`
		With    token    `parser:"( 'with' @(Raw | String) )?"`
		Within  spanNode `parser:"'within' @@"`
	}
	busyNode struct {
		Keyword token `parser:"@'busy'"`
	}
	disconnectNode struct {
		Keyword token `parser:"@'disconnect'"`
		After   token `parser:"( 'after' 'announcement' @(Word | String) )?"`
	}
	stopNode struct {
		Keyword token `parser:"@'stop'"`
	}
)

// The conditions, but for `if expression`, which an ifNode is.
type (
	unconditionallyNode struct {
		Keyword token `parser:"@'unconditionally'"`
	}
	placeConditionNode struct {
		Subject token      `parser:"@('available-agents' | 'staffed-agents' | 'calls-queued' | 'oldest-call-wait' | 'rolling-asa' | 'counted-calls' | 'expected-wait' | 'wait-improved')"`
		Asked   *askedNode `parser:"( ('in' | 'for' | 'to') @@ )?"`
		Compare token      `parser:"@Compare"`
		Number  token      `parser:"@Word"`
		Unit    unitNode   `parser:"@@?"`
	}
	askedNode struct {
		Tokens   []token
		Place    *placeNode `parser:"  @@"`
		Priority token      `parser:"  ( 'pri' @Word )?"`
		Vdn      token      `parser:"| 'vdn' @(Word | String)"`
		Word     token      `parser:"| @('call' | 'best')"`
	}
	interflowNode struct {
		Keyword token `parser:"@'interflow-qpos'"`
		Compare token `parser:"@Compare"`
		Number  token `parser:"@Word"`
	}
	dialledNode struct {
		Subject token `parser:"@('digits' | 'ani') ("`
		Compare token `parser:"  @Compare"`
		Text    token `parser:"  @(Word | String) |"`
		In      token `parser:"  @('in' | 'not-in') 'table'"`
		Table   token `parser:"  @(Word | String) )"`
	}
	timeOfDayNode struct {
		Keyword token `parser:"@'time-of-day' 'is'"`
		Not     token `parser:"@'not'?"`
		FromDay token `parser:"@Word"`
		From    token `parser:"@Word 'to'"`
		ToDay   token `parser:"@Word"`
		To      token `parser:"@Word"`
	}
	scheduleNode struct {
		Subject token `parser:"@('holiday' | 'service-hours')"`
		In      token `parser:"@('in' | 'not-in') 'table'"`
		Table   token `parser:"@(Word | String)"`
	}
	variableNode struct {
		Keyword  token `parser:"@'variable'"`
		Variable token `parser:"@Word"`
		Compare  token `parser:"@Compare"`
		Text     token `parser:"@(Word | String)"`
	}
)

// form is how a step or a condition is written.
type form struct{ keyword, text string }

// What is shown to somebody who has written one wrongly.
var (
	headerForms = []form{{"vector", `vector NAME "Title"`}}
	stepForms   = []form{
		{"queue-to", "queue-to skill S|1st|2nd|3rd pri l|m|h|t [preferring last-agent|agent A for N secs]"},
		{"queue-to", "queue-to target T pri l|m|h|t"},
		{"queue-to", "queue-to best"},
		{"check", "check skill S pri l|m|h|t if COND"},
		{"goto", "goto step N if COND"},
		{"goto", "goto vector V [@step N] if COND"},
		{"return", "return"},
		{"wait-time", "wait-time T secs|mins|hrs hearing silence|ringback|music|SOURCE"},
		{"announcement", "announcement A"},
		{"collect", "collect N digits after announcement A|none"},
		{"route-to", "route-to number X|digits|queue Q|vdn V|workbin W [of OWNER]|agent A [with cov y|n] [if COND]"},
		{"adjunct", "adjunct routing link L"},
		{"converse-on", "converse-on skill S pri l|m|h|t passing A and B"},
		{"messaging", "messaging skill S for M"},
		{"consider", "consider skill S pri l|m|h|t adjust-by N"},
		{"set", "set VAR = EXPR"},
		{"call-service", "call-service S|type T method M [with `EXPR`] within N secs"},
		{"busy", "busy"},
		{"disconnect", "disconnect after announcement A|none"},
		{"stop", "stop"},
	}
	conditionForms = []form{
		{"unconditionally", "unconditionally"},
		{"available-agents", "available-agents in skill S > N"},
		{"staffed-agents", "staffed-agents in skill S > N"},
		{"calls-queued", "calls-queued in skill S pri l|m|h|t > N"},
		{"oldest-call-wait", "oldest-call-wait in skill S pri l|m|h|t > N secs"},
		{"rolling-asa", "rolling-asa for skill S|vdn V|vdn active <= N"},
		{"counted-calls", "counted-calls to vdn V|active <= N"},
		{"expected-wait", "expected-wait for skill S pri l|m|h|t < N"},
		{"expected-wait", "expected-wait for call|best < N"},
		{"wait-improved", "wait-improved for skill S pri l|m|h|t > N"},
		{"wait-improved", "wait-improved for best > N"},
		{"interflow-qpos", "interflow-qpos < N"},
		{"digits", "digits = X"},
		{"digits", "digits in|not-in table T"},
		{"ani", "ani = X"},
		{"ani", "ani in|not-in table T"},
		{"time-of-day", "time-of-day is [not] all|mon|tue|wed|thu|fri|sat|sun HH:MM to all|mon|tue|wed|thu|fri|sat|sun HH:MM"},
		{"holiday", "holiday in|not-in table H"},
		{"service-hours", "service-hours in|not-in table T"},
		{"variable", "variable VAR =|<>|<|<=|>|>= X"},
		{"expression", "expression EXPR"},
	}
)

// placeSubject is a subject that asks about a place or a VDN, and what its
// condition may name.
type placeSubject struct {
	subject Subject
	word    string
	// link goes before the place.
	link string
	// place and vdn are what it asks about; its place has a priority if
	// priority; call and best stand for one.
	place, priority, vdn, call, best bool
	// unit is what a number of seconds is written with.
	unit string
	// seconds: the number is a time.
	seconds bool
}

var placeSubjects = []placeSubject{
	{subject: AvailableAgents, word: "available-agents", link: "in", place: true},
	{subject: StaffedAgents, word: "staffed-agents", link: "in", place: true},
	{subject: CallsQueued, word: "calls-queued", link: "in", place: true, priority: true},
	{subject: OldestCallWait, word: "oldest-call-wait", link: "in", place: true, priority: true, seconds: true, unit: " secs"},
	{subject: RollingASA, word: "rolling-asa", link: "for", place: true, vdn: true, seconds: true},
	{subject: CountedCalls, word: "counted-calls", link: "to", vdn: true},
	{subject: ExpectedWait, word: "expected-wait", link: "for", place: true, priority: true, call: true, best: true, seconds: true},
	{subject: WaitImproved, word: "wait-improved", link: "for", place: true, priority: true, best: true, seconds: true},
}
