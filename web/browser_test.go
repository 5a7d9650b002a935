package web_test

import (
	"io/fs"
	"os"
	"os/exec"
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
	for _, script := range []string{"check", "test"} {
		run := exec.CommandContext(t.Context(), "npm", "run", "--silent", script)
		run.Dir = ".."
		run.Stdout, run.Stderr = os.Stdout, os.Stderr
		if err := run.Run(); err != nil {
			t.Fatalf("npm run %s: %v", script, err)
		}
	}
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
