package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test the command usher, too: whoever runs usher while a
// test runs has a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"usher": main})
}

// patience is how long something may take that takes a moment.
const patience = 30 * time.Second

// process is a running "usher serve".
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended and all its output is read
	ready  chan struct{} // closed when it serves and has printed its keys, if any

	mu             sync.Mutex
	stdout, stderr bytes.Buffer
	awaited        []string // texts that a ready server has still to print
}

var (
	serving  = regexp.MustCompile(`msg=serving url=(\S+) admin=(\S*)`)
	exported = regexp.MustCompile(`(?m)^export (\w+)=(.*)$`)
)

// startServe runs "usher serve" on any free ports, and waits until it serves or
// has ended.
func startServe(dir string, env []string, args ...string) (*process, error) {
	args = append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"}, args...)
	p := &process{cmd: exec.Command("usher", args...), exited: make(chan struct{}), ready: make(chan struct{})}
	p.awaited = []string{"msg=serving"}
	if slices.Contains(args, "--dev") {
		p.awaited = append(p.awaited, "USHER_REPORTING_KEY=")
	}
	p.cmd.Dir, p.cmd.Env = dir, env
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.read(stdout, stderr)
	select {
	case <-p.ready:
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
		return nil, fmt.Errorf("usher serve neither serves nor ends:\n%s", p.log())
	}
	return p, nil
}

// read takes the output in until the process has ended.
func (p *process) read(stdout, stderr io.Reader) {
	var readers sync.WaitGroup
	readers.Go(func() { p.lines(stdout, &p.stdout) })
	readers.Go(func() { p.lines(stderr, &p.stderr) })
	readers.Wait()
	_ = p.cmd.Wait() // cmd.ProcessState tells
	close(p.exited)
}

func (p *process) lines(from io.Reader, to *bytes.Buffer) {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.line(scanner.Text(), to)
	}
}

func (p *process) line(text string, to *bytes.Buffer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(to, text)
	before := len(p.awaited)
	p.awaited = slices.DeleteFunc(p.awaited, func(awaited string) bool { return strings.Contains(text, awaited) })
	if before > 0 && len(p.awaited) == 0 {
		close(p.ready)
	}
}

// log is what it has written to stderr.
func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// serves tells whether it got as far as serving.
func (p *process) serves() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// environment are the variables that a server for development prints, with the
// addresses of any server.
func (p *process) environment() map[string]string {
	m := serving.FindStringSubmatch(p.log())
	env := map[string]string{"USHER_URL": m[1], "USHER_ADMIN_URL": m[2]}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range exported.FindAllStringSubmatch(p.stdout.String(), -1) {
		env[e[1]] = e[2]
	}
	return env
}

// kill ends it as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop tells it to stop, and waits until it has.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.ended()
}

// ended waits until it has ended, with status 0.
func (p *process) ended() error {
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("usher serve does not stop:\n%s", p.log())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("usher serve ended with status %d:\n%s", code, p.log())
	}
	return nil
}

// eventually waits until something holds, asking again and again.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in %s: %s", patience, what)
		}
	}
}
