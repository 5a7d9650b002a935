package main

import (
	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
)

// errorCodes are the codes of EventError.
var errorCodes = usherv1.ErrorCode(0).Descriptor()

const errorsIntroduction = `# Errors

What is refused, or comes to nothing, is answered with an EventError: a stable
number, a stable name, a sentence that says what is wrong and where, the reference
id, the interaction and the sequence at which it was decided. Numbers are never
changed or used again. A refused request has changed nothing.

With gRPC and Connect it is the first detail of the error, whose code is in the
table; with JSON over HTTP the body is

` + "```json" + `
{"code": "not_found",
 "message": "queue: there is no queue \"nowhere\"",
 "details": [{"type": "usher.v1.EventError", "value": "...",
              "debug": {"code": "ERROR_CODE_UNKNOWN_QUEUE", "name": "UnknownQueue", "...": "..."}}]}
` + "```" + `

where value is the encoded EventError in base64 and debug the same in words. On a
Session, and on the event stream of an agent whose transfer or conference came to
nothing, it arrives as an Event with the reference id.

Unavailable, TooManyRequests and NoSpace are worth another attempt, with the same
reference id; the others are not, until something has changed.

| number | name | RPC code | HTTP | meaning |
|---|---|---|---|---|
`

// addErrors makes the table of errors.
func addErrors(c *protoComments, pages map[string][]byte) error {
	w := &writer{comments: c}
	w.printf(generated, "the enum ErrorCode and the edge's table of codes")
	w.b.WriteString(errorsIntroduction)
	for _, v := range listed(errorCodes.Values()) {
		if v.Number() == 0 {
			continue
		}
		code := usherv1.ErrorCode(v.Number())
		rpc := connect.CodeOf(&edge.Refusal{Event: &usherv1.EventError{Code: code}})
		w.printf("| %d | `%s` | `%s` | %d | %s |\n", v.Number(), engine.ErrorName(code), rpc, httpStatus[rpc], w.comment(v))
	}
	w.b.WriteString("\nIn the protos a name is spelled as `ERROR_CODE_UNKNOWN_QUEUE`.\n")
	pages["docs/reference/errors.md"] = []byte(w.b.String())
	return w.err
}

// httpStatus is the status that the Connect protocol gives a code.
var httpStatus = map[connect.Code]int{
	connect.CodeCanceled:           499,
	connect.CodeUnknown:            500,
	connect.CodeInvalidArgument:    400,
	connect.CodeDeadlineExceeded:   504,
	connect.CodeNotFound:           404,
	connect.CodeAlreadyExists:      409,
	connect.CodePermissionDenied:   403,
	connect.CodeResourceExhausted:  429,
	connect.CodeFailedPrecondition: 400,
	connect.CodeAborted:            409,
	connect.CodeOutOfRange:         400,
	connect.CodeUnimplemented:      501,
	connect.CodeInternal:           500,
	connect.CodeUnavailable:        503,
	connect.CodeDataLoss:           500,
	connect.CodeUnauthenticated:    401,
}
