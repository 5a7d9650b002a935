package vector

import (
	"maps"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/expression"
)

// What an expression finds in response.fault when a service was not called.
const (
	// FaultNoService: no such service is connected.
	FaultNoService  = "NoService"
	faultParameters = "InvalidParameters"
)

// values are what expressions see now.
func (r *run) values() *expression.Values {
	v := expression.Values{}
	if given := r.world.Values(); given != nil {
		v = *given
	}
	v.Vdn = r.world.Vdn()
	v.Variables, v.Digits = r.state.GetVariables(), r.state.GetDigits()
	v.Response, v.Fault = r.state.GetServiceCall().GetResponse(), r.state.GetServiceCall().GetFault()
	return &v
}

// set gives a variable a value; it keeps its former one if there is none, or
// if all together become too large.
func (r *run) set(a Set) course {
	value, err := a.To.Value(r.values())
	if err != nil {
		return proceed
	}
	variables := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	maps.Copy(variables.Fields, r.state.GetVariables().GetFields())
	variables.Fields[a.Variable] = value
	if proto.Size(variables) <= maxVariableBytes {
		r.state.Variables = variables
	}
	return proceed
}

// callService asks an external service and suspends until it is answered. A
// call that can't be made is answered at once, with a fault.
func (r *run) callService(a CallService) course {
	call := &usherv1.VectorServiceCall{Service: a.Service, Type: a.Type, Method: a.Method}
	if a.With != nil {
		parameters, err := a.With.Map(r.values())
		if err != nil {
			call.Fault = faultParameters
		}
		call.Parameters = parameters
	}
	if !r.world.ServiceUp(a.Service, a.Type) {
		call.Fault = FaultNoService
	}
	r.state.ServiceCall = call
	if call.Fault != "" {
		call.Answered = true
		return proceed
	}
	call.DeadlineMs = r.world.NowMs() + int64(a.Within)
	return r.suspendUntilCalled()
}
