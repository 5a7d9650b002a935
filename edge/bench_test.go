package edge

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
)

// endless is a subscription that has the same message again and again.
type endless struct {
	message center.Message
	left    int
}

func (e *endless) Next(ctx context.Context) (center.Message, error) {
	if e.left--; e.left < 0 {
		return center.Message{}, center.ErrClosed
	}
	return e.message, nil
}

func (e *endless) Reached() uint64 { return 0 }
func (e *endless) Close()          {}

// BenchmarkDelivery passes events of 300 bytes to one client, who does not
// decode them.
func BenchmarkDelivery(b *testing.B) {
	fake := newFake()
	event := invite(1)
	event.Reason = strings.Repeat("x", 281)
	fake.subscribe = func(*uint64) (Subscription, error) {
		return &endless{encoded(b, 5, event), b.N}, nil
	}
	_, url := serve(b, Options{Center: fake})
	r, err := http.NewRequest(http.MethodPost, url+"/usher.v1.InteractionManagement/Events", strings.NewReader("\x00\x00\x00\x00\x00"))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc+proto")
	r.Header.Set("Authorization", "Bearer "+fake.agent(DefaultTenant, "ann", false))
	b.ReportAllocs()
	b.ResetTimer()
	answer, err := h2c(b).Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	if n, err := io.Copy(io.Discard, answer.Body); err != nil || n < int64(b.N)*300 {
		b.Fatal(n, err)
	}
}

// BenchmarkRequest makes one request after the other, from 64 clients.
func BenchmarkRequest(b *testing.B) {
	fake := newFake()
	fake.answer = func(r center.Request) center.Reply {
		return center.Reply{Sequence: 1, Event: &usherv1.Event{Sequence: 1}}
	}
	_, url := serve(b, Options{Center: fake, Limits: Limits{RequestsPerSecond: 1e9, RequestBurst: 1e9}})
	im := usherv1connect.NewInteractionManagementClient(h2c(b), url, connect.WithGRPC(), withCredential(fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA)))
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := im.Submit(context.Background(), &usherv1.RequestSubmit{ReferenceId: "r"}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
