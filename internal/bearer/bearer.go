// Package bearer is an HTTP client with a credential. It promises to send the
// credential only with the requests that are made through it, and never along
// with a redirection.
package bearer

import (
	"net/http"

	"connectrpc.com/connect"
)

// Client is an HTTP client that sends a credential with every request.
func Client(credential string) connect.HTTPClient { return client(credential) }

type client string

// direct follows no redirection: the protocols know none.
var direct = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Do sends a request with the credential.
func (c client) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+string(c))
	return direct.Do(r)
}
