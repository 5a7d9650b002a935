// Workbins, and queues that agents pull from.
import { computed, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { InteractionProperties, Workbin } from "@usher-cc/client/gen/common";
import type { Event } from "@usher-cc/client/gen/event";
import { Button } from "../common/button.js";
import { Table, type Column } from "../common/table.js";
import { stopwatch } from "../common/time.js";
import * as acts from "./acts.js";
import { now } from "../common/clock.js";
import { desk, link, onEvent } from "./desk.js";
import { useFreshDirectory } from "./fresh.js";
import { customerOf, requestOf, subjectOf } from "./model.js";
import { Trouble } from "./parts.js";
import { directory } from "./store.js";
import { busy, say, words } from "./trouble.js";
import { t } from "./text.js";

const keyOf = (w: Workbin) => `${w.name}\n${w.owner}`;

/** What is in the workbin that is looked at. */
const content = signal<{ key: string; interactions: readonly InteractionProperties[] } | undefined>();
const watched = signal<Workbin | undefined>();

const workbins = computed(() => directory.value?.workbins ?? []);

onEvent((event: Event) => {
  const changed = event.message.case === "eventWorkbinContentChanged" ? event.message.value.workbin : undefined;
  if (changed && watched.value && keyOf(changed) === keyOf(watched.value)) {
    readBin(watched.value).catch((thrown) => say(acts.binsPlace, words(thrown)));
  }
});

/** Reads a workbin and listens to its changes, no longer to those of the one before. */
async function watch(workbin: Workbin): Promise<void> {
  const former = watched.value;
  watched.value = workbin;
  say(acts.binsPlace, undefined);
  try {
    if (former && keyOf(former) !== keyOf(workbin)) {
      await desk().watchWorkbin({ name: former.name, owner: former.owner }, true).catch(() => undefined);
    }
    await desk().watchWorkbin({ name: workbin.name, owner: workbin.owner });
    await readBin(workbin);
  } catch (thrown) {
    say(acts.binsPlace, words(thrown));
  }
}

let reads = 0;

// Of two answers the later one may come first: that of the latest read counts.
async function readBin(workbin: Workbin): Promise<void> {
  const read = ++reads;
  const { interactions } = await desk().workbin({ name: workbin.name, owner: workbin.owner });
  if (read === reads) {
    content.value = { key: keyOf(workbin), interactions };
  }
}

export function Bins() {
  const [filter, setFilter] = useState("");
  const chosen = watched.value ?? workbins.value[0];
  useEffect(() => {
    if (chosen) {
      void watch(chosen);
    }
  }, [chosen && keyOf(chosen), link.value.state === "connected"]);
  const rows = chosen && content.value?.key === keyOf(chosen) ? content.value.interactions.filter((p) => matches(p, filter)) : [];
  return (
    <section class="bins" aria-label={t("bins")}>
      <h2>{t("bins")}</h2>
      <Trouble place={acts.binsPlace} />
      <Queues />
      {workbins.value.length === 0 ? (
        <p class="soft">{t("noBins")}</p>
      ) : (
        <>
          <div class="row">
            <label class="inline">
              {t("workbin")}
              <select
                value={chosen && keyOf(chosen)}
                onChange={(event) => {
                  const one = workbins.value.find((w) => keyOf(w) === event.currentTarget.value);
                  if (one) {
                    void watch(one);
                  }
                }}
              >
                {workbins.value.map((w) => (
                  <option key={keyOf(w)} value={keyOf(w)}>
                    {nameOfBin(w)}
                  </option>
                ))}
              </select>
            </label>
            <label class="inline">
              {t("filter")}
              <input type="search" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
            </label>
          </div>
          {chosen && <Table caption={nameOfBin(chosen)} columns={columns(chosen)} rows={rows} rowKey={(p) => p.interactionId} empty={t("binEmpty")} />}
        </>
      )}
    </section>
  );
}

/** A workbin, for people. */
export const nameOfBin = (w: Workbin): string => (w.owner ? `${w.name} (${w.owner})` : w.name);

function matches(p: InteractionProperties, filter: string): boolean {
  const text = [customerOf(p), subjectOf(p), requestOf(p), p.mediaType, p.interactionId].join(" ").toLowerCase();
  return text.includes(filter.trim().toLowerCase());
}

function columns(workbin: Workbin): Column<InteractionProperties>[] {
  return [
    { key: "customer", title: t("customer"), cell: customerOf, sort: customerOf },
    { key: "about", title: t("about"), cell: (p) => subjectOf(p) || requestOf(p), sort: (p) => subjectOf(p) || requestOf(p) },
    { key: "media", title: t("mediaType"), cell: (p) => p.mediaType, sort: (p) => p.mediaType },
    { key: "since", title: t("inHereSince"), number: true, cell: (p) => stopwatch(now.value - Number(p.placedInQueueAtMs)), sort: (p) => -p.placedInQueueAtMs },
    {
      key: "pull",
      title: t("take"),
      cell: (p) => (
        <Button label={t("takeOf", { customer: customerOf(p) })} busy={busy.value.has(acts.binsPlace)} onClick={() => acts.pullFromWorkbin(workbin, p.interactionId)}>
          {t("take")}
        </Button>
      ),
    },
  ];
}

/** Queues in which something waits, or from which agents pull. */
function Queues() {
  const queues = directory.value?.queues ?? [];
  useFreshDirectory();
  return (
    <Table
      caption={t("queues")}
      columns={[
        { key: "queue", title: t("queue"), cell: (q) => q.queue, sort: (q) => q.queue },
        { key: "waiting", title: t("waiting"), number: true, cell: (q) => q.waiting, sort: (q) => q.waiting },
        { key: "longest", title: t("longestWait"), number: true, cell: (q) => (q.oldestSinceMs ? stopwatch(now.value - Number(q.oldestSinceMs)) : "–") },
        {
          key: "pull",
          title: t("take"),
          cell: (q) => (
            <Button label={t("takeFrom", { queue: q.queue })} disabled={q.waiting === 0} busy={busy.value.has(acts.binsPlace)} onClick={() => acts.pullFromQueue(q.queue)}>
              {t("takeNext")}
            </Button>
          ),
        },
      ]}
      rows={queues}
      rowKey={(q) => q.queue}
    />
  );
}
