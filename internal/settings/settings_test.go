package settings

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// fill fills a set of flags from arguments, environment and file.
func fill(t *testing.T, arguments []string, environment map[string]string, file string) (*pflag.FlagSet, error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.String("listen", "default", "")
	flags.Duration("drain-timeout", time.Second, "")
	flags.Bool("insecure", false, "")
	flags.String(ConfigFlag, "", "")
	if file != "" {
		if err := os.WriteFile(filepath.Join(dir, "f.yaml"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, "--config", "f.yaml")
	}
	if err := flags.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	return flags, Fill(flags, "X_", func(name string) (string, bool) {
		text, found := environment[name]
		return text, found
	})
}

func TestPrecedence(t *testing.T) {
	flags := []string{"--listen=flag"}
	environment := map[string]string{"X_LISTEN": "environment", "X_OTHER": "ignored"}
	file := "listen: file\ninsecure: true\ndrain_timeout: 3s\n"
	for _, test := range []struct {
		flags       []string
		environment map[string]string
		file, want  string
	}{
		{flags, environment, file, "flag"},
		{nil, environment, file, "environment"},
		{nil, nil, file, "file"},
		{nil, nil, "", "default"},
	} {
		got, err := fill(t, test.flags, test.environment, test.file)
		if err != nil {
			t.Fatal(err)
		}
		if listen := got.Lookup("listen").Value.String(); listen != test.want {
			t.Errorf("listen is %q, want %q", listen, test.want)
		}
		if test.file != "" && (got.Lookup("insecure").Value.String() != "true" || got.Lookup("drain-timeout").Value.String() != "3s") {
			t.Error("the other keys of the file were passed over")
		}
	}
}

func TestWrong(t *testing.T) {
	for _, test := range []struct {
		environment map[string]string
		file, want  string
	}{
		{nil, "lisen: x\nlisten: [y]\ndrain_timeout: soon\ninsecure:\n", `f.yaml:1:1: unknown key "lisen"; did you mean listen?
f.yaml:2:9: listen: expected one value, found a list
f.yaml:3:16: drain_timeout: "soon" can't be used: time: invalid duration "soon"
f.yaml:4:10: insecure: expected one value, found nothing`},
		{nil, "config: other.yaml\n", `f.yaml:1:1: unknown key "config"`},
		{map[string]string{"X_INSECURE": "perhaps"}, "", `X_INSECURE: "perhaps" can't be used: strconv.ParseBool: parsing "perhaps": invalid syntax`},
		{map[string]string{"X_LISTEN": "ok"}, "- listen\n", `f.yaml:1:1: the settings: expected keys with values, found a list`},
	} {
		_, err := fill(t, nil, test.environment, test.file)
		if err == nil || err.Error() != test.want {
			t.Errorf("got\n%v\nwant\n%s", err, test.want)
		}
	}
}
