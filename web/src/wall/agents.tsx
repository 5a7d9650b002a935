// The agent grid: rows in sight only, one timer for all clocks, rows that have
// not changed are not drawn again.
import { signal } from "@preact/signals";
import { ReasonKind } from "@usher-cc/client/gen/administration";
import type { MediaStatus } from "@usher-cc/client/gen/event";
import { type AgentRow, AgentRowState } from "@usher-cc/client/gen/statistics";
import { WorkMode } from "@usher-cc/client/gen/routing";
import { Component } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { locale } from "../common/locale.js";
import { count } from "../common/time.js";
import { AgentDialog } from "./agent-dialog.js";
import { Elapsed, stateNames } from "./marks.js";
import { type AgentColumn, type AgentFilter, type AgentOrder, chosenRows, countStates, inSight } from "./rows.js";
import { directory, known, reasonWords } from "./state.js";
import { t } from "./text.js";

/** The height of a row, as wall.css has it. */
const rowHeight = 44;
/** Scrolling draws anew after so many rows; inSight has more than those on each side. */
const scrolledRows = 6;

const compare = new Intl.Collator(locale, { numeric: true }).compare;

const filter = signal<AgentFilter>({ text: "", state: undefined, loggedIn: true });
const order = signal<AgentOrder>({ by: "agent", descending: false });
const opened = signal<string | undefined>(undefined);

/** Agents shows all agents with their states, and what can be done about them. */
export function Agents() {
  const { agents } = known.value;
  const rows = useMemo(() => chosenRows(agents.values(), filter.value, order.value, compare), [agents, filter.value, order.value]);
  return (
    <section aria-label={t("tabAgents")} class="agents">
      <Filter all={agents} shown={rows.length} />
      <Grid rows={rows} />
      {opened.value !== undefined && <AgentDialog agentId={opened.value} onClose={() => void (opened.value = undefined)} />}
    </section>
  );
}

const filteredStates = [
  AgentRowState.READY,
  AgentRowState.HANDLING,
  AgentRowState.ALERTING,
  AgentRowState.ACW,
  AgentRowState.AUX,
  AgentRowState.NOT_READY,
  AgentRowState.DO_NOT_DISTURB,
  AgentRowState.CONNECTION_LOST,
  AgentRowState.LOGGED_OUT,
];

function Filter(props: { all: ReadonlyMap<string, AgentRow>; shown: number }) {
  const counts = countStates(props.all.values());
  const set = (change: Partial<AgentFilter>) => void (filter.value = { ...filter.value, ...change });
  return (
    <div class="wall-bar" role="search">
      <label class="wall-label">
        {t("find")}
        <input type="search" value={filter.value.text} onInput={(event) => set({ text: event.currentTarget.value })} />
      </label>
      <label class="wall-label">
        {t("state")}
        <select
          value={String(filter.value.state ?? "")}
          onChange={(event) => {
            const { value } = event.currentTarget;
            set({ state: value === "" ? undefined : (Number(value) as AgentRowState) });
          }}
        >
          <option value="">{t("everyState")}</option>
          {filteredStates.map((state) => (
            <option key={state} value={String(state)}>
              {t("stateCount", { state: stateNames[state](), count: count(counts.get(state) ?? 0) })}
            </option>
          ))}
        </select>
      </label>
      <label class="wall-check">
        <input type="checkbox" checked={filter.value.loggedIn} onChange={(event) => set({ loggedIn: event.currentTarget.checked })} />
        {t("loggedInOnly")}
      </label>
      <span class="wall-bar-end soft" role="status">
        <bdi>{t("agentsShown", { shown: count(props.shown), count: props.all.size })}</bdi>
      </span>
    </div>
  );
}

const columns: readonly { key: AgentColumn; title: () => string }[] = [
  { key: "agent", title: () => t("agent") },
  { key: "state", title: () => t("state") },
  { key: "since", title: () => t("since") },
  { key: "media", title: () => t("media") },
  { key: "handling", title: () => t("handlesWhat") },
  { key: "mode", title: () => t("mode") },
  { key: "place", title: () => t("place") },
  { key: "groups", title: () => t("groups") },
];

function Grid(props: { rows: readonly AgentRow[] }) {
  const { rows } = props;
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [current, setCurrent] = useState<string>();
  const scroll = useRef<HTMLDivElement>(null);
  const focus = useRef(false);
  const found = rows.findIndex((row) => row.agentId === current);
  const at = Math.max(0, found);
  useLayoutEffect(() => {
    const body = scroll.current!;
    const sizes = new ResizeObserver(() => setHeight(body.clientHeight));
    sizes.observe(body);
    return () => sizes.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (focus.current) {
      focus.current = false;
      scroll.current?.querySelector<HTMLElement>(`[data-row="${at}"]`)?.focus({ preventScroll: true });
    }
  });
  const go = (to: number) => {
    const index = Math.min(Math.max(0, to), rows.length - 1);
    const body = scroll.current!;
    const y = index * rowHeight;
    const sight = body.clientHeight - rowHeight;
    if (y < body.scrollTop) {
      body.scrollTop = y;
    } else if (y + rowHeight > body.scrollTop + sight) {
      body.scrollTop = y + rowHeight - sight;
    }
    setTop(stepOf(body.scrollTop));
    setCurrent(rows[index]?.agentId);
    focus.current = true;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // The row that has the focus, which need not be the one in the order of Tab.
    const focused = (event.target as Element).closest<HTMLElement>("[data-row]");
    if (!focused) {
      return;
    }
    const from = Number(focused.dataset.row);
    const page = Math.max(1, Math.floor(height / rowHeight) - 2);
    const to: Record<string, number> = {
      ArrowDown: from + 1,
      ArrowUp: from - 1,
      PageDown: from + page,
      PageUp: from - page,
      Home: 0,
      End: rows.length - 1,
    };
    if (event.key === "Enter" || event.key === " ") {
      opened.value = rows[from]?.agentId;
    } else if (event.key in to) {
      go(to[event.key] ?? 0);
    } else {
      return;
    }
    event.preventDefault();
  };
  const sight = inSight(top, height, rowHeight, rows.length);
  const drawn = rows.slice(sight.from, sight.to).map((row, n) => ({ row, index: sight.from + n }));
  // The row that has the focus keeps it, also where it can't be seen.
  if (found >= 0 && (found < sight.from || found >= sight.to)) {
    drawn.push({ row: rows[found]!, index: found });
  }
  return (
    <div
      ref={scroll}
      role="grid"
      aria-label={t("agentsGrid")}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      class="grid"
      onScroll={(event) => setTop(stepOf(event.currentTarget.scrollTop))}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" class="grid-head">
        <div role="row" aria-rowindex={1} class="grid-row">
          {columns.map((column) => (
            <Head key={column.key} column={column.key} title={column.title()} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="grid-body" style={{ blockSize: `${rows.length * rowHeight}px` }}>
        {drawn.map(({ row, index }) => (
          <Row key={row.agentId} row={row} index={index} current={index === at} />
        ))}
      </div>
      {rows.length === 0 && <p class="grid-none">{t("agentsNone")}</p>}
    </div>
  );
}

const stepOf = (scrollTop: number): number => Math.floor(scrollTop / (scrolledRows * rowHeight)) * scrolledRows * rowHeight;

function Head(props: { column: AgentColumn; title: string }) {
  const { by, descending } = order.value;
  const mine = by === props.column;
  return (
    <div role="columnheader" class="grid-cell" aria-sort={mine ? (descending ? "descending" : "ascending") : undefined}>
      <button
        type="button"
        class="table-sort"
        onClick={() => void (order.value = { by: props.column, descending: mine && !descending })}
      >
        {props.title}
        <span aria-hidden="true">{mine ? (descending ? " ▼" : " ▲") : ""}</span>
      </button>
    </div>
  );
}

interface RowProps {
  row: AgentRow;
  index: number;
  current: boolean;
}

// A row is drawn again only if the agent has changed, or it has moved; its
// clock follows the timer by itself.
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { props } = this;
    return next.row !== props.row || next.index !== props.index || next.current !== props.current;
  }

  override render() {
    const { row, index, current } = this.props;
    return (
      <div
        role="row"
        aria-rowindex={index + 2}
        data-row={index}
        data-agent={row.agentId}
        class="grid-row grid-agent"
        tabIndex={current ? 0 : -1}
        style={{ transform: `translateY(${index * rowHeight}px)` }}
        onClick={() => void (opened.value = row.agentId)}
      >
        <div role="gridcell" class="grid-cell">
          <bdi>{row.name || row.agentId}</bdi>
          {row.name && row.name !== row.agentId && (
            <>
              {" "}
              <bdi class="soft">{row.agentId}</bdi>
            </>
          )}
        </div>
        <div role="gridcell" class="grid-cell">
          <State row={row} />
        </div>
        <div role="gridcell" class="grid-cell grid-time">
          <Elapsed sinceMs={Number(row.sinceMs)} />
        </div>
        <div role="gridcell" class="grid-cell">
          <Media row={row} />
        </div>
        <div role="gridcell" class="grid-cell">
          <Listed of={row.handling.map((h) => h.interactionId)} class="grid-id" />
        </div>
        <div role="gridcell" class="grid-cell">
          <bdi>{modeText(row) || "–"}</bdi>
        </div>
        <div role="gridcell" class="grid-cell">
          <bdi>{[row.place, row.extension].filter(Boolean).join(" · ") || "–"}</bdi>
        </div>
        <div role="gridcell" class="grid-cell">
          <Listed of={row.agentGroups} />
        </div>
      </div>
    );
  }
}

const stateClasses: Partial<Record<AgentRowState, string>> = {
  [AgentRowState.READY]: "state-good",
  [AgentRowState.HANDLING]: "state-busy",
  [AgentRowState.ALERTING]: "state-busy",
  [AgentRowState.CONNECTION_LOST]: "state-bad",
};

/** An agent's state, in a word that has a colour. */
export function State(props: { row: AgentRow }) {
  return <span class={`state ${stateClasses[props.row.state] ?? "state-away"}`}>{stateNames[props.row.state]()}</span>;
}

/** An agent's media: ready ones with the capacity that is left, others with the reason. */
export function Media(props: { row: AgentRow }) {
  return <Listed of={props.row.media.map(mediaText)} />;
}

function mediaText(m: MediaStatus): string {
  if (m.ready) {
    return t("mediaReady", { media: m.mediaType, left: m.capacityLeft });
  }
  return m.reason
    ? t("mediaNotReadyBecause", { media: m.mediaType, reason: reasonWords(m.reason) })
    : t("mediaNotReady", { media: m.mediaType });
}

// Texts in a row, each of its own direction.
function Listed(props: { of: readonly string[]; class?: string }) {
  return (
    <>
      {props.of.length === 0 && "–"}
      {props.of.map((text, n) => (
        <span key={text}>
          {n > 0 && ", "}
          <bdi class={props.class}>{text}</bdi>
        </span>
      ))}
    </>
  );
}

const modeNames: Record<WorkMode, () => string> = {
  [WorkMode.UNSPECIFIED]: () => "",
  [WorkMode.AUX]: () => t("modeAux"),
  [WorkMode.ACW]: () => t("modeAcw"),
  [WorkMode.AUTO_IN]: () => t("modeAutoIn"),
  [WorkMode.MANUAL_IN]: () => t("modeManualIn"),
};

/** An agent's work mode, the one that follows, and the reason of his state. */
export function modeText(row: AgentRow): string {
  const next = row.pendingWorkMode ? ` → ${modeNames[row.pendingWorkMode]()}` : "";
  const reason = row.reason === "AfterCallWork" ? "" : reasonWords(row.reason); // is what the mode says
  return [...new Set([modeNames[row.workMode]() + next, auxText(row), reason])].filter(Boolean).join(" · ");
}

// The reason code of AUX by its label; a code without one, and without other words, as a figure.
function auxText(row: AgentRow): string {
  if ((row.workMode !== WorkMode.AUX && row.pendingWorkMode !== WorkMode.AUX) || row.reasonCode === 0) {
    return "";
  }
  const offered = directory.value?.reasons.find((reason) => reason.kind === ReasonKind.AUX && reason.code === row.reasonCode);
  return offered ? offered.label || offered.name : row.reason ? "" : t("auxCodeIs", { code: row.reasonCode });
}
