// Figures over time: what was read, what came since, and the point of now.
import type { EventHistory } from "@usher-cc/client/gen/statistics";
import type { Figures } from "./figures.js";

/** Figures over time; all lists have the same length. Times are Unix milliseconds. */
export interface Series {
  atMs: number[];
  waiting: number[];
  longestWaitMs: number[];
  entered: number[];
  answered: number[];
  answeredWithin: number[];
  abandoned: number[];
}

const lists = ["atMs", "waiting", "longestWaitMs", "entered", "answered", "answeredWithin", "abandoned"] as const;

export function seriesOf(history: EventHistory): Series {
  return {
    atMs: history.atMs.map(Number),
    waiting: history.waiting,
    longestWaitMs: history.longestWaitMs.map(Number),
    entered: history.entered,
    answered: history.answered,
    answeredWithin: history.answeredWithin,
    abandoned: history.abandoned,
  };
}

/** Puts newer steps in the place of those of the same times, after older ones, and forgets what is before fromMs. */
export function grown(series: Series, newer: Series, fromMs: number): Series {
  const [first = Infinity] = newer.atMs;
  const keep = series.atMs.map((at) => at >= fromMs && at < first);
  const wanted = newer.atMs.map((at) => at >= fromMs);
  const joined = {} as Series;
  for (const list of lists) {
    joined[list] = [...series[list].filter((_, n) => keep[n]), ...newer[list].filter((_, n) => wanted[n])];
  }
  return joined;
}

/** The last step with what waits now, which is pushed and so newer than what was read. */
export function withNow(series: Series, queues: readonly Figures[], nowMs: number): Series {
  const last = series.atMs.length - 1;
  if (last < 0) {
    return series;
  }
  const oldest = queues.map((f) => f.oldestSinceMs).filter((ms) => ms > 0);
  const waiting = [...series.waiting];
  const longestWaitMs = [...series.longestWaitMs];
  waiting[last] = queues.reduce((so, f) => so + f.waiting, 0);
  longestWaitMs[last] = oldest.length > 0 ? Math.max(0, nowMs - Math.min(...oldest)) : 0;
  return { ...series, waiting, longestWaitMs };
}

/** The service level of each step in percent; null where nobody was answered or abandoned. */
export const serviceLevels = (series: Series): (number | null)[] =>
  series.answered.map((answered, n) => {
    const over = answered + (series.abandoned[n] ?? 0);
    return over > 0 ? ((series.answeredWithin[n] ?? 0) / over) * 100 : null;
  });

/** How long a step is for so many hours: at most some hundred points. */
export const stepMs = (hours: number): number => ({ 1: 1, 4: 2, 24: 15 })[hours]! * 60_000;
