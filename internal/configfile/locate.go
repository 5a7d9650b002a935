package configfile

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/usher-cc/usher/internal/yamlfile"
)

// mention finds an object that a sentence of the server names, and the field
// of it that follows or goes before:
//
//	queue "inbound": strategy ...
//	agent_group "sales" is in use: agent_group of queue "inbound" has it
var mention = regexp.MustCompile(`(?:(\w+) of )?\b(media_type|place_group|place|agent_group|agent|queue|workbin) ("(?:[^"\\]|\\.)*")(?:: (\w+))?`)

// Locate finds the place that a sentence of the server is about: that of the
// first object in it that stands in the file.
func (p *Positions) Locate(sentence string) (yamlfile.Position, bool) {
	if rest, options := strings.CutPrefix(sentence, "options: "); options {
		field, _, _ := strings.Cut(rest, ":")
		return p.Field("options", "", field)
	}
	for _, m := range mention.FindAllStringSubmatch(sentence, -1) {
		name, err := strconv.Unquote(m[3])
		if err != nil {
			continue
		}
		if _, found := p.Object(m[2], name); found {
			return p.Field(m[2], name, m[1]+m[4])
		}
	}
	return yamlfile.Position{}, false
}
