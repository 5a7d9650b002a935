// Which dialog is open. There is one at a time.
import { signal } from "@preact/signals";
import type { InviteKind } from "./model.js";

export type Open =
  | { kind: "palette" }
  | { kind: "help" }
  | { kind: "reject"; ticket: bigint }
  | { kind: "stop"; id: string }
  | { kind: "leave"; id: string }
  | { kind: "invite"; how: InviteKind; id: string }
  | { kind: "queue"; id: string }
  | { kind: "workbin"; id: string }
  | { kind: "pull" }
  | { kind: "away" }
  | { kind: "notReady"; mediaType: string }
  | { kind: "logout" }
  | { kind: "userData"; id: string };

export const dialog = signal<Open | undefined>();

export const show = (to: Open): void => void (dialog.value = to);
export const hide = (): void => void (dialog.value = undefined);
