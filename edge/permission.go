package edge

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// permission says who may call a method. The zero permission is for nobody.
type permission struct {
	roles     uint64 // bit set of usherv1.Role
	anonymous bool
	streaming bool // both ways
}

func (p permission) allows(role usherv1.Role) bool {
	return role > 0 && role < 64 && p.roles&(1<<role) != 0
}

// services are the services of the edge.
func services() []protoreflect.ServiceDescriptor {
	return []protoreflect.ServiceDescriptor{
		usherv1.File_usher_v1_interaction_management_proto.Services().ByName("InteractionManagement"),
		usherv1.File_usher_v1_tlibrary_proto.Services().ByName("TLibrary"),
		usherv1.File_usher_v1_external_service_proto.Services().ByName("ExternalService"),
		usherv1.File_usher_v1_routing_proto.Services().ByName("Routing"),
		usherv1.File_usher_v1_reporting_proto.Services().ByName("Reporting"),
		usherv1.File_usher_v1_statistics_proto.Services().ByName("Statistics"),
		usherv1.File_usher_v1_administration_proto.Services().ByName("Administration"),
		usherv1.File_usher_v1_authentication_proto.Services().ByName("Authentication"),
		usherv1.File_usher_v1_session_proto.Services().ByName("InternetCallManager"),
	}
}

// permissions reads who may call what, by procedure (/usher.v1.Service/Method).
// A method without the option is for nobody.
func permissions(services []protoreflect.ServiceDescriptor) map[string]permission {
	all := map[string]permission{}
	for _, service := range services {
		methods := service.Methods()
		for i := range methods.Len() {
			method := methods.Get(i)
			p := permission{streaming: method.IsStreamingClient() && method.IsStreamingServer()}
			option, _ := proto.GetExtension(method.Options(), usherv1.E_Permission).(*usherv1.Permission)
			for _, role := range option.GetRoles() {
				p.roles |= 1 << role
			}
			p.anonymous = option.GetAnonymous()
			all[procedure(method)] = p
		}
	}
	return all
}

func procedure(method protoreflect.MethodDescriptor) string {
	return "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
}
