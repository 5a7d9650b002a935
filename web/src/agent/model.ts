// What the window knows of its agent: his status, what he is offered, and the
// sessions he has. All of it follows from the events (reduce.ts); it is never
// changed in place, so that signals notice.
import type { Conversation, Invitation, PendingLine } from "@usher-cc/client";
import type { Attachment, TranscriptLine } from "@usher-cc/client/gen/conversation";
import { LineKind, LineVisibility } from "@usher-cc/client/gen/conversation";
import {
  type InteractionProperties,
  Operation,
  type Participant,
  ParticipantKind,
  VisibilityMode,
} from "@usher-cc/client/gen/common";
import type { EventCurrentAgentStatus } from "@usher-cc/client/gen/event";
import { queueName } from "../common/queues.js";

/** Why an offer or a session is no longer there: a reason of the server's or in somebody's words, and who did it. */
export interface Ending {
  reason: string;
  by: Participant | undefined;
  operation: Operation;
  atMs: number;
}

/** An invitation. A closed one stays until it is dismissed, so that nothing vanishes. */
export interface Offer extends Invitation {
  closed?: Ending;
}

/** A line of a conversation. */
export interface Line {
  number: number;
  atMs: number;
  /** Who said it; a notice is nobody's. */
  by: "customer" | "me" | "agent" | "notice";
  name: string;
  text: string;
  attachment: Attachment | undefined;
  /** The customer does not see it. */
  agentsOnly: boolean;
}

/** An interaction of which the agent is a party, or was until it is dismissed. */
export interface Session {
  id: string;
  properties: InteractionProperties;
  /** How the agent is seen. */
  visibility: VisibilityMode;
  sinceMs: number;
  /** What was said; absent until it was read. */
  conversation: Conversation | undefined;
  /** The last line that the agent has seen. */
  readNumber: number;
  ended?: Ending;
}

export type InviteKind = "transfer" | "conference" | "consult";

/** A colleague whom this agent has asked to come to a session, and who has not answered yet. */
export interface Asked {
  kind: InviteKind;
  /** The session. */
  id: string;
  agentId: string;
  /** Since when, and when the server takes it back; absent until the server has it. */
  open?: { sinceMs: number; deadlineMs: number };
}

/** One line of progress, as a key of the texts and its values. */
export interface Progress {
  atMs: number;
  key: ProgressKey;
  values: Readonly<Record<string, string>>;
}

export type ProgressKey =
  | "progressAlerting"
  | "progressConnected"
  | "progressOfferClosed"
  | "progressRejected"
  | "progressJoined"
  | "progressLeft"
  | "progressDropped"
  | "progressDroppedBy"
  | "progressTaken"
  | "progressOffline"
  | "progressOnline"
  | "progressForced"
  | "progressLoggedOut";

export interface State {
  agentId: string;
  name: string;
  /** Absent while he is not logged in. */
  status: EventCurrentAgentStatus | undefined;
  /** Why the server logged him out, if it did. */
  loggedOutBy: Ending | undefined;
  offers: readonly Offer[];
  sessions: readonly Session[];
  /** The latest last. */
  progress: readonly Progress[];
}

/** The most closed offers that stay; what became of older ones stands in the progress. */
export const closedOffersMax = 5;

/** The most lines of progress that are kept. */
export const progressMax = 50;

export const nothing: State = {
  agentId: "",
  name: "",
  status: undefined,
  loggedOutBy: undefined,
  offers: [],
  sessions: [],
  progress: [],
};

/** The user data of an interaction as texts, for people, by key; lists and maps as JSON. */
export function userData(p: InteractionProperties | undefined): [key: string, text: string][] {
  const all = Object.entries(p?.userData ?? {}).sort(([a], [b]) => a.localeCompare(b));
  return all.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
}

function field(p: InteractionProperties | undefined, key: string): string {
  const value = p?.userData?.[key];
  return typeof value === "string" ? value : "";
}

/** The customer's name, or the best there is for it. */
export const customerOf = (p: InteractionProperties | undefined): string =>
  field(p, "customer_name") || field(p, "customer_id") || p?.externalId || p?.interactionId || "";

/** What it is about. */
export const subjectOf = (p: InteractionProperties | undefined): string => field(p, "subject");

/** What was asked for: the request type, else the queue, else the media type. */
export const requestOf = (p: InteractionProperties | undefined): string =>
  field(p, "request_type") || queueName(p?.queue ?? "") || p?.mediaType || "";

/** Since when the customer of an offer has waited for an agent; undefined where a colleague asks, who serves him. */
export function waitsSince({ invite, properties: p, sinceMs }: Offer): number | undefined {
  if (invite.operation === Operation.TRANSFER || invite.operation === Operation.CONFERENCE) {
    return undefined;
  }
  return Number((p?.lastAgent ? p.placedInQueueAtMs : p?.receivedAtMs) ?? 0) || sinceMs;
}

/** How long the customer waited for his first agent; undefined once another one has it, whose time alone is known. */
export const waitedMs = (p: InteractionProperties): number | undefined =>
  p.lastAgent === "" && p.assignedAtMs > p.receivedAtMs ? Number(p.assignedAtMs - p.receivedAtMs) : undefined;

/** Whether nobody would be left to serve the customer without this agent: coaches and monitors serve nobody. */
export const isOnlyAgent = (s: Session, agentId: string): boolean =>
  s.visibility === VisibilityMode.CONFERENCE &&
  !s.properties.parties.some(
    ({ participant, visibility }) =>
      participant?.kind === ParticipantKind.AGENT && participant.id !== agentId && visibility === VisibilityMode.CONFERENCE,
  );

/** Whom the agent has asked to come to a session: those whom the server knows of, and of others those who are not there. */
export function askedTo({ id, ended, properties }: Session, agentId: string, others: readonly Asked[]): Asked[] {
  const kindOf = (operation: Operation, visibility: VisibilityMode) =>
    operation === Operation.TRANSFER ? "transfer" : visibility === VisibilityMode.CONFERENCE ? "conference" : "consult";
  const open = properties.invitations
    .filter(({ inviter }) => inviter?.kind === ParticipantKind.AGENT && inviter.id === agentId)
    .map((one): Asked => ({
      kind: kindOf(one.operation, one.visibility),
      id,
      agentId: one.agentId,
      open: { sinceMs: Number(one.sinceMs), deadlineMs: Number(one.deadlineMs) },
    }));
  const sent = others.filter((one) => one.id === id && !open.some((o) => o.agentId === one.agentId));
  return ended ? [] : [...open, ...sent];
}

/** How many lines of a session the agent has not seen. */
export const unreadOf = (s: Session, agentId: string): number =>
  s.conversation?.lines.filter(
    ({ added }) => (added?.number ?? 0) > s.readNumber && added?.line?.kind !== LineKind.NOTICE && added?.author?.id !== agentId,
  ).length ?? 0;

/** The number of the last line. */
export const lastNumber = (s: Session): number => s.conversation?.lines.at(-1)?.added?.number ?? 0;

/** Whether the server has not said that it has a line. */
export const isUnsent = (line: PendingLine): boolean => line.sequence === undefined;

/** A line of a transcript, as this agent sees it. */
export function lineOf({ added, timeMs }: TranscriptLine, agentId: string): Line {
  const { line, author } = added ?? {};
  const by = () => {
    if (line?.kind === LineKind.NOTICE) {
      return "notice";
    }
    return author?.kind !== ParticipantKind.AGENT ? "customer" : author.id === agentId ? "me" : "agent";
  };
  return {
    number: added?.number ?? 0,
    atMs: Number(timeMs),
    by: by(),
    name: added?.authorName ?? "",
    text: line?.text ?? "",
    attachment: line?.attachment,
    agentsOnly: line?.visibility === LineVisibility.AGENTS,
  };
}
