// Package nearest finds what somebody meant who mistyped a name. It promises to
// stay silent rather than to propose a name that has little to do with it.
package nearest

import "strings"

// Hint is "; did you mean ...?" with the known name that is nearest to a wrong
// one, or empty if none is near.
func Hint(name string, known []string) string {
	best, least := "", len(name)/3+2
	for _, k := range known {
		if d := Distance(strings.ToLower(name), k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// Distance counts the characters to insert, delete or replace to make b of a.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
