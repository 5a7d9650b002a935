// An agent's session: what he has, followed through every break of the
// connection, and what he can ask for.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DescMessage, DescMethodUnary, JsonObject, MessageShape } from "@bufbuild/protobuf";
import { ServerClock } from "./clock.js";
import type { Connection } from "./connect.js";
import { Conversations, type Conversation } from "./conversations.js";
import { codeOf, ErrorCode } from "./error.js";
import { follow, type Link } from "./follow.js";
import {
  ClientType,
  type EventAck,
  type InteractionProperties,
  ParticipantKind,
  type VisibilityMode,
  type WorkbinSchema,
} from "./gen/usher/v1/common_pb.js";
import { type Line, LineSchema, LineVisibility } from "./gen/usher/v1/conversation_pb.js";
import {
  type Event,
  type EventCurrentAgentStatus,
  type EventInvite,
  type EventPresentState,
  type EventWorkbinContent,
} from "./gen/usher/v1/event_pb.js";
import { InteractionManagement, type RequestPullSchema, type RequestAgentLoginSchema } from "./gen/usher/v1/interaction_management_pb.js";
import type { WorkMode } from "./gen/usher/v1/routing_pb.js";
import { type EventDirectory, Statistics } from "./gen/usher/v1/statistics_pb.js";
import { Observers } from "./observers.js";
import { Persistence } from "./persistence.js";
import { pauseAfter, randomId, soon } from "./retry.js";

const im = InteractionManagement.method;

/** Invitation is an open offer. Times are the server's, Unix milliseconds. */
export interface Invitation {
  ticket: bigint;
  /** When it is taken back if it is not answered. */
  deadlineMs: number;
  /** When the server sent it; 0 if the session began later. */
  sinceMs: number;
  interactionId: string;
  /** The interaction's properties when the offer came. */
  properties: InteractionProperties | undefined;
  /** Who asks, for what, and how the agent will be seen. */
  invite: EventInvite;
  /** The message it came in: queue, media type, reason. */
  event: Event;
}

/** AgentState is what an agent has. A new one takes its place whenever something changes. */
export interface AgentState {
  /** How far the connection is. */
  readonly link: Link;
  /** True once the present state is known. */
  readonly known: boolean;
  readonly agentId: string;
  readonly agentName: string;
  /** How long an agent who was cut off finds everything as it was. */
  readonly connectionGraceMs: number;
  /** Media, capacity and work mode; undefined while the agent is logged out. */
  readonly status: EventCurrentAgentStatus | undefined;
  /** The interactions of which the agent is a party, in order of joining. */
  readonly interactions: readonly InteractionProperties[];
  /** Open invitations, in order of arrival. */
  readonly invitations: readonly Invitation[];
  /** What is said in the interactions, and in others that were asked for, by interaction id. */
  readonly conversations: ReadonlyMap<string, Conversation>;
}

export interface AgentSessionOptions {
  /** The kind of application; one of each kind is connected at a time. */
  kind?: "desktop" | "telephone" | "supervisor";
  /** The application's name, for people. */
  name?: string;
}

const nothing: AgentState = {
  link: { state: "connecting" },
  known: false,
  agentId: "",
  agentName: "",
  connectionGraceMs: 0,
  status: undefined,
  interactions: [],
  invitations: [],
  conversations: new Map(),
};

// Messages after which nothing is different of what the present state tells.
const quiet = new Set<Event["message"]["case"]>([
  "eventLineAdded",
  "eventTyping",
  "eventHeartbeat",
  "eventWorkbinContentChanged",
  "eventAgentConnectionClosed",
]);

/**
 * AgentSession follows an agent: it registers, reads his present state, and
 * follows his messages from there. After a break it goes on where it was, and
 * what was not answered is sent again under the same reference id, so that
 * nothing is lost or doubled.
 *
 * Offers and lines are taken from the messages as they come. Of the rest a
 * message tells only that something is different; the present state is read
 * then, which is true whatever the agent's other applications did.
 */
export class AgentSession {
  /** The server's clock, for deadlines. */
  readonly clock = new ServerClock();

  private current: AgentState = nothing;
  private readonly observers = new Observers();
  private readonly listeners = new Observers<Event>();
  private readonly life = new AbortController();
  private readonly requests: Persistence;
  private readonly talk: Conversations;
  private after: bigint | undefined; // the sequence up to which every message was taken
  private present = 0n; // the sequence up to which the present state contains everything
  private different = 0n; // the sequence of the last message after which it is read anew
  private replaced = false;
  private reading: Promise<void> | undefined;
  private again = false;

  constructor(
    private readonly connection: Connection,
    private readonly options: AgentSessionOptions = {},
  ) {
    this.requests = new Persistence(connection, this.life.signal);
    this.talk = new Conversations(this.requests, () => this.change({ conversations: this.talk.all() }));
  }

  /** What the agent has now. */
  get state(): AgentState {
    return this.current;
  }

  /** Calls back whenever state is another. What is returned ends it. */
  subscribe(observer: () => void): () => void {
    return this.observers.add(observer);
  }

  /**
   * Calls back with each message of the server, after it was taken into the
   * state: why an offer went, who joined, that a workbin changed. What is
   * returned ends it.
   */
  onEvent(listener: (event: Event) => void): () => void {
    return this.listeners.add(listener);
  }

  /** Connects, until close. */
  start(): void {
    void follow<Event>({
      open: (signal) => this.open(signal),
      take: (event) => this.take(event),
      link: (link) => this.linked(link),
      ended: () => (this.replaced ? "replaced" : undefined),
      signal: this.life.signal,
    });
  }

  /** Waits until the present state is known; throws if the session is closed before. */
  async known(): Promise<void> {
    const settled = () => this.current.known || this.current.link.state === "closed";
    while (!settled()) {
      await new Promise<void>((resolve) => {
        const end = this.subscribe(() => {
          end();
          resolve();
        });
      });
    }
    if (this.current.link.state === "closed") {
      throw this.current.link.error ?? new Error(`the session is closed: ${this.current.link.why}`);
    }
  }

  /** Ends the session. The agent stays logged in for his grace period. */
  close(): void {
    this.life.abort();
  }

  /** When the grace period of a lost connection ends, by the local clock; undefined while connected. */
  graceUntilMs(): number | undefined {
    const link = this.current.link;
    return link.state === "reconnecting" ? link.sinceMs + this.current.connectionGraceMs : undefined;
  }

  // ---- The agent's own state (models.md 2) ----

  /** Logs the agent in. If he is logged in already he keeps his place and media. */
  async login(login: Omit<MessageInitShape<typeof RequestAgentLoginSchema>, "$typeName" | "referenceId">): Promise<void> {
    try {
      await this.request(im.agentLogin, login as MessageInitShape<typeof RequestAgentLoginSchema>);
    } catch (thrown) {
      if (codeOf(thrown) !== ErrorCode.ALREADY_LOGGED_IN) {
        throw thrown;
      }
    }
    await this.refresh();
  }

  /** Logs the agent out; with force his invitations are refused and his interactions left first. */
  async logout(options: { force?: boolean; reason?: string } = {}): Promise<void> {
    await this.request(im.agentLogout, options);
    await this.refresh();
  }

  /** Makes the agent ready for a media type. */
  ready(mediaType: string, reason = ""): Promise<EventAck> {
    return this.request(im.cancelNotReadyForMedia, { mediaType, reason });
  }

  /** Makes the agent not ready for a media type. */
  notReady(mediaType: string, reason = ""): Promise<EventAck> {
    return this.request(im.notReadyForMedia, { mediaType, reason });
  }

  addMedia(mediaType: string, ready: boolean, reason = ""): Promise<EventAck> {
    return this.request(im.addMedia, { mediaType, ready, reason });
  }

  removeMedia(mediaType: string, reason = ""): Promise<EventAck> {
    return this.request(im.removeMedia, { mediaType, reason });
  }

  /** Changes the reason of a media state. */
  changeMediaReason(mediaType: string, reason: string): Promise<EventAck> {
    return this.request(im.changeMediaStateReason, { mediaType, reason });
  }

  /** Changes the reason of the agent's state. */
  changeReason(reason: string): Promise<EventAck> {
    return this.request(im.changeAgentStateReason, { reason });
  }

  /** Changes the work mode, at once or when the agent's interactions have ended. */
  setAgentState(workMode: WorkMode, options: { reasonCode?: number; reason?: string } = {}): Promise<EventAck> {
    return this.request(im.setAgentState, { workMode, ...options });
  }

  setDoNotDisturb(on: boolean, reason = ""): Promise<EventAck> {
    return on ? this.request(im.doNotDisturbOn, { reason }) : this.request(im.doNotDisturbOff, { reason });
  }

  // ---- Interactions (models.md 6 to 16) ----

  /** Takes an invitation. */
  accept(ticket: bigint): Promise<EventAck> {
    return this.request(im.accept, { ticket });
  }

  /** Refuses an invitation. */
  reject(ticket: bigint, reason = ""): Promise<EventAck> {
    return this.request(im.reject, { ticket, reason });
  }

  /** Takes interactions from a queue, a view or a workbin; none if there are none. */
  async pull(
    source: MessageInitShape<typeof RequestPullSchema>["source"],
    options: { count?: number; interactionId?: string } = {},
  ): Promise<InteractionProperties[]> {
    const event = await this.request(im.pull, { source: source!, ...options });
    return event.interactions;
  }

  /** Puts an interaction in a queue; __BACK__ is where it came from. */
  placeInQueue(interactionId: string, queue: string, reason = ""): Promise<EventAck> {
    return this.request(im.placeInQueue, { interactionId, queue, reason });
  }

  placeInWorkbin(interactionId: string, workbin: MessageInitShape<typeof WorkbinSchema>, reason = ""): Promise<EventAck> {
    return this.request(im.placeInWorkbin, { interactionId, workbin, reason });
  }

  /**
   * Offers an interaction to another agent, and waits until he has accepted.
   * Meanwhile he stands in the invitations of the interaction, with the
   * deadline. The same reference id joins a request that is pending.
   */
  transfer(interactionId: string, agentId: string, reason = "", referenceId = randomId()): Promise<EventAck> {
    return this.asking(interactionId, agentId, this.request(im.transfer, { referenceId, interactionId, agentId, reason }));
  }

  /**
   * Invites another agent, and waits until he has accepted. With COACH the
   * customer does not see him: so agents consult. Reference id and invitations
   * are as in transfer.
   */
  conference(
    interactionId: string,
    agentId: string,
    visibility: VisibilityMode,
    reason = "",
    referenceId = randomId(),
  ): Promise<EventAck> {
    const request = { referenceId, interactionId, agentId, visibility, reason };
    return this.asking(interactionId, agentId, this.request(im.conference, request));
  }

  // Looks for the invitation until it stands in the interaction: no message
  // tells the inviter that it is open, and a read may overtake his request.
  private async asking<T>(interactionId: string, agentId: string, outcome: Promise<T>): Promise<T> {
    const answered = new AbortController();
    const over = AbortSignal.any([answered.signal, this.life.signal]);
    const missing = () =>
      this.current.interactions.some(
        (i) => i.interactionId === interactionId && !i.invitations.some((open) => open.agentId === agentId),
      );
    const look = async () => {
      for (let attempts = 1; !over.aborted && missing(); attempts++) {
        await this.refresh();
        await soon(pauseAfter(attempts), over);
      }
    };
    void look();
    try {
      return await outcome;
    } finally {
      answered.abort();
    }
  }

  /** Takes an invitation back that transfer or conference made. */
  cancelInvitation(interactionId: string, agentId: string): Promise<EventAck> {
    return this.request(im.cancelInvitation, { interactionId, agentId });
  }

  leave(interactionId: string, reason = ""): Promise<EventAck> {
    return this.request(im.leaveInteraction, { interactionId, reason });
  }

  hold(interactionId: string, reason = ""): Promise<EventAck> {
    return this.request(im.hold, { interactionId, reason });
  }

  resume(interactionId: string, reason = ""): Promise<EventAck> {
    return this.request(im.resume, { interactionId, reason });
  }

  /** Stops an interaction for good. */
  stop(interactionId: string, reason = ""): Promise<EventAck> {
    return this.request(im.stopProcessing, { interactionId, reason });
  }

  /** Joins an interaction without invitation; supervisors only. */
  intrude(interactionId: string, visibility: VisibilityMode, reason = ""): Promise<EventAck> {
    return this.request(im.intrude, { interactionId, visibility, reason });
  }

  /** Changes properties and user data; with expectedVersion a lost update is refused. */
  changeProperties(
    interactionId: string,
    change: { properties?: JsonObject; userData?: JsonObject; deletedKeys?: string[]; expectedVersion?: bigint },
  ): Promise<EventAck> {
    return this.request(im.changeProperties, { interactionId, ...change });
  }

  // ---- Conversations ----

  /**
   * Says something. The line is in the conversation's pending lines until the
   * server has it; lines of a conversation arrive in the order of the calls.
   */
  addLine(interactionId: string, line: string | MessageInitShape<typeof LineSchema>, toAgents = false): Promise<void> {
    const whole: Line = create(LineSchema, typeof line === "string" ? { text: line } : line);
    if (toAgents) {
      whole.visibility = LineVisibility.AGENTS;
    }
    return this.talk.say(interactionId, whole);
  }

  /** Sends a pending line that was refused again, or gives it up. */
  settleLine(interactionId: string, referenceId: string, how: "again" | "never"): void {
    this.talk.settle(interactionId, referenceId, how);
  }

  /** Reads a conversation that is not the agent's own yet, such as that of an offer. */
  loadConversation(interactionId: string): Promise<void> {
    return this.talk.load(interactionId);
  }

  /** Reads the lines before the first that is there, if the conversation has more. */
  loadEarlierLines(interactionId: string): Promise<void> {
    return this.talk.loadEarlier(interactionId);
  }

  /** Forgets a conversation that is no longer the agent's; the latest are kept without that. */
  dropConversation(interactionId: string): void {
    this.talk.drop(interactionId);
  }

  /** Says that the agent is writing, or has stopped. Call it at most every 3 s. */
  typing(interactionId: string, stopped = false): void {
    // Nobody waits for it, and it is worth nothing later.
    this.connection.call(im.typing, { interactionId, stopped }, this.life.signal).catch(() => undefined);
  }

  // ---- What else there is to see ----

  /** Agents, queues, workbins and reasons, for pickers. */
  directory(mediaType = ""): Promise<EventDirectory> {
    return this.requests.read(Statistics.method.getDirectory, { mediaType });
  }

  workbin(workbin: MessageInitShape<typeof WorkbinSchema>): Promise<EventWorkbinContent> {
    return this.requests.read(im.getWorkbinContent, { workbin });
  }

  /** Subscribes to a workbin's changes, which come as events, or cancels. */
  watchWorkbin(workbin: MessageInitShape<typeof WorkbinSchema>, cancel = false): Promise<EventAck> {
    return this.request(im.workbinNotifications, { workbin, cancel });
  }

  /** The properties of any interaction, as the agent may see them. */
  async properties(interactionId: string): Promise<InteractionProperties | undefined> {
    return (await this.requests.read(im.getInteractionProperties, { interactionId })).properties;
  }

  /**
   * Sends any request that changes something, e.g.
   * request(InteractionManagement.method.submit, {...}).
   */
  request<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.requests.change(method, request);
  }

  /**
   * Reads the present state anew, and waits until it is known. One read is under
   * way at a time; the next begins when it is answered.
   */
  refresh(): Promise<void> {
    this.again = true;
    this.reading ??= this.readPresent();
    return this.reading;
  }

  private async readPresent(): Promise<void> {
    try {
      do {
        this.again = false;
        this.takePresent(await this.requests.read(im.getPresentState, {}));
      } while (this.again || this.present < this.different);
    } catch {
      // What keeps the state from being read breaks the stream, too, and
      // that tells of it. The state is read again afterwards.
    } finally {
      this.reading = undefined;
    }
  }

  // ---- The stream ----

  private async *open(signal: AbortSignal): AsyncIterable<Event> {
    this.replaced = false;
    await this.connection.call(
      im.registerClient,
      { clientType: ClientType.AGENT_APPLICATION, name: this.options.name ?? "" },
      signal,
    );
    const connectionKind = this.options.kind ?? "desktop";
    const from = this.after === undefined ? { presentState: true } : { afterSequence: this.after };
    yield* this.connection.stream(im.events, { connectionKind, ...from }, signal);
  }

  private linked(link: Link): void {
    const former = this.current.link.state;
    if (link.state === "connected" && former !== "connecting") {
      void this.refresh();
    }
    if (former === "connected" && link.state !== "connected") {
      this.requests.broke();
      this.clock.reset();
    }
    this.change({ link });
    if (link.state === "closed") {
      this.life.abort();
    }
  }

  private take(event: Event): void {
    if (event.sequence !== 0n) {
      if (this.after !== undefined && event.sequence <= this.after) {
        return; // it was taken before the break
      }
      this.after = event.sequence;
    }
    this.fold(event);
    if (!quiet.has(event.message.case) && event.sequence > this.present && !this.talk.mine(event.referenceId)) {
      this.different = event.sequence;
      if (!this.reading) {
        void this.refresh(); // one under way sees for itself whether it was overtaken
      }
    }
    this.listeners.tell(event);
  }

  private fold(event: Event): void {
    const message = event.message;
    switch (message.case) {
      case "eventHeartbeat":
        this.clock.heard(event.timeMs);
        this.reached(message.value.sequenceReached);
        break;
      case "eventPresentState":
        this.clock.heard(event.timeMs);
        this.after = message.value.sequenceReached;
        this.takePresent(message.value);
        break;
      case "eventCursorExpired":
        this.clock.heard(event.timeMs);
        if (message.value.present) {
          this.after = message.value.present.sequenceReached;
          this.talk.forget();
          this.takePresent(message.value.present);
        }
        break;
      case "eventAck":
        this.talk.acknowledged(event.interactionId, event.referenceId, event.sequence);
        break;
      case "eventInvite":
        this.clock.heard(event.timeMs);
        if (event.sequence > this.present) {
          this.change({ invitations: [...this.current.invitations, invitation(event, message.value)] });
        }
        break;
      case "eventRevoked":
        this.clock.heard(event.timeMs);
        if (event.sequence > this.present) {
          this.revoked(event.interactionId);
        }
        break;
      case "eventLineAdded":
        this.clock.heard(event.timeMs);
        this.talk.heard(event, message.value);
        break;
      case "eventTyping":
        this.talk.typing(event.interactionId, message.value);
        break;
      case "eventAgentConnectionClosed":
        // The server then ends the stream of that connection; others go on.
        this.replaced = message.value.connectionKind === (this.options.kind ?? "desktop");
        break;
    }
  }

  private reached(sequence: bigint): void {
    if (this.after === undefined || sequence > this.after) {
      this.after = sequence;
    }
  }

  // An invitation, or the interaction itself, was taken from the agent. Being
  // invited to what one has is refused, so the interaction tells which.
  private revoked(interactionId: string): void {
    this.change({
      invitations: this.current.invitations.filter((i) => i.interactionId !== interactionId),
      interactions: this.current.interactions.filter((i) => i.interactionId !== interactionId),
    });
  }

  private takePresent(present: EventPresentState): void {
    if (present.sequenceReached < this.present || present.sequenceReached < this.different) {
      return; // a later one came first, or is read already
    }
    this.present = present.sequenceReached;
    const known = new Map(this.current.invitations.map((i) => [i.ticket, i]));
    const invitations = present.invitations.flatMap((event) =>
      event.message.case === "eventInvite"
        ? [known.get(event.message.value.ticket) ?? invitation(event, event.message.value)]
        : [],
    );
    this.talk.follow(present.interactions.map((i) => i.interactionId));
    this.change({
      known: true,
      agentId: present.agentId,
      agentName: present.agentName,
      connectionGraceMs: Number(present.connectionGraceMs),
      status: present.agentStatus,
      interactions: present.interactions,
      invitations,
      conversations: this.talk.all(),
    });
  }

  private change(change: Partial<AgentState>): void {
    this.current = { ...this.current, ...change };
    this.observers.tell();
  }
}

function invitation(event: Event, invite: EventInvite): Invitation {
  return {
    ticket: invite.ticket,
    deadlineMs: Number(invite.deadlineMs),
    sinceMs: Number(event.timeMs),
    interactionId: event.interactionId,
    properties: event.interactions[0],
    invite,
    event,
  };
}

/** Whether a participant is the customer of a conversation. */
export function isCustomer(participant: { kind: ParticipantKind } | undefined): boolean {
  return participant?.kind === ParticipantKind.CUSTOMER;
}
