// Which agents the grid shows, and in which order.
import { AgentRowState, type AgentRow } from "@usher-cc/client/gen/statistics";

export type AgentColumn = "agent" | "state" | "since" | "media" | "handling" | "mode" | "place" | "groups";

export interface AgentOrder {
  by: AgentColumn;
  descending: boolean;
}

export interface AgentFilter {
  /** Words that must all be found in id, name, place, reason, group or what he handles. */
  text: string;
  /** Only this state; undefined for all. */
  state: AgentRowState | undefined;
  /** Leave those out who are not logged in. */
  loggedIn: boolean;
}

/** The rows that pass a filter, in order; equal ones in that of their ids. */
export function chosenRows(agents: Iterable<AgentRow>, filter: AgentFilter, order: AgentOrder, compare: (a: string, b: string) => number): AgentRow[] {
  const words = filter.text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const rows: AgentRow[] = [];
  for (const row of agents) {
    const out = filter.loggedIn && row.state === AgentRowState.LOGGED_OUT;
    if (!out && (filter.state === undefined || row.state === filter.state) && hasAll(row, words)) {
      rows.push(row);
    }
  }
  const turn = order.descending ? -1 : 1;
  const key = keys[order.by];
  return rows
    .map((row) => ({ row, key: key(row) }))
    .sort((a, b) => turn * compareKeys(a.key, b.key, compare) || compare(a.row.agentId, b.row.agentId))
    .map((keyed) => keyed.row);
}

/** How many agents there are of each state. */
export function countStates(agents: Iterable<AgentRow>): ReadonlyMap<AgentRowState, number> {
  const counts = new Map<AgentRowState, number>();
  for (const { state } of agents) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

const keys: Record<AgentColumn, (row: AgentRow) => string | number> = {
  agent: (row) => row.name || row.agentId,
  // In the order of the enum what needs attention comes first.
  state: (row) => row.state,
  // Who is longest in his state comes last; who is not logged in, first.
  since: (row) => -Number(row.sinceMs || Infinity),
  media: (row) => row.media.filter((m) => m.ready).length,
  handling: (row) => row.handling.length,
  mode: (row) => `${row.workMode} ${row.reasonCode} ${row.reason}`,
  place: (row) => row.place || row.extension,
  groups: (row) => row.agentGroups.join(", "),
};

const compareKeys = (a: string | number, b: string | number, compare: (a: string, b: string) => number): number =>
  typeof a === "string" && typeof b === "string" ? compare(a, b) : Number(a) - Number(b) || 0;

function hasAll(row: AgentRow, words: readonly string[]): boolean {
  if (words.length === 0) {
    return true;
  }
  const text = [
    row.agentId,
    row.name,
    row.place,
    row.extension,
    row.reason,
    ...row.agentGroups,
    ...row.handling.flatMap((h) => [h.interactionId, h.queue]),
  ]
    .join("\n")
    .toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

/** Which rows of a long list are drawn: those in sight, and some more on each side. */
export function inSight(scrollTop: number, height: number, rowHeight: number, rows: number, more = 12): { from: number; to: number } {
  const from = Math.max(0, Math.floor(scrollTop / rowHeight) - more);
  const to = Math.min(rows, Math.ceil((scrollTop + height) / rowHeight) + more);
  return { from: Math.min(from, Math.max(0, rows - 1)), to };
}
