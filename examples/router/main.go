// Command router is an external router: it has the strategy in-turn, and offers
// each interaction to the agents of its command line in turn until one takes it.
package main

import (
	"context"
	"log"
	"os"
	"sync/atomic"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

func main() {
	c, err := client.Dial(os.Getenv("USHER_URL"), client.WithAPIKey(os.Getenv("USHER_ROUTER_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(run(context.Background(), c, os.Args[1:]))
}

func run(ctx context.Context, c *client.Client, agents []string) error {
	router, err := c.Router(ctx, "in turn", "in-turn")
	if err != nil {
		return err
	}
	defer router.Close()
	var turn atomic.Uint64
	return router.Serve(ctx, func(ctx context.Context, request *usherv1.Event) {
		id := request.GetInteractionId()
		for tries := 1; ctx.Err() == nil; tries++ { // EventAbandoned ends ctx
			agent := agents[turn.Add(1)%uint64(len(agents))]
			outcome, err := router.RouteToAgent(ctx, id, agent)
			if err == nil { // if he rejected it, the server asks again
				log.Println(id, agent, outcome)
				return
			}
			if tries%len(agents) == 0 { // nobody is free
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		}
		log.Println(id, "abandoned")
	})
}
