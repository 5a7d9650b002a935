// Package web serves the windows: the agent's, the supervisor's wall, the
// administration, and the customer's chat.
//
// It promises that what it serves was built from the sources beside it and is
// part of the binary; that a page runs no script and no style but its own
// files, whatever texts it shows; and that it knows nothing of the server: the
// pages are clients of the public protocols.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed all:dist
var dist embed.FS

// pages are the paths of the pages, and the file of each.
var pages = map[string]string{
	"/":      "index.html",
	"/agent": "agent.html",
	"/wall":  "wall.html",
	"/admin": "admin.html",
	"/chat":  "chat.html",
}

// embeddable is the script for other people's pages.
const embeddable = "/chat.js"

// policy is the content security policy: our own files, requests to our own
// server, images that a script has fetched, and nothing inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; font-src 'self'; " +
	"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// permissions switches off what no page needs.
const permissions = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"

// file is one file, as it is served.
type file struct {
	content     []byte
	contentType string
	tag         string // of the content, without quotes
	cache       string
	gzip        func() []byte // nil if it is not worth it
}

// gzipMinBytes is the size from which a file is compressed.
const gzipMinBytes = 1024

// Handler serves the pages and their files. Every other path is not found.
func Handler() http.Handler {
	files, err := read(dist)
	if err != nil {
		panic(err) // the files are part of the binary
	}
	return handler(files)
}

// read makes what is served of the built files.
func read(built fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(built, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(built, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		files[strings.TrimPrefix(name, "dist")] = newFile(name, content)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for at, name := range pages {
		page := files["/"+name]
		if page == nil {
			return nil, fmt.Errorf("dist has no %s", name)
		}
		delete(files, "/"+name)
		files[at] = page
	}
	return files, nil
}

func newFile(name string, content []byte) *file {
	sum := sha256.Sum256(content)
	f := &file{
		content:     content,
		contentType: mime.TypeByExtension(path.Ext(name)),
		tag:         hex.EncodeToString(sum[:16]),
		cache:       "no-cache", // ask whether it has changed
	}
	if strings.HasPrefix(name, "dist/assets/") { // its name changes with it
		f.cache = "public, max-age=31536000, immutable"
	}
	if len(content) >= gzipMinBytes {
		f.gzip = sync.OnceValue(func() []byte { return compressed(content) })
	}
	return f
}

func compressed(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a known one
	_, _ = w.Write(content)                               // to memory
	_ = w.Close()
	return b.Bytes()
}

func handler(files map[string]*file) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header(), r.URL.Path)
		f := files[r.URL.Path]
		switch {
		case f == nil:
			http.Error(w, "There is no such page.", http.StatusNotFound)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Pages are read with GET.", http.StatusMethodNotAllowed)
		default:
			f.serve(w, r)
		}
	})
}

// secure sets the headers that keep pages from doing, or being used for, what
// they are not for.
func secure(h http.Header, at string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Permissions-Policy", permissions)
	h.Set("Referrer-Policy", "same-origin") // with no-referrer browsers would not tell us of our own pages' origin either
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if at == embeddable {
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		return
	}
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", f.cache)
	h.Set("Vary", "Accept-Encoding")
	content, tag := f.content, `"`+f.tag+`"`
	if f.gzip != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		content, tag = f.gzip(), `"`+f.tag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(content)
	}
}

// acceptsGzip tells whether gzip is among the codings that a client takes.
func acceptsGzip(codings string) bool {
	for coding := range strings.SplitSeq(codings, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.TrimSpace(name) == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
