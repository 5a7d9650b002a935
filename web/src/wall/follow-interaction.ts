// One interaction that is open: its messages as they happen, and by them its
// properties and its conversation.
import { type Signal, signal } from "@preact/signals";
import { follow, type Link, UsherError } from "@usher-cc/client";
import { ErrorCode, type InteractionProperties } from "@usher-cc/client/gen/common";
import { Reporting, type TraceLine } from "@usher-cc/client/gen/reporting";
import { connection, enter, session, words } from "./state.js";

/** How long lines are gathered before the screen is drawn. */
const gatherMs = 100;
/** A live trace has no heartbeat: a quiet interaction is no broken stream. */
const silenceMs = 2 ** 31 - 1;

/** FollowedInteraction is what is known of the interaction that is open. */
export interface FollowedInteraction {
  lines: Signal<readonly TraceLine[]>;
  properties: Signal<InteractionProperties | undefined>;
  /** Why the properties are not there, or no longer: it was stopped, or never was. */
  gone: Signal<string | undefined>;
  link: Signal<Link>;
  /** Stops following. */
  close: () => void;
}

/** Follows an interaction until it is closed. */
export function followInteraction(id: string): FollowedInteraction {
  const life = new AbortController();
  const f: FollowedInteraction = {
    lines: signal([]),
    properties: signal(undefined),
    gone: signal(undefined),
    link: signal({ state: "connecting" }),
    close: () => life.abort(),
  };
  // A request and its answer may have the same sequence, so after a break the
  // lines of the last one come again.
  let after = 0n;
  let last: string[] = [];
  let again = new Set<string>();
  let gathered: TraceLine[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = () => {
    timer = undefined;
    const said = gathered.some((line) => line.event?.message.case === "eventLineAdded");
    f.lines.value = [...f.lines.value, ...gathered];
    gathered = [];
    void readProperties(id, f, life.signal);
    if (said) {
      void session.loadConversation(id).catch(() => undefined);
    }
  };
  void follow<TraceLine>({
    open: (signal) => {
      again = new Set(last);
      const afterSequence = after > 0n ? after - 1n : 0n;
      return connection.stream(Reporting.method.trace, { interactionId: id, afterSequence, live: true }, signal);
    },
    take: (line) => {
      const key = `${line.sequence} ${line.message} ${line.protocol} ${line.referenceId}`;
      if (again.delete(key)) {
        return;
      }
      if (line.sequence > after) {
        after = line.sequence;
        last = [];
      }
      if (line.sequence === after) {
        last.push(key);
      }
      gathered.push(line);
      timer ??= setTimeout(show, gatherMs);
    },
    link: (link) => {
      f.link.value = link;
      if (link.state === "closed" && link.error?.code === ErrorCode.CURSOR_EXPIRED) {
        f.gone.value = words(link.error);
      }
    },
    ended: () => undefined,
    signal: life.signal,
    silenceMs,
  });
  void readProperties(id, f, life.signal);
  void session.loadConversation(id).catch(() => undefined);
  return f;
}

async function readProperties(id: string, f: FollowedInteraction, signal: AbortSignal): Promise<void> {
  try {
    await enter();
    const properties = await session.properties(id);
    if (!signal.aborted) {
      f.properties.value = properties;
      f.gone.value = undefined;
    }
  } catch (thrown) {
    const error = UsherError.from(thrown);
    if (!signal.aborted && error.event) {
      f.gone.value = error.description;
    }
  }
}
