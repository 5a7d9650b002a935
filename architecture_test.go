// Package usher_test holds the architecture: what may import what, what has to
// be pure, how every package begins, how long a function may be, and that no
// secret has a way out. The rules are data; ARCHITECTURE.md says why.
package usher_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

const module = "github.com/usher-cc/usher"

// everything may be imported by those who put a server together.
const everything = "*"

// imports are our own packages that a package may import outside of its tests;
// a package which is not here may not exist. A name ending in /... stands for
// itself and what is below.
var imports = map[string][]string{
	"api/...": {"api/..."},

	// Pure: see pure.
	"estimate":   {"api/usher/v1"},
	"expression": {"api/usher/v1", "internal/nearest"},
	"vector":     {"api/usher/v1", "expression", "internal/nearest"},
	"engine":     {"api/usher/v1", "estimate", "expression", "vector", "zone"},
	"router":     {"api/usher/v1", "engine", "expression", "vector"},

	// A function of name and time, by the machine's zone database.
	"zone": {},

	// The contract knows nothing of what it keeps.
	"journal":                 {},
	"journal/internal/record": {"journal"},
	"journal/journaltest":     {"journal"},
	"journal/memory":          {"journal", "journal/internal/record"},
	"journal/pebble":          {"journal", "journal/internal/record"},

	// The single writer takes its router as an interface.
	"center": {"api/usher/v1", "engine", "journal"},

	// Folds of what the center reads from the journal, by an interface of its
	// own; edge has one for what people look at.
	"projection": {"api/usher/v1", "center", "engine", "zone"},

	// Center's types and its own interface Center; see onlyOver. Configurations
	// travel as YAML, too.
	"edge": {"api/...", "center", "engine", "internal/configfile"},

	// Center's types and its own interface Center, as edge.
	"media": {"api/usher/v1", "center", "engine"},

	// Pages are files.
	"web": {},

	// A client knows the protocols and nothing of the server.
	"client": {"api/..."},

	// What others build with the client.
	"examples/...": {"api/...", "client"},

	"scenarios":    {},
	"sim/scenario": {"api/usher/v1", "internal/nearest"},
	"sim/...":      {everything},

	"internal/build":      {},
	"internal/nearest":    {},
	"internal/yamlfile":   {},
	"internal/settings":   {"internal/nearest", "internal/yamlfile"},
	"internal/configfile": {"api/usher/v1", "internal/nearest", "internal/yamlfile"},
	"internal/docgen":     {"api/usher/v1", "edge", "engine", "scenarios", "sim/scenario"},
	"internal/server":     {everything},
	"internal/demo":       {everything},
	"internal/bench":      {everything},
	"cmd/usher":           {everything},
}

// above may import everything, and so nothing but they themselves may import
// them: else everything would be reachable from everywhere.
var above = []string{"internal/server", "internal/demo", "internal/bench", "sim/...", "cmd/usher"}

// belowAbove are exceptions: sim/scenario reads and draws, and imports little.
var belowAbove = []string{"sim/scenario"}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := p.name()
		allowed, known := rule(name)
		if !known {
			t.Errorf("%s is not in the import table: say there what it may import", name)
			continue
		}
		for _, path := range p.Imports {
			imported, ours := strings.CutPrefix(path, module+"/")
			if !ours {
				continue
			}
			if !matchesAny(allowed, imported) {
				t.Errorf("%s may not import %s", name, imported)
			}
			if matchesAny(above, imported) && !matchesAny(belowAbove, imported) && !matchesAny(above, name) {
				t.Errorf("%s imports %s, which stands above all", name, imported)
			}
		}
	}
}

// rule is what a package may import: the rule with its name, or else the
// longest that is above it.
func rule(name string) (allowed []string, known bool) {
	if allowed, known = imports[name]; known {
		return allowed, true
	}
	longest := ""
	for pattern := range imports {
		if matches(pattern, name) && len(pattern) > len(longest) {
			longest = pattern
		}
	}
	return imports[longest], longest != ""
}

func matches(pattern, name string) bool {
	if pattern == everything || pattern == name {
		return true
	}
	folder, below := strings.CutSuffix(pattern, "/...")
	return below && (name == folder || strings.HasPrefix(name, folder+"/"))
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name) })
}

// TestEdgeReachesCenterByItsInterface: edge uses the center's types, but the
// center itself only in the file that makes an edge.Center of it.
func TestEdgeReachesCenterByItsInterface(t *testing.T) {
	for _, p := range packages(t) {
		if p.name() != "edge" {
			continue
		}
		for _, name := range p.GoFiles {
			f := parse(t, filepath.Join(p.Dir, name))
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				of, ok := s.X.(*ast.Ident)
				if ok && of.Name == "center" && (s.Sel.Name == "Center" || s.Sel.Name == "Open") && name != "center.go" {
					t.Errorf("%s: center.%s; use the interface Center", f.set.Position(s.Pos()), s.Sel.Name)
				}
				return true
			})
		}
	}
}

// pure are the packages that decide: functions of their input, which give the
// same on every machine and on every replay.
var pure = map[string]bool{"engine": true, "estimate": true, "expression": true, "router": true, "vector": true}

// pureImports are all that a pure package may import of the standard library
// and of others: nothing that knows the time, chance, the system or other
// goroutines.
var pureImports = []string{
	"cmp", "container/heap", "encoding/binary", "errors", "fmt", "iter", "maps", "math", "math/bits", "slices", "sort", "strconv", "strings",
	"unicode", "unicode/utf8",
	"github.com/google/btree",
	"google.golang.org/protobuf/encoding/protowire",
	"google.golang.org/protobuf/proto",
	"google.golang.org/protobuf/reflect/protoreflect",
	"google.golang.org/protobuf/types/known/structpb",
}

// pureLibraries are what single pure packages may import besides: libraries
// that are functions of their input, too. sync is for what is built once.
var pureLibraries = map[string][]string{
	"expression": {
		"cel.dev/cel-go/cel", "cel.dev/cel-go/common/ast", "cel.dev/cel-go/common/cost", "cel.dev/cel-go/common/env",
		"cel.dev/cel-go/common/operators", "cel.dev/cel-go/common/types", "cel.dev/cel-go/common/types/ref",
		"cel.dev/cel-go/common/types/traits", "cel.dev/cel-go/interpreter", "regexp", "sync",
	},
	"vector": {"github.com/alecthomas/participle/v2", "github.com/alecthomas/participle/v2/lexer"},
}

// pureNames are functions of those packages that print or read all the same.
var pureNames = regexp.MustCompile(`^fmt\.(Print|Fprint|Scan|Fscan|Sscan)`)

// mapRanges are the functions of pure packages that walk through a map, and
// why the order does not show.
var mapRanges = map[string]string{
	"engine.Engine.exportServiceRequests": "sorts the ids it gathers",
	"engine.Engine.exportServices":        "sorts what it gathers",
	"engine.Engine.exportSubscriptions":   "sorts the keys it gathers",
	"engine.Engine.exportVectors":         "sorts what it gathers",
	"engine.Engine.foldLogout":            "takes one agent out of each; none looks at another",
	"engine.Engine.sortedClients":         "sorts what it gathers",
	"engine.Load":                         "sorts something in each agent; none looks at another",
	"engine.kindOf.differing":             "sorts the names it gathers",
	"engine.mergedData":                   "copies a map into a map",
	"engine.sortedKeys":                   "sorts the keys it gathers",
}

func TestPurity(t *testing.T) {
	unused := maps.Clone(mapRanges)
	for _, p := range packages(t) {
		if !pure[p.name()] {
			continue
		}
		for _, path := range p.Imports {
			if !strings.HasPrefix(path, module+"/") && !slices.Contains(pureImports, path) && !slices.Contains(pureLibraries[p.name()], path) {
				t.Errorf("%s may not import %s: it is pure", p.name(), path)
			}
		}
		checkPurity(t, p, unused)
	}
	for name := range unused {
		t.Errorf("%s walks through no map any more: take it out of mapRanges", name)
	}
}

func checkPurity(t *testing.T, p *goPackage, unused map[string]string) {
	files, info, set := typeCheck(t, p)
	for _, f := range files {
		for _, d := range f.Decls {
			name := p.name() + "." + declared(d)
			sorted := map[ast.Node]bool{}
			ast.Inspect(d, func(n ast.Node) bool {
				if call, is := n.(*ast.CallExpr); is && sorts(call) {
					sorted[call.Args[0]] = true
				}
				if what := impure(info, n); what == "map" && !sorted[n] {
					delete(unused, name)
					if mapRanges[name] == "" {
						t.Errorf("%s: %s walks through a map: sort the keys, or say in mapRanges why the order does not show", set.Position(n.Pos()), name)
					}
				} else if what != "" && what != "map" {
					t.Errorf("%s: %s in a pure package", set.Position(n.Pos()), what)
				}
				return true
			})
		}
	}
}

// impure names what is wrong with a piece of a pure package: "map" if it walks
// through one.
func impure(info *types.Info, n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a go statement"
	case *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
		return "a channel"
	case *ast.SelectorExpr:
		if name := types.ExprString(n); pureNames.MatchString(name) {
			return name
		}
	case *ast.RangeStmt:
		if _, is := info.TypeOf(n.X).Underlying().(*types.Map); is {
			return "map"
		}
	case *ast.CallExpr:
		if walks(n) {
			return "map"
		}
	}
	return ""
}

// walks tells whether a call gives the elements of a map, in any order.
func walks(call *ast.CallExpr) bool {
	return slices.Contains([]string{"maps.Keys", "maps.Values", "maps.All"}, types.ExprString(call.Fun))
}

// sorts tells whether a call puts what it is given in one order.
func sorts(call *ast.CallExpr) bool {
	return slices.Contains([]string{"slices.Sorted", "slices.SortedFunc"}, types.ExprString(call.Fun))
}

// goPackage is what go list tells.
type goPackage struct {
	ImportPath string
	Dir        string
	Export     string
	GoFiles    []string
	Imports    []string
	Module     *struct{ Path string }
}

func (p *goPackage) name() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// packages are our packages that have more than tests.
func packages(t *testing.T) []*goPackage {
	t.Helper()
	all, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(all), func(p *goPackage) bool { return len(p.GoFiles) == 0 })
}

var listed = sync.OnceValues(func() ([]*goPackage, error) { return list("./...") })

// list asks the go command, which is there wherever the tests run.
func list(args ...string) ([]*goPackage, error) {
	command := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Export,GoFiles,Imports,Module"}, args...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", command, err, &stderr)
	}
	var all []*goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &goPackage{}
		if err := decoder.Decode(p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// typeCheck checks a package with the compiler's export data of all others.
func typeCheck(t *testing.T, p *goPackage) ([]*ast.File, *types.Info, *token.FileSet) {
	t.Helper()
	deps, err := list("-deps", "-export", p.ImportPath)
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for _, d := range deps {
		exports[d.ImportPath] = d.Export
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	if _, err := config.Check(p.ImportPath, set, files, info); err != nil {
		t.Fatal(err)
	}
	return files, info, set
}

// declared is the name of a function, with its receiver's, or what else is
// declared.
func declared(d ast.Decl) string {
	f, ok := d.(*ast.FuncDecl)
	if !ok {
		return "declaration"
	}
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	return types.ExprString(of) + "." + f.Name.Name
}

// TestPackagesBeginWithTheirPromise: every package says in at least a sentence
// what it is; those that more than one thing depends on say what they promise.
func TestPackagesBeginWithTheirPromise(t *testing.T) {
	for _, p := range packages(t) {
		if strings.HasPrefix(p.name(), "api/") {
			continue // generated; the protos say it
		}
		var comment string
		for _, name := range p.GoFiles {
			if f := parse(t, filepath.Join(p.Dir, name)); f.syntax.Doc != nil {
				comment += f.syntax.Doc.Text()
			}
		}
		begin := "Package " + filepath.Base(p.Dir) + " "
		if strings.HasPrefix(p.name(), "cmd/") || strings.HasPrefix(p.name(), "examples/") || p.name() == "internal/docgen" {
			begin = "Command " + filepath.Base(p.Dir) + " "
		}
		if !strings.HasPrefix(comment, begin) || !strings.Contains(comment, ".") {
			t.Errorf("%s: the package comment is to begin with %q and to be a sentence", p.name(), begin)
		}
	}
}

// functionLines is what fits a screen.
const functionLines = 70

func TestFunctionsFitAScreen(t *testing.T) {
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			f := parse(t, filepath.Join(p.Dir, name))
			if ast.IsGenerated(f.syntax) {
				continue
			}
			for _, d := range f.syntax.Decls {
				from, to := f.set.Position(d.Pos()), f.set.Position(d.End())
				if _, is := d.(*ast.FuncDecl); is && to.Line-from.Line+1 > functionLines {
					t.Errorf("%s: %s has %d lines, at most %d", from, declared(d), to.Line-from.Line+1, functionLines)
				}
			}
		}
	}
}

type file struct {
	set    *token.FileSet
	syntax *ast.File
}

func parse(t *testing.T, path string) file {
	t.Helper()
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file{set, syntax}
}

// secretNames are words that name a secret. notSecret are fields that have one
// in their name and hold none.
var (
	secretNames = regexp.MustCompile(`(^|_)(password|passphrase|secret|token|key|keys|credential|hash)(_|$)`)
	notSecret   = map[protoreflect.FullName]string{
		"usher.v1.SetUpResponse.api_key":                 "what the key is, without the key",
		"usher.v1.CreateApiKeyResponse.api_key":          "what the key is, without the key",
		"usher.v1.ApiKeyCreated.api_key":                 "what the key is, without the key",
		"usher.v1.ListApiKeysResponse.api_keys":          "what the keys are, without the keys",
		"usher.v1.StateSnapshot.api_keys":                "what the keys are, and hashes of 256 random bits",
		"usher.v1.ApiKeyCreated.key_hash":                "a hash of 256 random bits, in the journal only",
		"usher.v1.AgentSessionOpened.token_hash":         "a hash of 256 random bits, in the journal only",
		"usher.v1.AgentSessionClosed.token_hash":         "a hash of 256 random bits, in the journal only",
		"usher.v1.Cause.body_hash":                       "a hash of a request, secrets left out",
		"usher.v1.AnswerState.body_hash":                 "a hash of a request, secrets left out",
		"usher.v1.EventPropertiesChanged.deleted_keys":   "names of user data",
		"usher.v1.EventAttachedDataChanged.deleted_keys": "names of user data",
		"usher.v1.RequestChangeProperties.deleted_keys":  "names of user data",
		"usher.v1.RequestUpdateUserData.deleted_keys":    "names of user data",
		"usher.v1.Fact.api_key_created":                  "that a key was made, without the key",
		"usher.v1.Fact.api_key_revoked":                  "that a key was revoked, without the key",
	}
)

// TestSecretsAreMarked: a field that is named like a secret has the option
// secret, by which it is kept out of journal and logs, or stands in notSecret.
func TestSecretsAreMarked(t *testing.T) {
	unused := maps.Clone(notSecret)
	eachField(func(f protoreflect.FieldDescriptor) {
		secret, _ := proto.GetExtension(f.Options(), usherv1.E_Secret).(bool)
		if _, harmless := unused[f.FullName()]; harmless {
			delete(unused, f.FullName())
			if secret {
				t.Errorf("%s is marked as a secret and stands in notSecret", f.FullName())
			}
			return
		}
		if !secret && secretNames.MatchString(string(f.Name())) {
			t.Errorf("%s is named like a secret: mark it, or say in notSecret why it is none", f.FullName())
		}
	})
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		t.Errorf("there is no field %s", name)
	}
}

// eachField calls f with every field of our protocols.
func eachField(f func(protoreflect.FieldDescriptor)) {
	protoregistry.GlobalFiles.RangeFilesByPackage("usher.v1", func(file protoreflect.FileDescriptor) bool {
		for n := range file.Messages().Len() {
			fieldsOf(file.Messages().Get(n), f)
		}
		return true
	})
}

func fieldsOf(m protoreflect.MessageDescriptor, f func(protoreflect.FieldDescriptor)) {
	if m.IsMapEntry() {
		return // keys of a map
	}
	for n := range m.Fields().Len() {
		f(m.Fields().Get(n))
	}
	for n := range m.Messages().Len() {
		fieldsOf(m.Messages().Get(n), f)
	}
}

// TestLinks: the pages name each other by paths that exist.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	for _, path := range pages(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s leads to %s, which does not exist", path, m[1])
			}
		}
	}
}

// pages are all Markdown files.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir("docs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestArchitectureNamesWhatExists: the files and functions that
// ARCHITECTURE.md follows a message through are there.
func TestArchitectureNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	declares := map[string]bool{} // "engine/submit.go submit"
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			path := filepath.Join(p.name(), name)
			for _, d := range parse(t, filepath.Join(p.Dir, name)).syntax.Decls {
				whole := declared(d)
				_, method, _ := strings.Cut(whole, ".")
				declares[path+" "+whole], declares[path+" "+cmp.Or(method, whole)] = true, true
			}
		}
	}
	// [`Engine.submit`](engine/submit.go)
	named := regexp.MustCompile("\\[`([\\w.]+)`\\]\\(([\\w/]+\\.go)\\)").FindAllStringSubmatch(string(text), -1)
	if len(named) < 20 {
		t.Errorf("ARCHITECTURE.md names %d functions; it follows a message through them", len(named))
	}
	for _, m := range named {
		if !declares[m[2]+" "+m[1]] {
			t.Errorf("ARCHITECTURE.md names %s in %s, which is not there", m[1], m[2])
		}
	}
}
