import { signal } from "@preact/signals";
import type { InteractionProperties } from "@usher-cc/client/gen/common";
import { InteractionState } from "@usher-cc/client/gen/common";
import { InteractionManagement } from "@usher-cc/client/gen/interaction_management";
import { useEffect } from "preact/hooks";
import { queueName } from "../common/queues.js";
import { type Column, Table } from "../common/table.js";
import { count } from "../common/time.js";
import { InteractionPanel } from "./interaction.js";
import { Elapsed, interactionStates } from "./marks.js";
import { address, agentName, besides, connection, enter, known, place, words } from "./state.js";
import { t } from "./text.js";

/** How often the list is read while somebody looks at it. */
const readMs = 2_000;
/** The most interactions that are read, and that are listed. */
const limits = { read: 1_000, listed: 200 };

type StateFilter = "" | "waiting" | "handling";

const filter = signal<{ queue: string; state: StateFilter; text: string }>({ queue: "", state: "", text: "" });
const found = signal<{ interactions: readonly InteractionProperties[]; more: boolean } | undefined>(undefined);
const trouble = signal<string | undefined>(undefined);

/** Interactions lists what waits and what is handled, and shows the one that is open. */
export function Interactions() {
  const { queue, state } = filter.value;
  useEffect(() => listen(), [queue, state]);
  const { open } = place.value;
  return (
    <section aria-label={t("tabInteractions")} class={`interactions ${open ? "interactions-open" : ""}`}>
      <div class="interactions-list">
        <Filter />
        {besides(trouble.value) && (
          <p class="trouble" role="alert">
            {trouble.value}
          </p>
        )}
        <List open={open} />
      </div>
      {open && <InteractionPanel key={open} id={open} />}
    </section>
  );
}

// Reads the list as long as somebody looks: what waits is nobody's in
// particular, and so pushed to nobody.
function listen(): () => void {
  let over = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const once = async () => {
    if (document.visibilityState === "visible") {
      try {
        const answer = await find();
        if (!over) {
          found.value = answer;
          trouble.value = undefined;
        }
      } catch (thrown) {
        if (!over) {
          trouble.value = words(thrown);
        }
      }
    }
    if (!over) {
      timer = setTimeout(() => void once(), readMs);
    }
  };
  void once();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

async function find() {
  const { queue, state } = filter.value;
  await enter();
  const answer = await connection.call(InteractionManagement.method.findInteractions, {
    conditions: queue ? [{ property: "queue", value: { kind: { case: "stringValue", value: queue } } }] : [],
    limit: limits.read,
  });
  const wanted = answer.interactions.filter((i) => state === "" || (i.state === InteractionState.HANDLING) === (state === "handling"));
  return { interactions: wanted, more: answer.more };
}

function Filter() {
  const set = (change: Partial<typeof filter.value>) => void (filter.value = { ...filter.value, ...change });
  return (
    <div class="wall-bar" role="search">
      <label class="wall-label">
        {t("find")}
        <input type="search" value={filter.value.text} onInput={(event) => set({ text: event.currentTarget.value })} />
      </label>
      <label class="wall-label">
        {t("queue")}
        <select value={filter.value.queue} onChange={(event) => set({ queue: event.currentTarget.value })}>
          <option value="">{t("allQueues")}</option>
          {[...known.value.queues.keys()].map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label class="wall-label">
        {t("state")}
        <select value={filter.value.state} onChange={(event) => set({ state: event.currentTarget.value as StateFilter })}>
          <option value="">{t("everyState")}</option>
          <option value="waiting">{t("waits")}</option>
          <option value="handling">{t("handling")}</option>
        </select>
      </label>
    </div>
  );
}

function List(props: { open: string }) {
  if (!found.value) {
    return trouble.value ? null : <p role="status">{t("reading")}</p>;
  }
  const { interactions, more } = found.value;
  const words = filter.value.text.trim().toLocaleLowerCase();
  const wanted = words ? interactions.filter((i) => textOf(i).includes(words)) : interactions;
  return (
    <>
      <p class="soft">
        {wanted.length > limits.listed || more
          ? t("interactionsSome", { shown: count(Math.min(wanted.length, limits.listed)), count: more ? `> ${count(limits.read)}` : count(wanted.length) })
          : t("interactionsCount", { count: wanted.length })}
      </p>
      <div class="wall-scroll interactions-table" tabIndex={0} role="region" aria-label={t("interactionsTable")}>
        <Table
          caption={t("interactionsTable")}
          columns={columns(props.open)}
          rows={wanted.slice(0, limits.listed)}
          rowKey={(i) => i.interactionId}
          empty={t("interactionsNone")}
        />
      </div>
    </>
  );
}

/** Since when an interaction waits, or is handled, Unix milliseconds. */
export const sinceMs = (i: InteractionProperties): number =>
  Number(i.state === InteractionState.HANDLING ? i.assignedAtMs : i.movedToQueueAtMs || i.submittedAtMs);

/** The queue or the workbin where an interaction is or was last; what was taken from a workbin says no more of it. */
export const whereOf = (i: InteractionProperties): string => queueName(i.queue) || i.workbin?.name || (i.queue && t("workbin"));

function columns(open: string): Column<InteractionProperties>[] {
  return [
    {
      key: "id",
      title: t("interaction"),
      sort: (i) => `${subject(i)} ${i.interactionId}`,
      cell: (i) => (
        <>
          <a href={address("interactions", i.interactionId)} aria-current={i.interactionId === open ? "true" : undefined}>
            <Heading i={i} />
          </a>
          <div class="soft">{i.mediaType}</div>
        </>
      ),
    },
    {
      key: "state",
      title: t("state"),
      sort: (i) => i.state,
      cell: (i) => (
        <>
          {interactionStates[i.state]()}
          {i.assignedTo && <div class="soft">{agentName(i.assignedTo)}</div>}
        </>
      ),
    },
    { key: "since", title: t("since"), number: true, sort: (i) => -sinceMs(i), cell: (i) => <Elapsed sinceMs={sinceMs(i)} /> },
    { key: "queue", title: t("queue"), sort: whereOf, cell: (i) => whereOf(i) || "–" },
  ];
}

/** What heads an interaction: whose it is and what it is about, with its id beside. */
export function Heading(props: { i: InteractionProperties }) {
  const { i } = props;
  const text = subject(i);
  return (
    <>
      {text && <bdi class="interactions-subject">{text}</bdi>} <bdi class={text ? "interactions-id" : ""}>{i.interactionId}</bdi>
    </>
  );
}

/** The name of an interaction's customer, if the user data say it; else its id. */
export const customerOf = (i: InteractionProperties): string => namesOf(i, "customer_name", "name")[0] ?? i.interactionId;

// What it is about and for whom, if the user data say so.
function subject(i: InteractionProperties): string {
  return namesOf(i, "name", "customer_name", "subject").join(" · ");
}

const namesOf = (i: InteractionProperties, ...keys: string[]): string[] =>
  keys.map((key) => i.userData?.[key]).filter((value) => typeof value === "string" && value !== "") as string[];

const textOf = (i: InteractionProperties): string =>
  [i.interactionId, i.externalId, i.queue, i.vdn, i.mediaType, i.assignedTo, agentName(i.assignedTo), JSON.stringify(i.userData ?? {})].join("\n").toLocaleLowerCase();
