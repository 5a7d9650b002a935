// Package scenarios holds the golden scenarios: for every model of the
// contract the sequences of messages that the server must produce, typed by
// hand. It promises to be nothing but these files; package sim/scenario reads
// and plays them.
package scenarios

import "embed"

// Files are the scenarios, one *.seq for each model, and the configurations
// that they name.
//
//go:embed *.seq *.yaml
var Files embed.FS

// Fixture is the configuration of the tenant with which every phase begins.
//
//go:embed fixture.yaml
var Fixture []byte
