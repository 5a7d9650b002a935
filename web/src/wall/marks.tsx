// Small things that several parts of the wall show.
import { AgentRowState } from "@usher-cc/client/gen/statistics";
import { InteractionState, VisibilityMode } from "@usher-cc/client/gen/common";
import { now } from "../common/clock.js";
import { stopwatch } from "../common/time.js";
import type { Level } from "./figures.js";
import { t } from "./text.js";

/** A time that ticks: how long ago something began, by the server's clock. */
export function Elapsed(props: { sinceMs: number }) {
  return <>{props.sinceMs > 0 ? stopwatch(now.value - props.sinceMs) : "–"}</>;
}

/** A time that ticks: the whole seconds until something ends, by the server's clock. */
export function SecondsLeft(props: { untilMs: number }) {
  return <>{t("secondsLeft", { count: Math.max(0, Math.ceil((props.untilMs - now.value) / 1000)) })}</>;
}

const signs: Record<Level, string> = { fine: "", warn: "▲", critical: "⬣" };

/** A figure and what is thought of it, by colour, sign and word. */
export function Judged(props: { level: Level; children: preact.ComponentChildren }) {
  const { level } = props;
  return (
    <span class={`judged judged-${level}`}>
      <span class="judged-figure">
        {level !== "fine" && (
          <span class="judged-sign" aria-hidden="true">
            {signs[level]}{" "}
          </span>
        )}
        <bdi dir="ltr">{props.children}</bdi>
      </span>
      {level !== "fine" && <span class="judged-word"> {t(level)}</span>}
    </span>
  );
}

/** The states of agents, as the grid and its filter name them. */
export const stateNames: Record<AgentRowState, () => string> = {
  [AgentRowState.UNSPECIFIED]: () => "",
  [AgentRowState.LOGGED_OUT]: () => t("stateLoggedOut"),
  [AgentRowState.CONNECTION_LOST]: () => t("stateConnectionLost"),
  [AgentRowState.DO_NOT_DISTURB]: () => t("stateDoNotDisturb"),
  [AgentRowState.AUX]: () => t("stateAux"),
  [AgentRowState.ACW]: () => t("stateAcw"),
  [AgentRowState.NOT_READY]: () => t("stateNotReady"),
  [AgentRowState.ALERTING]: () => t("stateAlerting"),
  [AgentRowState.HANDLING]: () => t("stateHandling"),
  [AgentRowState.READY]: () => t("stateReady"),
};

/** The states of interactions. */
export const interactionStates: Record<InteractionState, () => string> = {
  [InteractionState.UNSPECIFIED]: () => "",
  [InteractionState.QUEUED]: () => t("queued"),
  [InteractionState.ROUTING]: () => t("routing"),
  [InteractionState.HANDLING]: () => t("handling"),
  [InteractionState.STOPPED]: () => t("stopped"),
};

/** How a party is seen. */
export const visibilities: Record<VisibilityMode, () => string> = {
  [VisibilityMode.UNSPECIFIED]: () => t("visibilityConference"),
  [VisibilityMode.CONFERENCE]: () => t("visibilityConference"),
  [VisibilityMode.COACH]: () => t("visibilityCoach"),
  [VisibilityMode.MONITOR]: () => t("visibilityMonitor"),
};
