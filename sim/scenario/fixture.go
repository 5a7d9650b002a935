package scenario

import (
	"encoding/json"
	"fmt"
	"io/fs"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Configuration is the configuration with which the phase begins: the fixture,
// what the scenario's tenant has besides, and the phase's own options.
func (p *Phase) Configuration(fixture []byte) (*usherv1.Configuration, error) {
	configuration, err := readConfiguration("the fixture", fixture)
	if err != nil {
		return nil, err
	}
	addTo(configuration, p.tenant)
	options, err := p.TenantOptions()
	if configuration.Options == nil {
		configuration.Options = &usherv1.Options{}
	}
	proto.Merge(configuration.Options, options)
	return configuration, err
}

// readConfiguration reads a Configuration in YAML, with the field names of the
// protocols.
func readConfiguration(name string, text []byte) (*usherv1.Configuration, error) {
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	encoded, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	configuration := &usherv1.Configuration{}
	if err := protojson.Unmarshal(encoded, configuration); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return configuration, nil
}

// readConfigurations reads the files that a scenario names.
func (s *Scenario) readConfigurations(folder fs.FS) error {
	read := func(name, position string) (*usherv1.Configuration, error) {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", position, err)
		}
		return readConfiguration(name, text)
	}
	var tenant *usherv1.Configuration
	var err error
	if s.Tenant != "" {
		if tenant, err = read(s.Tenant, s.Position()); err != nil {
			return err
		}
	}
	for _, p := range s.Phases {
		p.tenant = tenant
		for _, step := range p.Steps {
			if a, ok := step.(*Apply); ok {
				if a.configuration, err = read(a.Name, a.Position()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// addTo adds objects to a configuration. What one that is there already does
// not have is given to it.
func addTo(configuration, more *usherv1.Configuration) {
	proto.Merge(configuration, &usherv1.Configuration{Options: more.GetOptions()})
	for _, kind := range listsOf(more) {
		present := configuration.ProtoReflect().Mutable(kind).List()
		given := more.ProtoReflect().Get(kind).List()
		for n := range given.Len() {
			object := given.Get(n).Message()
			if former := named(present, nameOf(object)); former != nil {
				proto.Merge(former.Interface(), object.Interface())
			} else {
				present.Append(protoreflect.ValueOfMessage(proto.Clone(object.Interface()).ProtoReflect()))
			}
		}
	}
}

// listsOf are the fields of a configuration that hold its objects.
func listsOf(configuration *usherv1.Configuration) (lists []protoreflect.FieldDescriptor) {
	fields := configuration.ProtoReflect().Descriptor().Fields()
	for n := range fields.Len() {
		if fields.Get(n).IsList() {
			lists = append(lists, fields.Get(n))
		}
	}
	return lists
}

// nameOf is the name of an object: its first field.
func nameOf(object protoreflect.Message) string {
	return object.Get(object.Descriptor().Fields().ByNumber(1)).String()
}

func named(objects protoreflect.List, name string) protoreflect.Message {
	for n := range objects.Len() {
		if object := objects.Get(n).Message(); nameOf(object) == name {
			return object
		}
	}
	return nil
}
