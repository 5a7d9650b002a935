import { create } from "@bufbuild/protobuf";
import type { AgentState } from "@usher-cc/client";
import { InteractionPropertiesSchema, Operation, ParticipantKind, VisibilityMode } from "@usher-cc/client/gen/common";
import { type Event, EventSchema } from "@usher-cc/client/gen/event";
import { expect, test } from "vitest";
import { nothing, type State } from "./model.js";
import { byCustomer, ended, offerClosed, offerGone, offerRejected, reduce, seen, sync } from "./reduce.js";

const none = { tickets: new Set<bigint>(), endings: new Map() };

const properties = (id: string, visibility = VisibilityMode.CONFERENCE) =>
  create(InteractionPropertiesSchema, {
    interactionId: id,
    mediaType: "chat",
    userData: { customer_name: "Mia" },
    parties: [{ participant: { kind: ParticipantKind.AGENT, id: "ana" }, visibility, sinceMs: 5n }],
  });

function invitation(ticket: bigint, id: string): AgentState["invitations"][number] {
  const event = create(EventSchema, { sequence: ticket, interactionId: id, message: { case: "eventInvite", value: { ticket, deadlineMs: 90n } } });
  if (event.message.case !== "eventInvite") {
    throw new Error("unreachable");
  }
  return { ticket, deadlineMs: 90, sinceMs: 60, interactionId: id, properties: properties(id), invite: event.message.value, event };
}

const has = (more: Partial<AgentState>): AgentState => ({
  link: { state: "connected" }, known: true, agentId: "ana", agentName: "Ana", connectionGraceMs: 60_000, status: undefined,
  interactions: [], invitations: [], conversations: new Map(), ...more,
});

const revoked = (id: string, ticket: bigint, operation: Operation, reason: string, by: ParticipantKind): Event =>
  create(EventSchema, { interactionId: id, timeMs: 70n, reason, actor: { kind: by, id: "x" }, message: { case: "eventRevoked", value: { ticket, operation } } });

const offered = (): State => sync(nothing, has({ invitations: [invitation(7n, "i")] }), none, 61);
const handling = (): State => sync(nothing, has({ interactions: [properties("i")] }), none, 61);

test("an offer that is taken back stays, with its reason", () => {
  const state = reduce(offered(), revoked("i", 7n, Operation.TIMEOUT, "Expired", ParticipantKind.SERVER));
  expect(state.offers).toMatchObject([{ ticket: 7n, closed: { reason: "Expired", atMs: 70 } }]);
  expect(sync(state, has({}), none, 80).offers[0]?.closed?.reason).toBe("Expired");
  expect(state.progress.map((p) => p.key)).toEqual(["progressAlerting", "progressOfferClosed"]);
});

test("a stop takes the offer and the session, whichever he has", () => {
  const stop = revoked("i", 0n, Operation.STOP, "Stopped", ParticipantKind.MEDIA);
  expect(reduce(offered(), stop).offers[0]?.closed?.operation).toBe(Operation.STOP);
  const end = reduce(handling(), stop).sessions[0]?.ended;
  expect(end && byCustomer(end)).toBe(true);
});

test("what goes without a message is explained as well as can be, and better when the message comes", () => {
  const gone = sync(handling(), has({}), none, 80);
  expect(gone.sessions[0]?.ended).toEqual({ reason: "", by: undefined, operation: Operation.UNSPECIFIED, atMs: 80 });
  const known = reduce(gone, revoked("i", 0n, Operation.TIMEOUT, "HandlingTimeout", ParticipantKind.SERVER));
  expect(known.sessions[0]?.ended?.reason).toBe("HandlingTimeout");
  const again = reduce(known, revoked("i", 0n, Operation.STOP, "later", ParticipantKind.SERVER));
  expect(again.sessions[0]?.ended?.reason).toBe("HandlingTimeout");
});

test("what the agent answers or gives away himself is not explained to him", () => {
  const own = { reason: "", by: { kind: ParticipantKind.AGENT, id: "ana" } as never, operation: Operation.LEAVE, atMs: 1 };
  expect(sync(offered(), has({}), { ...none, tickets: new Set([7n]) }, 80).offers[0]?.closed).toBeUndefined();
  expect(sync(handling(), has({}), { ...none, endings: new Map([["i", own]]) }, 80).sessions[0]?.ended).toEqual({ ...own, atMs: 80 });
});

test("an offer that was answered is not there again while the session still has it", () => {
  const answered = { ...none, tickets: new Set([7n]) };
  const state = offerGone(offered(), 7n);
  expect(sync(state, has({ invitations: [invitation(7n, "i")] }), answered, 80).offers).toEqual([]);
});

test("an accepted offer becomes a session, and a session that comes back goes on", () => {
  const accepted = sync(offered(), has({ interactions: [properties("i", VisibilityMode.COACH)] }), none, 81);
  expect(accepted.offers).toEqual([]);
  expect(accepted.sessions).toMatchObject([{ id: "i", visibility: VisibilityMode.COACH, sinceMs: 5 }]);
  const back = sync(ended(accepted, "i", { reason: "", by: undefined, operation: Operation.LEAVE, atMs: 82 }), has({ interactions: [properties("i")] }), none, 83);
  expect(back.sessions).toHaveLength(1);
  expect(back.sessions[0]?.ended).toBeUndefined();
});

test("progress tells what was rejected, and everything at its time, whenever it became known", () => {
  const rejected = offerRejected(offered(), offered().offers[0]!, "busy", 70);
  expect(rejected.offers).toEqual([]);
  expect(rejected.progress.at(-1)).toMatchObject({ key: "progressRejected", atMs: 70, values: { customer: "Mia", reason: "busy" } });
  const asked = { reason: "", by: undefined, operation: Operation.TRANSFER, atMs: 1 };
  const away = sync(handling(), has({}), { ...none, endings: new Map([["i", asked]]) }, 80);
  expect(away.progress.map(({ key, atMs }) => [key, atMs])).toEqual([["progressConnected", 5], ["progressTaken", 80]]);
  expect(sync(rejected, has({ interactions: [properties("j")] }), none, 90).progress.map((p) => p.atMs)).toEqual([5, 60, 70]);
});

test("nothing is concluded before the present state is known", () => {
  expect(sync(handling(), has({ known: false }), none, 80).sessions[0]?.ended).toBeUndefined();
});

test("what was seen stays seen", () => {
  const conversation = { lines: [{ added: { number: 4 } }] } as never;
  const state = sync(handling(), has({ interactions: [properties("i")], conversations: new Map([["i", conversation]]) }), none, 80);
  expect(seen(state, "i").sessions[0]?.readNumber).toBe(4);
  expect(seen(seen(state, "i"), "nobody").sessions[0]?.readNumber).toBe(4);
});

test("closed offers are bounded, and open ones never go for them", () => {
  const tickets = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n];
  const all = sync(nothing, has({ invitations: tickets.map((ticket) => invitation(ticket, `i${ticket}`)) }), none, 61);
  const state = tickets.slice(0, 7).reduce((s, n) => offerClosed(s, n, { reason: "Expired", by: undefined, operation: Operation.TIMEOUT, atMs: Number(n) }), all);
  expect(state.offers.map((o) => o.ticket)).toEqual([3n, 4n, 5n, 6n, 7n, 8n]);
  expect(state.offers.at(-1)?.closed).toBeUndefined();
  expect(state.progress.filter((p) => p.key === "progressOfferClosed")).toHaveLength(7);
});
