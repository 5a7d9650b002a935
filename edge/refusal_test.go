package edge

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

func TestEveryErrorCodeHasACode(t *testing.T) {
	for number, name := range usherv1.ErrorCode_name {
		code, ok := connectCodes[usherv1.ErrorCode(number)]
		if (number != 0) != ok || (ok && code == 0) {
			t.Errorf("%s: %v, %v", name, code, ok)
		}
	}
}

func TestRefusalNames(t *testing.T) {
	r := refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_API_KEY, "x")
	if r.Event.Name != "UnknownApiKey" || r.Error() != "UnknownApiKey: x" {
		t.Error(r.Event.Name, r)
	}
	if got := asRefusal(errors.New("a secret")); got.Event.Code != usherv1.ErrorCode_ERROR_CODE_INTERNAL || strings.Contains(got.Error(), "secret") {
		t.Errorf("an unknown error leaves as %v", got)
	}
	if got := refusalOf(&usherv1.EventError{Code: 9999}); got.Event.Code != usherv1.ErrorCode_ERROR_CODE_INTERNAL {
		t.Errorf("an unknown code leaves as %v", got)
	}
}

// wireError is an error as a JSON client sees it.
type wireError struct {
	Code    string
	Message string
	Details []struct {
		Type  string
		Debug struct {
			Code, Name, Description, ReferenceID, InteractionID string
		}
	}
}

// postJSON calls a method over HTTP/1.1 and gives the status and the error.
func postJSON(t *testing.T, r *http.Request) (int, wireError) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var e wireError
	if answer.StatusCode != http.StatusOK {
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatalf("%d %s: %v", answer.StatusCode, body, err)
		}
	}
	return answer.StatusCode, e
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// TestRefusalsOfTheWire sends what is no proper request: each is refused with
// an EventError.
func TestRefusalsOfTheWire(t *testing.T) {
	fake := newFake()
	key := fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA)
	_, url := serve(t, Options{Center: fake})
	submit := url + "/usher.v1.InteractionManagement/Submit"
	deep := `{"userData":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `}`
	tests := []struct {
		name, method, url, contentType, encoding string
		body                                     []byte
		want                                     string
	}{
		{"unknown method", "POST", url + "/usher.v1.InteractionManagement/Nothing", "application/json", "", []byte("{}"), "InvalidArgument"},
		{"unknown path", "POST", url + "/", "application/json", "", []byte("{}"), "InvalidArgument"},
		{"get", "GET", submit, "", "", nil, "InvalidArgument"},
		{"content type", "POST", submit, "text/plain", "", []byte("{}"), "InvalidArgument"},
		{"garbage", "POST", submit, "application/json", "", []byte("{garbage"), "InvalidArgument"},
		{"empty", "POST", submit, "application/json", "", nil, "InvalidArgument"},
		{"binary garbage", "POST", submit, "application/proto", "", []byte("\xff\xff\xff"), "InvalidArgument"},
		{"invalid UTF-8", "POST", submit, "application/proto", "", []byte("\x0a\x01\xff"), "InvalidArgument"},
		{"invalid UTF-8 in JSON", "POST", submit, "application/json", "", []byte("{\"queue\":\"\xff\"}"), "InvalidArgument"},
		{"deep", "POST", submit, "application/json", "", []byte(deep), "InvalidArgument"},
		{"large", "POST", submit, "application/json", "", bytes.Repeat([]byte(" "), 300<<10), "TooLarge"},
		{"large inside", "POST", submit, "application/json", "gzip", gzipped(bytes.Repeat([]byte(" "), 10<<20)), "TooLarge"},
		{"not compressed", "POST", submit, "application/json", "gzip", []byte("{}"), "InvalidArgument"},
		{"long reference id", "POST", submit, "application/json", "", []byte(`{"referenceId":"` + strings.Repeat("x", 129) + `"}`), "InvalidArgument"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequest(test.method, test.url, bytes.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set("Content-Type", test.contentType)
			if test.encoding != "" {
				r.Header.Set("Content-Encoding", test.encoding)
			}
			status, e := postJSON(t, r)
			if status < 400 || len(e.Details) != 1 || e.Details[0].Debug.Name != test.want || e.Details[0].Debug.Description == "" {
				t.Errorf("%d %+v", status, e)
			}
		})
	}
	if n := len(fake.requests()); n != 0 {
		t.Errorf("%d of them reached the center", n)
	}
}

// TestSessionNeedsHTTP2 says so, where the protocol alone would hang up.
func TestSessionNeedsHTTP2(t *testing.T) {
	_, url := serve(t, Options{Center: newFake()})
	answer, err := http.Post(url+"/usher.v1.InteractionManagement/Session", "application/connect+json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Contains(body, []byte(`"name":"InvalidArgument"`)) && !bytes.Contains(body, []byte(`"name": "InvalidArgument"`)) {
		t.Error(string(body), err)
	}
}

// TestErrorsForJSON sees to it that a JSON client gets the whole EventError of
// the center.
func TestErrorsForJSON(t *testing.T) {
	fake := newFake()
	shared := &usherv1.EventError{
		Code: usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION, Description: "there is no interaction \"i1\"", InteractionId: "i1",
	}
	fake.answer = func(center.Request) center.Reply { return center.Reply{Sequence: 7, Err: shared} }
	_, url := serve(t, Options{Center: fake})
	r, err := http.NewRequest(http.MethodPost, url+"/usher.v1.InteractionManagement/StopProcessing",
		strings.NewReader(`{"referenceId":"r1","interactionId":"i1"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA))
	status, e := postJSON(t, r)
	if status != http.StatusNotFound || e.Code != "not_found" || len(e.Details) != 1 {
		t.Fatalf("%d %+v", status, e)
	}
	d := e.Details[0].Debug
	if d.Code != "ERROR_CODE_UNKNOWN_INTERACTION" || d.Name != "UnknownInteraction" || d.ReferenceID != "r1" || d.InteractionID != "i1" {
		t.Errorf("%+v", d)
	}
	if shared.Name != "" || shared.ReferenceId != "" {
		t.Error("the center's EventError was changed")
	}
}

func TestAckIsFilledFromTheEnvelope(t *testing.T) {
	fake := newFake()
	fake.answer = func(r center.Request) center.Reply {
		return center.Reply{Sequence: 9, TimeMs: 5, Event: &usherv1.Event{
			Sequence: 9, TimeMs: 5, ReferenceId: "made", InteractionId: "i9",
			Message: &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}},
		}}
	}
	_, url := serve(t, Options{Center: fake})
	client := connect.NewClient[usherv1.RequestSubmit, usherv1.EventAck](h2c(t), url+"/usher.v1.InteractionManagement/Submit", connect.WithGRPC())
	r := connect.NewRequest(&usherv1.RequestSubmit{})
	r.Header().Set("Authorization", "Bearer "+fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA))
	answer, err := client.CallUnary(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if a := answer.Msg; a.Sequence != 9 || a.TimeMs != 5 || a.ReferenceId != "made" || a.InteractionId != "i9" {
		t.Error(a)
	}
}

// TestPanic shows that a fault in one request is an EventError, and that the
// server goes on.
func TestPanic(t *testing.T) {
	fake := newFake()
	fake.answer = func(center.Request) center.Reply { panic("a fault") }
	_, url := serve(t, Options{Center: fake})
	key := fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA)
	for range 2 {
		if e := grpc(t, h2c(t), url, "/usher.v1.InteractionManagement/Submit", key); e.GetCode() != usherv1.ErrorCode_ERROR_CODE_INTERNAL {
			t.Error(e)
		}
	}
}
