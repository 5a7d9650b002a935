// Refusals of the server in words for people.
import { type UsherError, ErrorCode } from "@usher-cc/client";
import type { Reason } from "@usher-cc/client/gen/administration";
import { reasonIn } from "../common/reasons.js";
import { t } from "./text.js";

type Key = Parameters<typeof t>[0];

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
  [ErrorCode.REJECTED]: "errorRejected",
  [ErrorCode.TOO_MANY_REQUESTS]: "errorTooManyRequests",
  [ErrorCode.UNAUTHENTICATED]: "revoked",
  [ErrorCode.UNAVAILABLE]: "errorUnavailable",
  [ErrorCode.UNKNOWN_INTERACTION]: "errorUnknownInteraction",
};

/** Why something was refused; what has no words of the wall is told in the server's. */
export function refusalIn(error: UsherError, offered: readonly Reason[]): string {
  if (error.event?.reason) {
    return t("errorRejectedBecause", { reason: reasonIn(error.event.reason, offered) });
  }
  const key = refusals[error.code];
  return key ? t(key) : error.description;
}
