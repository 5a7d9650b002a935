// Small parts of the window.
import type { ComponentChildren } from "preact";
import { Button } from "../common/button.js";
import { stopwatch } from "../common/time.js";
import { now } from "../common/clock.js";
import { combination, shortcut } from "./combination.js";
import { commands } from "./commands.js";
import { busy, say, troubles } from "./trouble.js";
import { t } from "./text.js";

/** A running timer from a time on; one that has ended stands still. The label is for where none stands before it. */
export function Since(props: { ms: number; untilMs?: number | undefined; label?: string }) {
  return <Timer ms={(props.untilMs ?? now.value) - props.ms} label={props.label} />;
}

/** A running timer to a time. The label is for where none stands before it. */
export function Until(props: { ms: number; label?: string }) {
  return <Timer ms={props.ms - now.value} label={props.label} />;
}

function Timer(props: { ms: number; label: string | undefined }) {
  return (
    <span class="timer" title={props.label}>
      {props.label && <span class="unseen">{props.label} </span>}
      {stopwatch(props.ms)}
    </span>
  );
}

const radius = 16;
const around = 2 * Math.PI * radius;
/** Of a countdown whose beginning is not known. */
const usualMs = 30_000;

/** The time that is left until the server takes an invitation back. */
export function Countdown(props: { sinceMs: number; deadlineMs: number }) {
  const { deadlineMs, sinceMs } = props;
  const whole = sinceMs ? deadlineMs - sinceMs : usualMs;
  const left = Math.min(whole, Math.max(0, deadlineMs - now.value));
  const share = left / whole;
  const seconds = Math.ceil(left / 1000);
  return (
    <span class={`countdown ${seconds <= 5 ? "countdown-late" : ""}`} role="img" aria-label={t("secondsLeft", { count: seconds })}>
      <svg viewBox="0 0 40 40" width="40" height="40" aria-hidden="true">
        <circle cx="20" cy="20" r={radius} class="countdown-ground" />
        <circle cx="20" cy="20" r={radius} class="countdown-left" stroke-dasharray={`${around * share} ${around}`} transform="rotate(-90 20 20)" />
      </svg>
      <span aria-hidden="true">{seconds < 100 ? seconds : `${Math.ceil(seconds / 60)}′`}</span>
    </span>
  );
}

/** A refusal at the place where something was asked. */
export function Trouble(props: { place: string }) {
  const words = troubles.value[props.place];
  return words ? (
    <div class="trouble" role="alert">
      <span>{words}</span>
      <Button kind="plain" label={t("dismiss")} onClick={() => say(props.place, undefined)}>
        ×
      </Button>
    </div>
  ) : null;
}

/** A button for a command of the table; absent if it can't be done now. Its key stands on it if it is one alone. */
export function CommandButton(props: { id: string; kind?: "normal" | "primary" | "danger"; place?: string; children?: ComponentChildren }) {
  const command = commands().find((c) => c.id === props.id);
  if (!command?.when()) {
    return null;
  }
  return (
    <Button
      kind={props.kind ?? "normal"}
      {...(command.key && { shortcut: shortcut(command.key) })}
      busy={props.place !== undefined && busy.value.has(props.place)}
      onClick={command.run}
    >
      {props.children ?? command.label}
      {command.key && !command.final && <Key text={command.key.toUpperCase()} />}
    </Button>
  );
}

/** A command's key for people: with what is to be held, if it is no key alone. */
export const keyText = (key: string, final: true | undefined): string => (final ? combination(key) : key.toUpperCase());

/** A key as it stands beside what it does. */
export function Key(props: { text: string }) {
  return (
    <kbd aria-hidden="true" class="key">
      {props.text}
    </kbd>
  );
}
