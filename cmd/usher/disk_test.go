package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/internal/server"
)

const mib = 1 << 20

// disk is a small disk of its own, with a file that fills it up.
type disk struct {
	t   *testing.T
	dir string
}

func (d disk) filler() string { return filepath.Join(d.dir, "filler") }

func (d disk) free() uint64 {
	usage, err := vfs.Default.GetDiskUsage(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	return usage.AvailBytes
}

// fill leaves so much free space and no more.
func (d disk) fill(leave uint64) {
	d.t.Helper()
	f, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); d.free() > leave+uint64(len(block)); {
		if _, err := f.Write(block); err != nil {
			break // full
		}
	}
}

func (d disk) empty() {
	if err := os.Remove(d.filler()); err != nil {
		d.t.Fatal(err)
	}
}

// TestFullDisk fills the disk under a running server, first below the mark and
// then altogether, and frees it again.
func TestFullDisk(t *testing.T) {
	d := disk{t, t.TempDir()}
	if err := mountSmall(d.dir, 160*mib); err != nil {
		t.Skipf("a small disk can't be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(d.dir); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(d.dir, "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l := startLoad(t, dir, fmt.Sprintf("--low-space-bytes=%d", 64*mib))
	t.Cleanup(func() { l.process.kill() }) // before the disk goes
	c := &contactCentre{l: l, media: l.dial(client.WithAPIKey(l.keys["USHER_MEDIA_KEY"]))}
	c.open()

	d.fill(48 * mib) // below the mark, and enough to append
	c.refusesSubmits()
	c.finishes()

	d.fill(0)
	c.hangsNowhere()

	d.empty()
	eventually(t, "submits are taken again", func() bool { _, err := c.submit(); return err == nil })
	c.finishes()
	if err := l.process.stop(); err != nil {
		t.Fatal(err)
	}
	if err := verifyJournal(t.Context(), dir, io.Discard); err != nil {
		t.Fatal(err)
	}
}

// contactCentre is one whose disk fills up.
type contactCentre struct {
	l       *load
	media   *client.Client
	agent   *client.AgentSession
	invites chan *usherv1.Event
}

// open logs an agent in.
func (c *contactCentre) open() {
	t := c.l.t
	t.Helper()
	if _, err := c.media.Register(t.Context(), &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER}); err != nil {
		t.Fatal(err)
	}
	alice := c.l.dial(client.WithAgent("", "alice", server.DevPassword))
	var err error
	if c.agent, err = alice.Agent(t.Context(), client.Login{Media: []*usherv1.MediaLogin{client.Ready("chat")}}); err != nil {
		t.Fatal(err)
	}
	c.invites = make(chan *usherv1.Event, 1024)
	go func() {
		for event, err := range c.agent.Events(t.Context()) {
			if err == nil && event.GetEventInvite() != nil {
				c.invites <- event
			}
		}
	}()
	for range 8 { // alice has room for two at a time
		if _, err := c.submit(); err != nil {
			t.Fatal(err)
		}
	}
}

// within bounds a request: nothing may hang.
func (c *contactCentre) within() context.Context {
	ctx, cancel := context.WithTimeout(c.l.t.Context(), patience)
	c.l.t.Cleanup(cancel)
	return ctx
}

func (c *contactCentre) submit() (*usherv1.EventAck, error) {
	return c.media.InteractionManagement().Submit(c.within(), &usherv1.RequestSubmit{Queue: "inbound", MediaType: "chat"})
}

// refusesSubmits waits until the server has noticed.
func (c *contactCentre) refusesSubmits() {
	c.l.t.Helper()
	eventually(c.l.t, "submits are refused", func() bool {
		_, err := c.submit()
		if err != nil && client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_NO_SPACE {
			c.l.t.Fatalf("a submit below the mark: %v", err)
		}
		return err != nil
	})
}

// finishes accepts two invitations, leaves one interaction and stops the
// other.
func (c *contactCentre) finishes() {
	t := c.l.t
	t.Helper()
	for n := range 2 {
		var invite *usherv1.Event
		select {
		case invite = <-c.invites:
		case <-time.After(patience):
			t.Fatal("nobody invites alice")
		}
		ctx := c.within()
		if err := c.agent.Accept(ctx, invite.GetEventInvite().GetTicket()); err != nil {
			t.Fatalf("accept: %v", err)
		}
		var err error
		if n == 0 {
			err = c.agent.Leave(ctx, invite.GetInteractionId(), "")
		} else {
			err = c.agent.Stop(ctx, invite.GetInteractionId(), "")
		}
		if err != nil {
			t.Fatalf("finish number %d: %v", n, err)
		}
	}
}

// hangsNowhere asks for things while nothing can be written: each is answered,
// and what changes something is refused sooner or later.
func (c *contactCentre) hangsNowhere() {
	t := c.l.t
	t.Helper()
	eventually(t, "changes are refused", func() bool {
		err := c.agent.NotReady(c.within(), "chat", "the disk is full")
		if err == nil {
			err = c.agent.Ready(c.within(), "chat")
		}
		switch client.CodeOf(err) {
		case usherv1.ErrorCode_ERROR_CODE_NO_SPACE, usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE:
			return true
		}
		if err != nil {
			t.Fatalf("a change on a full disk: %v", err)
		}
		return false
	})
	if _, err := c.submit(); client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_NO_SPACE && client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE {
		t.Errorf("a submit on a full disk: %v", err)
	}
}
