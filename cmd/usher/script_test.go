package main

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the scripts in testdata/script, with these commands besides
// those of testscript:
//
//	serve NAME ARGS...        start usher serve and wait until it serves; its
//	                          addresses and keys become environment variables;
//	                          with ! it must end by itself, with an error
//	terminate NAME            SIGTERM, and it must end with status 0
//	crash NAME                SIGKILL
//	log NAME                  make stdout and stderr those of the server
//	call METHOD KEY BODY      call a method with JSON; stdout is the answer;
//	                          with ! it must be refused
//	grab NAME REGEXP          set a variable to what the group matches in stderr
//	flip DIR TEXT             flip a bit of a text in the files of a folder
//
// EXAMPLES is the folder docs/examples.
func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../docs/examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Values[serversKey{}] = servers{}
			env.Vars = append(env.Vars, "HOME="+env.WorkDir, "EXAMPLES="+examples)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": scriptServe,
			"terminate": func(ts *testscript.TestScript, _ bool, args []string) {
				p := named(ts, args)
				ts.Check(p.stop())
			},
			"crash": func(ts *testscript.TestScript, _ bool, args []string) { named(ts, args).kill() },
			"log": func(ts *testscript.TestScript, _ bool, args []string) {
				p := named(ts, args)
				_, err := io.WriteString(ts.Stderr(), p.log())
				ts.Check(err)
				p.mu.Lock()
				defer p.mu.Unlock()
				_, err = ts.Stdout().Write(p.stdout.Bytes())
				ts.Check(err)
			},
			"call": scriptCall,
			"grab": func(ts *testscript.TestScript, _ bool, args []string) {
				m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stderr"))
				if m == nil {
					ts.Fatalf("stderr has no %s", args[1])
				}
				ts.Setenv(args[0], m[1])
			},
			"flip": scriptFlip,
		},
	})
}

// servers are those of a script, by name.
type servers map[string]*process

type serversKey struct{}

func named(ts *testscript.TestScript, args []string) *process {
	p := ts.Value(serversKey{}).(servers)[args[0]]
	if p == nil {
		ts.Fatalf("no server %s was started", args[0])
	}
	return p
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "USHER_DATA", "USHER_LISTEN", "USHER_LOG_FORMAT"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	p, err := startServe(ts.MkAbs("."), env, args[1:]...)
	ts.Check(err)
	ts.Defer(p.kill)
	ts.Value(serversKey{}).(servers)[args[0]] = p
	if p.serves() == neg {
		ts.Fatalf("usher serve: serving is %v\n%s", p.serves(), p.log())
	}
	if !neg {
		for name, value := range p.environment() {
			ts.Setenv(name, value)
		}
	}
}

func scriptCall(ts *testscript.TestScript, neg bool, args []string) {
	url := ts.Getenv("USHER_URL") + "/usher.v1." + args[0]
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(args[2]))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	if args[1] != "" {
		request.Header.Set("Authorization", "Bearer "+args[1])
	}
	answer, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(append(body, '\n'))
	ts.Check(err)
	if refused := answer.StatusCode != http.StatusOK; refused != neg {
		ts.Fatalf("%s: %s %s", args[0], answer.Status, body)
	}
}

// scriptFlip flips the lowest bit of the last occurrence of a text.
func scriptFlip(ts *testscript.TestScript, _ bool, args []string) {
	flipped := false
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || flipped {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		at := bytes.LastIndex(content, []byte(args[1]))
		if at < 0 {
			return nil
		}
		flipped = true
		content[at] ^= 1
		return os.WriteFile(path, content, 0o600)
	}))
	if !flipped {
		ts.Fatalf("%q is in no file of %s", args[1], args[0])
	}
}
