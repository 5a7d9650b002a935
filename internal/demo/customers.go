package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

const (
	// siteName is the web site of windows.yaml for people, crowdName that for
	// bots.
	siteName, crowdName = "demo", "crowd"
	// patienceMin is how long a customer waits for an agent, at least; up to
	// twice as long.
	patienceMin = 30 * time.Second
	// visitMax is how long he stays at most.
	visitMax = 5 * time.Minute
)

// customers come, ask, answer when they are asked, and sometimes give up.
var customers = []string{"Mia", "Noah", "Lea", "Omar", "Zoe", "Finn"}

// stories are what customers ask for: the request type, what it is about, and
// what they say, a line at a time.
var stories = []struct {
	requestType, subject string
	lines                []string
}{
	{"billing", "An invoice", []string{
		"Hello, my last invoice is higher than the one before. Can you tell me why?",
		"The number is 4711.",
		"Ah, I had forgotten about that. Thank you!",
	}},
	{"billing", "A reminder", []string{
		"I have got a reminder, but I have paid already.",
		"On the 3rd, by transfer.",
		"Very good. Thanks, bye!",
	}},
	{"orders", "A parcel", []string{
		"Where is my parcel?",
		"Order 2203, it should have been here on Monday.",
		"Then I will wait until tomorrow. Thank you.",
	}},
	{"orders", "A return", []string{
		"Hi, I would like to send something back.",
		"The blue one. It is too small.",
		"Great, thanks for your help.",
	}},
}

// customers lets customers come until ctx ends.
func (w *Windows) customers(ctx context.Context) error {
	site, err := client.Dial(w.URL())
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	for pause(ctx, 5*time.Second, 15*time.Second) {
		all.Go(func() error {
			err := visit(ctx, site)
			if ctx.Err() != nil || client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNSPECIFIED {
				return nil // people do as they like: the site is full, a supervisor has ended it
			}
			return err
		})
	}
	return all.Wait()
}

// customer is somebody who has a story to tell.
type customer struct {
	*client.CustomerSession
	lines []string // what he has still to say
}

// visit is one customer, from his first line to his last.
func visit(ctx context.Context, site *client.Client) error {
	story := stories[rand.IntN(len(stories))]
	session, err := site.LaunchSession(ctx, &usherv1.RequestLaunchSession{
		Site: crowdName, RequestType: story.requestType, Subject: story.subject, Text: story.lines[0],
		Name: customers[rand.IntN(len(customers))],
	})
	if err != nil {
		return fmt.Errorf("ask for a session: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, visitMax)
	defer cancel()
	c := &customer{session, story.lines[1:]}
	if err := c.talk(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("session %s: %w", session.Launched().GetSessionId(), err)
	}
	return nil
}

// talk answers what the agent says until there is nothing more to say, or he
// has waited too long.
func (c *customer) talk(ctx context.Context) error {
	waiting, giveUp := context.WithCancel(ctx)
	defer giveUp()
	patience := time.AfterFunc(patienceMin+rand.N(patienceMin), giveUp)
	defer patience.Stop()
	for event, err := range c.Events(waiting, c.Launched().GetSequence()) {
		switch {
		case waiting.Err() != nil && ctx.Err() == nil:
			return c.Drop(ctx)
		case err != nil:
			return err
		case event.GetProgress().GetState() == usherv1.SessionState_SESSION_STATE_CONNECTED:
			patience.Stop()
		case event.GetProgress().GetState() == usherv1.SessionState_SESSION_STATE_ENDED:
			return nil
		case event.GetLine() != nil && !event.GetLine().GetOwn():
			if over, err := c.answer(ctx); over || err != nil {
				return err
			}
		}
	}
	return nil
}

// answer says the next line; over is true when there is none and he goes.
func (c *customer) answer(ctx context.Context) (over bool, err error) {
	if !pause(ctx, time.Second, 2*time.Second) {
		return true, nil
	}
	if len(c.lines) == 0 {
		return true, c.Drop(ctx)
	}
	_ = c.Typing(ctx, false) // nothing is lost if it is
	if !pause(ctx, time.Second, 4*time.Second) {
		return true, nil
	}
	err = c.Say(ctx, c.lines[0])
	c.lines = c.lines[1:]
	if client.CodeOf(err) == usherv1.ErrorCode_ERROR_CODE_ALREADY_STOPPED {
		return true, nil // the agent has ended it meanwhile
	}
	return false, err
}
