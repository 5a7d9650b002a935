// What the benches share: a server for development on a data folder of its own,
// its public API, agents, and a headless Chromium.
//
// USHER_BINARY names a binary, otherwise one is built; CHROMIUM names a browser.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** The password of every agent. */
export const password = "usher-dev";

/** How many agents log in at once. */
const loggingIn = 4;

/** Names of agents, in order. */
export const agentIds = (count) => Array.from({ length: count }, (_, n) => `agent-${String(n + 1).padStart(4, "0")}`);

/** Server is a running one. */
export class Server {
  #folder = mkdtempSync(join(tmpdir(), "usher-bench-"));
  #process;

  /** Starts a server, and finds its keys in what it prints. */
  static async start() {
    const server = new Server();
    const args = ["serve", "--dev", "--data", join(server.#folder, "data"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    const limits = ["--limit-logins-per-address=10000", "--limit-login-burst-address=10000", "--limit-logins-waiting=10000"];
    server.#process = spawn(process.env.USHER_BINARY ?? server.#build(), [...args, ...limits], { stdio: ["ignore", "pipe", "ignore"] });
    const { stdout } = server.#process;
    let printed = "";
    for await (const text of stdout) {
      printed += text;
      const [, url] = /USHER_URL=(\S+)/.exec(printed) ?? [];
      const [, key] = /USHER_API_KEY=(\S+)\n/.exec(printed) ?? [];
      if (url && key) {
        stdout.resume();
        return Object.assign(server, { url, key });
      }
    }
    throw new Error(`the server did not start:\n${printed}`);
  }

  #build() {
    const binary = join(this.#folder, "usher");
    execFileSync("go", ["build", "-o", binary, "./cmd/usher"], { cwd: fileURLToPath(new URL("../..", import.meta.url)), stdio: "inherit" });
    return binary;
  }

  /** Ends the server and removes its data. */
  async stop() {
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill();
    await gone;
    rmSync(this.#folder, { recursive: true });
  }

  /** Calls a method of the public API, in JSON. */
  async call(method, credential, request) {
    const headers = { "Content-Type": "application/json", ...(credential && { Authorization: `Bearer ${credential}` }) };
    const answer = await fetch(`${this.url}/usher.v1.${method}`, { method: "POST", headers, body: JSON.stringify(request) });
    if (!answer.ok) {
      throw new Error(`${method}: ${answer.status} ${await answer.text()}`);
    }
    return answer.json();
  }

  /** Opens an agent's session, and gives its token. */
  async register(agentId) {
    const { token } = await this.call("Authentication/OpenSession", "", { agentId, password });
    await this.call("InteractionManagement/RegisterClient", token, { clientType: "CLIENT_TYPE_AGENT_APPLICATION" });
    return token;
  }

  /** Logs agents in, connected and ready, and gives their session tokens. */
  async logIn(ids) {
    const tokens = [];
    const waiting = [...ids];
    const one = async () => {
      for (let agentId = waiting.pop(); agentId; agentId = waiting.pop()) {
        const token = await this.register(agentId);
        await this.listen(token);
        await this.call("InteractionManagement/AgentLogin", token, { media: [{ mediaType: "chat", ready: true }] });
        tokens.push(token);
      }
    };
    await Promise.all(Array.from({ length: loggingIn }, one));
    return tokens;
  }

  /** Opens an agent's stream of events, his sign of life, and reads it to the end. */
  async listen(token, request = {}, take = () => undefined) {
    const answer = await fetch(`${this.url}/usher.v1.InteractionManagement/Events`, {
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
}

/** A message as it stands in a stream: a byte of flags, its length, itself. */
function enveloped(message) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Starts a browser. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim(),
    args: ["--no-sandbox", "--disable-background-networking", "--disable-quic"],
  });
}
