// Command docgen writes the pages of docs that are made from something else:
// the reference of the protocols and of what the journal holds from the
// protos, the table of errors from ErrorCode and the edge's table, and the
// diagrams of the golden scenarios from scenarios/*.seq.
//
// It promises that the pages say what the code says: it reads names, numbers,
// types and roles from the compiled protocols, refuses to write anything that
// has no comment, and a test fails when a page is not what it would write.
//
//	go run ./internal/docgen        writes the pages
//	go test ./internal/docgen       tells whether they are fresh
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	pages, err := generate(root)
	if err != nil {
		return err
	}
	stale, err := stalePages(root, pages)
	if err != nil {
		return err
	}
	for _, name := range stale {
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		if err := write(filepath.Join(root, name), pages[name]); err != nil {
			return err
		}
	}
	return nil
}

// moduleRoot is the folder with go.mod, at or above the present one.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("there is no go.mod here or above")
		}
		dir = parent
	}
}

// generate makes all pages, by their path below root.
func generate(root string) (map[string][]byte, error) {
	comments, err := readComments(filepath.Join(root, "api/usher/v1"))
	if err != nil {
		return nil, err
	}
	pages := map[string][]byte{}
	for _, add := range []func(*protoComments, map[string][]byte) error{
		addProtocol, addJournal, addErrors, addScenarios,
	} {
		if err := add(comments, pages); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// stalePages are the files beside generated ones that nothing makes any more.
func stalePages(root string, pages map[string][]byte) ([]string, error) {
	var stale []string
	found, err := fs.Glob(os.DirFS(root), scenarioFolder+"/*.md")
	for _, name := range found {
		if pages[name] == nil {
			stale = append(stale, name)
		}
	}
	return stale, err
}

// write writes a file unless it is as it should be.
func write(path string, content []byte) error {
	if present, err := os.ReadFile(path); err == nil && bytes.Equal(present, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
