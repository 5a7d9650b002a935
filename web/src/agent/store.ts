// What the window shows, in signals: the agent's state, what is looked at, and
// what follows from both.
import { batch, computed, effect, signal } from "@preact/signals";
import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { InteractionPropertiesSchema, ParticipantKind, type Participant } from "@usher-cc/client/gen/common";
import { EventSchema } from "@usher-cc/client/gen/event";
import type { EventDirectory, AgentRow } from "@usher-cc/client/gen/statistics";
import type { Reason, ReasonKind } from "@usher-cc/client/gen/administration";
import { WorkMode } from "@usher-cc/client/gen/routing";
import { kept } from "./kept.js";
import { type Ending, nothing, type Offer, type Progress, type Session, type State, unreadOf } from "./model.js";
import { inTime, seen } from "./reduce.js";
import { t } from "./text.js";

/** What follows from events. */
export const state = signal<State>(nothing);

/** What the middle of the window shows. */
export type View = { kind: "idle" } | { kind: "session"; id: string } | { kind: "bins" };
export const view = kept<View>("view", { kind: "idle" });

/** Agents, queues, workbins, reasons; as they were when last read. */
export const directory = signal<EventDirectory | undefined>(undefined);

/** The open offers, the one that ends first first. */
export const openOffers = computed<Offer[]>(() =>
  state.value.offers.filter((o) => !o.closed).sort((a, b) => a.deadlineMs - b.deadlineMs),
);

/** The closed offers, the one that closed last first. */
export const closedOffers = computed<Offer[]>(() =>
  state.value.offers.filter((o) => o.closed).sort((a, b) => (b.closed?.atMs ?? 0) - (a.closed?.atMs ?? 0)),
);

/** The session that is looked at. */
export const current = computed<Session | undefined>(() => {
  const v = view.value;
  return v.kind === "session" ? state.value.sessions.find((s) => s.id === v.id) : undefined;
});

/** How many lines nobody has looked at, in all sessions. */
export const unread = computed(() => state.value.sessions.reduce((n, s) => n + unreadOf(s, state.value.agentId), 0));

/** The agent's sessions that go on. */
export const live = computed(() => state.value.sessions.filter((s) => !s.ended));

/** Whether something new may come for some media type. */
export const available = computed(() => {
  const s = state.value.status;
  if (!s || s.doNotDisturb || !s.media.some((m) => m.ready)) {
    return false;
  }
  const rests = [WorkMode.AUX, WorkMode.ACW];
  return !rests.includes(s.workMode) && !rests.includes(s.pendingWorkMode);
});

/** Whether something new may come for every media type: after RONA in one of them it may not. */
export const availableForAll = computed(() => available.value && state.value.status?.media.every((m) => m.ready) === true);

/** Changes the state. */
export function change(next: (state: State) => State): void {
  state.value = next(state.value);
}

/** Looks at something. */
export function look(to: View): void {
  view.value = to;
}

/** Looks at the session so far after the present one, around the end. */
export function lookAround(by: 1 | -1): void {
  const { sessions } = state.value;
  const at = sessions.findIndex((s) => s.id === current.value?.id);
  const next = sessions[(at + by + sessions.length) % sessions.length];
  if (next) {
    look({ kind: "session", id: next.id });
  }
}

/** The row of an agent in the directory. */
const agentRow = (id: string): AgentRow | undefined => directory.value?.agents.find((a) => a.agentId === id);

/** A participant by name, for people. */
export function nameOf(p: Participant | undefined): string {
  switch (p?.kind) {
    case ParticipantKind.AGENT:
      return p.id === state.value.agentId ? t("you") : agentRow(p.id)?.name || p.id;
    case ParticipantKind.CUSTOMER:
    case ParticipantKind.MEDIA:
      return t("theCustomer");
    case ParticipantKind.ROUTER:
      return t("theRouter");
    default:
      return t("theServer");
  }
}

/** The reasons of a kind that are offered. */
export const reasonsOf = (kind: ReasonKind): Reason[] => directory.value?.reasons.filter((r) => r.kind === kind) ?? [];

// What was said is seen when its session is looked at by somebody.
const watching = signal(document.visibilityState === "visible");
document.addEventListener("visibilitychange", () => (watching.value = document.visibilityState === "visible"));

/** The sessions in their order, and how far each was read, over a reload. */
const sessionsBefore = kept<{ id: string; readNumber: number }[]>("sessions", []);

effect(() => {
  const id = current.value?.id;
  if (id && watching.value && current.value && unreadOf(current.value, state.value.agentId) > 0) {
    change((s) => seen(s, id));
  }
});

effect(() => {
  const sessions = state.value.sessions.map(({ id, readNumber }) => ({ id, readNumber }));
  if (sessions.length > 0 && JSON.stringify(sessions) !== JSON.stringify(sessionsBefore.peek())) {
    sessionsBefore.value = sessions;
  }
});

/** How far a conversation was read before the page was loaded. */
export const readBefore = (id: string): number => sessionsBefore.peek().find((s) => s.id === id)?.readNumber ?? 0;

/** Cards of ended sessions, over a reload. */
interface KeptCard {
  properties: JsonValue;
  session: Pick<Session, "id" | "visibility" | "sinceMs">;
  ending: KeptEnding;
}

const endedCards = kept<KeptCard[]>("ended", []);

/** Offers, open or closed, over a reload; the invitation is in the event. */
interface KeptOffer {
  ticket: string;
  offer: Pick<Offer, "interactionId" | "deadlineMs" | "sinceMs">;
  properties: JsonValue | undefined;
  event: JsonValue;
  closed: KeptEnding | undefined;
}

const keptOffers = kept<KeptOffer[]>("offers", []);

/** The lines of progress, over a reload. */
const keptProgress = kept<readonly Progress[]>("progress", []);

type KeptEnding = Omit<Ending, "by"> & { by: [ParticipantKind, string] };

const keptEnding = (e: Ending): KeptEnding => ({ ...e, by: [e.by?.kind ?? 0, e.by?.id ?? ""] });

const endingOf = ({ by: [kind, id], ...e }: KeptEnding): Ending => ({
  ...e,
  by: kind ? { $typeName: "usher.v1.Participant", kind, id } : undefined,
});

const lenient = { ignoreUnknownFields: true };

function restoredOffers(): Offer[] {
  return keptOffers.peek().flatMap(({ ticket, offer, properties, event: json, closed }): Offer[] => {
    const event = fromJson(EventSchema, json, lenient);
    return event.message.case === "eventInvite"
      ? [{
          ...offer,
          ticket: BigInt(ticket),
          properties: properties === undefined ? undefined : fromJson(InteractionPropertiesSchema, properties, lenient),
          invite: event.message.value,
          event,
          ...(closed && { closed: endingOf(closed) }),
        }]
      : [];
  });
}

const restoredCards = (): Session[] =>
  endedCards.peek().map(({ session, properties, ending }) => ({
    ...session,
    properties: fromJson(InteractionPropertiesSchema, properties, lenient),
    conversation: undefined,
    readNumber: readBefore(session.id),
    ended: endingOf(ending),
  }));

/**
 * Puts back what a reload took away: cards of ended sessions, offers, progress.
 * Then it takes what the server has, as one change: what is kept follows from
 * the state, so that nothing may see it half restored.
 */
export function restore(take: () => void): void {
  batch(() => {
    const before = sessionsBefore.peek();
    const progress = keptProgress.peek();
    change((s) => ({
      ...s,
      sessions: [...restoredCards().filter((c) => !s.sessions.some((has) => has.id === c.id)), ...s.sessions],
      offers: [...restoredOffers().filter((o) => !s.offers.some((has) => has.ticket === o.ticket)), ...s.offers],
    }));
    take();
    const place = ({ id }: Session) => {
      const at = before.findIndex((b) => b.id === id);
      return at < 0 ? before.length : at;
    };
    const told = (p: Progress) => progress.some((b) => b.key === p.key && JSON.stringify(b.values) === JSON.stringify(p.values));
    change((s) => ({
      ...s,
      sessions: [...s.sessions].sort((a, b) => place(a) - place(b)),
      progress: inTime([...progress, ...s.progress.filter((p) => !told(p))]),
    }));
  });
}

/** Keeps the cards of ended sessions, offers and progress, once those of before are back. */
export function keepCards(): () => void {
  return effect(() => {
    const { sessions, offers, progress } = state.value;
    endedCards.value = sessions.flatMap(({ id, visibility, sinceMs, properties, ended }) =>
      ended
        ? [{
            properties: toJson(InteractionPropertiesSchema, properties),
            session: { id, visibility, sinceMs },
            ending: keptEnding(ended),
          }]
        : [],
    );
    keptOffers.value = offers.map(({ ticket, interactionId, deadlineMs, sinceMs, properties, event, closed }) => ({
      ticket: String(ticket),
      offer: { interactionId, deadlineMs, sinceMs },
      properties: properties && toJson(InteractionPropertiesSchema, properties),
      event: toJson(EventSchema, event),
      closed: closed && keptEnding(closed),
    }));
    keptProgress.value = progress;
  });
}
