// Reasons and refusals of the server in words for people.
import { type UsherError, ErrorCode } from "@usher-cc/client";
import type { Reason } from "@usher-cc/client/gen/administration";
import { t } from "./text.js";

type Key = Parameters<typeof t>[0];

/** The server's own reasons. */
const ownReasons: Record<string, Key> = {
  ACWTooLong: "reasonAcwTooLong",
  AfterCallWork: "stateAcw",
  Cancelled: "reasonCancelled",
  ConnectionLost: "reasonConnectionLost",
  CustomerLeft: "reasonCustomerLeft",
  DoNotDisturb: "reasonDoNotDisturb",
  Expired: "reasonExpired",
  HandlingTimeout: "reasonHandlingTimeout",
  InvitationTimeout: "reasonExpired",
  LoggedOut: "reasonLoggedOut",
  LogoutTime: "reasonLogoutTime",
  MediaRemoved: "reasonMediaRemoved",
  NotReady: "reasonNotReady",
  PendingWorkMode: "reasonPendingMode",
  Pulled: "reasonPulled",
  RONA: "reasonRona",
  TimedACW: "reasonTimedAcw",
};

/** A reason: one of the server's own, one that windows offer, or somebody's words. */
export function reasonIn(reason: string, offered: readonly Reason[]): string {
  const key = ownReasons[reason];
  return key ? t(key) : offered.find((other) => other.name === reason)?.label || reason;
}

const refusals: Partial<Record<ErrorCode, Key>> = {
  [ErrorCode.ABANDONED]: "errorAbandoned",
  [ErrorCode.AGENT_BUSY]: "errorAgentBusy",
  [ErrorCode.ALREADY_INVITED]: "errorAlreadyInvited",
  [ErrorCode.ALREADY_STOPPED]: "errorAlreadyStopped",
  [ErrorCode.CURSOR_EXPIRED]: "errorExpired",
  [ErrorCode.INVITATION_CANCELLED]: "errorInvitationCancelled",
  [ErrorCode.LOCKED]: "notLockable",
  [ErrorCode.NO_CAPACITY]: "errorNoCapacity",
  [ErrorCode.NOT_ANSWERED]: "errorNotAnswered",
  [ErrorCode.NOT_A_PARTY]: "errorNotAParty",
  [ErrorCode.NOT_LOGGED_IN]: "errorNotLoggedIn",
  [ErrorCode.NOT_READY]: "errorNotReady",
  [ErrorCode.TOO_MANY_REQUESTS]: "errorTooManyRequests",
  [ErrorCode.UNAUTHENTICATED]: "revoked",
  [ErrorCode.UNAVAILABLE]: "errorUnavailable",
  [ErrorCode.UNKNOWN_INTERACTION]: "errorUnknownInteraction",
};

/** Why something was refused; what has no words of the wall is told in the server's. */
export function refusalIn(error: UsherError, offered: readonly Reason[]): string {
  if (error.code === ErrorCode.REJECTED) {
    // The agent's reason stands at the end, in brackets.
    const reason = /\((.+)\)$/.exec(error.description)?.[1];
    return reason ? t("errorRejectedBecause", { reason: reasonIn(reason, offered) }) : t("errorRejected");
  }
  const key = refusals[error.code];
  return key ? t(key) : error.description;
}
