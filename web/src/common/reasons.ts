// Reasons in words: the server's own, and those that the centre offers.
import type { Reason } from "@usher-cc/client/gen/administration";
import { t } from "./text.js";

const serverReasons: Record<string, Parameters<typeof t>[0]> = {
  ACWTooLong: "reasonAcwTooLong",
  AfterCallWork: "reasonAfterCallWork",
  AUXInterrupted: "reasonAuxInterrupted",
  Cancelled: "reasonCancelled",
  ConnectionLost: "reasonConnectionLost",
  CustomerLeft: "reasonCustomerLeft",
  DoNotDisturb: "reasonDoNotDisturb",
  Expired: "reasonExpired",
  HandlingTimeout: "reasonHandlingTimeout",
  InvitationTimeout: "reasonRona",
  LoggedOut: "reasonLoggedOut",
  LogoutTime: "reasonLogoutTime",
  MediaRemoved: "reasonMediaRemoved",
  Moved: "reasonMoved",
  NotReady: "reasonNotReady",
  PendingWorkMode: "reasonPendingMode",
  Placed: "reasonPlaced",
  Pulled: "reasonPulled",
  RONA: "reasonRona",
  Stopped: "reasonStopped",
  TimedACW: "reasonTimedAcw",
  Transferred: "reasonTransferred",
};

/** A reason for people: one of the server's own, one that the centre offers, or somebody's words. */
export function reasonIn(reason: string, offered: readonly Reason[] = []): string {
  const key = serverReasons[reason];
  return key ? t(key) : offered.find((other) => other.name === reason)?.label || reason;
}
