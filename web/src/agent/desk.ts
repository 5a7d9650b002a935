// The desk: the connection of this window to the server. It logs in and out,
// follows the agent's session, and gives the window's state what it hears.
import { effect, signal } from "@preact/signals";
import { AgentSession, type AgentState, type Closed, connect, type Link, logIn as logInWindow, logOut as logOutWindow, whoIsLoggedIn } from "@usher-cc/client";
import type { Event } from "@usher-cc/client/gen/event";
import { followClock } from "../common/clock.js";
import { forget, keepFor } from "./kept.js";
import { type Ending, nothing } from "./model.js";
import { reduce, sync } from "./reduce.js";
import { change, directory, keepCards, readBefore, restore, state } from "./store.js";

/** How far the window is. */
export type Stage =
  /** Nobody is logged in here. */
  | "login"
  /** The session is being opened. */
  | "opening"
  /** The agent is at work, or logged out while his credential still holds. */
  | "desk"
  /** Another window has taken over. */
  | "replaced"
  /** The server refuses the session. */
  | "refused";

export const stage = signal<Stage>("opening");

/** How far the connection is. */
export const link = signal<Link>({ state: "connecting" });

/** The tenant, from ?tenant=; empty for the usual one. */
export const tenant = new URLSearchParams(location.search).get("tenant") ?? "";

/** The window's way to the server. */
export const connection = connect({ window: "agent" });

let session: AgentSession | undefined;
const listeners = new Set<(event: Event) => void>();

/** Tickets that are, or were, answered here, and why interactions are about to go. */
export const expected = { tickets: new Set<bigint>(), endings: new Map<string, Ending>() };

/** The agent's session. */
export function desk(): AgentSession {
  if (!session) {
    throw new Error("there is no session");
  }
  return session;
}

/** Calls back with each message of the server, over all sessions of this window. */
export const onEvent = (listener: (event: Event) => void): void => void listeners.add(listener);

/** Opens the session of the agent whose credential the browser has. */
export function open(): void {
  session?.close();
  const mine = new AgentSession(connection, { name: "Agent Control Window" });
  session = mine;
  stage.value = "opening";
  followClock(() => mine.clock.now());
  let synced = false;
  const later = () => {
    if (!synced) {
      synced = true;
      queueMicrotask(() => {
        synced = false;
        if (session === mine) {
          take(mine.state);
        }
      });
    }
  };
  mine.subscribe(later);
  mine.onEvent((event) => {
    change((s) => reduce(s, event));
    listeners.forEach((listener) => listener(event));
  });
  mine.start();
}

let keeping: (() => void) | undefined;

/** Takes what the session has into the window's state. */
function take(has: AgentState): void {
  link.value = has.link;
  if (has.link.state === "closed") {
    closed(has.link.why);
    return;
  }
  if (!has.known) {
    return;
  }
  if (stage.peek() === "opening") {
    keepFor(has.agentId);
    restore(() => takeState(has));
    keeping ??= keepCards();
    const cards = state.peek().sessions.filter((s) => s.ended);
    cards.forEach((s) => void desk().loadConversation(s.id).catch(() => undefined)); // a card without it is one, too
    stage.value = "desk";
    void readDirectory();
    return;
  }
  takeState(has);
}

function takeState(has: AgentState): void {
  change((s) => {
    const next = sync(s, has, expected, desk().clock.now());
    const sessions = next.sessions.map((x) => (x.readNumber > 0 ? x : { ...x, readNumber: readBefore(x.id) }));
    return { ...next, sessions };
  });
}

function closed(why: Closed): void {
  if (why !== "closed") {
    const stages: Partial<Record<Closed, Stage>> = { replaced: "replaced", revoked: "login" };
    stage.value = stages[why] ?? "refused";
  }
}

/** Opens the session if the browser has a credential, else asks for one. */
export async function begin(): Promise<void> {
  try {
    if (await whoIsLoggedIn("agent")) {
      open();
    } else {
      stage.value = "login";
    }
  } catch {
    open(); // it says what is wrong, and goes on when that is over
  }
}

/** Reads who and what there is: names, queues, workbins, reasons. */
export async function readDirectory(mediaType = ""): Promise<void> {
  try {
    directory.value = await desk().directory(mediaType);
  } catch {
    // It is shown as it was, and read again when it is asked for.
  }
}

/** Exchanges id and password for the window's cookie, and opens the session. */
export async function logIn(agentId: string, password: string): Promise<void> {
  await logInWindow({ window: "agent", tenantId: tenant, agentId, password });
  open();
}

/** Logs the agent in at the switchboard: where he sits and with what media; ready for none yet. */
export async function takeSeat(place: string, extension: string): Promise<void> {
  const { mediaTypes } = await desk().directory();
  const media = mediaTypes.map((mediaType) => ({ mediaType, ready: false }));
  await desk().login({ place, extension, media });
  await readDirectory();
}

/** Ends everything: the agent's login, the credential, and what the window keeps. */
export async function logOut(reason: string, force: boolean): Promise<void> {
  if (state.peek().status) {
    await desk().logout({ reason, force });
  }
  session?.close();
  session = undefined;
  await logOutWindow("agent");
  keeping?.();
  keeping = undefined;
  forget();
  change(() => nothing);
  stage.value = "login";
}

// What there is may have changed while the connection was lost.
effect(() => {
  if (link.value.state === "connected" && stage.peek() === "desk") {
    void readDirectory();
  }
});
