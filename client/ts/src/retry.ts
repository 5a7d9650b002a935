// Waiting between attempts.

/** How long the pauses between attempts are. */
const pauseMs = { first: 250, most: 5_000 };

/**
 * The pause after so many failed attempts: doubling, and half of it by chance,
 * so that the clients of a server that was restarted don't all come at once.
 */
export function pauseAfter(attempts: number): number {
  const whole = Math.min(pauseMs.most, pauseMs.first * 2 ** Math.min(attempts - 1, 10));
  return whole / 2 + (whole / 2) * Math.random();
}

/** Waits, but not longer than until signal ends it or the browser is online again. */
export function soon(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      globalThis.removeEventListener?.("online", end);
      resolve();
    };
    const timer = setTimeout(end, signal.aborted ? 0 : ms);
    signal.addEventListener("abort", end);
    globalThis.addEventListener?.("online", end);
  });
}

/** A random id of 128 bits. Unlike crypto.randomUUID it is there on plain http, too. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
