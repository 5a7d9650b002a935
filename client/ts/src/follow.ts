// A stream that is opened again whenever it breaks.
import { codeOf, ErrorCode, UsherError } from "./error.js";
import { pauseAfter, soon } from "./retry.js";

/** How long a stream may be silent; the server's heartbeat comes every 10 s. */
export const silenceMs = 25_000;

/** How far a stream is. */
export type Link =
  | { state: "connecting" }
  | { state: "connected" }
  /** The stream broke; it is opened again until that succeeds. */
  | { state: "reconnecting"; sinceMs: number; attempts: number; error: UsherError }
  /** It will not be opened again. */
  | { state: "closed"; why: Closed; error?: UsherError };

/**
 * Why a stream is closed for good: by close(), because a newer connection of
 * its kind took over, because the credential is no longer valid, or because
 * the server refuses it.
 */
export type Closed = "closed" | "replaced" | "revoked" | "refused" | "ended";

export interface Follow<Message> {
  /** Opens the stream where it is to begin or go on. */
  open: (signal: AbortSignal) => AsyncIterable<Message>;
  /** Takes a message. */
  take: (message: Message) => void;
  /** Hears how far the stream is. */
  link: (link: Link) => void;
  /** Why it is over if the server ended it in good order; undefined if it is to be opened again. */
  ended: () => Closed | undefined;
  /** Ends the stream for good. */
  signal: AbortSignal;
  /** How long the stream may be silent; silenceMs if absent. */
  silenceMs?: number;
}

/** Follows a stream until it is closed. */
export async function follow<Message>(f: Follow<Message>): Promise<void> {
  let since = 0;
  for (let attempts = 1; ; attempts++) {
    const { heard, error } = await read(f);
    if (f.signal.aborted) {
      f.link({ state: "closed", why: "closed" });
      return;
    }
    const why = error ? lasting(error) : f.ended();
    if (why) {
      f.link({ state: "closed", why, ...(error && { error }) });
      return;
    }
    if (heard || since === 0) {
      attempts = 1;
      since = Date.now();
    }
    f.link({ state: "reconnecting", sinceMs: since, attempts, error: error ?? UsherError.from(new Error("the stream ended")) });
    await soon(pauseAfter(attempts), f.signal);
  }
}

/** Reads one stream to its end, or until it has been silent for too long. */
async function read<Message>(f: Follow<Message>): Promise<{ heard: boolean; error?: UsherError }> {
  const silent = new AbortController();
  let silence: ReturnType<typeof setTimeout> | undefined;
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => silent.abort(), f.silenceMs ?? silenceMs);
  };
  let heard = false;
  try {
    listen();
    for await (const message of f.open(AbortSignal.any([f.signal, silent.signal]))) {
      listen();
      if (!heard) {
        heard = true;
        f.link({ state: "connected" });
      }
      f.take(message);
    }
    return { heard };
  } catch (thrown) {
    return { heard, error: UsherError.from(thrown) };
  } finally {
    clearTimeout(silence);
  }
}

/** Why it makes no sense to open a stream again after an error. */
function lasting(error: UsherError): Closed | undefined {
  switch (codeOf(error)) {
    case ErrorCode.UNAUTHENTICATED:
      return "revoked";
    case ErrorCode.UNSPECIFIED:
    case ErrorCode.UNAVAILABLE:
    case ErrorCode.SLOW_READER:
    case ErrorCode.TOO_MANY_REQUESTS:
    case ErrorCode.NOT_REGISTERED:
    case ErrorCode.INTERNAL:
      return undefined;
    default:
      return "refused";
  }
}
