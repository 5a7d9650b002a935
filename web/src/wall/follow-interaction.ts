// One interaction that is open: its messages as they happen, and by them its
// properties and its conversation.
import { type Signal, signal } from "@preact/signals";
import { follow, type Link, UsherError } from "@usher-cc/client";
import { ErrorCode, type InteractionProperties, ParticipantKind } from "@usher-cc/client/gen/common";
import type { Event } from "@usher-cc/client/gen/event";
import { Reporting, type TraceLine } from "@usher-cc/client/gen/reporting";
import { agentName, connection, enter, reasonWords, refusalWords, session } from "./state.js";
import { t } from "./text.js";

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
  const reader = new Reader(id, f, life.signal);
  const show = () => {
    timer = undefined;
    const said = gathered.some((line) => line.event?.message.case === "eventLineAdded");
    const changed = gathered.some(changes);
    const stop = gathered.findLast((line) => line.event?.message.case === "eventProcessingStopped");
    f.lines.value = [...f.lines.value, ...gathered];
    gathered = [];
    if (stop?.event) {
      reader.stopped(stop.event);
    } else if (changed) {
      void reader.read();
    }
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
        f.gone.value = refusalWords(link.error);
      }
    },
    ended: () => undefined,
    signal: life.signal,
    silenceMs,
  });
  void reader.read();
  void session.loadConversation(id).catch(() => undefined);
  return f;
}

// Whether properties may differ after a line. A refusal changes nothing; those of
// this window's own reads come as lines too, and would lead to the next read.
const changes = (line: TraceLine): boolean => line.event !== undefined && line.event.message.case !== "eventError";

/**
 * Reader reads the properties of an interaction until it is stopped, which
 * nothing undoes. One read is under way at a time, so that no answer goes over
 * that of a later one; the next begins when it is answered.
 */
class Reader {
  private over = false;
  private reading = false;
  private again = false;

  constructor(
    private readonly id: string,
    private readonly f: FollowedInteraction,
    private readonly signal: AbortSignal,
  ) {}

  async read(): Promise<void> {
    this.again = true;
    if (this.reading) {
      return;
    }
    this.reading = true;
    while (this.again && !this.done()) {
      this.again = false;
      await this.once();
    }
    this.reading = false;
  }

  private async once(): Promise<void> {
    try {
      await enter();
      const properties = await session.properties(this.id);
      if (!this.done()) {
        this.f.properties.value = properties;
        this.f.gone.value = undefined;
      }
    } catch (thrown) {
      const error = UsherError.from(thrown);
      if (!this.done() && error.event) {
        this.over = error.code === ErrorCode.ALREADY_STOPPED;
        this.f.gone.value = refusalWords(error);
      }
    }
  }

  /** Ends the reading: the interaction was stopped. */
  stopped(event: Event): void {
    this.over = true;
    this.f.gone.value = stoppedWords(event);
  }

  // What was asked before the stop, or before the panel was closed, counts no more.
  private done(): boolean {
    return this.over || this.signal.aborted;
  }
}

function stoppedWords({ actor, reason }: Event): string {
  const name = actor?.kind === ParticipantKind.AGENT ? agentName(actor.id) : "";
  const values = { name, reason: reasonWords(reason) };
  if (name) {
    return t(reason ? "stoppedByBecause" : "stoppedBy", values);
  }
  return reason ? t("stoppedBecause", values) : t("errorAlreadyStopped");
}
