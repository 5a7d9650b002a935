import { expect, test } from "vitest";
import { changedLines } from "./diff.js";
import { differing, type DraftField, fieldOf, fromDraft, merge, numberRows, skillRows, toDraft } from "./draft.js";

const fields: DraftField[] = [
  { key: "agentId", type: "name" },
  { key: "supervisor", type: "check" },
  { key: "agentGroups", type: "names" },
  { key: "capacity", type: "rows", rows: numberRows },
  { key: "skills", type: "rows", rows: skillRows },
  { key: "loginWorkMode", type: "choice", of: "enum" },
  { key: "withinMs", type: "seconds" },
];

const agent = {
  $typeName: "usher.v1.Agent",
  agentId: "alice",
  supervisor: true,
  agentGroups: ["a", "b"],
  capacity: { mail: 5, chat: 2 },
  skills: [{ skill: "billing", level: 0, percent: 0 }],
  loginWorkMode: 3,
  withinMs: 1500n,
  unseen: "kept",
};

test("a draft becomes the object that it was made of", () => {
  const draft = toDraft(fields, agent);
  expect(draft).toEqual({
    agentId: "alice",
    supervisor: true,
    agentGroups: ["a", "b"],
    capacity: [["chat", "2"], ["mail", "5"]],
    skills: [["billing", "1", ""]],
    loginWorkMode: "3",
    withinMs: "1.5",
  });
  const { $typeName: _, ...rest } = agent;
  expect(fromDraft(fields, draft, agent)).toEqual({ ...rest, skills: [{ skill: "billing", level: 1, percent: 0 }] });
});

test("a new draft becomes an object of zero values, without rows that are empty", () => {
  const draft = { ...toDraft(fields), agentId: " ben ", skills: [["", " ", ""]] };
  expect(fromDraft(fields, draft)).toEqual({
    agentId: "ben",
    supervisor: false,
    agentGroups: [],
    capacity: {},
    skills: [],
    loginWorkMode: 0,
    withinMs: 0n,
  });
});

test("what two have made of an object is put together", () => {
  const base = { a: "1", b: "1", c: "1", d: [["x"]], e: "1" };
  const mine = { a: "2", b: "1", c: "2", d: [["x"]], e: "2" };
  const theirs = { a: "1", b: "3", c: "3", d: [["y"]], e: "2" };
  expect(differing(base, theirs)).toEqual(["b", "c", "d", "e"]);
  expect(merge(base, mine, theirs)).toEqual({
    draft: { a: "2", b: "3", c: "2", d: [["y"]], e: "2" },
    taken: ["b", "d"],
    contested: ["c"],
  });
});

test("a sentence is about a field of the object", () => {
  expect(fieldOf('queue "in": agent_group: there is no agent_group "x"', "queue", "in")).toBe("agentGroup");
  expect(fieldOf('queue "in": service_level_within_ms: -1 is not between', "queue", "in")).toBe("serviceLevelWithinMs");
  expect(fieldOf('queue "other": agent_group: there is none', "queue", "in")).toBeUndefined();
  expect(fieldOf('queue "in" is in use', "queue", "in")).toBeUndefined();
});

test("a changed text is shown by its lines", () => {
  const from = ["vector 12", "1", "2", "3", "4", 'say "x"'].join("\n");
  const field = (to: string) => `text: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`;
  expect(changedLines(field(from.replace("4", "four\nfive")))).toEqual({
    name: "text",
    lines: [
      { sign: " ", text: "2" },
      { sign: " ", text: "3" },
      { sign: "-", text: "4" },
      { sign: "+", text: "four" },
      { sign: "+", text: "five" },
      { sign: " ", text: 'say "x"' },
    ],
  });
  expect(changedLines('strategy: "" -> "vector"')).toBeUndefined();
  expect(changedLines("password: changed")).toBeUndefined();
});
