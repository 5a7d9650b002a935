// Times and figures as people of the page's locale write them.
import { locale } from "./locale.js";

const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const clockSeconds = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dateClock = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
const plain = new Intl.NumberFormat(locale);
const two = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2, useGrouping: false });

/** A time of day: 14:05. Times are Unix milliseconds, here and below. */
export const timeOfDay = (ms: number): string => clock.format(ms);

/** A time of day with seconds: 14:05:09. */
export const timeOfDaySeconds = (ms: number): string => clockSeconds.format(ms);

/** Date and time. */
export const dateAndTime = (ms: number): string => dateClock.format(ms);

/** A duration as of a stopwatch: 0:07, 12:30, 1:02:03. Negative ones are 0:00. */
export function stopwatch(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(seconds / 3600);
  const m = Math.floor(seconds / 60) % 60;
  const s = two.format(seconds % 60);
  return h > 0 ? `${plain.format(h)}:${two.format(m)}:${s}` : `${plain.format(m)}:${s}`;
}

/** How far a time is from now in words: 5 min. ago. */
export function ago(ms: number, nowMs: number): string {
  const seconds = Math.round((ms - nowMs) / 1000);
  if (Math.abs(seconds) < 60) {
    return relative.format(seconds, "second");
  }
  if (Math.abs(seconds) < 3600) {
    return relative.format(Math.round(seconds / 60), "minute");
  }
  if (Math.abs(seconds) < 86_400) {
    return relative.format(Math.round(seconds / 3600), "hour");
  }
  return relative.format(Math.round(seconds / 86_400), "day");
}

/** A share from 0 to 1 in percent. */
export const share = (value: number): string => percent.format(value);

/** A number with the locale's separators. */
export const count = (value: number): string => plain.format(value);
