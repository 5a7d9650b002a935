// What the wall knows, and how it comes to know it: the supervisor's own
// session, the figures that are pushed, and the directory.
import { computed, signal } from "@preact/signals";
import { AgentSession, type AgentState, connect, follow, type Link, logOut, UsherError, whoIsLoggedIn } from "@usher-cc/client";
import { type EventDirectory, type EventStatistics, Statistics } from "@usher-cc/client/gen/statistics";
import { followClock } from "../common/clock.js";
import { read, write } from "../common/locale.js";
import { reasonIn } from "../common/reasons.js";
import { readThresholds, type Thresholds } from "./figures.js";
import { t } from "./text.js";
import { Refusal } from "./refusal.js";
import { type Known, nothing, takeIn } from "./watch.js";
import { refusalIn } from "./words.js";

export const connection = connect({ window: "supervisor" });

/** Who looks at the wall. */
export type Who =
  | { state: "asking" }
  /** Nobody: the words say why, if he was somebody before. */
  | { state: "out"; words?: string }
  /** He opened the wall somewhere else; the credential still holds. */
  | { state: "replaced" }
  | { state: "in" };

export const who = signal<Who>({ state: "asking" });
/** The figures of queues and the states of agents. */
export const known = signal<Known>(nothing);
/** How far the stream of figures is. */
export const watching = signal<Link>({ state: "connecting" });
/** What the supervisor has himself, as an agent. */
export const own = signal<AgentState | undefined>(undefined);
/** Queues, agents and reasons for pickers; undefined until it was read. */
export const directory = signal<EventDirectory | undefined>(undefined);

/** Who the supervisor is; known before his session is. */
const loggedIn = signal("");

/** The supervisor's own thresholds. */
export const thresholds = computed<Thresholds>(() => (stored.value, readThresholds(read(thresholdsKey()))));

const stored = signal(0);
const thresholdsKey = () => `usher.wall.thresholds.${loggedIn.value}`;

export function setThresholds(to: Thresholds): void {
  write(thresholdsKey(), JSON.stringify(to));
  stored.value++;
}

/** The supervisor's session; there is one while he is in. */
export let session: AgentSession;
let life = new AbortController();

/** Begins with the credential in the cookie, if there is one and it is a supervisor's. */
export async function begin(): Promise<void> {
  who.value = { state: "asking" };
  try {
    const login = await whoIsLoggedIn("supervisor");
    if (login?.role !== "supervisor") {
      who.value = login ? { state: "out", words: t("notSupervisor") } : { state: "out" };
      return;
    }
    loggedIn.value = login.agentId;
  } catch (thrown) {
    who.value = { state: "out", words: words(thrown) };
    return;
  }
  open();
}

function open(): void {
  life = new AbortController();
  known.value = nothing;
  const mine = new AgentSession(connection, { kind: "supervisor", name: t("title") });
  session = mine;
  followClock(() => mine.clock.now());
  mine.subscribe(() => {
    own.value = mine.state;
    const { link } = mine.state;
    if (link.state === "closed" && link.why !== "closed") {
      if (link.why === "replaced") {
        end();
        who.value = { state: "replaced" };
      } else {
        end(link.why === "revoked" ? t("revoked") : link.error && refusalWords(link.error));
      }
    }
  });
  mine.start();
  watchFigures(mine, life.signal);
}

/** Ends everything, and says why if there is something to say. */
export function end(words?: string): void {
  life.abort();
  session.close();
  who.value = words ? { state: "out", words } : { state: "out" };
}

/**
 * Leaves the wall. Whoever was made an agent by it, without media, is one no
 * more; an agent who has something, or a window of his own, stays one.
 */
export async function leave(): Promise<void> {
  const mine = own.value;
  if (mine?.status && mine.status.media.length === 0 && mine.interactions.length === 0) {
    await session.logout().catch(() => undefined);
  }
  end();
  await logOut("supervisor").catch(() => undefined);
}

function watchFigures(mine: AgentSession, signal: AbortSignal): void {
  let first = true;
  void follow<EventStatistics>({
    open: (here) => {
      first = true;
      return connection.stream(Statistics.method.watch, {}, here);
    },
    take: (message) => {
      mine.clock.heard(message.timeMs);
      known.value = takeIn(known.value, message, first);
      first = false;
      if (who.value.state === "asking") {
        who.value = { state: "in" };
        void readDirectory();
      }
    },
    link: (link) => {
      watching.value = link;
      if (link.state === "closed" && link.why === "refused") {
        end(t("notSupervisor"));
      }
    },
    ended: () => undefined,
    signal,
  });
}

/** Reads the directory anew. */
export async function readDirectory(): Promise<void> {
  try {
    directory.value = await session.directory();
  } catch {
    // Pickers then offer what they did; the request itself will say more.
  }
}

let entering: Promise<void> | undefined;

/**
 * Makes the supervisor an agent who is logged in, without media, as requests
 * about interactions demand it.
 */
export function enter(): Promise<void> {
  entering ??= logInAsAgent(session).finally(() => (entering = undefined));
  return entering;
}

async function logInAsAgent(mine: AgentSession): Promise<void> {
  await mine.known();
  if (!mine.state.status) {
    await mine.login({ media: [], reason: t("loginReason") });
  }
}

/** What was refused, in words. */
export function words(thrown: unknown): string {
  if (thrown instanceof Refusal) {
    return thrown.message;
  }
  const error = UsherError.from(thrown);
  return error.event ? t("refusal", { words: refusalWords(error) }) : t("unreachable");
}

/** Words of what went wrong, while nothing more is wrong than that: a lost connection is told of at the top. */
export const besides = (trouble: string | undefined): string | undefined => (watching.value.state === "reconnecting" ? undefined : trouble);

/** A refusal of the server in words. */
export const refusalWords = (error: UsherError): string => refusalIn(error, directory.value?.reasons ?? []);

/** A reason in words. */
export const reasonWords = (reason: string): string => reasonIn(reason, directory.value?.reasons);

/** An agent's name; his id if he has none or is not known. */
export const agentName = (agentId: string): string => known.value.agents.get(agentId)?.name || agentId;

/** The part of the address after #: which tab, and what is open in it. */
export const place = signal(parse());

function parse(): { tab: string; open: string } {
  const [tab = "", ...rest] = location.hash.slice(1).split("/");
  return { tab: tab || "queues", open: decodeURIComponent(rest.join("/")) };
}

addEventListener("hashchange", () => (place.value = parse()));

/** The address of a tab, and of what is open in it. */
export const address = (tab: string, open = ""): string => `#${tab}${open && `/${encodeURIComponent(open)}`}`;
