package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/spf13/cobra"

	"github.com/usher-cc/usher/internal/build"
	"github.com/usher-cc/usher/internal/server"
	"github.com/usher-cc/usher/journal/pebble"
)

// The limits of what the doctor finds healthy.
const (
	doctorTimeout = 5 * time.Second
	skewWarn      = 2 * time.Second
	skewFail      = time.Minute
	syncWarn      = 20 * time.Millisecond
	syncFail      = 500 * time.Millisecond
	syncTries     = 16
	spaceTimes    = 8 // free space is scarce below so many times the low-space mark
)

func doctorCommand() *cobra.Command {
	var url, adminURL, data string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check a running server, and a data folder",
		Long: `Check a running server, and with --data its data folder; with --data alone, and
no address, only the folder. Each line says ok, warn or fail; the exit status is
1 if something fails.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{w: cmd.OutOrStdout()}
			if data == "" || url != "" || adminURL != "" {
				d.server(cmd.Context(), cmp.Or(url, "http://"+defaultListen), cmp.Or(adminURL, "http://"+defaultAdminListen))
			}
			if data != "" {
				d.folder(data)
			}
			if d.failed {
				return errSaid
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&url, "url", os.Getenv(environmentPrefix+"URL"), "the server, for clients (USHER_URL)")
	cmd.Flags().StringVar(&adminURL, "admin-url", os.Getenv(environmentPrefix+"ADMIN_URL"), "the server, for operators (USHER_ADMIN_URL)")
	cmd.Flags().StringVar(&data, "data", "", "a data folder on this machine")
	return cmd
}

// doctor prints a line for each check.
type doctor struct {
	w      io.Writer
	failed bool
}

func (d *doctor) line(verdict, check, format string, args ...any) {
	fmt.Fprintf(d.w, "%-4s  %-18s  %s\n", verdict, check, fmt.Sprintf(format, args...))
}

func (d *doctor) ok(check, format string, args ...any)   { d.line("ok", check, format, args...) }
func (d *doctor) warn(check, format string, args ...any) { d.line("warn", check, format, args...) }
func (d *doctor) fail(check, format string, args ...any) {
	d.failed = true
	d.line("fail", check, format, args...)
}

// graded says how a value fares against two limits: below both, or above.
func graded[T cmp.Ordered](d *doctor, check string, value, warn, fail T, shown, hint string) {
	switch {
	case value >= fail:
		d.fail(check, "%s: %s", shown, hint)
	case value >= warn:
		d.warn(check, "%s: %s", shown, hint)
	default:
		d.ok(check, "%s", shown)
	}
}

// server checks a running server.
func (d *doctor) server(ctx context.Context, url, adminURL string) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	if answer, err := get(ctx, url); err != nil {
		d.fail("server reachable", "%v: is it running, and is --url right?", err)
	} else {
		answer.Body.Close()
		d.ok("server reachable", "%s", url)
	}
	asked := time.Now()
	status, err := readStatus(ctx, adminURL)
	if err != nil {
		d.fail("status", "%v: is it running, and is --admin-url right?", err)
		return
	}
	middle := asked.Add(time.Since(asked) / 2)
	if status.Problem != "" {
		d.fail("server ready", "%s: see its log", status.Problem)
	} else {
		d.ok("server ready", "everything up to sequence %d is durable", status.Durable)
	}
	if status.WaitingForSetup {
		d.warn("server set up", "there is no API key: use the setup token of the first start")
	}
	if own := build.Read(); own == status.Build {
		d.ok("version", "%s", own.Version)
	} else {
		d.warn("version", "the server is %s %s, this is %s %s: use the same", status.Build.Version, status.Build.Revision, own.Version, own.Revision)
	}
	skew := middle.Sub(time.UnixMilli(status.WallTimeMs)).Abs()
	graded(d, "clock", skew, skewWarn, skewFail, fmt.Sprintf("%s apart from this machine's", skew.Round(time.Millisecond)), "synchronize both with NTP")
	drift := (time.Duration(status.TimeMs-status.WallTimeMs) * time.Millisecond).Abs()
	graded(d, "clock's past", drift, skewWarn, skewFail, fmt.Sprintf("the server's time is %s from its machine's", drift), "the machine's clock was set while it ran; times are right again after a restart once they are past")
	d.space("journal space", status.FreeBytes, status.LowSpaceBytes)
}

// space checks free space against the mark below which submits are refused.
func (d *doctor) space(check string, free, low uint64) {
	shown := fmt.Sprintf("%d MiB free, new interactions are refused below %d MiB", free>>20, low>>20)
	switch {
	case free < low:
		d.fail(check, "%s: free some, or lower the retention", shown)
	case free < spaceTimes*low:
		d.warn(check, "%s: this will not last", shown)
	default:
		d.ok(check, "%s", shown)
	}
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}

func readStatus(ctx context.Context, adminURL string) (*server.Status, error) {
	answer, err := get(ctx, adminURL+"/status")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s/status: %s", adminURL, answer.Status)
	}
	status := &server.Status{}
	if err := json.NewDecoder(answer.Body).Decode(status); err != nil {
		return nil, fmt.Errorf("%s/status: %w", adminURL, err)
	}
	return status, nil
}

// folder checks a data folder, whether a server has it or not.
func (d *doctor) folder(dir string) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		d.fail("folder", "%s", cmp.Or(err, errors.New(dir+" is not a folder")))
		return
	}
	if hasJournal(dir) != nil {
		d.warn("folder", "there is no journal in %s yet", dir)
	} else {
		d.ok("folder", "%s", dir)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		d.warn("permissions", "%v lets others in: chmod 700 %s", mode, dir)
	} else {
		d.ok("permissions", "%v", mode)
	}
	if usage, err := vfs.Default.GetDiskUsage(dir); err != nil {
		d.fail("free space", "%v", err)
	} else {
		d.space("free space", usage.AvailBytes, pebble.DefaultLowSpaceBytes)
	}
	took, err := syncLatency(dir)
	if err != nil {
		d.fail("sync", "%v: the server must be able to write here", err)
		return
	}
	graded(d, "sync", took, syncWarn, syncFail, fmt.Sprintf("4 KiB are durable after %s (median of %d)", took.Round(time.Microsecond), syncTries),
		"every answer waits for this; use a local disk with power-loss protection")
}

// syncLatency is how long it takes to write a little and be sure of it.
func syncLatency(dir string) (median time.Duration, err error) {
	path := filepath.Join(dir, fmt.Sprintf(".doctor-%d", os.Getpid()))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	took := make([]time.Duration, syncTries)
	block := make([]byte, 4096)
	for n := range took {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took[n] = time.Since(start)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
