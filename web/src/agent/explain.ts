// Why an offer or a session is no longer there, in words.
import { ReasonKind } from "@usher-cc/client/gen/administration";
import { Operation, ParticipantKind, VisibilityMode } from "@usher-cc/client/gen/common";
import { reasonIn } from "../common/reasons.js";
import type { Ending, Offer, Progress, Session } from "./model.js";
import { byCustomer } from "./reduce.js";
import { directory, nameOf, reasonsOf, state } from "./store.js";
import { t } from "./text.js";

type Key = Parameters<typeof t>[0];

/** The server's own reasons for taking an offer back. */
const offerReasons: Record<string, Key> = {
  Expired: "offerExpired",
  RONA: "offerExpired",
  Cancelled: "offerCancelled",
  Pulled: "offerPulled",
  DoNotDisturb: "offerYouUnavailable",
  NotReady: "offerYouUnavailable",
  MediaRemoved: "offerYouUnavailable",
  LoggedOut: "offerYouUnavailable",
  ConnectionLost: "offerConnectionLost",
};

/** A reason for people. */
export const reasonWords = (reason: string): string => reasonIn(reason, directory.value?.reasons);

/** Why an agent is in AUX: the reason that is offered with the code, else the server's own, else the code. */
export function auxWords(code: number, reason: string): string {
  const offered = reasonsOf(ReasonKind.AUX).find((r) => r.code === code);
  return offered?.label || offered?.name || reasonWords(reason) || t("codeIs", { code });
}

/** A line of progress in words. */
export function progressWords({ key, values }: Progress): string {
  const by = values.by ? nameOf({ $typeName: "usher.v1.Participant", kind: ParticipantKind.AGENT, id: values.by }) : t("theServer");
  return t(key, { ...values, by, reason: reasonWords(values.reason ?? "") });
}

/** Why an offer is closed. */
export function offerEnding({ closed }: Offer): string {
  if (!closed) {
    return "";
  }
  const values = { name: nameOf(closed.by), reason: reasonWords(closed.reason) };
  const key = offerReasons[closed.reason];
  if (key) {
    return t(key, values);
  }
  if (closed.operation === Operation.STOP) {
    return t(byCustomer(closed) ? "offerCustomerLeft" : "offerStopped", values);
  }
  return closed.by ? t("offerTaken", values) : t("offerElsewhere");
}

const sessionReasons: Record<string, Key> = {
  HandlingTimeout: "endedHandlingTimeout",
  ConnectionLost: "endedConnectionLost",
};

/** Why a session has ended for this agent. */
export function sessionEnding({ ended, visibility }: Session): string {
  if (!ended) {
    return "";
  }
  const values = { name: nameOf(ended.by), reason: reasonWords(ended.reason) };
  const key = sessionReasons[ended.reason];
  if (key) {
    return t(key, values);
  }
  if (ended.operation === Operation.STOP) {
    return stopped(ended, values);
  }
  if (ended.by?.kind === ParticipantKind.AGENT && ended.by.id === state.value.agentId) {
    return t("errorNotAParty");
  }
  const helped = visibility === VisibilityMode.COACH || visibility === VisibilityMode.MONITOR;
  if (helped && ended.operation === Operation.LEAVE && ended.by) {
    return t(visibility === VisibilityMode.COACH ? "endedCoaching" : "endedMonitoring", values);
  }
  return ended.by ? t("endedTaken", values) : t("endedElsewhere");
}

function stopped(ended: Ending, values: { name: string; reason: string }): string {
  if (byCustomer(ended)) {
    return t("endedByCustomer");
  }
  const mine = ended.by?.kind === ParticipantKind.AGENT && ended.by.id === state.value.agentId;
  if (ended.reason === "" || ended.reason === "Stopped") {
    return t(mine ? "endedByYou" : "endedByAgent", values);
  }
  return t(mine ? "endedByYouBecause" : "endedByAgentBecause", values);
}

/** Whether a session is to be wrapped up: its interaction was stopped. */
export const isStopped = (s: Session): boolean => s.ended?.operation === Operation.STOP;
