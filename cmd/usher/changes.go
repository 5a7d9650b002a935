package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// How the difference between two configurations is printed.

// printChanges prints the difference, and what became of it.
func printChanges(w io.Writer, answer *usherv1.ApplyConfigurationResponse, dryRun bool) error {
	var b strings.Builder
	for _, change := range answer.GetChanges() {
		fmt.Fprintf(&b, "%s %s\n", changeSigns[change.GetKind()],
			strings.TrimSpace(strings.ReplaceAll(change.GetObject().GetKind(), "_", " ")+" "+change.GetObject().GetName()))
		for _, field := range change.GetFields() {
			for line := range strings.Lines(changedField(field)) {
				b.WriteString("    " + line)
			}
			b.WriteString("\n")
		}
	}
	switch n := len(answer.GetChanges()); {
	case n == 0:
		fmt.Fprintf(&b, "nothing differs from version %d\n", answer.GetVersion())
	case dryRun:
		fmt.Fprintf(&b, "%s, not applied\n", counted(n, "change"))
	default:
		fmt.Fprintf(&b, "%s applied, now version %d\n", counted(n, "change"), answer.GetVersion())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var changeSigns = map[usherv1.ChangeKind]string{
	usherv1.ChangeKind_CHANGE_KIND_ADDED:   "+",
	usherv1.ChangeKind_CHANGE_KIND_CHANGED: "~",
	usherv1.ChangeKind_CHANGE_KIND_REMOVED: "-",
}

// changedField is a field that differs, as the server says it; a text of
// several lines with the lines that differ.
func changedField(field string) string {
	name, values, _ := strings.Cut(field, ": ")
	from, rest, isText := quoted(values)
	rest, isChange := strings.CutPrefix(rest, " -> ")
	to, rest, isText2 := quoted(rest)
	if !isText || !isChange || !isText2 || rest != "" || !strings.Contains(from+to, "\n") {
		return field
	}
	// The first three lines name files.
	lines := bytes.SplitN(diff.Diff("from", ended(from), "to", ended(to)), []byte("\n"), 4)
	if len(lines) < 4 {
		return name + ": only the end of the last line"
	}
	var b strings.Builder
	b.WriteString(name + ":\n")
	for line := range strings.Lines(string(lines[3])) {
		b.WriteString("  " + line)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// quoted divides a text in quotes from what follows it.
func quoted(s string) (text, rest string, is bool) {
	prefix, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", s, false
	}
	text, err = strconv.Unquote(prefix)
	return text, s[len(prefix):], err == nil
}

// ended is a text with the end of its last line.
func ended(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(strings.TrimSuffix(text, "\n") + "\n")
}

// counted is a number with its noun; several is the noun of more than one, if
// an s does not make it.
func counted(n int, noun string, several ...string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case len(several) > 0:
		return fmt.Sprintf("%d %s", n, several[0])
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
