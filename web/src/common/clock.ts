// The server's time, for everything that ticks: one timer for all visible
// clocks, which follow the signal.
import { signal } from "@preact/signals";

/** The server's time as it was at the last tick, Unix milliseconds. */
export const now = signal(Date.now());

let read = Date.now;

/** Sets where the server's time is read, e.g. ServerClock.now. */
export function followClock(serverNow: () => number): void {
  read = serverNow;
  tick();
}

function tick(): void {
  now.value = read();
}

setInterval(tick, 1_000);
