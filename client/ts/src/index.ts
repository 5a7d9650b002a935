// @usher-cc/client: Usher's protocols for TypeScript.
//
// connect() makes a connection; AgentSession and CustomerSession follow an
// agent's and a customer's session over it. The messages of the protocols are
// in "@usher-cc/client/gen/NAME", one module for each file of api/usher/v1.
export { AgentSession, isCustomer } from "./agent.js";
export type { AgentSessionOptions, AgentState, Invitation } from "./agent.js";
export { download, upload } from "./attachments.js";
export { ServerClock } from "./clock.js";
export { connect, over } from "./connect.js";
export type { Connection, ConnectOptions, WindowName } from "./connect.js";
export type { Conversation, PendingLine } from "./conversations.js";
export { CustomerSession } from "./customer.js";
export type { CustomerLine, CustomerPendingLine, CustomerSessionOptions, CustomerState, Keep, Launch } from "./customer.js";
export { codeOf, ErrorCode, UsherError } from "./error.js";
export { follow } from "./follow.js";
export type { Closed, Follow, Link } from "./follow.js";
export { Persistence } from "./persistence.js";
export { randomId } from "./retry.js";
export { logIn, logOut, whoIsLoggedIn } from "./window.js";
export type { WindowSession } from "./window.js";
