// Measures the wall: frames a second of the grid with 1,000 agents, while the
// server has 200 changes of their states a second, in a headless Chromium.
//
//   node web/bench/wall.mjs [--agents 1000] [--rate 200] [--seconds 20]
//
// Beside each figure stands that of an empty page under the same load: what
// machine and browser can do at all, when server, load and browser share it.
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { agentIds, launch, password, Server } from "./bench.mjs";

const { values } = parseArgs({
  options: { agents: { type: "string", default: "1000" }, rate: { type: "string", default: "200" }, seconds: { type: "string", default: "20" } },
});
const agents = Number(values.agents);
const rate = Number(values.rate);
const seconds = Number(values.seconds);

/** Frames a second that the wall is to stay above. */
const wanted = 50;
/** How many agents are configured by one request. */
const configuredAtOnce = 50;

const ids = agentIds(agents);
let server;
let browser;
try {
  server = await Server.start();
  console.error(`configuring ${agents} agents ...`);
  await configure();
  console.error("logging them in ...");
  const tokens = await server.logIn(ids);
  browser = await launch();
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
  await server?.stop();
}

async function configure() {
  for (let n = 0; n < ids.length; n += configuredAtOnce) {
    const some = ids.slice(n, n + configuredAtOnce);
    const configured = some.map((agentId) => ({ agentId, name: `Agent ${agentId.slice(6)}`, agentGroups: ["support"], password }));
    await server.call("Administration/ApplyConfiguration", server.key, { configuration: { agents: configured } });
  }
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
      server.call(`InteractionManagement/${method}`, token, { mediaType: "chat", reason: "bench" }).then(
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
