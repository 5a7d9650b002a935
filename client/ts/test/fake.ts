// A server in memory: it says what the tests want, remembers reference ids as
// Usher does, and can lose connections and answers.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type Transport } from "@connectrpc/connect";
import { ErrorCode, EventErrorSchema, InteractionPropertiesSchema } from "../src/gen/usher/v1/common_pb.js";
import { TranscriptLineSchema, type TranscriptLine } from "../src/gen/usher/v1/conversation_pb.js";
import { type Event, EventPresentStateSchema, EventSchema } from "../src/gen/usher/v1/event_pb.js";
import { InteractionManagement } from "../src/gen/usher/v1/interaction_management_pb.js";

/** The refusal of a server. */
export function refusal(code: ErrorCode, name: string, description: string): ConnectError {
  const event = create(EventErrorSchema, { code, name, description });
  return new ConnectError(description, Code.FailedPrecondition, undefined, [{ desc: EventErrorSchema, value: event }]);
}

/** A connection that broke. */
export const broken = () => new ConnectError("the connection broke", Code.Unavailable);

type Message = MessageInitShape<typeof EventSchema>["message"];

/** One open stream of the fake. */
interface Stream {
  at: bigint;
  end: ConnectError | "well" | undefined;
  wake: () => void;
}

export class FakeServer {
  /** What is recorded: all that a stream may begin after. */
  readonly journal: Event[] = [];
  /** How the client has opened its streams. */
  readonly opened: { presentState: boolean; after: bigint | undefined }[] = [];
  /** Requests as they were carried out: once for each reference id. */
  readonly done: string[] = [];
  /** The attempts of all requests, by what was asked. */
  readonly attempts: { what: string; referenceId: string }[] = [];
  /** The interactions that the agent has. */
  interactions: string[] = [];
  /** Who is asked to take them. */
  asked: string[] = [];
  /** Answers the transfer that is pending. */
  transferred: () => void = () => undefined;
  /** What the next requests meet in place of their answer: nothing is done, or it is done and the answer lost. */
  readonly mishaps: ("not done" | "answer lost" | ConnectError)[] = [];
  /** What opening a stream meets. */
  refuseStreams: ConnectError | undefined;
  /** How far the server's clock is ahead of the client's, in milliseconds. */
  skewMs = 0;
  presentReads = 0;
  /** How many lines of a transcript are given at once. */
  portion = 1_000;
  /** Where the journal begins. */
  oldest = 0n;
  /** What answers of present states wait for. */
  private held: Promise<void> | undefined;
  /** True while streams are slower than answers. */
  private slow = false;

  private readonly streams = new Set<Stream>();
  private readonly answered = new Map<string, bigint>();

  /** Records a message and sends it. */
  say(interactionId: string, message: Message, referenceId = ""): bigint {
    const sequence = BigInt(this.journal.length + 1);
    const properties = { interactionId };
    this.journal.push(
      create(EventSchema, {
        sequence,
        timeMs: this.now(),
        interactionId,
        referenceId,
        message,
        ...(message?.case === "eventInvite" && { interactions: [properties] }),
      }),
    );
    this.streams.forEach((stream) => stream.wake());
    return sequence;
  }

  /** Keeps streams back, or lets them go on. */
  slowStreams(slow: boolean): void {
    this.slow = slow;
    this.streams.forEach((stream) => stream.wake());
  }

  /** Keeps the answers of present states on their way, as they are when asked for, until what is returned is called. */
  holdPresent(): () => void {
    let release = () => {};
    this.held = new Promise((resolve) => (release = resolve));
    return () => {
      this.held = undefined;
      release();
    };
  }

  /** Breaks all streams, or ends them well. */
  cut(end: ConnectError | "well" = broken()): void {
    for (const stream of this.streams) {
      stream.end = end;
      stream.wake();
    }
  }

  transport(): Transport {
    const im = InteractionManagement.method;
    return createRouterTransport(({ rpc }) => {
      rpc(im.registerClient, () => ({}));
      rpc(im.events, (request) => this.events(request.presentState, request.afterSequence));
      rpc(im.getPresentState, async () => {
        this.presentReads++;
        const present = this.present();
        await this.held;
        return present;
      });
      rpc(im.getTranscript, (request) => this.transcript(request.interactionId, request.beforeSequence));
      rpc(im.accept, (request) =>
        this.carryOut(`accept ${request.ticket}`, request.referenceId, () => this.interactions.push("i1")),
      );
      rpc(im.transfer, () => new Promise((resolve) => (this.transferred = () => resolve({}))));
      rpc(im.addLine, (request) =>
        this.carryOut(`say ${request.line?.text}`, request.referenceId, (sequence) => {
          const { line } = request;
          this.say(request.interactionId, { case: "eventAck", value: { sequence } }, request.referenceId);
          this.say(request.interactionId, { case: "eventLineAdded", value: { line, authorName: "Alice" } as never });
        }),
      );
    });
  }

  /** Gives the latest lines before a sequence, 0 for all; what was trimmed is left out. */
  private transcript(interactionId: string, before: bigint) {
    const all = this.lines(interactionId).filter((line) => before === 0n || line.sequence < before);
    const lines = all.slice(-this.portion).filter((line) => line.sequence >= this.oldest);
    return { lines, more: lines.length < all.length };
  }

  private carryOut(what: string, referenceId: string, act: (sequence: bigint) => void) {
    this.attempts.push({ what, referenceId });
    const mishap = this.mishaps.shift();
    if (mishap === "not done") {
      throw broken();
    }
    if (mishap instanceof ConnectError) {
      throw mishap;
    }
    let sequence = this.answered.get(referenceId);
    if (sequence === undefined) {
      sequence = BigInt(this.journal.length + 1);
      this.answered.set(referenceId, sequence);
      this.done.push(what);
      act(sequence);
    }
    if (mishap === "answer lost") {
      throw broken();
    }
    return { sequence, referenceId };
  }

  private async *events(presentState: boolean, after: bigint | undefined): AsyncGenerator<Event> {
    this.opened.push({ presentState, after });
    if (this.refuseStreams) {
      throw this.refuseStreams;
    }
    const stream: Stream = { at: after ?? BigInt(this.journal.length), end: undefined, wake: () => undefined };
    this.streams.add(stream);
    try {
      yield create(EventSchema, {
        timeMs: this.now(),
        message: presentState
          ? { case: "eventPresentState", value: this.present() }
          : { case: "eventHeartbeat", value: { sequenceReached: stream.at } },
      });
      for (;;) {
        for (const event of this.slow ? [] : this.journal.slice(Number(stream.at))) {
          stream.at = event.sequence;
          yield event;
        }
        if (stream.end === "well") {
          return;
        }
        if (stream.end) {
          throw stream.end;
        }
        if (this.slow || Number(stream.at) === this.journal.length) {
          await new Promise<void>((resolve) => (stream.wake = resolve));
        }
      }
    } finally {
      this.streams.delete(stream);
    }
  }

  private present() {
    return create(EventPresentStateSchema, {
      connectionGraceMs: 60_000n,
      sequenceReached: BigInt(this.journal.length),
      agentId: "alice",
      invitations: this.invitations(),
      interactions: this.interactions.map((interactionId) =>
        create(InteractionPropertiesSchema, { interactionId, invitations: this.asked.map((agentId) => ({ agentId })) }),
      ),
    });
  }

  private invitations(): Event[] {
    const closed = this.journal.flatMap((e) => (e.message.case === "eventRevoked" ? [e.message.value.ticket] : []));
    return this.journal.filter((e) => e.message.case === "eventInvite" && !closed.includes(e.message.value.ticket));
  }

  private lines(interactionId: string): TranscriptLine[] {
    return this.journal.flatMap((event) =>
      event.message.case === "eventLineAdded" && event.interactionId === interactionId
        ? [create(TranscriptLineSchema, { sequence: event.sequence, timeMs: event.timeMs, added: event.message.value })]
        : [],
    );
  }

  private now(): bigint {
    return BigInt(Date.now() + this.skewMs);
  }
}
