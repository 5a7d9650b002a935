package client

import (
	"context"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// faultBytesMax is how long the reason of a fault may be.
const faultBytesMax = 1024

// ExternalService answers what strategies ask about interactions. Its requests
// and events share one stream. All methods may be called concurrently.
type ExternalService struct{ s *session }

// ExternalService registers the client as an external service, and opens its
// stream. Strategies know it by the name of its API key.
func (c *Client) ExternalService(ctx context.Context, name string) (*ExternalService, error) {
	ack, err := c.Register(ctx, &usherv1.RequestRegisterClient{
		ClientType: usherv1.ClientType_CLIENT_TYPE_EXTERNAL_SERVICE, Name: name,
	})
	if err != nil {
		return nil, err
	}
	return &ExternalService{c.openSession(ack.GetSequence())}, nil
}

// Close ends the stream: what is not answered fails.
func (e *ExternalService) Close() { e.s.close() }

// Serve calls answer for every Request3rdServer, each in a goroutine of its
// own, with a context that ends when the server gives the request up, and
// answers with what it returns: a response, or an error, which is a fault. It
// returns when the service is closed, or ctx ends, after every answer has
// returned.
func (e *ExternalService) Serve(ctx context.Context, answer func(ctx context.Context, request *usherv1.Event) (*structpb.Struct, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	for event, err := range e.s.events(ctx) {
		if err != nil {
			return err
		}
		if asked := event.GetRequest_3RdServer(); asked != nil {
			wait.Go(func() {
				// By the server's clock alone: that of this machine may be another.
				left := time.Duration(asked.GetDeadlineMs()-event.GetTimeMs()) * time.Millisecond
				limited, done := context.WithTimeout(ctx, left)
				defer done()
				response, err := answer(limited, event)
				e.answer(ctx, asked.GetRequestId(), response, err)
			})
		}
	}
	return nil
}

// answer answers a request. A response that the server does not take, such as
// one that is too large, is a fault. Who answers too late is not waited for.
func (e *ExternalService) answer(ctx context.Context, request uint64, response *structpb.Struct, err error) {
	if err == nil {
		err = e.Respond(ctx, request, response)
	}
	if err != nil && CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNKNOWN_REQUEST {
		_ = e.Fault(ctx, request, err.Error())
	}
}

// Respond answers a request.
func (e *ExternalService) Respond(ctx context.Context, request uint64, response *structpb.Struct) error {
	answer := &usherv1.Event3RdServerResponse{RequestId: request, Response: response}
	_, err := ask(ctx, e.s, answer, func(m *usherv1.Event3RdServerResponse) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_ServiceResponse{ServiceResponse: m}}
	})
	return err
}

// Fault says that a request failed, and why.
func (e *ExternalService) Fault(ctx context.Context, request uint64, why string) error {
	why = strings.ToValidUTF8(why[:min(len(why), faultBytesMax)], "")
	answer := &usherv1.Event3RdServerFault{RequestId: request, Fault: why}
	_, err := ask(ctx, e.s, answer, func(m *usherv1.Event3RdServerFault) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_ServiceFault{ServiceFault: m}}
	})
	return err
}
