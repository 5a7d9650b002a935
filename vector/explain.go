package vector

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/alecthomas/participle/v2"

	"github.com/usher-cc/usher/internal/nearest"
)

// explain says in the language's own words where a step departs from the
// grammar.
func (r *reader) explain(err error, code string) {
	at := stumbled(err)
	what, forms := "step", stepForms
	keyword, condition := keywords(code, at)
	if !isMissing(condition) {
		what, forms, keyword = "condition", conditionForms, condition
	}
	known := formsOf(forms, keyword.Value)
	switch {
	case at.EOF() && len(known) == 0:
		r.failAt(at.Pos, "", "the %s is missing", what)
	case at.Pos == keyword.Pos && len(known) == 0 && !isQuote(at):
		r.failAt(at.Pos, meant(at.Value, keywordsOf(forms)), "unknown %s %q", what, at.Value)
	default:
		r.unexpected(at, what, known)
	}
}

// explainHeader is explain for the first line.
func (r *reader) explainHeader(err error) {
	if at := stumbled(err); at.Pos.Offset == 0 {
		missingHeader(r)
	} else {
		r.unexpected(at, "first line", headerForms)
	}
}

func (r *reader) unexpected(at token, what string, known []form) {
	switch {
	case at.EOF():
		r.failAt(at.Pos, write(known), "the %s is not complete", what)
	case isQuote(at):
		r.failAt(at.Pos, "", "the closing %s is missing", at.Value)
	default:
		r.failAt(at.Pos, meantOrWrite(at.Value, known), "unexpected %q", at.Value)
	}
}

// stumbled is the word at which the grammar gave up. It gives no other
// errors: every line has words, as Other is a word too.
func stumbled(err error) token { return err.(*participle.UnexpectedTokenError).Unexpected }

func isMissing(t token) bool { return t.Pos.Line == 0 }

// isQuote finds a quotation mark without a second one.
func isQuote(t token) bool { return t.Value == `"` || t.Value == "`" }

// keywords are the keyword of the step in a line and that of its condition, as
// far as it reaches up to a word.
func keywords(code string, to token) (step, condition token) {
	words, _ := lines.Lex("", strings.NewReader(code)) // Every line has words.
	for i, t := range words {
		switch {
		case t.Pos.Offset > to.Pos.Offset:
			return step, condition
		case isMissing(step) && t.Type != kinds["Number"]:
			step = t
		case t.Type == kinds["IfExpression"]:
			condition = token{Value: "expression", Pos: t.Pos}
		case strings.EqualFold(t.Value, "if") && i+1 < len(words) && t.Pos.Offset < to.Pos.Offset:
			condition = words[i+1]
		}
	}
	return step, condition
}

func formsOf(forms []form, keyword string) []form {
	keyword = strings.ToLower(strings.TrimSpace(keyword))
	return slices.DeleteFunc(slices.Clone(forms), func(f form) bool { return f.keyword != keyword })
}

func keywordsOf(forms []form) []string {
	names := make([]string, len(forms))
	for i := range forms {
		names[i] = forms[i].keyword
	}
	return names
}

// meant is a hint at the known word which is nearest to a wrong one; in quotes,
// as the wrong one is.
func meant(word string, known []string) string {
	before, after, ok := strings.Cut(strings.TrimPrefix(nearest.Hint(word, known), "; "), "mean ")
	if !ok {
		return ""
	}
	return before + "mean " + strconv.Quote(strings.TrimSuffix(after, "?")) + "?"
}

// meantOrWrite hints at a word of the forms, or at the forms. One that stands
// there is in the wrong place, and those of one or two letters are near to
// everything.
func meantOrWrite(word string, forms []form) string {
	var words []string
	for _, f := range forms {
		words = append(words, strings.FieldsFunc(f.text, func(c rune) bool {
			return !unicode.IsLower(c) && !unicode.IsDigit(c) && c != '-' && c != '@'
		})...)
	}
	words = slices.DeleteFunc(words, func(w string) bool { return len(w) < 3 })
	if slices.Contains(words, strings.ToLower(word)) {
		return write(forms)
	}
	if hint := meant(word, words); hint != "" {
		return hint
	}
	return write(forms)
}

// write is a hint at how something is written.
func write(forms []form) string {
	texts := make([]string, len(forms))
	for i := range forms {
		texts[i] = forms[i].text
	}
	return "write: " + strings.Join(texts, ", or: ")
}
