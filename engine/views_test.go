package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// viewed is a centre where agent1 is logged in, with one view "v".
func viewed(t *testing.T, v *usherv1.View) *world {
	w := centre(t)
	v.Name = "v"
	w.must(admin, Apply{giving(&usherv1.Configuration{Views: []*usherv1.View{v}})})
	w.must(agent1, login("place1"))
	return w
}

// submitted submits with properties and user data.
func submitted(w *world, id, queue string, priority int32, userData map[string]any) {
	w.t.Helper()
	w.must(media, &usherv1.RequestSubmit{InteractionId: id, Queue: queue, MediaType: "chat", Priority: priority, UserData: data(w.t, userData)})
}

// shown are the ids that a view has: the queued ones, then those with a
// router.
func shown(w *world, name string) string {
	var ids []string
	for n, tree := range []*interactionTree{w.e.view(name).queued, w.e.view(name).routing} {
		if n > 0 {
			ids = append(ids, "|")
		}
		tree.Ascend(func(i *Interaction) bool {
			ids = append(ids, string(i.ID()))
			return true
		})
	}
	return strings.TrimSpace(strings.TrimSuffix(strings.Join(ids, " "), "|"))
}

func ordered(properties ...string) (orders []*usherv1.ViewOrder) {
	for _, p := range properties {
		name, descending := strings.CutPrefix(p, "-")
		orders = append(orders, &usherv1.ViewOrder{Property: name, Descending: descending})
	}
	return orders
}

func TestViewShows(t *testing.T) {
	for _, test := range []struct {
		condition string
		order     []*usherv1.ViewOrder
		want      string
	}{
		{"", nil, "c d a b e"}, // as the queue: by priority, then the first
		{"", ordered("user_data.k"), "d e b a c"},
		{"", ordered("-user_data.k"), "c a b d e"},
		{"", ordered("priority"), "a b e c d"},
		{"", ordered("-priority", "interaction_id"), "c d a b e"},
		{"", ordered("-priority", "-interaction_id"), "d c e b a"},
		{"", ordered("user_data.none"), "c d a b e"},
		{"", ordered("user_data.mixed"), "e d c b a"}, // absent, booleans, numbers, texts
		{`interaction.priority > 0`, nil, "c d"},
		{`data.k == 2.0`, nil, "b"},
		{`data.k > 1.0`, ordered("-user_data.k"), "c a b"}, // those without k can't be told
		{`has(data.k) && data.k == 2.0 || interaction.interaction_id == "e"`, nil, "b e"},
		{`interaction.media_type == "mail"`, nil, ""},
		{`vdn == ""`, nil, "c d a b e"},
	} {
		w := viewed(t, &usherv1.View{Queue: "inbound", Condition: test.condition, Order: test.order})
		submitted(w, "a", "inbound", 0, map[string]any{"k": 3, "mixed": "text"})
		submitted(w, "b", "inbound", 0, map[string]any{"k": 2, "mixed": 7})
		submitted(w, "c", "inbound", 1, map[string]any{"k": 4, "mixed": true})
		submitted(w, "d", "inbound", 1, map[string]any{"mixed": false})
		submitted(w, "e", "inbound", 0, nil)
		submitted(w, "other", "second", 0, map[string]any{"k": 2})
		if got := shown(w, "v"); got != test.want {
			t.Errorf("%q %v: %q, want %q", test.condition, test.order, got, test.want)
		}
		var pulled []string
		for range test.want {
			out := w.must(agent1, &usherv1.RequestPull{Source: &usherv1.RequestPull_View{View: "v"}})
			pulled = append(pulled, out.Reply.GetEventPulledInteractions().InteractionIds...)
		}
		if got := strings.Join(pulled, " "); got != test.want {
			t.Errorf("%q %v: pulled are %q, want %q", test.condition, test.order, got, test.want)
		}
		w.checkFold()
	}
}

// TestViewFollows: an interaction comes and goes with what it is shown by.
func TestViewFollows(t *testing.T) {
	change := func(properties map[string]any, userData map[string]any) func(*world) {
		return func(w *world) {
			r := &usherv1.RequestChangeProperties{InteractionId: "b", UserData: data(w.t, userData)}
			if properties != nil {
				r.Properties = data(w.t, properties)
			}
			w.must(media, r)
		}
	}
	lock := &usherv1.RequestTakeSnapshot{Lock: true, Conditions: []*usherv1.Condition{
		{Property: "interaction_id", Value: structpb.NewStringValue("b")},
	}}
	for _, test := range []struct {
		condition string
		order     []*usherv1.ViewOrder
		does      func(*world)
		want      string
	}{
		{"", ordered("user_data.k"), change(nil, map[string]any{"k": 9}), "a c b"},
		{"", ordered("user_data.k"), change(nil, map[string]any{"k": 0}), "b a c"},
		{"", nil, change(map[string]any{"priority": 3}, nil), "b a c"},
		{"", ordered("external_id"), change(map[string]any{"external_id": "x"}, nil), "a c b"},
		{"data.k <= 2.0", nil, change(nil, map[string]any{"k": 9}), "a"},
		{"data.k > 2.0", nil, change(nil, map[string]any{"k": 9}), "b c"},
		{"interaction.priority == 0", nil, change(map[string]any{"priority": 1}, nil), "a c"},
		{"!interaction.is_held", nil, func(w *world) { w.must(media, &usherv1.RequestHold{InteractionId: "b"}) }, "a c"},
		{"interaction.is_held", nil, func(w *world) { w.must(media, &usherv1.RequestHold{InteractionId: "b"}) }, "b"},
		{"!interaction.is_locked", nil, func(w *world) { w.must(media, lock) }, "a c"},
		{"interaction.is_locked", nil, func(w *world) { w.must(media, lock) }, "b"},
		{"", nil, func(w *world) { w.must(media, &usherv1.RequestStopProcessing{InteractionId: "b"}) }, "a c"},
		{`interaction.last_agent == "agent1"`, nil, func(w *world) {
			pullFrom(w, "inbound")
			w.must(agent1, &usherv1.RequestLeaveInteraction{InteractionId: "a"})
		}, "a"},
		{`vdn == "5"`, nil, func(w *world) {
			w.must(admin, Apply{giving(&usherv1.Configuration{Vdns: []*usherv1.Vdn{{Name: "5", Queue: "inbound"}}})})
			pullFrom(w, "inbound")
			w.must(agent1, &usherv1.RequestPlaceInQueue{InteractionId: "a", Vdn: "5"})
		}, "a"},
	} {
		w := viewed(t, &usherv1.View{Queue: "inbound", Condition: test.condition, Order: test.order})
		for n, id := range []string{"a", "b", "c"} {
			submitted(w, id, "inbound", 0, map[string]any{"k": n + 1})
		}
		test.does(w)
		if got := shown(w, "v"); got != test.want {
			t.Errorf("%q %v: %q, want %q", test.condition, test.order, got, test.want)
		}
		w.checkFold()
	}
}

// TestViewOfRouting: what is with a router stays in the view, and comes by a
// pull in the view's order.
func TestViewOfRouting(t *testing.T) {
	w := viewed(t, &usherv1.View{Queue: "external", Condition: "data.k > 0.0", Order: ordered("-user_data.k")})
	for n, id := range []string{"a", "b", "c", "d"} {
		submitted(w, id, "external", 0, map[string]any{"k": n})
	}
	w.must(media, &usherv1.RequestHold{InteractionId: "d"})
	if got := shown(w, "v"); got != "| d c b" {
		t.Errorf("%q", got)
	}
	w.must(urs, Disconnect{ConnectionID: "urs-c"})
	w.must(urs2, Disconnect{ConnectionID: "urs2-c"})
	if got := shown(w, "v"); got != "d c b" {
		t.Errorf("without routers: %q", got)
	}
	w.must(urs, Connect{ConnectionID: "again"})
	submitted(w, "e", "external", 0, map[string]any{"k": 9})
	w.must(media, &usherv1.RequestHold{InteractionId: "e"})
	out := w.must(agent1, &usherv1.RequestPull{Source: &usherv1.RequestPull_View{View: "v"}, Count: 5})
	if got := out.Reply.GetEventPulledInteractions().InteractionIds; !slices.Equal(got, []string{"c", "b"}) {
		t.Errorf("pulled are %v; the others are held or not shown", got)
	}
	w.must(admin, Apply{options(&usherv1.Options{PullWhileRouting: new(false)})})
	w.must(media, &usherv1.RequestResume{InteractionId: "d"})
	out = w.must(agent1, &usherv1.RequestPull{Source: &usherv1.RequestPull_View{View: "v"}})
	if got := out.Reply.GetEventPulledInteractions().InteractionIds; len(got) != 0 {
		t.Errorf("pulled from the router is %v", got)
	}
	w.checkFold()
}

func TestPullFromViewRefused(t *testing.T) {
	w := viewed(t, &usherv1.View{Queue: "inbound"})
	for _, test := range []struct {
		request *usherv1.RequestPull
		code    usherv1.ErrorCode
	}{
		{&usherv1.RequestPull{Source: &usherv1.RequestPull_View{View: "none"}}, errUnknownObject},
		{&usherv1.RequestPull{Source: &usherv1.RequestPull_View{View: "v"}, InteractionId: "a"}, errInvalidArgument},
		{&usherv1.RequestPull{Source: &usherv1.RequestPull_View{View: "v"}, Count: 101}, errInvalidArgument},
		{&usherv1.RequestPull{Source: &usherv1.RequestPull_View{View: "v"}, Count: -1}, errInvalidArgument},
	} {
		if out := w.ask(agent1, test.request); out.Err.GetCode() != test.code {
			t.Errorf("%v: %v", test.request, out.Err)
		}
	}
}

// TestQueueHandsOutItsView: routers get what the view shows, in its order.
func TestQueueHandsOutItsView(t *testing.T) {
	w := viewed(t, &usherv1.View{Queue: "second", Condition: "data.k > 0.0", Order: ordered("-user_data.k")})
	for n, id := range []string{"a", "b", "c"} {
		submitted(w, id, "second", 0, map[string]any{"k": n})
	}
	routed := func(out Output) (ids []string) {
		for _, entry := range out.Entries {
			if entry.Event.GetEventRouteRequest() != nil {
				ids = append(ids, entry.Event.InteractionId)
			}
		}
		return ids
	}
	queue := &usherv1.Queue{Name: "second", Strategy: "test", View: "v"}
	if got := routed(w.must(admin, Apply{giving(&usherv1.Configuration{Queues: []*usherv1.Queue{queue}})})); !slices.Equal(got, []string{"c", "b"}) {
		t.Errorf("handed out are %v", got)
	}
	got := routed(w.must(media, &usherv1.RequestChangeProperties{InteractionId: "a", UserData: data(t, map[string]any{"k": 5})}))
	if !slices.Equal(got, []string{"a"}) {
		t.Errorf("what comes into the view is not handed out: %v", got)
	}
	w.checkFold()
}

// TestViewIsRebuilt: a changed configuration shows at once what it should,
// also of what is with routers.
func TestViewIsRebuilt(t *testing.T) {
	w := viewed(t, &usherv1.View{Queue: "inbound"})
	for n, queue := range []string{"inbound", "inbound", "external", "external"} {
		submitted(w, fmt.Sprint("i", n), queue, 0, map[string]any{"k": n})
	}
	for _, test := range []struct {
		view *usherv1.View
		want string
	}{
		{&usherv1.View{Queue: "inbound", Order: ordered("-user_data.k")}, "i1 i0"},
		{&usherv1.View{Queue: "inbound", Condition: "data.k == 1.0"}, "i1"},
		{&usherv1.View{Queue: "external", Order: ordered("-user_data.k")}, "| i3 i2"},
		{&usherv1.View{Queue: "second"}, ""},
		{&usherv1.View{Queue: "inbound"}, "i0 i1"},
	} {
		test.view.Name = "v"
		w.must(admin, Apply{giving(&usherv1.Configuration{Views: []*usherv1.View{test.view}})})
		if got := shown(w, "v"); got != test.want {
			t.Errorf("%v: %q, want %q", test.view, got, test.want)
		}
	}
	w.must(admin, Apply{removing("view", "v")})
	if w.e.view("v") != nil {
		t.Error("it is still there")
	}
	w.checkFold()
}
