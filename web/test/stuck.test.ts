// Browsers that read no more, as when a computer sleeps: the server cuts them
// off, and they go on without gap when they are awake.
import { AgentSession, codeOf, ErrorCode } from "@usher-cc/client";
import { InteractionManagement } from "@usher-cc/client/gen/interaction_management";
import type { Browser, BrowserContext, CDPSession, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { launch, logIn, open } from "./browser.js";
import { freePort, until, Usher } from "./server.js";

const im = InteractionManagement.method;

/** How long a page may take on a slow machine. */
const patience = { timeout: 120_000, interval: 100 };

/** More lines than the messages that are kept for a stream that is behind: 256, of an agent or a customer. */
const missed = 280;

/**
 * The most lines that may lie between server and page until no more go in: some
 * 11 MB in the buffers of browser and system, of which about 8 have been seen.
 * With those that are missed it is less than a transcript gives at once.
 */
const between = 680;

/** Long lines, so that few are necessary. */
const padding = " ".repeat(16_300);

/** Nobody is given up while his browser is stuck. */
const configuration = `
options: {agent_connection_grace: 10m, customer_connection_grace: 10m}
`;

let usher: Usher;
let chromium: Browser;
let metrics: string;
let contexts: BrowserContext[] = [];
let agents: AgentSession[] = [];

beforeAll(async () => {
  const operators = `127.0.0.1:${await freePort()}`;
  metrics = `http://${operators}/metrics`;
  [usher, chromium] = await Promise.all([Usher.start(undefined, ["--admin-listen", operators, "--limit-write-timeout", "2s"]), launch()]);
  await usher.applyText(configuration);
});

afterAll(async () => {
  await chromium?.close();
  await usher?.stop();
});

// Nothing is left to the next test: who is not given up keeps his login and what he has.
afterEach(async () => {
  for (const agent of agents) {
    await Promise.all(agent.state.interactions.map(({ interactionId }) => agent.stop(interactionId)));
    await agent.logout({ force: true });
    agent.close();
  }
  await Promise.all(contexts.map((context) => context.close()));
  [agents, contexts] = [[], []];
});

/** How many clients were cut off because they took nothing. */
async function cutOff(): Promise<number> {
  const printed = await (await fetch(metrics)).text();
  return Number(/^usher_stuck_clients_total (\d+)$/m.exec(printed)?.[1]);
}

/** Stops all of a page's scripts, also between two frames of a stream; what is returned lets them go on. */
async function freeze(page: Page): Promise<() => Promise<void>> {
  const debug: CDPSession = await page.context().newCDPSession(page);
  const paused = new Promise((resolve) => debug.once("Debugger.paused", resolve));
  await debug.send("Debugger.enable");
  await debug.send("Debugger.pause");
  void page.evaluate("0").catch(() => undefined); // it pauses at the next script
  await paused;
  return async () => {
    await debug.send("Debugger.resume");
    await debug.detach();
  };
}

/** Says lines one after the other, each in its turn, as fast as an agent may. */
async function say(by: AgentSession, interactionId: string, texts: string[]): Promise<void> {
  for (const text of texts) {
    await until("a line is taken", () =>
      by.request(im.addLine, { interactionId, line: { text } }).catch((thrown: unknown) => {
        if (codeOf(thrown) !== ErrorCode.TOO_MANY_REQUESTS) {
          throw thrown;
        }
        return undefined; // he has said much in a short time
      }),
    );
  }
}

/** Says lines until a frozen page is cut off and more than its stream could hold go past it; each is its number, and the last is given. */
async function sayUntilCutOff(by: AgentSession, interactionId: string): Promise<number> {
  const before = await cutOff();
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => String(from + n + 1));
  let said = 0;
  for (const some = 20; said < between && (await cutOff()) === before; said += some) {
    await say(by, interactionId, numbers(said, some).map((number) => number + padding + "."));
  }
  await until("the page is cut off", async () => (await cutOff()) > before);
  await say(by, interactionId, numbers(said, missed));
  return said + missed;
}

/** Counts how often a page opens its stream. */
function streamsOf(page: Page, method: string): () => number {
  let opened = 0;
  page.on("request", (request) => request.url().endsWith(method) && opened++);
  return () => opened;
}

/** Waits until a page shows the last line, and holds that it shows all, each once and in order. */
async function seesAll(lines: Locator, last: number): Promise<void> {
  const seen = () => lines.evaluateAll((all) => all.map((one) => one.textContent!.split(" ")[0]!));
  await expect.poll(async () => (await seen()).includes(String(last)), patience).toBe(true);
  expect(await seen()).toEqual(["Hello?", ...Array.from({ length: last }, (_, n) => String(n + 1))]);
}

test("a customer's page", async () => {
  const alice = await usher.agent("alice");
  agents.push(alice);
  const { page, context } = await open(chromium, usher, "/chat?site=demo");
  contexts.push(context);
  await page.getByLabel("Your name").fill("Ann");
  await page.getByLabel("How can we help you?").fill("Hello?");
  await page.getByRole("button", { name: "Start chat" }).click();
  const { ticket, interactionId } = await until("the offer", () => alice.state.invitations[0]);
  await alice.accept(ticket);
  await page.getByText("You are talking to Alice.").waitFor();

  const opened = streamsOf(page, ".InternetCallManager/SessionEvents");
  const thaw = await freeze(page);
  const last = await sayUntilCutOff(alice, interactionId);
  await thaw();
  await seesAll(page.locator(".chat-line:not(.chat-pending) .chat-bubble"), last);
  expect(opened(), "the page's stream was cut off and opened again").toBeGreaterThan(0);
}, 300_000);

test("an agent's window", async () => {
  const { page, context } = await open(chromium, usher, "/agent", {
    before: (context) => logIn(context, usher, { window: "agent", agentId: "ben" }),
  });
  contexts.push(context);
  await page.getByRole("button", { name: "Start work" }).click();
  await page.getByRole("button", { name: /^Become available/ }).first().click();
  await usher.customer({ name: "Ann" });
  await page.getByRole("article", { name: "Offer: Ann" }).getByRole("button", { name: /Accept/ }).click();
  await page.getByRole("region", { name: "Session with Ann" }).waitFor();

  // He speaks by another application, which reads.
  const ben = new AgentSession(await usher.as("ben"), { kind: "telephone" });
  agents.push(ben);
  ben.start();
  const { interactionId } = await until("his session", () => ben.state.interactions[0]);
  const opened = streamsOf(page, ".InteractionManagement/Events");
  const thaw = await freeze(page);
  const last = await sayUntilCutOff(ben, interactionId);
  await thaw();
  await seesAll(page.locator(".line:not(.line-pending) .line-text"), last);
  expect(opened(), "the window's stream was cut off and opened again").toBeGreaterThan(0);
}, 300_000);
