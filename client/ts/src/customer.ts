// A customer's session: asked for, followed through reloads and every break of
// the connection, until it ends.
import { create, fromJson, type JsonValue, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { download, upload } from "./attachments.js";
import { ServerClock } from "./clock.js";
import { connect, type Connection, type ConnectOptions } from "./connect.js";
import { codeOf, ErrorCode, UsherError } from "./error.js";
import { follow, type Link } from "./follow.js";
import { type Attachment, type Line, LineKind, LineSchema } from "./gen/usher/v1/conversation_pb.js";
import {
  type EventSessionLine,
  type EventSessionProgress,
  type GetSiteResponse,
  InternetCallManager,
  type RequestLaunchSession,
  RequestLaunchSessionSchema,
  type SessionEvent,
  SessionState,
} from "./gen/usher/v1/session_pb.js";
import { Observers } from "./observers.js";
import { Persistence } from "./persistence.js";
import { randomId } from "./retry.js";

const icm = InternetCallManager.method;

/** How long an agent counts as writing after he was heard to. */
const typingMs = 6_000;

/** Where a session is kept over a reload of the page, e.g. sessionStorage. */
export type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface CustomerLine {
  /** Sequence in the journal, which tells lines apart. */
  readonly sequence: bigint;
  /** The server's time, Unix milliseconds. */
  readonly timeMs: number;
  readonly said: EventSessionLine;
}

/** A line that the server does not have yet. */
export interface CustomerPendingLine {
  readonly referenceId: string;
  readonly line: Line;
  /** Why it was refused; undefined while it is being sent. */
  readonly error: UsherError | undefined;
}

/** CustomerState is what the customer sees. A new one takes its place whenever something changes. */
export interface CustomerState {
  /** idle before a session was asked for, launching until it is there. */
  readonly stage: "idle" | "launching" | "open" | "ended";
  readonly link: Link;
  /** The session: the id of its interaction. */
  readonly sessionId: string;
  /** True for a callback: it is noted, and there is nothing to wait for. */
  readonly callback: boolean;
  readonly progress: EventSessionProgress | undefined;
  readonly lines: readonly CustomerLine[];
  readonly pending: readonly CustomerPendingLine[];
  /** Who is writing, by name; empty if nobody is. */
  readonly typing: string;
  /** Why the session could not be launched, or went on no longer. */
  readonly error: UsherError | undefined;
}

export interface CustomerSessionOptions extends Omit<ConnectOptions, "credential" | "window"> {
  tenantId?: string;
  site: string;
  /** Where the session is kept; without it a reload loses it. */
  keep?: Keep;
  /** Another connection for a credential, for tests. */
  connection?: (credential: () => string | undefined) => Connection;
}

/** What a session is asked for with. */
export type Launch = Omit<
  MessageInitShape<typeof RequestLaunchSessionSchema>,
  "$typeName" | "referenceId" | "tenantId" | "site"
>;

// What is kept: enough to ask for the same session again, and what is not sent.
interface Kept {
  launch: JsonValue;
  token: string;
  sessionId: string;
  callback: boolean;
  pending: { referenceId: string; line: JsonValue }[];
}

const idle: CustomerState = {
  stage: "idle",
  link: { state: "connecting" },
  sessionId: "",
  callback: false,
  progress: undefined,
  lines: [],
  pending: [],
  typing: "",
  error: undefined,
};

/** CustomerSession is one customer's session with a site, one after the other. */
export class CustomerSession {
  /** The server's clock. */
  readonly clock = new ServerClock();

  private current: CustomerState = idle;
  private readonly observers = new Observers();
  private readonly connection: Connection;
  private life = new AbortController();
  private requests: Persistence;
  private launch: RequestLaunchSession | undefined;
  private token = "";
  private after = 0n;
  private sending: Promise<void> = Promise.resolve();
  private readonly arrived = new Set<string>(); // pending lines that the server has, by reference id
  private typingEnd: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: CustomerSessionOptions) {
    const credential = () => this.token || undefined;
    this.connection = options.connection?.(credential) ?? connect({ ...options, credential });
    this.requests = new Persistence(this.connection, this.life.signal);
  }

  /** What the customer sees now. */
  get state(): CustomerState {
    return this.current;
  }

  /** Calls back whenever state is another. What is returned ends it. */
  subscribe(observer: () => void): () => void {
    return this.observers.add(observer);
  }

  /** What the site offers. */
  site(): Promise<GetSiteResponse> {
    const { tenantId = "", site } = this.options;
    return this.requests.read(icm.getSite, { tenantId, site });
  }

  /** Takes up the session that was kept before the page was loaded again; false if there is none. */
  restore(): boolean {
    const text = this.options.keep?.getItem(this.key());
    if (!text) {
      return false;
    }
    const kept = JSON.parse(text) as Kept;
    this.launch = fromJson(RequestLaunchSessionSchema, kept.launch);
    this.token = kept.token;
    const pending = kept.pending.map(({ referenceId, line }) => ({
      referenceId,
      line: fromJson(LineSchema, line),
      error: undefined,
    }));
    this.change({ ...idle, stage: "launching", pending });
    if (this.token) {
      this.launched(kept.sessionId, kept.callback);
    } else {
      void this.ask(); // the page was loaded again before the answer came
    }
    return true;
  }

  /** Asks for a session. Its outcome is in the state. */
  async start(launch: Launch): Promise<void> {
    this.forget();
    const { tenantId = "", site } = this.options;
    const whole = { ...launch, tenantId, site, referenceId: randomId() } as MessageInitShape<typeof RequestLaunchSessionSchema>;
    this.launch = create(RequestLaunchSessionSchema, whole);
    this.change({ ...idle, stage: "launching" });
    await this.ask();
  }

  /** Says something. The line is pending until the server has it. */
  send(line: string | MessageInitShape<typeof LineSchema>): void {
    const whole = create(LineSchema, typeof line === "string" ? { text: line } : line);
    const pending = { referenceId: randomId(), line: whole, error: undefined };
    this.change({ pending: [...this.current.pending, pending] });
    this.queue(pending);
  }

  /** Sends a refused line again, or gives it up. */
  settle(referenceId: string, how: "again" | "never"): void {
    const refused = this.current.pending.find((p) => p.referenceId === referenceId && p.error);
    this.change({ pending: this.current.pending.filter((p) => p !== refused) });
    if (refused && how === "again") {
      this.send(refused.line);
    }
  }

  /** Says that the customer is writing, or has stopped. Call it at most every 3 s. */
  typing(stopped = false): void {
    this.connection.call(icm.customerTyping, { stopped }, this.life.signal).catch(() => undefined);
  }

  /** Ends the session; that it has already ended makes no difference. */
  async drop(): Promise<void> {
    await this.requests.change(icm.dropSession, {});
  }

  /** Uploads a file and says it. */
  async attach(file: File, text = ""): Promise<void> {
    const attachment = await upload(this.connection, file);
    this.send({ kind: LineKind.ATTACHMENT, text, attachment });
  }

  /** Fetches a file of the conversation. */
  download(attachment: Attachment): Promise<Blob> {
    return download(this.connection, attachment);
  }

  /** Follows the session no longer, as when the page goes away; restore takes it up again. */
  close(): void {
    this.life.abort();
  }

  /** Forgets the session here, as after its end; the server is not told. */
  forget(): void {
    this.life.abort();
    this.life = new AbortController();
    this.requests = new Persistence(this.connection, this.life.signal);
    this.token = "";
    this.after = 0n;
    this.sending = Promise.resolve();
    this.arrived.clear();
    this.launch = undefined;
    this.clock.reset();
    this.change(idle);
  }

  // ---- Launching ----

  private async ask(): Promise<void> {
    const life = this.life.signal;
    try {
      const launched = await this.requests.read(icm.launchSession, this.launch!);
      this.token = launched.sessionToken;
      this.launched(launched.sessionId, launched.callback);
    } catch (thrown) {
      if (!life.aborted) {
        this.launch = undefined;
        this.change({ ...idle, error: UsherError.from(thrown) });
      }
    }
  }

  private launched(sessionId: string, callback: boolean): void {
    this.change({ stage: "open", sessionId, callback });
    if (callback) {
      return;
    }
    this.current.pending.forEach((pending) => this.queue(pending));
    void follow<SessionEvent>({
      open: (signal) => this.connection.stream(icm.sessionEvents, { afterSequence: this.after }, signal),
      take: (event) => this.take(event),
      link: (link) => this.linked(link),
      ended: () => (this.current.stage === "ended" ? "ended" : undefined),
      signal: this.life.signal,
    });
  }

  // ---- The stream ----

  private linked(link: Link): void {
    if (this.current.link.state === "connected" && link.state === "reconnecting") {
      this.requests.broke();
      this.clock.reset();
    }
    const over = link.state === "closed" && link.error !== undefined;
    this.change(over ? { link, stage: "ended", error: link.error } : { link });
  }

  private take(event: SessionEvent): void {
    if (event.sequence === 0n) {
      this.clock.heard(event.timeMs);
    }
    if (event.sequence > this.after) {
      this.after = event.sequence;
    }
    const message = event.message;
    switch (message.case) {
      case "progress":
        this.change({
          progress: message.value,
          ...(message.value.state === SessionState.ENDED && { stage: "ended" as const, typing: "" }),
        });
        break;
      case "line":
        this.heard(event, message.value);
        break;
      case "typing":
        this.heardTyping(message.value.stopped ? "" : message.value.authorName);
        break;
    }
  }

  private heard(event: SessionEvent, said: EventSessionLine): void {
    if (event.sequence <= (this.current.lines.at(-1)?.sequence ?? 0n)) {
      return;
    }
    const line = { sequence: event.sequence, timeMs: Number(event.timeMs), said };
    this.change({
      lines: [...this.current.lines, line],
      pending: this.current.pending.filter((p) => p.referenceId !== said.referenceId),
      typing: said.own ? this.current.typing : "",
    });
  }

  private heardTyping(name: string): void {
    clearTimeout(this.typingEnd);
    this.change({ typing: name });
    if (name) {
      this.typingEnd = setTimeout(() => this.change({ typing: "" }), typingMs);
    }
  }

  // ---- Lines ----

  // Lines go one after the other, so that they arrive in their order.
  private queue(pending: CustomerPendingLine): void {
    const life = this.life.signal;
    this.sending = this.sending.then(async () => {
      const { referenceId, line } = pending;
      try {
        await this.requests.read(icm.sendLine, { referenceId, line });
        this.arrived.add(referenceId);
        this.store();
      } catch (thrown) {
        if (!life.aborted) {
          const error = UsherError.from(thrown);
          this.change({
            pending: this.current.pending.map((p) => (p.referenceId === referenceId ? { ...p, error } : p)),
            ...(codeOf(error) === ErrorCode.UNAUTHENTICATED && { stage: "ended" as const }),
          });
        }
      }
    });
  }

  // ---- Keeping ----

  private change(change: Partial<CustomerState>): void {
    this.current = { ...this.current, ...change };
    this.store();
    this.observers.tell();
  }

  private store(): void {
    const { stage, sessionId, callback, pending } = this.current;
    if (!this.launch || stage === "idle" || stage === "ended") {
      this.options.keep?.removeItem(this.key());
      return;
    }
    const kept: Kept = {
      launch: toJson(RequestLaunchSessionSchema, this.launch),
      token: this.token,
      sessionId,
      callback,
      pending: pending
        .filter((p) => !this.arrived.has(p.referenceId))
        .map(({ referenceId, line }) => ({ referenceId, line: toJson(LineSchema, line) })),
    };
    this.options.keep?.setItem(this.key(), JSON.stringify(kept));
  }

  private key(): string {
    return `usher.session.${this.options.tenantId ?? ""}.${this.options.site}`;
  }
}
