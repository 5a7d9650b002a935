// What the agent does with his offers, his sessions and his state. Each act
// says its refusal at the place where it was asked for.
import { signal } from "@preact/signals";
import { codeOf, ErrorCode, randomId } from "@usher-cc/client";
import { Operation, ParticipantKind, VisibilityMode, type Workbin } from "@usher-cc/client/gen/common";
import { InteractionManagement } from "@usher-cc/client/gen/interaction_management";
import { WorkMode } from "@usher-cc/client/gen/routing";
import { tell } from "../common/toast.js";
import { now } from "../common/clock.js";
import { desk, expected, logOut } from "./desk.js";
import { goTo } from "./go.js";
import { kept } from "./kept.js";
import { type Asked, askedTo, type Ending, type InviteKind, isUnsent, type Offer, type Session } from "./model.js";
import { offerGone, offerRejected, sessionGone } from "./reduce.js";
import { forgetUnsent, notes, unsentOf } from "./sends.js";
import { change, look, nameOf, openOffers, state, view } from "./store.js";
import { at, inTurn, say, words } from "./trouble.js";
import { t } from "./text.js";

/** Where the refusals of an offer, of a session, and of everything else stand. */
export const offerPlace = (ticket: bigint) => `offer:${ticket}`;
export const sessionPlace = (id: string) => `session:${id}`;
export const statusPlace = "status";
export const binsPlace = "bins";

/** Offers that were accepted by themselves; once each. */
const answered = new Set<bigint>();

export function accept(offer: Offer): Promise<boolean> {
  return answering(offer, async () => {
    await desk().accept(offer.ticket);
    await desk().refresh();
    goTo(offer.interactionId);
  });
}

export function reject(offer: Offer, reason: string): Promise<boolean> {
  return answering(offer, async () => {
    await desk().reject(offer.ticket, reason);
    change((s) => offerRejected(s, offer, reason, desk().clock.now()));
  });
}

/** Answers an offer; it goes when that is done, and stays with an explanation if it came too late. */
function answering(offer: Offer, answer: () => Promise<unknown>): Promise<boolean> {
  expected.tickets.add(offer.ticket);
  return at(offerPlace(offer.ticket), async () => {
    try {
      await answer();
      change((s) => offerGone(s, offer.ticket)); // expected for good: the session may have it until it is read anew
    } catch (thrown) {
      expected.tickets.delete(offer.ticket);
      throw thrown;
    } finally {
      await desk().refresh();
    }
  });
}

// An agent with auto-answer is asked for nothing: his application accepts.
openOffers.subscribe((offers) => {
  const [next] = offers.filter((o) => o.invite.autoAnswer && !expected.tickets.has(o.ticket) && !answered.has(o.ticket));
  if (next) {
    answered.add(next.ticket);
    void accept(next);
  }
});

export function dismissOffer(offer: Offer): void {
  change((s) => offerGone(s, offer.ticket));
}

/** Dismisses all closed offers. */
export function dismissOffers(): void {
  change((s) => ({ ...s, offers: s.offers.filter((o) => !o.closed) }));
}

/** Does something by which the agent loses a session: its card goes, and a few words say where. */
function leaving(id: string, done: string, request: () => Promise<unknown>): Promise<boolean> {
  return inTurn(sessionPlace(id), async () => {
    expected.endings.set(id, ownEnding(Operation.LEAVE));
    try {
      await request();
    } finally {
      await desk().refresh();
      expected.endings.delete(id);
    }
    gaveAway(id);
    tell(done);
  });
}

const ownEnding = (operation: Operation): Ending => ({
  reason: "",
  by: { $typeName: "usher.v1.Participant", kind: ParticipantKind.AGENT, id: state.peek().agentId },
  operation,
  atMs: now.peek(),
});

/** A session was given away: its card goes, unless something stands there that was not sent. */
function gaveAway(id: string): void {
  const session = state.peek().sessions.find((s) => s.id === id);
  if (!unsentOf(id) && !session?.conversation?.pending.some(isUnsent)) {
    close(id);
  }
}

/**
 * Takes a session's card away, with all that was kept for it. Who looks at it
 * looks at another one then; who looks elsewhere already is left there.
 */
export function close(id: string): void {
  const { [id]: _, ...others } = notes.value;
  notes.value = others;
  forgetUnsent(id);
  change((s) => sessionGone(s, id));
  const seen = view.peek();
  if (seen.kind === "session" && seen.id === id) {
    const next = state.peek().sessions[0];
    look(next ? { kind: "session", id: next.id } : { kind: "idle" });
  }
}

export const leave = (id: string) => leaving(id, t("doneLeft"), () => desk().leave(id));

export const placeInQueue = (id: string, queue: string, reason: string) =>
  leaving(id, t("donePlaced", { to: queue }), () => desk().placeInQueue(id, queue, reason));

export const placeInWorkbin = (id: string, workbin: Workbin, reason: string) =>
  leaving(id, t("donePlaced", { to: workbin.name }), () =>
    desk().placeInWorkbin(id, { name: workbin.name, owner: workbin.owner }, reason),
  );

export const stop = (id: string, reason: string) => inTurn(sessionPlace(id), () => desk().stop(id, reason));

export const hold = (id: string) => inTurn(sessionPlace(id), () => desk().hold(id));

export const resume = (id: string) => inTurn(sessionPlace(id), () => desk().resume(id));

// ---- Invitations of colleagues ----

/** An invitation for whose outcome this window waits. */
interface Awaited extends Asked {
  referenceId: string;
  reason: string;
}

/** They are kept over a reload: the same request joins the one that is pending. */
const awaited = kept<Awaited[]>("asked", []);
const joined = new Set<string>();

/** Whom this agent has asked to come to a session, in this window or another. */
export const asked = (session: Session): Asked[] => askedTo(session, state.value.agentId, awaited.value);

/** Invites a colleague to a session. */
export function invite(kind: InviteKind, id: string, agentId: string, reason: string): void {
  const one = { referenceId: randomId(), kind, id, agentId, reason };
  awaited.value = [...awaited.value, one];
  void follow(one);
}

/** Goes on waiting for the invitations from before a reload. */
export function followAsked(): void {
  awaited.peek().forEach((one) => void follow(one));
}

async function follow(one: Awaited): Promise<void> {
  if (joined.has(one.referenceId)) {
    return;
  }
  joined.add(one.referenceId);
  const { referenceId, kind, id, agentId, reason } = one;
  const name = nameOf({ $typeName: "usher.v1.Participant", kind: ParticipantKind.AGENT, id: agentId });
  const outcome = async () => {
    if (kind === "transfer") {
      await desk().transfer(id, agentId, reason, referenceId);
      return;
    }
    const visibility = kind === "consult" ? VisibilityMode.COACH : VisibilityMode.CONFERENCE;
    await desk().conference(id, agentId, visibility, reason, referenceId);
  };
  try {
    if (kind === "transfer") {
      expected.endings.set(id, ownEnding(Operation.TRANSFER));
    }
    await outcome();
    if (kind === "transfer") {
      await desk().refresh();
      gaveAway(id);
      tell(t("doneTransferred", { name }));
    } else {
      tell(t("doneJoined", { name }));
    }
  } catch (thrown) {
    // Not by at(): taking it back may be under way at this place.
    if (codeOf(thrown) === ErrorCode.INVITATION_CANCELLED) {
      tell(t("errorInvitationCancelled", { name }));
    } else {
      say(sessionPlace(id), `${name}: ${words(thrown)}`);
    }
  } finally {
    expected.endings.delete(id);
    joined.delete(referenceId);
    awaited.value = awaited.value.filter((other) => other.referenceId !== referenceId);
  }
}

export const cancelInvitation = (one: Asked) =>
  inTurn(sessionPlace(one.id), () => desk().cancelInvitation(one.id, one.agentId));

// ---- Queues and workbins ----

export function pullFromQueue(queue: string): Promise<boolean> {
  return inTurn(binsPlace, async () => {
    const [pulled] = await desk().pull({ case: "queue", value: queue });
    if (!pulled) {
      throw new Error(t("nothingToPull", { queue }));
    }
    await desk().refresh();
    goTo(pulled.interactionId);
  });
}

export function pullFromWorkbin(workbin: Workbin, interactionId: string): Promise<boolean> {
  return inTurn(binsPlace, async () => {
    const source = { case: "workbin" as const, value: { name: workbin.name, owner: workbin.owner } };
    const [pulled] = await desk().pull(source, { interactionId });
    if (!pulled) {
      throw new Error(t("gonePulled"));
    }
    await desk().refresh();
    goTo(interactionId);
  });
}

// ---- The agent's own state ----

export const setReady = (mediaType: string, ready: boolean, reason = "") =>
  inTurn(statusPlace, () => (ready ? desk().ready(mediaType, reason) : desk().notReady(mediaType, reason)));

export const setWorkMode = (mode: WorkMode, reasonCode = 0, reason = "") =>
  inTurn(statusPlace, () => desk().setAgentState(mode, { reasonCode, reason }));

export const setDoNotDisturb = (on: boolean) => inTurn(statusPlace, () => desk().setDoNotDisturb(on));

/** The work mode in which the agent was last available. */
const lastMode = signal(WorkMode.AUTO_IN);

/** Lets everything come: do-not-disturb off, every media type ready, an available work mode. */
export function becomeAvailable(): Promise<boolean> {
  return inTurn(statusPlace, async () => {
    const status = state.peek().status;
    if (status?.doNotDisturb) {
      await desk().setDoNotDisturb(false);
    }
    if (status?.media.length === 0) {
      await takeUpMedia();
    }
    for (const media of status?.media.filter((m) => !m.ready) ?? []) {
      await desk().ready(media.mediaType);
    }
    if (status && status.workMode !== WorkMode.UNSPECIFIED && !isAvailableMode(status)) {
      await desk().setAgentState(lastMode.value);
    }
  });
}

/** Takes up the media that an agent may have, as login does: a supervisor who comes from his wall has none. */
async function takeUpMedia(): Promise<void> {
  const { mediaTypes } = await desk().directory();
  for (const mediaType of mediaTypes) {
    await desk().addMedia(mediaType, true);
  }
}

const isIn = (mode: WorkMode) => mode === WorkMode.AUTO_IN || mode === WorkMode.MANUAL_IN;
const isAvailableMode = (s: { workMode: WorkMode; pendingWorkMode: WorkMode }) =>
  isIn(s.workMode) && (s.pendingWorkMode === WorkMode.UNSPECIFIED || isIn(s.pendingWorkMode));

state.subscribe(({ status }) => {
  if (status && isIn(status.workMode)) {
    lastMode.value = status.workMode;
  }
});

/** Lets nothing come: AUX where there are work modes, else not ready for every media type, also for those that were not before. */
export function becomeUnavailable(reason: string, code: number): Promise<boolean> {
  return inTurn(statusPlace, async () => {
    const status = state.peek().status;
    if (status && status.workMode !== WorkMode.UNSPECIFIED) {
      await desk().setAgentState(WorkMode.AUX, { reasonCode: code, reason });
      return;
    }
    for (const { mediaType, ready } of status?.media ?? []) {
      await (ready ? desk().notReady(mediaType, reason) : desk().changeMediaReason(mediaType, reason));
    }
  });
}

export const logout = (reason: string, force: boolean) => inTurn(statusPlace, () => logOut(reason, force));

/** Reports how an ended session came out, and takes its card away. */
export function wrapUp(id: string, next: boolean): Promise<boolean> {
  const { disposition = "", note = "" } = notes.peek()[id] ?? {};
  return inTurn(sessionPlace(id), async () => {
    if (disposition || note) {
      await desk().request(InteractionManagement.method.customReporting, {
        name: "Disposition",
        interactionId: id,
        data: { disposition, note },
      });
    }
    close(id);
    if (next) {
      await becomeAvailable();
    }
  });
}
