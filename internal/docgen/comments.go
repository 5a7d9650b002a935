package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoComments are the comments of the protos by full name: those of files by
// their path. Compiled protocols have none, so they are read from the sources;
// of finds what was missed.
type protoComments struct{ byName map[string]string }

// of gives the comment of something; without one there is no page.
func (c *protoComments) of(d protoreflect.Descriptor) (string, error) {
	key := string(d.FullName())
	if file, ok := d.(protoreflect.FileDescriptor); ok {
		key = file.Path()
	}
	text := c.byName[key]
	if text == "" {
		return "", fmt.Errorf("%s has no comment", key)
	}
	return text, nil
}

// readComments reads all protos of a folder.
func readComments(dir string) (*protoComments, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.proto"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no protos in %s: %w", dir, err)
	}
	c := &protoComments{byName: map[string]string{}}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s := scanner{comments: c, file: "usher/v1/" + filepath.Base(path)}
		if err := s.scan(text); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return c, nil
}

// The lines of a proto that name something, as buf formats them.
var (
	blockLine  = regexp.MustCompile(`^(message|enum|service|oneof|extend) ([\w.]+) \{(\})?$`)
	rpcLine    = regexp.MustCompile(`^rpc (\w+)\(.*\{$`)
	memberLine = regexp.MustCompile(`^(?:[\w.<>, ]+ )?(\w+) = \d+( \[.*\])?;$`)
)

// scanner walks through one proto line by line.
type scanner struct {
	comments *protoComments
	file     string
	scopes   []scope
	pending  []string // lines of the comment at work
}

// scope is a block that is open. Members are named below prefix.
type scope struct {
	kind   string
	prefix string
}

const packageName = "usher.v1"

func (s *scanner) scan(text []byte) error {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		if err := s.line(strings.TrimSpace(lines.Text())); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if len(s.scopes) > 0 {
		return fmt.Errorf("%s is not closed", s.scopes[len(s.scopes)-1].prefix)
	}
	return lines.Err()
}

func (s *scanner) line(line string) error {
	switch {
	case line == "":
		s.pending = nil // a comment of its own, about nothing
	case strings.HasPrefix(line, "//"):
		s.pending = append(s.pending, strings.TrimSpace(strings.TrimPrefix(line, "//")))
	case strings.HasPrefix(line, "syntax "):
		s.comments.byName[s.file] = s.take()
	case line == "}":
		if len(s.scopes) == 0 {
			return fmt.Errorf("nothing is open")
		}
		s.scopes = s.scopes[:len(s.scopes)-1]
	default:
		s.declaration(line)
	}
	return nil
}

func (s *scanner) take() string {
	text := strings.Join(s.pending, " ")
	s.pending = nil
	return text
}

func (s *scanner) declaration(line string) {
	if m := blockLine.FindStringSubmatch(line); m != nil {
		name := s.name(m[2])
		s.comments.byName[name] = s.take()
		opened := scope{kind: m[1], prefix: name}
		if m[1] == "oneof" || m[1] == "extend" || m[1] == "enum" {
			opened.prefix = s.prefix() // its members are named beside it
		}
		if m[3] == "" {
			s.scopes = append(s.scopes, opened)
		}
		return
	}
	if m := rpcLine.FindStringSubmatch(line); m != nil {
		name := s.name(m[1])
		s.comments.byName[name] = s.take()
		s.scopes = append(s.scopes, scope{kind: "rpc", prefix: name})
		return
	}
	if m := memberLine.FindStringSubmatch(line); m != nil {
		s.comments.byName[s.name(m[1])] = s.take()
	}
}

func (s *scanner) prefix() string {
	if len(s.scopes) == 0 {
		return packageName
	}
	return s.scopes[len(s.scopes)-1].prefix
}

func (s *scanner) name(short string) string { return s.prefix() + "." + short }
