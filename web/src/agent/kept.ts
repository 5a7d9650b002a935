// What a window keeps over a reload, in its sessionStorage: drafts, what is
// being sent, what waits for an outcome, cards that are wrapped up. It is kept
// by agent, and forgotten when he logs out.
import { signal, type Signal } from "@preact/signals";

const prefix = "usher.agent.";

/** Whose things are kept; none are before it is known. */
let owner = "";
const all = new Map<string, { load: () => void; forget: () => void }>();

/** Begins to keep the things of an agent. */
export function keepFor(agentId: string): void {
  if (owner === agentId) {
    return;
  }
  owner = agentId;
  all.forEach((one) => one.load());
}

/** Forgets everything that is kept, here and in the storage. */
export function forget(): void {
  all.forEach((one) => one.forget());
  owner = "";
}

/** A signal whose value, of plain JSON, is kept under a name. */
export function kept<T>(name: string, first: T): Signal<T> {
  const value = signal(first);
  const key = () => `${prefix}${owner}.${name}`;
  all.set(name, {
    load: () => {
      const text = owner && storage()?.getItem(key());
      value.value = text ? (JSON.parse(text) as T) : first;
    },
    forget: () => {
      storage()?.removeItem(key());
      value.value = first;
    },
  });
  value.subscribe((v) => {
    if (owner) {
      storage()?.setItem(key(), JSON.stringify(v));
    }
  });
  return value;
}

// A browser may forbid storage; what is kept then lasts as long as the page.
function storage(): Storage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}
