import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { axeViolations, launch, logIn, open, picture } from "./browser.js";
import { password, until, Usher } from "./server.js";

let usher: Usher;
let browser: Browser;

beforeAll(async () => {
  [usher, browser] = await Promise.all([Usher.start(), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await usher?.stop();
});

test("the start page links the windows, under its policy and for everybody", async () => {
  const { page, errors } = await open(browser, usher, "/");
  for (const [name, path] of [
    ["Agent Control Window", "/agent"],
    ["Supervisor’s wall", "/wall"],
    ["Administration", "/admin"],
    ["Customer’s chat", "/chat?site=demo"],
  ] as const) {
    expect(await page.getByRole("link", { name }).getAttribute("href")).toBe(path);
  }
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "start");
  // A script that is not the page's own is not run.
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'inline'";
    document.head.append(script);
  });
  expect(await page.title()).toBe("Usher");
  // The browser tells of it beside what it answers.
  await expect.poll(() => errors, { timeout: 20_000 }).toEqual([expect.stringContaining("Content Security Policy")]);
});

test("a page speaks its language and turns around", async () => {
  const { page, errors } = await open(browser, usher, "/?lang=de&dir=rtl&theme=dark");
  await page.getByRole("link", { name: "Agentenfenster" }).waitFor();
  const html = page.locator("html");
  expect(await html.getAttribute("lang")).toBe("de");
  expect(await html.getAttribute("dir")).toBe("rtl");
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe("dark");
  expect(errors).toEqual([]);
});

test("a login sets a cookie that scripts can't read", async () => {
  const { page, context } = await open(browser, usher, "/");
  const session = await page.evaluate(async (password) => {
    const body = JSON.stringify({ window: "agent", agentId: "alice", password });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/window/login", { method: "POST", headers, body });
    return (await answer.json()) as { agentId: string };
  }, password);
  expect(session.agentId).toBe("alice");
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ name: "usher_agent", httpOnly: true, sameSite: "Strict", path: "/" });
  expect(await page.evaluate(() => document.cookie)).toBe("");
});

test("a chat survives that the server is killed", async () => {
  const agent = await usher.agent("alice");
  const customer = await usher.customer({ text: "one" });
  const offer = await until("the offer", () => agent.state.invitations[0]);
  await agent.accept(offer.ticket);
  const lines = () => agent.state.conversations.get(offer.interactionId)?.lines.map((line) => line.added?.line?.text);
  await until("the first line", () => lines()?.includes("one"));
  await usher.kill();
  customer.send("two");
  const said = agent.addLine(offer.interactionId, "three");
  await usher.run();
  await said;
  await until("the customer has both", () => customer.state.lines.length === 3 && customer.state.pending.length === 0);
  await until("the agent has both", () => lines()?.length === 3);
  expect(lines()?.toSorted()).toEqual(["one", "three", "two"]);
  expect(customer.state.lines.map((line) => line.said.line?.text)).toEqual(lines());
  await agent.stop(offer.interactionId);
  await until("the customer sees the end", () => customer.state.stage === "ended");
  agent.close();
});

test("the palette gives the focus back to where it was", async () => {
  const { page, context } = await open(browser, usher, "/agent", {
    before: (context) => logIn(context, usher, { window: "agent", agentId: "ben" }),
  });
  await page.getByRole("button", { name: "Start work" }).click();
  const former = page.locator(".status").getByRole("button", { name: /Become available/ }).first();
  await former.focus();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await until("it has the focus", () => former.evaluate((element) => element === document.activeElement));
  await context.close();
});
