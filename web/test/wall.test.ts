// The supervisor's wall against the real server, with agents and customers of
// the public API.
import { readFile } from "node:fs/promises";
import { type AgentSession, codeOf, connect, type Connection, type CustomerSession, ErrorCode } from "@usher-cc/client";
import { Administration } from "@usher-cc/client/gen/administration";
import { ClientType, Role, VisibilityMode } from "@usher-cc/client/gen/common";
import type { Event } from "@usher-cc/client/gen/event";
import { InteractionManagement } from "@usher-cc/client/gen/interaction_management";
import { Reporting, type TraceLine } from "@usher-cc/client/gen/reporting";
import { WorkMode } from "@usher-cc/client/gen/routing";
import type { Browser, Download, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { asText, label } from "../src/common/sequence/arrows.js";
import { axeViolations, launch, logIn, open, type Opened, picture } from "./browser.js";
import { password, until, Usher } from "./server.js";

const im = InteractionManagement.method;

let usher: Usher;
let browser: Browser;
let media: Connection;
let alice: AgentSession;
let ben: AgentSession;
let wall: Opened;
let page: Page;
const heard: Event[] = [];
/** What the wall was refused: the methods, as often as it happened. */
const refused: string[] = [];

beforeAll(async () => {
  [usher, browser] = await Promise.all([Usher.start(), launch()]);
  // Erik has a skill, and so work modes.
  await usher.admin().call(Administration.method.applyConfiguration, {
    configuration: {
      skills: [{ name: "invoices" }],
      agents: [{ agentId: "erik", name: "Erik", password, skills: [{ skill: "invoices", level: 1 }] }],
    },
  });
  const key = await usher.admin().call(Administration.method.createApiKey, { name: "tests", role: Role.MEDIA });
  media = connect({ url: usher.url, credential: key.key });
  await media.call(im.registerClient, { clientType: ClientType.MEDIA_SERVER, name: "tests" });
  alice = await usher.agent("alice");
  alice.onEvent((event) => heard.push(event));
  ben = await usher.agent("ben");
  await ben.notReady("chat");
  wall = await open(browser, usher, "/wall", {
    viewport: { width: 1280, height: 900 },
    before: (context) => logIn(context, usher, { window: "supervisor", agentId: "carol" }),
  });
  page = wall.page;
  page.on("response", (response) => response.status() >= 400 && refused.push(new URL(response.url()).pathname.split("/").at(-1) ?? ""));
  await page.getByRole("table").waitFor();
});

afterEach(async () => {
  // What a test leaves behind would be in the way of the next one.
  for (const agent of [alice, ben]) {
    for (const i of agent.state.interactions) {
      await agent.stop(i.interactionId).catch(() => undefined);
    }
  }
});

afterAll(async () => {
  alice?.close();
  ben?.close();
  await browser?.close();
  await usher?.stop();
});

const tab = (name: string): Promise<void> => page.getByRole("navigation").getByRole("link", { name }).click();
const part = (name: string): Promise<void> => page.getByRole("tab", { name }).click();

/** The cell of a queue's row, by the title of its column. */
async function figure(queue: string, column: string): Promise<string> {
  const titles = await page.locator(".queues thead th").allInnerTexts();
  const row = page.locator(".queues tbody tr", { has: page.getByRole("link", { name: queue, exact: true }) });
  return row.locator("td").nth(titles.indexOf(column)).innerText();
}

/** Waits until the figure of a queue begins with a text. */
const shows = (queue: string, column: string, text: string): Promise<boolean> =>
  until(`${column} of ${queue} is ${text}`, async () => (await figure(queue, column)).startsWith(text));

/** Accepts the next offer of an agent, and gives the interaction. */
async function answer(agent: AgentSession): Promise<string> {
  const offer = await until("an offer", () => agent.state.invitations[0]);
  await agent.accept(offer.ticket);
  await until("the interaction", () => agent.state.interactions.some((i) => i.interactionId === offer.interactionId));
  return offer.interactionId;
}

/** A customer whose chat alice has, opened on the wall. */
async function chat(text: string): Promise<{ id: string; customer: CustomerSession }> {
  const customer = await usher.customer({ name: "Dora", text });
  const id = await answer(alice);
  await page.goto(`${usher.url}/wall#interactions/${encodeURIComponent(id)}`);
  await page.getByRole("log", { name: "Conversation" }).getByText(text).waitFor();
  return { id, customer };
}

const said = (customer: CustomerSession): string[] => customer.state.lines.map((line) => line.said.line?.text ?? "");
const heardBy = (agent: AgentSession, id: string): string[] =>
  agent.state.conversations.get(id)?.lines.map((line) => line.added?.line?.text ?? "") ?? [];

/** Fills a dialog's reason in and confirms it. */
async function confirm(button: string, reason: string): Promise<Locator> {
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason", { exact: true }).fill(reason);
  await dialog.getByRole("button", { name: button }).click();
  return dialog;
}

test("who is no supervisor is told so, and a supervisor logs in by keyboard", async () => {
  const { page: other, context } = await open(browser, usher, "/wall");
  const type = async (agentId: string, secret: string) => {
    await other.getByLabel("Agent id").fill(agentId);
    await other.getByLabel("Password").fill(secret);
    await other.keyboard.press("Enter");
  };
  expect(await axeViolations(other)).toEqual([]);
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
  await context.close();
});

test("figures follow what happens, without a reload", async () => {
  await page.goto(`${usher.url}/wall#queues`);
  await page.evaluate(() => Object.assign(window, { marked: true }));
  await shows("billing", "Entered", "0");
  await shows("billing", "Agents free", "1 of 2");
  await alice.notReady("chat");
  const customer = await usher.customer();
  await shows("billing", "Waiting", "1");
  await shows("billing", "Entered", "1");
  const first = await until("a longest wait", async () => /\d:\d\d/.exec(await figure("billing", "Longest wait"))?.[0]);
  await until("it ticks", async () => !(await figure("billing", "Longest wait")).includes(first));
  const leaving = await usher.customer();
  await shows("billing", "Waiting", "2");
  await leaving.drop();
  await shows("billing", "Abandoned", "⬣ 1 (100%)");
  await alice.ready("chat");
  await answer(alice);
  await shows("billing", "Answered", "1");
  await shows("billing", "Waiting", "0");
  await shows("billing", "Handled", "1");
  await shows("billing", "Service level", "⬣ 50%");
  await customer.drop();
  await shows("billing", "Handled", "0");
  expect(await page.evaluate(() => "marked" in window)).toBe(true);
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-queues");
});

test("thresholds are the supervisor's own, and kept", async () => {
  await page.goto(`${usher.url}/wall#queues`);
  await shows("billing", "Abandoned", "⬣");
  await page.getByRole("button", { name: "Thresholds" }).click();
  const dialog = page.getByRole("dialog");
  expect(await axeViolations(page)).toEqual([]);
  await dialog.getByLabel("Abandon rate warns above").fill("101");
  await dialog.getByText("A number from 0 to 100.").waitFor();
  await dialog.getByLabel("Abandon rate warns above").fill("40");
  await dialog.getByLabel("Abandon rate is critical above").fill("60");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await shows("billing", "Abandoned", "▲ 1 (50%)");
  expect(await figure("billing", "Abandoned")).toContain("watch");
  await page.reload();
  await page.getByRole("table").waitFor();
  await shows("billing", "Abandoned", "▲ 1 (50%)");
});

test("the big screen shows the same figures, large", async () => {
  await page.goto(`${usher.url}/wall?view=board`);
  const tile = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "billing" }) });
  await tile.getByText("50%").first().waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-board");
  await page.getByRole("link", { name: "Back to the wall" }).click();
  await page.getByRole("navigation").waitFor();
});

test("charts have the figures as a table too, and grow", async () => {
  await page.goto(`${usher.url}/wall#history`);
  await page.getByText("The figures as a table").click();
  const last = page.locator(".charts-table tbody tr").last();
  const sum = async () => {
    const cells = await page.locator(".charts-table tbody tr").evaluateAll((rows) => rows.map((row) => Number((row as HTMLTableRowElement).cells[3]?.textContent)));
    return cells.reduce((so, n) => so + n, 0);
  };
  await until("what entered so far", async () => (await sum()) === 2);
  const customer = await usher.customer();
  await until("one more", async () => (await sum()) === 3);
  await answer(alice);
  await customer.drop();
  await page.getByLabel("24 hours").check();
  await until("another step", async () => (await page.locator(".charts-table tbody tr").count()) > 90);
  await last.waitFor();
  await page.getByLabel("Queue").selectOption("sales");
  await until("nothing in sales", async () => (await page.locator(".charts-table tbody tr").count()) > 0 && (await sum()) === 0);
  expect(await axeViolations(page)).toEqual([]);
  await page.getByText("The figures as a table").click();
  await picture(page, "wall-history");
});

test("the grid shows agents and their states, by mouse and keyboard", async () => {
  await page.goto(`${usher.url}/wall#agents`);
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
  await page.getByRole("button", { name: "Agent", exact: false }).first().click();
  expect(await page.getByRole("columnheader", { name: "Agent" }).first().getAttribute("aria-sort")).toBe("descending");
  await page.getByRole("button", { name: "Agent" }).first().click();
  // By keyboard: the row in the order of Tab, the next, and the dialog.
  await row("alice").focus();
  await page.keyboard.press("ArrowDown");
  await until("ben has the focus", () => row("ben").evaluate((element) => element === document.activeElement));
  await page.keyboard.press("End");
  await until("erik has the focus", () => row("erik").evaluate((element) => element === document.activeElement));
  await page.keyboard.press("Home");
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-agents");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Alice (alice)" }).waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await until("the focus is back", () => row("alice").evaluate((element) => element === document.activeElement));
});

test("a supervisor forces states, and the agent hears who and why", async () => {
  const erik = await usher.agent("erik");
  await page.goto(`${usher.url}/wall#agents`);
  const force = async (agent: string, act: string, reason: string) => {
    await page.locator(`[data-agent=${agent}]`).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: act, exact: true }).check();
    await dialog.getByLabel("Reason", { exact: true }).fill(reason);
    await dialog.getByRole("button", { name: act, exact: true }).click();
    await dialog.getByText(`Done: ${act}`).waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
  };
  heard.length = 0;
  await force("alice", "Make not ready", "Team meeting");
  await until("alice is not ready", () => alice.state.status?.media[0]?.ready === false);
  const change = await until("she is told", () => heard.find((event) => event.message.case === "eventForcedAgentStateChange"));
  expect(change).toMatchObject({ reason: "Team meeting", actor: { id: "carol" } });
  await page.locator("[data-agent=alice]").getByText("Not ready", { exact: true }).waitFor();
  await force("alice", "Make ready", "Back to work");
  await until("alice is ready", () => alice.state.status?.media[0]?.ready);
  await force("erik", "Put to auto-in", "We need you");
  await until("erik is in auto-in", () => erik.state.status?.workMode === WorkMode.AUTO_IN);
  await force("erik", "Put to AUX", "Have a break");
  await until("erik is in AUX", () => erik.state.status?.workMode === WorkMode.AUX);
  await force("erik", "Log out", "Went home");
  await until("erik is logged out", () => erik.state.known && !erik.state.status);
  erik.close();
});

test("a monitor reads what is said, and nobody sees him", async () => {
  const { id, customer } = await chat("Is <b>anybody</b> there?");
  await page.getByRole("button", { name: "Monitor" }).click();
  expect(await axeViolations(page)).toEqual([]);
  await confirm("Monitor", "Quality");
  await page.getByText("You take part: monitor.").waitFor();
  customer.send("And now?");
  await alice.addLine(id, "I am.");
  const lines = page.getByRole("log", { name: "Conversation" });
  await lines.getByText("And now?").waitFor();
  await lines.getByText("I am.").waitFor();
  expect(await page.getByRole("textbox", { name: "Write" }).count()).toBe(0);
  expect(alice.state.interactions.find((i) => i.interactionId === id)?.parties.map((p) => p.participant?.id)).toEqual(["alice"]);
  expect(await axeViolations(page)).toEqual([]);
  await page.getByRole("button", { name: "Leave the conversation" }).click();
  await page.getByRole("button", { name: "Monitor" }).waitFor();
  await customer.drop();
});

test("a coach is read by agents alone, an intruder by all", async () => {
  const { id, customer } = await chat("I want a refund.");
  await page.getByRole("button", { name: "Coach" }).click();
  await confirm("Coach", "She is new");
  await page.getByRole("textbox", { name: "Write to the agents" }).fill("Offer the voucher.");
  await page.keyboard.press("Enter");
  await until("alice reads it", () => heardBy(alice, id).includes("Offer the voucher."));
  await page.getByText("for agents alone").waitFor();
  await page.getByRole("button", { name: "Leave the conversation" }).click();
  await page.getByRole("button", { name: "Intrude" }).click();
  await confirm("Intrude", "To help");
  await page.getByRole("textbox", { name: "Write to customer and agents" }).fill("Carol here, <i>hello</i>.");
  expect(await axeViolations(page)).toEqual([]);
  await page.getByRole("button", { name: "Send" }).click();
  await until("the customer reads it", () => said(customer).includes("Carol here, <i>hello</i>."));
  await until("alice reads it", () => heardBy(alice, id).includes("Carol here, <i>hello</i>."));
  expect(said(customer)).not.toContain("Offer the voucher.");
  await page.getByRole("log", { name: "Conversation" }).getByText("Carol here, <i>hello</i>.").waitFor();
  await picture(page, "wall-talk");
  await page.getByRole("button", { name: "Leave the conversation" }).click();
  await page.getByRole("button", { name: "Monitor" }).waitFor();
  await customer.drop();
});

test("an interaction is reassigned when the other agent has accepted", async () => {
  const { id, customer } = await chat("To somebody else, please.");
  await page.getByRole("button", { name: "Reassign" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("New agent").selectOption("ben");
  await confirm("Reassign", "Ben knows her");
  const offer = await until("ben is asked", () => ben.state.invitations[0]);
  expect(offer.event.reason).toBe("Ben knows her");
  await ben.reject(offer.ticket, "Busy");
  // What came to nothing is said where it was asked.
  await dialog.getByRole("alert").getByText("The agent rejected the offer: Busy.").waitFor();
  await dialog.getByRole("button", { name: "Reassign" }).click();
  await answer(ben);
  await page.getByText(`Ben has taken ${id}.`).waitFor();
  await until("alice has it no more", () => alice.state.interactions.length === 0);
  await page.getByRole("tab", { name: "Details" }).click();
  await page.locator(".details").getByText("ben").first().waitFor();
  await customer.drop();
});

test("what waits is given to an agent of one's choice", async () => {
  await alice.notReady("chat");
  const customer = await usher.customer({ text: "Only Alice, please." });
  await page.goto(`${usher.url}/wall#interactions/${encodeURIComponent(customer.state.sessionId)}`);
  await page.getByRole("button", { name: "Reassign" }).click();
  await page.getByRole("dialog").getByLabel("New agent").selectOption("alice");
  await confirm("Reassign", "She asked for her");
  expect(await answer(alice)).toBe(customer.state.sessionId);
  await page.getByText(`Alice has taken ${customer.state.sessionId}.`).waitFor();
  await alice.ready("chat");
  await customer.drop();
});

test("what is handled, and what waits, is put into another queue", async () => {
  const { id, customer } = await chat("Wrong department?");
  await page.getByRole("button", { name: "Requeue" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Queue").selectOption("shared");
  await confirm("Requeue", "Nobody there");
  await page.getByText(`${id} is in shared.`).waitFor();
  await until("alice has it no more", () => alice.state.interactions.length === 0);
  await page.getByRole("status").getByText("Queued").waitFor();
  await page.getByRole("button", { name: "Requeue" }).click();
  await dialog.getByLabel("Queue").selectOption("sales");
  await confirm("Requeue", "Sales it is");
  await page.getByText(`${id} is in sales.`).waitFor();
  expect(await answer(alice)).toBe(id);
  await customer.drop();
});

test("a stuck interaction is stopped, and what is refused is said", async () => {
  const { id, customer } = await chat("Nobody stops me.");
  await page.getByRole("button", { name: "Stop" }).click();
  expect(await axeViolations(page)).toEqual([]);
  await confirm("Stop", "Stuck");
  await page.getByText(`${id} is stopped.`).waitFor();
  await until("the customer's session is over", () => customer.state.stage === "ended");
  await page.getByRole("status").getByText("It was stopped by Carol: Stuck.").waitFor();
  expect(await page.getByRole("button", { name: "Stop" }).count()).toBe(0);
  // Another one ends while the dialog is open.
  const other = await chat("Neither me.");
  await page.getByRole("button", { name: "Requeue" }).click();
  await page.getByRole("dialog").getByLabel("Queue").selectOption("shared");
  await page.getByRole("dialog").getByLabel("Reason", { exact: true }).fill("Late");
  await page.route("**/PlaceInQueue", async (route) => {
    await alice.stop(other.id);
    await route.continue();
  });
  await page.getByRole("dialog").getByRole("button", { name: "Requeue" }).click();
  await page.getByRole("dialog").getByRole("alert").getByText(/Refused: .*stopped/).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.unroute("**/PlaceInQueue");
});

test("what was stopped is asked for no more", async () => {
  const { id } = await chat("Read me once.");
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
  expect(await looked(reads())).toBeLessThanOrEqual(1);
  const before = reads();
  await page.reload();
  await page.getByRole("status").getByText("It was stopped by Alice.").waitFor();
  expect(await looked(before)).toBeLessThanOrEqual(1);
});

test("why something waits is told in words", async () => {
  await alice.notReady("chat");
  const customer = await usher.customer({ text: "Why?" });
  await page.goto(`${usher.url}/wall#interactions`);
  await page.getByRole("link", { name: customer.state.sessionId }).click();
  await part("Why waiting?");
  const why = page.locator(".why");
  await why.getByText("MediaNotReady").waitFor();
  await why.getByText("alice").first().waitFor();
  await why.getByText(/position 1/).waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-why");
  await alice.ready("chat");
  await answer(alice);
  await page.getByText("It is not waiting.").waitFor();
  await customer.drop();
});

/** The trace of an interaction as far as it is now. */
async function traced(id: string): Promise<TraceLine[]> {
  const lines: TraceLine[] = [];
  for await (const line of usher.admin().stream(Reporting.method.trace, { interactionId: id, tenantId: "default" })) {
    lines.push(line);
  }
  return lines;
}

async function saved(button: string): Promise<{ text: string; download: Download }> {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
  return { text: await readFile((await download.path())!, "utf8"), download };
}

test("the diagram shows the messages as they happen, and is saved as SVG and text", async () => {
  const { id, customer } = await chat("Draw this & <that>");
  await part("Messages");
  const arrows = page.getByRole("listbox").getByRole("option");
  await until("as many arrows as the trace has", async () => (await arrows.count()) === (await traced(id)).length);
  const before = await arrows.count();
  await alice.addLine(id, "Drawn.");
  await until("more arrows", async () => (await arrows.count()) > before);
  customer.send("Thanks");
  await alice.changeProperties(id, { userData: { vip: true } });
  await until("all arrows", async () => (await arrows.count()) === (await traced(id)).length);
  const lines = await traced(id);
  const svg = await saved("Save as SVG");
  expect(svg.download.suggestedFilename()).toBe(`${id}.svg`);
  expect(wall.errors.filter((error) => error.includes("Content Security Policy"))).toEqual([]);
  // Parsed as a file of its own, strictly: every arrow of the trace, in order.
  const other = await browser.newPage();
  const drawn = await other.evaluate((text) => {
    const file = new DOMParser().parseFromString(text, "image/svg+xml");
    return {
      root: file.documentElement.nodeName,
      style: file.querySelector("style")?.textContent?.includes("sequence-arrow"),
      arrows: [...file.querySelectorAll("[data-sequence]")].map((arrow) => [
        arrow.getAttribute("data-sequence"),
        arrow.querySelector(".sequence-label")?.textContent?.trim().replace(/ \w+$/, ""),
        arrow.querySelectorAll("polygon").length,
      ]),
    };
  }, svg.text);
  await other.close();
  expect(drawn.root).toBe("svg");
  expect(drawn.style).toBe(true);
  expect(drawn.arrows).toEqual(lines.map((line) => [String(line.sequence), label(line), line.to.length]));
  expect((await saved("Save as text")).text).toBe(asText(lines));
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "wall-messages");
  // Without reporting it says how much it leaves out.
  await page.getByLabel("Show reporting").uncheck();
  await page.getByText(new RegExp(`of ${lines.length} arrows`)).waitFor();
  await page.getByLabel("Show reporting").check();
  // By keyboard: from arrow to arrow, and its message.
  await arrows.first().focus();
  await page.keyboard.press("ArrowDown");
  await until("the second arrow has the focus", () => arrows.nth(1).evaluate((element) => element === document.activeElement));
  expect(await arrows.nth(1).getAttribute("aria-label")).toContain(lines[1]!.message);
  await page.locator(".sequence-message").getByText(`"message": "${lines[1]!.message}"`).waitFor();
  await page.keyboard.press("End");
  await until("the last arrow has the focus", () => arrows.last().evaluate((element) => element === document.activeElement));
  await customer.drop();
});

test("a refused request is shown with its words", async () => {
  const { id, customer } = await chat("Refuse something.");
  await part("Messages");
  await page.getByRole("listbox").getByRole("option").first().waitFor();
  await expect(ben.leave(id)).rejects.toThrow();
  await page.locator(".sequence-refused").getByText("RequestLeaveInteraction").waitFor();
  await page.locator(".sequence-refused").getByText(/refused: /).first().waitFor();
  await customer.drop();
});

test("interactions are found by queue, state and text", async () => {
  await media.call(im.submit, { interactionId: "found-1", queue: "shared", mediaType: "chat", userData: { subject: "A lost parcel" } });
  await media.call(im.submit, { interactionId: "found-2", queue: "shared", mediaType: "task" });
  await page.goto(`${usher.url}/wall#interactions`);
  const link = (name: string) => page.getByRole("link", { name });
  await link("found-1").waitFor();
  await page.getByRole("searchbox").fill("lost PARCEL");
  await link("found-2").waitFor({ state: "detached" });
  await link("found-1").waitFor();
  await page.getByRole("searchbox").fill("");
  await page.getByLabel("State").selectOption("handling");
  await link("found-1").waitFor({ state: "detached" });
  await page.getByLabel("State").selectOption("waiting");
  await page.getByLabel("Queue").selectOption("sales");
  await page.getByText("Nothing waits and nothing is handled.").waitFor();
  await page.getByLabel("Queue").selectOption("shared");
  await link("found-2").click();
  await part("Details");
  await page.locator(".details").getByText("shared").waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await page.getByLabel("Queue").selectOption("");
  await page.getByLabel("State").selectOption("");
  for (const interactionId of ["found-1", "found-2"]) {
    await media.call(im.stopProcessing, { interactionId });
  }
});

test("who interferes is in the audit log, with the reason", async () => {
  const carol = await usher.as("carol");
  const asked = { agentId: "erik", reason: "" };
  const { id, customer } = await chat("Who did that?");
  const erik = await usher.agent("erik");
  await page.goto(`${usher.url}/wall#audit`);
  await carol.call(im.notReadyForMedia, { ...asked, mediaType: "chat", reason: "Audited meeting" });
  await carol.call(im.cancelNotReadyForMedia, { ...asked, mediaType: "chat", reason: "Audited work" });
  await carol.call(im.setAgentState, { ...asked, workMode: WorkMode.AUX, reason: "Audited break" });
  await carol.call(im.agentLogout, { ...asked, force: true, reason: "Audited way home" });
  erik.close();
  await carol.call(im.intrude, { interactionId: id, visibility: VisibilityMode.MONITOR, reason: "Audited quality" });
  await carol.call(im.leaveInteraction, { interactionId: id });
  const given = carol.call(im.transfer, { interactionId: id, agentId: "ben", reason: "Audited friend" });
  await answer(ben);
  await given;
  await alice.notReady("chat");
  await carol.call(im.placeInQueue, { interactionId: id, queue: "shared", reason: "Audited queue" });
  const taken = await carol.call(im.takeSnapshot, {
    conditions: [{ property: "interaction_id", value: { kind: { case: "stringValue", value: id } } }],
    lock: true,
    limit: 1,
  });
  const snapshotId = taken.message.case === "eventSnapshotTaken" ? taken.message.value.snapshotId : 0n;
  await carol.call(im.moveInteractions, { snapshotId, interactionIds: [id], queue: "sales", reason: "Audited move" });
  await carol.call(im.releaseSnapshot, { snapshotId });
  await carol.call(im.stopProcessing, { interactionId: id, reason: "Audited end" });
  await alice.ready("chat");
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
  await row("Logged out", "Audited way home").waitFor();
  expect(await page.locator(".audit tbody tr").count()).toBe(1);
  await page.getByRole("searchbox").fill("RequestIntrude");
  await row("Joined the conversation", "Audited quality").waitFor();
  await page.getByRole("searchbox").fill("");
  expect(await axeViolations(page)).toEqual([]);
  await customer.drop();
});

test("a server that is gone is told of, and the wall goes on when it is back", async () => {
  const { id, customer } = await chat("Are you still there?");
  await part("Messages");
  const arrows = page.getByRole("listbox").getByRole("option");
  await until("all arrows", async () => (await arrows.count()) === (await traced(id)).length);
  await usher.kill();
  await page.getByText("The connection is lost.").waitFor();
  await usher.run();
  await page.getByText("The connection is lost.").waitFor({ state: "detached" });
  await until("alice is back", () => alice.state.link.state === "connected");
  // The diagram goes on where it was: no arrow is missing, and none comes twice.
  await alice.addLine(id, "Yes, I am.");
  const lines = await traced(id);
  await until("all arrows", async () => (await arrows.count()) >= lines.length);
  expect(await arrows.evaluateAll((all) => all.map((arrow) => (arrow as SVGElement).dataset.sequence))).toEqual(
    (await traced(id)).map((line) => String(line.sequence)),
  );
  await customer.drop();
  await tab("Agents");
  await page.locator("[data-agent=alice]").waitFor();
});

test("who is asked stands there until he has answered, with the time that is left", async () => {
  const { id, customer } = await chat("Whom do you ask?");
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
  await customer.drop();
});

test("in German all figures of queues are in sight", async () => {
  await page.goto(`${usher.url}/wall?lang=de#queues`);
  await page.getByRole("columnheader", { name: "Ø Bearbeitung" }).waitFor();
  await picture(page, "wall-queues-german");
  expect(await page.locator(".queues .wall-scroll").evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
});

test("in German, and turned around, it is as accessible", async () => {
  await page.goto(`${usher.url}/wall?lang=de&dir=rtl#agents`);
  await page.getByRole("grid", { name: /Pfeiltasten/ }).waitFor();
  expect(await page.locator("html").getAttribute("dir")).toBe("rtl");
  for (const name of ["Warteschlangen", "Verlauf", "Agenten", "Interaktionen", "Protokoll"]) {
    await tab(name);
    await page.getByRole("region", { name }).first().waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await picture(page, `wall-rtl-${name}`);
  }
});

test("who leaves the wall is no agent any more, and nothing went wrong in the page", async () => {
  await page.goto(`${usher.url}/wall#agents`);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Agent id").waitFor();
  await page.reload();
  await page.getByLabel("Agent id").waitFor();
  // Refused is what the tests had refused, and reads of what had just ended.
  const reads = refused.filter((method) => method === "GetInteractionProperties");
  expect(refused.filter((method) => method !== "GetInteractionProperties")).toEqual(["Transfer", "PlaceInQueue"]);
  expect(reads.length).toBeLessThanOrEqual(10);
  // The browser says it again, and that the killed server was not there.
  expect(wall.errors.filter((error) => !/Failed to load resource|net::ERR/.test(error))).toEqual([]);
});
