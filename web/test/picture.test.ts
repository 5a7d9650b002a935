// The picture with which README opens: a customer's page, the agent's window and
// the supervisor's wall, in the middle of a chat. It is kept among the artefacts
// of the run; docs/images/windows.jpg is one of them.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, logIn, open } from "./browser.js";
import { Usher } from "./server.js";

let usher: Usher;
let chromium: Browser;

beforeAll(async () => {
  [usher, chromium] = await Promise.all([Usher.start(), launch()]);
});

afterAll(async () => {
  await chromium?.close();
  await usher?.stop();
});

/** A page as an image for another. */
const shown = async (page: Page) => `data:image/png;base64,${(await page.screenshot()).toString("base64")}`;

/** Waits for a text on a page, and says what the page shows if it does not come. */
const reads = (page: Page, text: string) => page.getByText(text).first().waitFor();

test("the windows in the middle of a chat", async () => {
  const agent = await open(chromium, usher, "/agent", {
    viewport: { width: 1000, height: 640 },
    before: (context) => logIn(context, usher, { window: "agent", agentId: "alice" }),
  });
  await agent.page.getByRole("button", { name: "Start work" }).click();
  await agent.page.getByRole("button", { name: /^Become available/ }).first().click();

  const customer = await open(chromium, usher, "/chat?site=demo", { viewport: { width: 380, height: 640 } });
  await customer.page.getByLabel("Your name").fill("Mia");
  await customer.page.getByLabel("How can we help you?").fill("Hello, my last invoice is higher than the one before. Can you tell me why?");
  await customer.page.getByRole("button", { name: "Start chat" }).click();
  await agent.page.getByRole("button", { name: /Accept/ }).click();
  const compose = agent.page.locator("#compose");
  await compose.fill("Hello Mia! I will have a look. What is its number?");
  await compose.press("Enter");
  await reads(customer.page, "What is its number?");
  await customer.page.getByRole("textbox").last().fill("4711.");
  await customer.page.keyboard.press("Enter");
  await reads(agent.page, "4711.");
  await compose.fill("Found it: the service of August is on it, too.");
  await compose.press("Enter");
  await reads(customer.page, "Found it");

  const noah = await usher.customer({ name: "Noah", requestType: "sales", text: "Do you have it in blue?" });
  await agent.page.getByRole("article", { name: "Offer: Noah" }).getByRole("button", { name: /Accept/ }).click();
  await agent.page.locator(".session-list .session-item", { hasText: "Mia" }).click();
  noah.send("Or in green?");
  await agent.page.locator(".badge").waitFor();
  const lea = await usher.customer({ name: "Lea", requestType: "billing", text: "Where can I pay?" });
  await agent.page.getByRole("article", { name: "Offer: Lea" }).waitFor();

  const wall = await open(chromium, usher, "/wall", {
    viewport: { width: 1392, height: 330 },
    before: (context) => logIn(context, usher, { window: "supervisor", agentId: "carol" }),
  });
  await expect.poll(() => wall.page.getByRole("row").count(), { timeout: 20_000 }).toBeGreaterThan(3);

  const frame = await chromium.newPage({ viewport: { width: 1456, height: 1058 } });
  await frame.setContent(`<style>
    body { margin: 0; padding: 24px; background: #dfe5ee; display: grid; grid-template-columns: 380px 1000px; gap: 28px 28px }
    img { display: block; border-radius: 8px; box-shadow: 0 6px 24px rgb(20 30 60 / 25%) }
    img:last-child { grid-column: 1 / 3; width: 1408px }
  </style><img src="${await shown(customer.page)}"><img src="${await shown(agent.page)}"><img src="${await shown(wall.page)}">`);
  const path = fileURLToPath(new URL("artefacts/windows.jpg", import.meta.url));
  await frame.screenshot({ path, type: "jpeg", quality: 72 });
  expect(readFileSync(path).length).toBeLessThan(250_000);
  await noah.drop();
  await lea.drop();
});
