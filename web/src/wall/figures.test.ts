import { create } from "@bufbuild/protobuf";
import { QueueStatisticsSchema } from "@usher-cc/client/gen/statistics";
import { describe, expect, it } from "vitest";
import {
  defaultThresholds,
  figuresOf,
  judgeAbandoned,
  judgeServiceLevel,
  judgeWait,
  readThresholds,
  total,
  worst,
} from "./figures.js";

const inbound = create(QueueStatisticsSchema, {
  row: { queue: "inbound", waiting: 3, oldestSinceMs: 5_000n, expectedWaitMs: 40_000n, agentsStaffed: 4, agentsAvailable: 1, handling: 2 },
  entered: 20n,
  answered: 12n,
  answeredWithin: 9n,
  abandoned: 3n,
  answeredWaitMs: 120_000n,
  handledMs: 600_000n,
  handled: 10n,
  withinMs: 20_000n,
  targetPercent: 80,
});

describe("figures", () => {
  it("are shares of those answered or abandoned, and averages of those it happened to", () => {
    expect(figuresOf(inbound)).toMatchObject({
      serviceLevel: 0.6,
      abandonRate: 0.2,
      speedOfAnswerMs: 10_000,
      handlingMs: 60_000,
      target: 0.8,
      expectedWaitMs: 40_000,
    });
  });

  it("are undefined while there is nothing to divide by", () => {
    const fresh = figuresOf(create(QueueStatisticsSchema, { row: { queue: "new" }, withinMs: 20_000n, targetPercent: 80 }));
    expect(fresh).toMatchObject({
      serviceLevel: undefined,
      abandonRate: undefined,
      speedOfAnswerMs: undefined,
      handlingMs: undefined,
      expectedWaitMs: undefined,
      oldestSinceMs: 0,
    });
  });

  it("of all queues weigh each by what happened in it, and have the oldest of all that wait", () => {
    const other = figuresOf(
      create(QueueStatisticsSchema, { row: { queue: "b", waiting: 1, oldestSinceMs: 2_000n }, answered: 5n, answeredWithin: 5n, withinMs: 60_000n, targetPercent: 80 }),
    );
    expect(total([figuresOf(inbound), other])).toMatchObject({ serviceLevel: 0.7, waiting: 4, oldestSinceMs: 2_000, abandoned: 3, withinMs: 20_000 });
    expect(total([])).toBeUndefined();
  });
});

describe("thresholds", () => {
  const t = defaultThresholds;

  it("warn of a service level under its target, and only under it", () => {
    expect(judgeServiceLevel(undefined, 0.8, t)).toBe("fine");
    expect(judgeServiceLevel(0.8, 0.8, t)).toBe("fine");
    expect(judgeServiceLevel(0.79, 0.8, t)).toBe("warn");
    expect(judgeServiceLevel(0.6, 0.8, t)).toBe("warn");
    expect(judgeServiceLevel(0.59, 0.8, t)).toBe("critical");
    expect(judgeServiceLevel(0.95, 0.8, { ...t, serviceLevelWarn: 0, serviceLevelCritical: 0 })).toBe("fine");
  });

  it("warn of a wait over the service level's time, and are critical over three times", () => {
    expect(judgeWait(20_000, 20_000, t)).toBe("fine");
    expect(judgeWait(20_001, 20_000, t)).toBe("warn");
    expect(judgeWait(60_000, 20_000, t)).toBe("warn");
    expect(judgeWait(60_001, 20_000, t)).toBe("critical");
    expect(judgeWait(60_001, 0, t)).toBe("fine");
  });

  it("warn of a rate of abandoned", () => {
    expect(judgeAbandoned(undefined, t)).toBe("fine");
    expect(judgeAbandoned(0.05, t)).toBe("fine");
    expect(judgeAbandoned(0.051, t)).toBe("warn");
    expect(judgeAbandoned(0.11, t)).toBe("critical");
  });

  it("are read as stored, and as by default where that makes no sense", () => {
    expect(readThresholds(null)).toEqual(defaultThresholds);
    expect(readThresholds("no JSON")).toEqual(defaultThresholds);
    expect(readThresholds("null")).toEqual(defaultThresholds);
    expect(readThresholds('{"waitWarn": 2, "waitCritical": -1, "abandonWarn": "x", "other": 1}')).toEqual({ ...defaultThresholds, waitWarn: 2 });
  });

  it("name the worst", () => {
    expect(worst(["fine", "critical", "warn"])).toBe("critical");
    expect(worst(["fine", "warn"])).toBe("warn");
    expect(worst([])).toBe("fine");
  });
});
