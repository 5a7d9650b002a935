package center

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// answerKey is the scope of a reference id, and the id.
type answerKey struct {
	tenant    string
	from      engine.Participant
	reference string
}

// answer is a remembered request. It is not changed after it was settled, so
// that a snapshot may be written while the writer goes on.
type answer struct {
	key     answerKey
	hash    [sha256.Size]byte
	request string
	timeMs  engine.Millis // of the answer; of the request while it is pending
	event   []byte        // the encoded answer; nil while it is pending
}

// kept tells whether somebody may repeat the request after its answer.
func (a *answer) kept() bool { return a.hash != [sha256.Size]byte{} }

// answers remembers what was answered to which request: a fold of the causes
// and answers in the journal. What is pending is never forgotten; what was
// answered is, when it gets too old or too much.
type answers struct {
	keepMs  engine.Millis
	limit   int
	byKey   map[answerKey]*answer
	pending map[answerKey]*answer
	settled []*answer // in order of answering
}

func newAnswers(keepMs int64, limit int) *answers {
	return &answers{
		keepMs: engine.Millis(keepMs), limit: limit,
		byKey: map[answerKey]*answer{}, pending: map[answerKey]*answer{},
	}
}

// find gives the remembered request, or nil.
func (a *answers) find(key answerKey, now engine.Millis) *answer {
	found := a.byKey[key]
	if found == nil || found.event != nil && found.timeMs+a.keepMs <= now {
		return nil
	}
	return found
}

// begin remembers a request that was decided and is not answered yet. Only
// here is forgotten what is too old or too much, so that replaying gives the
// same. An empty hash says that the client gave no reference id: what is
// remembered under the server's is forgotten with its answer.
func (a *answers) begin(key answerKey, hash []byte, request string, now engine.Millis) {
	if key.reference == "" || key.from == engine.BuiltinRouter {
		return // nobody will repeat it
	}
	p := &answer{key: key, request: request, timeMs: now}
	copy(p.hash[:], hash)
	a.byKey[key], a.pending[key] = p, p
	for len(a.settled) > 0 && (p.kept() && len(a.settled) >= a.limit || a.settled[0].timeMs+a.keepMs <= now) {
		old := a.settled[0]
		if a.byKey[old.key] == old {
			delete(a.byKey, old.key)
		}
		a.settled[0] = nil
		a.settled = a.settled[1:]
	}
}

// settle remembers the answer to a request that was begun.
func (a *answers) settle(key answerKey, event []byte, now engine.Millis) {
	p := a.pending[key]
	if p == nil {
		return
	}
	delete(a.pending, key)
	if !p.kept() {
		delete(a.byKey, key)
		return
	}
	p.event, p.timeMs = event, now
	a.settled = append(a.settled, p)
}

// export gives what is remembered, in an order that depends on nothing else.
func (a *answers) export() []*answer {
	all := make([]*answer, 0, len(a.pending)+len(a.settled))
	for _, p := range a.pending {
		c := *p // it will be settled while the snapshot is written
		all = append(all, &c)
	}
	slices.SortFunc(all, func(x, y *answer) int {
		return cmp.Or(
			cmp.Compare(x.timeMs, y.timeMs),
			cmp.Compare(x.key.tenant, y.key.tenant),
			cmp.Compare(x.key.from.Kind, y.key.from.Kind),
			cmp.Compare(x.key.from.ID, y.key.from.ID),
			cmp.Compare(x.key.reference, y.key.reference))
	})
	return append(all, a.settled...)
}

// load takes what export gave.
func (a *answers) load(all []*answer) {
	for _, x := range all {
		a.byKey[x.key] = x
		if x.event == nil {
			a.pending[x.key] = x
		} else {
			a.settled = append(a.settled, x)
		}
	}
}

// The numbers of the fields of AnswerState and of StateSnapshot, which are
// framed by hand so that answers stay as they were encoded.
const (
	fieldAnswers         = 2 // StateSnapshot
	fieldAnswerTenant    = 1 // AnswerState
	fieldAnswerPrincipal = 2
	fieldAnswerReference = 3
	fieldAnswerHash      = 4
	fieldAnswerTime      = 5
	fieldAnswerEvent     = 6
	fieldAnswerRequest   = 7
)

// appendAnswer appends a field answers of StateSnapshot.
func appendAnswer(to []byte, x *answer, scratch []byte) (out, scratchOut []byte) {
	s := scratch[:0]
	s = protowire.AppendTag(s, fieldAnswerTenant, protowire.BytesType)
	s = protowire.AppendString(s, x.key.tenant)
	s = protowire.AppendTag(s, fieldAnswerPrincipal, protowire.BytesType)
	s = protowire.AppendVarint(s, uint64(sizeParticipant(x.key.from)))
	s = appendParticipant(s, x.key.from)
	s = protowire.AppendTag(s, fieldAnswerReference, protowire.BytesType)
	s = protowire.AppendString(s, x.key.reference)
	s = protowire.AppendTag(s, fieldAnswerHash, protowire.BytesType)
	s = protowire.AppendBytes(s, x.hash[:])
	s = protowire.AppendTag(s, fieldAnswerTime, protowire.VarintType)
	s = protowire.AppendVarint(s, uint64(x.timeMs))
	if x.event != nil {
		s = protowire.AppendTag(s, fieldAnswerEvent, protowire.BytesType)
		s = protowire.AppendBytes(s, x.event)
	}
	s = protowire.AppendTag(s, fieldAnswerRequest, protowire.BytesType)
	s = protowire.AppendString(s, x.request)
	to = protowire.AppendTag(to, fieldAnswers, protowire.BytesType)
	return protowire.AppendBytes(to, s), s
}

// parseAnswer reads an AnswerState.
func parseAnswer(raw []byte) (*answer, error) {
	var event []byte
	var rest []byte // all but the event, to be decoded as usual
	err := eachRawField(raw, func(number protowire.Number, field, value []byte) error {
		if number == fieldAnswerEvent {
			event = slices.Clone(value)
		} else {
			rest = append(rest, field...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var s usherv1.AnswerState
	if err := proto.Unmarshal(rest, &s); err != nil {
		return nil, fmt.Errorf("remembered answer: %w", err)
	}
	x := &answer{
		key:     answerKey{s.TenantId, engine.ParticipantOf(s.Principal), s.ReferenceId},
		request: s.Request, timeMs: engine.Millis(s.TimeMs), event: event,
	}
	copy(x.hash[:], s.BodyHash)
	return x, nil
}

// bodyHash is the SHA-256 sum of a request. No request with a reference id has
// a secret field; a test holds that.
func bodyHash(m proto.Message) []byte {
	raw, err := encoding.Marshal(m)
	if err != nil {
		return nil // text that is not UTF-8; the writer refuses it
	}
	h := sha256.New()
	h.Write([]byte(m.ProtoReflect().Descriptor().Name()))
	h.Write([]byte{0})
	h.Write(raw)
	return h.Sum(nil)
}
