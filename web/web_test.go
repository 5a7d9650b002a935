package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPages: every page is there, names files that are there, and has nothing
// inline.
func TestPages(t *testing.T) {
	names := regexp.MustCompile(`(?:src|href)="([^"]+)"`)
	for path := range pages {
		answer := get(t, path)
		page := body(t, answer)
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %s %s", path, answer.Status, answer.Header.Get("Content-Type"))
		}
		if answer.Header.Get("Cache-Control") != "no-cache" || answer.Header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s: %v", path, answer.Header)
		}
		found := names.FindAllStringSubmatch(page, -1)
		if len(found) < 3 {
			t.Errorf("%s names %d files", path, len(found))
		}
		for _, name := range found {
			asset := get(t, name[1])
			if asset.StatusCode != http.StatusOK || !strings.Contains(asset.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s of %s: %s %v", name[1], path, asset.Status, asset.Header)
			}
		}
		if regexp.MustCompile(`<style|style=|\son\w+=|<script[^>]*>[^<]`).MatchString(page) {
			t.Errorf("%s has something inline:\n%s", path, page)
		}
	}
}

// scriptMaxBytes is how much compressed script the agent's page may have.
const scriptMaxBytes = 200 << 10

func TestAgentPageIsSmall(t *testing.T) {
	total := 0
	for _, name := range regexp.MustCompile(`"(/assets/[^"]+\.js)"`).FindAllStringSubmatch(body(t, get(t, "/agent")), -1) {
		total += len(body(t, get(t, name[1], "Accept-Encoding", "gzip")))
	}
	if total == 0 || total > scriptMaxBytes {
		t.Errorf("%d bytes of script, at most %d", total, scriptMaxBytes)
	}
}

func TestPolicyHasNoException(t *testing.T) {
	if regexp.MustCompile(`unsafe|\*|https?:`).MatchString(policy) {
		t.Error(policy)
	}
}

func TestCompressedAndCached(t *testing.T) {
	plain := get(t, embeddable)
	packed := get(t, embeddable, "Accept-Encoding", "br, gzip")
	if packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("ETag") == plain.Header.Get("ETag") {
		t.Fatal(packed.Header)
	}
	unpacked, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil || string(content) != body(t, plain) {
		t.Error("the compressed script is another one", err)
	}
	if r := get(t, embeddable, "If-None-Match", plain.Header.Get("ETag")); r.StatusCode != http.StatusNotModified || body(t, r) != "" {
		t.Error(r.Status)
	}
	if r := get(t, embeddable, "Accept-Encoding", "gzip;q=0"); r.Header.Get("Content-Encoding") != "" {
		t.Error(r.Header)
	}
	if r := get(t, embeddable); r.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Error(r.Header)
	}
}

func TestNothingElse(t *testing.T) {
	for _, path := range []string{"/nothing", "/agent.html", "/assets/", "/assets/../web.go", "/dist/index.html"} {
		if answer := get(t, path); answer.StatusCode != http.StatusNotFound || answer.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/agent", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Error(w.Code)
	}
}
