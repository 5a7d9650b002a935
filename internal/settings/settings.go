// Package settings fills in flags from the environment and from a file.
//
// It promises one rule for all of them: the flag --log-level is USHER_LOG_LEVEL
// in the environment and log_level in the file; a flag that is given wins over
// the environment, and the environment over the file. A key of the file that is
// no setting is an error with its line, as is a value that the flag refuses.
package settings

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/usher-cc/usher/internal/nearest"
	"github.com/usher-cc/usher/internal/yamlfile"
)

// ConfigFlag is the name of the flag that names the file.
const ConfigFlag = "config"

// Fill sets the flags that were not given. lookup is os.LookupEnv. Other
// variables with the prefix are none of its business: container platforms make
// some of their own from a service's name.
func Fill(flags *pflag.FlagSet, prefix string, lookup func(string) (string, bool)) error {
	var wrong []error
	set := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { set[f.Name] = true })
	flags.VisitAll(func(f *pflag.Flag) {
		name := prefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		text, found := lookup(name)
		if !found || set[f.Name] || f.Name == "help" {
			return
		}
		set[f.Name] = true
		if err := flags.Set(f.Name, text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %q can't be used: %w", name, text, reason(err)))
		}
	})
	if file := flags.Lookup(ConfigFlag); file != nil && file.Value.String() != "" {
		wrong = append(wrong, fillFrom(file.Value.String(), flags, set))
	}
	return errors.Join(wrong...)
}

func fillFrom(name string, flags *pflag.FlagSet, set map[string]bool) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	keys := map[string]string{} // flags by key
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != ConfigFlag && f.Name != "help" {
			key := strings.ReplaceAll(f.Name, "-", "_")
			keys[key] = f.Name
			names = append(names, key)
		}
	})
	slices.Sort(names)
	r := &yamlfile.Reader{File: name}
	root := r.Document(text)
	if root == nil {
		return r.Err()
	}
	r.Pairs(root, "the settings", func(key, value *yaml.Node) {
		flag, known := keys[key.Value]
		value = yamlfile.Resolved(value)
		switch {
		case !known:
			r.Fail(key, "unknown key %q%s", key.Value, nearest.Hint(key.Value, names))
		case value.Kind != yaml.ScalarNode || yamlfile.IsNull(value):
			r.Fail(value, "%s: expected one value, found %s", key.Value, yamlfile.Found(value))
		case set[flag]:
		default:
			if err := flags.Set(flag, value.Value); err != nil {
				r.Fail(value, "%s: %q can't be used: %v", key.Value, value.Value, reason(err))
			}
		}
	})
	return r.Err()
}

// reason is why a flag refused a value, without the flag's name and the value,
// which the file and the environment spell in another way.
func reason(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return invalid.Unwrap()
	}
	return err
}
