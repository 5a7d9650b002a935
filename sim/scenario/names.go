package scenario

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/nearest"
)

// The participants of scenarios. Their names are their ids in the tenant,
// except that the server is ixn, the built-in router is router and all
// reporting engines are report.
const (
	server        = "ixn"
	builtinRouter = "router"
	report        = "report"
	media         = "media"
)

var (
	agents       = []string{"agent1", "agent2", "agent3", "supervisor"}
	routers      = []string{"urs", "urs2"}
	services     = []string{"svc", "svc2"}
	senders      = slices.Concat([]string{media, report}, agents, routers, services)
	recipients   = slices.Concat(senders, []string{builtinRouter})
	protocols    = []string{"im", "rpt", "tlib", "esp", "cti", "icm"}
	connections  = []string{"desktop", "telephone", "supervisor"}
	requestNames = namesOfRequests()
	eventFields  = fieldsOfEvent()
	eventNames   = namesOfEvents()
	envelope     = (&usherv1.Event{}).ProtoReflect().Descriptor()
)

// namesOfRequests are the messages that a client can send: those that a
// session can carry.
func namesOfRequests() []string {
	var names []string
	fields := (&usherv1.SessionRequest{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if name := string(fields.Get(i).Message().Name()); name != "RequestEvents" {
			names = append(names, name)
		}
	}
	return names
}

// fieldsOfEvent are the fields of the envelope that hold the message, by the
// message's name.
func fieldsOfEvent() map[string]protoreflect.FieldDescriptor {
	byName := map[string]protoreflect.FieldDescriptor{}
	fields := (&usherv1.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("message").Fields()
	for i := range fields.Len() {
		byName[string(fields.Get(i).Message().Name())] = fields.Get(i)
	}
	return byName
}

func namesOfEvents() []string {
	var names []string
	for name := range eventFields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// newMessage makes an empty message of the protocols by its name.
func newMessage(d protoreflect.MessageDescriptor) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return nil, err
	}
	return kind.New().Interface(), nil
}

// requestDescriptor finds a request by its name.
func requestDescriptor(name string) protoreflect.MessageDescriptor {
	if !slices.Contains(requestNames, name) {
		return nil
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("usher.v1." + name))
	if err != nil {
		return nil
	}
	return kind.Descriptor()
}

// protocolName is the short name of a protocol, as scenarios spell it.
func protocolName(p usherv1.Protocol) string {
	return strings.ToLower(strings.TrimPrefix(p.String(), "PROTOCOL_"))
}

// didYouMean is a hint with the name that is nearest to a wrong one.
func didYouMean(name string, known []string) string {
	best, distance := "", len(name)
	for _, k := range known {
		if d := nearest.Distance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" || distance > (len(name)+1)/2 {
		return "one of " + strings.Join(known, ", ")
	}
	return "did you mean " + best + "?"
}
