package center

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// state is the fold of the journal: what the writer decides by.
type state struct {
	tenants     map[string]*tenant
	order       []*tenant // sorted by id
	answers     *answers
	credentials *credentials
	next        engine.Sequence // what the next entry gets
	recorded    engine.Millis   // time of the last record
}

// tenant is one tenant's engine and router.
type tenant struct {
	id     string
	engine *engine.Engine
	router Router
	due    engine.Millis // when engine or router want to be called; 0 for never
	// unrouted says that the router may have something to say.
	unrouted bool
}

func newState(o *Options) *state {
	return &state{
		tenants: map[string]*tenant{}, answers: newAnswers(o.AnswerMs, o.MaxAnswers),
		credentials: newCredentials(), next: 1,
	}
}

func (s *state) addTenant(id string, e *engine.Engine, r Router) {
	t := &tenant{id: id, engine: e, router: r, unrouted: true}
	s.tenants[id] = t
	at, _ := slices.BinarySearchFunc(s.order, t.id, func(t *tenant, id string) int { return cmp.Compare(t.id, id) })
	s.order = slices.Insert(s.order, at, t)
}

// export is the fold at one moment, before it is encoded.
type export struct {
	state   *usherv1.StateSnapshot // without the answers
	answers []*answer
	next    uint64
}

func (s *state) export() *export {
	x := &export{state: &usherv1.StateSnapshot{}, answers: s.answers.export(), next: uint64(s.next)}
	for _, t := range s.order {
		x.state.Tenants = append(x.state.Tenants, t.engine.Export())
	}
	s.credentials.export(x.state, s.recorded)
	return x
}

// encode gives the payload of a snapshot.
func (x *export) encode() ([]byte, error) {
	raw, err := encoding.Marshal(x.state)
	if err != nil {
		return nil, fmt.Errorf("encode the state: %w", err)
	}
	var scratch []byte
	for _, a := range x.answers {
		raw, scratch = appendAnswer(raw, a, scratch)
	}
	return raw, nil
}

// load makes the state that a snapshot holds.
func (s *state) load(snapshot *journal.Snapshot, newRouter func() Router) error {
	if snapshot.Schema != schema {
		return fmt.Errorf("the snapshot has schema %d, this program knows %d", snapshot.Schema, schema)
	}
	var rest []byte // all but the answers, to be decoded as usual
	var answers []*answer
	err := eachRawField(snapshot.Payload, func(number protowire.Number, raw, value []byte) error {
		if number != fieldAnswers {
			rest = append(rest, raw...)
			return nil
		}
		a, err := parseAnswer(value)
		answers = append(answers, a)
		return err
	})
	if err != nil {
		return fmt.Errorf("decode the snapshot: %w", err)
	}
	var all usherv1.StateSnapshot
	if err := proto.Unmarshal(rest, &all); err != nil {
		return fmt.Errorf("decode the snapshot: %w", err)
	}
	s.credentials.load(&all)
	s.answers.load(answers)
	for _, t := range all.Tenants {
		s.addTenant(t.TenantId, engine.Load(t), newRouter())
	}
	s.next, s.recorded = engine.Sequence(snapshot.Head.Next), engine.Millis(snapshot.Head.Time)
	return nil
}

// fold takes one stored record.
func (s *state) fold(r *storedRecord, newRouter func() Router) error {
	if r.first != uint64(s.next) {
		return fmt.Errorf("record has sequence %d instead of %d", r.first, s.next)
	}
	if len(r.entries) == 0 {
		return errors.New("it is empty")
	}
	now := engine.Millis(r.entries[0].timeMs())
	if c := r.cause; c != nil {
		s.answers.begin(answerKey{r.tenant, engine.ParticipantOf(c.Principal), c.ReferenceId}, c.BodyHash, c.Request, now)
	}
	for n := range r.entries {
		if err := s.foldEntry(r.tenant, &r.entries[n], now, newRouter); err != nil {
			return fmt.Errorf("entry of sequence %d: %w", s.next, err)
		}
		s.next++
	}
	s.recorded = now
	return nil
}

func (s *state) foldEntry(id string, stored *storedEntry, now engine.Millis, newRouter func() Router) error {
	if stored.answer {
		s.answers.settle(answerKey{id, stored.to[0], peek(stored.event).reference}, slices.Clone(stored.event), now)
	}
	if stored.fact == nil && !stored.reports() {
		return nil // the state does not depend on it
	}
	e, err := stored.decode()
	if err != nil {
		return err
	}
	s.foldOwn(id, e.Fact, newRouter)
	t := s.tenants[id]
	if e.Fact != nil && ownFact(e.Fact) {
		return nil
	}
	if t == nil {
		return fmt.Errorf("there is no tenant %q", id)
	}
	t.engine.Fold(s.next, &e)
	return nil
}

// foldOwn takes a fact about tenants or credentials.
func (s *state) foldOwn(id string, fact *usherv1.Fact, newRouter func() Router) {
	if fact == nil {
		return
	}
	s.credentials.fold(id, fact)
	if made := fact.GetTenantCreated(); made != nil {
		s.addTenant(made.TenantId, engine.New(made.TenantId), newRouter())
	}
}

// ownFact tells whether a fact is no business of the engine.
func ownFact(f *usherv1.Fact) bool {
	return isCredential(f) && f.GetConfigurationApplied() == nil
}

func (e *storedEntry) decode() (engine.Entry, error) {
	entry := engine.Entry{To: e.to, Answer: e.answer}
	if e.fact != nil {
		entry.Fact = &usherv1.Fact{}
		return entry, proto.Unmarshal(e.fact, entry.Fact)
	}
	entry.Event = &usherv1.Event{}
	return entry, proto.Unmarshal(e.event, entry.Event)
}

// loaded is a state rebuilt from the journal.
type loaded struct {
	*state
	head     journal.Head
	snapshot uint64 // the snapshot contained everything before this sequence
	replayed uint64
	took     time.Duration
}

// rebuild loads the newest snapshot and replays what follows it. heard gets
// every record that is replayed.
func rebuild(ctx context.Context, o *Options, heard func(*storedRecord)) (*loaded, error) {
	begun := o.Clock.Elapsed()
	l := &loaded{state: newState(o), head: journal.Genesis}
	snapshot, err := o.Journal.LoadSnapshot(ctx)
	if err != nil {
		// A journal that reaches back to its beginning needs none.
		oldest, oldestErr := o.Journal.Oldest(ctx)
		if oldestErr != nil || oldest != journal.Genesis.Next {
			return nil, err
		}
		o.Logger.Error("all snapshots are damaged; replaying the whole journal", "error", err)
	}
	if snapshot != nil {
		for _, skipped := range snapshot.Skipped {
			o.Logger.Error("a newer snapshot is damaged and was passed over", "error", skipped)
		}
		if err := l.load(snapshot, o.NewRouter); err != nil {
			return nil, err
		}
		l.head = snapshot.Head
	}
	l.snapshot = uint64(l.next)
	for b, err := range o.Journal.Read(ctx, journal.Sequence(l.next)) {
		if err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
		if err := l.replay(b, o.NewRouter, heard); err != nil {
			return nil, fmt.Errorf("replay of the batch at sequence %d: %w", b.First, err)
		}
	}
	l.replayed = uint64(l.next) - l.snapshot
	l.took = o.Clock.Elapsed() - begun
	return l, nil
}

func (l *loaded) replay(b *journal.Batch, newRouter func() Router, heard func(*storedRecord)) error {
	if b.Schema != schema {
		return fmt.Errorf("it has schema %d, this program knows %d", b.Schema, schema)
	}
	var failed error
	err := eachRecord(b.Payload, uint64(b.First), func(r *storedRecord) bool {
		failed = l.fold(r, newRouter)
		if failed == nil {
			heard(r)
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err == nil && l.next != engine.Sequence(b.Last()+1) {
		err = fmt.Errorf("its records end before sequence %d, it says %d", l.next, b.Last()+1)
	}
	l.head = b.After()
	return err
}
