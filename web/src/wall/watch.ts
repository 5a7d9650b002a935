// The present figures of queues and states of agents: what Statistics.Watch
// says has changed, put into what was known.
import type { AgentRow, EventStatistics } from "@usher-cc/client/gen/statistics";
import { type Figures, figuresOf } from "./figures.js";

/** What the wall knows. Maps and rows that have not changed stay the same objects. */
export interface Known {
  /** By queue, in order of name. */
  queues: ReadonlyMap<string, Figures>;
  /** By agent id, in order of id. */
  agents: ReadonlyMap<string, AgentRow>;
  /** Server's time of the last message, Unix milliseconds; 0 before the first. */
  timeMs: number;
}

export const nothing: Known = { queues: new Map(), agents: new Map(), timeMs: 0 };

/** Takes a message in. The first of a stream has everything, and so replaces all. */
export function takeIn(known: Known, message: EventStatistics, first: boolean): Known {
  const before = first ? nothing : known;
  return {
    queues: changed(
      before.queues,
      message.queues.map((s) => [s.row?.queue ?? "", figuresOf(s)]),
      message.queuesRemoved,
    ),
    agents: changed(
      before.agents,
      message.agents.map((row) => [row.agentId, row]),
      message.agentsRemoved,
    ),
    timeMs: Number(message.timeMs),
  };
}

function changed<Value>(
  before: ReadonlyMap<string, Value>,
  changes: readonly (readonly [string, Value])[],
  removed: readonly string[],
): ReadonlyMap<string, Value> {
  if (changes.length === 0 && removed.length === 0) {
    return before;
  }
  const after = new Map(before);
  let unordered = false;
  for (const [key, value] of changes) {
    unordered ||= !after.has(key);
    after.set(key, value);
  }
  for (const key of removed) {
    after.delete(key);
  }
  return unordered ? new Map([...after].sort(([a], [b]) => (a < b ? -1 : 1))) : after;
}
