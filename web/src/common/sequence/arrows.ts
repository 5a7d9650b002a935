// The words of a trace: participants, labels, and the text form, the same as
// `usher trace` prints.
import { type Participant, ParticipantKind, Protocol } from "@usher-cc/client/gen/common";
import type { Event, EventAgentStateReasonChanged } from "@usher-cc/client/gen/event";
import { RouteOutcome } from "@usher-cc/client/gen/event";
import type { TraceLine } from "@usher-cc/client/gen/reporting";
import { TreatmentKind, WorkMode } from "@usher-cc/client/gen/routing";

/** The id of the router inside the server. */
const builtinRouter = "builtin";

/** A participant's name in arrows: an id, or what the models call those who have none. */
export function participantName(p: Participant | undefined): string {
  switch (p?.kind) {
    case ParticipantKind.SERVER:
      return "ixn";
    case ParticipantKind.REPORT:
      return "report";
    case ParticipantKind.ROUTER:
      if (p.id === builtinRouter) {
        return "router";
      }
  }
  return p?.id || short(ParticipantKind[p?.kind ?? 0]);
}

/** The protocol as the models write it, e.g. im. */
export const protocolName = (line: TraceLine): string => short(Protocol[line.protocol]);

/** The message's name, with what tells it from others of the name. */
export function label(line: TraceLine): string {
  const what = about(line.event);
  return what ? `${line.message} (${what})` : line.message;
}

/** Lines as text, as `usher trace` prints them. */
export const asText = (lines: readonly TraceLine[]): string => lines.map(textLine).join("");

function textLine(line: TraceLine): string {
  const to = line.to.map(participantName).join(", ");
  const arrow = `${line.event ? "    " : ""}${participantName(line.from)} > ${to}  ${label(line)}`;
  return `${pad(arrow, 64)}  ${pad(protocolName(line), 4)}  #${line.sequence} ${clock(line.timeMs)}\n`;
}

/** A time of day in UTC, as the text form has it: 10:01:02.003. */
export const clock = (timeMs: bigint): string => new Date(Number(timeMs)).toISOString().slice(11, 23);

const pad = (text: string, to: number): string => text + " ".repeat(Math.max(0, to - [...text].length));

const short = (name: string | undefined): string => (name ?? "").toLowerCase();

// What a message is about, beside the interaction; empty where its name says
// all.
function about(event: Event | undefined): string {
  const m = event?.message;
  switch (m?.case) {
    case "eventError":
      return m.value.name;
    case "eventInvite":
      return joined(`ticket ${m.value.ticket}`, "for", m.value.skill);
    case "eventAgentInvited":
      return joined(m.value.agentId, "for", m.value.skill);
    case "eventRejected":
      return m.value.agentId;
    case "eventPartyAdded":
    case "eventPartyRemoved":
      return participantName(m.value.party);
    case "eventPlacedInQueue":
      return joined(m.value.queue, "via", m.value.vdn);
    case "eventTakenFromQueue":
      return m.value.queue;
    case "eventPlacedInWorkbin":
    case "eventTakenFromWorkbin":
      return `${m.value.workbin?.name ?? ""} of ${m.value.workbin?.owner ?? ""}`;
    case "eventRouteUsed":
      return short(RouteOutcome[m.value.outcome]);
  }
  return aboutRouting(event) || (event?.reason ?? "");
}

// What a message of vectors, skills and external services is about.
function aboutRouting(event: Event | undefined): string {
  const m = event?.message;
  switch (m?.case) {
    case "eventRouteRequest":
      return m.value.adjunct ? `adjunct ${m.value.strategy}` : "";
    case "eventTreatmentApplied":
      return joined(short(TreatmentKind[m.value.treatment?.kind ?? 0]), "", m.value.treatment?.source ?? "");
    case "eventAgentStateReasonChanged":
      return aboutState(m.value);
    case "request3rdServer":
    case "eventExternalServiceRequested":
      return joined(m.value.service, "", m.value.method);
    case "eventExternalServiceResponded":
    case "eventPrivateInfo":
      return joined(joined(m.value.service, "", m.value.method), "failed:", m.value.outcome.case === "fault" ? m.value.outcome.value : "");
  }
  return "";
}

const workModes: Partial<Record<WorkMode, string>> = {
  [WorkMode.AUX]: "AUX",
  [WorkMode.ACW]: "ACW",
  [WorkMode.AUTO_IN]: "auto-in",
  [WorkMode.MANUAL_IN]: "manual-in",
};

// A change of an agent's work mode; empty for one of the reason alone. The
// reason code is that of AUX, be it present or pending.
function aboutState(s: EventAgentStateReasonChanged): string {
  let now = workModes[s.workMode] ?? "";
  let next = workModes[s.pendingWorkMode] ?? "";
  if (now === "") {
    return "";
  }
  if (s.pendingWorkMode === WorkMode.AUX) {
    next += ` ${s.reasonCode}`;
  } else if (s.workMode === WorkMode.AUX) {
    now += ` ${s.reasonCode}`;
  }
  return joined(`${s.agentId} ${now}`, "then", next);
}

// Adds to what something is about what more is known, if it is.
function joined(what: string, word: string, more: string): string {
  return more === "" ? what : [what, word, more].filter((part) => part !== "").join(" ");
}
