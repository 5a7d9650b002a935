// Going to a session: it is shown, and what is typed next is its message. Were
// the focus left on a button, letters would be commands.
import { look, lookAround } from "./store.js";

/** Gives the focus to an element once it is there. */
export const focus = (id: string) => requestAnimationFrame(() => document.getElementById(id)?.focus());

/** Goes to a session. */
export function goTo(id: string): void {
  look({ kind: "session", id });
  focus("compose");
}

/** Goes to the session so far after the present one. */
export function goAround(by: 1 | -1): void {
  lookAround(by);
  focus("compose");
}
