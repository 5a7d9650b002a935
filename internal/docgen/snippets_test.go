//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/usher-cc/usher/internal/configfile"
	"github.com/usher-cc/usher/vector"
)

// snippet is a fenced block of a page, with the comment that stands before it.
//
//	<!-- file: NAME -->                          the block is that file
//	<!-- run, prints TEXT -->                    the block is run, and prints that
//	<!-- run, fails and prints TEXT -->           its last command fails
//	<!-- run in another terminal, prints TEXT --> it goes on running meanwhile
//	<!-- run without a server, prints TEXT -->    the server has stopped before
//	<!-- settings -->                            YAML with settings of usher serve
type snippet struct {
	page, language, text string
	mark                 string
}

// mark is the comment before a block.
var mark = regexp.MustCompile(`^<!-- (.*) -->$`)

// snippets are the blocks of README and of all pages below docs.
func snippets(t *testing.T, root string) []snippet {
	t.Helper()
	pages := []string{"README.md"}
	err := fs.WalkDir(os.DirFS(root), "docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []snippet
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, snippetsOf(page, string(text))...)
	}
	return all
}

func snippetsOf(page, text string) []snippet {
	var all []snippet
	var before string
	var open *snippet
	for line := range strings.Lines(text) {
		fence, isFence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case isFence && open == nil:
			open = &snippet{page: page, language: fence}
			if m := mark.FindStringSubmatch(before); m != nil {
				open.mark = m[1]
			}
		case isFence:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line
		}
		before = strings.TrimRight(line, "\n")
	}
	return all
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestVectors: every vector in the pages can be read.
func TestVectors(t *testing.T) {
	read := 0
	for _, s := range snippets(t, root(t)) {
		if s.language != "vector" {
			continue
		}
		read++
		if parsed, problems := vector.Parse(s.text); parsed == nil || problems.Refused() {
			t.Errorf("%s: %v\n%s", s.page, problems, s.text)
		}
	}
	if read == 0 {
		t.Error("no page has a vector")
	}
}

// TestRoutingIsDescribed: the guide to routing has every step and every
// condition, as the language itself writes them.
func TestRoutingIsDescribed(t *testing.T) {
	dir := root(t)
	guide, err := os.ReadFile(filepath.Join(dir, "docs/guides/routing.md"))
	if err != nil {
		t.Fatal(err)
	}
	grammar, err := os.ReadFile(filepath.Join(dir, "vector/grammar.go"))
	if err != nil {
		t.Fatal(err)
	}
	forms := regexp.MustCompile(`(?m)^\t\t\{"([a-z-]+)", "`).FindAllSubmatch(grammar, -1)
	if len(forms) < 30 {
		t.Errorf("the language has %d forms of steps and conditions", len(forms))
	}
	for _, form := range forms {
		// A row of a table that begins with it.
		if !regexp.MustCompile("(?m)^\\| `" + string(form[1]) + "[ `]").Match(guide) {
			t.Errorf("docs/guides/routing.md has no row for %s", form[1])
		}
	}
}

// TestYAML: every configuration in the pages can be applied as it stands, and
// every setting is one of usher serve.
func TestYAML(t *testing.T) {
	dir := root(t)
	serve := sources(t, filepath.Join(dir, "cmd/usher"))
	for _, s := range snippets(t, dir) {
		switch {
		case s.language != "yaml":
		case s.mark == "settings":
			for _, m := range regexp.MustCompile(`(?m)^([a-z_]+):`).FindAllStringSubmatch(s.text, -1) {
				flag := strings.TrimPrefix(strings.ReplaceAll(m[1], "_", "-"), "limit-")
				if !bytes.Contains(serve, []byte(`"`+flag+`"`)) {
					t.Errorf("%s: usher serve has no setting %s", s.page, m[1])
				}
			}
		default:
			if _, _, err := configfile.Parse(s.page, []byte(s.text)); err != nil {
				t.Error(err)
			}
		}
	}
}

// sources are all Go files of a folder but the tests.
func sources(t *testing.T, dir string) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// TestPrograms: every program in the pages compiles.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles programs")
	}
	dir := root(t)
	for _, s := range snippets(t, dir) {
		if s.language != "go" {
			continue
		}
		path := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(path, []byte(s.text), 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.Command("go", "vet", path)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", s.page, err, out)
		}
		if formatted, err := exec.Command("gofmt", "-l", path).Output(); err != nil || len(formatted) > 0 {
			t.Errorf("%s: the program is not as gofmt writes it (%v)", s.page, err)
		}
	}
}

// TestShell: what README, quickstart and the guides to routing print to be
// typed works as printed, against the real binary.
func TestShell(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the binary")
	}
	for _, tool := range []string{"bash", "curl", "sed", "cat"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s here", tool)
		}
	}
	dir := root(t)
	bin := filepath.Join(t.TempDir(), "usher")
	build := exec.Command("go", "build", "-o", bin, "./cmd/usher")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all := snippets(t, dir)
	for _, page := range []string{"README.md", "docs/quickstart.md", "docs/guides/routing.md", "docs/guides/external-service.md", "docs/guides/first-chat.md", "docs/sessions.md", "docs/statistics.md"} {
		t.Run(page, func(t *testing.T) { runPage(t, bin, page, all) })
	}
}

// runPage follows a page in a folder of its own. What is typed in one terminal
// is one script, so that it knows the variables of what came before.
func runPage(t *testing.T, bin, page string, all []snippet) {
	dir := t.TempDir()
	stop := startServer(t, bin, dir)
	var typed string
	for _, s := range all {
		name, isFile := strings.CutPrefix(s.mark, "file: ")
		where, want, runs := cutRun(s.mark)
		switch {
		case s.page != page:
		case isFile:
			if err := os.WriteFile(filepath.Join(dir, name), []byte(s.text), 0o600); err != nil {
				t.Fatal(err)
			}
		case runs && where != "run in another terminal":
			if where == "run without a server" {
				stop()
			}
			typed += s.text
			out, failed := runScript(t, dir, s.text, typed)
			if failed != nil && where != "run, fails and" || failed == nil && where == "run, fails and" {
				t.Fatalf("%v:\n%s\n%s", failed, s.text, out)
			}
			if !strings.Contains(out, want) {
				t.Fatalf("prints no %s:\n%s\n%s", want, s.text, out)
			}
		case runs:
			out := listen(t, dir, s.text)
			defer out.want(t, want)
			out.want(t, "eventHeartbeat")
		}
	}
}

// cutRun takes a mark for a block that is run apart: where or how, and what it
// prints.
func cutRun(mark string) (where, want string, runs bool) {
	if where, want, runs = strings.Cut(mark, " prints "); runs {
		where = strings.TrimSuffix(where, ",")
	}
	return where, want, runs
}

// startServer starts the server that the page starts, at any port, with the
// data folder data. stop stops it; a second time does nothing.
func startServer(t *testing.T, bin, dir string) (stop func()) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(bin, filepath.Join(dir, "bin/usher")); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(bin, "serve", "--dev", "--data", "data", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-level", "error")
	server.Dir, server.Stderr = dir, t.Output()
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
	})
	t.Cleanup(stop)
	var env strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		env.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "USHER_REPORTING_KEY") { // the last line
			break
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/usher.env"), []byte(env.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return stop
}

// runScript runs a block after those before it, whose requests must not be
// sent again: only their variables and functions are taken over.
func runScript(t *testing.T, dir, block, typed string) (out string, failed error) {
	t.Helper()
	before := strings.TrimSuffix(typed, block)
	kept := regexp.MustCompile(`(?m)^(\. .*|\w+\(\) \{.*\}|TOKEN=.*)$`).FindAllString(before, -1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	script := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", strings.Join(kept, "\n")+"\n"+block)
	script.Dir = dir
	said, failed := script.CombinedOutput()
	return string(said), failed
}

// listener is a script in another terminal.
type listener struct {
	mu   sync.Mutex
	said bytes.Buffer
	more chan struct{} // it has said more, or has ended
}

func listen(t *testing.T, dir, block string) *listener {
	t.Helper()
	script := exec.Command("bash", "-euo", "pipefail", "-c", block)
	script.Dir = dir
	script.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end its children, too
	stdout, err := script.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	script.Stderr = t.Output()
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	l := &listener{more: make(chan struct{}, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(l, stdout)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-script.Process.Pid, syscall.SIGTERM)
		<-read
		_ = script.Wait()
	})
	return l
}

// Write implements io.Writer.
func (l *listener) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said.Write(b)
	select {
	case l.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

// want waits until it has said something.
func (l *listener) want(t *testing.T, text string) {
	t.Helper()
	patience := time.After(time.Minute)
	for {
		l.mu.Lock()
		said := l.said.String()
		l.mu.Unlock()
		if strings.Contains(said, text) {
			return
		}
		select {
		case <-l.more:
		case <-patience:
			t.Fatalf("the other terminal shows no %s:\n%s", text, said)
		}
	}
}

// TestSnippetMarks: a comment that is meant for these tests is one they know.
func TestSnippetMarks(t *testing.T) {
	known := regexp.MustCompile(`^(file: \S+|run(?: in another terminal| without a server)?, prints .+|run, fails and prints .+|settings|Generated .*)?$`)
	all := snippets(t, root(t))
	for _, s := range all {
		if !known.MatchString(s.mark) {
			t.Errorf("%s: nobody knows what %q means", s.page, s.mark)
		}
	}
	if !slices.ContainsFunc(all, func(s snippet) bool { return strings.HasPrefix(s.mark, "run, ") }) {
		t.Error("no page has anything to run")
	}
}

// TestMetricsAreDescribed: the guide for operators has every metric, and no
// other.
func TestMetricsAreDescribed(t *testing.T) {
	dir := root(t)
	guide, err := os.ReadFile(filepath.Join(dir, "docs/guides/operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := func(text []byte, pattern string) []string {
		var all []string
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
			all = append(all, string(m[1]))
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	want, got := names(sources(t, filepath.Join(dir, "edge")), `"(usher_\w+)"`), names(guide, "`(usher_\\w+)`")
	if !slices.Equal(got, want) {
		t.Errorf("the guide has the metrics\n%v\nthe server\n%v", got, want)
	}
}

// TestKeysAreDescribed: the guide to the windows has every key of the agent's
// window, and no other.
func TestKeysAreDescribed(t *testing.T) {
	dir := root(t)
	commands, err := os.ReadFile(filepath.Join(dir, "web/src/agent/commands.ts"))
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile(filepath.Join(dir, "docs/guides/windows.md"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, m := range regexp.MustCompile(`\{ id: "\w+", key: "(.)"`).FindAllSubmatch(commands, -1) {
		want = append(want, strings.ToUpper(string(m[1])))
	}
	_, keys, _ := strings.Cut(string(guide), "\n### Keys\n")
	keys, _, _ = strings.Cut(keys, "\n## ")
	for _, m := range regexp.MustCompile(`(?m)^\| (.+?) \| .+? \| (.+?) \| .+? \|$`).FindAllStringSubmatch(keys, -1) {
		for _, key := range append(strings.Split(m[1], ", "), m[2]) {
			if len(key) == 1 {
				got = append(got, key)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if want = slices.Compact(want); !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("the guide has the keys\n%v\nthe window\n%v", got, want)
	}
}
