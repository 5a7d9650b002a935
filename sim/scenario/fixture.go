package scenario

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Configuration is the configuration with which the phase begins: the fixture
// (a Configuration in YAML, with the field names of the protocols) and the
// phase's own options.
func (p *Phase) Configuration(fixture []byte) (*usherv1.Configuration, error) {
	var tree any
	if err := yaml.Unmarshal(fixture, &tree); err != nil {
		return nil, fmt.Errorf("read the fixture: %w", err)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("read the fixture: %w", err)
	}
	configuration := &usherv1.Configuration{}
	if err := protojson.Unmarshal(text, configuration); err != nil {
		return nil, fmt.Errorf("read the fixture: %w", err)
	}
	configuration.Options, err = p.TenantOptions()
	return configuration, err
}
