// The administration pages in a real browser against the real server.
import { readFileSync } from "node:fs";
import { connect, ErrorCode, UsherError } from "@usher-cc/client";
import { Administration, ReasonKind } from "@usher-cc/client/gen/administration";
import { Authentication } from "@usher-cc/client/gen/authentication";
import { Role } from "@usher-cc/client/gen/common";
import { InternetCallManager } from "@usher-cc/client/gen/session";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { axeViolations, launch, logIn, open, type Opened, picture } from "./browser.js";
import { Usher } from "./server.js";

const patience = { timeout: 30_000, interval: 50 };
const administration = Administration.method;

let usher: Usher;
let browser: Browser;
let opened: Opened[] = [];
/** The business process file as it is before every test. */
let centre = "";

beforeAll(async () => {
  [usher, browser] = await Promise.all([Usher.start(), launch()]);
  centre = (await usher.admin().call(administration.exportBusinessProcess, {})).text;
});

afterAll(async () => {
  await browser?.close();
  await usher?.stop();
});

// Whatever a test did, no script has failed, no policy was broken, and the next
// one finds the configuration as it was.
afterEach(async () => {
  const errors = opened.flatMap((one) => one.errors).filter((error) => !error.startsWith("Failed to load resource"));
  await Promise.all(opened.map((one) => one.context.close()));
  opened = [];
  const { problems } = await usher.admin().call(administration.applyBusinessProcess, { text: centre, replaceAll: true });
  expect(problems).toEqual([]);
  expect(errors).toEqual([]);
});

/** Opens a part of the pages, logged in. */
async function admin(part = "", more = ""): Promise<Page> {
  const one = await open(browser, usher, `/admin${more}#${part}`, { before: (context) => logIn(context, usher, { window: "admin" }) });
  opened.push(one);
  one.page.on("dialog", (dialog) => expect.fail(`a dialog: ${dialog.message()}`));
  return one.page;
}

/** Opens the form of something that is new. */
async function adding(part: string, button: string): Promise<Page> {
  const page = await admin(part);
  await page.getByRole("link", { name: button }).click();
  await page.getByRole("heading", { name: button }).waitFor();
  return page;
}

const button = (page: Page | Locator, name: string | RegExp) => page.getByRole("button", { name, exact: typeof name === "string" });
const save = (page: Page) => button(page, /^Save( again)?$/).click();
const says = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor({ timeout: patience.timeout });
const focusIsOn = (page: Page, tag: string) => expect.poll(() => page.evaluate(() => document.activeElement?.tagName), patience).toBe(tag);
const editor = (page: Page) => page.getByLabel("Business process file, as YAML");
const changes = (page: Page) => page.locator(".changes").first().innerText();
const configuration = async () => (await usher.admin().call(administration.getConfiguration, {})).configuration!;
const logInAs = (agentId: string, password: string) => connect({ url: usher.url }).call(Authentication.method.openSession, { agentId, password });

test("a wrong key is refused in words, the right one lets in, by keyboard", async () => {
  const one = await open(browser, usher, "/admin");
  opened.push(one);
  const { page } = one;
  await page.getByLabel("API key").fill("usk_wrong");
  await page.keyboard.press("Enter");
  await says(page, "Refused: the API key is wrong or revoked");
  expect(await axeViolations(page)).toEqual([]);
  await page.getByLabel("API key").fill(usher.adminKey);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Agents" }).waitFor();
  expect(await page.evaluate(() => document.cookie)).toBe("");
  await button(page, "Log out").click();
  await page.getByRole("heading", { name: "Administrators log in" }).waitFor();
  expect(await one.context.cookies()).toEqual([]);
});

test("an agent is added with skill and password, and can log in", async () => {
  const skill = await adding("skills", "Add a skill");
  await skill.getByLabel("Name (necessary)").fill("french");
  await save(skill);
  await says(skill, "+ added: skill french");

  const page = await adding("agents", "Add an agent");
  await page.getByLabel("Agent id (necessary)").fill("dora");
  await page.getByLabel("Name for people").fill("Dora");
  await page.getByLabel("New password").fill("short");
  await page.getByLabel("support").check();
  await button(page, "Add to Skills").click();
  await page.getByLabel("Skill, row 1").selectOption("french");
  await page.getByLabel("Level, row 1").fill("3");
  await button(page, "Add to Capacity").click();
  await page.getByLabel("Media type, row 1").selectOption("chat");
  await page.getByLabel("At once, row 1").fill("4");
  await page.getByLabel("Work mode after login").selectOption({ label: "Auto-in" });
  await save(page);
  await says(page, "a password has 8 to 256 bytes");
  expect(await page.getByLabel("Skill, row 1").inputValue()).toBe("french");
  await page.getByLabel("New password").fill("correct horse");
  await save(page);
  await says(page, "+ added: agent dora");
  expect((await logInAs("dora", "correct horse")).role).toBe(Role.AGENT);
  const dora = (await configuration()).agents.find((agent) => agent.agentId === "dora")!;
  expect(dora).toMatchObject({ name: "Dora", agentGroups: ["support"], capacity: { chat: 4 }, loginWorkMode: 3, supervisor: false });
  expect(dora.skills.map(({ skill, level }) => [skill, level])).toEqual([["french", 3]]);

  // What the form does not touch stays, the password too.
  await page.getByRole("link", { name: "dora" }).click();
  await page.getByLabel("Supervisor").check();
  await save(page);
  await says(page, "~ changed: agent dora");
  await logInAs("dora", "correct horse");
  expect((await configuration()).agents.find((agent) => agent.agentId === "dora")).toMatchObject({ supervisor: true, capacity: { chat: 4 } });
});

test("a queue is found, sorted, edited, with what is wrong said at the field", async () => {
  const page = await admin("queues");
  await page.getByLabel("Find").fill("sal");
  await says(page, "1 of 4");
  await page.getByLabel("Find").fill("");
  await button(page, "Name").click();
  await button(page, /^Name/).click();
  await expect.poll(() => page.locator("tbody tr td:first-child").allInnerTexts(), patience).toEqual(["shared", "sales", "callbacks", "billing"]);
  await page.getByRole("link", { name: "sales" }).click();
  await page.getByLabel("Description").fill("Everything that is bought");
  await page.getByLabel("Service level: within seconds").fill("12.5");
  await page.getByLabel("Strategy").fill("vector");
  await save(page);
  await says(page, /^Not saved: 1 field is wrong|Refused/);
  await page.getByLabel("Strategy").fill("longest-idle");
  await save(page);
  await says(page, "~ changed: queue sales");
  const sales = (await configuration()).queues.find((queue) => queue.name === "sales");
  expect(sales).toMatchObject({ description: "Everything that is bought", serviceLevelWithinMs: 12_500n, strategy: "longest-idle", agentGroup: "support" });
});

test("what is in use is not removed, and why is said", async () => {
  const page = await admin("queues");
  await button(page, "Remove billing").click();
  const dialog = page.getByRole("dialog");
  await button(dialog, "Remove").click();
  await says(page, "It can’t be removed, because something needs it still.");
  await says(page, 'queue "billing" is in use: queue of request_type "billing" has it');
  expect(await axeViolations(page)).toEqual([]);
  await button(dialog, "Cancel").click();
  const reasons = await admin("reasons");
  await button(reasons, "Remove pause").click();
  await button(reasons.getByRole("dialog"), "Remove").click();
  await says(reasons, "removed: reason pause");
  expect((await configuration()).reasons.map(({ name }) => name)).not.toContain("pause");
});

test("two administrators: nothing that either typed is lost", async () => {
  const [one, two] = [await admin("queues/shared"), await admin("queues/shared")];
  await one.getByLabel("Description").fill("of one");
  await one.getByLabel("Service level: of how many, in percent").fill("70");
  await two.getByLabel("Description").fill("of two");
  await two.getByLabel("Service level: within seconds").fill("30");
  await save(one);
  await says(one, "~ changed: queue shared");
  await save(two);
  await says(two, "Somebody else has changed the configuration meanwhile.");
  await says(two, "Description: the other made it “of one”; yours stands here and goes over it when you save.");
  await says(two, "Service level: of how many, in percent: taken over from the other: “70”.");
  expect(await two.getByLabel("Description").inputValue()).toBe("of two");
  expect(await axeViolations(two)).toEqual([]);
  await picture(two, "admin-conflict");
  // A change of something else does not concern him.
  await usher.admin().call(administration.applyConfiguration, { configuration: { places: [{ name: "elsewhere" }] } });
  await save(two);
  await says(two, "~ changed: queue shared");
  expect((await configuration()).queues.find((queue) => queue.name === "shared")).toMatchObject({
    description: "of two",
    serviceLevelTargetPercent: 70,
    serviceLevelWithinMs: 30_000n,
  });
});

test("what was typed is not left by accident, nor replaced by adding", async () => {
  const page = await adding("workbins", "Add a workbin");
  await page.getByLabel("Name (necessary)").fill("drafts");
  await page.getByLabel("Each belongs to an").selectOption({ label: "place" });
  await save(page);
  await says(page, "workbin drafts exists already.");
  await page.getByRole("link", { name: "Reasons" }).click();
  await page.getByRole("dialog", { name: "Leave without saving?" }).waitFor();
  await button(page, "Stay here").click();
  expect(await page.getByLabel("Name (necessary)").inputValue()).toBe("drafts");
  await page.goBack();
  await page.getByRole("dialog", { name: "Leave without saving?" }).waitFor();
  await button(page, "Discard").click();
  await page.getByRole("heading", { name: "Workbins" }).waitFor();
});

test("a key is made, shown once, used and revoked", async () => {
  const page = await admin("keys");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await button(page, "Make an API key").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name (necessary)").fill("shop-backend");
  await dialog.getByLabel("Role (necessary)").selectOption({ label: "site" });
  await dialog.getByLabel("Site (necessary)").selectOption("demo");
  await dialog.getByLabel("Valid until the end of").fill("2020-01-01");
  await button(dialog, "Make the key").click();
  await says(page, "it is in the past");
  await dialog.getByLabel("Valid until the end of").fill("2099-12-31");
  expect(await axeViolations(page)).toEqual([]);
  await button(dialog, "Make the key").click();
  const shown = page.getByLabel("The key", { exact: true });
  const key = await shown.inputValue();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await button(page, "Copy").click();
  await says(page, "Copied.");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "admin-key");
  const use = () => connect({ url: usher.url, credential: key }).call(InternetCallManager.method.createCustomerToken, { customerId: "c1" });
  expect((await use()).token).not.toBe("");
  await button(page, "I have kept it").click();
  await page.reload();
  const row = page.getByRole("row", { name: /shop-backend/ });
  await row.waitFor();
  expect(await row.innerText()).toContain("2099");
  expect(await page.content()).not.toContain(key);
  await button(page, "Revoke shop-backend").click();
  await button(page.getByRole("dialog"), "Revoke").click();
  await expect.poll(() => row.count(), patience).toBe(0);
  await page.getByLabel("Also revoked ones").check();
  await says(page, /^revoked /);
  await expect(use()).rejects.toMatchObject({ code: ErrorCode.UNAUTHENTICATED });
  await page.getByLabel("Those for all tenants").check();
  await page.getByRole("row", { name: /setup administration/ }).waitFor();
});

const vector = (step: string) => `
skills:
  - name: billing-skill
vectors:
  - |
    vector 12 "Billing"
    01  queue-to skill billing-skill pri m
    02  ${step}
queues:
  - {name: routed, strategy: vector, vector: "12"}
`;

test("the file: checked at its lines, compared, applied", async () => {
  const page = await admin("file");
  await expect.poll(() => editor(page).inputValue(), patience).toContain("# Configuration of the tenant default, version");
  const whole = await editor(page).inputValue();
  expect(whole).not.toContain("password");
  await editor(page).fill(vector("dance"));
  await button(page, "Check").click();
  await says(page, "1 error; nothing is changed");
  const place = button(page, /^Line 8, column 9$/);
  await place.waitFor();
  expect(await page.locator(".remarks-error").innerText()).toContain('vector "12"');
  expect(await page.locator(".editor-error").evaluate((mark) => (mark as HTMLElement).style.insetBlockStart)).toBe("140px");
  await place.click();
  expect(await editor(page).evaluate((area: HTMLTextAreaElement) => area.value.slice(area.selectionStart, area.selectionEnd))).toBe("dance");
  await says(page, /^Line 8, column 9$/);
  expect(await axeViolations(page)).toEqual([]);
  await picture(page, "admin-file-error");

  await editor(page).fill("queues:\n  - {name: routed, stratgy: vector}\n  - [\n");
  await says(page, "The text has changed since it was checked");
  await button(page, "Check").click();
  await page.getByText("The text has changed since it was checked").waitFor({ state: "hidden" });
  await says(page, /\d errors?; nothing is changed/);
  expect((await configuration()).queues.map(({ name }) => name)).not.toContain("routed");

  await editor(page).fill(vector("stop"));
  await button(page, "Check").click();
  await says(page, "3 changes would be made");
  expect(await changes(page)).toContain("queue routed");
  expect((await configuration()).queues.map(({ name }) => name)).not.toContain("routed");
  await button(page, "Apply …").click();
  const dialog = page.getByRole("dialog");
  await button(dialog, "Apply 3 changes").waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await button(dialog, "Apply 3 changes").click();
  await says(page, /^3 changes applied; the configuration has version/);
  expect((await configuration()).vectors.map(({ name }) => name)).toEqual(["12"]);

  // A changed text is shown by its lines; a part of the configuration alone removes nothing, unless it is to.
  await editor(page).fill(vector('wait-time 10 secs hearing music\n    03  stop'));
  await button(page, "Check").click();
  await says(page, "1 change would be made");
  expect(await page.locator(".diff-added").allInnerTexts()).toHaveLength(2);
  await page.getByLabel("Remove what the text does not hold").check();
  await button(page, "Check").click();
  await says(page, "removed: agent alice");
  await editor(page).fill(whole);
  await button(page, "Check").click();
  await says(page, "3 changes would be made");
  expect(await changes(page)).toMatch(/removed:\s+queue routed/);
  await button(page, "Apply …").click();
  await button(dialog, "Apply 3 changes").click();
  // That three changes were applied may still stand there from before.
  await expect.poll(async () => (await configuration()).vectors, patience).toEqual([]);
  await button(page, "Apply …").click();
  await says(page, "Nothing differs from the present configuration.");
});

test("the file: what another administrator did is not overwritten unseen", async () => {
  const page = await admin("file");
  await expect.poll(() => editor(page).inputValue(), patience).toContain("callbacks");
  await usher.admin().call(administration.applyConfiguration, {
    configuration: { reasons: [{ name: "meanwhile", kind: ReasonKind.STOP }] },
  });
  const text = (await editor(page).inputValue()).replace("Agents pull from it", "Agents pull");
  await editor(page).fill(text);
  await button(page, "Apply …").click();
  await says(page, "Somebody else has changed the configuration since you opened the file.");
  expect(await editor(page).inputValue()).toBe(text);
  await page.getByLabel("Remove what the text does not hold").check();
  await button(page, "Compare with the present configuration").click();
  await says(page, "removed: reason meanwhile");
  // Looking elsewhere and back loses nothing.
  await page.getByRole("link", { name: "Reasons" }).click();
  await page.getByRole("link", { name: "meanwhile" }).waitFor();
  await page.getByRole("link", { name: "Business process file" }).click();
  expect(await editor(page).inputValue()).toBe(text);
  const downloading = page.waitForEvent("download");
  await button(page, "Download").click();
  const file = await downloading;
  expect(file.suggestedFilename()).toBe("usher-default.yaml");
  expect(readFileSync(await file.path(), "utf8")).toBe(text);
  await page.locator("input[type=file]").setInputFiles({ name: "mine.yaml", mimeType: "text/yaml", buffer: Buffer.from("skills: [{name: uploaded}]\n") });
  await expect.poll(() => editor(page).inputValue(), patience).toBe("skills: [{name: uploaded}]\n");
  await button(page, "Read again").click();
  await button(page.getByRole("dialog"), "Discard").click();
  await expect.poll(() => editor(page).inputValue(), patience).toContain("meanwhile");
});

const markup = `<img src=x onerror="document.title='run'"><script>document.title='run'</script>`;

test("markup in every text stays text", async () => {
  await usher.admin().call(administration.applyConfiguration, {
    configuration: {
      agents: [{ agentId: "markup", name: markup, attributes: { [markup]: markup } }],
      queues: [{ name: "markup", description: markup, strategy: markup.slice(0, 40) }],
      skills: [{ name: "markup", description: markup }],
      requestTypes: [{ name: "markup", label: markup, mediaType: "chat", queue: "billing", interactionSubtype: markup, userData: { [markup]: markup } }],
      sites: [{ name: "markup", title: markup, greeting: markup, requestTypes: ["markup"] }],
      reasons: [{ name: "markup", kind: ReasonKind.STOP, label: markup }],
    },
  });
  const page = await admin();
  for (const part of ["agents", "queues", "skills", "request-types", "sites", "reasons"]) {
    await page.goto(`${usher.url}/admin#${part}`);
    await page.getByRole("link", { name: "markup", exact: true }).click();
    await page.getByRole("heading", { name: /Edit .* markup/ }).waitFor();
    await save(page);
    await says(page, "Nothing differs from the present configuration.");
  }
  for (const [part, title] of [["file", "Business process file"], ["audit", "Audit log"]] as const) {
    await page.goto(`${usher.url}/admin#${part}`);
    await page.getByRole("heading", { level: 2, name: title }).waitFor();
  }
  await expect.poll(() => page.locator(".audit-table tbody tr").count(), patience).toBeGreaterThan(1);
  await page.goto(`${usher.url}/admin#file`);
  await expect.poll(() => editor(page).inputValue(), patience).toContain("onerror");
  // Names can't be markup, and the sentence that says so is text.
  await page.goto(`${usher.url}/admin#skills/%2B`);
  await page.getByLabel("Name (necessary)").fill(markup);
  await save(page);
  await says(page, /Refused|Not saved/);
  expect(await page.locator("img, main script").count()).toBe(0);
  expect(await page.title()).not.toBe("run");
});

test("a site has its lines of HTML", async () => {
  const page = await admin("sites/demo");
  const html = await page.getByLabel("Three lines of HTML for the pages of this site").inputValue();
  expect(html.split("\n")).toHaveLength(3);
  expect(html).toContain(`<script src="${usher.url}/chat.js"`);
  expect(html).toContain('data-site="demo"');
  await button(page, "Move row 2 up").click();
  await save(page);
  await says(page, "~ changed: site demo");
  expect((await configuration()).sites.find((site) => site.name === "demo")?.requestTypes).toEqual(["sales", "billing", "callback"]);
});

test("the audit log shows what was done, and by whom", async () => {
  const page = await adding("agent-groups", "Add an agent group");
  await page.getByLabel("Name (necessary)").fill("audited");
  await save(page);
  await says(page, "+ added: agent_group audited".replace("agent_group", "agent group"));
  await page.getByRole("link", { name: "Audit log" }).click();
  await expect.poll(() => page.locator(".audit-table").innerText(), patience).toContain("audited");
});

test("a key that is revoked meanwhile is said, and nothing typed is lost", async () => {
  const root = usher.admin();
  const made = await root.call(administration.createApiKey, { name: "temporary", role: Role.ADMIN });
  const one = await open(browser, usher, "/admin#reasons/%2B", {
    before: async (context) => {
      const answer = await context.request.post(`${usher.url}/window/login`, { data: { window: "admin", apiKey: made.key } });
      expect(answer.ok()).toBe(true);
    },
  });
  opened.push(one);
  const { page } = one;
  await page.getByLabel("Name (necessary)").fill("lunch");
  await page.getByLabel("Offered for (necessary)").selectOption({ label: "AUX" });
  await root.call(administration.revokeApiKey, { id: made.apiKey!.id });
  await save(page);
  const dialog = page.getByRole("dialog", { name: "Log in again" });
  await dialog.getByLabel("API key").fill("usk_wrong");
  await page.keyboard.press("Enter");
  await says(page, "Refused: the API key is wrong or revoked");
  await dialog.getByLabel("API key").fill(usher.adminKey);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  expect(await page.getByLabel("Name (necessary)").inputValue()).toBe("lunch");
  expect(await page.getByText("Your API key is not valid any more").count()).toBe(0);
  await save(page);
  await says(page, "+ added: reason lunch");
});

test("another tenant is administered by itself", async () => {
  await usher.admin().call(administration.createTenant, { tenantId: "branch" });
  const page = await admin("queues");
  await page.getByLabel("Tenant").selectOption("branch");
  await says(page, "There is nothing yet.");
  await page.getByRole("link", { name: "Add a queue" }).click();
  await page.getByLabel("Name (necessary)").fill("branch-only");
  await save(page);
  await says(page, "+ added: queue branch-only");
  expect((await configuration()).queues.map(({ name }) => name)).not.toContain("branch-only");
  await page.getByRole("link", { name: "Business process file" }).click();
  await expect.poll(() => editor(page).inputValue(), patience).toContain("tenant branch");
  const error = await usher.admin().call(administration.exportBusinessProcess, { tenantId: "nobody" }).catch(UsherError.from);
  expect(error).toMatchObject({ code: ErrorCode.UNKNOWN_TENANT });
});

test("of two reads of the configuration the later one counts, whichever is answered first", async () => {
  const page = await admin("reasons");
  await page.getByRole("link", { name: "pause" }).waitFor();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let reads = 0;
  let read = 0;
  await page.route("**/GetConfiguration", async (route) => {
    const first = reads++ === 0;
    const response = await route.fetch();
    read++;
    await (first && held);
    await route.fulfill({ response });
  });
  await page.getByRole("link", { name: "Skills" }).click();
  await expect.poll(() => read, patience).toBe(1);
  await usher.admin().call(administration.applyConfiguration, { configuration: { reasons: [{ name: "later", kind: ReasonKind.STOP }] } });
  await page.getByRole("link", { name: "Reasons" }).click();
  await page.getByRole("link", { name: "later" }).waitFor();
  const late = page.waitForResponse("**/GetConfiguration");
  release();
  await (await late).finished();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await page.getByRole("link", { name: "later" }).waitFor();
  expect(await page.getByRole("link", { name: "later" }).count()).toBe(1);
});

test("a wrong key is refused in German, too", async () => {
  const one = await open(browser, usher, "/admin?lang=de");
  opened.push(one);
  await one.page.getByLabel("API-Schlüssel").fill("usk_wrong");
  await one.page.keyboard.press("Enter");
  await says(one.page, "Abgelehnt: Der API-Schlüssel ist falsch oder widerrufen.");
});

test("by keyboard alone: add, edit, remove", async () => {
  const page = await admin("reasons");
  await page.getByRole("link", { name: "Add a reason" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Add a reason" }).waitFor();
  await focusIsOn(page, "H2");
  await page.keyboard.press("Tab");
  await page.keyboard.type("typed");
  await page.keyboard.press("Tab");
  await page.keyboard.press("s"); // is enough for "stopping", and needs no speed
  await page.keyboard.press("Tab");
  await page.keyboard.type("Typed by hand");
  await page.keyboard.press("Enter");
  await says(page, "+ added: reason typed");
  await focusIsOn(page, "H2"); // of the list; later it would take the focus away
  expect((await configuration()).reasons.find((reason) => reason.name === "typed")).toMatchObject({ kind: ReasonKind.STOP, label: "Typed by hand" });
  await button(page, "Remove typed").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Tab");
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent), patience).toBe("Remove");
  await page.keyboard.press("Enter");
  await says(page, "removed: reason typed");
});

test("a dialog that is closed gives the focus back", async () => {
  const page = await admin("reasons");
  const remove = button(page, "Remove pause");
  for (const close of ["Escape", "Enter"]) {
    await remove.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await button(page.getByRole("dialog"), "Cancel").focus();
    await page.keyboard.press(close);
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await expect.poll(() => remove.evaluate((element) => element === document.activeElement), patience).toBe(true);
  }
});

test("every part and form is for everybody, in light and dark", async () => {
  const page = await admin("audit");
  const parts = ["agents", "agent-groups", "skills", "queues", "workbins", "media-types", "request-types", "sites", "reasons", "keys", "file", "audit"];
  const found: string[] = [];
  await page.getByRole("heading", { name: "Audit log" }).waitFor();
  for (const part of [...parts, ...parts.slice(0, 9).map((part) => `${part}/%2B`), "agents/alice", "sites/demo", "queues/nowhere"]) {
    await page.getByRole("heading", { level: 2 }).evaluateAll((former) => former.forEach((heading) => heading.classList.add("former")));
    await page.goto(`${usher.url}/admin#${part}`);
    await page.locator("h2:not(.former)").waitFor();
    found.push(...(await axeViolations(page)).map((violation) => `${part}: ${violation}`));
  }
  expect(found).toEqual([]);
  const german = await admin("agents/alice", "?lang=de&dir=rtl&theme=dark");
  await german.getByRole("heading", { name: "Agent alice bearbeiten" }).waitFor();
  await german.setViewportSize({ width: 400, height: 800 });
  expect(await axeViolations(german)).toEqual([]);
  expect(await german.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);
  await picture(german, "admin-rtl");
}, 180_000);
