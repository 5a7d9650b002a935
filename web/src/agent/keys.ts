// Keys of the whole window: a letter alone outside of text fields, the same
// with Alt (on a Mac with Ctrl and Option) everywhere, and Ctrl or Cmd with K
// for the palette.
import { signal } from "@preact/signals";
import { read, write } from "../common/locale.js";
import { isMac } from "./combination.js";
import { commands, lookAt, run } from "./commands.js";
import { show } from "./dialogs.js";

const singleKey = "usher.agent.singleKeys";

/** Whether letters alone are keys. Who speaks to his computer switches them off. */
export const singleKeys = signal(read(singleKey) !== "no");

export function setSingleKeys(to: boolean): void {
  singleKeys.value = to;
  write(singleKey, to ? "yes" : "no");
}

/** Begins to listen; what is returned ends it. */
export function listenForKeys(): () => void {
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) {
    return;
  }
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    show({ kind: "palette" });
    return;
  }
  const everywhere = isEverywhere(event);
  const alone = singleKeys.value && !event.altKey && !event.ctrlKey && !event.metaKey && !isText(event.target);
  if ((alone || everywhere) && press(letterOf(event), alone)) {
    event.preventDefault();
  }
}

/** Whether what makes a letter a key everywhere is held. AltGraph, like Option on a Mac, only writes. */
function isEverywhere(event: KeyboardEvent): boolean {
  return event.altKey && event.ctrlKey === isMac && !event.metaKey && !event.getModifierState("AltGraph");
}

/** The letter or digit of a key; held keys may make another sign of it, which in a text field is meant to be written. */
function letterOf(event: KeyboardEvent): string {
  const key = event.key.toLowerCase();
  const code = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code)?.[1];
  const written = /^[a-z0-9?]$/.test(key) || (isText(event.target) && !isMac);
  return written || !event.altKey || !code ? key : code.toLowerCase();
}

function press(key: string, alone: boolean): boolean {
  if (/^[1-9]$/.test(key)) {
    return lookAt(Number(key));
  }
  const command = commands().find((c) => c.key === key && !(alone && c.final) && c.when());
  return command !== undefined && run(command.id);
}

function isText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), textarea, select"))
  );
}

