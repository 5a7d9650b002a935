// The customer's chat in a real browser against the real server: on its plain
// page, and on somebody else's page with a strict policy.
import { readFileSync } from "node:fs";
import { type AgentSession } from "@usher-cc/client";
import { Administration } from "@usher-cc/client/gen/administration";
import { OwnerKind, Role } from "@usher-cc/client/gen/common";
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { axeViolations, launch, picture } from "./browser.js";
import { backend, host, type Host } from "./fixtures/host.js";
import { until, Usher } from "./server.js";

/** How long a condition may take on a slow machine. */
const patience = { timeout: 30_000, interval: 50 };

let usher: Usher;
let chromium: Browser;
let shop: Host;
let alice: AgentSession;
let contexts: BrowserContext[] = [];
const closing: (() => void)[] = [];

const configuration = (origin: string) => `
sites:
  - {name: shop, title: Example Shop, greeting: "Hello!", origins: ["${origin}"], request_types: [billing, callback], anonymous: true, anonymous_sessions_per_minute: 1000}
  - {name: members, title: Members, origins: ["${origin}"], request_types: [billing]}
  - {name: other, title: A title that is nobody else's business, origins: ["https://other.example.com"], request_types: [billing], anonymous: true}
  - {name: markup, title: "<b>Shop</b>", greeting: "<img src=x onerror=alert(1)>", origins: ["${origin}"], request_types: [billing], anonymous: true}
`;

beforeAll(async () => {
  [usher, chromium, shop] = await Promise.all([Usher.start(), launch(), host()]);
  shop.server = usher.url;
  await usher.applyText(configuration(shop.origin));
  alice = await usher.agent("alice");
});

afterAll(async () => {
  alice?.close();
  closing.forEach((close) => close());
  shop?.close();
  await chromium?.close();
  await usher?.stop();
});

afterEach(async () => {
  await Promise.all(contexts.map((context) => context.close()));
  contexts = [];
  for (const { interactionId } of alice.state.interactions) {
    await alice.stop(interactionId).catch(() => undefined); // the customer may have ended it
  }
  await alice.ready("chat"); // an offer that a failed test has left unanswered makes her not ready
  await until("alice has nothing to do", () => alice.state.interactions.length + alice.state.invitations.length === 0);
  expect(faults.splice(0)).toEqual([]);
});

async function browser(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await chromium.newContext({ locale: "en-GB", ...options });
  contexts.push(context);
  return context;
}

/** Waits for the next offer to alice. */
const offer = () => until("an offer", () => alice.state.invitations[0]);

/** Has alice accept the next offer; gives the interaction. */
async function answer(): Promise<string> {
  const { ticket, interactionId } = await offer();
  await alice.accept(ticket);
  await until("alice has it", () => alice.state.interactions.some((i) => i.interactionId === interactionId));
  return interactionId;
}

/** The lines of a conversation, as alice has them. */
function texts(id: string): string[] {
  const lines = alice.state.conversations.get(id)?.lines ?? [];
  return lines.map(({ added }) => added?.line?.text || added?.line?.attachment?.name || "");
}

/** What went wrong in the pages: scripts that fail, dialogs, breaches of a policy. */
const faults: string[] = [];

/** Opens a page, on which nothing may go wrong. */
async function open(url: string, context?: BrowserContext): Promise<Page> {
  const page = await (context ?? (await browser())).newPage();
  page.on("pageerror", (error) => faults.push(`${url}: ${error}`));
  page.on("dialog", (dialog) => faults.push(`${url}: a dialog: ${dialog.message()}`));
  page.on("console", (message) => /content security policy/i.test(message.text()) && faults.push(`${url}: ${message.text()}`));
  await page.goto(url);
  return page;
}

const plain = (site = "shop", more = "") => `${usher.url}/chat?site=${site}${more}`;

/** Opens the widget on the page of the host. */
async function widget(context?: BrowserContext, path = "/index.html"): Promise<Page> {
  const page = await open(shop.origin + path, context);
  await page.locator(".chat-launcher").click();
  return page;
}

/** Fills the form in and asks for a chat. */
async function ask(page: Page, text = "My bill is wrong.", name = "Ann"): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("How can we help you?").fill(text);
  await page.getByRole("button", { name: "Start chat" }).click();
  await page.getByLabel("Your message").waitFor();
}

const message = (page: Page): Locator => page.getByLabel("Your message");
const status = (page: Page): Locator => page.locator(".chat-status");

async function say(page: Page, text: string): Promise<void> {
  await message(page).fill(text);
  await message(page).press("Enter");
}

/** The lines that the customer sees as said: what is pending is not among them. */
function lines(page: Page): Promise<string[]> {
  return page.locator(".chat-line:not(.chat-pending) .chat-bubble").allInnerTexts();
}

const sees = (page: Page, expected: string[]) => expect.poll(() => lines(page), patience).toEqual(expected);
const hears = (id: string, expected: string[]) => expect.poll(() => texts(id), patience).toEqual(expected);
const reads = (locator: Locator, words: string | RegExp) => expect.poll(() => locator.innerText(), patience).toMatch(words);

/** Asks for a chat, and has alice answer it. */
async function connected(page: Page, text = "My bill is wrong."): Promise<string> {
  await ask(page, text);
  const id = await answer();
  await reads(status(page), "You are talking to Alice.");
  return id;
}

/** Waits until the customer would write if he typed. */
const writes = (page: Page) =>
  expect.poll(() => message(page).evaluate((field) => (field.getRootNode() as Document | ShadowRoot).activeElement === field), patience).toBe(true);

/** Kills the server, and starts it again when something was done meanwhile. */
async function withoutServer(meanwhile: () => Promise<void>): Promise<void> {
  await usher.kill();
  try {
    await meanwhile();
  } finally {
    await usher.run();
  }
}

/** Holds that the page has no fault that axe finds, light and dark. */
async function accessible(page: Page, state: string): Promise<void> {
  expect(await axeViolations(page), state).toEqual([]);
  await picture(page, `chat-${state}`);
}

describe("a chat", () => {
  test("both ways, with typing, ended by the agent, and kept as a file", async () => {
    await alice.notReady("chat");
    const page = await open(plain());
    await ask(page);
    await reads(status(page), "Somebody will be with you");
    await say(page, "It is number 17.");
    await sees(page, ["My bill is wrong.", "It is number 17."]);
    await alice.ready("chat");
    const id = await answer();
    await hears(id, ["My bill is wrong.", "It is number 17."]);
    await reads(status(page), "You are talking to Alice.");

    alice.typing(id);
    await page.getByText("Alice is writing").waitFor();
    await alice.addLine(id, "Hello Ann,\nI am looking at it: https://shop.example.com/bill?n=17.");
    await sees(page, ["My bill is wrong.", "It is number 17.", "Hello Ann,\nI am looking at it: https://shop.example.com/bill?n=17."]);
    await expect.poll(() => page.getByText("Alice is writing").count(), patience).toBe(0);
    const link = page.getByRole("link", { name: "https://shop.example.com/bill?n=17" });
    expect(await link.getAttribute("href")).toBe("https://shop.example.com/bill?n=17");
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer");

    await message(page).pressSequentially("Tha");
    await until("alice sees that the customer is writing", () => alice.state.conversations.get(id)?.typing.size === 1);
    await message(page).pressSequentially("nks");
    await message(page).press("Enter");
    await hears(id, ["My bill is wrong.", "It is number 17.", "Hello Ann,\nI am looking at it: https://shop.example.com/bill?n=17.", "Thanks"]);

    await alice.stop(id, "answered");
    await reads(status(page), "The chat was ended by our side.");
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save transcript" }).click();
    const saved = readFileSync(await (await download).path(), "utf8");
    expect(saved).toMatch(/^Example Shop\n/);
    expect(saved).toMatch(/\] Alice: Hello Ann,\n {4}I am looking/);
    expect(saved).toMatch(/\] Ann: Thanks\n$/);
    await page.getByRole("button", { name: "Start again" }).click();
    await page.getByRole("button", { name: "Start chat" }).waitFor();
  });

  test("is told that it is held, and that it waits again", async () => {
    const page = await open(plain());
    const id = await connected(page);
    await alice.hold(id);
    await reads(status(page), "put you on hold");
    await alice.resume(id);
    await reads(status(page), "You are talking to Alice.");
    // A workbin is no queue, and nothing tells the chat which of them it is.
    const drafts = { name: "drafts", owner: "alice", ownerKind: OwnerKind.AGENT };
    await alice.placeInWorkbin(id, drafts);
    await reads(status(page), "You are waiting again.");
    expect(await status(page).innerText()).not.toContain("queue");
    await alice.pull({ case: "workbin", value: drafts }, { interactionId: id });
    await reads(status(page), "You are talking to Alice.");
    await alice.notReady("chat");
    await alice.placeInQueue(id, "billing");
    await reads(status(page), "You are waiting again.");
    await alice.ready("chat");
    await offer();
    await reads(status(page), "Somebody is being asked for you.");
    await answer();
    await reads(status(page), "You are talking to Alice.");
  });

  test("is dropped by the customer, twice", async () => {
    const context = await browser();
    const pages = [await widget(context), await open(`${shop.origin}/index.html`, context)];
    const id = await connected(pages[0]!);
    await pages[1]!.locator(".chat-launcher").click();
    await reads(status(pages[1]!), "You are talking to Alice.");
    for (const page of pages) {
      await page.getByRole("button", { name: "End chat" }).click();
    }
    // The second may find that the first was faster.
    const ended = (page: Page) => reads(status(page), "The chat has ended");
    await Promise.all(pages.map((page) => Promise.race([page.getByRole("button", { name: "Yes, end" }).click(), ended(page)])));
    await Promise.all(pages.map(ended));
    await expect.poll(() => alice.state.interactions.length, patience).toBe(0);
    expect(await lines(pages[0]!)).toEqual(["My bill is wrong."]);
    const token = await pages[0]!.evaluate(() => {
      const key = Object.keys(localStorage).find((name) => name.endsWith(" session"))!;
      return (JSON.parse(localStorage.getItem(key)!) as { token: string }).token;
    });
    const again = await call("DropSession", { referenceId: "once-more" }, token);
    expect(again.status).toBe(200);
    expect(id).toMatch(/^s-/);
  });

  test("becomes a callback, with a promise and nothing to wait for", async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const page = await open(plain());
    await page.getByText("Please call me").click();
    await page.getByRole("button", { name: "Ask for a call" }).click();
    expect(await page.getByLabel("Phone number").evaluate((input) => (input as HTMLInputElement).validity.valueMissing)).toBe(true);
    await page.getByLabel("Phone number").fill("+49 30 1234");
    await page.getByLabel("When shall we call?").fill(`${tomorrow}T10:30`);
    await page.getByRole("button", { name: "Ask for a call" }).click();
    await page.getByText("We will call you.").waitFor();
    expect(await page.locator(".chat-body").innerText()).toContain(`+49 30 1234 on ${new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" }).format(new Date(tomorrow))}`);
    await page.reload();
    await page.getByText("We will call you.").waitFor();
  });
});

/** Calls a method as a browser of this page would, or as somebody else. */
function call(method: string, message: object, token = "", origin = ""): Promise<Response> {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }), ...(origin && { Origin: origin }) };
  return fetch(`${usher.url}/usher.v1.InternetCallManager/${method}`, { method: "POST", headers, body: JSON.stringify(message) });
}

describe("the widget", () => {
  test("on another origin, with a strict policy: button, panel, badge and title", async () => {
    const page = await widget();
    await expect.poll(() => page.evaluate(() => document.activeElement!.shadowRoot!.activeElement!.tagName), patience).toBe("INPUT");
    const id = await connected(page);
    await writes(page);
    await page.keyboard.press("Escape");
    await expect.poll(() => page.locator(".chat-panel").isVisible(), patience).toBe(false);
    await alice.addLine(id, "One.");
    await alice.addLine(id, "Two.");
    await page.getByRole("button", { name: "Chat with us, 2 new messages" }).click();
    await sees(page, ["My bill is wrong.", "One.", "Two."]);
    await page.getByRole("button", { name: "Close the chat window" }).click();
    await expect.poll(() => page.locator(".chat-launcher").getAttribute("aria-label"), patience).toBe("Chat with us");
    await expect.poll(() => page.evaluate(() => document.activeElement!.shadowRoot!.activeElement!.className), patience).toBe("chat-launcher");
  });

  test("goes on upon another page of the site, and speaks as it is told", async () => {
    const context = await browser();
    const page = await widget(context);
    const id = await connected(page);
    await page.goto(`${shop.origin}/index.html?attributes=${encodeURIComponent('data-locale="de" data-label="Frag uns"')}`);
    await reads(status(page), "Sie sprechen mit Alice.");
    await page.getByLabel("Ihre Nachricht").fill("Guten Tag");
    await page.getByLabel("Ihre Nachricht").press("Enter");
    await hears(id, ["My bill is wrong.", "Guten Tag"]);
    expect(await page.locator(".chat-launcher").getAttribute("aria-label")).toBe("Frag uns");
  });

  test("says that its origin is not on the list, and learns nothing", async () => {
    const unlisted = await host();
    unlisted.server = usher.url;
    closing.push(() => unlisted.close());
    const page = await open(`${unlisted.origin}/index.html`);
    await page.locator(".chat-launcher").click();
    await reads(page.locator(".chat-body"), `may not be used on ${unlisted.origin}`);
    expect(await page.locator(".chat-panel").innerText()).not.toContain("Example Shop");
    // A site that lists another page: the browser may read the answer, which is a refusal.
    const others = await widget(undefined, `/index.html?attributes=${encodeURIComponent('data-label="Other"')}&site=other`);
    await reads(others.locator(".chat-body"), `may not be used on ${shop.origin}`);
    const refused = await call("GetSite", { site: "other" }, "", shop.origin);
    expect(refused.status).toBe(403);
    expect(await refused.text()).not.toContain("nobody else's business");
  });

  test("right to left, on a phone, is all of the screen", async () => {
    const page = await widget(await browser({ viewport: { width: 400, height: 800 } }), "/index.html?dir=rtl");
    await connected(page);
    const box = await page.locator(".chat-panel").boundingBox();
    expect(box).toEqual({ x: 0, y: 0, width: 400, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400);
    await picture(page, "chat-phone-rtl");
  });
});

describe("customers", () => {
  test("without a token are told where one is needed", async () => {
    const page = await open(plain("members"));
    await reads(page.getByRole("alert"), "for customers who are signed in");
    expect(await page.getByRole("button", { name: "Start chat" }).count()).toBe(0);
    const refused = await call("LaunchSession", { site: "members", referenceId: crypto.randomUUID() });
    expect(refused.status).toBe(403);
  });

  test("are vouched for by their site's backend, and not asked for a name", async () => {
    const { key } = await usher.admin().call(Administration.method.createApiKey, { name: "members", role: Role.SITE, site: "members" });
    const minting = await backend(usher.url, key);
    closing.push(minting.close);
    shop.backend = minting.url;
    const page = await widget(undefined, "/members.html");
    await page.getByLabel("How can we help you?").fill("Who am I?");
    expect(await page.getByLabel("Your name").count()).toBe(0);
    await page.getByRole("button", { name: "Start chat" }).click();
    const id = await answer();
    await hears(id, ["Who am I?"]);
    const data = (await alice.properties(id))?.userData;
    expect(data).toMatchObject({ customer_id: "4711", customer_name: "Ann" });
  });

  test("with a token that is none are told so", async () => {
    const page = await open(plain("members", "&token=usc_forged"));
    expect(page.url()).not.toContain("usc_forged");
    await page.getByLabel("How can we help you?").fill("Let me in");
    await page.getByRole("button", { name: "Start chat" }).click();
    await reads(page.getByRole("alert"), "sign-in is no longer valid");
    expect(await page.getByLabel("How can we help you?").inputValue()).toBe("Let me in");
  });

  test("write text, whatever it looks like", async () => {
    const evil = `<img src=x onerror=alert(1)><script>alert(2)</script> javascript:alert(3) data:text/html,x`;
    const page = await open(plain("markup"));
    await reads(page.locator(".chat-greeting"), "<img src=x onerror=alert(1)>");
    await page.getByLabel("Your name").fill(evil.slice(0, 90));
    await page.getByLabel("How can we help you?").fill(evil);
    await page.getByRole("button", { name: "Start chat" }).click();
    const id = await answer();
    await alice.addLine(id, evil);
    await say(page, evil); // all three are the same
    await sees(page, [evil, evil, evil]);
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("<b>Shop</b>");
    expect(await page.locator(".chat :is(img, script, b, a)").count()).toBe(0);
  });
});

describe("nothing is lost or doubled", () => {
  test("by a reload, and the draft is kept", async () => {
    const page = await open(plain());
    const id = await connected(page);
    await say(page, "One");
    await hears(id, ["My bill is wrong.", "One"]);
    await alice.addLine(id, "Two");
    await sees(page, ["My bill is wrong.", "One", "Two"]);
    await message(page).fill("not yet sent");
    await page.reload();
    await sees(page, ["My bill is wrong.", "One", "Two"]);
    expect(await message(page).inputValue()).toBe("not yet sent");
    await message(page).press("Enter");
    await hears(id, ["My bill is wrong.", "One", "Two", "not yet sent"]);
  });

  test("in two tabs, which show the same", async () => {
    const context = await browser();
    const first = await widget(context);
    const id = await connected(first);
    const second = await widget(context);
    await say(first, "from the first");
    await sees(second, ["My bill is wrong.", "from the first"]);
    await say(second, "from the second");
    await hears(id, ["My bill is wrong.", "from the first", "from the second"]);
    await alice.addLine(id, "to both");
    for (const page of [first, second]) {
      await sees(page, ["My bill is wrong.", "from the first", "from the second", "to both"]);
    }
    await hears(id, ["My bill is wrong.", "from the first", "from the second", "to both"]);
    await alice.stop(id);
    await reads(status(second), "ended by our side");
    await second.getByRole("button", { name: "Start again" }).click();
    await first.getByRole("button", { name: "Start chat" }).waitFor();
  });

  test("by an answer that gets lost: the line is sent again", async () => {
    const page = await open(plain());
    const id = await connected(page);
    let lost = 0;
    await page.route("**/SendLine", async (route) => {
      if (lost++ === 0) {
        await route.fetch(); // the server has it, and the customer does not know
        await route.abort();
      } else {
        await route.continue();
      }
    });
    await say(page, "only once");
    await say(page, "and then this");
    await hears(id, ["My bill is wrong.", "only once", "and then this"]);
    await sees(page, ["My bill is wrong.", "only once", "and then this"]);
    expect(await page.locator(".chat-pending").count()).toBe(0);
  });

  test("by haste, or by saying too much at once", async () => {
    const page = await open(plain());
    const id = await connected(page, "0");
    const many = Array.from({ length: 30 }, (_, n) => String(n + 1));
    for (const text of many) {
      await say(page, text);
    }
    await hears(id, ["0", ...many]);
    await sees(page, ["0", ...many]);
    await say(page, "x".repeat(1 << 20));
    await reads(page.getByRole("alert"), "too long for one message");
    expect(await message(page).inputValue()).toHaveLength(1 << 20);
  });

  test("by a server that is killed and comes back", async () => {
    const page = await open(plain());
    const id = await connected(page);
    await alice.addLine(id, "before");
    await sees(page, ["My bill is wrong.", "before"]);
    await withoutServer(async () => {
      await reads(status(page), "Reconnecting");
      await say(page, "one, meanwhile");
      await say(page, "two, meanwhile");
      await message(page).fill("a draft");
      expect(await page.locator(".chat-pending").count()).toBe(2);
      await page.goto(page.url()).catch(() => undefined); // there is nothing to load: the browser shows an error
    });
    await page.goto(plain());
    await sees(page, ["My bill is wrong.", "before", "one, meanwhile", "two, meanwhile"]);
    expect(await message(page).inputValue()).toBe("a draft");
    await hears(id, ["My bill is wrong.", "before", "one, meanwhile", "two, meanwhile"]);
    await alice.addLine(id, "after");
    await sees(page, ["My bill is wrong.", "before", "one, meanwhile", "two, meanwhile", "after"]);
    await withoutServer(() => reads(status(page), "Reconnecting"));
    await reads(status(page), /^You are talking to Alice\.$/);
    await message(page).press("Enter");
    await hears(id, ["My bill is wrong.", "before", "one, meanwhile", "two, meanwhile", "after", "a draft"]);
  });
});

// The smallest PNG there is: one pixel.
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

describe("files", () => {
  test("go both ways, pictures are shown, and others are refused", async () => {
    const page = await widget();
    const id = await connected(page);
    const attach = async (name: string, mimeType: string, buffer: Buffer) => {
      await page.locator("input[type=file]").setInputFiles({ name, mimeType, buffer });
    };
    await attach("receipt.png", "image/png", png);
    await hears(id, ["My bill is wrong.", "receipt.png"]);
    const picture = page.getByRole("img", { name: "receipt.png" });
    await picture.waitFor();
    await expect.poll(() => picture.evaluate((img) => (img as HTMLImageElement).naturalWidth), patience).toBe(1);
    expect(await picture.getAttribute("src")).toMatch(/^blob:/);

    await attach("note.txt", "text/plain", Buffer.from("Grüße"));
    await hears(id, ["My bill is wrong.", "receipt.png", "note.txt"]);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download note.txt" }).click();
    expect(readFileSync(await (await download).path(), "utf8")).toBe("Grüße");

    await attach("page.html", "text/html", Buffer.from("<h1>x</h1>"));
    await reads(page.getByRole("alert"), /page\.html can't be sent\. You can send PNG, JPEG/);
    await attach("large.png", "image/png", Buffer.concat([png, Buffer.alloc(5 << 20)]));
    await reads(page.getByRole("alert"), /large\.png is too large: at most 5.MB/);
    await attach("innocent.png", "image/png", Buffer.from("<html><script>alert(1)</script></html>"));
    await reads(page.locator(".chat-pending"), "its content is of a kind that we do not take");
    await page.getByRole("button", { name: "Discard" }).click();
    await expect.poll(() => page.locator(".chat-pending").count(), patience).toBe(0);
    expect(texts(id)).toEqual(["My bill is wrong.", "receipt.png", "note.txt"]);
  });

  test("that are refused are told of until the customer writes on", async () => {
    const page = await widget();
    await connected(page);
    await page.locator("input[type=file]").setInputFiles({ name: "page.html", mimeType: "text/html", buffer: Buffer.from("<h1>x</h1>") });
    await page.getByRole("alert").getByText("page.html can't be sent.").waitFor();
    await message(page).fill("Never mind");
    await page.getByRole("alert").waitFor({ state: "detached" });
  });
});

describe("everybody can use it", () => {
  test("by keyboard alone", async () => {
    const page = await open(`${shop.origin}/index.html`);
    const press = async (...keys: string[]) => {
      for (const key of keys) {
        await page.keyboard.press(key);
      }
    };
    await page.locator(".chat-launcher").waitFor();
    await press("Tab", "Enter");
    await page.getByRole("button", { name: "Start chat" }).waitFor();
    await expect.poll(() => page.evaluate(() => (document.activeElement?.shadowRoot?.activeElement as HTMLInputElement | null)?.type), patience).toBe("radio");
    await press("Tab");
    await page.keyboard.type("Ann");
    await press("Tab");
    await page.keyboard.type("Only keys");
    await press("Tab", "Enter");
    const id = await answer();
    await reads(status(page), "You are talking to Alice.");
    await writes(page);
    await page.keyboard.type("two");
    await press("Shift+Enter");
    await page.keyboard.type("lines");
    await press("Enter");
    await hears(id, ["Only keys", "two\nlines"]);
    await press("Escape", "Enter");
    await writes(page);
    // Backwards: the conversation, closing, ending.
    await press("Shift+Tab", "Shift+Tab", "Shift+Tab", "Enter");
    await page.getByText("End this chat?").waitFor();
    await press("Escape"); // which is no, and leads back
    await expect.poll(() => page.getByText("End this chat?").count(), patience).toBe(0);
    await press("Enter");
    await page.getByText("End this chat?").waitFor();
    await press("Shift+Tab", "Enter");
    await reads(status(page), "The chat has ended");
  });

  test("with a screen reader, which speaks what the other side says", async () => {
    const page = await open(plain());
    const id = await connected(page);
    await say(page, "mine");
    await hears(id, ["My bill is wrong.", "mine"]);
    await alice.addLine(id, "hers");
    await expect.poll(() => page.locator("[aria-live=polite]").innerText(), patience).toBe("Alice: hers");
    expect(await page.getByRole("log", { name: "Conversation" }).getAttribute("aria-live")).toBe("off");
    await page.reload();
    await sees(page, ["My bill is wrong.", "mine", "hers"]);
    expect(await page.locator("[aria-live=polite]").innerText()).toBe("");
  });

  test("in every state, light and dark", async () => {
    const page = await widget();
    await page.getByRole("button", { name: "Start chat" }).waitFor();
    await accessible(page, "form");
    await page.getByText("Please call me").click();
    await accessible(page, "callback");
    await page.getByText("A question about an invoice").click();
    await alice.notReady("chat");
    await ask(page);
    await accessible(page, "waiting");
    await alice.ready("chat");
    const id = await answer();
    await alice.addLine(id, "See https://shop.example.com/.");
    await page.locator("input[type=file]").setInputFiles({ name: "receipt.png", mimeType: "image/png", buffer: png });
    await page.getByRole("img", { name: "receipt.png" }).waitFor();
    await page.locator("input[type=file]").setInputFiles({ name: "innocent.png", mimeType: "image/png", buffer: Buffer.from("<html>") });
    await page.getByRole("button", { name: "Discard" }).waitFor();
    await accessible(page, "connected");
    await page.getByRole("button", { name: "End chat" }).click();
    await accessible(page, "ending");
    await page.getByRole("button", { name: "Yes, end" }).click();
    await reads(status(page), "The chat has ended");
    await accessible(page, "ended");
    await page.keyboard.press("Escape");
    await accessible(page, "closed");
    const members = await open(plain("members"));
    await reads(members.getByRole("alert"), "signed in");
    await accessible(members, "refused");
  });
});
