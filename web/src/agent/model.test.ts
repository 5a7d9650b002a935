import { create } from "@bufbuild/protobuf";
import { InteractionPropertiesSchema, Operation, ParticipantKind, VisibilityMode } from "@usher-cc/client/gen/common";
import { expect, test } from "vitest";
import { type Asked, askedTo, type Offer, type Session, waitedMs, waitsSince } from "./model.js";

const session = (...invitations: [agentId: string, inviter: string, Operation, VisibilityMode?][]): Session => ({
  id: "i",
  properties: create(InteractionPropertiesSchema, {
    interactionId: "i",
    invitations: invitations.map(([agentId, id, operation, visibility = VisibilityMode.CONFERENCE]) => ({
      agentId, operation, visibility, inviter: { kind: ParticipantKind.AGENT, id }, sinceMs: 5n, deadlineMs: 35n,
    })),
  }),
  visibility: VisibilityMode.CONFERENCE,
  sinceMs: 1,
  conversation: undefined,
  readNumber: 0,
});

const sent = (agentId: string, id = "i"): Asked => ({ kind: "transfer", id, agentId });

test("whom the agent has asked the server knows with the deadline, and nobody stands there twice", () => {
  const open = { sinceMs: 5, deadlineMs: 35 };
  const asked = session(
    ["ben", "ana", Operation.TRANSFER],
    ["cleo", "ana", Operation.CONFERENCE],
    ["max", "ana", Operation.CONFERENCE, VisibilityMode.COACH],
    ["rita", "rob", Operation.CONFERENCE],
  );
  expect(askedTo(asked, "ana", [sent("ben"), sent("kim"), sent("otis", "another")])).toEqual([
    { kind: "transfer", id: "i", agentId: "ben", open },
    { kind: "conference", id: "i", agentId: "cleo", open },
    { kind: "consult", id: "i", agentId: "max", open },
    sent("kim"),
  ]);
});

test("nobody is asked to come to a session that has ended", () => {
  const ended = { reason: "", by: undefined, operation: Operation.STOP, atMs: 7 };
  expect(askedTo({ ...session(["ben", "ana", Operation.TRANSFER]), ended }, "ana", [sent("kim")])).toEqual([]);
});

test("a wait is that for the first agent, or for the next one in a queue; who is asked by a colleague lets nobody wait", () => {
  const properties = (lastAgent: string) => create(InteractionPropertiesSchema, { receivedAtMs: 10n, assignedAtMs: 50n, placedInQueueAtMs: 40n, lastAgent });
  const offer = (operation: Operation, lastAgent: string) => ({ invite: { operation }, properties: properties(lastAgent), sinceMs: 45 }) as Offer;
  expect(waitsSince(offer(Operation.ROUTE, ""))).toBe(10);
  expect(waitsSince(offer(Operation.ROUTE, "ben"))).toBe(40);
  expect(waitsSince(offer(Operation.TRANSFER, ""))).toBeUndefined();
  expect(waitsSince(offer(Operation.CONFERENCE, ""))).toBeUndefined();
  expect([waitedMs(properties("")), waitedMs(properties("ben"))]).toEqual([40, undefined]);
});
