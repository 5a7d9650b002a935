package nearest

import "testing"

func TestHint(t *testing.T) {
	known := []string{"strategy", "name", "agent_group"}
	for name, want := range map[string]string{
		"stratgy":     "; did you mean strategy?",
		"Strategy":    "; did you mean strategy?",
		"agent-group": "; did you mean agent_group?",
		"nam":         "; did you mean name?",
		"colour":      "",
		"":            "",
	} {
		if got := Hint(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
