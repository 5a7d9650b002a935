// Measures the wall: frames a second of the grid with 1,000 agents, while the
// server has 200 changes of their states a second, in a headless Chromium.
//
//   node web/bench/wall.mjs [--agents 1000] [--rate 200] [--seconds 20]
//
// USHER_BINARY names a binary, otherwise one is built; CHROMIUM names a browser.
// Beside each figure stands that of an empty page under the same load: what
// machine and browser can do at all, when server, load and browser share it.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values } = parseArgs({
  options: { agents: { type: "string", default: "1000" }, rate: { type: "string", default: "200" }, seconds: { type: "string", default: "20" } },
});
const agents = Number(values.agents);
const rate = Number(values.rate);
const seconds = Number(values.seconds);

/** Frames a second that the wall is to stay above. */
const wanted = 50;
const password = "usher-dev";
/** How many agents are configured by one request, and how many log in at once. */
const atOnce = { configured: 50, loggingIn: 4 };

const folder = mkdtempSync(join(tmpdir(), "usher-wall-"));
const ids = Array.from({ length: agents }, (_, n) => `agent-${String(n + 1).padStart(4, "0")}`);
let server;
let browser;
try {
  server = await serve(process.env.USHER_BINARY ?? build());
  console.error(`configuring ${agents} agents ...`);
  await configure();
  console.error("logging them in ...");
  const tokens = await logIn();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim(),
    args: ["--no-sandbox", "--disable-background-networking", "--disable-quic"],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.request.post(`${server.url}/window/login`, { data: { window: "supervisor", agentId: "carol", password } });
  const blank = await context.newPage();
  const idle = await frames(blank);
  const load = change(tokens);
  console.error("measuring ...");
  const loaded = await frames(blank);
  await blank.close();
  const wall = await context.newPage();
  await wall.goto(`${server.url}/wall#agents`);
  await wall.waitForSelector(`[data-agent="${ids[0]}"]`);
  const shown = await wall.locator("[role=grid]").getAttribute("aria-rowcount");
  const grid = await frames(wall);
  const scrolling = await frames(wall, true);
  const done = await load.stop();
  print([
    ["An empty page, no load", idle],
    ["An empty page, under the load", loaded],
    ["The grid", grid],
    ["The grid, scrolled all the time", scrolling],
  ]);
  console.log(`\n${Number(shown) - 1} rows; ${done.toFixed(0)} changes of agents a second; ${cpus()[0]?.model}, ${availableParallelism()} processors`);
  console.log(grid.p50 > wanted ? `The grid stays above ${wanted} frames/s in the median second.` : `The grid does not reach ${wanted} frames/s in the median second.`);
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
  for (let n = 0; n < ids.length; n += atOnce.configured) {
    const some = ids.slice(n, n + atOnce.configured);
    const configured = some.map((agentId) => ({ agentId, name: `Agent ${agentId.slice(6)}`, agentGroups: ["support"], password }));
    await call("Administration/ApplyConfiguration", server.key, { configuration: { agents: configured } });
  }
}

/** Logs all agents in, and gives their session tokens. */
async function logIn() {
  const tokens = [];
  const waiting = [...ids];
  const one = async () => {
    for (let agentId = waiting.pop(); agentId; agentId = waiting.pop()) {
      const { token } = await call("Authentication/OpenSession", "", { agentId, password });
      await call("InteractionManagement/RegisterClient", token, { clientType: "CLIENT_TYPE_AGENT_APPLICATION" });
      await listen(token);
      await call("InteractionManagement/AgentLogin", token, { media: [{ mediaType: "chat", ready: true }] });
      tokens.push(token);
    }
  };
  await Promise.all(Array.from({ length: atOnce.loggingIn }, one));
  return tokens;
}

/** Opens an agent's stream of events, his sign of life, and reads it to the end. */
async function listen(token) {
  const request = Buffer.from("{}");
  const head = Buffer.alloc(5);
  head.writeUInt32BE(request.length, 1);
  const answer = await fetch(`${server.url}/usher.v1.InteractionManagement/Events`, {
    method: "POST",
    headers: { "Content-Type": "application/connect+json", "Connect-Protocol-Version": "1", Authorization: `Bearer ${token}` },
    body: Buffer.concat([head, request]),
  });
  if (!answer.ok) {
    throw new Error(`Events: ${answer.status} ${await answer.text()}`);
  }
  // The stream breaks when the server is stopped.
  answer.body.pipeTo(new WritableStream()).catch(() => undefined);
}

/** Makes agents ready and not ready in turn, so many a second; stop tells how many it were. */
function change(tokens) {
  const begun = performance.now();
  let sent = 0;
  let done = 0;
  let failure;
  const ready = new Map(tokens.map((token) => [token, true]));
  const timer = setInterval(() => {
    for (const due = ((performance.now() - begun) / 1000) * rate; sent < due; sent++) {
      const token = tokens[(sent * 7919) % tokens.length];
      const method = ready.get(token) ? "NotReadyForMedia" : "CancelNotReadyForMedia";
      ready.set(token, !ready.get(token));
      call(`InteractionManagement/${method}`, token, { mediaType: "chat", reason: "bench" }).then(
        () => done++,
        (error) => (failure ??= error),
      );
    }
  }, 20);
  return {
    async stop() {
      clearInterval(timer);
      if (failure) {
        throw failure;
      }
      return done / ((performance.now() - begun) / 1000);
    },
  };
}

/** Counts the frames of a page for each second, the longest, and how busy its thread is. */
async function frames(page, scroll = false) {
  await page.bringToFront();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const busy = async () => (await devtools.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration").value;
  const before = await busy();
  const { counts, longest } = await page.evaluate(
    ({ seconds, scroll }) =>
      new Promise((resolve) => {
        const grid = document.querySelector("[role=grid]");
        const counts = Array(seconds).fill(0);
        let begun;
        let former;
        let longest = 0;
        let down = true;
        const frame = (now) => {
          begun ??= now;
          longest = Math.max(longest, now - (former ?? now));
          former = now;
          const second = Math.floor((now - begun) / 1000);
          if (second >= seconds) {
            resolve({ counts, longest });
            return;
          }
          counts[second]++;
          if (scroll) {
            const end = grid.scrollHeight - grid.clientHeight;
            down = down ? grid.scrollTop < end - 1 : grid.scrollTop <= 0;
            grid.scrollTop += down ? 90 : -90;
          }
          requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      }),
    { seconds, scroll },
  );
  const sorted = [...counts].sort((a, b) => a - b);
  const share = ((await busy()) - before) / seconds;
  await devtools.detach();
  return { share, min: sorted[0], p50: sorted[Math.floor(sorted.length / 2)], longest };
}

function print(rows) {
  console.log(`node web/bench/wall.mjs --agents ${agents} --rate ${rate} --seconds ${seconds}\n`);
  console.log(`${"frames/s, by the second".padEnd(34)}${"min".padStart(6)}${"p50".padStart(6)}   longest frame   page's thread`);
  for (const [what, f] of rows) {
    console.log(`${what.padEnd(34)}${String(f.min).padStart(6)}${String(f.p50).padStart(6)}${`${f.longest.toFixed(0)} ms`.padStart(16)}${`${(f.share * 100).toFixed(0)} % busy`.padStart(16)}`);
  }
}
