// All that the agent can do, once: the palette lists it, keys and buttons run
// it, the help tells it.
import { VisibilityMode } from "@usher-cc/client/gen/common";
import { WorkMode } from "@usher-cc/client/gen/routing";
import * as acts from "./acts.js";
import { askForNotifications, muted, notifications, setMuted } from "./attention.js";
import { show } from "./dialogs.js";
import { focus, goAround, goTo } from "./go.js";
import { type InviteKind, isOnlyAgent, type Session } from "./model.js";
import { availableForAll, closedOffers, current, look, openOffers, state } from "./store.js";
import { t } from "./text.js";

export interface Command {
  id: string;
  /** The key: alone outside of text fields, and with Alt everywhere. */
  key?: string;
  /** What can't be undone: its key works only with Alt. */
  final?: true;
  label: string;
  group: string;
  /** Whether it can be done now. */
  when: () => boolean;
  run: () => void;
}

const always = () => true;
const loggedIn = () => state.value.status !== undefined;
const hasModes = () => (state.value.status?.workMode ?? WorkMode.UNSPECIFIED) !== WorkMode.UNSPECIFIED;

/** The session that is looked at, if it goes on. */
export const here = (): Session | undefined => (current.value?.ended ? undefined : current.value);

/** Whether the agent may act in it: a monitor or coach only looks, or helps. */
const acting = () => {
  const s = here();
  return s !== undefined && s.visibility === VisibilityMode.CONFERENCE;
};

const on = (run: (s: Session) => void) => () => {
  const s = here();
  if (s) {
    run(s);
  }
};

/** Leaves a session, after a question if the customer were then without an agent. */
const leave = (s: Session) => (isOnlyAgent(s, state.peek().agentId) ? show({ kind: "leave", id: s.id }) : void acts.leave(s.id));

/** The commands, in the order of the help. */
export function commands(): Command[] {
  return [...offers(), ...sessions(), ...ownState(), ...windowCommands()];
}

function offers(): Command[] {
  const group = t("groupOffers");
  const first = () => openOffers.value[0];
  const some = () => first() !== undefined;
  return [
    { id: "accept", key: "a", label: t("accept"), group, when: some, run: () => void acts.accept(first()!) },
    { id: "reject", key: "r", label: t("reject"), group, when: some, run: () => show({ kind: "reject", ticket: first()!.ticket }) },
    { id: "dismiss", key: "f", label: t("dismissOffers"), group, when: () => closedOffers.value.length > 0, run: acts.dismissOffers },
  ];
}

function sessions(): Command[] {
  const group = t("groupSession");
  const held = () => here()?.properties.isHeld === true;
  const others = () => state.value.sessions.length > 1;
  const lastAsked = () => current.value && acts.asked(current.value).at(-1);
  const invite = (how: InviteKind) => on((s) => show({ kind: "invite", how, id: s.id }));
  return [
    { id: "write", key: "w", label: t("write"), group, when: () => here() !== undefined, run: () => focus("compose") },
    { id: "next", key: "j", label: t("nextSession"), group, when: others, run: () => goAround(1) },
    { id: "previous", key: "k", label: t("previousSession"), group, when: others, run: () => goAround(-1) },
    { id: "transfer", key: "t", label: t("transfer"), group, when: acting, run: invite("transfer") },
    { id: "conference", key: "c", label: t("conference"), group, when: acting, run: invite("conference") },
    { id: "consult", key: "o", label: t("consult"), group, when: acting, run: invite("consult") },
    { id: "takeBack", key: "z", label: t("takeBackOffer"), group, when: () => lastAsked() !== undefined, run: () => void acts.cancelInvitation(lastAsked()!) },
    { id: "queue", key: "q", label: t("toQueue"), group, when: acting, run: on((s) => show({ kind: "queue", id: s.id })) },
    { id: "workbin", key: "b", label: t("toWorkbin"), group, when: acting, run: on((s) => show({ kind: "workbin", id: s.id })) },
    { id: "hold", key: "h", label: t("hold"), group, when: () => acting() && !held(), run: on((s) => void acts.hold(s.id)) },
    { id: "resume", key: "h", label: t("resume"), group, when: () => acting() && held(), run: on((s) => void acts.resume(s.id)) },
    { id: "data", key: "u", label: t("editData"), group, when: acting, run: on((s) => show({ kind: "userData", id: s.id })) },
    { id: "leave", key: "l", final: true, label: t("leave"), group, when: () => here() !== undefined, run: on(leave) },
    { id: "stop", key: "s", final: true, label: t("stop"), group, when: acting, run: on((s) => show({ kind: "stop", id: s.id })) },
    { id: "done", key: "e", final: true, label: t("wrapUpDone"), group, when: () => current.value?.ended !== undefined, run: () => void acts.wrapUp(current.value!.id, false) },
  ];
}

function ownState(): Command[] {
  const group = t("groupState");
  const mode = (to: WorkMode) => () => void acts.setWorkMode(to);
  return [
    { id: "available", key: "y", label: t("becomeAvailable"), group, when: () => loggedIn() && !availableForAll.value, run: () => void acts.becomeAvailable() },
    { id: "away", key: "n", label: t("becomeUnavailable"), group, when: loggedIn, run: () => show({ kind: "away" }) },
    { id: "autoIn", label: t("modeAutoIn"), group, when: hasModes, run: mode(WorkMode.AUTO_IN) },
    { id: "manualIn", label: t("modeManualIn"), group, when: hasModes, run: mode(WorkMode.MANUAL_IN) },
    { id: "acw", label: t("modeAcw"), group, when: hasModes, run: mode(WorkMode.ACW) },
    { id: "dnd", key: "d", label: t("doNotDisturbOn"), group, when: () => state.value.status?.doNotDisturb === false, run: () => void acts.setDoNotDisturb(true) },
    { id: "dndOff", key: "d", label: t("doNotDisturbOff"), group, when: () => state.value.status?.doNotDisturb === true, run: () => void acts.setDoNotDisturb(false) },
    { id: "logout", key: "x", final: true, label: t("logOut"), group, when: always, run: () => show({ kind: "logout" }) },
  ];
}

function windowCommands(): Command[] {
  const group = t("groupWindow");
  return [
    { id: "bins", key: "g", label: t("bins"), group, when: loggedIn, run: () => look({ kind: "bins" }) },
    { id: "pull", key: "p", label: t("pullFromQueue"), group, when: loggedIn, run: () => show({ kind: "pull" }) },
    { id: "idle", key: "i", label: t("idlePage"), group, when: always, run: () => look({ kind: "idle" }) },
    { id: "mute", key: "m", label: muted.value ? t("unmute") : t("mute"), group, when: always, run: () => setMuted(!muted.peek()) },
    { id: "notify", label: t("allowNotifications"), group, when: () => notifications.value === "default", run: () => void askForNotifications() },
    { id: "help", key: "?", label: t("help"), group, when: always, run: () => show({ kind: "help" }) },
  ];
}

/** Runs a command if it can be done now; tells whether it could. */
export function run(id: string): boolean {
  const command = commands().find((c) => c.id === id && c.when());
  command?.run();
  return command !== undefined;
}

/** The key of a command, for hints. */
export const keyOf = (id: string): string | undefined => commands().find((c) => c.id === id)?.key;

/** Looks at the session with this number, from 1. */
export function lookAt(number: number): boolean {
  const session = state.value.sessions[number - 1];
  if (session) {
    goTo(session.id);
  }
  return session !== undefined;
}

