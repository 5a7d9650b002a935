package build

import (
	"runtime/debug"
	"testing"
)

func TestFrom(t *testing.T) {
	got := from(&debug.BuildInfo{
		GoVersion: "go1.26.8",
		Main:      debug.Module{Version: "(devel)"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
		},
	})
	want := Info{Version: "devel", Revision: "abc+", Time: "2026-01-02T03:04:05Z", Go: "go1.26.8"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := from(&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}); got.Version != "v1.2.3" || got.Revision != "" {
		t.Errorf("a released module: %+v", got)
	}
}
