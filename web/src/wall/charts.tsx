import { signal } from "@preact/signals";
import { Statistics } from "@usher-cc/client/gen/statistics";
import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { now } from "../common/clock.js";
import { theme } from "../common/theme.js";
import { count, share, stopwatch, timeOfDay } from "../common/time.js";
import { grown, type Series, seriesOf, serviceLevels, stepMs, withNow } from "./history.js";
import { address, connection, known, place, words } from "./state.js";
import { t } from "./text.js";

/** How often the steps that are not complete yet are read. */
const growMs = 5_000;

const hours = signal(1);
const series = signal<Series | undefined>(undefined);
const trouble = signal<string | undefined>(undefined);
// The colours change with the system's scheme.
const scheme = signal(0);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => scheme.value++);

/** Charts shows the figures of a queue, or of all, over time. */
export function Charts() {
  const queue = known.value.queues.has(place.value.open) ? place.value.open : "";
  useEffect(() => read(queue, hours.value), [queue, hours.value]);
  const shown = useMemo(() => {
    const queues = [...known.value.queues.values()].filter((f) => queue === "" || f.queue === queue);
    return series.value && withNow(series.value, queues, now.value);
  }, [series.value, known.value.queues, now.value, queue]);
  return (
    <section aria-label={t("tabHistory")} class="charts">
      <div class="wall-bar">
        <label class="wall-label">
          {t("queue")}
          <select value={queue} onChange={(event) => void (location.hash = address("history", event.currentTarget.value))}>
            <option value="">{t("allQueues")}</option>
            {[...known.value.queues.keys()].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <fieldset class="wall-choice">
          <legend class="unseen">{t("span")}</legend>
          {[1, 4, 24].map((h) => (
            <label key={h} class="wall-check">
              <input type="radio" name="hours" checked={hours.value === h} onChange={() => void (hours.value = h)} />
              {t("hours", { count: h })}
            </label>
          ))}
        </fieldset>
      </div>
      {trouble.value && (
        <p class="trouble" role="alert">
          {trouble.value}
        </p>
      )}
      {shown && <Plots series={shown} />}
      {shown && <AsTable series={shown} />}
    </section>
  );
}

// Reads the figures, and what grows of them as long as somebody looks.
function read(queue: string, span: number): () => void {
  let over = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let former: Series | undefined;
  const step = stepMs(span);
  const once = async () => {
    const fromMs = Math.floor((now.value - span * 3_600_000) / step) * step;
    // The last step has grown since; the one before may have been the last.
    const since = former ? Math.max(fromMs, former.atMs.at(-2) ?? fromMs) : fromMs;
    try {
      const answer = await connection.call(Statistics.method.getHistory, { queue, fromMs: BigInt(since), stepMs: BigInt(step) });
      if (!over) {
        const read = seriesOf(answer);
        former = former ? grown(former, read, fromMs) : read;
        series.value = former;
        trouble.value = undefined;
      }
    } catch (thrown) {
      if (!over) {
        trouble.value = words(thrown);
      }
    }
    schedule();
  };
  const schedule = () => {
    if (!over) {
      timer = setTimeout(() => (document.visibilityState === "visible" ? void once() : schedule()), growMs);
    }
  };
  void once();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

interface Line {
  label: string;
  colour: string;
  values: (number | null)[];
  /** On the axis at the end, which counts time. */
  time?: boolean;
  dashed?: boolean;
}

function Plots(props: { series: Series }) {
  const s = props.series;
  const x = s.atMs.map((ms) => ms / 1000);
  return (
    <div class="plots">
      <Plot
        title={t("chartWaiting")}
        x={x}
        lines={[
          { label: t("waiting"), colour: "--accent", values: s.waiting },
          { label: t("longestWait"), colour: "--warn", values: s.longestWaitMs.map((ms) => ms / 1000), time: true, dashed: true },
        ]}
      />
      <Plot
        title={t("chartFlow")}
        x={x}
        lines={[
          { label: t("entered"), colour: "--accent", values: s.entered },
          { label: t("answered"), colour: "--good", values: s.answered },
          { label: t("abandoned"), colour: "--bad", values: s.abandoned, dashed: true },
        ]}
      />
      <Plot title={t("chartServiceLevel")} x={x} percent lines={[{ label: t("serviceLevel"), colour: "--accent", values: serviceLevels(s) }]} />
    </div>
  );
}

function Plot(props: { title: string; x: number[]; lines: Line[]; percent?: boolean }) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  useEffect(() => {
    const element = holder.current!;
    plot.current = new uPlot(options(props.lines, props.percent ?? false, element.clientWidth), data(props), element);
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: plotHeight }));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      plot.current?.destroy();
    };
  }, [theme.value, scheme.value]);
  useEffect(() => plot.current?.setData(data(props)), [props.x, props.lines]);
  return (
    <figure class="card plot">
      <figcaption>
        {props.title}
        <span class="plot-legend">
          {props.lines.map((line) => (
            <span key={line.label}>
              <span class="plot-key" aria-hidden="true" style={{ borderBlockStartColor: `var(${line.colour})`, borderBlockStartStyle: line.dashed ? "dashed" : "solid" }} />
              {line.label}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={holder} class="plot-area" role="img" aria-label={t("chartLabel", { title: props.title })} />
    </figure>
  );
}

const plotHeight = 260;

const data = (props: { x: number[]; lines: Line[] }): uPlot.AlignedData => [props.x, ...props.lines.map((line) => line.values)];

function options(lines: readonly Line[], percent: boolean, width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  // A canvas knows no light-dark(): the browser resolves it as the colour of an element.
  const probe = document.body.appendChild(document.createElement("span"));
  const colour = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const font = `12px ${style.getPropertyValue("--font")}`;
  const axis = { stroke: colour("--text-soft"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const found: uPlot.Options = {
    width,
    height: plotHeight,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => [0, percent ? 100 : Math.max(max * 1.1, 4)] }, time: { range: (_, __, max) => [0, Math.max(max * 1.1, 60)] } },
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        scale: line.time ? "time" : "y",
        stroke: colour(line.colour),
        width: 2,
        points: { show: percent },
        ...(line.dashed && { dash: [6, 4] }),
      })),
    ],
    axes: [
      { ...axis, size: 30, values: (_, ticks) => ticks.map((s) => timeOfDay(s * 1000)) },
      { ...axis, scale: "y", size: 58, values: (_, ticks) => ticks.map((v) => (percent ? share(v / 100) : Number.isInteger(v) ? count(v) : "")) },
      ...(lines.some((line) => line.time)
        ? [{ ...axis, scale: "time", side: 1 as const, size: 56, incrs: [1, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800], grid: { show: false }, values: (_: uPlot, ticks: number[]) => ticks.map((s) => stopwatch(s * 1000)) }]
        : []),
    ],
  };
  probe.remove();
  return found;
}

/** The figures of the charts for who can't see them, or wants them exactly. */
function AsTable(props: { series: Series }) {
  const s = props.series;
  const levels = serviceLevels(s);
  return (
    <details class="card">
      <summary>{t("asTable")}</summary>
      <div class="wall-scroll charts-table" tabIndex={0} role="region" aria-label={t("asTable")}>
        <table class="table">
          <thead>
            <tr>
              {[t("from"), t("waiting"), t("longestWait"), t("entered"), t("answered"), t("abandoned"), t("serviceLevel")].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {s.atMs.map((at, n) => (
              <tr key={at}>
                <th scope="row">{timeOfDay(at)}</th>
                <td class="table-number">{count(s.waiting[n] ?? 0)}</td>
                <td class="table-number">{stopwatch(s.longestWaitMs[n] ?? 0)}</td>
                <td class="table-number">{count(s.entered[n] ?? 0)}</td>
                <td class="table-number">{count(s.answered[n] ?? 0)}</td>
                <td class="table-number">{count(s.abandoned[n] ?? 0)}</td>
                <td class="table-number">{levels[n] == null ? "–" : share(levels[n]! / 100)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
