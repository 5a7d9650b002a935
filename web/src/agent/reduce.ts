// How the window's state follows from what the session has (sync) and from the
// messages that say why (reduce). Pure: nothing is asked here.
import type { AgentState } from "@usher-cc/client";
import { type InteractionProperties, Operation, type Participant, ParticipantKind, VisibilityMode } from "@usher-cc/client/gen/common";
import type { Event } from "@usher-cc/client/gen/event";
import {
  closedOffersMax,
  customerOf,
  type Ending,
  lastNumber,
  type Offer,
  type Progress,
  type ProgressKey,
  progressMax,
  requestOf,
  type Session,
  type State,
  subjectOf,
} from "./model.js";

/** What a message makes of the state. */
export function reduce(state: State, event: Event): State {
  const { message } = event;
  switch (message.case) {
    case "eventRevoked":
      return message.value.ticket !== 0n
        ? offerClosed(state, message.value.ticket, endingOf(event, message.value.operation))
        : taken(state, event, message.value.operation);
    case "eventForcedAgentStateChange":
      return forced(state, event, message.value.status !== undefined);
    case "eventPartyAdded":
    case "eventPartyRemoved":
      return partyChanged(state, event);
    case "eventPropertiesChanged":
      return onlineChanged(state, event, message.value.properties?.["is_online"]);
    default:
      return state;
  }
}

/** What the agent himself has begun, so that its end needs no explanation. */
export interface Expected {
  /** Tickets that he is answering, or has answered. */
  tickets: ReadonlySet<bigint>;
  /** Why he is to lose an interaction. */
  endings: ReadonlyMap<string, Ending>;
}

/** The state as the session has it, over what is shown: what went meanwhile stays until it is dismissed. */
export function sync(state: State, has: AgentState, expected: Expected, nowMs: number): State {
  if (!has.known) {
    return state;
  }
  const unexplained: Ending = { reason: "", by: undefined, operation: Operation.UNSPECIFIED, atMs: nowMs };
  const tickets = new Set(has.invitations.map((i) => i.ticket));
  const ids = new Set(has.interactions.map((i) => i.interactionId));
  let next: State = {
    ...state,
    agentId: has.agentId,
    name: has.agentName,
    status: has.status,
    loggedOutBy: has.status ? undefined : state.loggedOutBy,
  };
  for (const properties of has.interactions) {
    next = began(next, properties, nowMs);
  }
  for (const invitation of has.invitations.filter((i) => !expected.tickets.has(i.ticket))) {
    next = invited(next, invitation, nowMs);
  }
  for (const offer of next.offers) {
    if (!offer.closed && !tickets.has(offer.ticket) && !expected.tickets.has(offer.ticket)) {
      next = offerClosed(next, offer.ticket, unexplained);
    }
  }
  for (const session of next.sessions) {
    if (!session.ended && !ids.has(session.id)) {
      next = ended(next, session.id, { ...(expected.endings.get(session.id) ?? unexplained), atMs: nowMs });
    }
  }
  return { ...next, sessions: next.sessions.map((s) => talked(s, has)) };
}

/** A session with what was said in it; what an ended one had stays. */
function talked(s: Session, has: AgentState): Session {
  const conversation = has.conversations.get(s.id) ?? s.conversation;
  return conversation === s.conversation ? s : { ...s, conversation };
}

export const endingOf = (event: Event, operation: Operation): Ending => ({
  reason: event.reason,
  by: event.actor,
  operation,
  atMs: Number(event.timeMs),
});

function told(state: State, atMs: number, key: ProgressKey, values: Progress["values"]): State {
  return { ...state, progress: inTime([...state.progress, { atMs, key, values }]) };
}

/** The latest lines of progress, in the order of their times: what is told late stands where it belongs. */
export const inTime = (all: readonly Progress[]): Progress[] => [...all].sort((a, b) => a.atMs - b.atMs).slice(-progressMax);

/** What progress says of an interaction. */
const valuesOf = (p: InteractionProperties | undefined) => ({
  media: p?.mediaType ?? "",
  customer: customerOf(p),
  request: subjectOf(p) || requestOf(p),
});

function invited(state: State, offer: Offer, nowMs: number): State {
  if (state.offers.some((o) => o.ticket === offer.ticket)) {
    return state;
  }
  const next = { ...state, offers: [...state.offers, offer] };
  return told(next, offer.sinceMs || nowMs, "progressAlerting", valuesOf(offer.properties));
}

/** An offer is no longer open. */
export function offerClosed(state: State, ticket: bigint, closed: Ending): State {
  const offer = state.offers.find((o) => o.ticket === ticket && (!o.closed || isUnexplained(o.closed)));
  if (!offer) {
    return state;
  }
  const all = state.offers.map((o) => (o === offer ? { ...o, closed } : o));
  const latest = all.filter((o) => o.closed).sort((a, b) => (b.closed?.atMs ?? 0) - (a.closed?.atMs ?? 0)).slice(0, closedOffersMax);
  const offers = all.filter((o) => !o.closed || latest.includes(o));
  const values = { ...valuesOf(offer.properties), reason: closed.reason };
  return told({ ...state, offers }, closed.atMs, "progressOfferClosed", values);
}

const isUnexplained = (e: Ending) => e.reason === "" && e.by === undefined;

/** Takes an offer away without a word: it was answered here, or dismissed. */
export const offerGone = (state: State, ticket: bigint): State => ({
  ...state,
  offers: state.offers.filter((o) => o.ticket !== ticket),
});

/** The agent has rejected an offer. */
export function offerRejected(state: State, offer: Offer, reason: string, nowMs: number): State {
  return told(offerGone(state, offer.ticket), Math.max(nowMs, offer.sinceMs), "progressRejected", { ...valuesOf(offer.properties), reason });
}

/** An interaction was taken from the agent, with whatever he had of it. */
function taken(state: State, event: Event, operation: Operation): State {
  const ending = endingOf(event, operation);
  const open = state.offers.filter((o) => o.interactionId === event.interactionId && !o.closed);
  const next = open.reduce((s, o) => offerClosed(s, o.ticket, ending), state);
  return ended(next, event.interactionId, ending);
}

/** A session has ended for the agent; its card stays. */
export function ended(state: State, id: string, ending: Ending): State {
  const session = state.sessions.find((s) => s.id === id && (!s.ended || isUnexplained(s.ended)));
  if (!session) {
    return state;
  }
  const next = inSession(state, id, (s) => ({ ...s, ended: ending }));
  const stopped = ending.operation === Operation.STOP;
  const key = !stopped ? "progressTaken" : byCustomer(ending) ? "progressDropped" : "progressDroppedBy";
  const values = { ...valuesOf(session.properties), reason: ending.reason, by: ending.by?.id ?? "" };
  return told(next, ending.atMs, key, values);
}

/** Whether the customer, or the media server in his place, ended it. */
export const byCustomer = (ending: Ending): boolean =>
  ending.by?.kind === ParticipantKind.CUSTOMER || ending.by?.kind === ParticipantKind.MEDIA;

/** Takes a session's card away. */
export const sessionGone = (state: State, id: string): State => ({
  ...state,
  sessions: state.sessions.filter((s) => s.id !== id),
});

/** The agent has an interaction, with these properties; one that ended here before begins anew. */
export function began(state: State, properties: InteractionProperties, nowMs: number): State {
  const id = properties.interactionId;
  const mine = properties.parties.find((party) => isAgent(party.participant, state.agentId));
  const session = state.sessions.find((s) => s.id === id);
  const offers = state.offers.filter((o) => o.interactionId !== id || o.closed);
  const fresh: Session = {
    id,
    properties,
    visibility: mine?.visibility ?? VisibilityMode.CONFERENCE,
    sinceMs: Number(mine?.sinceMs ?? nowMs),
    conversation: session?.conversation,
    readNumber: session?.readNumber ?? 0,
  };
  if (session && !session.ended) {
    return { ...state, offers, sessions: state.sessions.map((s) => (s === session ? fresh : s)) };
  }
  const sessions = [...state.sessions.filter((s) => s !== session), fresh];
  return told({ ...state, offers, sessions }, fresh.sinceMs, "progressConnected", valuesOf(properties));
}

const isAgent = (p: Participant | undefined, id: string) => p?.kind === ParticipantKind.AGENT && p.id === id;

/** Changes one session, if it is there. */
function inSession(state: State, id: string, change: (s: Session) => Session): State {
  return { ...state, sessions: state.sessions.map((s) => (s.id === id ? change(s) : s)) };
}

function partyChanged(state: State, event: Event): State {
  const { message } = event;
  if (message.case !== "eventPartyAdded" && message.case !== "eventPartyRemoved") {
    return state;
  }
  const { party, operation } = message.value;
  const session = state.sessions.find((s) => s.id === event.interactionId && !s.ended);
  if (!session || !party) {
    return state;
  }
  if (isAgent(party, state.agentId)) {
    return message.case === "eventPartyRemoved" ? ended(state, session.id, endingOf(event, operation)) : state;
  }
  const key = message.case === "eventPartyAdded" ? "progressJoined" : "progressLeft";
  return told(state, Number(event.timeMs), key, { ...valuesOf(session.properties), by: party.id });
}

function onlineChanged(state: State, event: Event, online: unknown): State {
  const session = state.sessions.find((s) => s.id === event.interactionId);
  if (!session || typeof online !== "boolean") {
    return state;
  }
  return told(state, Number(event.timeMs), online ? "progressOnline" : "progressOffline", valuesOf(session.properties));
}

function forced(state: State, event: Event, staysIn: boolean): State {
  const values = { reason: event.reason, by: event.actor?.kind === ParticipantKind.AGENT ? event.actor.id : "" };
  const loggedOutBy = staysIn ? state.loggedOutBy : endingOf(event, Operation.LOGOUT);
  return told({ ...state, loggedOutBy }, Number(event.timeMs), staysIn ? "progressForced" : "progressLoggedOut", values);
}

/** Everything said in a session has been seen. */
export const seen = (state: State, id: string): State =>
  inSession(state, id, (s) => ({ ...s, readNumber: Math.max(s.readNumber, lastNumber(s)) }));
