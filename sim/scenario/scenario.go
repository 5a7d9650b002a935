package scenario

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Scenario is one file: the phases of one model.
type Scenario struct {
	// Source is where the file's first line stands.
	Source
	// Name is the file's name without its ending.
	Name string
	// Title is for people.
	Title string
	// Spec says which part of the contract it holds the server to.
	Spec string
	// Tenant is the file with what its tenant has besides the fixture; empty
	// for nothing.
	Tenant string
	// Phases stand in the order of the file, each for itself.
	Phases []*Phase
}

// Phase is one sequence, from its first message to its outcome.
type Phase struct {
	// Source is where its first line stands.
	Source
	// Scenario is the name of the file's scenario.
	Scenario string
	// Name is unique in the scenario.
	Name string
	// Title is for people.
	Title string
	// Options are the lines that set options of the tenant.
	Options []*Option
	// Givens prepare silently.
	Givens []*Given
	// Steps are what happens and what must come of it.
	Steps []Step
	// tenant is what the scenario's tenant has besides the fixture.
	tenant *usherv1.Configuration
}

// Source is where a line stands, with the comments that belong to it.
type Source struct {
	// File and Line say where.
	File string
	Line int
	// Above are the comment lines before it, without their #.
	Above []string
	// Beside is the comment at its end, without its #.
	Beside string
}

// Position is file:line.
func (s Source) Position() string { return fmt.Sprintf("%s:%d", s.File, s.Line) }

// source gives every line that embeds Source its place among steps.
func (s *Source) source() *Source { return s }

// Option is a line that sets options of the tenant.
type Option struct {
	Source
	Attributes []Attribute
}

// Given is a line that prepares a phase silently.
type Given struct {
	Source
	// Text is what stands after the word given.
	Text string
	// Steps are what it means.
	Steps []Step
	// Absent is a participant that is not registered in this phase.
	Absent string
}

// Step is a line of a phase: *Request, *Expect, *Advance, *Connection, *Apply
// or *Restart.
type Step interface {
	// Position is file:line.
	Position() string
	// String is the line in canonical form, without comments.
	String() string
	source() *Source
}

// Request is a request that a participant sends.
type Request struct {
	Source
	From       string
	Name       string
	Protocol   string
	Attributes []Attribute
	descriptor protoreflect.MessageDescriptor
}

// Expect is a message that the server must send, or a request that the
// built-in router must make.
type Expect struct {
	Source
	From       string
	To         []string
	Name       string
	Protocol   string
	Attributes []Attribute
	descriptor protoreflect.MessageDescriptor
}

// Advance lets time pass.
type Advance struct {
	Source
	// Text is the duration as typed.
	Text     string
	Duration time.Duration
}

// Connection says that a participant's event stream opens or ends.
type Connection struct {
	Source
	Participant string
	// Kind is that of an agent's application; empty for others, and where
	// the streams of all kinds end.
	Kind string
	// Open is false when the participant's streams end.
	Open bool
}

// Apply says that the configuration changes: objects of a file are added or
// replaced, each whole.
type Apply struct {
	Source
	// Name is the file's name.
	Name          string
	configuration *usherv1.Configuration
}

// Restart says that the server stops and starts again from its journal.
type Restart struct{ Source }

// Attribute is one path=value.
type Attribute struct {
	// Path names a field, dotted.
	Path string
	// Value is what it is, or shall be.
	Value Value
}

// Vars are the values that names have been bound to in a phase.
type Vars map[string]string

// Phase finds a phase by its name; nil if there is none.
func (s *Scenario) Phase(name string) *Phase {
	for _, p := range s.Phases {
		if p.Name == name {
			return p
		}
	}
	return nil
}
