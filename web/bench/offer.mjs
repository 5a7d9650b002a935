// Measures an offer: from the moment just before a customer's page asks for a
// session to the frame in which the agent's window has painted the offer, in a
// headless Chromium, while other agents are connected.
//
//   node web/bench/offer.mjs [--agents 201] [--offers 200]
//
// One agent has the window; sessions come one after the other, are accepted and
// wrapped up by its keys, and stopped in between. The others are connected and
// ready for another queue. Beside the whole stand its parts: the server's, from
// the submission to the invitation, and the way to a program at the same agent;
// and what the machine can do at all, taken in turn with them: a request for
// nothing and frames of the page without change.
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { agentIds, launch, password, Server } from "./bench.mjs";

const { values } = parseArgs({ options: { agents: { type: "string", default: "201" }, offers: { type: "string", default: "200" } } });
const agents = Number(values.agents);
const offers = Number(values.offers);

/** What the window's p95 is to stay below, in milliseconds. */
const wanted = 100;
/** Offers before the first that counts: scripts are compiled, connections opened. */
const warmUp = 5;

const others = agentIds(agents - 1);
let server;
let browser;
try {
  server = await Server.start();
  await configure();
  console.error(`logging ${agents} agents in ...`);
  await server.logIn(others);
  browser = await launch();
  const window = await openWindow();
  const program = await listenAlong();
  console.error("measuring ...");
  const taken = [];
  for (let n = -warmUp; n < offers; n++) {
    const one = await offer(window, program, n);
    if (n >= 0) {
      taken.push(one);
    }
  }
  print(taken, await clocks(window.page), await sizes(window.page));
} finally {
  await browser?.close();
  await server?.stop();
}

async function configure() {
  const agent = (agentId, group) => ({ agentId, name: agentId, agentGroups: [group], password });
  const configuration = {
    agentGroups: [{ name: "window" }],
    agents: [agent("olive", "window"), ...others.map((id) => agent(id, "support"))],
    queues: [{ name: "offers", strategy: "longest-idle", agentGroup: "window" }],
    requestTypes: [{ name: "offers", label: "A question", mediaType: "chat", queue: "offers" }],
    sites: [{ name: "bench", title: "Bench", requestTypes: ["offers"], anonymous: true, anonymousSessionsPerMinute: 1000 }],
  };
  await server.call("Administration/ApplyConfiguration", server.key, { configuration });
}

/** Time now, in Unix milliseconds with their fractions. */
function now() {
  return performance.timeOrigin + performance.now();
}

/** Opens the agent's window, at work and available; next gives when the next offer was painted. */
async function openWindow() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB" });
  const login = await context.request.post(`${server.url}/window/login`, { data: { window: "agent", agentId: "olive", password } });
  if (!login.ok()) {
    throw new Error(`login: ${login.status()} ${await login.text()}`);
  }
  const page = await context.newPage();
  const painted = channel();
  await page.exposeFunction("paintedOffer", painted.put);
  await page.addInitScript(watchOffers);
  await page.goto(`${server.url}/agent`);
  await page.getByRole("button", { name: "Start work" }).click();
  await page.getByRole("button", { name: /^Become available/ }).first().click();
  await page.getByRole("button", { name: /Take a break/ }).first().waitFor();
  return { page, next: painted.next };
}

/**
 * In the page: tells when an offer stands in the document, and when it is
 * painted. The frame after a change paints it; the one after that tells that
 * it did, so the time is up to a frame too long rather than too short.
 */
function watchOffers() {
  const time = () => performance.timeOrigin + performance.now();
  let shown = null;
  const look = () => {
    const card = document.querySelector("article.offer:not(.offer-closed)");
    if (card && card !== shown) {
      const there = time();
      requestAnimationFrame(() => requestAnimationFrame(() => window.paintedOffer({ there, painted: time() })));
    }
    shown = card;
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
}

/** Hears the same agent's messages without a window, as a telephone at his desk would. */
async function listenAlong() {
  const token = await server.register("olive");
  const invited = channel();
  await server.listen(token, { connectionKind: "telephone" }, (event) => event.eventInvite && invited.put({ event, at: now() }));
  return { token, next: invited.next };
}

/** Values that are waited for one after the other. */
function channel() {
  const values = [];
  let wake = () => undefined;
  return {
    put(value) {
      values.push(value);
      wake();
    },
    async next() {
      while (values.length === 0) {
        await new Promise((resolve) => (wake = resolve));
      }
      return values.shift();
    },
  };
}

/** Asks for a session, has it shown, accepted, stopped and wrapped up; gives how long the offer took. */
async function offer({ page, next }, program, n) {
  const asked = now();
  const request = { site: "bench", requestType: "offers", name: `Customer ${n}`, text: "Hello?" };
  const launched = server.call("InternetCallManager/LaunchSession", "", request);
  const [{ event, at }, { there, painted }] = await Promise.all([program.next(), next(), launched]);
  await page.keyboard.press("Alt+a");
  await page.getByRole("region", { name: `Session with Customer ${n}` }).waitFor();
  await server.call("InteractionManagement/StopProcessing", program.token, { interactionId: event.interactionId, reason: "answered" });
  await page.locator(".wrapup").waitFor();
  await page.keyboard.press("Alt+e");
  await page.locator(".session-list .session-item").waitFor({ state: "detached" });
  const decided = Number(event.timeMs) - Number(event.interactions[0].receivedAtMs);
  return { server: decided, program: at - asked, there: there - asked, painted: painted - asked, nothing: await nothing(page) };
}

/** How long a request takes that changes nothing, and the frames of the page that a change would take. */
async function nothing(page) {
  const asked = now();
  await server.call("InternetCallManager/GetSite", "", { site: "bench" });
  const answered = now() - asked;
  const frames = await page.evaluate(() => {
    const begun = performance.now();
    return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - begun))));
  });
  return answered + frames;
}

/** How far the page's clock may be from ours: what is measured contains it. */
async function clocks(page) {
  let least = Infinity;
  let most = -Infinity;
  for (let n = 0; n < 50; n++) {
    const before = now();
    const there = await page.evaluate(() => performance.timeOrigin + performance.now());
    least = Math.min(least, there - before);
    most = Math.max(most, there - now());
  }
  return { from: most, to: least };
}

/** Bytes of scripts and styles that the page has loaded, as they came over the wire. */
function sizes(page) {
  return page.evaluate(() => {
    const loaded = new Map(performance.getEntriesByType("resource").map((entry) => [entry.name, entry]));
    const sum = (end) => [...loaded].reduce((n, [name, entry]) => n + (name.endsWith(end) ? entry.encodedBodySize : 0), 0);
    return { scripts: sum(".js"), styles: sum(".css") };
  });
}

function print(taken, clock, size) {
  console.log(`node web/bench/offer.mjs --agents ${agents} --offers ${offers}\n`);
  console.log(`${"ms".padEnd(56)}${["p50", "p95", "p99", "max"].map((p) => p.padStart(8)).join("")}`);
  const row = (what, key) => {
    const sorted = taken.map((one) => one[key]).sort((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
    console.log(`${what.padEnd(56)}${[0.5, 0.95, 0.99, 1].map((p) => at(p).toFixed(1).padStart(8)).join("")}`);
    return at(0.95);
  };
  row("The server: from submission to invitation (whole ms)", "server");
  row("From the request to the invitation in a program", "program");
  row("From the request to the offer in the document", "there");
  const p95 = row("From the request to the painted frame", "painted");
  row("The machine: a request for nothing, and frames", "nothing");
  console.log(`\n${agents} agents connected; ${cpus()[0]?.model}, ${availableParallelism()} processors`);
  console.log(`The page's clock is ${clock.from.toFixed(1)} to ${clock.to.toFixed(1)} ms ahead of ours.`);
  console.log(`The window's scripts are ${(size.scripts / 1024).toFixed(1)} KiB compressed, its styles ${(size.styles / 1024).toFixed(1)} KiB.`);
  console.log(p95 <= wanted ? `An offer is painted within ${wanted} ms (p95).` : `An offer is not painted within ${wanted} ms (p95).`);
}
