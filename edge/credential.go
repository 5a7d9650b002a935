package edge

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// The forms of credentials. Both end in 256 bits of randomness, so that the
// SHA-256 by which they are stored and looked up needs no salt.
const (
	apiKeyPrefix       = "usk_"
	sessionTokenPrefix = "ust_"
	setupTokenPrefix   = "usu_"

	secretBytes        = 32
	apiKeyIDBytes      = 10
	credentialMaxBytes = 1024 // a session's token says tenant, site and session
)

// lower is base32 in lower case, which a shell, a URL and a double click all
// take whole.
var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func randomText(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return lower.EncodeToString(b)
}

// NewAPIKey makes an API key: its id, the key to hand out, and the hash to
// store.
func NewAPIKey() (id, key string, hash []byte) {
	id = randomText(apiKeyIDBytes)
	key = apiKeyPrefix + id + "_" + randomText(secretBytes)
	return id, key, HashCredential(key)
}

// NewSetupToken makes the one-time token that is printed at the first start,
// and the hash for Options.SetupTokenHash.
func NewSetupToken() (token string, hash []byte) {
	token = setupTokenPrefix + randomText(secretBytes)
	return token, HashCredential(token)
}

func newSessionToken() (token string, hash []byte) {
	token = sessionTokenPrefix + randomText(secretBytes)
	return token, HashCredential(token)
}

// HashCredential is what is stored of an API key or a token, and by which it
// is looked up.
func HashCredential(credential string) []byte {
	sum := sha256.Sum256([]byte(credential))
	return sum[:]
}

// bearer is the credential in an Authorization header; empty if there is none
// that could be one.
func bearer(header string) string {
	scheme, credential, _ := strings.Cut(header, " ")
	credential = strings.TrimSpace(credential)
	if !strings.EqualFold(scheme, "Bearer") || len(credential) > credentialMaxBytes {
		return ""
	}
	return credential
}
