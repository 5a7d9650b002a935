// Measures an offer: from the moment just before a customer's page asks for a
// session to the frame in which the agent's window has painted the offer, in a
// headless Chromium, while other agents are connected.
//
//   node web/bench/offer.mjs [--agents 201] [--offers 200]
//
// USHER_BINARY names a binary, otherwise one is built; CHROMIUM names a browser.
// One agent has the window; sessions come one after the other, are accepted and
// wrapped up by its keys, and stopped in between. The others are connected and
// ready for another queue. Beside the whole stand its parts: the server's, from
// the submission to the invitation, and the way to a program at the same agent;
// and what the machine can do at all, taken in turn with them: a request for
// nothing and frames of the page without change.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values } = parseArgs({ options: { agents: { type: "string", default: "201" }, offers: { type: "string", default: "200" } } });
const agents = Number(values.agents);
const offers = Number(values.offers);

/** What the window's p95 is to stay below, in milliseconds. */
const wanted = 100;
const password = "usher-dev";
/** How many agents log in at once. */
const loggingIn = 4;
/** Offers before the first that counts: scripts are compiled, connections opened. */
const warmUp = 5;

const folder = mkdtempSync(join(tmpdir(), "usher-offer-"));
const others = Array.from({ length: agents - 1 }, (_, n) => `agent-${String(n + 1).padStart(4, "0")}`);
let server;
let browser;
try {
  server = await serve(process.env.USHER_BINARY ?? build());
  await configure();
  console.error(`logging ${agents} agents in ...`);
  await logIn();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim(),
    args: ["--no-sandbox", "--disable-background-networking", "--disable-quic"],
  });
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
  if (server) {
    server.process.kill();
    await new Promise((resolve) => server.process.once("exit", resolve));
  }
  rmSync(folder, { recursive: true });
}

function build() {
  const binary = join(folder, "usher");
  execFileSync("go", ["build", "-o", binary, "./cmd/usher"], { cwd: fileURLToPath(new URL("../..", import.meta.url)), stdio: "inherit" });
  return binary;
}

/** Starts a server for development, and finds its keys in what it prints. */
async function serve(binary) {
  const args = ["serve", "--dev", "--data", join(folder, "data"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
  const limits = ["--limit-logins-per-address=10000", "--limit-login-burst-address=10000", "--limit-logins-waiting=10000"];
  const process = spawn(binary, [...args, ...limits], { stdio: ["ignore", "pipe", "ignore"] });
  let printed = "";
  for await (const text of process.stdout) {
    printed += text;
    const [, url] = /USHER_URL=(\S+)/.exec(printed) ?? [];
    const [, key] = /USHER_API_KEY=(\S+)\n/.exec(printed) ?? [];
    if (url && key) {
      process.stdout.resume();
      return { process, url, key };
    }
  }
  throw new Error(`the server did not start:\n${printed}`);
}

/** Calls a method of the public API, in JSON. */
async function call(method, credential, request) {
  const headers = { "Content-Type": "application/json", ...(credential && { Authorization: `Bearer ${credential}` }) };
  const answer = await fetch(`${server.url}/usher.v1.${method}`, { method: "POST", headers, body: JSON.stringify(request) });
  if (!answer.ok) {
    throw new Error(`${method}: ${answer.status} ${await answer.text()}`);
  }
  return answer.json();
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
  await call("Administration/ApplyConfiguration", server.key, { configuration });
}

/** Opens an agent's session, and gives its token. */
async function register(agentId) {
  const { token } = await call("Authentication/OpenSession", "", { agentId, password });
  await call("InteractionManagement/RegisterClient", token, { clientType: "CLIENT_TYPE_AGENT_APPLICATION" });
  return token;
}

/** Logs the other agents in, connected and ready. */
async function logIn() {
  const waiting = [...others];
  const one = async () => {
    for (let agentId = waiting.pop(); agentId; agentId = waiting.pop()) {
      const token = await register(agentId);
      await listen(token, {}, () => undefined);
      await call("InteractionManagement/AgentLogin", token, { media: [{ mediaType: "chat", ready: true }] });
    }
  };
  await Promise.all(Array.from({ length: loggingIn }, one));
}

/** Opens an agent's stream of events, his sign of life, and reads it to the end. */
async function listen(token, request, take) {
  const answer = await fetch(`${server.url}/usher.v1.InteractionManagement/Events`, {
    method: "POST",
    headers: { "Content-Type": "application/connect+json", "Connect-Protocol-Version": "1", Authorization: `Bearer ${token}` },
    body: enveloped(Buffer.from(JSON.stringify(request))),
  });
  if (!answer.ok) {
    throw new Error(`Events: ${answer.status} ${await answer.text()}`);
  }
  let rest = Buffer.alloc(0);
  const read = new WritableStream({
    write(chunk) {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
        const end = 5 + rest.readUInt32BE(1);
        take(JSON.parse(rest.subarray(5, end).toString()));
        rest = rest.subarray(end);
      }
    },
  });
  // The stream breaks when the server is stopped.
  answer.body.pipeTo(read).catch(() => undefined);
}

/** A message as it stands in a stream: a byte of flags, its length, itself. */
function enveloped(message) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
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
  const token = await register("olive");
  const invited = channel();
  await listen(token, { connectionKind: "telephone" }, (event) => event.eventInvite && invited.put({ event, at: now() }));
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
  const launched = call("InternetCallManager/LaunchSession", "", request);
  const [{ event, at }, { there, painted }] = await Promise.all([program.next(), next(), launched]);
  await page.keyboard.press("Alt+a");
  await page.getByRole("region", { name: `Session with Customer ${n}` }).waitFor();
  await call("InteractionManagement/StopProcessing", program.token, { interactionId: event.interactionId, reason: "answered" });
  await page.locator(".wrapup").waitFor();
  await page.keyboard.press("Alt+e");
  await page.locator(".session-list .session-item").waitFor({ state: "detached" });
  const server = Number(event.timeMs) - Number(event.interactions[0].receivedAtMs);
  return { server, program: at - asked, there: there - asked, painted: painted - asked, nothing: await nothing(page) };
}

/** How long a request takes that changes nothing, and the frames of the page that a change would take. */
async function nothing(page) {
  const asked = now();
  await call("InternetCallManager/GetSite", "", { site: "bench" });
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
