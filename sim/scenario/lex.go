package scenario

import (
	"fmt"
	"strings"
)

// SyntaxError is a mistake in a scenario file.
type SyntaxError struct {
	File         string
	Line, Column int
	Message      string
	// Hint says how to put it right.
	Hint string
}

// Error is file:line:column: message; hint.
func (e *SyntaxError) Error() string {
	text := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// token is a word of a line.
type token struct {
	text   string
	column int
}

// split cuts a line into words and the comment at its end. Blanks and # in
// quotes belong to their word.
func split(line string) (words []token, comment string, err *SyntaxError) {
	for i := 0; i < len(line); {
		switch {
		case line[i] == ' ' || line[i] == '\t':
			i++
		case line[i] == '#':
			return words, strings.TrimSpace(line[i+1:]), nil
		default:
			end := wordEnd(line, i)
			if end < 0 {
				return nil, "", &SyntaxError{Column: i + 1, Message: "a quote is not closed", Hint: `close it with "`}
			}
			words = append(words, token{line[i:end], i + 1})
			i = end
		}
	}
	return words, "", nil
}

// wordEnd is where the word ends that begins at i; -1 if a quote is open.
func wordEnd(line string, i int) int {
	quoted := false
	for ; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t'):
			return i
		}
	}
	if quoted {
		return -1
	}
	return len(line)
}
