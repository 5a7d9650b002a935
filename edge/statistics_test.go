package edge

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
)

// fakeStatistics remembers what it was asked, and shows what the test wants.
type fakeStatistics struct {
	asked   []any
	refusal *usherv1.EventError
	events  []*usherv1.EventStatistics
	err     error     // after the events
	before  func(int) // each event
}

func (f *fakeStatistics) Directory(_ context.Context, tenant, agent, mediaType string) (*usherv1.EventDirectory, *usherv1.EventError, error) {
	f.asked = append(f.asked, tenant, agent, mediaType)
	return &usherv1.EventDirectory{Sequence: 9}, f.refusal, f.err
}

func (f *fakeStatistics) History(_ context.Context, tenant string, r *usherv1.RequestGetHistory) (*usherv1.EventHistory, *usherv1.EventError, error) {
	f.asked = append(f.asked, tenant, r.StepMs)
	return &usherv1.EventHistory{AtMs: []int64{9}}, f.refusal, f.err
}

func (f *fakeStatistics) AuditLog(_ context.Context, tenant string, before uint64, limit int) (*usherv1.EventAuditLog, *usherv1.EventError, error) {
	f.asked = append(f.asked, tenant, before, limit)
	return &usherv1.EventAuditLog{More: true}, f.refusal, f.err
}

func (f *fakeStatistics) Watch(_ context.Context, tenant string, withoutAgents bool) iter.Seq2[*usherv1.EventStatistics, error] {
	f.asked = append(f.asked, tenant, withoutAgents)
	return func(yield func(*usherv1.EventStatistics, error) bool) {
		for n, ev := range f.events {
			if f.before != nil {
				f.before(n)
			}
			if !yield(ev, nil) {
				return
			}
		}
		yield(nil, f.err)
	}
}

// TestStatistics asks for everything, of one's own tenant and of others, with
// arguments within and beyond their limits.
func TestStatistics(t *testing.T) {
	fake, look := newFake(), &fakeStatistics{}
	_, url := serve(t, Options{Center: fake, Statistics: look})
	sue, root := fake.agent("acme", "sue", true), fake.key(center.SystemTenant, "root", usherv1.Role_ROLE_ADMIN)
	client := func(credential string) usherv1connect.StatisticsClient {
		return usherv1connect.NewStatisticsClient(h2c(t), url, connect.WithGRPC(), withCredential(credential))
	}
	now := fake.Status().TimeMs
	for _, c := range []struct {
		name string
		ask  func() error
		want []any // what is asked for then
		code connect.Code
	}{
		{"a directory", func() error {
			_, err := client(sue).GetDirectory(t.Context(), &usherv1.RequestGetDirectory{MediaType: "chat"})
			return err
		}, []any{"acme", "sue", "chat"}, 0},
		{"history", historyOf(t, client(sue), &usherv1.RequestGetHistory{}), []any{"acme", int64(0)}, 0},
		{"history in hours", historyOf(t, client(root), &usherv1.RequestGetHistory{StepMs: 3_600_000, TenantId: "acme"}), []any{"acme", int64(3_600_000)}, 0},
		{"history in more", historyOf(t, client(sue), &usherv1.RequestGetHistory{StepMs: 3_660_000}), nil, connect.CodeInvalidArgument},
		{"history in parts of minutes", historyOf(t, client(sue), &usherv1.RequestGetHistory{StepMs: 90_000}), nil, connect.CodeInvalidArgument},
		{"history backwards", historyOf(t, client(sue), &usherv1.RequestGetHistory{StepMs: -60_000}), nil, connect.CodeInvalidArgument},
		{"the future", historyOf(t, client(sue), &usherv1.RequestGetHistory{FromMs: now + 1}), nil, connect.CodeInvalidArgument},
		{"another tenant's history", historyOf(t, client(sue), &usherv1.RequestGetHistory{TenantId: "other"}), nil, connect.CodePermissionDenied},
		{"the audit log", auditOf(t, client(sue), &usherv1.RequestGetAuditLog{}), []any{"acme", uint64(0), 100}, 0},
		{"its next page", auditOf(t, client(sue), &usherv1.RequestGetAuditLog{BeforeSequence: 7, Limit: 1000}), []any{"acme", uint64(7), 1000}, 0},
		{"too much of it", auditOf(t, client(sue), &usherv1.RequestGetAuditLog{Limit: 1001}), nil, connect.CodeInvalidArgument},
		{"less than nothing", auditOf(t, client(sue), &usherv1.RequestGetAuditLog{Limit: -1}), nil, connect.CodeInvalidArgument},
		{"another tenant's", auditOf(t, client(sue), &usherv1.RequestGetAuditLog{TenantId: "other"}), nil, connect.CodePermissionDenied},
		{"that of the default tenant", auditOf(t, client(root), &usherv1.RequestGetAuditLog{}), []any{DefaultTenant, uint64(0), 100}, 0},
	} {
		look.asked = nil
		if err := c.ask(); (err != nil || c.code != 0) && connect.CodeOf(err) != c.code || !slices.Equal(look.asked, c.want) {
			t.Errorf("%s: %v, asked for %v", c.name, err, look.asked)
		}
	}
	look.refusal = &unknownInteraction
	if err := historyOf(t, client(sue), &usherv1.RequestGetHistory{})(); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("a refusal: %v", err)
	}
	look.refusal, look.err = nil, center.ErrClosed
	if err := auditOf(t, client(sue), &usherv1.RequestGetAuditLog{})(); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("closed: %v", err)
	}
}

func historyOf(t *testing.T, c usherv1connect.StatisticsClient, r *usherv1.RequestGetHistory) func() error {
	return func() error {
		_, err := c.GetHistory(t.Context(), r)
		return err
	}
}

func auditOf(t *testing.T, c usherv1connect.StatisticsClient, r *usherv1.RequestGetAuditLog) func() error {
	return func() error {
		_, err := c.GetAuditLog(t.Context(), r)
		return err
	}
}

// TestWatchStatistics: what has changed is passed on as it is, the first also if
// it is nothing, and silence is not; the end says why.
func TestWatchStatistics(t *testing.T) {
	row := &usherv1.EventStatistics{TimeMs: 2, Queues: []*usherv1.QueueStatistics{{Entered: 3}}}
	gone := &usherv1.EventStatistics{TimeMs: 4, AgentsRemoved: []string{"bob"}}
	fake, look := newFake(), &fakeStatistics{events: []*usherv1.EventStatistics{{TimeMs: 1}, row, {TimeMs: 3}, gone}}
	_, url := serve(t, Options{Center: fake, Statistics: look})
	client := usherv1connect.NewStatisticsClient(h2c(t), url, connect.WithGRPC(), withCredential(fake.agent("acme", "sue", true)))
	for _, c := range []struct {
		err  error
		want connect.Code
	}{
		{center.ErrClosed, connect.CodeUnavailable},
		{center.ErrUnknownTenant, connect.CodeNotFound},
		{&center.Refused{Err: &unknownInteraction}, connect.CodeNotFound},
	} {
		look.err = c.err
		stream, err := client.Watch(t.Context(), &usherv1.RequestWatch{WithoutAgents: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []*usherv1.EventStatistics
		for stream.Receive() {
			got = append(got, proto.CloneOf(stream.Msg()))
		}
		if !slices.EqualFunc(got, []*usherv1.EventStatistics{{TimeMs: 1}, row, gone}, func(a, b *usherv1.EventStatistics) bool { return proto.Equal(a, b) }) {
			t.Errorf("%v", got)
		}
		if connect.CodeOf(stream.Err()) != c.want {
			t.Errorf("%v ended with %v", c.err, stream.Err())
		}
		if last := look.asked[len(look.asked)-2:]; !slices.Equal(last, []any{"acme", true}) {
			t.Errorf("asked for %v", last)
		}
	}
}

// TestWatchBreaksTheSilence: a stream on which nothing changes is still heard
// of, until its credential is revoked.
func TestWatchBreaksTheSilence(t *testing.T) {
	fake, look := newFake(), &fakeStatistics{events: make([]*usherv1.EventStatistics, 3)}
	for n := range look.events {
		look.events[n] = &usherv1.EventStatistics{TimeMs: int64(n)}
	}
	_, url := serve(t, Options{Center: fake, Statistics: look, Limits: Limits{Heartbeat: time.Nanosecond}})
	token := fake.agent("acme", "sue", true)
	client := usherv1connect.NewStatisticsClient(h2c(t), url, connect.WithGRPC(), withCredential(token))
	stream, err := client.Watch(t.Context(), &usherv1.RequestWatch{})
	n := 0
	for err == nil && stream.Receive() {
		n++
	}
	if err != nil || n != 3 {
		t.Errorf("%d of 3: %v", n, err)
	}
	look.before = func(n int) {
		if n == 2 {
			fake.mu.Lock()
			defer fake.mu.Unlock()
			clear(fake.sessions)
		}
	}
	stream, err = client.Watch(t.Context(), &usherv1.RequestWatch{})
	for n = 0; err == nil && stream.Receive(); {
		n++
	}
	if n != 2 || connect.CodeOf(stream.Err()) != connect.CodeUnauthenticated {
		t.Errorf("after the session has ended: %d, %v", n, stream.Err())
	}
}

func TestServerWithoutStatistics(t *testing.T) {
	fake := newFake()
	_, url := serve(t, Options{Center: fake})
	client := usherv1connect.NewStatisticsClient(h2c(t), url, connect.WithGRPC(), withCredential(fake.agent("acme", "sue", true)))
	if _, err := client.GetDirectory(t.Context(), &usherv1.RequestGetDirectory{}); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Error(err)
	}
}
