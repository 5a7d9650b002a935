// The conversations of an agent's interactions: what was said, what he is
// about to say, and who is writing.
import { create } from "@bufbuild/protobuf";
import { UsherError } from "./error.js";
import type { EventLineAdded, EventTyping, Line, TranscriptLine } from "./gen/usher/v1/conversation_pb.js";
import { TranscriptLineSchema } from "./gen/usher/v1/conversation_pb.js";
import type { Event } from "./gen/usher/v1/event_pb.js";
import { InteractionManagement } from "./gen/usher/v1/interaction_management_pb.js";
import type { Persistence } from "./persistence.js";
import { randomId } from "./retry.js";

const im = InteractionManagement.method;

/** How long somebody counts as writing after he was heard to. */
const typingMs = 6_000;

/** PendingLine is a line that the server does not have yet. */
export interface PendingLine {
  readonly referenceId: string;
  readonly line: Line;
  /** Why it was refused; undefined while it is being sent. */
  readonly error: UsherError | undefined;
  /** Sequence of the server's answer, if it was given. */
  readonly sequence: bigint | undefined;
}

/** Conversation is what is said in one interaction. */
export interface Conversation {
  /** The lines, in order. */
  readonly lines: readonly TranscriptLine[];
  /** True once the lines from before were read. */
  readonly loaded: boolean;
  /** True if there are earlier lines, which loadEarlier reads. */
  readonly more: boolean;
  /** True if there were earlier lines, which the server no longer has. */
  readonly trimmed: boolean;
  /** Own lines that the server does not have yet, in order. */
  readonly pending: readonly PendingLine[];
  /** Who is writing: names by kind and id of the participant. */
  readonly typing: ReadonlyMap<string, string>;
}

const empty: Conversation = { lines: [], loaded: false, more: false, trimmed: false, pending: [], typing: new Map() };

/** The reference ids of lines that are remembered, to know their answers. */
const referencesMax = 100;

/** The conversations that are kept although the agent has left them. */
const leftMax = 20;

/** Conversations are an agent's. */
export class Conversations {
  private readonly of = new Map<string, Conversation>();
  private readonly last = new Map<string, Promise<void>>();
  private readonly references: string[] = [];
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private followed = new Set<string>();

  constructor(
    private readonly requests: Persistence,
    private readonly changed: () => void,
  ) {}

  /** All conversations, by interaction id; another map whenever one is different. */
  all(): ReadonlyMap<string, Conversation> {
    return new Map(this.of);
  }

  /** Tells whether a reference id is that of a line, whose answer changes nothing else. */
  mine(referenceId: string): boolean {
    return this.references.includes(referenceId);
  }

  /**
   * Says which interactions the agent has. Of those he had the last ones are
   * kept. What was said while he did not have one was not told him, so that it
   * is read when he gets it, also if it was read before.
   */
  follow(ids: readonly string[]): void {
    const had = this.followed;
    this.followed = new Set(ids);
    const left = [...this.of.keys()].filter((id) => !this.followed.has(id));
    for (const id of left.slice(0, Math.max(0, left.length - leftMax))) {
      this.of.delete(id);
    }
    for (const id of ids) {
      if (!had.has(id) || !this.of.get(id)?.loaded) {
        void this.load(id).catch(() => undefined);
      }
    }
  }

  /** Reads what was said so far, of long conversations the end. */
  async load(id: string): Promise<void> {
    const { lines, more } = await this.requests.read(im.getTranscript, { interactionId: id });
    const merged = this.merge(id, lines);
    const first = lines[0]?.sequence ?? 0n;
    // What is known from before may end before these begin: there is no gap if
    // it is read again when somebody wants to see it.
    const kept = more ? merged.lines.filter((line) => line.sequence >= first) : merged.lines;
    this.put(id, { ...merged, lines: kept, loaded: true, more: more && lines.length > 0, trimmed: more && lines.length === 0 });
  }

  /** Reads the lines before the first that is there, as many as the server gives at once. */
  async loadEarlier(id: string): Promise<void> {
    const first = this.of.get(id)?.lines[0];
    if (!first) {
      return;
    }
    const { lines, more } = await this.requests.read(im.getTranscript, { interactionId: id, beforeSequence: first.sequence });
    if (this.of.get(id)?.lines[0] === first) {
      const found = lines.length > 0;
      this.put(id, { ...this.merge(id, lines), more: more && found, trimmed: more && !found });
    }
  }

  /** Forgets what was read, when the messages since are lost: all is read again. */
  forget(): void {
    for (const [id, conversation] of this.of) {
      this.of.set(id, { ...conversation, loaded: false });
    }
  }

  /** Takes a line that was said. */
  heard(event: Event, added: EventLineAdded): void {
    const { sequence, timeMs, referenceId } = event;
    const line = create(TranscriptLineSchema, { sequence, timeMs, added, referenceId });
    const merged = this.merge(event.interactionId, [line]);
    this.put(event.interactionId, { ...merged, typing: without(merged.typing, keyOf(added)) });
  }

  /** Takes that somebody is writing, or has stopped. */
  typing(id: string, typing: EventTyping): void {
    const key = keyOf(typing);
    const timer = `${id} ${key}`;
    clearTimeout(this.timers.get(timer));
    this.timers.delete(timer);
    const stop = () => {
      const conversation = this.of.get(id);
      if (conversation) {
        this.put(id, { ...conversation, typing: without(conversation.typing, key) });
      }
    };
    if (typing.stopped) {
      stop();
      return;
    }
    const conversation = this.of.get(id) ?? empty;
    this.put(id, { ...conversation, typing: new Map(conversation.typing).set(key, typing.authorName || (typing.author?.id ?? "")) });
    this.timers.set(timer, setTimeout(stop, typingMs));
  }

  /** Says something; the promise is kept when the server has the line. */
  say(id: string, line: Line): Promise<void> {
    const referenceId = randomId();
    this.references.push(referenceId);
    this.references.splice(0, this.references.length - referencesMax);
    this.addPending(id, { referenceId, line, error: undefined, sequence: undefined });
    // One after the other, so that they arrive in this order.
    const sent = (this.last.get(id) ?? Promise.resolve()).then(() => this.send(id, referenceId, line));
    this.last.set(id, sent.catch(() => undefined));
    return sent;
  }

  private async send(interactionId: string, referenceId: string, line: Line): Promise<void> {
    try {
      const ack = await this.requests.read(im.addLine, { interactionId, referenceId, line });
      this.acknowledged(interactionId, referenceId, ack.sequence);
    } catch (thrown) {
      const error = UsherError.from(thrown);
      this.changePending(interactionId, referenceId, (pending) => ({ ...pending, error }));
      throw error;
    }
  }

  /** Takes the answer to a line, which comes before the line itself. */
  acknowledged(id: string, referenceId: string, sequence: bigint): void {
    this.changePending(id, referenceId, (pending) => ({ ...pending, sequence }));
  }

  /** Sends a refused line again, or gives it up. */
  settle(id: string, referenceId: string, how: "again" | "never"): void {
    const refused = this.of.get(id)?.pending.find((pending) => pending.referenceId === referenceId && pending.error);
    if (!refused) {
      return;
    }
    this.changePending(id, referenceId, () => undefined);
    if (how === "again") {
      this.say(id, refused.line).catch(() => undefined); // the pending line tells
    }
  }

  /** Forgets a conversation that is not the agent's. */
  drop(id: string): void {
    if (!this.followed.has(id) && this.of.delete(id)) {
      this.changed();
    }
  }

  private addPending(id: string, pending: PendingLine): void {
    const conversation = this.of.get(id) ?? empty;
    this.put(id, { ...conversation, pending: [...conversation.pending, pending] });
  }

  private changePending(id: string, referenceId: string, change: (pending: PendingLine) => PendingLine | undefined): void {
    const conversation = this.of.get(id);
    if (conversation) {
      const pending = conversation.pending.flatMap((p) => (p.referenceId === referenceId ? (change(p) ?? []) : [p]));
      this.put(id, { ...conversation, pending });
    }
  }

  // merge adds lines that are not there yet, in their order.
  private merge(id: string, more: readonly TranscriptLine[]): Conversation {
    const conversation = this.of.get(id) ?? empty;
    const known = new Set(conversation.lines.map((line) => line.sequence));
    const lines = [...conversation.lines, ...more.filter((line) => !known.has(line.sequence))];
    lines.sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
    return { ...conversation, lines };
  }

  // put shows a conversation, without the pending lines that have arrived: the
  // first line after its answer is the line itself.
  private put(id: string, conversation: Conversation): void {
    const latest = conversation.lines.at(-1)?.sequence ?? 0n;
    const references = new Set(conversation.lines.map((line) => line.referenceId));
    const pending = conversation.pending.filter(
      (p) => !references.has(p.referenceId) && (p.sequence === undefined || latest <= p.sequence),
    );
    this.of.set(id, { ...conversation, pending });
    this.changed();
  }
}

/** Tells participants apart. */
function keyOf(said: EventLineAdded | EventTyping): string {
  return `${said.author?.kind ?? 0} ${said.author?.id ?? ""}`;
}

function without(typing: ReadonlyMap<string, string>, key: string): ReadonlyMap<string, string> {
  const rest = new Map(typing);
  rest.delete(key);
  return rest;
}
