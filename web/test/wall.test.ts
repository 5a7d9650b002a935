// The supervisor's wall against the real server, with agents and customers of
// the public API.
import { readFile } from "node:fs/promises";
import { type AgentSession, codeOf, connect, type Connection, type CustomerSession, ErrorCode } from "@usher-cc/client";
import { Administration } from "@usher-cc/client/gen/administration";
import { ClientType, OwnerKind, Role, VisibilityMode } from "@usher-cc/client/gen/common";
import type { Event } from "@usher-cc/client/gen/event";
import { InteractionManagement } from "@usher-cc/client/gen/interaction_management";
import { Reporting, type TraceLine } from "@usher-cc/client/gen/reporting";
import { WorkMode } from "@usher-cc/client/gen/routing";
import type { Browser, BrowserContext, Download, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { asText, label } from "../src/common/sequence/arrows.js";
import { axeViolations, launch, logIn, open, type Opened, picture } from "./browser.js";
import { password, until, Usher } from "./server.js";

const im = InteractionManagement.method;

let usher: Usher;
let browser: Browser;
/** Where Carol, a supervisor, is logged in. */
let carols: BrowserContext;
let opened: Opened[] = [];
let customers: CustomerSession[] = [];
let agents: AgentSession[] = [];
/** What a media server has submitted: the ids. */
let submitted: { media: Connection; interactionId: string }[] = [];
/** What the walls were refused: the methods, as often as it happened. */
let refused: string[] = [];
/** What a test has its wall refused. */
let toBeRefused: string[] = [];

// The figures of queues count all day: who looks at them has a queue of his own.
const centre = `
skills: [{name: invoices}]
agents:
  - {agent_id: erik, name: Erik, password: ${password}, skills: {invoices: 1}} # has work modes
queues:
  - {name: figures, strategy: longest-idle, agent_group: support, service_level_within: 10m}
  - {name: limits, strategy: longest-idle, agent_group: support, service_level_within: 10m}
  - {name: board, strategy: longest-idle, agent_group: support, service_level_within: 10m}
  - {name: charts, strategy: longest-idle, agent_group: support, service_level_within: 10m}
request_types:
  - {name: figures, media_type: chat, queue: figures}
  - {name: limits, media_type: chat, queue: limits}
  - {name: board, media_type: chat, queue: board}
  - {name: charts, media_type: chat, queue: charts}
sites:
  - {name: demo, request_types: [billing, sales, callback, figures, limits, board, charts], anonymous: true, anonymous_sessions_per_minute: 600}
`;

beforeAll(async () => {
  [usher, browser] = await Promise.all([Usher.start(), launch()]);
  await usher.applyText(centre);
  carols = await browser.newContext({ locale: "en-GB", viewport });
  await logIn(carols, usher, { window: "supervisor", agentId: "carol" });
});

// Nobody keeps anything from one test to the next: walls are closed, customers
// go, agents log out.
afterEach(async () => {
  for (const { page, context } of opened) {
    await (context === carols ? page.close() : context.close());
  }
  for (const customer of customers) {
    await customer.drop().catch(() => undefined); // his session may have ended
    customer.close();
  }
  for (const { media, interactionId } of submitted) {
    await media.call(im.stopProcessing, { interactionId });
  }
  for (const agent of agents) {
    await agent.logout({ force: true }).catch(() => undefined); // Carol may have done it
    agent.close();
  }
  // The wall has made Carol an agent where she had to be one.
  await carols.request.post(`${usher.url}/usher.v1.InteractionManagement/AgentLogout`, {
    headers: { "Usher-Window": "supervisor" },
    data: { force: true },
  });
  const errors = opened.flatMap((one) => one.errors);
  const reads = refused.filter((method) => method === "GetInteractionProperties");
  const others = refused.filter((method) => method !== "GetInteractionProperties");
  const expected = toBeRefused;
  [opened, customers, agents, submitted, refused, toBeRefused] = [[], [], [], [], [], []];
  // The browser says what was refused, too, and that the killed server was not there.
  expect(errors.filter((error) => !/Failed to load resource|net::ERR/.test(error))).toEqual([]);
  expect(others).toEqual(expected);
  // One may be under way when an interaction ends, and one asks for what had ended.
  expect(reads.length).toBeLessThanOrEqual(2);
});

afterAll(async () => {
  await browser?.close();
  await usher?.stop();
});

// ---- People ----

const viewport = { width: 1280, height: 900 };

/** Opens a page of the wall: in the context where Carol is logged in, or in one of its own. */
async function openWall(path: string, options: Parameters<typeof open>[3] = { context: carols }): Promise<Page> {
  const one = await open(browser, usher, `/wall${path}`, { viewport, ...options });
  opened.push(one);
  const { page } = one;
  page.on("response", (response) => response.status() >= 400 && refused.push(new URL(response.url()).pathname.split("/").at(-1) ?? ""));
  return page;
}

/** Opens the wall, and waits until Carol is in and her session is known. */
async function wall(path: string, options?: Parameters<typeof open>[3]): Promise<Page> {
  const page = await openWall(path, options);
  await page.locator(".wall-me").getByText("Carol").waitFor();
  return page;
}

/** A context of one's own in which Carol is logged in: for who stores something, or logs out. */
const carolsOwn = { before: (context: BrowserContext) => logIn(context, usher, { window: "supervisor", agentId: "carol" }) };

/** An agent without a window, for chats. */
async function agent(agentId: string, ready = true): Promise<AgentSession> {
  const session = await usher.agent(agentId);
  agents.push(session);
  if (!ready) {
    await session.notReady("chat");
  }
  return session;
}

/** A customer who has asked for a session. */
async function customer(launch: Parameters<Usher["customer"]>[0] = {}): Promise<CustomerSession> {
  const session = await usher.customer(launch);
  customers.push(session);
  return session;
}

/** Accepts the next offer of an agent, and gives the interaction. */
async function answer(by: AgentSession): Promise<string> {
  const offer = await until("an offer", () => by.state.invitations[0]);
  await by.accept(offer.ticket);
  await until("the interaction", () => by.state.interactions.some((i) => i.interactionId === offer.interactionId));
  return offer.interactionId;
}

/** Has one customer of a queue abandon, and then another one answered by alice. */
async function oneOfTwo(requestType: string): Promise<void> {
  const alice = await agent("alice", false);
  const leaving = await customer({ requestType });
  await leaving.drop();
  await customer({ requestType });
  await alice.ready("chat");
  await answer(alice);
}

/** A customer whose chat alice has, opened on the wall. */
async function chat(text: string): Promise<{ id: string; alice: AgentSession; customer: CustomerSession; page: Page }> {
  const alice = await agent("alice");
  const asking = await customer({ text });
  const id = await answer(alice);
  return { id, alice, customer: asking, page: await look(id, text) };
}

/** Opens an interaction on the wall, and waits for a line of it. */
async function look(id: string, text: string): Promise<Page> {
  const page = await wall(`#interactions/${encodeURIComponent(id)}`);
  await page.getByRole("log", { name: "Conversation" }).getByText(text).waitFor();
  return page;
}

const said = (by: CustomerSession): string[] => by.state.lines.map((line) => line.said.line?.text ?? "");
const heardBy = (by: AgentSession, id: string): string[] =>
  by.state.conversations.get(id)?.lines.map((line) => line.added?.line?.text ?? "") ?? [];

// ---- What is on a page ----

const tab = (page: Page, name: string): Promise<void> => page.getByRole("navigation").getByRole("link", { name }).click();
const part = (page: Page, name: string): Promise<void> => page.getByRole("tab", { name }).click();
const focused = (what: string, locator: Locator): Promise<boolean> =>
  until(`${what} has the focus`, () => locator.evaluate((element) => element === document.activeElement));

/** The cell of a queue's row, by the title of its column. */
async function figure(page: Page, queue: string, column: string): Promise<string> {
  const titles = await page.locator(".queues thead th").allInnerTexts();
  const row = page.locator(".queues tbody tr", { has: page.getByRole("link", { name: queue, exact: true }) });
  return row.locator("td").nth(titles.indexOf(column)).innerText();
}

/** Waits until the figure of a queue begins with a text. */
const shows = (page: Page, queue: string, column: string, text: string): Promise<boolean> =>
  until(`${column} of ${queue} is ${text}`, async () => (await figure(page, queue, column)).startsWith(text));

/** Fills a dialog's reason in and confirms it. */
async function confirm(page: Page, button: string, reason: string): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason", { exact: true }).fill(reason);
  await dialog.getByRole("button", { name: button }).click();
}

/** Waits for words that are in sight for some seconds only, while it is done what leads to them. */
async function told(page: Page, words: string, act: () => Promise<unknown>): Promise<void> {
  await Promise.all([page.getByText(words).waitFor(), act()]);
}

test("who is no supervisor is told so, and a supervisor logs in by keyboard", async () => {
  const page = await wall("");
  const other = await openWall("", {});
  const type = async (agentId: string, secret: string) => {
    await other.getByLabel("Agent id").fill(agentId);
    await other.getByLabel("Password").fill(secret);
    await other.keyboard.press("Enter");
  };
  await other.getByLabel("Agent id").waitFor();
  expect(await axeViolations(other)).toEqual([]);
  toBeRefused = ["login", "login"];
  await type("alice", password);
  await other.getByText("Only supervisors may use the wall").waitFor();
  await type("carol", "wrong-password");
  await other.getByText("Agent id or password is wrong.").waitFor();
  expect(await axeViolations(other)).toEqual([]);
  // Carol is at the wall already: the first one goes, and says so.
  await type("carol", password);
  await other.getByRole("table").waitFor();
  await page.getByText("The wall was opened somewhere else").waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await page.getByRole("button", { name: "Use this one" }).click();
  await page.getByRole("table").waitFor();
  await other.getByText("The wall was opened somewhere else").waitFor();
});

test("who logs out before his session is known finds everything when he comes again", async () => {
  const page = await openWall("#interactions", {
    before: async (context) => {
      await carolsOwn.before(context);
      await context.route("**/usher.v1.InteractionManagement/Events", () => undefined);
    },
  });
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Agent id").fill("carol");
  await page.getByLabel("Password").fill(password);
  await page.context().unroute("**/usher.v1.InteractionManagement/Events");
  await page.keyboard.press("Enter");
  await page.getByText("Nothing waits and nothing is handled.").waitFor();
});

test("figures follow what happens, without a reload", async () => {
  const alice = await agent("alice");
  await agent("ben", false);
  const page = await wall("#queues");
  await page.evaluate(() => Object.assign(window, { marked: true }));
  await shows(page, "figures", "Entered", "0");
  await shows(page, "figures", "Agents free", "1 of 2");
  await alice.notReady("chat");
  const first = await customer({ requestType: "figures" });
  await shows(page, "figures", "Waiting", "1");
  await shows(page, "figures", "Entered", "1");
  const wait = await until("a longest wait", async () => /\d:\d\d/.exec(await figure(page, "figures", "Longest wait"))?.[0]);
  await until("it ticks", async () => !(await figure(page, "figures", "Longest wait")).includes(wait));
  const leaving = await customer({ requestType: "figures" });
  await shows(page, "figures", "Waiting", "2");
  await leaving.drop();
  await shows(page, "figures", "Abandoned", "⬣ 1 (100%)");
  await alice.ready("chat");
  await answer(alice);
  await shows(page, "figures", "Answered", "1");
  await shows(page, "figures", "Waiting", "0");
  await shows(page, "figures", "Handled", "1");
  await shows(page, "figures", "Service level", "⬣ 50%");
  await first.drop();
  await shows(page, "figures", "Handled", "0");
  expect(await page.evaluate(() => "marked" in window)).toBe(true);
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-queues");
});

test("thresholds are the supervisor's own, and kept", async () => {
  await oneOfTwo("limits");
  // He may be faster than his session, which is held up here.
  const page = await openWall("#queues", {
    before: async (context) => {
      await carolsOwn.before(context);
      await context.route("**/usher.v1.InteractionManagement/Events", () => undefined);
    },
  });
  await shows(page, "limits", "Abandoned", "⬣ 1 (50%)");
  await page.getByRole("button", { name: "Thresholds" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await dialog.getByLabel("Abandon rate warns above").fill("101");
  await dialog.getByText("A number from 0 to 100.").waitFor();
  await dialog.getByLabel("Abandon rate warns above").fill("40");
  await dialog.getByLabel("Abandon rate is critical above").fill("60");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await shows(page, "limits", "Abandoned", "▲ 1 (50%)");
  expect(await figure(page, "limits", "Abandoned")).toContain("watch");
  await page.context().unroute("**/usher.v1.InteractionManagement/Events");
  await page.reload();
  await page.locator(".wall-me").getByText("Carol").waitFor();
  await shows(page, "limits", "Abandoned", "▲ 1 (50%)");
});

test("the big screen shows the same figures, large", async () => {
  await oneOfTwo("board");
  const page = await openWall("?view=board");
  const tile = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "board", exact: true }) });
  await tile.getByText("50%").first().waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-board");
  await page.getByRole("link", { name: "Back to the wall" }).click();
  await page.getByRole("navigation").waitFor();
});

test("charts have the figures as a table too, and grow", async () => {
  const page = await wall("#history/charts");
  await page.getByText("The figures as a table").click();
  const entered = () =>
    page.locator(".charts-table tbody tr").evaluateAll((rows) => rows.map((row) => Number((row as HTMLTableRowElement).cells[3]?.textContent)));
  const sum = async (steps = 1) => {
    const cells = await entered();
    return cells.length >= steps ? cells.reduce((so, n) => so + n, 0) : undefined;
  };
  await until("nothing so far", async () => (await sum()) === 0);
  await customer({ requestType: "charts" });
  await until("one", async () => (await sum()) === 1);
  await page.getByLabel("24 hours").check();
  await until("the same in other steps", async () => (await sum(91)) === 1);
  await page.getByLabel("Queue").selectOption("callbacks");
  await until("nothing in callbacks", async () => (await sum()) === 0);
  await page.getByLabel("Queue").selectOption("");
  await until("some in all queues", async () => ((await sum()) ?? 0) >= 1);
  expect(await axeViolations(page)).toEqual([]);
  await page.getByText("The figures as a table").click();
  await picture(page, "wall-history");
});

test("the grid shows agents and their states, by mouse and keyboard", async () => {
  await agent("alice");
  await agent("ben", false);
  const page = await wall("#agents");
  const row = (id: string) => page.locator(`[data-agent=${id}]`);
  await row("alice").getByText("Ready", { exact: true }).waitFor();
  await row("ben").getByText("Not ready", { exact: true }).waitFor();
  expect(await row("erik").count()).toBe(0);
  await page.getByLabel("Only who is logged in").uncheck();
  await row("erik").getByText("Logged out").waitFor();
  const time = () => row("alice").getByRole("gridcell").nth(2).innerText();
  const first = await time();
  await until("its clock ticks", async () => (await time()) !== first);
  await page.getByRole("searchbox", { name: "Find" }).fill("ali");
  await page.getByText("1 of 4 agents").waitFor();
  await page.getByRole("searchbox", { name: "Find" }).fill("");
  await page.getByText("4 of 4 agents").waitFor();
  const order = (direction: string) => page.locator(`[role=columnheader][aria-sort=${direction}]`, { hasText: "Agent" }).waitFor();
  await page.getByRole("button", { name: "Agent" }).first().click();
  await order("descending");
  await page.getByRole("button", { name: "Agent" }).first().click();
  await order("ascending");
  // By keyboard: the row in the order of Tab, the next, and the dialog.
  await row("alice").focus();
  await page.keyboard.press("ArrowDown");
  await focused("ben", row("ben"));
  await page.keyboard.press("End");
  await focused("erik", row("erik"));
  await page.keyboard.press("Home");
  await focused("alice", row("alice"));
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-agents");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Alice (alice)" }).waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await focused("alice again", row("alice"));
});

test("the grid acts on the row that has the focus", async () => {
  await agent("alice");
  await agent("ben", false);
  const page = await wall("#agents");
  const row = (id: string) => page.locator(`[data-agent=${id}]`);
  await row("alice").focus();
  await row("ben").focus(); // as a screen reader may, past the order of Tab
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Ben (ben)" }).waitFor();
  await page.keyboard.press("Escape");
  await focused("ben again", row("ben"));
});

test("the grid says why a medium is not ready", async () => {
  const alice = await agent("alice");
  const page = await wall("#agents");
  await alice.notReady("chat", "pause");
  await page.locator("[data-agent=alice]").getByText("chat not ready: Short pause").waitFor();
});

test("the language can be changed anywhere on the wall", async () => {
  const page = await wall("#agents", carolsOwn);
  await page.getByLabel("Language").selectOption("de");
  await page.getByRole("grid", { name: /Pfeiltasten/ }).waitFor();
});

test("a supervisor forces states, and the agent hears who and why", async () => {
  const alice = await agent("alice");
  const erik = await agent("erik");
  const heard: Event[] = [];
  alice.onEvent((event) => heard.push(event));
  const page = await wall("#agents");
  const dialog = page.getByRole("dialog");
  const force = async (agentId: string, act: string, reason: string) => {
    await page.locator(`[data-agent=${agentId}]`).click();
    await dialog.getByRole("radio", { name: act, exact: true }).check();
    await dialog.getByLabel("Reason", { exact: true }).fill(reason);
    await dialog.getByRole("button", { name: act, exact: true }).click();
    await dialog.getByText(`Done: ${act}`).waitFor();
  };
  const close = () => dialog.getByRole("button", { name: "Close" }).click();
  await force("alice", "Make not ready", "Team meeting");
  await close();
  await until("alice is not ready", () => alice.state.status?.media[0]?.ready === false);
  const change = await until("she is told", () => heard.find((event) => event.message.case === "eventForcedAgentStateChange"));
  expect(change).toMatchObject({ reason: "Team meeting", actor: { id: "carol" } });
  await page.locator("[data-agent=alice]").getByText("Not ready", { exact: true }).waitFor();
  await force("alice", "Make ready", "Back to work");
  await close();
  await until("alice is ready", () => alice.state.status?.media[0]?.ready);
  await force("erik", "Put to auto-in", "We need you");
  await close();
  await until("erik is in auto-in", () => erik.state.status?.workMode === WorkMode.AUTO_IN);
  await force("erik", "Put to AUX", "Have a break");
  await close();
  await until("erik is in AUX", () => erik.state.status?.workMode === WorkMode.AUX);
  await force("erik", "Log out", "Went home");
  await until("erik is logged out", () => erik.state.known && !erik.state.status);
  // That it is done is still said when there is nothing more to do.
  await dialog.getByText("Not logged in: there is nothing to change.").waitFor();
  await dialog.getByText("Done: Log out").waitFor();
  await close();
});

test("a monitor reads what is said, and nobody sees him", async () => {
  const { id, alice, customer: asking, page } = await chat("Is <b>anybody</b> there?");
  await page.getByRole("button", { name: "Monitor" }).click();
  await page.getByRole("dialog").waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await told(page, "You take part in the conversation with Dora: monitor.", () => confirm(page, "Monitor", "Quality"));
  await page.getByText("You take part: monitor.").waitFor();
  asking.send("And now?");
  await alice.addLine(id, "I am.");
  const lines = page.getByRole("log", { name: "Conversation" });
  await lines.getByText("And now?").waitFor();
  await lines.getByText("I am.").waitFor();
  expect(await page.getByRole("textbox", { name: "Write" }).count()).toBe(0);
  // What alice knows is of before or after: it is read once more.
  const parties = (await alice.properties(id))?.parties.map((p) => p.participant?.id);
  expect(parties).toEqual(["alice"]);
  expect(alice.state.interactions.find((i) => i.interactionId === id)?.parties.map((p) => p.participant?.id)).toEqual(["alice"]);
  expect(await axeViolations(page)).toEqual([]);
  await page.getByRole("button", { name: "Leave the conversation" }).click();
  await page.getByRole("button", { name: "Monitor" }).waitFor();
});

test("a coach is read by agents alone, an intruder by all", async () => {
  const { id, alice, customer: asking, page } = await chat("I want a refund.");
  await page.getByRole("button", { name: "Coach" }).click();
  await confirm(page, "Coach", "She is new");
  await page.getByRole("textbox", { name: "Write to the agents" }).fill("Offer the voucher.");
  await page.keyboard.press("Enter");
  await until("alice reads it", () => heardBy(alice, id).includes("Offer the voucher."));
  await page.getByText("for agents alone").waitFor();
  await page.getByRole("button", { name: "Leave the conversation" }).click();
  await page.getByRole("button", { name: "Intrude" }).click();
  await confirm(page, "Intrude", "To help");
  await page.getByRole("textbox", { name: "Write to customer and agents" }).fill("Carol here, <i>hello</i>.");
  expect(await axeViolations(page)).toEqual([]);
  await page.getByRole("button", { name: "Send" }).click();
  await until("the customer reads it", () => said(asking).includes("Carol here, <i>hello</i>."));
  await until("alice reads it", () => heardBy(alice, id).includes("Carol here, <i>hello</i>."));
  expect(said(asking)).not.toContain("Offer the voucher.");
  await page.getByRole("log", { name: "Conversation" }).getByText("Carol here, <i>hello</i>.").waitFor();
  await picture(page, "wall-talk");
  await page.getByRole("button", { name: "Leave the conversation" }).click();
  await page.getByRole("button", { name: "Monitor" }).waitFor();
});

test("an interaction is reassigned when the other agent has accepted", async () => {
  const ben = await agent("ben", false);
  const { id, alice, page } = await chat("To somebody else, please.");
  await page.getByRole("button", { name: "Reassign" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("New agent").selectOption("ben");
  await confirm(page, "Reassign", "Ben knows her");
  const offer = await until("ben is asked", () => ben.state.invitations[0]);
  expect(offer.event.reason).toBe("Ben knows her");
  toBeRefused = ["Transfer"];
  await ben.reject(offer.ticket, "Busy");
  // What came to nothing is said where it was asked.
  await dialog.getByRole("alert").getByText("The agent rejected the offer: Busy.").waitFor();
  await until("ben is asked no more", () => ben.state.invitations.length === 0);
  await told(page, `Ben has taken ${id}.`, async () => {
    await dialog.getByRole("button", { name: "Reassign" }).click();
    await answer(ben);
  });
  await until("alice has it no more", () => alice.state.interactions.length === 0);
  await page.getByRole("tab", { name: "Details" }).click();
  await page.locator(".details").getByText("ben").first().waitFor();
});

test("what waits is given to an agent of one's choice", async () => {
  const alice = await agent("alice", false);
  const asking = await customer({ text: "Only Alice, please." });
  const id = asking.state.sessionId;
  const page = await wall(`#interactions/${encodeURIComponent(id)}`);
  await page.getByRole("button", { name: "Reassign" }).click();
  await page.getByRole("dialog").getByLabel("New agent").selectOption("alice");
  await told(page, `Alice has taken ${id}.`, async () => {
    await confirm(page, "Reassign", "She asked for her");
    expect(await answer(alice)).toBe(id);
  });
});

test("what is handled, and what waits, is put into another queue", async () => {
  const { id, alice, page } = await chat("Wrong department?");
  await page.getByRole("button", { name: "Requeue" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Queue").selectOption("shared");
  await told(page, `${id} is in shared.`, () => confirm(page, "Requeue", "Nobody there"));
  await until("alice has it no more", () => alice.state.interactions.length === 0);
  await page.getByRole("status").getByText("Queued").waitFor();
  await page.getByRole("button", { name: "Requeue" }).click();
  await dialog.getByLabel("Queue").selectOption("sales");
  await told(page, `${id} is in sales.`, () => confirm(page, "Requeue", "Sales it is"));
  expect(await answer(alice)).toBe(id);
});

test("what comes from a workbin says so, and is put into a queue of one's choice", async () => {
  const { id, alice, page } = await chat("From the bin.");
  const drafts = { name: "drafts", owner: "alice", ownerKind: OwnerKind.AGENT };
  await alice.placeInWorkbin(id, drafts);
  const row = page.getByRole("row", { name: id });
  await row.getByText("drafts").waitFor();
  await alice.pull({ case: "workbin", value: drafts }, { interactionId: id });
  await row.getByText("Workbin").waitFor();
  await page.getByRole("button", { name: "Requeue" }).click();
  expect(await page.getByRole("dialog").getByLabel("Queue").locator("option:checked").innerText()).toBe("Choose …");
  await page.getByRole("dialog").getByLabel("Queue").selectOption("shared");
  await told(page, `${id} is in shared.`, () => confirm(page, "Requeue", "To all"));
});

test("properties that were read before a change and come after it are not the last word", async () => {
  const { id, alice, page } = await chat("Where am I?");
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let reads = 0;
  await page.route("**/GetInteractionProperties", async (route) => {
    const first = reads++ === 0;
    const response = await route.fetch();
    await (first && held);
    await route.fulfill({ response });
  });
  await alice.changeProperties(id, { userData: { vip: true } });
  await until("the properties are read", () => reads > 0);
  await alice.placeInQueue(id, "shared");
  await part(page, "Messages");
  await page.getByRole("listbox").getByText("RequestPlaceInQueue").waitFor();
  const late = page.waitForResponse("**/GetInteractionProperties");
  release();
  await (await late).finished();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await page.getByRole("status").getByText("Queued").waitFor();
});

test("a stuck interaction is stopped", async () => {
  const { id, customer: asking, page } = await chat("Nobody stops me.");
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("dialog").waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await told(page, `${id} is stopped.`, () => confirm(page, "Stop", "Stuck"));
  await until("the customer's session is over", () => asking.state.stage === "ended");
  await page.getByRole("status").getByText("It was stopped by Carol: Stuck.").waitFor();
  expect(await page.getByRole("button", { name: "Stop" }).count()).toBe(0);
});

test("what is refused is said", async () => {
  const { id, alice, page } = await chat("Neither me.");
  await page.getByRole("button", { name: "Requeue" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Queue").selectOption("shared");
  await dialog.getByLabel("Reason", { exact: true }).fill("Late");
  // It ends while the dialog is open.
  await page.route("**/PlaceInQueue", async (route) => {
    await alice.stop(id);
    await route.continue();
  });
  toBeRefused = ["PlaceInQueue"];
  await dialog.getByRole("button", { name: "Requeue" }).click();
  await dialog.getByRole("alert").getByText(/Refused: .*stopped/).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
});

test("what was stopped is asked for no more", async () => {
  const { id, alice, page } = await chat("Read me once.");
  await alice.stop(id);
  await page.getByRole("status").getByText("It was stopped by Alice.").waitFor();
  const reads = () => refused.filter((method) => method === "GetInteractionProperties").length;
  const looked = async (before: number) => {
    // The list beside it is read all the time.
    for (let n = 0; n < 2; n++) {
      await page.waitForResponse("**/FindInteractions");
    }
    return reads() - before;
  };
  // One may have been under way when it ended, or was not known to have ended.
  expect(await looked(0)).toBeLessThanOrEqual(1);
  const before = reads();
  await page.reload();
  await page.getByRole("status").getByText("It was stopped by Alice.").waitFor();
  expect(await looked(before)).toBeLessThanOrEqual(1);
});

test("why something waits is told in words", async () => {
  const alice = await agent("alice", false);
  const asking = await customer({ text: "Why?" });
  const page = await wall("#interactions");
  await page.getByRole("link", { name: asking.state.sessionId }).click();
  await part(page, "Why waiting?");
  const why = page.locator(".why");
  await why.getByText("MediaNotReady").waitFor();
  await why.getByText("alice").first().waitFor();
  await why.getByText(/position 1/).waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-why");
  await alice.ready("chat");
  await answer(alice);
  await page.getByText("It is not waiting.").waitFor();
});

/** The trace of an interaction as far as it is now. */
async function traced(id: string): Promise<TraceLine[]> {
  const lines: TraceLine[] = [];
  for await (const line of usher.admin().stream(Reporting.method.trace, { interactionId: id, tenantId: "default" })) {
    lines.push(line);
  }
  return lines;
}

const arrows = (page: Page): Locator => page.getByRole("listbox").getByRole("option");

/** With reporting, waits until the diagram has at least as many arrows as the trace has lines; gives the trace, and the arrows by their sequences. */
function drawn(page: Page, id: string): Promise<{ lines: TraceLine[]; sequences: (string | undefined)[] }> {
  return until("all arrows", async () => {
    await page.getByLabel("Show reporting").check();
    const { length } = await traced(id);
    const sequences = await arrows(page).evaluateAll((all) => all.map((arrow) => (arrow as SVGElement).dataset.sequence));
    const lines = await traced(id);
    return lines.length === length && sequences.length >= length ? { lines, sequences } : undefined;
  });
}

async function saved(page: Page, button: string): Promise<{ text: string; download: Download }> {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
  return { text: await readFile((await download.path())!, "utf8"), download };
}

test("the diagram shows the messages as they happen, and is saved as SVG and text", async () => {
  const { id, alice, customer: asking, page } = await chat("Draw this & <that>");
  await part(page, "Messages");
  await page.getByText("those of reporting are hidden").waitFor();
  const before = (await drawn(page, id)).lines.length;
  await alice.addLine(id, "Drawn.");
  await until("more arrows", async () => (await arrows(page).count()) > before);
  asking.send("Thanks");
  await until("it was said", () => said(asking).includes("Thanks"));
  await alice.changeProperties(id, { userData: { vip: true } });
  const { lines } = await drawn(page, id);
  const svg = await saved(page, "Save as SVG");
  expect(svg.download.suggestedFilename()).toBe(`${id}.svg`);
  // Parsed as a file of its own, strictly: every arrow of the trace, in order.
  const other = await browser.newPage();
  const file = await other.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
    return {
      root: parsed.documentElement.nodeName,
      style: parsed.querySelector("style")?.textContent?.includes("sequence-arrow"),
      arrows: [...parsed.querySelectorAll("[data-sequence]")].map((arrow) => [
        arrow.getAttribute("data-sequence"),
        arrow.querySelector(".sequence-label")?.textContent?.trim().replace(/ \w+$/, ""),
        arrow.querySelectorAll("polygon").length,
      ]),
    };
  }, svg.text);
  await other.close();
  expect(file.root).toBe("svg");
  expect(file.style).toBe(true);
  expect(file.arrows).toEqual(lines.map((line) => [String(line.sequence), label(line), line.to.length]));
  expect((await saved(page, "Save as text")).text).toBe(asText(lines));
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-messages");
  // Without reporting it says how much it leaves out.
  await page.getByLabel("Show reporting").uncheck();
  await page.getByText(new RegExp(`of ${lines.length} arrows`)).waitFor();
  await page.getByLabel("Show reporting").check();
  await until("all arrows again", async () => (await arrows(page).count()) === lines.length);
  // By keyboard: from arrow to arrow, and its message.
  await arrows(page).first().focus();
  await page.keyboard.press("ArrowDown");
  await focused("the second arrow", arrows(page).nth(1));
  expect(await arrows(page).nth(1).getAttribute("aria-label")).toContain(lines[1]!.message);
  await page.locator(".sequence-message").getByText(`"message": "${lines[1]!.message}"`).waitFor();
  await page.keyboard.press("End");
  await focused("the last arrow", arrows(page).last());
});

test("a refused request is shown with its words", async () => {
  const ben = await agent("ben", false);
  const { id, page } = await chat("Refuse something.");
  await part(page, "Messages");
  await arrows(page).first().waitFor();
  await expect(ben.leave(id)).rejects.toThrow();
  await page.locator(".sequence-refused").getByText("RequestLeaveInteraction").waitFor();
  await page.locator(".sequence-refused").getByText(/refused: /).first().waitFor();
});

test("in German a refused request is told in German, too", async () => {
  const ben = await agent("ben", false);
  const alice = await agent("alice");
  await customer();
  const id = await answer(alice);
  const refusal = alice.transfer(id, "ben").catch(codeOf);
  const offer = await until("ben is asked", () => ben.state.invitations[0]);
  await ben.reject(offer.ticket, "busy");
  expect(await refusal).toBe(ErrorCode.REJECTED);
  const page = await wall(`?lang=de#interactions/${encodeURIComponent(id)}`);
  await part(page, "Nachrichten");
  await page.locator(".sequence-refused").getByText("abgelehnt: Der Agent hat das Angebot abgelehnt: I am busy.").first().waitFor();
});

test("a file of a conversation is saved", async () => {
  const { customer: asking, page } = await chat("See the file.");
  await asking.attach(new File(["Hello"], "note.txt", { type: "text/plain" }));
  expect((await saved(page, "File note.txt")).text).toBe("Hello");
});

test("an id in the grid is not cut at its hyphen", async () => {
  const alice = await agent("alice");
  await customer();
  await answer(alice);
  const page = await wall("#agents");
  const id = page.locator("[data-agent=alice] bdi").filter({ hasText: /^s-/ });
  await id.waitFor();
  expect(await id.evaluate((element) => element.getClientRects()[0]!.width)).toBeGreaterThan(60);
});

test("interactions are found by queue, state and text", async () => {
  const key = await usher.admin().call(Administration.method.createApiKey, { name: "tests", role: Role.MEDIA });
  const media = connect({ url: usher.url, credential: key.key });
  await media.call(im.registerClient, { clientType: ClientType.MEDIA_SERVER, name: "tests" });
  const submit = async (interactionId: string, more: object) => {
    await media.call(im.submit, { interactionId, queue: "shared", ...more });
    submitted.push({ media, interactionId });
  };
  await submit("found-1", { mediaType: "chat", userData: { subject: "A lost parcel" } });
  await submit("found-2", { mediaType: "task" });
  const page = await wall("#interactions");
  const link = (name: string) => page.getByRole("link", { name });
  await link("found-1").waitFor();
  await link("found-2").waitFor();
  await page.getByRole("searchbox").fill("lost PARCEL");
  await link("found-2").waitFor({ state: "detached" });
  await link("found-1").waitFor();
  await page.getByRole("searchbox").fill("");
  await link("found-2").waitFor();
  await page.getByLabel("State").selectOption("handling");
  await link("found-1").waitFor({ state: "detached" });
  await page.getByLabel("State").selectOption("waiting");
  await link("found-1").waitFor();
  await page.getByLabel("Queue").selectOption("sales");
  await page.getByText("Nothing waits and nothing is handled.").waitFor();
  await page.getByLabel("Queue").selectOption("shared");
  await link("found-2").click();
  await part(page, "Details");
  await page.locator(".details").getByText("shared").waitFor();
  expect(await axeViolations(page)).toEqual([]);
});

test("who interferes is in the audit log, with the reason", async () => {
  const [alice, ben] = [await agent("alice"), await agent("ben", false)];
  await agent("erik");
  await customer({ text: "Who did that?" });
  const id = await answer(alice);
  const page = await wall("#audit");
  const carol = await usher.as("carol");
  await carol.call(im.agentLogin, { media: [] });
  const asked = { agentId: "erik", reason: "" };
  await carol.call(im.notReadyForMedia, { ...asked, mediaType: "chat", reason: "Audited meeting" });
  await carol.call(im.cancelNotReadyForMedia, { ...asked, mediaType: "chat", reason: "Audited work" });
  await carol.call(im.setAgentState, { ...asked, workMode: WorkMode.AUX, reason: "Audited break" });
  await carol.call(im.agentLogout, { ...asked, force: true, reason: "Audited way home" });
  await carol.call(im.intrude, { interactionId: id, visibility: VisibilityMode.MONITOR, reason: "Audited quality" });
  await carol.call(im.leaveInteraction, { interactionId: id });
  const given = carol.call(im.transfer, { interactionId: id, agentId: "ben", reason: "Audited friend" });
  await Promise.all([given, answer(ben)]);
  await carol.call(im.placeInQueue, { interactionId: id, queue: "shared", reason: "Audited queue" });
  const taken = await carol.call(im.takeSnapshot, {
    conditions: [{ property: "interaction_id", value: { kind: { case: "stringValue", value: id } } }],
    lock: true,
    limit: 1,
  });
  const snapshotId = taken.message.case === "eventSnapshotTaken" ? taken.message.value.snapshotId : 0n;
  await alice.notReady("chat"); // so that nobody is asked
  await carol.call(im.moveInteractions, { snapshotId, interactionIds: [id], queue: "sales", reason: "Audited move" });
  await carol.call(im.releaseSnapshot, { snapshotId });
  await carol.call(im.stopProcessing, { interactionId: id, reason: "Audited end" });
  await page.getByRole("button", { name: "Read again" }).click();
  const row = (act: string, reason: string) => page.getByRole("row").filter({ hasText: act }).filter({ hasText: reason });
  for (const [act, reason] of [
    ["Made not ready", "Audited meeting"],
    ["Made ready", "Audited work"],
    ["Set the work mode", "Audited break"],
    ["Logged out", "Audited way home"],
    ["Joined the conversation", "Audited quality"],
    ["Reassigned", "Audited friend"],
    ["Put into a queue", "Audited queue"],
    ["Moved to another queue", "Audited move"],
    ["Stopped", "Audited end"],
  ] as const) {
    await row(act, reason).filter({ hasText: "carol" }).first().waitFor();
  }
  await page.getByRole("searchbox").fill("Audited way home");
  await row("Joined the conversation", "Audited quality").waitFor({ state: "detached" });
  await row("Logged out", "Audited way home").waitFor();
  expect(await page.locator(".audit tbody tr").count()).toBe(1);
  await page.getByRole("searchbox").fill("RequestIntrude");
  await row("Joined the conversation", "Audited quality").waitFor();
  await page.getByRole("searchbox").fill("");
  expect(await axeViolations(page)).toEqual([]);
});

test("a server that is gone is told of, and the wall goes on when it is back", async () => {
  const { id, alice, page } = await chat("Are you still there?");
  await part(page, "Messages");
  await drawn(page, id);
  await usher.kill();
  try {
    await page.getByText("The connection is lost.").waitFor();
  } finally {
    await usher.run();
  }
  await page.getByText("The connection is lost.").waitFor({ state: "detached" });
  await until("alice is back", () => alice.state.link.state === "connected");
  // The diagram goes on where it was: no arrow is missing, and none comes twice.
  await alice.addLine(id, "Yes, I am.");
  const { lines, sequences } = await drawn(page, id);
  expect(sequences).toEqual(lines.map((line) => String(line.sequence)));
  await tab(page, "Agents");
  await page.locator("[data-agent=alice]").waitFor();
});

test("that the connection is lost is said once", async () => {
  const page = await wall("#interactions");
  await page.getByText("Nothing waits and nothing is handled.").waitFor();
  await usher.kill();
  try {
    await page.getByText("The connection is lost.").waitFor();
    await page.waitForEvent("requestfailed", (request) => request.url().endsWith("/FindInteractions"));
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    expect(await page.getByRole("alert").allInnerTexts()).toHaveLength(1);
  } finally {
    await usher.run();
  }
  await page.getByText("The connection is lost.").waitFor({ state: "detached" });
});

test("who is asked stands there until he has answered, with the time that is left", async () => {
  const ben = await agent("ben", false);
  const { id, alice, page } = await chat("Whom do you ask?");
  const asked = page.getByRole("list", { name: "Who is being asked" }).getByRole("listitem");
  const transfer = alice.transfer(id, "ben").catch(codeOf);
  await asked.getByText("Alice asks Ben to take it over").waitFor();
  const offer = await until("ben is asked", () => ben.state.invitations[0]);
  await until("the seconds", async () => {
    const left = () => Math.ceil((offer.deadlineMs - Date.now()) / 1000);
    const most = left() + 1;
    const shown = parseInt(/(\d+) s left/.exec(await asked.innerText())?.[1] ?? "");
    return shown <= most && shown >= left() - 1;
  });
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-asked");
  await ben.reject(offer.ticket);
  await asked.waitFor({ state: "detached" });
  expect(await transfer).toBe(ErrorCode.REJECTED);

  const conference = alice.conference(id, "ben", VisibilityMode.COACH).catch(codeOf);
  await asked.getByText("Alice asks Ben to join").waitFor();
  expect(await asked.innerText()).toContain("coach");
  await alice.cancelInvitation(id, "ben");
  await asked.waitFor({ state: "detached" });
  expect(await conference).toBe(ErrorCode.INVITATION_CANCELLED);

  await alice.leave(id);
  await asked.getByText("Alice is being asked").waitFor();
  await answer(alice);
  await asked.waitFor({ state: "detached" });
});

test("in German all figures of queues are in sight", async () => {
  const page = await wall("?lang=de#queues");
  await page.getByRole("columnheader", { name: "Ø Bearbeitung" }).waitFor();
  await page.getByRole("link", { name: "billing", exact: true }).waitFor();
  await picture(page, "wall-queues-german");
  expect(await page.locator(".queues .wall-scroll").evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
});

test("in German, and turned around, it is as accessible", async () => {
  const page = await wall("?lang=de&dir=rtl#agents");
  await page.getByRole("grid", { name: /Pfeiltasten/ }).waitFor();
  expect(await page.locator("html").getAttribute("dir")).toBe("rtl");
  for (const name of ["Warteschlangen", "Verlauf", "Agenten", "Interaktionen", "Protokoll"]) {
    await tab(page, name);
    await page.getByRole("region", { name }).first().waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await picture(page, `wall-rtl-${name}`);
  }
});

test("who leaves the wall is no agent any more", async () => {
  const page = await wall("#interactions", carolsOwn);
  const carol = await usher.as("carol");
  const isAgent = async () => (await carol.call(im.getPresentState, {})).agentStatus !== undefined;
  await page.getByText("Nothing waits and nothing is handled.").waitFor();
  expect(await isAgent()).toBe(true);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Agent id").waitFor();
  expect(await isAgent()).toBe(false);
  await page.reload();
  await page.getByLabel("Agent id").waitFor();
});

test("an open wall keeps nobody at work whose window is gone", async () => {
  const page = await wall("#agents");
  const carol = await agent("carol");
  const row = page.locator("[data-agent=carol]");
  await row.getByText("Ready", { exact: true }).waitFor();
  carol.close();
  await row.getByText("Connection lost", { exact: true }).waitFor();
  await agent("carol");
  await row.getByText("Ready", { exact: true }).waitFor();
});
