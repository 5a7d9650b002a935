import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until, Usher } from "./server.js";

let usher: Usher;
let desktop: ChildProcess | undefined;

beforeAll(async () => {
  usher = await Usher.start();
});

afterAll(async () => {
  if (desktop?.pid) {
    process.kill(-desktop.pid);
  }
  await usher?.stop();
});

test("the guide shows the whole desktop", () => {
  const file = (name: string) => readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), "utf8");
  const shown = /<!-- file: desktop.ts -->\n```ts\n([^]*?)```/.exec(file("docs/guides/build-your-own-desktop.md"))?.[1];
  expect(shown).toBe(file("examples/desktop/desktop.ts"));
});

test("the desktop of examples/desktop answers a customer", async () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  let output = "";
  // A process group of its own, since npm does not pass signals on.
  desktop = spawn("npm", ["start", "--silent", "-w", "@usher-cc/desktop"], {
    cwd: root,
    detached: true,
    env: { ...process.env, USHER_URL: usher.url },
  });
  desktop.stdout?.on("data", (text: Buffer) => (output += text.toString()));
  desktop.stderr?.on("data", (text: Buffer) => (output += text.toString()));
  await until("the desktop is ready", () => {
    if (desktop?.exitCode !== null) {
      throw new Error(`the desktop ended:\n${output}`);
    }
    return output.includes("Alice is ready.");
  });
  const customer = await usher.customer({ text: "" });
  const lines = () => customer.state.lines.map((line) => line.said.line?.text);
  await until("the greeting", () => lines().includes("Hello, this is Alice."));
  customer.send("one");
  customer.send("bye");
  await until("the end", () => customer.state.stage === "ended");
  expect(lines().filter((text) => text?.startsWith("You said"))).toEqual(["You said: one", "You said: bye"]);
  expect(output).toBe("Alice is ready.\n");
});
