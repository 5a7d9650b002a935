package media

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// sweepEvery is the time between two looks for attachments that may go.
const sweepEvery = time.Hour

// spareTime is how much longer than the journal an attachment is kept: as long
// as an ended session can be read. Besides, a file's time is a little before that
// of the line that says it.
const spareTime = sessionTokenValid

// pendingTime is how long a file is kept that was sent and not said.
const pendingTime = 24 * time.Hour

// sweepAttachments removes what is too old, now and every hour, until the
// server shuts down: what nobody has said after a day, and with a retention
// what was said before it.
//
// The age of a file is enough to tell. Nothing says that an attachment exists
// but lines in the journal, and to say it makes the file young again: what was
// neither sent nor said for the retention has no younger line. An interaction
// that lives longer than that loses its early lines as well, as soon as the
// journal is trimmed.
func (s *Server) sweepAttachments() {
	every := time.NewTicker(sweepEvery)
	defer every.Stop()
	for {
		said := time.Time{} // for ever
		if s.keep > 0 {
			said = s.now().Add(-s.keep - spareTime)
		}
		s.files.forget()
		count, size, err := s.files.sweep(s.ctx, said, s.now().Add(-pendingTime))
		if err != nil && s.ctx.Err() == nil {
			s.log.Error("old attachments can't be removed", "error", err) // the next sweep may
		}
		if count > 0 {
			s.log.Info("removed old attachments", "files", count, "bytes", size)
		}
		select {
		case <-every.C:
		case <-s.ctx.Done():
			return
		}
	}
}

// sweep removes the files that were said before a time, those that wait to be
// said since another, and the folders that are empty then, until ctx ends. What
// can't be removed holds up nothing else.
func (f *files) sweep(ctx context.Context, said, pending time.Time) (count int, size int64, err error) {
	tenants, err := foldersIn(f.root)
	for _, tenant := range tenants {
		folders, problem := foldersIn(f.folder(tenant))
		err = errors.Join(err, problem)
		for _, folder := range folders {
			if ctx.Err() != nil {
				return count, size, errors.Join(err, ctx.Err())
			}
			before := said
			if folder == pendingFolder {
				before = pending
			}
			if before.IsZero() {
				continue
			}
			n, bytes, problem := f.sweepFolder(tenant, filepath.Join(f.folder(tenant), folder), before)
			count, size, err = count+n, size+bytes, errors.Join(err, problem)
		}
		err = errors.Join(err, f.removeEmpty(f.folder(tenant)))
	}
	return count, size, err
}

// foldersIn are the names of the folders in a folder, if it is there.
func foldersIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

// sweepFolder removes the files of one folder that are older than a time, also
// what a crash before the start has left half written.
func (f *files) sweepFolder(tenant, dir string, before time.Time) (count int, size int64, err error) {
	f.sweeping.Lock()
	defer f.sweeping.Unlock()
	entries, err := os.ReadDir(dir)
	left := len(entries)
	for _, entry := range entries {
		info, problem := entry.Info()
		arriving := strings.HasPrefix(entry.Name(), arrivingPrefix)
		if problem == nil && (entry.IsDir() || !info.ModTime().Before(before) || arriving && !info.ModTime().Before(f.opened)) {
			continue
		}
		if problem == nil {
			problem = os.Remove(filepath.Join(dir, entry.Name()))
		}
		if problem != nil {
			err = errors.Join(err, problem)
			continue
		}
		count, left = count+1, left-1
		if !arriving {
			size += info.Size()
		}
	}
	f.release(tenant, size)
	if left == 0 && err == nil {
		err = os.Remove(dir)
	}
	return count, size, err
}

// removeEmpty removes a folder if nothing is in it.
func (f *files) removeEmpty(dir string) error {
	f.sweeping.Lock()
	defer f.sweeping.Unlock()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		return err
	}
	return os.Remove(dir)
}
