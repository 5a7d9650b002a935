// What the window shows, in signals: the agent's state, what is looked at, and
// what follows from both.
import { computed, effect, signal } from "@preact/signals";
import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { InteractionPropertiesSchema, ParticipantKind, type Participant } from "@usher-cc/client/gen/common";
import type { EventDirectory, AgentRow } from "@usher-cc/client/gen/statistics";
import { type Reason, ReasonKind } from "@usher-cc/client/gen/administration";
import { WorkMode } from "@usher-cc/client/gen/routing";
import { kept } from "./kept.js";
import { nothing, type Offer, type Session, type State, unreadOf } from "./model.js";
import { seen } from "./reduce.js";
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
export const agentRow = (id: string): AgentRow | undefined => directory.value?.agents.find((a) => a.agentId === id);

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

/** A reason of AUX by its code, for people. */
export function auxLabel(code: number): string {
  const reason = reasonsOf(ReasonKind.AUX).find((r) => r.code === code);
  return reason ? reason.label || reason.name : code > 0 ? String(code) : "";
}

// What was said is seen when its session is looked at by somebody.
const watching = signal(document.visibilityState === "visible");
document.addEventListener("visibilitychange", () => (watching.value = document.visibilityState === "visible"));

/** How far each conversation was read, over a reload. */
const readUpTo = kept<Record<string, number>>("read", {});

effect(() => {
  const id = current.value?.id;
  if (id && watching.value && current.value && unreadOf(current.value, state.value.agentId) > 0) {
    change((s) => seen(s, id));
  }
});

effect(() => {
  const numbers = Object.fromEntries(state.value.sessions.map((s) => [s.id, s.readNumber]));
  if (state.value.sessions.length > 0 && JSON.stringify(numbers) !== JSON.stringify(readUpTo.peek())) {
    readUpTo.value = numbers;
  }
});

/** How far a conversation was read before the page was loaded. */
export const readBefore = (id: string): number => readUpTo.peek()[id] ?? 0;

/** Cards of ended sessions, over a reload. */
interface KeptCard {
  properties: JsonValue;
  session: Pick<Session, "id" | "visibility" | "sinceMs">;
  ending: { reason: string; by: [ParticipantKind, string]; operation: number; atMs: number };
}

export const endedCards = kept<KeptCard[]>("ended", []);

/** Puts the cards of ended sessions back that a reload took away. */
export function restoreCards(): void {
  const cards = endedCards.peek().map((card): Session => ({
    ...card.session,
    properties: fromJson(InteractionPropertiesSchema, card.properties, { ignoreUnknownFields: true }),
    conversation: undefined,
    readNumber: readBefore(card.session.id),
    ended: {
      ...card.ending,
      by: { $typeName: "usher.v1.Participant", kind: card.ending.by[0], id: card.ending.by[1] },
    },
  }));
  change((s) => ({ ...s, sessions: [...cards.filter((c) => !s.sessions.some((has) => has.id === c.id)), ...s.sessions] }));
}

/** Keeps the cards of ended sessions, once those of before are back. */
export function keepCards(): () => void {
  return effect(() => {
    endedCards.value = state.value.sessions.flatMap(({ id, visibility, sinceMs, properties, ended }) =>
      ended
        ? [{
            properties: toJson(InteractionPropertiesSchema, properties),
            session: { id, visibility, sinceMs },
            ending: { ...ended, by: [ended.by?.kind ?? 0, ended.by?.id ?? ""] as [ParticipantKind, string] },
          }]
        : [],
    );
  });
}
