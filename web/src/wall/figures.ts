// What a queue's figures amount to, and what is to be thought of them.
import type { QueueStatistics } from "@usher-cc/client/gen/statistics";

/** A queue's figures, ready to be shown. Shares are from 0 to 1; undefined where there is nothing to divide by. */
export interface Figures {
  queue: string;
  description: string;
  /** The share of those answered or abandoned that were answered in time. */
  serviceLevel: number | undefined;
  /** The share that is wanted. */
  target: number;
  withinMs: number;
  waiting: number;
  handling: number;
  /** Since when the one waits that waits longest, by the server's clock; 0 if none does. */
  oldestSinceMs: number;
  expectedWaitMs: number | undefined;
  staffed: number;
  available: number;
  entered: number;
  answered: number;
  abandoned: number;
  /** The share of those answered or abandoned that were abandoned. */
  abandonRate: number | undefined;
  speedOfAnswerMs: number | undefined;
  handlingMs: number | undefined;
}

/** The figures of a queue. */
export function figuresOf(s: QueueStatistics): Figures {
  const answered = Number(s.answered);
  const abandoned = Number(s.abandoned);
  const over = answered + abandoned;
  const handled = Number(s.handled);
  const row = s.row;
  return {
    queue: row?.queue ?? "",
    description: row?.description ?? "",
    serviceLevel: divide(Number(s.answeredWithin), over),
    target: s.targetPercent / 100,
    withinMs: Number(s.withinMs),
    waiting: row?.waiting ?? 0,
    handling: row?.handling ?? 0,
    oldestSinceMs: Number(row?.oldestSinceMs ?? 0),
    expectedWaitMs: row?.expectedWaitMs === undefined ? undefined : Number(row.expectedWaitMs),
    staffed: row?.agentsStaffed ?? 0,
    available: row?.agentsAvailable ?? 0,
    entered: Number(s.entered),
    answered,
    abandoned,
    abandonRate: divide(abandoned, over),
    speedOfAnswerMs: divide(Number(s.answeredWaitMs), answered),
    handlingMs: divide(Number(s.handledMs), handled),
  };
}

/** What a figure is: fine, to be watched, or to be acted upon. */
export type Level = "fine" | "warn" | "critical";

/** Thresholds from which figures warn. */
export interface Thresholds {
  /** Points of percent under the target from which the service level warns, and is critical. */
  serviceLevelWarn: number;
  serviceLevelCritical: number;
  /** Multiples of the service level's time from which the longest wait warns, and is critical. */
  waitWarn: number;
  waitCritical: number;
  /** Percent abandoned from which the rate warns, and is critical. */
  abandonWarn: number;
  abandonCritical: number;
}

export const defaultThresholds: Thresholds = {
  serviceLevelWarn: 0,
  serviceLevelCritical: 20,
  waitWarn: 1,
  waitCritical: 3,
  abandonWarn: 5,
  abandonCritical: 10,
};

/** The largest value of each threshold. */
export const thresholdMax: Thresholds = {
  serviceLevelWarn: 100,
  serviceLevelCritical: 100,
  waitWarn: 100,
  waitCritical: 100,
  abandonWarn: 100,
  abandonCritical: 100,
};

/** Judges a service level: under its target it warns. */
export function judgeServiceLevel(level: number | undefined, target: number, t: Thresholds): Level {
  if (level === undefined) {
    return "fine";
  }
  return judge(round((target - level) * 100), t.serviceLevelWarn, t.serviceLevelCritical);
}

/** Judges the longest wait by the service level's time. */
export function judgeWait(waitMs: number, withinMs: number, t: Thresholds): Level {
  return withinMs > 0 ? judge(waitMs / withinMs, t.waitWarn, t.waitCritical) : "fine";
}

/** Judges how many are abandoned. */
export function judgeAbandoned(rate: number | undefined, t: Thresholds): Level {
  return rate === undefined ? "fine" : judge(round(rate * 100), t.abandonWarn, t.abandonCritical);
}

/** The worst of levels. */
export function worst(levels: readonly Level[]): Level {
  return levels.includes("critical") ? "critical" : levels.includes("warn") ? "warn" : "fine";
}

/** Thresholds as they were stored; whatever is missing or makes no sense is as by default. */
export function readThresholds(stored: string | null): Thresholds {
  let found: Partial<Record<string, unknown>> = {};
  try {
    found = (JSON.parse(stored ?? "{}") as typeof found | null) ?? {};
  } catch {
    // Somebody else's, or of another version.
  }
  const thresholds = { ...defaultThresholds };
  for (const key of Object.keys(thresholds) as (keyof Thresholds)[]) {
    const value = found[key];
    if (typeof value === "number" && value >= 0 && value <= thresholdMax[key]) {
      thresholds[key] = value;
    }
  }
  return thresholds;
}

const judge = (value: number, warn: number, critical: number): Level => (value > critical ? "critical" : value > warn ? "warn" : "fine");

// 80 % - 79.9 % of floating point is not to warn by its last bit.
const round = (value: number): number => Math.round(value * 1e6) / 1e6;

const divide = (a: number, b: number): number | undefined => (b > 0 ? a / b : undefined);

/** Figures of all queues together. */
export function total(all: readonly Figures[]): Figures | undefined {
  const [first] = all;
  if (!first) {
    return undefined;
  }
  const sum = (of: (f: Figures) => number) => all.reduce((so, f) => so + of(f), 0);
  const answered = sum((f) => f.answered);
  const abandoned = sum((f) => f.abandoned);
  const over = answered + abandoned;
  const weighted = (of: (f: Figures) => number | undefined, weight: (f: Figures) => number) =>
    divide(sum((f) => (of(f) ?? 0) * weight(f)), sum(weight));
  const oldest = all.map((f) => f.oldestSinceMs).filter((ms) => ms > 0);
  return {
    ...first,
    queue: "",
    description: "",
    serviceLevel: weighted((f) => f.serviceLevel, (f) => f.answered + f.abandoned),
    target: weighted((f) => f.target, (f) => f.answered + f.abandoned) ?? first.target,
    withinMs: Math.min(...all.map((f) => f.withinMs)),
    waiting: sum((f) => f.waiting),
    handling: sum((f) => f.handling),
    oldestSinceMs: oldest.length > 0 ? Math.min(...oldest) : 0,
    expectedWaitMs: undefined,
    entered: sum((f) => f.entered),
    answered,
    abandoned,
    abandonRate: divide(abandoned, over),
    speedOfAnswerMs: weighted((f) => f.speedOfAnswerMs, (f) => f.answered),
    handlingMs: undefined,
  };
}
