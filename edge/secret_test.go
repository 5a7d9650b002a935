package edge

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

const theSecret = "hunter2-hunter2"

// withSecrets puts theSecret into every secret field of a message, however
// deep, and tells whether there is one.
func withSecrets(m protoreflect.Message, depth int) bool {
	found := false
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		secret, _ := proto.GetExtension(field.Options(), usherv1.E_Secret).(bool)
		switch {
		case secret:
			m.Set(field, protoreflect.ValueOfString(theSecret))
			found = true
		case field.Message() == nil || field.IsMap() || depth == 0:
		case field.IsList():
			list := m.Mutable(field).List()
			if inner := list.NewElement(); withSecrets(inner.Message(), depth-1) {
				list.Append(inner)
				found = true
			}
		case field.ContainingOneof() == nil:
			if inner := m.NewField(field); withSecrets(inner.Message(), depth-1) {
				m.Set(field, inner)
				found = true
			}
		}
	}
	return found
}

// TestSecretsStayInside gives a secret in every field that the protocol marks
// as one, well-formed and malformed, and looks for it in the log and in all
// that the center is told.
func TestSecretsStayInside(t *testing.T) {
	var log bytes.Buffer
	fake := newFake()
	key := fake.key(center.SystemTenant, "root", usherv1.Role_ROLE_ADMIN)
	_, url := serve(t, Options{
		Center: fake, SetupTokenHash: HashCredential("another"),
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	tried := 0
	for _, service := range services() {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			m := dynamicpb.NewMessage(method.Input())
			if !withSecrets(m, 4) {
				continue
			}
			tried++
			body, err := protojson.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			garbage := strings.ReplaceAll(string(body), `"`+theSecret+`"`, `["`+theSecret+`"]`)
			for _, body := range []string{string(body), garbage, theSecret} {
				r, err := http.NewRequest(http.MethodPost, url+procedure(method), strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer "+key)
				postJSON(t, r)
			}
			r, err := http.NewRequest(http.MethodPost, url+procedure(method), strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+theSecret)
			postJSON(t, r)
		}
	}
	if tried != 5 {
		t.Errorf("%d methods take secrets: see whether this test gives them all", tried)
	}
	if !strings.Contains(log.String(), "InvalidArgument") || strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), key) {
		t.Error(log.String())
	}
	var told strings.Builder
	for _, r := range fake.requests() {
		body := r.Body
		if apply, ok := body.(engine.Apply); ok {
			body = apply.Request
		}
		fmt.Fprintln(&told, body)
	}
	if !strings.Contains(told.String(), "argon2id") || strings.Contains(told.String(), "hunter2") {
		t.Error(told.String())
	}
}
