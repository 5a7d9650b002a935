// The real binary, started, killed and started again by tests.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { AgentSession, connect, type Connection, CustomerSession, type Keep, type Launch } from "@usher-cc/client";
import { Authentication } from "@usher-cc/client/gen/authentication";

const centre = fileURLToPath(new URL("centre.yaml", import.meta.url));

/** The password of every agent in centre.yaml. */
export const password = "usher-dev";

/** How long a condition may take to come true. */
const conditionMs = 20_000;

/** Waits until a condition is true, and gives what it gave. */
export async function until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = Date.now() + conditionMs;
  for (;;) {
    const value = await condition();
    if (value) {
      return value;
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${conditionMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Usher is a running server with a data folder of its own. */
export class Usher {
  private process: ChildProcess | undefined;
  private log = "";
  /** The API key of administration. */
  adminKey = "";

  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly flags: readonly string[],
  ) {}

  /** Starts a server with a configuration, that of centre.yaml by default, and further flags. */
  static async start(configuration = centre, flags: readonly string[] = []): Promise<Usher> {
    const folder = await mkdtemp(join(tmpdir(), "usher-data-"));
    const usher = new Usher(`http://127.0.0.1:${await freePort()}`, folder, flags);
    await usher.run();
    const token = await until("the setup token", () => /\busu_\w+/.exec(usher.log)?.[0]);
    const set = await connect({ url: usher.url }).call(Authentication.method.setUp, { setupToken: token });
    usher.adminKey = set.key;
    await usher.apply(configuration);
    return usher;
  }

  /** Starts the server again, on the same port and data, after kill. */
  async run(): Promise<void> {
    const args = ["serve", "--data", join(this.folder, "data"), "--listen", new URL(this.url).host, "--admin-listen", "", ...this.flags];
    const running = spawn(process.env.USHER_BINARY!, args, { stdio: ["ignore", "pipe", "pipe"] });
    running.stdout.on("data", (text: Buffer) => (this.log += text.toString()));
    running.stderr.on("data", (text: Buffer) => (this.log += text.toString()));
    process.once("exit", () => running.kill("SIGKILL"));
    this.process = running;
    await until("the server serves", async () => {
      if (running.exitCode !== null) {
        throw new Error(`the server ended:\n${this.log}`);
      }
      return (await fetch(this.url).catch(() => undefined))?.ok;
    });
  }

  /** Kills the server (-9) and waits until it is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const running = this.process;
    if (running && running.exitCode === null && running.signalCode === null) {
      const gone = new Promise((resolve) => running.once("exit", resolve));
      running.kill(signal);
      await gone;
    }
  }

  /** Ends the server and removes its data. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true });
  }

  /** Applies a configuration from a YAML file. */
  async apply(file: string): Promise<void> {
    const env = { ...process.env, USHER_URL: this.url, USHER_API_KEY: this.adminKey };
    await promisify(execFile)(process.env.USHER_BINARY!, ["apply", file], { env });
  }

  /** Applies a configuration from YAML. */
  async applyText(yaml: string): Promise<void> {
    const file = join(this.folder, "configuration.yaml");
    await writeFile(file, yaml);
    await this.apply(file);
  }

  /** A connection with the API key of administration. */
  admin(): Connection {
    return connect({ url: this.url, credential: this.adminKey });
  }

  /** A connection with an agent's session token. */
  async as(agentId: string): Promise<Connection> {
    const opened = await connect({ url: this.url }).call(Authentication.method.openSession, { agentId, password });
    return connect({ url: this.url, credential: opened.token });
  }

  /** An agent who is logged in and ready for chats, without a window. */
  async agent(agentId: string, mediaTypes: string[] = ["chat"]): Promise<AgentSession> {
    const session = new AgentSession(await this.as(agentId));
    session.start();
    await until(`${agentId} is connected`, () => session.state.known);
    await session.login({ media: mediaTypes.map((mediaType) => ({ mediaType, ready: true })) });
    return session;
  }

  /** A customer with a session, without a window. */
  async customer(launch: Launch = {}, keep?: Keep): Promise<CustomerSession> {
    const session = new CustomerSession({ url: this.url, site: "demo", ...(keep && { keep }) });
    await session.start({ name: "Dora", requestType: "billing", text: "Hello?", ...launch });
    if (session.state.error) {
      throw session.state.error;
    }
    return session;
  }
}

/**
 * A port that nobody listens on. It is below those that systems give to
 * connections, so that it stays free while a killed server is down.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) {
      return port;
    }
  }
}
