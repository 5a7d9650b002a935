// Package build tells what this binary was built from. It promises to take it
// from the binary itself, so that nobody has to remember a linker flag.
package build

import (
	"cmp"
	"runtime/debug"
	"strings"
)

// Info is what is known of the build.
type Info struct {
	Version  string `json:"version"`            // module version, or "devel"
	Revision string `json:"revision,omitempty"` // of the source, with + if it was changed
	Time     string `json:"time,omitempty"`     // of the revision
	Go       string `json:"go"`                 // the compiler's version
}

// Read gives the Info of this binary.
func Read() Info {
	read, ok := debug.ReadBuildInfo()
	if !ok {
		return Info{Version: "unknown"}
	}
	return from(read)
}

func from(read *debug.BuildInfo) Info {
	settings := map[string]string{}
	for _, s := range read.Settings {
		settings[s.Key] = s.Value
	}
	info := Info{
		Version: cmp.Or(strings.Trim(read.Main.Version, "()"), "devel"),
		Time:    settings["vcs.time"],
		Go:      read.GoVersion,
	}
	info.Revision = settings["vcs.revision"]
	if settings["vcs.modified"] == "true" {
		info.Revision += "+"
	}
	return info
}
