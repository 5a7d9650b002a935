import { create } from "@bufbuild/protobuf";
import { AgentRowSchema, AgentRowState } from "@usher-cc/client/gen/statistics";
import { expect, it } from "vitest";
import { type AgentColumn, type AgentFilter, chosenRows, countStates, inSight } from "./rows.js";

const agents = [
  { agentId: "alice", name: "Alice", state: AgentRowState.HANDLING, sinceMs: 3_000n, agentGroups: ["support"], handling: [{ interactionId: "chat-7", queue: "inbound" }] },
  { agentId: "bob", name: "Bob", state: AgentRowState.READY, sinceMs: 1_000n, agentGroups: ["sales"], place: "desk 4" },
  { agentId: "carol", state: AgentRowState.LOGGED_OUT, agentGroups: ["support"] },
  { agentId: "dave", state: AgentRowState.AUX, sinceMs: 2_000n, reason: "Lunch" },
].map((row) => create(AgentRowSchema, row));

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const all: AgentFilter = { text: "", state: undefined, loggedIn: false };
const ids = (filter: Partial<AgentFilter>, by: AgentColumn = "agent", descending = false) =>
  chosenRows(agents, { ...all, ...filter }, { by, descending }, compare).map((row) => row.agentId);

it("rows are filtered by state, by login, and by words in all that is shown of them", () => {
  expect(ids({})).toEqual(["alice", "bob", "carol", "dave"]);
  expect(ids({ loggedIn: true })).toEqual(["alice", "bob", "dave"]);
  expect(ids({ state: AgentRowState.READY })).toEqual(["bob"]);
  expect(ids({ text: "CHAT-7" })).toEqual(["alice"]);
  expect(ids({ text: "support alice" })).toEqual(["alice"]);
  expect(ids({ text: "lunch" })).toEqual(["dave"]);
  expect(ids({ text: "sales support" })).toEqual([]);
});

it("rows are sorted, both ways, and equal ones by id", () => {
  expect(ids({}, "state")).toEqual(["carol", "dave", "alice", "bob"]);
  expect(ids({}, "since", true)).toEqual(["bob", "dave", "alice", "carol"]);
  expect(ids({}, "handling", true)).toEqual(["alice", "bob", "carol", "dave"]);
});

it("states are counted", () => {
  expect(countStates(agents).get(AgentRowState.READY)).toBe(1);
  expect(countStates(agents).get(AgentRowState.ACW)).toBeUndefined();
});

it("the rows in sight are drawn, and some more", () => {
  expect(inSight(0, 360, 36, 1_000)).toEqual({ from: 0, to: 22 });
  expect(inSight(3_600, 360, 36, 1_000)).toEqual({ from: 88, to: 122 });
  expect(inSight(36_000, 360, 36, 1_000)).toEqual({ from: 988, to: 1_000 });
  expect(inSight(3_600, 360, 36, 3)).toEqual({ from: 2, to: 3 });
  expect(inSight(0, 360, 36, 0)).toEqual({ from: 0, to: 0 });
});
