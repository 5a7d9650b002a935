package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/pflag"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

// certificate makes a certificate for 127.0.0.1 and writes it and its key into
// a folder.
func certificate(t *testing.T, dir string) (trust *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: raw}, "key.pem": {Type: "PRIVATE KEY", Bytes: rawKey},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trust = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	trust.AddCert(parsed)
	return trust
}

// TestTLS serves beyond this machine with a certificate: clients that trust it
// get an answer, and nobody gets one without encryption.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	trust := certificate(t, dir)
	p, err := startServe(dir, nil, "--data=data", "--listen=:0", "--tls-cert=cert.pem", "--tls-key=key.pem")
	if err != nil || !p.serves() {
		t.Fatal(err, p.log())
	}
	t.Cleanup(p.kill)
	url := strings.Replace(p.environment()["USHER_URL"], "localhost", "127.0.0.1", 1)
	ask := func(url string) error {
		c, err := client.Dial(url, client.WithTLS(&tls.Config{RootCAs: trust}), client.WithAttempts(1))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Authentication().SetUp(t.Context(), &usherv1.SetUpRequest{SetupToken: "wrong"})
		return err
	}
	if err := ask(url); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("over TLS: %v", err)
	}
	plain := strings.Replace(url, "https", "http", 1)
	if err := ask(plain); err == nil || connect.CodeOf(err) == connect.CodeUnauthenticated {
		t.Errorf("without TLS: %v", err)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("a client that does not trust the certificate got an answer")
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}

func TestLogger(t *testing.T) {
	for format, want := range map[string]string{"text": "level=WARN msg=loud n=1\n", "json": ""} {
		var text bytes.Buffer
		s := &serveSettings{logLevel: "warn", logFormat: format}
		log, err := s.logger(&text)
		if err != nil {
			t.Fatal(err)
		}
		log.Info("quiet")
		log.Warn("loud", "n", 1)
		if format == "json" {
			var line struct {
				Level, Msg string
				N          int
			}
			if err := json.Unmarshal(text.Bytes(), &line); err != nil || line.Msg != "loud" || line.Level != "WARN" || line.N != 1 {
				t.Errorf("%v: %s", err, text.String())
			}
		} else if !strings.HasSuffix(text.String(), want) || strings.Contains(text.String(), "quiet") {
			t.Errorf("%s: %s", format, text.String())
		}
	}
	if _, err := (&serveSettings{logLevel: "loud", logFormat: "text"}).logger(nil); err == nil {
		t.Error("the level loud was taken")
	}
}

// TestLimits: every limit among the flags reaches a field of its own in the
// server's configuration.
func TestLimits(t *testing.T) {
	var all pflag.FlagSet
	new(serveSettings).flags(&all)
	flagOf := map[string]string{}
	all.VisitAll(func(f *pflag.Flag) {
		if !strings.HasPrefix(f.Name, "limit-") {
			return
		}
		value := "7"
		if f.Value.Type() == "duration" {
			value = "7s"
		}
		s := serveSettings{dev: true, listen: "127.0.0.1:0", logLevel: "info", logFormat: "text"}
		var one pflag.FlagSet
		s.limitFlags(&one)
		s.attachmentFlags(&one)
		if err := one.Set(f.Name, value); err != nil {
			t.Fatal(err)
		}
		config, err := s.config(nil)
		if err != nil {
			t.Fatal(err)
		}
		fields := nonzero("edge", reflect.ValueOf(config.Limits))
		fields = append(fields, nonzero("sessions", reflect.ValueOf(config.Sessions))...)
		if len(fields) != 1 || flagOf[fields[0]] != "" {
			t.Errorf("--%s sets %v; set before: %v", f.Name, fields, flagOf)
			return
		}
		flagOf[fields[0]] = f.Name
	})
	if len(flagOf) < 20 {
		t.Errorf("only %d limits: %v", len(flagOf), flagOf)
	}
}

// nonzero names the fields of a struct that are set.
func nonzero(of string, v reflect.Value) (names []string) {
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			names = append(names, of+"."+v.Type().Field(i).Name)
		}
	}
	return names
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "127.8.0.1:0": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "192.0.2.1:1": false, "localhost.example.com:1": false, "127.0.0.1": false,
	} {
		if got := loopback(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
