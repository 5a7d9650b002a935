import { expect, it } from "vitest";
import type { Figures } from "./figures.js";
import { grown, type Series, serviceLevels, withNow } from "./history.js";

const series = (atMs: number[], entered: number[]): Series => ({
  atMs,
  entered,
  waiting: atMs.map(() => 1),
  longestWaitMs: atMs.map(() => 500),
  answered: entered,
  answeredWithin: entered.map((n) => n / 2),
  abandoned: atMs.map(() => 0),
});

it("newer steps replace those of the same times, and old ones go", () => {
  const joined = grown(series([1, 2, 3], [10, 20, 30]), series([3, 4], [31, 40]), 2);
  expect(joined.atMs).toEqual([2, 3, 4]);
  expect(joined.entered).toEqual([20, 31, 40]);
  expect(joined.waiting).toHaveLength(3);
});

it("the last step has what waits now", () => {
  const queues = [{ waiting: 2, oldestSinceMs: 4_000 }, { waiting: 3, oldestSinceMs: 0 }] as Figures[];
  const now = withNow(series([1, 2], [1, 1]), queues, 10_000);
  expect(now.waiting).toEqual([1, 5]);
  expect(now.longestWaitMs).toEqual([500, 6_000]);
  expect(withNow(series([], []), queues, 10_000).atMs).toEqual([]);
});

it("a step in which nobody was answered or abandoned has no service level", () => {
  expect(serviceLevels(series([1, 2], [0, 4]))).toEqual([null, 50]);
});
