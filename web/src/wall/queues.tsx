import { signal } from "@preact/signals";
import { AgentRowState } from "@usher-cc/client/gen/statistics";
import { useMemo, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { now } from "../common/clock.js";
import { Dialog } from "../common/dialog.js";
import { Field } from "../common/field.js";
import { type Column, Table } from "../common/table.js";
import { t as common } from "../common/text.js";
import { count, share, stopwatch } from "../common/time.js";
import {
  defaultThresholds,
  type Figures,
  judgeAbandoned,
  judgeServiceLevel,
  judgeWait,
  type Level,
  thresholdMax,
  type Thresholds,
  total,
} from "./figures.js";
import { Elapsed, Judged } from "./marks.js";
import { countStates } from "./rows.js";
import { address, known, setThresholds, thresholds } from "./state.js";
import { t } from "./text.js";

const choosing = signal(false);

/** Queues shows the figures of every queue as they are now. */
export function Queues() {
  const queues = [...known.value.queues.values()];
  return (
    <section aria-label={t("tabQueues")} class="queues">
      <Sums queues={queues} />
      <div class="wall-bar">
        <p class="soft">{t("queuesSince")}</p>
        <span class="wall-bar-end">
          <Button onClick={() => void (choosing.value = true)}>{t("thresholds")}</Button>
          <a class="button" href="?view=board">
            {t("board")}
          </a>
        </span>
      </div>
      <div class="wall-scroll" tabIndex={0} role="region" aria-label={t("queuesTable")}>
        <Table caption={t("queuesTable")} columns={columns()} rows={queues} rowKey={(f) => f.queue} empty={t("queuesNone")} />
      </div>
      {choosing.value && <ThresholdsDialog onClose={() => void (choosing.value = false)} />}
    </section>
  );
}

/** How the longest wait of a queue is judged now. */
export const waitLevel = (f: Figures): Level =>
  f.oldestSinceMs > 0 ? judgeWait(now.value - f.oldestSinceMs, f.withinMs, thresholds.value) : "fine";

export const shareOr = (value: number | undefined): string => (value === undefined ? "–" : share(value));
const timeOr = (ms: number | undefined): string => (ms === undefined ? "–" : stopwatch(ms));


function columns(): Column<Figures>[] {
  return [
    {
      key: "queue",
      title: t("queue"),
      sort: (f) => f.queue,
      cell: (f) => (
        <>
          <a href={address("history", f.queue)}>{f.queue}</a>
          {f.description && <div class="soft queues-description" dir="auto">{f.description}</div>}
        </>
      ),
    },
    {
      key: "serviceLevel",
      title: t("serviceLevel"),
      number: true,
      sort: (f) => f.serviceLevel ?? 2,
      cell: (f) => (
        <>
          <Judged level={judgeServiceLevel(f.serviceLevel, f.target, thresholds.value)}>{shareOr(f.serviceLevel)}</Judged>
          <div class="soft queues-target">{t("target", { target: share(f.target), within: stopwatch(f.withinMs) })}</div>
        </>
      ),
    },
    { key: "waiting", title: t("waiting"), number: true, sort: (f) => f.waiting, cell: (f) => count(f.waiting) },
    {
      key: "longest",
      title: t("longestWait"),
      number: true,
      sort: (f) => -(f.oldestSinceMs || Infinity),
      cell: (f) => <LongestWait figures={f} />,
    },
    { key: "expected", title: t("expectedWait"), number: true, sort: (f) => f.expectedWaitMs ?? Infinity, cell: (f) => timeOr(f.expectedWaitMs) },
    {
      key: "agents",
      title: t("agentsOf"),
      number: true,
      sort: (f) => f.available,
      cell: (f) => <bdi>{t("available", { available: f.available, staffed: f.staffed })}</bdi>,
    },
    { key: "handling", title: t("handlingNow"), number: true, sort: (f) => f.handling, cell: (f) => count(f.handling) },
    { key: "entered", title: t("entered"), number: true, sort: (f) => f.entered, cell: (f) => count(f.entered) },
    { key: "answered", title: t("answered"), number: true, sort: (f) => f.answered, cell: (f) => count(f.answered) },
    {
      key: "abandoned",
      title: t("abandoned"),
      number: true,
      sort: (f) => f.abandonRate ?? -1,
      cell: (f) => (
        <Judged level={judgeAbandoned(f.abandonRate, thresholds.value)}>
          {t("abandonedOf", { count: count(f.abandoned), share: shareOr(f.abandonRate) })}
        </Judged>
      ),
    },
    { key: "speed", title: t("speedOfAnswer"), number: true, sort: (f) => f.speedOfAnswerMs ?? -1, cell: (f) => timeOr(f.speedOfAnswerMs) },
    { key: "time", title: t("handlingTime"), number: true, sort: (f) => f.handlingMs ?? -1, cell: (f) => timeOr(f.handlingMs) },
  ];
}

/** The longest wait of a queue, which ticks. */
export function LongestWait(props: { figures: Figures }) {
  const { figures } = props;
  return figures.oldestSinceMs > 0 ? (
    <Judged level={waitLevel(figures)}>
      <Elapsed sinceMs={figures.oldestSinceMs} />
    </Judged>
  ) : (
    <>–</>
  );
}

const working = [AgentRowState.READY, AgentRowState.HANDLING, AgentRowState.ALERTING];

/** Sums are the figures of all queues together, and of agents. */
export function Sums(props: { queues: readonly Figures[] }) {
  const all = useMemo(() => total(props.queues), [props.queues]);
  // Who has no media, as a supervisor at his wall, is none of those who could be ready.
  const agents = countStates([...known.value.agents.values()].filter((row) => row.media.length > 0));
  const of = (...wanted: AgentRowState[]) => wanted.reduce((so, state) => so + (agents.get(state) ?? 0), 0);
  const loggedIn = [...agents.values()].reduce((so, n) => so + n, 0) - of(AgentRowState.LOGGED_OUT);
  return (
    <dl class="sums">
      <Sum name={t("serviceLevel")}>
        {all && <Judged level={judgeServiceLevel(all.serviceLevel, all.target, thresholds.value)}>{shareOr(all.serviceLevel)}</Judged>}
      </Sum>
      <Sum name={t("waiting")}>{count(all?.waiting ?? 0)}</Sum>
      <Sum name={t("longestWait")}>{all && <LongestWait figures={all} />}</Sum>
      <Sum name={t("handlingNow")}>{count(all?.handling ?? 0)}</Sum>
      <Sum name={t("abandonRate")}>
        {all && <Judged level={judgeAbandoned(all.abandonRate, thresholds.value)}>{shareOr(all.abandonRate)}</Judged>}
      </Sum>
      <Sum name={t("agentsReady")}>{t("available", { available: of(AgentRowState.READY), staffed: loggedIn })}</Sum>
      <Sum name={t("agentsNotReady")}>{count(loggedIn - of(...working))}</Sum>
    </dl>
  );
}

function Sum(props: { name: string; children: preact.ComponentChildren }) {
  return (
    <div class="sum">
      <dt>{props.name}</dt>
      <dd>
        <bdi>{props.children}</bdi>
      </dd>
    </div>
  );
}

const thresholdTexts: Record<keyof Thresholds, () => string> = {
  serviceLevelWarn: () => t("serviceLevelWarn"),
  serviceLevelCritical: () => t("serviceLevelCritical"),
  waitWarn: () => t("waitWarn"),
  waitCritical: () => t("waitCritical"),
  abandonWarn: () => t("abandonWarn"),
  abandonCritical: () => t("abandonCritical"),
};

function ThresholdsDialog(props: { onClose: () => void }) {
  const [values, setValues] = useState(thresholds.value);
  const wrong = (key: keyof Thresholds) => !(values[key] >= 0 && values[key] <= thresholdMax[key]);
  const keys = Object.keys(thresholdTexts) as (keyof Thresholds)[];
  return (
    <Dialog title={t("thresholds")} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!keys.some(wrong)) {
            setThresholds(values);
            props.onClose();
          }
        }}
      >
        <p class="soft">{t("thresholdsHint")}</p>
        {keys.map((key) => (
          <Field key={key} label={thresholdTexts[key]()} {...(wrong(key) && { error: t("thresholdWrong", { most: thresholdMax[key] }) })}>
            {(control) => (
              <input
                {...control}
                type="number"
                name={key}
                min={0}
                max={thresholdMax[key]}
                step="any"
                value={Number.isNaN(values[key]) ? "" : values[key]}
                onInput={(event) => setValues({ ...values, [key]: event.currentTarget.valueAsNumber })}
              />
            )}
          </Field>
        ))}
        <div class="dialog-actions">
          <Button onClick={() => setValues(defaultThresholds)}>{t("asByDefault")}</Button>
          <Button onClick={props.onClose}>{common("cancel")}</Button>
          <Button type="submit" kind="primary">
            {t("apply")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
