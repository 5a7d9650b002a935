package server

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/usher-cc/usher/internal/build"
)

// Status is what a server tells an operator about itself, at /status of the
// address for operators.
type Status struct {
	Build           build.Info `json:"build"`
	Problem         string     `json:"problem,omitempty"` // why requests can't be served
	WallTimeMs      int64      `json:"wall_time_ms"`
	TimeMs          int64      `json:"time_ms"` // the server's time, which never goes back
	Durable         uint64     `json:"durable_sequence"`
	Snapshot        uint64     `json:"snapshot_sequence"`
	LowSpace        bool       `json:"low_space"`
	FreeBytes       uint64     `json:"journal_free_bytes"`
	LowSpaceBytes   uint64     `json:"journal_low_space_bytes"`
	WaitingForSetup bool       `json:"waiting_for_setup"`
}

// Status tells how the server fares.
func (s *Server) Status() Status {
	c := s.center.Status()
	status := Status{
		Build:           build.Read(),
		WallTimeMs:      time.Now().UnixMilli(),
		TimeMs:          c.TimeMs,
		Durable:         c.Durable,
		Snapshot:        c.SnapshotSequence,
		LowSpace:        c.LowSpace,
		FreeBytes:       c.Space.FreeBytes,
		LowSpaceBytes:   c.Space.LowBytes,
		WaitingForSetup: !s.hasKeys(),
	}
	if err := s.edge.Health(); err != nil {
		status.Problem = err.Error()
	}
	return status
}

// adminHandler is the edge's, and the status.
func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s.edge.AdminHandler())
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.Status())
	})
	return mux
}
