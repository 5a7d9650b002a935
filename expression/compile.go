package expression

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/nearest"
)

// Compile compiles an expression, or says why it is refused.
func Compile(kind Kind, source string) (*Program, *Fault) {
	if len(source) > sourceBytes {
		return nil, &Fault{1, 1, fmt.Sprintf("the expression has %d bytes, at most %d", len(source), sourceBytes)}
	}
	if strings.TrimSpace(source) == "" {
		return nil, &Fault{1, 1, "the expression is empty"}
	}
	environment := environments[kind]()
	parsed, issues := environment.Parse(source)
	if issues.Err() != nil {
		return nil, firstOf(kind, issues)
	}
	if fault := refused(kind, parsed.NativeRep()); fault != nil {
		return nil, fault
	}
	checked, issues := environment.Check(parsed)
	if issues.Err() != nil {
		return nil, firstOf(kind, issues)
	}
	estimate, err := environment.EstimateCost(checked, typicalSizes{})
	if err != nil {
		return nil, &Fault{1, 1, err.Error()}
	}
	if estimate.Max > estimatedCost {
		return nil, &Fault{1, 1, fmt.Sprintf("the expression is too costly: up to %d for texts of %d characters, at most %d", estimate.Max, typicalSize, estimatedCost)}
	}
	program, err := environment.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CustomDecoratorV2(paidFirst), cel.CostTracking(trueCost{}), cel.CostLimit(evaluationCost))
	if err != nil {
		return nil, &Fault{1, 1, err.Error()}
	}
	return &Program{source: source, kind: kind, result: checked.OutputType(), program: program}, nil
}

// environments are what expressions of each kind are compiled in; each is
// built when it is first used, and never changed.
var environments = map[Kind]func() *cel.Env{
	OfInteraction: sync.OnceValue(func() *cel.Env { return environment(OfInteraction) }),
	OfAgent:       sync.OnceValue(func() *cel.Env { return environment(OfAgent) }),
	OfView:        sync.OnceValue(func() *cel.Env { return environment(OfView) }),
}

// ofTime are the functions of CEL that know times.
var ofTime = []string{
	"timestamp", "duration", "getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek",
	"getHours", "getMinutes", "getSeconds", "getMilliseconds",
}

// environment holds CEL's standard functions without those of time, and of
// its macros only has, so that every expression ends.
func environment(kind Kind) *cel.Env {
	registry, err := types.NewRegistry(&usherv1.InteractionProperties{})
	if err != nil {
		panic(err) // The type is ours.
	}
	standard := &env.LibrarySubset{IncludeMacros: []string{operators.Has}}
	for _, name := range ofTime {
		standard.ExcludeFunctions = append(standard.ExcludeFunctions, &env.Function{Name: name})
	}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(adapter{registry}),
		cel.CustomTypeProvider(provider{registry}),
		cel.StdLib(cel.StdLibSubset(standard)),
		cel.RegexProgramSizeLimit(regexInstructions),
		cel.ASTValidators(cel.ValidateRegexLiterals()),
	}
	for _, v := range variables[kind] {
		options = append(options, cel.Variable(v.name, v.is))
	}
	built, err := cel.NewCustomEnv(options...)
	if err != nil {
		panic(err) // The options are constants.
	}
	return built
}

// loops are the macros of CEL that look at every element.
var loops = []string{"all", "exists", "exists_one", "existsOne", "map", "filter", "transformList", "transformMap", "transformMapEntry", "sortBy"}

// instead is what to ask where an expression knows no time.
var instead = map[Kind]string{OfInteraction: "; ask for time-of-day in the vector, or for wait_s"}

// refused finds what CEL knows and we do not allow, before CEL complains of an
// unknown name.
func refused(kind Kind, parsed *ast.AST) *Fault {
	var first *Fault
	refuse := func(e ast.Expr, format string, args ...any) {
		if first == nil {
			at := parsed.SourceInfo().GetStartLocation(e.ID())
			first = &Fault{at.Line(), at.Column() + 1, fmt.Sprintf(format, args...)}
		}
	}
	ast.PreOrderVisit(parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.StructKind:
			refuse(e, "an expression makes no messages; a map is written {\"key\": value}")
		case ast.CallKind:
			call := e.AsCall()
			switch name, args := call.FunctionName(), call.Args(); {
			case name == "now" || slices.Contains(ofTime, name):
				refuse(e, "%s is not available: an expression knows no clock and no dates%s", name, instead[kind])
			case call.IsMemberFunction() && slices.Contains(loops, name):
				refuse(e, "%s is not available: an expression has no loops; \"in\" asks whether a list has an element", name)
			case name == "matches" && len(args) > 0 && args[len(args)-1].Kind() != ast.LiteralKind:
				refuse(e, "the pattern of matches is to be written in quotes")
			}
		}
	}))
	return first
}

// What CEL says of names that it does not know.
var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefined  = regexp.MustCompile(`^undefined field '([^']*)'`)
)

// firstOf is the first that CEL complains of, in our words where it is about
// a name; what else a parser could have read there says nothing to people.
func firstOf(kind Kind, issues *cel.Issues) *Fault {
	first := issues.Errors()[0]
	message, _, _ := strings.Cut(first.Message, " expecting ")
	message = strings.ReplaceAll(message, "'<EOF>'", "the end of the expression")
	fault := &Fault{max(first.Location.Line(), 1), max(first.Location.Column(), 0) + 1, message}
	if m := undeclared.FindStringSubmatch(first.Message); m != nil {
		known := names(kind)
		if kind == OfView && slices.Contains(names(OfInteraction), m[1]) {
			fault.Message = fmt.Sprintf("%s is known only inside a vector; the condition of a view knows %s", m[1], strings.Join(known, ", "))
		} else {
			fault.Message = fmt.Sprintf("unknown name %q%s (there are %s)", m[1], nearest.Hint(m[1], known), strings.Join(known, ", "))
		}
	} else if m := undefined.FindStringSubmatch(first.Message); m != nil {
		fault.Message = fmt.Sprintf("unknown property %q%s", m[1], nearest.Hint(m[1], properties()))
	}
	return fault
}

// names are the variables that a kind of expression knows.
func names(kind Kind) []string {
	var known []string
	for _, v := range variables[kind] {
		known = append(known, v.name)
	}
	return known
}

// properties are the names of an interaction's properties.
func properties() []string {
	var names []string
	fields := (&usherv1.InteractionProperties{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		names = append(names, string(fields.Get(i).Name()))
	}
	return names
}
