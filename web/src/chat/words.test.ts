import { beforeAll, expect, test, vi } from "vitest";
import type { Said } from "./chat.js";

let words: typeof import("./words.js");

beforeAll(async () => {
  vi.stubGlobal("location", { search: "" });
  vi.stubGlobal("document", {});
  vi.stubGlobal("navigator", { languages: ["en-GB"] });
  words = await import("./words.js");
});

const said = (more: Partial<Said>): Said => ({ sequence: 1, timeMs: 0, own: false, author: "", line: { text: "x" }, referenceId: "", ...more });

test("an agent without a name is an agent", () => {
  expect(words.agentsInWords(["Ada", "", "Bob"])).toBe("Ada, Agent and Bob");
  expect(words.authorInWords(said({}))).toBe("Agent");
  expect(words.authorInWords(said({ author: "Ada" }))).toBe("Ada");
});

test("the customer's own lines and notices are no agent's", () => {
  expect(words.authorInWords(said({ own: true, author: "Dora" }))).toBe("You");
  expect(words.authorInWords(said({ line: { kind: "LINE_KIND_NOTICE", text: "x" } }))).toBe("");
});

test("the transcript says who said what", () => {
  const lines = [
    said({ own: true, line: { text: "Hello?" } }),
    said({ line: { text: "Hello!" } }),
    said({ author: "Ada", line: { text: "And I." } }),
    said({ line: { kind: "LINE_KIND_NOTICE", text: "Somebody has left." } }),
  ];
  const text = words.transcript("Shop", lines, "Dora").split("\n").slice(3).map((line) => line.replace(/^\[[^\]]*\] /, ""));
  expect(text).toEqual(["Dora: Hello?", "Agent: Hello!", "Ada: And I.", "Somebody has left.", ""]);
});
