import { create } from "@bufbuild/protobuf";
import { ConnectError, createRouterTransport } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { InternetCallManager, type SessionEvent, SessionEventSchema, SessionState } from "../src/gen/usher/v1/session_pb.js";
import { CustomerSession, ErrorCode, type Keep, over } from "../src/index.js";
import { broken, refusal } from "./fake.js";

const icm = InternetCallManager.method;

/** A media server of one session. */
class FakeSite {
  readonly said: { text: string; referenceId: string; sequence: bigint }[] = [];
  readonly launches: string[] = [];
  readonly opened: bigint[] = [];
  readonly tokens: (string | undefined)[] = [];
  readonly mishaps: ("not done" | "answer lost" | ConnectError)[] = [];
  state = SessionState.QUEUED;
  private wake = () => {};
  private broken = false;

  constructor(private readonly token: () => (() => string | undefined) | undefined) {}

  cut(): void {
    this.broken = true;
    this.wake();
  }

  progress(state: SessionState): void {
    this.state = state;
    this.wake();
  }

  transport() {
    return createRouterTransport(({ rpc }) => {
      rpc(icm.launchSession, ({ referenceId }) => {
        this.mishap(() => this.launches.includes(referenceId) || this.launches.push(referenceId));
        return { sessionId: "s1", sessionToken: "secret" };
      });
      rpc(icm.sendLine, ({ referenceId, line }) => {
        this.tokens.push(this.token()?.());
        this.mishap(() => {
          if (!this.said.some((said) => said.referenceId === referenceId)) {
            this.said.push({ text: line?.text ?? "", referenceId, sequence: BigInt(this.said.length + 1) });
            this.wake();
          }
        });
        return {};
      });
      rpc(icm.sessionEvents, ({ afterSequence }) => this.events(afterSequence));
    });
  }

  private mishap(act: () => void): void {
    const mishap = this.mishaps.shift();
    if (mishap === "not done") {
      throw broken();
    }
    if (mishap instanceof ConnectError) {
      throw mishap;
    }
    act();
    if (mishap === "answer lost") {
      throw broken();
    }
  }

  private async *events(after: bigint): AsyncGenerator<SessionEvent> {
    this.opened.push(after);
    this.broken = false;
    let told: SessionState | undefined;
    for (;;) {
      if (told !== this.state) {
        told = this.state;
        yield create(SessionEventSchema, { timeMs: BigInt(Date.now()), message: { case: "progress", value: { state: told } } });
        if (told === SessionState.ENDED) {
          return;
        }
      }
      for (const { text, referenceId, sequence } of this.said.filter((said) => said.sequence > after)) {
        after = sequence;
        yield create(SessionEventSchema, {
          sequence,
          message: { case: "line", value: { own: true, referenceId, line: { text } } },
        });
      }
      if (this.broken) {
        throw broken();
      }
      if (told === this.state && !this.said.some((said) => said.sequence > after)) {
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    }
  }
}

function memory(): Keep & { all: Map<string, string> } {
  const all = new Map<string, string>();
  return {
    all,
    getItem: (key) => all.get(key) ?? null,
    setItem: (key, value) => void all.set(key, value),
    removeItem: (key) => void all.delete(key),
  };
}

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

let credential: (() => string | undefined) | undefined;
let site: FakeSite;
let keep: ReturnType<typeof memory>;
const opened: CustomerSession[] = [];

function load(): CustomerSession {
  const session = new CustomerSession({
    site: "demo",
    keep,
    connection: (of) => {
      credential = of;
      return over(site.transport());
    },
  });
  opened.push(session);
  return session;
}

const texts = (session: CustomerSession) => session.state.lines.map((line) => line.said.line?.text);

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ["setTimeout", "clearTimeout", "Date"] });
  site = new FakeSite(() => credential);
  keep = memory();
});

afterEach(async () => {
  opened.splice(0).forEach((session) => session.forget());
  site.cut();
  await pass();
  vi.useRealTimers();
});

test("a session is launched once, however often its answer is lost", async () => {
  site.mishaps.push("answer lost", "not done", "answer lost");
  const session = load();
  void session.start({ name: "Dora" });
  expect(session.state.stage).toBe("launching");
  await pass(5_000);
  expect(session.state).toMatchObject({ stage: "open", sessionId: "s1" });
  expect(site.launches).toHaveLength(1);
});

test("a launch that is refused says why, and nothing is kept", async () => {
  site.mishaps.push(refusal(ErrorCode.TOO_MANY_REQUESTS, "TooManyRequests", "try later"));
  const session = load();
  await session.start({});
  expect(session.state).toMatchObject({ stage: "idle", error: { description: "try later" } });
  expect(keep.all.size).toBe(0);
});

test("lines arrive in their order, once, through breaks", async () => {
  const session = load();
  await session.start({});
  await pass();
  site.mishaps.push("answer lost", "not done");
  session.send("one");
  session.send("two");
  site.cut();
  session.send("three");
  await pass(10_000);
  expect(site.said.map((said) => said.text)).toEqual(["one", "two", "three"]);
  expect(texts(session)).toEqual(["one", "two", "three"]);
  expect(session.state.pending).toEqual([]);
  expect(site.opened.length).toBeGreaterThan(1);
  expect(site.tokens).toContain("secret");
});

test("a reload takes the session up, with what was not sent", async () => {
  const session = load();
  await session.start({});
  await pass();
  session.send("one");
  await pass();
  site.mishaps.push(...Array.from({ length: 50 }, () => "not done" as const));
  session.send("two");
  await pass();
  // The page goes away in the middle of it, and comes again.
  const kept = new Map(keep.all);
  session.forget();
  kept.forEach((value, key) => keep.all.set(key, value));
  site.mishaps.length = 0;
  const again = load();
  expect(again.restore()).toBe(true);
  expect(again.state.pending.map((pending) => pending.line.text)).toEqual(["two"]);
  await pass(1_000);
  expect(texts(again)).toEqual(["one", "two"]);
  expect(site.said).toHaveLength(2);
  expect(site.launches).toHaveLength(1);
  expect(again.state.pending).toEqual([]);
});

test("a line that the server has is not kept to be sent again", async () => {
  const session = load();
  await session.start({});
  await pass();
  site.cut();
  await pass();
  session.send("one");
  await pass();
  expect(session.state.lines).toEqual([]);
  expect(site.said).toHaveLength(1);
  const kept = JSON.parse([...keep.all.values()][0]!) as { pending: unknown[] };
  expect(kept.pending).toEqual([]);
  await pass(1_000);
  expect(texts(session)).toEqual(["one"]);
  expect(site.opened).toEqual([0n, 0n]);
  session.send("two");
  await pass();
  site.cut();
  await pass(1_000);
  expect(texts(session)).toEqual(["one", "two"]);
  expect(site.opened).toEqual([0n, 0n, 2n]);
});

test("a reload during the launch asks for the same session", async () => {
  site.mishaps.push(...Array.from({ length: 50 }, () => "answer lost" as const));
  const session = load();
  void session.start({ name: "Dora" });
  await pass(100);
  const kept = new Map(keep.all);
  session.forget();
  kept.forEach((value, key) => keep.all.set(key, value));
  site.mishaps.length = 0;
  const again = load();
  expect(again.restore()).toBe(true);
  await pass();
  expect(again.state).toMatchObject({ stage: "open", sessionId: "s1" });
  expect(site.launches).toHaveLength(1);
});

test("the end is kept nowhere, and a second session begins empty", async () => {
  const session = load();
  await session.start({});
  session.send("one");
  await pass();
  site.progress(SessionState.ENDED);
  await pass();
  expect(session.state).toMatchObject({ stage: "ended", link: { state: "closed", why: "ended" } });
  expect(keep.all.size).toBe(0);
  expect(load().restore()).toBe(false);
  site.state = SessionState.QUEUED;
  site.said.length = 0;
  await session.start({});
  await pass();
  expect(session.state).toMatchObject({ stage: "open", lines: [] });
  expect(site.launches).toHaveLength(2);
});
