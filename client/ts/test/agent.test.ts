import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AgentSession, codeOf, ErrorCode, over, UsherError } from "../src/index.js";
import { repeatForMs } from "../src/persistence.js";
import { FakeServer, refusal } from "./fake.js";

let server: FakeServer;
let session: AgentSession;

/** Lets everything happen that is due within a time. */
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ["setTimeout", "clearTimeout", "Date"] });
  vi.spyOn(Math, "random").mockReturnValue(1);
  server = new FakeServer();
  session = new AgentSession(over(server.transport()));
});

afterEach(async () => {
  session.close();
  server.cut();
  await pass();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const line = (text: string) => ({ case: "eventLineAdded" as const, value: { line: { text } } as never });
const texts = () => session.state.conversations.get("i1")?.lines.map((said) => said.added?.line?.text);
const invite = (ticket: bigint, deadlineMs: number) => ({
  case: "eventInvite" as const,
  value: { ticket, deadlineMs: BigInt(deadlineMs) } as never,
});

test("it begins with the present state and goes on after what it has taken", async () => {
  server.interactions = ["i1"];
  server.say("i1", line("before"));
  session.start();
  await pass();
  expect(session.state).toMatchObject({ known: true, agentId: "alice", link: { state: "connected" } });
  server.say("i1", line("one"));
  await pass();
  server.cut();
  await pass();
  expect(session.state.link.state).toBe("reconnecting");
  server.say("i1", line("meanwhile"));
  await pass(300);
  server.say("i1", line("after"));
  await pass();
  expect(server.opened).toEqual([
    { presentState: true, after: undefined },
    { presentState: false, after: 2n },
  ]);
  expect(texts()).toEqual(["before", "one", "meanwhile", "after"]);
  expect(session.state.link.state).toBe("connected");
});

test("what was heard before a break and comes again is not taken twice", async () => {
  server.interactions = ["i1"];
  session.start();
  await pass();
  const heard: bigint[] = [];
  session.onEvent((event) => event.sequence && heard.push(event.sequence));
  server.say("i1", line("one"));
  await pass();
  server.cut();
  await pass();
  const again = server.journal[0]!;
  server.journal.push(again, { ...again, sequence: 3n });
  await pass(300);
  expect(heard).toEqual([1n, 3n]);
});

test.each([["not done"], ["answer lost"]] as const)("a request that was %s is sent again under its reference id", async (mishap) => {
  session.start();
  await pass();
  server.mishaps.push(mishap, mishap);
  const accepted = session.accept(7n);
  await pass(2_000);
  expect((await accepted).sequence).toBe(1n);
  expect(server.done).toEqual(["accept 7"]);
  expect(server.attempts).toHaveLength(3);
  expect(new Set(server.attempts.map((attempt) => attempt.referenceId)).size).toBe(1);
  expect(server.attempts[0]!.referenceId).toMatch(/^[0-9a-f]{32}$/);
});

test("a refusal is not sent again and says what happened", async () => {
  session.start();
  await pass();
  server.mishaps.push(refusal(ErrorCode.WRONG_TICKET, "WrongTicket", "ben has it"));
  const error = await session.accept(7n).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsherError);
  expect(error).toMatchObject({ code: ErrorCode.WRONG_TICKET, codeName: "WrongTicket", description: "ben has it", temporary: false });
  expect(codeOf(error)).toBe(ErrorCode.WRONG_TICKET);
  expect(server.attempts).toHaveLength(1);
});

test("a request is given up before the server forgets its reference id", async () => {
  session.start();
  await pass();
  server.mishaps.push(...Array.from({ length: 1000 }, () => "not done" as const));
  const gaveUp = session.accept(7n).catch((thrown: unknown) => thrown);
  await pass(repeatForMs - 6_000);
  const tried = server.attempts.length;
  expect(tried).toBeGreaterThan(100);
  await pass(15_000);
  expect(await gaveUp).toMatchObject({ temporary: true });
  expect(server.attempts.length).toBeLessThan(tried + 5);
  expect(repeatForMs).toBeLessThan(15 * 60_000);
});

test("pauses double up to 5 s, and the grace period is counted from the break", async () => {
  session.start();
  await pass();
  server.refuseStreams = new ConnectError("down", Code.Unavailable);
  const opened: number[] = [];
  let known = server.opened.length;
  server.cut();
  const lost = Date.now();
  for (let ms = 0; ms < 30_000; ms += 50) {
    await pass(50);
    if (server.opened.length > known) {
      known = server.opened.length;
      opened.push(Date.now() - lost);
    }
  }
  expect(opened.slice(0, 7)).toEqual([250, 750, 1_750, 3_750, 7_750, 12_750, 17_750]);
  expect(session.graceUntilMs()).toBe(lost + 60_000);
  server.refuseStreams = undefined;
  await pass(5_000);
  expect(session.state.link.state).toBe("connected");
  expect(session.graceUntilMs()).toBeUndefined();
});

test.each([-3_600_000, 0, 90_000])("an offer's deadline is by the server's clock, %d ms off", async (skew) => {
  server.skewMs = skew;
  session.start();
  await pass();
  const deadline = Date.now() + skew + 30_000;
  server.say("i1", invite(1n, deadline));
  await pass();
  const [offer] = session.state.invitations;
  expect(offer).toMatchObject({ ticket: 1n, deadlineMs: deadline, interactionId: "i1" });
  await pass(10_000);
  expect(offer!.deadlineMs - session.clock.now()).toBe(20_000);
});

test("offers come and go with their messages", async () => {
  session.start();
  await pass();
  const tickets: bigint[][] = [];
  session.onEvent(() => tickets.push(session.state.invitations.map((offer) => offer.ticket)));
  server.say("i1", invite(1n, 0));
  server.say("i2", invite(2n, 0));
  await pass();
  server.say("i1", { case: "eventRevoked", value: { ticket: 1n } as never });
  server.say("i1", invite(4n, 0));
  await pass();
  expect(tickets.at(-1)).toEqual([2n, 4n]);
  expect(session.state.invitations.map((offer) => offer.ticket)).toEqual([2n, 4n]);
});

test("a message that the present state contains changes nothing any more", async () => {
  session.start();
  await pass();
  server.slowStreams(true);
  server.say("i1", invite(1n, 0));
  server.say("i1", { case: "eventRevoked", value: { ticket: 1n } as never });
  server.say("i1", invite(3n, 0));
  const seen: number[] = [];
  await session.refresh();
  session.subscribe(() => seen.push(session.state.invitations.length));
  server.slowStreams(false);
  await pass();
  expect(session.state.invitations.map((offer) => offer.ticket)).toEqual([3n]);
  expect(new Set(seen)).not.toContain(0);
  expect(new Set(seen)).not.toContain(2);
});

test("an offer is there before the present state is read", async () => {
  session.start();
  await pass();
  const release = server.holdPresent();
  const before = server.presentReads;
  server.say("i1", invite(1n, 5_000));
  await pass();
  expect(server.presentReads).toBe(before + 1);
  expect(session.state.invitations).toMatchObject([{ ticket: 1n, deadlineMs: 5_000, properties: { interactionId: "i1" } }]);
  release();
  await pass();
  expect(session.state.invitations).toHaveLength(1);
});

test("a late read brings no revoked offer back, and takes no new one away", async () => {
  session.start();
  await pass();
  const seen: bigint[][] = [];
  session.subscribe(() => seen.push(session.state.invitations.map((offer) => offer.ticket)));
  const release = server.holdPresent();
  server.say("i1", invite(1n, 0));
  await pass(); // the read that contains the first offer is under way
  server.say("i1", { case: "eventRevoked", value: { ticket: 1n } as never });
  server.say("i2", invite(3n, 0));
  await pass();
  expect(seen.at(-1)).toEqual([3n]);
  seen.length = 0;
  release();
  await pass();
  expect(new Set(seen.map(String))).toEqual(new Set(["3"]));
});

test("lines arrive in their order, once, and are pending until they are there", async () => {
  server.interactions = ["i1"];
  session.start();
  await pass();
  server.mishaps.push("answer lost", "not done");
  const said = [session.addLine("i1", "one"), session.addLine("i1", "two"), session.addLine("i1", "three")];
  await pass();
  expect(session.state.conversations.get("i1")?.pending.map((pending) => pending.line.text)).toContain("two");
  await pass(5_000);
  await Promise.all(said);
  expect(texts()).toEqual(["one", "two", "three"]);
  expect(session.state.conversations.get("i1")?.pending).toEqual([]);
});

test("of a long conversation the end is there, and the rest when it is asked for", async () => {
  server.interactions = ["i1"];
  server.portion = 3;
  ["0", "1", "2", "3", "4", "5", "6", "7"].forEach((text) => server.say("i1", line(text)));
  session.start();
  await pass();
  const conversation = () => session.state.conversations.get("i1");
  const earlier = async (...want: [boolean, boolean, string]) => {
    const reading = session.loadEarlierLines("i1");
    await pass();
    await reading;
    expect([conversation()?.more, conversation()?.trimmed, texts()?.join("")]).toEqual(want);
  };
  expect([conversation()?.more, texts()]).toEqual([true, ["5", "6", "7"]]);
  server.say("i1", line("8"));
  await pass();
  await earlier(true, false, "2345678");
  server.oldest = 2n; // "0" is gone
  await earlier(true, false, "12345678");
  await earlier(false, true, "12345678");
});

test("lines that were lost while away leave no gap", async () => {
  server.interactions = ["i1"];
  server.portion = 3;
  server.say("i1", line("0"));
  session.start();
  await pass();
  ["1", "2", "3", "4", "5"].forEach((text) => server.say("i2", line(text)));
  await pass(); // as if these had not come
  server.journal.forEach((event) => (event.interactionId = "i1"));
  const reading = session.loadConversation("i1");
  await pass();
  await reading;
  expect(texts()).toEqual(["3", "4", "5"]);
  expect(session.state.conversations.get("i1")?.more).toBe(true);
});

test("what was said while the agent did not have it is there when he gets it", async () => {
  session.start();
  await pass();
  const unheard = async (text: string) => {
    server.say("i2", line(text));
    await pass(); // lines are told to those alone who have the interaction
    server.journal.forEach((event) => (event.interactionId = "i1"));
  };
  const has = async (...interactions: string[]) => {
    server.interactions = interactions;
    await session.refresh();
    await pass();
  };
  await unheard("before");
  await session.loadConversation("i1"); // it is offered, and its card shows what was said
  expect(texts()).toEqual(["before"]);
  await unheard("while it is offered");
  await has("i1");
  expect(texts()).toEqual(["before", "while it is offered"]);
  await has();
  await unheard("while it is in a workbin");
  await has("i1");
  expect(texts()).toEqual(["before", "while it is offered", "while it is in a workbin"]);
});

test("a line never stands beside its pending one", async () => {
  server.interactions = ["i1"];
  session.start();
  await pass();
  let doubled = false;
  session.subscribe(() => {
    const conversation = session.state.conversations.get("i1");
    doubled ||= (conversation?.lines.length ?? 0) + (conversation?.pending.length ?? 0) > 1;
  });
  await session.addLine("i1", "one");
  await pass();
  expect(texts()).toEqual(["one"]);
  expect(doubled).toBe(false);
});

test("a refused line stays until the agent decides", async () => {
  server.interactions = ["i1"];
  session.start();
  await pass();
  server.mishaps.push(refusal(ErrorCode.TOO_LARGE, "TooLarge", "too long"));
  await expect(session.addLine("i1", "one")).rejects.toThrow("too long");
  const [refused] = session.state.conversations.get("i1")!.pending;
  expect(refused?.error?.code).toBe(ErrorCode.TOO_LARGE);
  session.settleLine("i1", refused!.referenceId, "again");
  await pass();
  expect(texts()).toEqual(["one"]);
  expect(session.state.conversations.get("i1")!.pending).toEqual([]);
});

test("another window of the same kind takes over for good", async () => {
  session.start();
  await pass();
  server.say("", { case: "eventAgentConnectionClosed", value: { connectionKind: "desktop" } as never });
  await pass();
  server.cut("well");
  await pass(60_000);
  expect(session.state.link).toEqual({ state: "closed", why: "replaced" });
  expect(server.opened).toHaveLength(1);
});

test("a revoked credential ends the session", async () => {
  session.start();
  await pass();
  server.cut(refusal(ErrorCode.UNAUTHENTICATED, "Unauthenticated", "the credential was revoked or has expired"));
  await pass(60_000);
  expect(session.state.link).toMatchObject({ state: "closed", why: "revoked", error: { code: ErrorCode.UNAUTHENTICATED } });
  await expect(session.accept(1n)).rejects.toBeInstanceOf(UsherError);
});

test("a silent stream is given up", async () => {
  session.start();
  await pass();
  await pass(26_000);
  expect(server.opened.length).toBe(2);
  expect(session.state.link.state).toBe("connected");
});

test("lines ask for no present state", async () => {
  server.interactions = ["i1"];
  session.start();
  await pass();
  const before = server.presentReads;
  for (let n = 0; n < 20; n++) {
    server.say("i1", line(`line ${n}`));
  }
  await pass();
  expect(server.presentReads).toBe(before);
});

test("of a burst two reads at most are made, and what changed meanwhile is there", async () => {
  session.start();
  await pass();
  const before = server.presentReads;
  const release = server.holdPresent();
  for (let n = 0; n < 50; n++) {
    server.say("i1", { case: "eventPropertiesChanged", value: {} as never });
    await pass(); // each is heard by itself
  }
  expect(server.presentReads - before).toBe(1);
  server.interactions = ["i1"];
  release();
  await pass();
  expect(server.presentReads - before).toBe(2);
  expect(session.state.interactions.map((i) => i.interactionId)).toEqual(["i1"]);
});

test("messages that a read contains already ask for no other", async () => {
  session.start();
  await pass();
  const before = server.presentReads;
  for (let n = 0; n < 50; n++) {
    server.say("i1", { case: "eventPropertiesChanged", value: {} as never });
  }
  await pass();
  expect(server.presentReads - before).toBe(1);
});

test("who asks for the present state while it is read waits for the next read", async () => {
  session.start();
  await pass();
  const release = server.holdPresent();
  void session.refresh();
  await pass();
  server.interactions = ["i1"]; // not in the answer that is on its way
  let has: number | undefined;
  const refreshed = session.refresh().then(() => (has = session.state.interactions.length));
  await pass();
  expect(has).toBeUndefined();
  release();
  await pass();
  await refreshed;
  expect(has).toBe(1);
});

test("one read is under way at a time, whoever asks", async () => {
  session.start();
  await pass();
  const before = server.presentReads;
  const release = server.holdPresent();
  for (let n = 0; n < 5; n++) {
    void session.refresh();
  }
  await pass();
  expect(server.presentReads - before).toBe(1);
  release();
  await pass();
  expect(server.presentReads - before).toBe(2);
});

test("an agent who is asked is in the state as soon as the server has it, and nothing is read after that", async () => {
  server.interactions = ["i1"];
  session.start();
  await pass();
  const asked = () => session.state.interactions[0]?.invitations.map((open) => open.agentId);
  const answered = session.transfer("i1", "bob");
  await pass(); // the first read overtakes the request
  expect(asked()).toEqual([]);
  server.asked = ["bob"];
  await pass(250);
  expect(asked()).toEqual(["bob"]);
  const reads = server.presentReads;
  await pass(10_000);
  expect(server.presentReads).toBe(reads);
  server.transferred();
  await answered;
});

test("an invitation to what the agent does not have, or that was answered, is not looked for", async () => {
  server.interactions = ["i1"];
  session.start();
  await pass();
  const untouched = server.presentReads;
  const foreign = session.transfer("i2", "bob");
  await pass(10_000);
  expect(server.presentReads).toBe(untouched);
  server.transferred();
  await foreign;

  const own = session.transfer("i1", "bob");
  await pass();
  server.transferred();
  await own;
  const reads = server.presentReads;
  await pass(10_000);
  expect(server.presentReads).toBe(reads);
});
