package pebble

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

const entryBytes = 300

// BenchmarkAppend appends batches of entries of 300 bytes, each after the
// former is durable, and beside it writes and syncs the same bytes to a bare
// file, which is what the disk can do at best.
func BenchmarkAppend(b *testing.B) {
	for _, entries := range []uint32{1, 16, 128} {
		batch := &journal.Batch{First: 1, Count: entries, Payload: make([]byte, entries*entryBytes)}
		b.Run(fmt.Sprintf("raw/entries=%d", entries), func(b *testing.B) {
			f, err := os.Create(b.TempDir() + "/raw")
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			raw := record.AppendBatch(nil, batch)
			for b.Loop() {
				if _, err := f.Write(raw); err != nil {
					b.Fatal(err)
				}
				if err := unix.Fdatasync(int(f.Fd())); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(entries)/b.Elapsed().Seconds(), "entries/s")
		})
		b.Run(fmt.Sprintf("pebble/entries=%d", entries), func(b *testing.B) {
			j, epoch := openForBench(b)
			next := journal.Genesis
			for b.Loop() {
				batch.First = next.Next
				var err error
				if next, err = j.Append(b.Context(), epoch, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(entries)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

func openForBench(b *testing.B) (*Journal, journal.Epoch) {
	b.Helper()
	j, err := Open(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	epoch, err := j.Lead(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return j, epoch
}

// BenchmarkReplay opens a journal of 1,000,000 entries in batches of 128, and
// reads and verifies all of it.
func BenchmarkReplay(b *testing.B) {
	const batches, entries = 7813, 128
	dir := b.TempDir()
	j, err := Open(Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	epoch, err := j.Lead(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	next := journal.Genesis
	for range batches {
		batch := &journal.Batch{First: next.Next, Count: entries, Payload: make([]byte, entries*entryBytes)}
		for i := range batch.Payload {
			batch.Payload[i] = byte(i*i) ^ byte(next.Next)
		}
		if next, err = j.Append(b.Context(), epoch, batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		j, err := Open(Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := count(b.Context(), j); err != nil || n != batches {
			b.Fatalf("read %d batches, %v", n, err)
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*batches*entries/b.Elapsed().Seconds(), "entries/s")
}
