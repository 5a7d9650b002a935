// From the lines of a trace to shapes: where lifelines, arrows, notes and gaps
// stand. A pure function; all figures are pixels of the SVG.
import { type EventError, type Participant, ParticipantKind } from "@usher-cc/client/gen/common";
import { LineVisibility } from "@usher-cc/client/gen/conversation";
import type { TraceLine } from "@usher-cc/client/gen/reporting";
import { label, participantName, protocolName } from "./arrows.js";

/** The width of the gutter in which times stand. */
export const gutter = 108;
/** The height of the heads of lifelines. */
export const headHeight = 40;
/** The most arrows of one page. */
export const pageArrows = 2_000;

const rowHeight = 34;
const noteHeight = 18;
const gapHeight = 30;
const columnMin = 96;
const margin = 24;
/** The mean width of a character of a label, at 12 pixels. */
const characterWidth = 6.5;
/** Between arrows that are so far apart in time the diagram shows a gap. */
const gapMs = 1_000;

/** Participants in the order in which they stand, by kind. */
const order: readonly ParticipantKind[] = [
  ParticipantKind.CUSTOMER,
  ParticipantKind.SITE,
  ParticipantKind.MEDIA,
  ParticipantKind.SERVER,
  ParticipantKind.ROUTER,
  ParticipantKind.STRATEGY,
  ParticipantKind.AGENT,
  ParticipantKind.SERVICE,
  ParticipantKind.ADMIN,
  ParticipantKind.REPORT,
];

/** Lifeline is a participant. */
export interface Lifeline {
  key: string;
  name: string;
  kind: ParticipantKind;
  x: number;
}

/** request: to the server; message: of the server; answer: to a request; refused: a refused request, and its answer. */
export type ArrowKind = "request" | "message" | "answer" | "refused";

/** Arrow is one line of the trace. */
export interface Arrow {
  /** Its place in the trace, from 0. */
  index: number;
  line: TraceLine;
  kind: ArrowKind;
  /** True if it is dashed: an answer. */
  dashed: boolean;
  label: string;
  protocol: string;
  y: number;
  from: number;
  /** One for each recipient; empty for what nobody hears, which is drawn as a note. */
  to: readonly number[];
  /** The middle of the label. */
  labelX: number;
  /** True for what only agents hear. */
  agentsAlone: boolean;
  /** Words below the arrow: why a request was refused. */
  words: string;
  /** True if its time differs from that of the arrow above. */
  newTime: boolean;
}

/** Gap is time in which nothing happened. */
export interface Gap {
  y: number;
  ms: number;
  /** The arrow that it stands above. */
  before: number;
}

/** Layout is a page of a diagram. */
export interface Layout {
  width: number;
  /** Without the heads. */
  height: number;
  lifelines: readonly Lifeline[];
  arrows: readonly Arrow[];
  gaps: readonly Gap[];
}

/** How many pages so many arrows have; at least one. */
export const pageCount = (arrows: number): number => Math.max(1, Math.ceil(arrows / pageArrows));

/**
 * Lays a page of a trace out; first is the place of its first line in the
 * trace, and words say why a request was refused: by default the server's own.
 */
export function layout(lines: readonly TraceLine[], first = 0, words = (error: EventError): string => error.description): Layout {
  const columns = columnsOf(lines);
  const lifelines = place(columns, lines);
  const x = new Map(lifelines.map((lifeline) => [lifeline.key, lifeline.x]));
  const refused = refusedRequests(lines);
  const arrows: Arrow[] = [];
  const gaps: Gap[] = [];
  let y = 8;
  let former: bigint | undefined;
  lines.forEach((line, n) => {
    const waited = former === undefined ? 0 : Number(line.timeMs - former);
    if (waited >= gapMs) {
      gaps.push({ y: y + gapHeight / 2, ms: waited, before: first + n });
      y += gapHeight;
    }
    const arrow = arrowOf(line, first + n, refused.has(n), x, former !== line.timeMs, words);
    y += rowHeight;
    arrow.y = y - 8;
    y += arrow.words === "" && !arrow.agentsAlone ? 0 : noteHeight;
    former = line.timeMs;
    arrows.push(arrow);
  });
  const last = lifelines.at(-1);
  return { width: (last?.x ?? gutter) + margin + rightEnd(arrows, last?.x ?? gutter), height: y + 16, lifelines, arrows, gaps };
}

function arrowOf(line: TraceLine, index: number, refused: boolean, x: ReadonlyMap<string, number>, newTime: boolean, words: (error: EventError) => string): Arrow {
  const error = line.event?.message.case === "eventError" ? line.event.message.value : undefined;
  const from = x.get(keyOf(line.from)) ?? gutter;
  const to = line.to.map((p) => x.get(keyOf(p)) ?? gutter);
  const added = line.event?.message.case === "eventLineAdded" ? line.event.message.value : undefined;
  let kind: ArrowKind = line.event ? (line.answer ? "answer" : "message") : "request";
  if (refused || error) {
    kind = "refused";
  }
  return {
    index,
    line,
    kind,
    dashed: line.answer,
    label: label(line),
    protocol: protocolName(line),
    y: 0,
    from,
    to,
    labelX: middle(from, to),
    agentsAlone: added?.line?.visibility === LineVisibility.AGENTS,
    words: error ? words(error) : "",
    newTime,
  };
}

// Refused requests, by their places: their answer has the same sequence, since
// nothing else came of them. What came to nothing later is no refusal.
function refusedRequests(lines: readonly TraceLine[]): ReadonlySet<number> {
  const refused = new Set<number>();
  lines.forEach((line, n) => {
    const request = lines[n - 1];
    if (
      line.event?.message.case === "eventError" &&
      line.answer &&
      request &&
      !request.event &&
      request.sequence === line.sequence &&
      request.referenceId === line.referenceId
    ) {
      refused.add(n - 1);
    }
  });
  return refused;
}

/** Tells participants apart. */
export const keyOf = (p: Participant | undefined): string => `${p?.kind ?? 0} ${p?.id ?? ""}`;

interface Column {
  key: string;
  name: string;
  kind: ParticipantKind;
}

// The participants, by kind and then by who appears first.
function columnsOf(lines: readonly TraceLine[]): Column[] {
  const found = new Map<string, Column>();
  for (const line of lines) {
    for (const p of [line.from, ...line.to]) {
      if (p && !found.has(keyOf(p))) {
        found.set(keyOf(p), { key: keyOf(p), name: participantName(p), kind: p.kind });
      }
    }
  }
  const rank = (kind: ParticipantKind) => (order.indexOf(kind) + order.length + 1) % (order.length + 1);
  return [...found.values()].sort((a, b) => rank(a.kind) - rank(b.kind));
}

// Puts the lifelines so far apart that labels fit between them.
function place(columns: readonly Column[], lines: readonly TraceLine[]): Lifeline[] {
  const at = new Map(columns.map((column, n) => [column.key, n]));
  const needs: Map<number, number>[] = columns.map(() => new Map());
  for (const line of lines) {
    const ends = [line.from, ...line.to].map((p) => at.get(keyOf(p)) ?? 0);
    const [left, right] = [Math.min(...ends), Math.max(...ends)];
    if (left < right) {
      const need = labelWidth(`${label(line)} ${protocolName(line)}`) + 28;
      needs[right]?.set(left, Math.max(need, needs[right].get(left) ?? 0));
    }
  }
  const xs: number[] = [];
  columns.forEach((column, n) => {
    const own = labelWidth(column.name) / 2 + 12;
    const former = columns[n - 1];
    let x = former ? (xs[n - 1] ?? 0) + Math.max(columnMin, own + labelWidth(former.name) / 2 + 12) : gutter + Math.max(columnMin / 2, own);
    for (const [left, need] of needs[n] ?? []) {
      x = Math.max(x, (xs[left] ?? 0) + need);
    }
    xs.push(Math.round(x));
  });
  return columns.map((column, n) => ({ ...column, x: xs[n] ?? 0 }));
}

/** About how wide a text is. */
export const labelWidth = (text: string): number => text.length * characterWidth;

function middle(from: number, to: readonly number[]): number {
  const ends = [from, ...to];
  return (Math.min(...ends) + Math.max(...ends)) / 2;
}

// How far labels and words reach beyond the last lifeline.
function rightEnd(arrows: readonly Arrow[], last: number): number {
  let end = columnMin / 2;
  for (const arrow of arrows) {
    const width = Math.max(labelWidth(arrow.label + arrow.protocol) + 12, labelWidth(arrow.words));
    end = Math.max(end, arrow.labelX + width / 2 - last);
  }
  return Math.ceil(end);
}
