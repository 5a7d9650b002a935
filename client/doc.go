// Package client is the Go SDK of Usher. It promises that a request is carried
// out once however often the connection breaks, because it is sent again with
// the same reference id; that a stream of events goes on where it broke off,
// without gap or duplicate; and that every refusal is an *Error with the
// server's EventError.
//
// Dial makes a Client with a credential: an API key, or an agent's password.
// From it come
//
//   - AgentSession, for an agent's application: log in, hear events, accept;
//   - MediaServer, for what brings interactions in: submit, change, stop;
//   - Router, which runs strategies: one call of a function for every request
//     to route;
//   - ExternalService, which answers what strategies ask: one call of a function
//     for every question;
//   - Reports and Trace, for what reads along, and Routing, for why and how long
//     something waits.
//
// Everything else of the protocols is there by Client.InteractionManagement
// and its siblings, with the same care for retries and errors.
package client
