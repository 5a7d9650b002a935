// A desktop of one's own: it takes what it is offered, repeats what customers
// say, and ends a conversation when the customer says bye.
//
//	USHER_URL=http://127.0.0.1:8480 npm start -w @usher-cc/desktop
import { AgentSession, connect, isCustomer } from "@usher-cc/client";
import { Authentication } from "@usher-cc/client/gen/authentication";

const { USHER_URL: url = "http://127.0.0.1:8480", USHER_AGENT: agentId = "alice", USHER_PASSWORD: password = "usher-dev" } = process.env;

const { token } = await connect({ url }).call(Authentication.method.openSession, { agentId, password });
const desktop = new AgentSession(connect({ url, credential: token }));
const taken = new Set<bigint>();

// What is there already, and what comes: both are in the state.
desktop.subscribe(async () => {
  for (const { ticket, interactionId } of desktop.state.invitations) {
    if (!taken.has(ticket)) {
      taken.add(ticket);
      await desktop.accept(ticket);
      await desktop.addLine(interactionId, `Hello, this is ${desktop.state.agentName}.`);
    }
  }
});

desktop.onEvent(async ({ interactionId, message }) => {
  if (message.case === "eventLineAdded" && isCustomer(message.value.author)) {
    const text = message.value.line?.text ?? "";
    await desktop.addLine(interactionId, `You said: ${text}`);
    if (text === "bye") {
      await desktop.stop(interactionId, "Answered");
    }
  }
});

desktop.start();
await desktop.known();
await desktop.login({ media: [{ mediaType: "chat" }] });
await desktop.ready("chat");
console.log(`${desktop.state.agentName} is ready.`);
