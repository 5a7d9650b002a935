// Package edge is where clients reach Usher. It promises that nobody gets past
// it without a credential whose role the method's permission names, that no
// client can hold up the server or another client, and that every refusal is
// an EventError.
//
// The seven services of the api are served with gRPC, gRPC-Web and JSON on one
// port. A request passes, in this order:
//
//	wire         deadlines and size of what comes in; unknown methods
//	gate         credential -> tenant and principal; permission; rate
//	codec        limits of shape, then the message
//	watch        counts, logs refusals, turns every error into an EventError
//	a service    one file each; asks the center and answers
//
// An event stream (stream.go) asks the center for a connection, then passes on
// the bytes that the center encoded, without decoding them. A reader that does
// not keep up is cut off and told where to resume; the others don't notice.
//
// edge decides nothing about interactions, keeps no state that outlives the
// process, and knows the center only as the interface Center.
package edge
