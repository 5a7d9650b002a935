// What was refused, in words, at the place where it was asked; and where
// something is under way.
import { signal } from "@preact/signals";
import { ErrorCode, UsherError } from "@usher-cc/client";
import { reasonWords } from "./explain.js";
import { t } from "./text.js";

/** The words at each place. */
export const troubles = signal<Readonly<Record<string, string>>>({});

/** The places where a request is under way. */
export const busy = signal<ReadonlySet<string>>(new Set());

/** Says something at a place; nothing takes it away. */
export function say(place: string, words: string | undefined): void {
  const { [place]: _, ...others } = troubles.value;
  troubles.value = words ? { ...others, [place]: words } : others;
}

/** Runs a request that was asked for at a place; tells whether it succeeded. */
export async function at(place: string, request: () => Promise<unknown>): Promise<boolean> {
  if (busy.value.has(place)) {
    return false;
  }
  say(place, undefined);
  busy.value = new Set([...busy.value, place]);
  try {
    await request();
    return true;
  } catch (thrown) {
    say(place, words(thrown));
    return false;
  } finally {
    busy.value = new Set([...busy.value].filter((other) => other !== place));
  }
}

/** The last request of each place where they are done in turn. */
const last = new Map<string, Promise<boolean>>();

/**
 * Runs a request when those that were asked for at a place before are done, so
 * that no key is lost: what a request does may be seen before it is answered.
 */
export function inTurn(place: string, request: () => Promise<unknown>): Promise<boolean> {
  const mine = (last.get(place) ?? Promise.resolve()).then(() => at(place, request));
  last.set(place, mine);
  void mine.then(() => last.get(place) === mine && last.delete(place));
  return mine;
}

const known: Partial<Record<ErrorCode, Parameters<typeof t>[0]>> = {
  [ErrorCode.UNAUTHENTICATED]: "errorUnauthenticated",
  [ErrorCode.TOO_MANY_REQUESTS]: "errorTooManyRequests",
  [ErrorCode.UNAVAILABLE]: "errorUnavailable",
  [ErrorCode.ALREADY_STOPPED]: "errorAlreadyStopped",
  [ErrorCode.NOT_A_PARTY]: "errorNotAParty",
  [ErrorCode.VERSION_MISMATCH]: "errorVersionMismatch",
  [ErrorCode.ALREADY_INVITED]: "errorAlreadyInvited",
  [ErrorCode.NOT_LOGGED_IN]: "errorNotLoggedIn",
  [ErrorCode.PLACE_IN_USE]: "errorPlaceInUse",
  [ErrorCode.EXTENSION_IN_USE]: "errorExtensionInUse",
  [ErrorCode.UNKNOWN_PLACE]: "errorUnknownPlace",
  [ErrorCode.NOT_READY]: "errorNotReady",
  [ErrorCode.NO_CAPACITY]: "errorNoCapacity",
  [ErrorCode.AGENT_BUSY]: "errorAgentBusy",
  [ErrorCode.REJECTED]: "errorRejected",
  [ErrorCode.NOT_ANSWERED]: "errorNotAnswered",
  [ErrorCode.INVITATION_CANCELLED]: "errorInvitationCancelled",
  [ErrorCode.ABANDONED]: "errorAbandoned",
  [ErrorCode.WRONG_TICKET]: "errorWrongTicket",
  [ErrorCode.NO_FORMER_LOCATION]: "errorNoFormerLocation",
  [ErrorCode.HELD]: "errorHeld",
  [ErrorCode.TOO_LARGE]: "errorTooLarge",
  [ErrorCode.UNSUPPORTED_ATTACHMENT]: "errorUnsupportedAttachment",
};

/** What went wrong, for people: in their language if the window knows it, else in the server's sentence. */
export function words(thrown: unknown): string {
  if (thrown instanceof Error && !(thrown instanceof UsherError)) {
    return thrown.message;
  }
  const error = UsherError.from(thrown);
  if (error.event?.reason) {
    return t("errorRejectedBecause", { reason: reasonWords(error.event.reason) });
  }
  const key = error.event ? known[error.code] : "errorUnreachable";
  return key ? t(key) : error.description;
}
