// Pickers for people, queues and workbins: who is free, how much waits where.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type AgentRow, AgentRowState, type QueueRow } from "@usher-cc/client/gen/statistics";
import { Dialog } from "../common/dialog.js";
import { Field } from "../common/field.js";
import { stopwatch } from "../common/time.js";
import * as acts from "./acts.js";
import { type Choice, Chooser } from "./chooser.js";
import { now } from "../common/clock.js";
import { useFreshDirectory } from "./fresh.js";
import { hide } from "./dialogs.js";
import type { InviteKind } from "./model.js";
import { nameOfBin } from "./bins.js";
import { directory, state } from "./store.js";
import { t } from "./text.js";

/** Words for who gets it. */
const reason = signal("");

function usePicker(mediaType: string): void {
  useFreshDirectory(mediaType);
  useEffect(() => {
    reason.value = "";
  }, []);
}

const mediaOf = (id: string) => state.value.sessions.find((s) => s.id === id)?.properties.mediaType ?? "";

function Words() {
  return (
    <Field label={t("wordsFor")}>
      {(control) => <input {...control} maxLength={256} value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />}
    </Field>
  );
}

/** Asks for a colleague. */
export function PeoplePicker(props: { how: InviteKind; id: string }) {
  const { how, id } = props;
  const media = mediaOf(id);
  usePicker(media);
  const titles = { transfer: "transferTo", conference: "conferenceWith", consult: "consultWith" } as const;
  const agents = (directory.value?.agents ?? []).filter((a) => a.agentId !== state.value.agentId);
  return (
    <Dialog title={t(titles[how])} onClose={hide}>
      {how === "consult" && <p class="soft">{t("consultHelp")}</p>}
      <Chooser
        label={t("findPeople")}
        choices={agents.sort(freeFirst).map((a) => personChoice(a, media))}
        empty={t("nobodyFound")}
        onChoose={(agentId) => {
          hide();
          acts.invite(how, id, agentId, reason.value);
        }}
      >
        <Words />
      </Chooser>
    </Dialog>
  );
}

/** How free somebody is, the freest first. */
const freedom = [
  AgentRowState.READY,
  AgentRowState.HANDLING,
  AgentRowState.ALERTING,
  AgentRowState.ACW,
  AgentRowState.NOT_READY,
  AgentRowState.AUX,
  AgentRowState.DO_NOT_DISTURB,
  AgentRowState.CONNECTION_LOST,
  AgentRowState.LOGGED_OUT,
];

const freeFirst = (a: AgentRow, b: AgentRow) =>
  freedom.indexOf(a.state) - freedom.indexOf(b.state) || a.name.localeCompare(b.name) || a.agentId.localeCompare(b.agentId);

const stateWords: Record<AgentRowState, Parameters<typeof t>[0]> = {
  [AgentRowState.UNSPECIFIED]: "stateUnknown",
  [AgentRowState.READY]: "stateFree",
  [AgentRowState.HANDLING]: "stateHandling",
  [AgentRowState.ALERTING]: "stateAlerting",
  [AgentRowState.ACW]: "modeAcw",
  [AgentRowState.NOT_READY]: "notReady",
  [AgentRowState.AUX]: "modeAux",
  [AgentRowState.DO_NOT_DISTURB]: "doNotDisturb",
  [AgentRowState.CONNECTION_LOST]: "stateLost",
  [AgentRowState.LOGGED_OUT]: "stateLoggedOut",
};

function personChoice(a: AgentRow, media: string): Choice {
  const left = a.media.find((m) => m.mediaType === media);
  const parts = [
    t(stateWords[a.state]),
    a.sinceMs > 0n && stopwatch(now.value - Number(a.sinceMs)),
    a.handling.length > 0 && t("handlesCount", { count: a.handling.length }),
    left?.ready === false && t("notReadyFor", { media }),
  ];
  return {
    id: a.agentId,
    label: a.name || a.agentId,
    detail: parts.filter(Boolean).join(" · "),
    disabled: a.state === AgentRowState.LOGGED_OUT,
  };
}

/** A queue as a choice: how many wait, for how long. */
function queueChoice(q: QueueRow): Choice {
  const parts = [
    t("waitingCount", { count: q.waiting }),
    t("availableCount", { count: q.agentsAvailable }),
    q.expectedWaitMs !== undefined && t("expectedWait", { time: stopwatch(Number(q.expectedWaitMs)) }),
  ];
  return { id: q.queue, label: q.description || q.queue, detail: parts.filter(Boolean).join(" · ") };
}

const back = "__BACK__";

/** Asks for a queue. */
export function QueuePicker(props: { id: string }) {
  usePicker(mediaOf(props.id));
  const queues = (directory.value?.queues ?? []).map(queueChoice);
  return (
    <Dialog title={t("toQueue")} onClose={hide}>
      <Chooser
        label={t("findQueue")}
        choices={[...queues, { id: back, label: t("whereItCameFrom") }]}
        empty={t("nothingFound")}
        onChoose={(queue) => {
          hide();
          void acts.placeInQueue(props.id, queue, reason.value);
        }}
      >
        <Words />
      </Chooser>
    </Dialog>
  );
}

/** Asks for a workbin. */
export function WorkbinPicker(props: { id: string }) {
  usePicker("");
  const workbins = directory.value?.workbins ?? [];
  return (
    <Dialog title={t("toWorkbin")} onClose={hide}>
      <Chooser
        label={t("findWorkbin")}
        choices={workbins.map((w, n) => ({ id: String(n), label: nameOfBin(w) }))}
        empty={t("noBins")}
        onChoose={(n) => {
          hide();
          const workbin = workbins[Number(n)];
          if (workbin) {
            void acts.placeInWorkbin(props.id, workbin, reason.value);
          }
        }}
      >
        <Words />
      </Chooser>
    </Dialog>
  );
}

/** Asks for a queue from which to take the next. */
export function PullPicker() {
  usePicker("");
  const queues = (directory.value?.queues ?? []).map((q) => ({ ...queueChoice(q), disabled: q.waiting === 0 }));
  return (
    <Dialog title={t("pullFromQueue")} onClose={hide}>
      <Chooser
        label={t("findQueue")}
        choices={queues.sort((a, b) => Number(a.disabled) - Number(b.disabled))}
        empty={t("nothingFound")}
        onChoose={(queue) => {
          hide();
          void acts.pullFromQueue(queue);
        }}
      />
    </Dialog>
  );
}
