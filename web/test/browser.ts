// A headless Chromium, and what tests ask of a page.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { password, type Usher } from "./server.js";

const artefacts = fileURLToPath(new URL("artefacts/", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Where Chromium is: the environment's CHROMIUM, or the one that the shell finds. */
function chromiumPath(): string {
  return process.env.CHROMIUM ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
}

/** Starts a browser. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    args: ["--no-sandbox", "--disable-background-networking", "--disable-quic"],
  });
}

/** Logs a window of a context in, as its login page does; the pages opened then are logged in. */
export async function logIn(
  context: BrowserContext,
  usher: Usher,
  login: { window: "agent" | "supervisor"; agentId: string } | { window: "admin" },
): Promise<void> {
  const data = login.window === "admin" ? { ...login, apiKey: usher.adminKey } : { ...login, password };
  const answer = await context.request.post(`${usher.url}/window/login`, { data });
  if (!answer.ok()) {
    throw new Error(`login: ${answer.status()} ${await answer.text()}`);
  }
}

/** A page, and what went wrong in it. */
export interface Opened {
  page: Page;
  context: BrowserContext;
  /** Errors of the console and of scripts, also breaches of the content security policy. */
  errors: string[];
}

/** Opens a page in a context of its own, or in that of another. */
export async function open(
  browser: Browser,
  usher: Usher,
  path: string,
  options: BrowserContextOptions & { context?: BrowserContext; before?: (context: BrowserContext) => Promise<void> } = {},
): Promise<Opened> {
  const { context: former, before, ...rest } = options;
  const context = former ?? (await browser.newContext({ locale: "en-GB", ...rest }));
  await before?.(context);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(usher.url + path);
  return { page, context, errors };
}

/**
 * What axe finds wrong with a page as it is now, in light and in dark; an empty
 * list is what a test expects.
 */
export async function axeViolations(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await inColours(page, colorScheme);
    await page.evaluate(axe);
    const results = await page.evaluate<AxeResults>("axe.run(document, {resultTypes: ['violations']})");
    for (const violation of results.violations) {
      for (const node of violation.nodes) {
        found.push(`${colorScheme}: ${violation.id}: ${node.failureSummary} ${node.html}`);
      }
    }
  }
  await inColours(page, "light");
  return found;
}

// The colours that elements inherit change with the frame after next only.
async function inColours(page: Page, colorScheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** Keeps a picture of a page among the artefacts of the run. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(artefacts, { recursive: true });
  await page.screenshot({ path: `${artefacts}${name}.png` });
}
