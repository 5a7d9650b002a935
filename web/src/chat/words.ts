// What the chat says in words: waits, refusals, and the transcript.
import type { Refused } from "@usher-cc/client/light";
import type { Said } from "./chat.js";
import { locale } from "../common/locale.js";
import { dateAndTime, timeOfDaySeconds } from "../common/time.js";
import { t } from "./text.js";

const minuteMs = 60_000;

const inMinutes = new Intl.NumberFormat(locale, { style: "unit", unit: "minute", unitDisplay: "long" });
const inHours = new Intl.NumberFormat(locale, { style: "unit", unit: "hour", unitDisplay: "long" });
const names = new Intl.ListFormat(locale, { type: "conjunction" });

/** An expected wait in words; undefined if there is no end to it. */
export function waitInWords(ms: number | undefined): string {
  if (ms === undefined) {
    return t("waitUnknown");
  }
  if (ms < minuteMs) {
    return t("waitShort");
  }
  const minutes = Math.ceil(ms / minuteMs);
  return t("waitAbout", { time: minutes < 60 ? inMinutes.format(minutes) : inHours.format(Math.round(minutes / 60)) });
}

/** Content types as people call them: PNG, JPEG, TXT. */
export function typesInWords(types: readonly string[]): string {
  return names.format(types.map((type) => (type === "text/plain" ? "TXT" : type.replace(/^.*\//, "").toUpperCase())));
}

/** Agents in one sentence: Ana, Bob and Cem. One who has no name is an agent. */
export const agentsInWords = (all: readonly string[]): string => names.format(all.map((name) => name || t("agent")));

/** Who said a line, as the customer calls him; empty for a notice. */
export function authorInWords({ own, author, line }: Said, me = t("you")): string {
  if (line.kind === "LINE_KIND_NOTICE") {
    return "";
  }
  return own ? me : author || t("agent");
}

/** Why something was refused. */
export function refusalInWords(refused: Refused): string {
  switch (refused.reason) {
    case "AlreadyStopped":
      return t("refusedStopped");
    case "TooLarge":
      return t("refusedTooLarge");
    case "TooManyRequests":
      return t("refusedTooMany");
    case "Unauthenticated":
      return t("refusedSignIn");
    case "PermissionDenied":
      return t("refusedAnonymous");
    case "UnknownObject":
      return t("refusedSite");
    case "UnsupportedAttachment":
      return t("refusedFile");
    case "Unavailable":
    case "NoSpace":
      return t("refusedNow");
    default:
      return refused.message;
  }
}

/** The transcript as a text file has it. */
export function transcript(title: string, lines: readonly Said[], me: string): string {
  const said = lines.map((one) => {
    const { timeMs, line } = one;
    const what = [line.attachment && t("transcriptFile", { name: line.attachment.name }), line.text].filter(Boolean).join(" ");
    const who = authorInWords(one, me || t("you"));
    return `[${timeOfDaySeconds(timeMs)}] ${who && `${who}: `}${what.replaceAll("\n", "\n    ")}`;
  });
  return [title, dateAndTime(lines[0]?.timeMs ?? Date.now()), "", ...said, ""].join("\n");
}

/** Gives the browser a file to save. */
export function save(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
