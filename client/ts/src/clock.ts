/** How many messages the estimate looks back on: two minutes of heartbeats. */
const samples = 12;

/**
 * ServerClock knows the server's time by the messages that come from it. A
 * message's time is its sending, so the local clock less it is the difference
 * of the clocks and the delay; the least delayed of the last messages counts.
 */
export class ServerClock {
  private readonly offsets: number[] = [];

  /** Takes a message's time into account, Unix milliseconds. */
  heard(timeMs: bigint | number): void {
    if (timeMs) {
      this.offsets.push(Number(timeMs) - Date.now());
      if (this.offsets.length > samples) {
        this.offsets.shift();
      }
    }
  }

  /** The server's time, Unix milliseconds; the local time before anything was heard. */
  now(): number {
    return Date.now() + (this.offsets.length > 0 ? Math.max(...this.offsets) : 0);
  }

  /** Forgets what was heard, after a break in which the local clock may have been set. */
  reset(): void {
    this.offsets.length = 0;
  }
}
