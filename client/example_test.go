package client_test

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

// A media server submits an interaction, changes it and stops it.
func ExampleClient_MediaServer() {
	server := mustStart() // a server in this process; yours has an address
	defer server.stop()
	ctx := context.Background()

	c, err := client.Dial(server.url, client.WithAPIKey(server.media))
	if err != nil {
		panic(err)
	}
	media, err := c.MediaServer(ctx, "web chat")
	if err != nil {
		panic(err)
	}
	defer media.Close()

	ack, err := media.Submit(ctx, &usherv1.RequestSubmit{
		InteractionId: "chat-1", MediaType: "chat", Queue: "pull", IsOnline: true,
	})
	fmt.Println(ack.GetInteractionId(), err)

	_, err = media.StopProcessing(ctx, &usherv1.RequestStopProcessing{InteractionId: "chat-1", Reason: "Customer left"})
	fmt.Println(err)

	_, err = media.StopProcessing(ctx, &usherv1.RequestStopProcessing{InteractionId: "nothing"})
	fmt.Println(errors.Is(err, client.ErrorWith(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION)))
	// Output:
	// chat-1 <nil>
	// <nil>
	// true
}

// An agent logs in, is invited to what was submitted, and takes it.
func ExampleClient_Agent() {
	server := mustStart()
	defer server.stop()
	ctx := context.Background()

	c, err := client.Dial(server.url, client.WithAgent("", "ann", "correct horse"))
	if err != nil {
		panic(err)
	}
	agent, err := c.Agent(ctx, client.Login{Media: []*usherv1.MediaLogin{client.Ready("chat")}})
	if err != nil {
		panic(err)
	}
	go submitOne(server, "support")

	for event, err := range agent.Events(ctx) {
		if err != nil {
			panic(err)
		}
		invite := event.GetEventInvite()
		if invite == nil {
			continue
		}
		fmt.Println("invited to", event.GetInteractions()[0].GetMediaType())
		fmt.Println(agent.Accept(ctx, invite.GetTicket()))
		fmt.Println(agent.Stop(ctx, event.GetInteractionId(), "Done"))
		break
	}
	// Output:
	// invited to chat
	// <nil>
	// <nil>
}

// A router says where interactions go.
func ExampleRouter_Serve() {
	server := mustStart()
	defer server.stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	c, err := client.Dial(server.url, client.WithAPIKey(server.router))
	if err != nil {
		panic(err)
	}
	router, err := c.Router(ctx, "my router", "by-name")
	if err != nil {
		panic(err)
	}
	defer router.Close()
	go submitOne(server, "by-name")

	err = router.Serve(ctx, func(ctx context.Context, request *usherv1.Event) {
		fmt.Println("strategy", request.GetEventRouteRequest().GetStrategy())
		fmt.Println(router.RouteToQueue(ctx, request.GetInteractionId(), "pull"))
		cancel()
	})
	fmt.Println(err)
	// Output:
	// strategy by-name
	// <nil>
	// context canceled
}

// An external service answers what a router asks about an interaction.
func ExampleExternalService_Serve() {
	server := mustStart()
	defer server.stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	c, err := client.Dial(server.url, client.WithAPIKey(server.service))
	if err != nil {
		panic(err)
	}
	crm, err := c.ExternalService(ctx, "customer records")
	if err != nil {
		panic(err)
	}
	defer crm.Close()
	go func() {
		fmt.Println(greeting(server, "Ann"), "and", greeting(server, ""))
		cancel()
	}()

	err = crm.Serve(ctx, func(ctx context.Context, request *usherv1.Event) (*structpb.Struct, error) {
		customer := request.GetInteractions()[0].GetUserData().GetFields()["customer"].GetStringValue()
		if customer == "" {
			return nil, errors.New("no such customer")
		}
		return structpb.NewStruct(map[string]any{"greeting": "Hello " + customer})
	})
	fmt.Println(err)
	// Output:
	// Hello Ann and no such customer
	// context canceled
}

// A reporting engine hears every fact from the beginning of the journal on.
func ExampleClient_Reports() {
	server := mustStart()
	defer server.stop()
	submitOne(server, "pull")

	c, err := client.Dial(server.url, client.WithAPIKey(server.report))
	if err != nil {
		panic(err)
	}
	var beginning uint64
	for event, err := range c.Reports(context.Background(), &beginning) {
		if err != nil {
			panic(err)
		}
		fmt.Println(event.ProtoReflect().WhichOneof(event.ProtoReflect().Descriptor().Oneofs().ByName("message")).Name())
		if event.GetEventPlacedInQueue() != nil {
			break
		}
	}
	// Output:
	// event_interaction_submitted
	// event_placed_in_queue
}

// greeting submits an interaction of a customer, to a router that asks an
// external service how to greet him.
func greeting(server *server, customer string) (text string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	router, err := server.as(client.WithAPIKey(server.router)).Router(ctx, "my router", "by-name")
	if err != nil {
		panic(err)
	}
	defer router.Close()
	go submitOne(server, "by-name", "customer", customer)
	_ = router.Serve(ctx, func(ctx context.Context, request *usherv1.Event) {
		question := &usherv1.RequestPrivateService{
			InteractionId: request.GetInteractionId(), Of: &usherv1.RequestPrivateService_Service{Service: "crm"}, Method: "greet",
		}
		info, err := router.PrivateService(ctx, question)
		for client.CodeOf(err) == usherv1.ErrorCode_ERROR_CODE_NO_SERVICE { // it is about to connect
			info, err = router.PrivateService(ctx, question)
		}
		if err != nil {
			panic(err)
		}
		text = info.GetResponse().GetFields()["greeting"].GetStringValue() + info.GetFault()
		if err := router.RouteToQueue(ctx, request.GetInteractionId(), "pull"); err != nil {
			panic(err)
		}
		cancel()
	})
	return text
}

// submitOne brings one interaction in, with user data of keys and values.
func submitOne(server *server, queue string, data ...string) {
	ctx := context.Background()
	fields := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for n := 0; n < len(data); n += 2 {
		fields.Fields[data[n]] = structpb.NewStringValue(data[n+1])
	}
	c := server.as(client.WithAPIKey(server.media))
	if _, err := c.Register(ctx, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER}); err != nil {
		panic(err)
	}
	if _, err := c.InteractionManagement().Submit(ctx, &usherv1.RequestSubmit{MediaType: "chat", Queue: queue, UserData: fields}); err != nil {
		panic(err)
	}
}
