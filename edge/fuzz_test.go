package edge

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// FuzzRequest gives any bytes as the body of any method that answers once, in
// any encoding: the server never panics, and what is not answered is refused
// with an EventError.
func FuzzRequest(f *testing.F) {
	fake := newFake()
	s := New(Options{Center: fake, Limits: Limits{
		RequestBytes: 4096, RequestsPerSecond: 1e9, RequestBurst: 1e9, LoginsPerAddress: 1e-9, LoginBurstAddress: 1,
	}})
	// A credential for everything, so that the body is what decides.
	key := fake.key(DefaultTenant, "fuzz", usherv1.Role_ROLE_MEDIA)
	var procedures []string
	for _, service := range services() {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			if !method.IsStreamingServer() && method.Name() != "ApplyConfiguration" {
				p := procedure(method)
				procedures = append(procedures, p)
				s.permissions[p] = permission{roles: ^uint64(0)}
			}
		}
	}
	submit, err := proto.Marshal(&usherv1.RequestSubmit{ReferenceId: "r", MediaType: "chat"})
	if err != nil {
		f.Fatal(err)
	}
	for n, body := range [][]byte{
		[]byte("{}"), []byte(`{"referenceId":"r","userData":{"a":[1,{"b":null}]}}`), submit, []byte("\x0a\x01\xff"), gzipped([]byte("{}")), nil,
	} {
		f.Add(uint8(n), uint8(n), body)
	}
	types := []string{"application/json", "application/proto", "application/json; charset=utf-8"}
	f.Fuzz(func(t *testing.T, which, how uint8, body []byte) {
		r := httptest.NewRequest(http.MethodPost, procedures[int(which)%len(procedures)], bytes.NewReader(body))
		r.Header.Set("Content-Type", types[int(how)%len(types)])
		r.Header.Set("Authorization", "Bearer "+key)
		if how&0x80 != 0 {
			r.Header.Set("Content-Encoding", "gzip")
		}
		answer := httptest.NewRecorder()
		s.Handler().ServeHTTP(answer, r)
		if answer.Code == http.StatusOK {
			return
		}
		var e wireError
		if err := json.Unmarshal(answer.Body.Bytes(), &e); err != nil || len(e.Details) != 1 || e.Details[0].Debug.Name == "" {
			t.Fatalf("%s: %d %s", r.URL, answer.Code, answer.Body)
		}
		if e.Details[0].Debug.Name == "Internal" && answer.Code != http.StatusInternalServerError {
			t.Fatalf("%s: %d %s", r.URL, answer.Code, answer.Body)
		}
	})
}
