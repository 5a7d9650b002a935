import { create } from "@bufbuild/protobuf";
import { AgentRowState, type EventStatistics, EventStatisticsSchema } from "@usher-cc/client/gen/statistics";
import { expect, it } from "vitest";
import { nothing, takeIn } from "./watch.js";

const queue = (name: string, waiting: number) => ({ row: { queue: name, waiting } });
const agent = (agentId: string, state = AgentRowState.READY) => ({ agentId, state });
const message = (m: Parameters<typeof create<typeof EventStatisticsSchema>>[1]): EventStatistics => create(EventStatisticsSchema, m);

it("the first message is all there is, and what follows is put into it in order", () => {
  const all = takeIn(nothing, message({ timeMs: 1n, queues: [queue("b", 1), queue("d", 2)], agents: [agent("bob")] }), true);
  expect([...all.queues.keys()]).toEqual(["b", "d"]);
  const next = takeIn(all, message({ timeMs: 2n, queues: [queue("c", 5), queue("b", 0)], agents: [agent("alice")] }), false);
  expect([...next.queues.keys()]).toEqual(["b", "c", "d"]);
  expect([...next.agents.keys()]).toEqual(["alice", "bob"]);
  expect(next.queues.get("b")?.waiting).toBe(0);
  expect(next.timeMs).toBe(2);
});

it("what has not changed stays the same object", () => {
  const all = takeIn(nothing, message({ queues: [queue("a", 1), queue("b", 1)], agents: [agent("alice"), agent("bob")] }), true);
  const next = takeIn(all, message({ agents: [agent("bob", AgentRowState.AUX)] }), false);
  expect(next.queues).toBe(all.queues);
  expect(next.agents.get("alice")).toBe(all.agents.get("alice"));
  expect(next.agents.get("bob")?.state).toBe(AgentRowState.AUX);
  expect(all.agents.get("bob")?.state).toBe(AgentRowState.READY);
});

it("what is no more goes", () => {
  const all = takeIn(nothing, message({ queues: [queue("a", 1), queue("b", 1)], agents: [agent("alice"), agent("bob")] }), true);
  const next = takeIn(all, message({ queuesRemoved: ["a"], agentsRemoved: ["bob", "nobody"] }), false);
  expect([...next.queues.keys()]).toEqual(["b"]);
  expect([...next.agents.keys()]).toEqual(["alice"]);
});

it("the first message of another stream replaces all", () => {
  const all = takeIn(nothing, message({ queues: [queue("a", 1)], agents: [agent("alice")] }), true);
  const again = takeIn(all, message({ queues: [queue("b", 1)] }), true);
  expect([...again.queues.keys()]).toEqual(["b"]);
  expect(again.agents.size).toBe(0);
});
