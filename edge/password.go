package edge

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The cost of a password's hash, and the limits of a password.
const (
	argonMemoryKiB   = 19 * 1024
	argonTime        = 2
	argonThreads     = 1
	argonSaltBytes   = 16
	argonKeyBytes    = 32
	passwordMinBytes = 8
	passwordMaxBytes = 256
)

// The largest cost that a stored hash may ask for.
const (
	argonMaxMemoryKiB = 256 * 1024
	argonMaxTime      = 16
	argonMaxThreads   = 16
)

// passwords hashes and verifies. Each hash takes 19 MiB and some 20 ms of a
// core, so only a few are made at a time and few may wait. Strangers stand in a
// line of their own: whoever tries passwords keeps no agent from logging in
// where he always does.
type passwords struct {
	known     turns
	strangers turns
	memory    uint32 // KiB
	random    func([]byte)
	// decoy is verified against when there is no agent, so that the answer
	// takes as long.
	decoy string
}

func newPasswords(waiting int, memoryKiB uint32) *passwords {
	p := &passwords{
		known:     newTurns(waiting),
		strangers: newTurns(waiting),
		memory:    memoryKiB,
		random:    func(b []byte) { _, _ = rand.Read(b) },
	}
	p.decoy = p.compute(rand.Text())
	return p
}

// turns are a line of those who want a password to be worked on.
type turns struct{ working, waiting chan struct{} }

func newTurns(waiting int) turns {
	return turns{working: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), waiting: make(chan struct{}, waiting)}
}

// wait waits until a password may be worked on; the caller calls done.
func (t turns) wait(ctx context.Context) (done func(), err error) {
	select {
	case t.waiting <- struct{}{}:
	default:
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many logins at once; try again")
	}
	defer func() { <-t.waiting }()
	select {
	case t.working <- struct{}{}:
		return func() { <-t.working }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// verify tells whether password is the one that was hashed, when it is the
// asker's turn. With no hash it is false, after the same work.
func (p *passwords) verify(ctx context.Context, of turns, hash, password string) (bool, error) {
	done, err := of.wait(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	if hash == "" {
		_, _ = verifyPHC(p.decoy, password)
		return false, nil
	}
	return verifyPHC(hash, password)
}

// hash makes the hash that is stored in place of password.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	done, err := p.known.wait(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return p.compute(password), nil
}

func (p *passwords) compute(password string) string {
	salt := make([]byte, argonSaltBytes)
	p.random(salt)
	key := argon2.IDKey([]byte(password), salt, argonTime, p.memory, argonThreads, argonKeyBytes)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.memory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

var errPHC = errors.New("edge: a stored password hash is malformed")

// verifyPHC verifies against a hash in the PHC string format, with the cost
// that the hash names.
func verifyPHC(hash, password string) (bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, errPHC
	}
	var memory, time uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil {
		return false, errPHC
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	key, errKey := base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || len(key) < 16 || len(key) > 64 {
		return false, errPHC
	}
	if memory > argonMaxMemoryKiB || time == 0 || time > argonMaxTime || threads == 0 || threads > argonMaxThreads {
		return false, errPHC
	}
	got := argon2.IDKey([]byte(password), salt, time, memory, threads, uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1, nil
}
