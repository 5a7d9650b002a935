// The Agent Control Window in a real browser against the real server. Customers
// and some colleagues speak the protocol without a window.
import { fileURLToPath } from "node:url";
import type { AgentSession, CustomerSession } from "@usher-cc/client";
import { AgentRowState } from "@usher-cc/client/gen/statistics";
import type { Browser, BrowserContextOptions, Locator, Page, Request } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { axeViolations, launch, logIn, open, type Opened, picture } from "./browser.js";
import { password, until, Usher } from "./server.js";

/** How long a condition may take on a slow machine. */
const patience = { timeout: 30_000, interval: 50 };

let usher: Usher;
let chromium: Browser;
let opened: Opened[] = [];
let customers: CustomerSession[] = [];
let colleagues: AgentSession[] = [];

beforeAll(async () => {
  const centre = fileURLToPath(new URL("fixtures/agents.yaml", import.meta.url));
  [usher, chromium] = await Promise.all([Usher.start(centre), launch()]);
});

afterAll(async () => {
  await chromium?.close();
  await usher?.stop();
});

// Nobody keeps anything from one test to the next: customers go, agents log out.
afterEach(async () => {
  for (const customer of customers) {
    await customer.drop().catch(() => undefined); // he may have gone already
  }
  for (const session of colleagues) {
    await session.logout({ force: true });
    session.close();
  }
  for (const { context } of opened) {
    const logout = `${usher.url}/usher.v1.InteractionManagement/AgentLogout`;
    await context.request.post(logout, { headers: { "Usher-Window": "agent" }, data: { force: true } });
    await context.close();
  }
  [opened, customers, colleagues] = [[], [], []];
});

// ---- People ----

/** A customer who has asked for a session. */
async function customer(requestType: string, name: string, more: { subject?: string; text?: string } = {}): Promise<CustomerSession> {
  const session = await usher.customer({ name, requestType, text: "Hello?", ...more });
  customers.push(session);
  return session;
}

/** A colleague without a window, ready for chats. */
async function colleague(agentId: string): Promise<AgentSession> {
  const session = await usher.agent(agentId);
  colleagues.push(session);
  return session;
}

/** The lines that a customer sees. */
const seenBy = (c: CustomerSession) => c.state.lines.map(({ said }) => said.line?.text || said.line?.attachment?.name || "");

/** Opens an agent's window with nobody logged in. */
async function blank(options: BrowserContextOptions = {}, path = "/agent"): Promise<Opened> {
  const one = await open(chromium, usher, path, { viewport: { width: 1280, height: 800 }, ...options });
  opened.push(one);
  return one;
}

/** Opens the window of an agent who is at work and, unless it is to be otherwise, available. */
async function desk(agentId: string, available = true): Promise<Opened> {
  const one = await open(chromium, usher, "/agent", {
    viewport: { width: 1280, height: 800 },
    before: (context) => logIn(context, usher, { window: "agent", agentId }),
  });
  opened.push(one);
  const { page } = one;
  await page.getByRole("button", { name: /Start work|Become available|Take a break/ }).first().waitFor();
  if (await page.getByRole("button", { name: "Start work" }).isVisible()) {
    await page.getByRole("button", { name: "Start work" }).click();
  }
  await page.locator(".status").waitFor();
  if (available) {
    await becomeAvailable(page);
  }
  return one;
}

/** Makes an agent available, for every media type. */
async function becomeAvailable(page: Page): Promise<void> {
  await page.locator(".status").getByRole("button", { name: /Become available|Take a break/ }).first().waitFor();
  await press(page, "Become available");
  await page.getByRole("button", { name: /Take a break/ }).waitFor();
  await isGone(page.locator(".status").getByRole("button", { name: /Become available/ }));
}

// ---- What is on a page ----

/** Presses a button of the status lines or of a session if it is there. */
async function press(page: Page, name: string): Promise<void> {
  const button = page.getByRole("button", { name: new RegExp(`^${name}`) }).first();
  if (await button.isVisible()) {
    await button.click();
  }
}

const offer = (page: Page, name: string): Locator => page.getByRole("article", { name: `Offer: ${name}` });
const session = (page: Page, name: string): Locator => page.getByRole("region", { name: `Session with ${name}` });
const item = (page: Page, name: string): Locator => page.locator(".session-list .session-item", { hasText: name });
const message = (page: Page): Locator => page.locator("#compose");
const dialog = (page: Page): Locator => page.getByRole("dialog");
const choice = (page: Page, text: string): Locator => dialog(page).getByRole("option", { name: text });
const badge = (page: Page, name: string): Locator => item(page, name).locator(".badge");

/** The lines of the session that is looked at; pending ones are not among them. */
const lines = (page: Page): Promise<string[]> => page.locator(".line:not(.line-pending) .line-text").allInnerTexts();

const sees = (page: Page, expected: string[]) => expect.poll(() => lines(page), patience).toEqual(expected);
const reads = (locator: Locator, words: string | RegExp) => expect.poll(() => locator.innerText(), patience).toMatch(words);
const isGone = (locator: Locator) => expect.poll(() => locator.count(), patience).toBe(0);

/** Does something, and waits for words that are soon gone again: it looks for them from before. */
async function tells(page: Page, words: string, act: () => unknown): Promise<void> {
  await Promise.all([page.getByText(words).waitFor(), act()]);
}

/** Chooses a reason of a dialog by its number. */
async function because(page: Page, name: string, number: string): Promise<void> {
  await dialog(page).getByRole("listitem").getByRole("button", { name }).waitFor();
  await keys(page, number);
}

/** Waits for an offer and takes it. */
async function accept(page: Page, name: string): Promise<void> {
  await offer(page, name).getByRole("button", { name: /Accept/ }).click();
  await session(page, name).waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await message(page).fill(text);
  await message(page).press("Enter");
}

/** Holds that the page has no fault that axe finds, light and dark. */
async function accessible(page: Page, state: string): Promise<void> {
  expect(await axeViolations(page), state).toEqual([]);
  await picture(page, `agent-${state}`);
}

/** Waits until a page has shown what it knows. */
const frames = (page: Page): Promise<unknown> =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

/** Presses keys, one after the other. */
async function keys(page: Page, ...all: string[]): Promise<void> {
  for (const key of all) {
    await page.keyboard.press(key);
  }
}

describe("logging in", () => {
  test("asks who it is, says what is wrong, and shows the status lines", async () => {
    const { page, errors } = await blank();
    await page.getByLabel("Agent id").fill("ana");
    await page.getByLabel("Password").fill("not-the-password");
    await page.getByLabel("Extension").fill("4711");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("Agent id or password is wrong.").waitFor();
    await accessible(page, "login");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in" }).click();
    const status = page.locator(".status");
    await reads(status, /Ana\s+ana · extension 4711/);
    await reads(status, /Connected/);
    await reads(status, /chat: not ready/);
    await accessible(page, "idle");
    await becomeAvailable(page);
    await reads(status, /chat: ready/);

    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await dialog(page).getByRole("button", { name: /End of the day/ }).click();
    await page.getByLabel("Agent id").waitFor();
    await page.reload();
    await page.getByLabel("Agent id").waitFor();
    expect(errors.filter((error) => !error.includes("401"))).toEqual([]);
  });

  test("says that somebody else is at the extension, and lets it be changed", async () => {
    const seat = async (agentId: string) => {
      const { page } = await blank();
      await page.getByLabel("Agent id").fill(agentId);
      await page.getByLabel("Password").fill(password);
      await page.getByLabel("Extension").fill("4712");
      await keys(page, "Enter");
      return page;
    };
    await (await seat("ana")).locator(".status").waitFor();
    const ben = await seat("ben");
    await ben.getByText("Somebody else is logged in at this extension.").waitFor();
    await accessible(ben, "seat");
    await ben.getByLabel("Extension").fill("4713");
    await ben.getByRole("button", { name: "Start work" }).click();
    await reads(ben.locator(".status"), /extension 4713/);
  });

  test("of a second window takes over, and the first can take it back", async () => {
    const first = await desk("ana", false);
    const second = await desk("ana", false);
    await first.page.getByText("Open in another window").waitFor();
    await accessible(first.page, "replaced");
    await first.page.getByRole("button", { name: "Use this one" }).click();
    await first.page.locator(".status").waitFor();
    await second.page.getByText("Open in another window").waitFor();
  });
});

describe("an offer", () => {
  test("tells who and why, is taken by one key, and a chat goes both ways", async () => {
    const { page, errors } = await desk("ana");
    const mia = await customer("desk", "Mia", { subject: "My bill is wrong", text: "It is number 17." });
    const card = offer(page, "Mia");
    await reads(card, /My bill is wrong/);
    await reads(card, /account\s+17/);
    await reads(card, /Waiting for/);
    expect(await card.textContent()).not.toMatch(/Waiting for\s+Waiting for/);
    await expect.poll(() => card.getByRole("img").getAttribute("aria-label"), patience).toMatch(/\d+ seconds? left/);
    await expect.poll(() => page.title(), patience).toBe("(1) Offer - Usher");
    await accessible(page, "offer");
    await keys(page, "a");
    await session(page, "Mia").waitFor();
    await isGone(card);
    await sees(page, ["It is number 17."]);
    await expect.poll(() => page.title(), patience).toBe("Agent Control Window - Usher");

    await Promise.all([
      until("Mia sees that Ana writes", () => mia.state.typing === "Ana"),
      message(page).pressSequentially("One moment"),
    ]);
    await keys(page, "Shift+Enter");
    await message(page).pressSequentially("please");
    await keys(page, "Enter");
    await until("Mia has it", () => seenBy(mia).includes("One moment\nplease"));
    await sees(page, ["It is number 17.", "One moment\nplease"]);
    await isGone(page.locator(".line-pending"));
    await tells(page, "Mia is writing", () => mia.typing());
    mia.send("<b>thanks</b>");
    await sees(page, ["It is number 17.", "One moment\nplease", "<b>thanks</b>"]);
    await accessible(page, "session");
    await page.goto(`${usher.url}/agent?dir=rtl&lang=de`);
    await page.getByRole("region", { name: "Sitzung mit Mia" }).waitFor();
    await accessible(page, "session-rtl-de");
    expect(errors).toEqual([]);
  });

  test("is rejected with a reason by its number, and goes to another", async () => {
    const { page } = await desk("ana");
    await customer("desk", "Nora");
    await offer(page, "Nora").waitFor();
    const dana = await colleague("dana");
    // The dialog is open when the next key comes, however fast.
    const isOpen = await page.evaluate(async () => {
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "r", bubbles: true }));
      await Promise.resolve();
      return document.querySelector("dialog[open]") !== null;
    });
    expect(isOpen).toBe(true);
    await dialog(page).getByRole("button", { name: /I am busy/ }).waitFor();
    await accessible(page, "reject");
    await keys(page, "1");
    await reads(page.locator(".idle"), /You rejected: Nora I am busy/);
    // Before she is asked again, after a pause, another has it.
    const invitation = await until("Dana is asked", () => dana.state.invitations[0]);
    await dana.accept(invitation.ticket);
    await isGone(offer(page, "Nora"));
    await isGone(dialog(page));
  });

  test("says that the customer left, and that it expired", async () => {
    const { page } = await desk("ana");
    const otto = await customer("desk", "Otto");
    await offer(page, "Otto").waitFor();
    await otto.drop();
    await reads(offer(page, "Otto"), /The customer left\./);
    await accessible(page, "customer-left");
    await offer(page, "Otto").getByRole("button", { name: "Close" }).click();
    await isGone(offer(page, "Otto"));

    await customer("desk-short", "Paul");
    await reads(offer(page, "Paul"), /Expired: you did not answer in time\./);
    await reads(page.locator(".status"), /short: not ready/);
  });

  test("that is accepted too late says what became of it", async () => {
    const { page } = await desk("ana");
    const pia = await customer("desk", "Pia");
    await offer(page, "Pia").waitFor();
    let release = () => {};
    const gone = new Promise<void>((resolve) => (release = resolve));
    await page.route("**/usher.v1.InteractionManagement/Accept", async (route) => {
      await gone;
      await route.continue();
    });
    await keys(page, "a");
    await pia.drop();
    release();
    await reads(offer(page, "Pia"), /The customer left\.[^]*Too late: this offer is no longer open\./);
  });

  test("is accepted by itself where the agent has auto-answer", async () => {
    const { page } = await desk("otis");
    await customer("auto", "Rex");
    await session(page, "Rex").waitFor();
    await sees(page, ["Hello?"]);
  });

  test("goes to another when it expires, and only one of two who pull gets it", async () => {
    const [rob, rita] = [await desk("rob"), await desk("rita", false)];
    await customer("race", "Quentin");
    await offer(rob.page, "Quentin").waitFor();
    // What is offered from now on is offered for long: only his time is short.
    const offered = (time: string) => usher.applyText(`media_types: [{name: short, default_capacity: 5, delivering_timeout: ${time}}]`);
    await offered("10m");
    try {
      await press(rita.page, "Become available");
      await reads(offer(rob.page, "Quentin"), /Expired/);
      await accept(rita.page, "Quentin");
    } finally {
      await offered("4s");
    }

    await keys(rob.page, "g");
    await rita.page.getByRole("button", { name: /Workbins and queues/ }).click();
    await customer("shared", "Rosa");
    const take = (page: Page) => page.getByRole("button", { name: "Take next from shared" });
    await Promise.all([rob, rita].map(({ page }) => expect.poll(() => take(page).isEnabled(), patience).toBe(true)));
    // Both ask before one is answered.
    let release = () => {};
    const asked = new Promise<void>((resolve) => (release = resolve));
    for (const { page } of [rob, rita]) {
      await page.route("**/usher.v1.InteractionManagement/Pull", async (route) => {
        await asked;
        await route.continue();
      });
    }
    await Promise.all([rob, rita].map(({ page }) => take(page).evaluate((button: HTMLElement) => button.click())));
    release();
    const has = async () => [await session(rob.page, "Rosa").count(), await session(rita.page, "Rosa").count()];
    await expect.poll(async () => (await has()).toSorted(), patience).toEqual([0, 1]);
    const loser = (await has())[0] === 1 ? rita.page : rob.page;
    await reads(loser.locator(".bins"), /somebody else was faster/);
    await accessible(loser, "bins");
  });

  test("shows without notifications, which the browser refuses", async () => {
    const { page } = await desk("ana");
    await page.evaluate(() => Notification.requestPermission());
    await page.reload();
    await page.getByText("Desktop notifications are refused by this browser").waitFor();
    await customer("desk", "Sam");
    await accept(page, "Sam");
  });
});

describe("a session", () => {
  test("is transferred with its transcript, after a refusal and a change of mind", async () => {
    const [ana, ben] = [await desk("ana"), await desk("ben")];
    const tina = await customer("desk", "Tina", { text: "About my order." });
    await accept(ana.page, "Tina");
    await say(ana.page, "I ask Ben.");
    await sees(ana.page, ["About my order.", "I ask Ben."]);
    const ask = async () => {
      await ana.page.getByRole("button", { name: /^Transfer/ }).click();
      await reads(choice(ana.page, "Ben"), /free/);
      await ana.page.keyboard.type("ben");
      await keys(ana.page, "Enter");
      await ana.page.getByText("Offered to Ben").waitFor();
      await offer(ben.page, "Tina").waitFor();
    };
    await ana.page.getByRole("button", { name: /^Transfer/ }).click();
    await choice(ana.page, "Ben").waitFor();
    await accessible(ana.page, "picker");
    await keys(ana.page, "Escape");

    await ask();
    await accessible(ana.page, "transfer-pending");
    await tells(ana.page, "You took the offer to Ben back", () => ana.page.getByRole("button", { name: "Take back" }).click());
    expect(await session(ana.page, "Tina").getByRole("alert").count()).toBe(0);
    await reads(offer(ben.page, "Tina"), /Taken back by Ana\./);
    await keys(ben.page, "f");
    await isGone(offer(ben.page, "Tina"));

    await ask();
    await tells(ana.page, "You took the offer to Ben back", () => keys(ana.page, "Alt+z"));
    await reads(offer(ben.page, "Tina"), /Taken back by Ana\./);
    await keys(ben.page, "Control+k");
    await ben.page.keyboard.type("close all");
    await keys(ben.page, "Enter");
    await isGone(offer(ben.page, "Tina"));

    await ask();
    await keys(ben.page, "r");
    await because(ben.page, "Not for me", "2");
    await isGone(offer(ben.page, "Tina"));
    await ana.page.getByText(/Ben: The offer was rejected: Not for me\./).waitFor();

    await ask();
    await reads(offer(ben.page, "Tina"), /Transfer from Ana/);
    await reads(offer(ben.page, "Tina"), /I ask Ben\./);
    expect(await offer(ben.page, "Tina").innerText()).not.toMatch(/Waiting for/);
    await tells(ana.page, "Ben has it now.", () => accept(ben.page, "Tina"));
    await sees(ben.page, ["About my order.", "I ask Ben."]);
    expect(await ben.page.locator(".details").innerText()).not.toMatch(/Waited/);
    await isGone(session(ana.page, "Tina"));
    await say(ben.page, "Hello Tina");
    await until("Tina hears Ben", () => seenBy(tina).includes("Hello Tina"));
  });

  test("is sent on from the words for the next one, by Enter or a button", async () => {
    const { page } = await desk("ana");
    const ben = await colleague("ben");
    await customer("desk", "Theo");
    await accept(page, "Theo");
    await keys(page, "Alt+t");
    await choice(page, "Ben").waitFor();
    await dialog(page).getByRole("combobox").fill("ben");
    await dialog(page).getByLabel(/^Words for/).fill("Please help");
    await dialog(page).getByLabel(/^Words for/).press("Enter");
    const invitation = await until("Ben is asked", () => ben.state.invitations[0]);
    expect(invitation.event.reason).toBe("Please help");
    await ben.reject(invitation.ticket);
    await isGone(page.getByText("Offered to Ben"));
    await keys(page, "Alt+o");
    await dialog(page).getByRole("combobox").fill("nobody at all");
    expect(await dialog(page).getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await dialog(page).getByRole("combobox").fill("ben");
    await accessible(page, "picker-words");
    await dialog(page).getByRole("button", { name: "Send to: Ben" }).click();
    await until("Ben is asked again", () => ben.state.invitations[0]);
    await keys(page, "Alt+b");
    await dialog(page).getByRole("button", { name: "Cancel" }).click();
    await isGone(dialog(page));
  });

  test("hears a coach, and the customer does not; a conference is left again", async () => {
    const [ana, ben] = [await desk("ana"), await desk("ben")];
    const uma = await customer("desk", "Uma");
    await accept(ana.page, "Uma");
    const invite = async (how: RegExp) => {
      await ana.page.getByRole("button", { name: how }).click();
      await choice(ana.page, "Ben").click();
    };
    await invite(/^Consult/);
    await reads(offer(ben.page, "Uma"), /asks for your advice/);
    await accept(ben.page, "Uma");
    await reads(session(ben.page, "Uma"), /You coach/);
    await say(ben.page, "Offer her a refund.");
    await sees(ana.page, ["Hello?", "Offer her a refund."]);
    await reads(ana.page.locator(".line-agents"), /Ben[^]*Agents only/);
    await ana.page.getByRole("checkbox", { name: "Agents only" }).check();
    await say(ana.page, "Good idea.");
    await ana.page.getByRole("checkbox", { name: "Agents only" }).uncheck();
    await say(ana.page, "You get it back.");
    await until("Uma hears Ana", () => seenBy(uma).includes("You get it back."));
    expect(seenBy(uma)).toEqual(["Hello?", "You get it back."]);
    await sees(ben.page, ["Hello?", "Offer her a refund.", "Good idea.", "You get it back."]);
    await accessible(ana.page, "coached");
    await keys(ben.page, "Alt+l");
    await isGone(session(ben.page, "Uma"));

    await invite(/^Conference/);
    await accept(ben.page, "Uma");
    await say(ben.page, "I am Ben.");
    await until("Uma hears Ben", () => seenBy(uma).includes("I am Ben."));
    await reads(ana.page.locator(".details"), /Ben/);
    await keys(ben.page, "Alt+l");
    await expect.poll(() => ana.page.locator(".details").innerText(), patience).not.toMatch(/Ben/);
    await say(ana.page, "Me again.");
    await until("Uma hears Ana again", () => seenBy(uma).includes("Me again."));
  });

  test("takes files both ways, and says why it does not take one", async () => {
    const { page, errors } = await desk("ana");
    const vera = await customer("desk", "Vera");
    await accept(page, "Vera");
    const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
    await page.locator("input[type=file]").setInputFiles({ name: "a.png", mimeType: "image/png", buffer: pixel });
    await until("Vera has the file", () => seenBy(vera).includes("a.png"));
    await vera.attach(new File(["x".repeat(1300)], "note.txt", { type: "text/plain" }));
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "note.txt (1 kB)" }).click();
    expect((await download).suggestedFilename()).toBe("note.txt");
    await expect.poll(() => page.getByRole("img", { name: "a.png" }).evaluate((img) => (img as HTMLImageElement).naturalWidth), patience).toBe(1);
    const ends = (locator: Locator) => locator.evaluate((el) => Math.round(el.getBoundingClientRect().right));
    expect(await ends(page.getByRole("img", { name: "a.png" }))).toBe(await ends(page.getByRole("button", { name: /a\.png/ })));
    await expect.poll(() => page.getByRole("button", { name: "Attach" }).isEnabled(), patience).toBe(true);
    await page.locator("input[type=file]").setInputFiles({ name: "x.exe", mimeType: "text/plain", buffer: Buffer.from("MZ\x00\x01") });
    await page.getByText("Files of this kind are not taken").waitFor();
    expect(errors.filter((error) => !/status of 4\d\d/.test(error))).toEqual([]);
  });

  test("stays at its end as a picture loads and the card is wrapped up, and where somebody reads further up", async () => {
    const { page } = await desk("ana");
    const png = await page.evaluate(() => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 200, height: 700 });
      return canvas.toDataURL("image/png").split(",")[1]!;
    });
    const tom = await customer("desk", "Tom");
    await tom.attach(new File([Buffer.from(png, "base64")], "tall.png", { type: "image/png" }));
    for (let n = 1; n <= 12; n++) {
      tom.send(`line ${n}`);
    }
    await until("all is said", () => seenBy(tom).includes("line 12"));
    await accept(page, "Tom");
    const below = () => page.locator(".transcript").evaluate((box) => Math.round(box.scrollHeight - box.scrollTop - box.clientHeight));
    await page.getByRole("img", { name: "tall.png" }).waitFor();
    await expect.poll(below, patience).toBeLessThan(2);
    await page.getByRole("button", { name: /^End/ }).click();
    await because(page, "Answered", "1");
    await page.getByLabel("Disposition").waitFor();
    await expect.poll(below, patience).toBeLessThan(2);
    await page.locator(".transcript").evaluate((box) => (box.scrollTop = 0));
    await page.getByRole("button", { name: /To the latest lines/ }).waitFor();
    await page.setViewportSize({ width: 1280, height: 700 });
    await frames(page);
    expect(await page.locator(".transcript").evaluate((box) => box.scrollTop)).toBe(0);
  });

  test("is placed in a workbin, found there and taken again; then in a queue", async () => {
    const { page } = await desk("ana");
    const walt = await customer("desk", "Walt", { subject: "Later" });
    await accept(page, "Walt");
    await sees(page, ["Hello?"]);
    await page.getByRole("button", { name: /^To a workbin/ }).click();
    await choice(page, "drafts").click();
    await isGone(session(page, "Walt"));
    walt.send("Are you there?");
    await until("it is said", () => seenBy(walt).includes("Are you there?"));
    await page.getByRole("button", { name: /Workbins and queues/ }).click();
    const row = page.getByRole("row", { name: /Walt/ });
    await reads(row, /Later/);
    await page.getByLabel("Filter").fill("nobody");
    await isGone(row);
    await page.getByLabel("Filter").fill("walt");
    await row.getByRole("button", { name: "Take Walt" }).click();
    await session(page, "Walt").waitFor();
    await sees(page, ["Hello?", "Are you there?"]);
    expect(await page.locator("main").innerText()).not.toMatch(/__/);

    await page.getByRole("button", { name: /^To a queue/ }).click();
    await choice(page, "Shared").click();
    await isGone(session(page, "Walt"));
    await keys(page, "Alt+p");
    await choice(page, "Shared").click();
    await session(page, "Walt").waitFor();
  });

  test("is seen by whoever shares a workbin as it comes and goes", async () => {
    const [ben, cleo] = [await desk("ben", false), await desk("cleo", false)];
    await customer("shared", "Xena");
    await keys(ben.page, "p");
    await choice(ben.page, "Shared").click();
    await session(ben.page, "Xena").waitFor();
    // Her first look at the workbin is answered after the next one.
    let release = () => {};
    const late = new Promise<void>((resolve) => (release = resolve));
    let first: Request | undefined;
    await cleo.page.route("**/usher.v1.InteractionManagement/GetWorkbinContent", async (route) => {
      if (first || !route.request().postDataBuffer()?.includes("team")) {
        return route.continue();
      }
      first = route.request();
      const response = await route.fetch();
      await late;
      return route.fulfill({ response });
    });
    await keys(cleo.page, "g");
    await cleo.page.getByRole("combobox", { name: "Workbin" }).selectOption({ label: "team (team)" });
    await until("she looks", () => first);
    await keys(ben.page, "Alt+b");
    await choice(ben.page, "team").click();
    await cleo.page.getByRole("row", { name: /Xena/ }).waitFor();
    await Promise.all([cleo.page.waitForEvent("requestfinished", (request) => request === first), release()]);
    await frames(cleo.page);
    expect(await cleo.page.getByRole("row", { name: /Xena/ }).count()).toBe(1);
    await isGone(session(ben.page, "Xena"));
    await keys(ben.page, "g");
    await ben.page.getByRole("combobox", { name: "Workbin" }).selectOption({ label: "team (team)" });
    await ben.page.getByRole("button", { name: "Take Xena" }).click();
    await isGone(cleo.page.getByRole("row", { name: /Xena/ }));
  });

  test("is held and resumed; its user data is changed, and nobody's change is lost", async () => {
    const { page } = await desk("ana");
    const cleo = await colleague("cleo");
    await customer("desk", "Yara");
    await accept(page, "Yara");
    await page.getByRole("button", { name: /^Hold/ }).click();
    await reads(session(page, "Yara"), /On hold/);
    await page.getByRole("button", { name: /^Resume/ }).click();
    await page.getByRole("button", { name: /^Hold/ }).waitFor();

    await page.getByRole("button", { name: /^Edit user data/ }).click();
    await accessible(page, "user-data");
    await page.getByLabel("Value of account").fill("18");
    await page.getByRole("button", { name: "Add a row" }).click();
    await page.getByLabel("Name", { exact: true }).fill("mood");
    await page.getByLabel("Value of mood").fill("fine");
    await page.getByRole("button", { name: "Save" }).click();
    await reads(page.locator(".details"), /account\s+18/);
    await reads(page.locator(".details"), /mood\s+fine/);

    const id = await page.locator(".details dd").last().innerText();
    await page.getByRole("button", { name: /^Edit user data/ }).click();
    await page.getByLabel("Value of account").fill("19");
    await cleo.changeProperties(id, { userData: { account: "20" } });
    await reads(page.locator(".details"), /account\s+20/);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Somebody else has changed the data meanwhile").waitFor();
    await accessible(page, "conflict");
    await page.getByRole("button", { name: "Keep mine" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await reads(page.locator(".details"), /account\s+19/);
  });

  test("is ended with a reason, and wrapped up", async () => {
    const { page } = await desk("ana");
    const zoe = await customer("desk", "Zoe");
    await accept(page, "Zoe");
    await page.getByRole("button", { name: /^End/ }).click();
    await dialog(page).getByRole("button", { name: /Answered/ }).click();
    await reads(session(page, "Zoe"), /You have ended the session: Answered\./);
    const handled = await page.locator(".session-title").innerText();
    await reads(page.locator(".wrapup"), /Wrapping up for\s+(?!0:0[01])\d+:\d\d/);
    expect(await page.locator(".session-title").innerText()).toBe(handled);
    await until("Zoe sees the end", () => zoe.state.stage === "ended");
    await accessible(page, "wrap-up");
    await page.getByLabel("Disposition").selectOption("solved");
    await page.getByLabel("Note").fill("Was easy.");
    await page.reload();
    await expect.poll(() => page.getByLabel("Note").inputValue(), patience).toBe("Was easy.");
    const reported = page.waitForResponse(/CustomReporting/);
    await page.getByRole("button", { name: /^Done/ }).click();
    expect((await reported).ok()).toBe(true);
    await isGone(session(page, "Zoe"));
  });
});

describe("the agent's state", () => {
  test("changes by work modes, with the next one shown while he works", async () => {
    const { page } = await desk("skye");
    const status = page.locator(".status");
    await reads(status, /Auto-in/);
    const adam = await customer("skilled", "Adam");
    await accept(page, "Adam");
    await keys(page, "Alt+n");
    await because(page, "Break", "1");
    await reads(status, /AUX: Break after this session/);
    await page.getByRole("button", { name: "Work mode" }).click();
    await page.getByRole("menuitem", { name: "Auto-in" }).click();
    await expect.poll(() => status.innerText(), patience).not.toMatch(/after this session/);
    await adam.drop();
    await reads(status, /After-call work/);
    await reads(session(page, "Adam"), /The customer has ended the session\.[^]*After-call work ends in\s+\d+:\d\d/);
    await accessible(page, "after-call-work");
    await page.getByRole("button", { name: "Done, next one" }).click();
    await reads(status, /Auto-in/);
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Switch on do-not-disturb" }).click();
    await reads(status, /Do not disturb/);
    await keys(page, "d");
    await keys(page, "n");
    await because(page, "Break", "1");
    await reads(status, /AUX: Break/);
  });

  test("is ready and not ready for each media type, with a reason", async () => {
    const { page } = await desk("ana");
    await page.getByRole("button", { name: "task: ready" }).click();
    await dialog(page).getByRole("button", { name: /Short pause/ }).click();
    await page.getByRole("button", { name: "task: not ready, Short pause" }).click();
    await page.getByRole("button", { name: "task: ready" }).waitFor();
  });
});

describe("an agent who is logged in without media", () => {
  test("takes up his by becoming available", async () => {
    (await usher.agent("cleo", [])).close();
    const { page } = await desk("cleo", false);
    await reads(page.locator(".status"), /no media/);
    await page.getByText("You are logged in without media").waitFor();
    await becomeAvailable(page);
    await reads(page.locator(".status"), /chat: ready[^]*short: ready[^]*task: ready/);
  });
});

describe("keys alone", () => {
  // Log in, become available, accept, write, switch sessions, edit user data,
  // hold and resume, transfer, place in a workbin, take from there, end with a
  // reason, wrap up; and besides: reject, palette, help, log out.
  test("do the twelve main tasks", async () => {
    const { page } = await blank();
    const ben = await colleague("ben");
    await page.getByLabel("Agent id").waitFor();
    await expect.poll(async () => {
      await page.keyboard.press("Tab");
      return page.evaluate(() => document.activeElement?.getAttribute("name"));
    }, patience).toBe("agentId");
    await page.keyboard.type("kim");
    await keys(page, "Tab");
    await page.keyboard.type(password);
    await keys(page, "Enter");
    await page.locator(".status").waitFor();
    await keys(page, "y");
    await page.getByRole("button", { name: /Take a break/ }).waitFor();

    await customer("keys", "Bea");
    const carl = await customer("keys", "Carl");
    await offer(page, "Carl").waitFor();
    await offer(page, "Bea").waitFor();
    await keys(page, "Alt+a");
    await session(page, "Bea").waitFor();
    await isGone(offer(page, "Bea"));
    await keys(page, "Alt+a");
    await session(page, "Carl").waitFor();
    await keys(page, "Alt+w");
    await expect.poll(() => page.evaluate(() => document.activeElement?.id), patience).toBe("compose");
    await page.keyboard.type("To Carl");
    await keys(page, "Enter");
    await until("Carl has it", () => seenBy(carl).includes("To Carl"));
    await sees(page, ["Hello?", "To Carl"]);
    await keys(page, "Alt+k");
    await session(page, "Bea").waitFor();
    await sees(page, ["Hello?"]);
    carl.send("Are you there?");
    await reads(badge(page, "Carl"), /^1$/);
    await expect.poll(() => page.title(), patience).toBe("(1) New lines - Usher");

    await keys(page, "Alt+u");
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName), patience).toBe("INPUT");
    await page.keyboard.type("x");
    await keys(page, "Enter");
    await isGone(dialog(page));
    await keys(page, "Alt+h");
    await reads(session(page, "Bea"), /On hold/);
    await keys(page, "Alt+h");
    await page.getByRole("button", { name: /^Hold/ }).waitFor();

    await keys(page, "Alt+t");
    await reads(choice(page, "Ben"), /free/);
    await page.keyboard.type("ben");
    await keys(page, "Enter");
    const invitation = await until("Ben is asked", () => ben.state.invitations[0]);
    await ben.accept(invitation.ticket);
    await isGone(session(page, "Bea"));

    await session(page, "Carl").waitFor();
    await keys(page, "Alt+b");
    await choice(page, "drafts").waitFor();
    await keys(page, "Enter");
    await isGone(session(page, "Carl"));
    await keys(page, "g");
    const take = page.getByRole("button", { name: "Take Carl" });
    await take.waitFor();
    await expect.poll(async () => {
      await page.keyboard.press("Tab");
      return page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
    }, patience).toBe("Take Carl");
    await keys(page, "Enter");
    await session(page, "Carl").waitFor();

    await keys(page, "Alt+s");
    await because(page, "Answered", "1");
    await reads(session(page, "Carl"), /You have ended the session: Answered/);
    await keys(page, "Alt+e");
    await isGone(session(page, "Carl"));

    await keys(page, "?");
    await dialog(page).getByText("Command palette").waitFor();
    await accessible(page, "help");
    await keys(page, "Escape");
    await isGone(dialog(page));
    await keys(page, "Control+k");
    await dialog(page).getByRole("combobox").waitFor();
    await accessible(page, "palette");
    await page.keyboard.type("log out");
    await keys(page, "Enter");
    await because(page, "End of the day", "1");
    await page.getByLabel("Agent id").waitFor();
  });
});

describe("what is there", () => {
  test("is there again after a reload", async () => {
    const { page } = await desk("ana");
    const dan = await customer("desk", "Dan", { text: "one" });
    await accept(page, "Dan");
    await say(page, "two");
    await sees(page, ["one", "two"]);
    await customer("desk", "Eve", { text: "a" });
    await accept(page, "Eve");
    await message(page).fill("not sent yet");
    dan.send("three");
    await reads(badge(page, "Dan"), /^1$/);
    await customer("desk", "Fay");
    await offer(page, "Fay").waitFor();
    await page.reload();
    await session(page, "Eve").waitFor();
    await offer(page, "Fay").waitFor();
    await expect.poll(() => message(page).inputValue(), patience).toBe("not sent yet");
    await reads(badge(page, "Dan"), /^1$/);
    await item(page, "Dan").click();
    await sees(page, ["one", "two", "three"]);
    await expect.poll(() => page.title(), patience).toBe("(1) Offer - Usher");
  });

  test("is not lost when it was under way: a line comes back as a draft, a transfer goes on", async () => {
    const { page } = await desk("ana");
    const ben = await colleague("ben");
    await customer("desk", "Kai");
    await accept(page, "Kai");
    await page.getByRole("button", { name: /^Transfer/ }).click();
    await choice(page, "Ben").click();
    const invitation = await until("Ben is asked", () => ben.state.invitations[0]);
    await page.route("**/usher.v1.InteractionManagement/AddLine", (route) => route.abort());
    await say(page, "under way");
    await page.getByText("Sending …").waitFor();
    await page.reload();
    await page.getByText("Offered to Ben").waitFor();
    await expect.poll(() => message(page).inputValue(), patience).toBe("under way");
    await message(page).fill("");
    await tells(page, "Ben has it now.", () => ben.accept(invitation.ticket));
    await isGone(session(page, "Kai"));
  });

  test("stays when a colleague accepts and it was not sent: a draft, and a line that comes too late", async () => {
    const { page } = await desk("ana");
    const ben = await colleague("ben");
    const unsent = page.getByLabel("Not sent, since the session had ended for you");
    for (const [name, text] of [["Lou", "a draft"], ["Max", "a line"]] as const) {
      await customer("desk", name);
      await accept(page, name);
      await page.getByRole("button", { name: /^Transfer/ }).click();
      await choice(page, "Ben").click();
      const invitation = await until("Ben is asked", () => ben.state.invitations[0]);
      await message(page).fill(text);
      let release = () => {};
      const late = new Promise<void>((resolve) => (release = resolve));
      await page.route("**/usher.v1.InteractionManagement/AddLine", (route) => late.then(() => route.continue()));
      if (text === "a line") {
        await message(page).press("Enter");
        await page.getByText("Sending …").waitFor();
      }
      await tells(page, "Ben has it now.", () => ben.accept(invitation.ticket));
      await reads(session(page, name), /You no longer have this session\./);
      release();
      await expect.poll(() => unsent.inputValue(), patience).toBe(text);
      await page.unroute("**/usher.v1.InteractionManagement/AddLine");
    }
    await accessible(page, "unsent");
    await page.reload();
    await expect.poll(() => unsent.inputValue(), patience).toBe("a line");
    await item(page, "Lou").click();
    await expect.poll(() => unsent.inputValue(), patience).toBe("a draft");
    await session(page, "Lou").getByRole("button", { name: "Close" }).click();
    await isGone(item(page, "Lou"));
  });

  test("is not left because a colleague takes another session over", async () => {
    const { page } = await desk("ana");
    const ben = await colleague("ben");
    for (const name of ["Pim", "Quinn", "Ruth"]) {
      await customer("desk", name);
      await accept(page, name);
    }
    await page.getByRole("button", { name: /^Transfer/ }).click();
    await choice(page, "Ben").click();
    const invitation = await until("Ben is asked", () => ben.state.invitations[0]);
    await item(page, "Quinn").click();
    await session(page, "Quinn").waitFor();
    await message(page).pressSequentially("One mo");
    await tells(page, "Ben has it now.", () => ben.accept(invitation.ticket));
    await isGone(item(page, "Ruth"));
    await page.keyboard.type("ment");
    expect(await session(page, "Quinn").getByRole("textbox").inputValue()).toBe("One moment");
  });

  test("survives that the server is killed, during an offer and during a chat", async () => {
    const { page } = await desk("max");
    const gus = await customer("reboot", "Gus", { text: "line 1" });
    await accept(page, "Gus");
    await say(page, "line 2");
    await until("Gus has it", () => seenBy(gus).includes("line 2"));
    await customer("reboot", "Hal");
    await offer(page, "Hal").waitFor();
    await message(page).fill("not sent yet");
    await usher.kill();
    await page.getByText(/Connection lost \d+ s ago/).waitFor();
    await accessible(page, "connection-lost");
    gus.send("line 3");
    await message(page).fill("line 4");
    await message(page).press("Enter");
    await page.getByText("Sending …").waitFor();
    await message(page).fill("not sent yet");
    await usher.run();
    await isGone(page.locator(".banner"));
    await isGone(page.locator(".line-pending"));
    await until("Gus has all", () => gus.state.lines.length === 4 && gus.state.pending.length === 0);
    await expect.poll(async () => (await lines(page)).toSorted(), patience).toEqual(["line 1", "line 2", "line 3", "line 4"]);
    expect(await lines(page)).toEqual(seenBy(gus));
    expect(await message(page).inputValue()).toBe("not sent yet");
    await accept(page, "Hal");
    await item(page, "Gus").click();
    gus.send("line 5");
    await expect.poll(async () => (await lines(page)).length, patience).toBe(5);
    expect(await message(page).inputValue()).toBe("not sent yet");
  });

  test("is given back, and said to be, when the connection was lost for too long", async () => {
    const { page, context } = await desk("max");
    await customer("reboot", "Ida");
    await accept(page, "Ida");
    const grace = (time: string) => usher.applyText(`options: {agent_connection_grace: ${time}}`);
    await grace("1s");
    try {
      await context.setOffline(true);
      await usher.kill();
      await usher.run();
      const cleo = await colleague("cleo");
      const max = async () => (await cleo.directory()).agents.find((a) => a.agentId === "max");
      await until("Max is logged out", async () => (await max())?.state === AgentRowState.LOGGED_OUT);
    } finally {
      await grace("60s"); // nobody else is to be logged out because his page is slow to load anew
    }
    await context.setOffline(false);
    await page.getByText(/The connection was lost for too long/).waitFor();
    await accessible(page, "logged-out");
    await page.getByRole("button", { name: "Start work" }).click();
    await reads(session(page, "Ida"), /the session went back to where it came from/);
    await accessible(page, "given-back");
  });
});

describe("a note for agents", () => {
  test("stays one over another session and a reload, also if it was under way", async () => {
    const { page } = await desk("ana");
    const lea = await customer("desk", "Lea");
    await accept(page, "Lea");
    await customer("desk", "Mio");
    await accept(page, "Mio");
    await item(page, "Lea").click();
    const tick = page.getByRole("checkbox", { name: "Agents only" });
    await tick.check();
    await message(page).fill("a secret");
    await item(page, "Mio").click();
    await session(page, "Mio").waitFor();
    expect(await tick.isChecked()).toBe(false);
    await item(page, "Lea").click();
    await session(page, "Lea").waitFor();
    expect(await tick.isChecked()).toBe(true);
    await page.reload();
    await expect.poll(() => message(page).inputValue(), patience).toBe("a secret");
    expect(await tick.isChecked()).toBe(true);

    await page.route("**/usher.v1.InteractionManagement/AddLine", (route) => route.abort());
    await message(page).press("Enter");
    await page.getByText("Sending …").waitFor();
    await tick.uncheck();
    await page.reload();
    await expect.poll(() => message(page).inputValue(), patience).toBe("a secret");
    expect(await tick.isChecked()).toBe(true);
    // Not before: the page tries again and again until it is loaded anew.
    await page.unroute("**/usher.v1.InteractionManagement/AddLine");
    await message(page).press("Enter");
    await sees(page, ["Hello?", "a secret"]);
    await tick.uncheck();
    await say(page, "for all");
    await until("Lea hears Ana", () => seenBy(lea).includes("for all"));
    expect(seenBy(lea)).toEqual(["Hello?", "for all"]);
  });
});

describe("what is kept and told", () => {
  test("closed offers stand below the open ones, over a reload, and go at once", async () => {
    const { page } = await desk("ana");
    const cards = page.locator(".offer h2");
    const [una, vic] = [await customer("desk", "Una"), await customer("desk", "Vic")];
    await offer(page, "Vic").waitFor();
    await offer(page, "Una").waitFor();
    await una.drop();
    await reads(offer(page, "Una"), /The customer left\./);
    await expect.poll(() => cards.allInnerTexts(), patience).toEqual(["Vic", "Una"]);
    await reads(page.locator(".idle"), /Offer closed: Una/);
    const progress = await page.locator(".progress").innerText();
    await page.reload();
    await reads(offer(page, "Una"), /The customer left\./);
    await expect.poll(() => cards.allInnerTexts(), patience).toEqual(["Vic", "Una"]);
    expect(await page.locator(".progress").innerText()).toBe(progress);
    await vic.drop();
    await reads(offer(page, "Vic"), /The customer left\./);
    await accessible(page, "closed-offers");
    await page.getByRole("button", { name: "Close all" }).click();
    await isGone(cards);
  });

  test("a reload beside an ended card leaves what was read, and the order", async () => {
    const { page } = await desk("ana");
    for (const name of ["Wim", "Xia", "Yul"]) {
      const one = await customer("desk", name);
      await accept(page, name);
      await sees(page, ["Hello?"]);
      if (name === "Xia") {
        await one.drop();
        await reads(session(page, "Xia"), /The customer has ended the session/);
      }
    }
    const order = () => page.locator(".session-list strong").allInnerTexts();
    expect(await order()).toEqual(["Wim", "Xia", "Yul"]);
    let read = 0;
    page.on("requestfinished", (request) => void (read += Number(request.url().endsWith("/GetTranscript"))));
    await page.reload();
    await until("every conversation is read", () => read >= 3);
    await sees(page, ["Hello?"]);
    await frames(page);
    await expect.poll(order, patience).toEqual(["Wim", "Xia", "Yul"]);
    await expect.poll(() => page.title(), patience).toBe("Agent Control Window - Usher");
    expect(await page.locator(".badge").count()).toBe(0);
  });

  test("a notification names whose line is new, and leads there", async () => {
    const { page } = await desk("ana");
    await page.addInitScript(() => {
      const shown: unknown[] = [];
      class Shown {
        static permission = "granted";
        onclick?: () => void;
        constructor(readonly title: string, readonly options: { body: string }) {
          shown.push(this);
        }
        close() {}
      }
      Object.assign(window, { Notification: Shown, shown });
      document.hasFocus = () => false;
    });
    await page.reload();
    await customer("desk", "Dora");
    await accept(page, "Dora");
    const emil = await customer("desk", "Emil");
    await accept(page, "Emil");
    await sees(page, ["Hello?"]); // or that would be new, too
    await item(page, "Dora").click();
    await session(page, "Dora").waitFor();
    await sees(page, ["Hello?"]);
    type Told = { title: string; options: { body: string }; onclick: () => void };
    const told = () => page.evaluate(() => (window as unknown as { shown: Told[] }).shown.map((n) => `${n.title} / ${n.options.body}`));
    emil.send("Are you there?");
    await expect.poll(async () => (await told()).at(-1), patience).toBe("1 new line / Emil");
    await page.evaluate(() => (window as unknown as { shown: Told[] }).shown.at(-1)?.onclick());
    await session(page, "Emil").waitFor();
  });

  test("a medium that RONA took away is given back by one key, while another is ready", async () => {
    const { page } = await desk("ana");
    const zoe = await customer("desk-short", "Zoe");
    await reads(page.locator(".status"), /short: not ready[^]*task: ready/);
    await reads(page.locator(".status"), /Become available[^]*Take a break/);
    await zoe.drop(); // or she is offered again, and the medium is soon taken away again
    await keys(page, "y");
    await reads(page.locator(".status"), /short: ready/);
    await isGone(page.locator(".status").getByRole("button", { name: /Become available/ }));
  });

  test("a break is one for every medium, also for one that was not ready before", async () => {
    const { page } = await desk("ana");
    await page.getByRole("button", { name: "task: ready" }).click();
    await because(page, "Short pause", "1");
    await page.getByRole("button", { name: "task: not ready, Short pause" }).waitFor();
    await keys(page, "n");
    await dialog(page).getByLabel("Another reason").fill("Lunch");
    await keys(page, "Enter");
    await reads(page.locator(".status"), /chat: not ready, Lunch[^]*task: not ready, Lunch/);
  });
});

describe("keys that can't be undone", () => {
  test("need Alt, are asked about, and are no letters of a message", async () => {
    const { page } = await desk("ana");
    const nils = await customer("desk", "Nils");
    await accept(page, "Nils");
    await customer("desk", "Olga");
    await accept(page, "Olga");
    await item(page, "Nils").click();
    await expect.poll(() => page.evaluate(() => document.activeElement?.id), patience).toBe("compose");
    await page.keyboard.type("all, led");
    expect(await message(page).inputValue()).toBe("all, led");
    await keys(page, "Enter");
    await until("Nils has it", () => seenBy(nils).includes("all, led"));
    for (const [key, name] of [["Alt+2", "Olga"], ["Alt+1", "Nils"], ["Alt+j", "Olga"], ["Alt+k", "Nils"]] as const) {
      await keys(page, key);
      await session(page, name).waitFor();
      await expect.poll(() => page.evaluate(() => document.activeElement?.id), patience).toBe("compose");
    }

    await page.locator(".transcript").focus();
    await keys(page, "l", "s", "x");
    await frames(page);
    expect(await dialog(page).count()).toBe(0);
    await keys(page, "Alt+l");
    await reads(dialog(page), /Leave Nils\?[^]*Nobody else serves the customer[^]*offered to you again/);
    await accessible(page, "leave");
    await keys(page, "Enter");
    await isGone(dialog(page));
    await session(page, "Nils").waitFor();
    await keys(page, "Alt+l");
    await tells(page, "You have left the session.", () => dialog(page).getByRole("button", { name: "Leave" }).click());
    await offer(page, "Nils").waitFor();
  });
});

describe("signs that Option or AltGr writes", () => {
  const down = (page: Page, init: Record<string, string | boolean>) =>
    message(page).evaluate((box, init) => box.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init })), init);

  test("are no keys of the window; on a Mac those are with Ctrl and Option", async () => {
    const { page, context } = await desk("ana");
    await customer("desk", "Rolf");
    await accept(page, "Rolf");
    const at = { key: "@", code: "KeyL", altKey: true };
    expect(await down(page, at)).toBe(true);
    expect(await down(page, { key: "l", code: "KeyL", altKey: true, modifierAltGraph: true })).toBe(true);
    await frames(page);
    expect(await dialog(page).count()).toBe(0);
    expect(await down(page, { key: "l", code: "KeyL", altKey: true })).toBe(false);
    await dialog(page).waitFor();

    await context.addInitScript(() => Object.defineProperty(navigator, "platform", { get: () => "MacIntel" }));
    await page.reload();
    await message(page).waitFor();
    expect(await down(page, at)).toBe(true);
    expect(await down(page, { key: "l", code: "KeyL", altKey: true })).toBe(true);
    await frames(page);
    expect(await dialog(page).count()).toBe(0);
    expect(await page.getByRole("button", { name: /^Leave/ }).getAttribute("aria-keyshortcuts")).toBe("Control+Alt+L");
    expect(await down(page, { ...at, ctrlKey: true })).toBe(false);
    await dialog(page).waitFor();
  });
});

describe("what is said", () => {
  test("stands on the offer, once, and its addresses are links", async () => {
    const { page } = await desk("ana");
    const uwe = await customer("desk", "Uwe", { text: "See https://shop.example.com/17." });
    const card = offer(page, "Uwe");
    await reads(card.getByRole("list", { name: "Said before" }), /See https:\/\/shop\.example\.com\/17\./);
    await reads(card, /desk\s+chat\s+Waiting for/);
    uwe.send("It is urgent.");
    await reads(card.getByRole("list", { name: "Said before" }), /It is urgent\./);
    await accept(page, "Uwe");
    await sees(page, ["See https://shop.example.com/17.", "It is urgent."]);
    const link = page.locator(".line-text a");
    expect(await link.getAttribute("href")).toBe("https://shop.example.com/17");
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer");
    await accessible(page, "link");
  });
});

describe("a coach", () => {
  test("whose colleague leaves is told so", async () => {
    const [ana, ben] = [await desk("ana"), await desk("ben")];
    await customer("desk", "Suse");
    await accept(ana.page, "Suse");
    await ana.page.getByRole("button", { name: /^Consult/ }).click();
    await choice(ana.page, "Ben").click();
    await accept(ben.page, "Suse");
    await keys(ben.page, "Alt+x");
    await reads(dialog(ben.page), /You leave a session, in which others serve the customer\./);
    await dialog(ben.page).getByRole("button", { name: "Cancel" }).click();
    await keys(ana.page, "Alt+x");
    await reads(dialog(ana.page), /A session has nobody but you\. It goes back/);
    await dialog(ana.page).getByRole("button", { name: "Cancel" }).click();
    await ana.page.getByRole("button", { name: /^Leave/ }).click();
    await reads(dialog(ana.page), /Nobody else serves the customer in this session\./);
    await dialog(ana.page).getByRole("button", { name: "Leave" }).click();
    await reads(session(ben.page, "Suse"), /Ana has left, so your coaching has ended\./);
  });
});

describe("the status lines", () => {
  test("are one row after a reload, in English and in German", async () => {
    const { page } = await desk("skye");
    const tops = () => page.locator(".status > *").evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).map((box) => box.top + box.height / 2));
    for (const language of ["en", "de"]) {
      await page.goto(`${usher.url}/agent?lang=${language}`);
      await reads(page.locator(".status"), language === "en" ? /sound after your first click/ : /Ton nach dem ersten Klick/);
      await picture(page, `agent-status-${language}`);
      const middles = await tops();
      expect(Math.max(...middles) - Math.min(...middles), language).toBeLessThan(4);
    }
  });
});

describe("a colleague who is asked", () => {
  test("stands there with the server's deadline, also in a browser that knows nothing of it", async () => {
    const [{ page }, ben, cleo] = [await desk("ana"), await colleague("ben"), await colleague("cleo")];
    await customer("desk", "Pia");
    await accept(page, "Pia");
    for (const [how, name] of [["Transfer", "Ben"], ["Consult", "Cleo"]]) {
      await page.getByRole("button", { name: new RegExp(`^${how}`) }).click();
      await choice(page, name!).click();
    }
    const toBen = await until("Ben is asked", () => ben.state.invitations[0]);
    const toCleo = await until("Cleo is asked", () => cleo.state.invitations[0]);
    const counts = async (one: Page) => {
      await countsTo(one, "Offered to Ben", toBen.deadlineMs);
      await countsTo(one, "Cleo is asked for advice", toCleo.deadlineMs);
    };
    await counts(page);
    await accessible(page, "colleagues-asked");
    await page.reload();
    await counts(page);

    const elsewhere = (await desk("ana", false)).page;
    await item(elsewhere, "Pia").click();
    await counts(elsewhere);
    await asks(elsewhere, "Cleo is asked").getByRole("button", { name: "Take back" }).click();
    await until("Cleo is not asked", () => cleo.state.invitations.length === 0);
    await isGone(asks(elsewhere, "Cleo is asked"));
    await ben.reject(toBen.ticket);
    await isGone(asks(elsewhere, "Offered to Ben"));
  });
});

const asks = (page: Page, words: string): Locator => page.locator(".notice", { hasText: words });

/** Waits until a colleague who is asked stands there with the seconds that are left to a deadline, as far as both clocks tick at the same time. */
async function countsTo(page: Page, words: string, deadlineMs: number): Promise<void> {
  const left = () => Math.ceil((deadlineMs - Date.now()) / 1000);
  const agrees = async () => {
    const earliest = left();
    const shown = parseInt(await asks(page, words).getByRole("img").getAttribute("aria-label") ?? "");
    return shown <= earliest + 1 && shown >= left() - 1;
  };
  await expect.poll(agrees, patience).toBe(true);
}
