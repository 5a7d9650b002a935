package media

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The forms of tokens. What follows the prefix is sealed: it can be neither
// read nor changed without the server's key.
const (
	// SessionTokenPrefix is how the token of a session begins.
	SessionTokenPrefix = "uss_"
	// CustomerTokenPrefix is how a customer token begins.
	CustomerTokenPrefix = "usc_"

	// KeyFile is the file of the data folder that holds the server's key.
	KeyFile  = "sessions.key"
	keyBytes = 32

	customerTokenMaxBytes = 32 << 10
	sessionTokenMaxBytes  = 1 << 10

	sessionTokenValid  = 24 * time.Hour // as long as a conversation can be read after its end
	customerTokenValid = 10 * time.Minute
	customerTokenMax   = time.Hour
)

var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// keys are what tokens and ids are made with, each derived from the server's
// key for its own purpose.
type keys struct {
	session   cipher.AEAD
	customer  cipher.AEAD
	reference []byte
}

func newKeys(master []byte) (*keys, error) {
	if len(master) != keyBytes {
		return nil, fmt.Errorf("the key of sessions has %d bytes, not %d", len(master), keyBytes)
	}
	k := &keys{}
	for purpose, to := range map[string]*cipher.AEAD{"usher session token": &k.session, "usher customer token": &k.customer} {
		key, err := hkdf.Key(sha256.New, master, nil, purpose, keyBytes)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if *to, err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
	}
	reference, err := hkdf.Key(sha256.New, master, nil, "usher session reference", keyBytes)
	k.reference = reference
	return k, err
}

// Key reads the server's key from a data folder, or makes it there. Without a
// folder it is a new one each time, and tokens end with the process.
func Key(dir string) ([]byte, error) {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails
	if dir == "" {
		return key, nil
	}
	name := filepath.Join(dir, KeyFile)
	found, err := os.ReadFile(name)
	switch {
	case err == nil && len(found) == keyBytes:
		return found, nil
	case err == nil:
		return nil, fmt.Errorf("%s has %d bytes, not %d: remove it, and all customers' tokens become useless", name, len(found), keyBytes)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the key of sessions: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := writeDurably(name, key); err != nil {
		return nil, fmt.Errorf("write the key of sessions: %w", err)
	}
	return key, nil
}

// writeDurably writes a small file that is there wholly or not at all.
func writeDurably(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone once it is renamed
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// sessionClaims are what a session's token says.
type sessionClaims struct {
	tenant, site, session string
	expires               time.Time
}

// customerClaims are what a customer token says.
type customerClaims struct {
	tenant   string
	expires  time.Time
	customer *usherv1.CreateCustomerTokenRequest
}

// errToken: a token is wrong, or of another time.
var errToken = errors.New("media: the token is wrong or expired")

func seal(to cipher.AEAD, prefix string, claims []byte) string {
	return prefix + lower.EncodeToString(to.Seal(nil, nil, claims, []byte(prefix)))
}

// open gives what was sealed, without its expiry.
func open(from cipher.AEAD, prefix, token string, maxBytes int, now time.Time) (claims []byte, expires time.Time, err error) {
	text, ok := strings.CutPrefix(token, prefix)
	if !ok || len(token) > maxBytes {
		return nil, expires, errToken
	}
	sealed, err := lower.DecodeString(text)
	if err != nil || lower.EncodeToString(sealed) != text { // one token has one spelling
		return nil, expires, errToken
	}
	claims, err = from.Open(nil, nil, sealed, []byte(prefix))
	if err != nil || len(claims) < 8 {
		return nil, expires, errToken
	}
	expires = time.UnixMilli(int64(binary.BigEndian.Uint64(claims)))
	if !now.Before(expires) {
		return nil, expires, errToken
	}
	return claims[8:], expires, nil
}

// appendText appends a text with its length.
func appendText(to []byte, text string) []byte {
	to = binary.AppendUvarint(to, uint64(len(text)))
	return append(to, text...)
}

// cutText takes a text with its length.
func cutText(from []byte) (text string, rest []byte, ok bool) {
	n, used := binary.Uvarint(from)
	if used <= 0 || n > uint64(len(from)-used) {
		return "", nil, false
	}
	from = from[used:]
	return string(from[:n]), from[n:], true
}

// sessionToken makes the token of a session.
func (k *keys) sessionToken(c sessionClaims) string {
	claims := binary.BigEndian.AppendUint64(nil, uint64(c.expires.UnixMilli()))
	claims = appendText(claims, c.tenant)
	claims = appendText(claims, c.site)
	return seal(k.session, SessionTokenPrefix, append(claims, c.session...))
}

// openSession reads the token of a session.
func (k *keys) openSession(token string, now time.Time) (sessionClaims, error) {
	claims, expires, err := open(k.session, SessionTokenPrefix, token, sessionTokenMaxBytes, now)
	if err != nil {
		return sessionClaims{}, err
	}
	c := sessionClaims{expires: expires}
	tenant, rest, ok := cutText(claims)
	site, session, ok2 := cutText(rest)
	if !ok || !ok2 {
		return sessionClaims{}, errToken
	}
	c.tenant, c.site, c.session = tenant, site, string(session)
	return c, nil
}

// customerToken makes the token of a customer.
func (k *keys) customerToken(c customerClaims) (string, error) {
	customer, err := proto.Marshal(c.customer)
	if err != nil {
		return "", err
	}
	claims := binary.BigEndian.AppendUint64(nil, uint64(c.expires.UnixMilli()))
	return seal(k.customer, CustomerTokenPrefix, append(appendText(claims, c.tenant), customer...)), nil
}

// openCustomer reads the token of a customer.
func (k *keys) openCustomer(token string, now time.Time) (customerClaims, error) {
	claims, expires, err := open(k.customer, CustomerTokenPrefix, token, customerTokenMaxBytes, now)
	if err != nil {
		return customerClaims{}, err
	}
	tenant, customer, ok := cutText(claims)
	c := customerClaims{tenant: tenant, expires: expires, customer: &usherv1.CreateCustomerTokenRequest{}}
	if !ok || proto.Unmarshal(customer, c.customer) != nil {
		return customerClaims{}, errToken
	}
	return c, nil
}

// idBytes is the length of a session's id: 128 bits that nobody guesses.
const idBytes = 16

// What the ids of sessions and callbacks begin with. It tells which of both an
// interaction is: all else of it agents may change.
const (
	sessionPrefix  = "s-"
	callbackPrefix = "c-"
)

// interactionID makes the id of a session or callback: the same of the same
// reference id of the same customer, so that whoever asks again finds it, also
// after a restart, and a random one without reference id.
func (k *keys) interactionID(prefix, tenant, site, customer, reference string) string {
	var id []byte
	if reference == "" {
		id = make([]byte, idBytes)
		_, _ = rand.Read(id) // never fails
	} else {
		h := hmac.New(sha256.New, k.reference)
		var text []byte
		for _, part := range []string{tenant, site, customer, reference} {
			text = appendText(text, part)
		}
		_, _ = h.Write(text) // never fails
		id = h.Sum(nil)[:idBytes]
	}
	return prefix + lower.EncodeToString(id)
}
