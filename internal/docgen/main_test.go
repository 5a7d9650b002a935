package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestPagesAreFresh: generating again changes nothing.
func TestPagesAreFresh(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what docgen writes (%v); run make generate", name, err)
		}
	}
	stale, err := stalePages(root, pages)
	if err != nil || len(stale) > 0 {
		t.Errorf("nothing makes %v any more (%v); run make generate", stale, err)
	}
}
