package web_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	// A change of the server is to run the tests in the browser again.
	_ "github.com/usher-cc/usher/internal/server"
)

// TestBrowser runs what is tested in TypeScript: the types, the client, and the
// pages in a headless Chromium against the real binary. Where the tools for it
// are missing it is skipped, unless USHER_BROWSER=required.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	if missing := missingTools(); missing != "" {
		if os.Getenv("USHER_BROWSER") == "required" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	for _, folder := range []string{"src", "test", "../client/ts", "../examples/desktop"} {
		look(t, folder)
	}
	if err := npm(t, "run", "--silent", "check"); err != nil {
		t.Fatalf("npm run check: %v", err)
	}
	for _, workspace := range []string{"client/ts", "web"} {
		t.Run(workspace, func(t *testing.T) { testWorkspace(t, workspace) })
	}
}

// report is what vitest writes about a run.
type report struct {
	TestResults []struct {
		// Name is the path of the file.
		Name, Status, Message string
		AssertionResults      []struct {
			FullName, Status string
			FailureMessages  []string
		}
	}
}

// testWorkspace runs the tests of a workspace, and tells of each as of one of
// its own, so that the name of what failed is in Go's summary.
func testWorkspace(t *testing.T, workspace string) {
	written := filepath.Join(t.TempDir(), "report.json")
	ended := npm(t, "run", "--silent", "test", "--workspace", workspace, "--",
		"--reporter=default", "--reporter=json", "--outputFile.json="+written)
	data, err := os.ReadFile(written)
	if err != nil {
		t.Fatalf("npm run test: %v; %v", ended, err)
	}
	var told report
	if err := json.Unmarshal(data, &told); err != nil {
		t.Fatal(err)
	}
	for _, file := range told.TestResults {
		t.Run(filepath.Base(file.Name), func(t *testing.T) {
			for _, test := range file.AssertionResults {
				t.Run(test.FullName, func(t *testing.T) {
					if test.Status != "passed" {
						t.Errorf("%s\n%s", test.Status, strings.Join(test.FailureMessages, "\n"))
					}
				})
			}
			if file.Status != "passed" && !t.Failed() {
				t.Errorf("%s\n%s", file.Status, file.Message)
			}
		})
	}
	if ended != nil && !t.Failed() {
		t.Errorf("npm run test: %v", ended)
	}
}

func npm(t *testing.T, arguments ...string) error {
	run := exec.CommandContext(t.Context(), "npm", arguments...)
	run.Dir = ".."
	run.Stdout, run.Stderr = os.Stdout, os.Stderr
	return run.Run()
}

// missingTools says what the tests need and is not there.
func missingTools() string {
	if _, err := os.Stat("../node_modules"); err != nil {
		return "there is no node_modules: run npm ci at the root of the repository"
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "there is no npm: install Node 20.19 or newer"
	}
	if os.Getenv("CHROMIUM") != "" {
		return ""
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		return "there is no chromium: install it, or name it in CHROMIUM"
	}
	return ""
}

// look looks at every file below a folder, so that the go command knows that
// the outcome depends on them.
func look(t *testing.T, folder string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.Name() == "artefacts" {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() {
			_, err = os.Stat(folder + "/" + name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
