// The customer's side of a session: what the screen shows is in signals, and
// follows from what the server says. It survives reloads, since it keeps the
// session's token; lines that are not acknowledged are sent again with the same
// reference id, which the server takes once.
import { batch, computed, signal } from "@preact/signals";
import {
  ask, type Attachment, download, type Line, listen, Refused, type Session, type SessionEvent, type SessionLaunched, type SessionProgress,
  type SessionState, type Site, upload,
} from "@usher-cc/client/light";
import { Keep } from "./keep.js";

/** How long a stream may be silent; the server says something every 10 s. */
const silenceMaxMs = 25_000;

/** Pauses between attempts: they double from the first to the last. */
const pauseMinMs = 250;
const pauseMaxMs = 5_000;

/** How often the agents are told that the customer is writing, and when he has stopped. */
const typingEveryMs = 3_000;
const typingStopsMs = 5_000;

/** How long a typing notice counts. */
const typingWorthMs = 6_000;

/** The longest line, in bytes. */
export const lineBytesMax = 16_384;

/** Where the chat is, and for whom. */
export interface Place {
  /** The origin of the server. */
  server: string;
  tenant: string;
  site: string;
  /** What is asked for, if there is nothing to choose. */
  requestType: string;
  /** Gets a customer token; absent for anonymous customers. */
  token: (() => Promise<string>) | undefined;
  /** Where it is kept what must survive a reload. */
  store: () => Storage;
}

/** What the customer has filled in. */
export interface Form {
  requestType: string;
  name: string;
  text: string;
  callbackTo: string;
  /** Unix milliseconds; 0 for soon. */
  callbackAtMs: number;
}

/** A session that was launched, as it is kept. */
export interface Launched {
  id: string;
  token: string;
  name: string;
  /** For a callback, where and when. */
  callback?: { to: string; atMs: number };
}

/** A line that was said. */
export interface Said {
  sequence: number;
  timeMs: number;
  own: boolean;
  /** Empty for a notice, and for an agent who has no name. */
  author: string;
  line: Line;
  referenceId: string;
}

/** A line that the server has not acknowledged yet, or not shown. */
export interface Pending {
  referenceId: string;
  timeMs: number;
  line: Line;
  /** What is to be uploaded first. */
  file?: File;
  /** How much of it is, from 0 to 1. */
  share?: number;
  /** "elsewhere": another tab sends it. */
  state: "uploading" | "waiting" | "sent" | "failed" | "elsewhere";
  why?: Refused | undefined;
}

export class Chat {
  readonly place: Place;
  /** What the site offers; undefined until it is known. */
  readonly site = signal<Site | undefined>();
  /** Why that is not known. */
  readonly trouble = signal<"unreachable" | "origin" | Refused | undefined>();
  readonly launched = signal<Launched | undefined>();
  /** A session is being asked for. */
  readonly launching = signal(false);
  /** Why none was launched. */
  readonly refused = signal<Refused | undefined>();
  readonly progress = signal<SessionProgress | undefined>();
  readonly lines = signal<readonly Said[]>([]);
  readonly pending = signal<readonly Pending[]>([]);
  /** False while the server can't be reached. */
  readonly reached = signal(true);
  /** The agents who are writing, by name; empty for one who has none. */
  readonly typing = signal<readonly string[]>([]);
  readonly draft = signal("");
  /** The latest line of the other side that the customer has not had before. */
  readonly news = signal<Said | undefined>();
  /** Everything up to this sequence has been read. */
  readonly read = signal(0);
  /** An agent had the session, and it waits again. */
  readonly returned = signal(false);
  readonly ending = signal(false);

  readonly unread = computed(() => this.lines.value.filter((line) => !line.own && line.sequence > this.read.value).length);
  readonly state = computed<SessionState | undefined>(() => this.progress.value?.state.replace("SESSION_STATE_", "") as SessionState | undefined);

  private readonly keep: Keep;
  private sequence = 0;
  private pumping = false;
  private typedMs = 0;
  private stopTyping: ReturnType<typeof setTimeout> | undefined;
  private readonly writing = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly blobs = new Map<string, Promise<string>>();
  private following: AbortController | undefined;

  constructor(place: Place) {
    this.place = place;
    this.keep = new Keep(place.store, `usher.chat ${place.server} ${place.tenant}/${place.site} `);
    this.keep.watch((key, value) => this.changedElsewhere(key, value));
    this.draft.value = this.keep.get<string>("draft") ?? "";
    this.adopt(this.keep.get<Launched>("session"));
    const asked = this.keep.get<{ form: Form; referenceId: string }>("asked");
    if (asked && !this.launched.value) {
      void this.launch(asked.form); // the page was reloaded before the answer
    }
  }

  /** Asks what the site offers. */
  async open(): Promise<void> {
    if (this.site.value) {
      return;
    }
    this.trouble.value = undefined;
    const { server, tenant, site } = this.place;
    try {
      this.site.value = await ask<Site>({ server, token: "" }, "GetSite", { tenantId: tenant, site });
    } catch (error) {
      if (error instanceof Refused) {
        this.trouble.value = error.reason === "PermissionDenied" ? "origin" : error;
        return;
      }
      // A browser does not tell an origin that is not on the list from a server that is gone.
      const there = server !== location.origin && (await fetch(`${server}/chat.js`, { mode: "no-cors", cache: "no-store" }).then(() => true, () => false));
      this.trouble.value = there ? "origin" : "unreachable";
    }
  }

  /** Asks for a session until there is an answer. */
  async launch(form: Form): Promise<void> {
    if (this.launching.value) {
      return;
    }
    const before = this.keep.get<{ form: Form; referenceId: string }>("asked");
    const same = before && JSON.stringify(before.form) === JSON.stringify(form);
    const referenceId = same ? before.referenceId : randomID();
    this.keep.set("asked", { form, referenceId });
    batch(() => {
      this.launching.value = true;
      this.refused.value = undefined;
    });
    for (let pause = pauseMinMs; this.launching.value; pause = Math.min(2 * pause, pauseMaxMs)) {
      try {
        const launched = await this.askForSession(form, referenceId);
        this.reached.value = true;
        const { sessionId: id, sessionToken: token, callback } = launched;
        this.begin({ id, token, name: form.name, ...(callback && { callback: { to: form.callbackTo, atMs: form.callbackAtMs } }) });
        return;
      } catch (error) {
        if (error instanceof Refused) {
          batch(() => {
            this.refused.value = error;
            this.cancel();
          });
          return;
        }
        this.reached.value = false;
      }
      await sleep(pause);
    }
  }

  private async askForSession(form: Form, referenceId: string): Promise<SessionLaunched> {
    const { server, tenant, site, token } = this.place;
    const customerToken = await token?.().catch((error) => {
      throw new Refused("Unauthenticated", String(error));
    });
    const { callbackTo, callbackAtMs, ...rest } = form;
    const subject = form.text.split("\n", 1)[0]!.slice(0, 200);
    const callback = callbackTo ? { callbackTo, callbackAtMs } : {};
    return ask({ server, token: "" }, "LaunchSession", { referenceId, tenantId: tenant, site, customerToken, subject, ...rest, ...callback });
  }

  /** Gives up asking for a session. */
  cancel(): void {
    this.launching.value = false;
    this.reached.value = true;
    this.keep.set("asked", undefined);
  }

  private begin(launched: Launched): void {
    this.launching.value = false;
    this.keep.set("session", launched);
    this.keep.set("asked", undefined);
    this.keep.set("read", undefined);
    this.write("");
    this.adopt(launched);
  }

  /** Goes on with a session that was launched: here, by another tab or before a reload. */
  private adopt(launched: Launched | undefined): void {
    if (launched?.id === this.launched.value?.id) {
      return;
    }
    this.following?.abort();
    this.sequence = 0;
    for (const url of this.blobs.values()) {
      url.then(URL.revokeObjectURL, () => undefined);
    }
    this.blobs.clear();
    batch(() => {
      this.launched.value = launched;
      this.launching.value = false;
      this.progress.value = undefined;
      this.lines.value = [];
      this.pending.value = [];
      this.news.value = undefined;
      this.reached.value = true;
      this.returned.value = false;
      this.ending.value = false;
      this.read.value = this.keep.get<number>("read") ?? 0;
    });
    if (launched && !launched.callback) {
      void this.follow(launched);
    }
  }

  /** Forgets the session, and lets the customer begin anew. */
  startAgain(): void {
    for (const key of this.keep.keys("")) {
      this.keep.set(key, undefined);
    }
    this.draft.value = "";
    this.adopt(undefined);
    this.site.value = undefined; // expected waits are others now
    void this.open();
  }

  /** Listens to the session until it has ended. */
  private async follow(launched: Launched): Promise<void> {
    const mine = () => this.launched.value === launched;
    let pause = pauseMinMs;
    while (mine() && !this.ended()) {
      const abort = new AbortController();
      this.following = abort;
      let silence = setTimeout(() => abort.abort(), silenceMaxMs);
      try {
        await listen(this.credential(), String(this.sequence), abort.signal, (event) => {
          clearTimeout(silence);
          silence = setTimeout(() => abort.abort(), silenceMaxMs);
          pause = pauseMinMs;
          if (mine()) {
            this.take(event);
          }
        });
      } catch (error) {
        if (mine() && error instanceof Refused && error.reason !== "TooManyRequests") {
          // Nothing is left of it, or its token has expired.
          this.progress.value = { state: "SESSION_STATE_ENDED", reason: "Gone" };
        }
      } finally {
        clearTimeout(silence);
      }
      if (mine() && !this.ended()) {
        this.reached.value = false;
        await sleep(pause * (0.5 + Math.random()));
        pause = Math.min(2 * pause, pauseMaxMs);
      }
    }
  }

  private take(event: SessionEvent): void {
    batch(() => {
      const back = !this.reached.value || !this.progress.value;
      this.reached.value = true;
      if (event.progress) {
        this.advance(event.progress);
      } else if (event.line) {
        this.hear(event);
      } else if (event.typing) {
        const { authorName = "", stopped = false } = event.typing;
        this.noteTyping(authorName, stopped);
      }
      this.sequence = Math.max(this.sequence, Number(event.sequence ?? 0));
      if (back) {
        this.resend();
      }
    });
  }

  private advance(progress: SessionProgress): void {
    const before = this.state.value;
    this.progress.value = progress;
    const waits = this.state.value === "QUEUED" || this.state.value === "ALERTING";
    this.returned.value = waits && (this.returned.value || before === "CONNECTED" || before === "HELD");
    if (waits || this.state.value === "ENDED") {
      this.typing.value = [];
    }
  }

  private hear(event: SessionEvent): void {
    const { own = false, authorName = "", line = {}, referenceId = "" } = event.line!;
    const sequence = Number(event.sequence ?? 0);
    if (sequence <= (this.lines.value.at(-1)?.sequence ?? 0)) {
      return;
    }
    const said: Said = { sequence, timeMs: Number(event.timeMs ?? 0), own, author: authorName, line, referenceId };
    this.lines.value = [...this.lines.value, said];
    if (own) {
      this.settle(referenceId);
    } else {
      if (line.kind !== "LINE_KIND_NOTICE") {
        this.noteTyping(authorName, true);
      }
      if (sequence > this.read.value) {
        this.news.value = said;
      }
    }
  }

  /** Everything that is shown has been read. */
  markRead(): void {
    const last = this.lines.value.at(-1)?.sequence ?? 0;
    if (last > this.read.value) {
      this.read.value = last;
      this.keep.set("read", last);
    }
  }

  private noteTyping(name: string, stopped: boolean): void {
    clearTimeout(this.writing.get(name));
    this.writing.delete(name);
    if (!stopped) {
      this.writing.set(name, setTimeout(() => this.noteTyping(name, true), typingWorthMs));
    }
    this.typing.value = [...this.writing.keys()];
  }

  /** The customer has changed his draft. */
  write(text: string): void {
    this.draft.value = text;
    this.keep.set("draft", text || undefined);
    clearTimeout(this.stopTyping);
    if (!text) {
      this.tellTyping(true);
      return;
    }
    this.stopTyping = setTimeout(() => this.tellTyping(true), typingStopsMs);
    if (Date.now() - this.typedMs > typingEveryMs) {
      this.typedMs = Date.now();
      this.tellTyping(false);
    }
  }

  // A notice that gets lost is worth no second attempt.
  private tellTyping(stopped: boolean): void {
    if (stopped && this.typedMs === 0) {
      return;
    }
    if (stopped) {
      this.typedMs = 0;
    }
    if (this.launched.value && this.state.value === "CONNECTED") {
      ask(this.credential(), "CustomerTyping", { stopped }).catch(() => undefined);
    }
  }

  /** Says something. */
  say(text: string): void {
    this.write("");
    this.enqueue({ referenceId: randomID(), timeMs: Date.now(), line: { kind: "LINE_KIND_TEXT", text }, state: "waiting" });
  }

  /** Sends a file. */
  attach(file: File): void {
    const attachment = { id: "", name: file.name, contentType: file.type, size: String(file.size) };
    const pending: Pending = {
      referenceId: randomID(), timeMs: Date.now(), line: { kind: "LINE_KIND_ATTACHMENT", attachment }, file, share: 0, state: "uploading",
    };
    this.pending.value = [...this.pending.value, pending];
    void this.upload(pending);
  }

  /** Tries again what has failed. */
  retry(referenceId: string): void {
    const pending = this.pending.value.find((one) => one.referenceId === referenceId);
    if (!pending) {
      return;
    }
    // The server remembers what it refused under the former id.
    this.discard(referenceId);
    const { why, ...again } = pending;
    if (pending.file && !pending.line.attachment?.id) {
      this.attach(pending.file);
    } else {
      this.enqueue({ ...again, referenceId: randomID(), state: "waiting" });
    }
  }

  /** Gives up a line that has failed. */
  discard(referenceId: string): void {
    this.settle(referenceId);
  }

  private async upload(pending: Pending): Promise<void> {
    const { referenceId, file } = pending;
    try {
      const attachment = await upload(this.credential(), file!, (share) => this.change(referenceId, { share }));
      this.settle(referenceId);
      this.enqueue({ referenceId, timeMs: pending.timeMs, line: { kind: "LINE_KIND_ATTACHMENT", attachment }, state: "waiting" });
    } catch (error) {
      this.change(referenceId, { state: "failed", why: error instanceof Refused ? error : new Refused("Unavailable", String(error)) });
    }
  }

  private enqueue(pending: Pending): void {
    this.pending.value = [...this.pending.value, pending];
    this.keep.set(`pending ${pending.referenceId}`, pending);
    void this.pump();
  }

  /** Sends what waits, in order. */
  private async pump(): Promise<void> {
    if (this.pumping) {
      return;
    }
    this.pumping = true;
    const launched = this.launched.value;
    let pause = pauseMinMs;
    for (;;) {
      const next = this.pending.value.find((one) => one.state === "waiting");
      if (!next || this.launched.value !== launched) {
        break;
      }
      const { referenceId, line } = next;
      try {
        await ask(this.credential(), "SendLine", { referenceId, line });
        this.keep.set(`pending ${referenceId}`, undefined);
        this.change(referenceId, { state: "sent" });
        pause = pauseMinMs;
        continue;
      } catch (error) {
        if (error instanceof Refused && error.reason !== "TooManyRequests") {
          this.change(referenceId, { state: "failed", why: error });
          continue;
        }
      }
      await sleep(pause);
      pause = Math.min(2 * pause, pauseMaxMs);
    }
    this.pumping = false;
    if (this.launched.value !== launched) {
      void this.pump();
    }
  }

  /** Takes up what was not acknowledged before a reload, or in a tab that may be gone. */
  private resend(): void {
    for (const key of this.keep.keys("pending ")) {
      const kept = this.keep.get<Pending>(key);
      const known = this.pending.value.find((one) => one.referenceId === kept?.referenceId);
      if (kept && !known) {
        this.pending.value = [...this.pending.value, { ...kept, state: "waiting" }];
      } else if (known?.state === "elsewhere") {
        this.change(known.referenceId, { state: "waiting" });
      }
    }
    this.pending.value = [...this.pending.value].sort((a, b) => a.timeMs - b.timeMs);
    void this.pump();
  }

  private settle(referenceId: string): void {
    this.keep.set(`pending ${referenceId}`, undefined);
    this.pending.value = this.pending.value.filter((one) => one.referenceId !== referenceId);
  }

  private change(referenceId: string, to: Partial<Pending>): void {
    this.pending.value = this.pending.value.map((one) => (one.referenceId === referenceId ? { ...one, ...to } : one));
  }

  private changedElsewhere(key: string, value: unknown): void {
    const referenceId = key.startsWith("pending ") ? key.slice("pending ".length) : undefined;
    if (key === "session") {
      this.adopt(value as Launched | undefined);
    } else if (key === "draft") {
      this.draft.value = (value as string | undefined) ?? "";
    } else if (key === "read") {
      this.read.value = Math.max(this.read.value, Number(value ?? 0));
    } else if (referenceId) {
      const others = this.pending.value.filter((one) => one.referenceId !== referenceId || one.state !== "elsewhere");
      const said = this.lines.value.some((line) => line.own && line.referenceId === referenceId);
      const known = others.some((one) => one.referenceId === referenceId);
      this.pending.value = value && !said && !known ? [...others, { ...(value as Pending), state: "elsewhere" }] : others;
    }
  }

  /** Ends the session. The stream says when it has ended. */
  async drop(): Promise<void> {
    const launched = this.launched.value;
    const referenceId = randomID();
    this.ending.value = true;
    for (let pause = pauseMinMs; this.launched.value === launched && !this.ended(); pause = Math.min(2 * pause, pauseMaxMs)) {
      try {
        await ask(this.credential(), "DropSession", { referenceId });
        return;
      } catch (error) {
        if (error instanceof Refused && error.reason !== "TooManyRequests") {
          this.ending.value = false;
          return;
        }
      }
      await sleep(pause);
    }
  }

  /** The content of an attachment, as a blob: URL. */
  content(attachment: Attachment): Promise<string> {
    let url = this.blobs.get(attachment.id);
    if (!url) {
      url = download(this.credential(), this.launched.value!.id, attachment).then((blob) => URL.createObjectURL(blob));
      url.catch(() => this.blobs.delete(attachment.id));
      this.blobs.set(attachment.id, url);
    }
    return url;
  }

  private ended(): boolean {
    return this.state.value === "ENDED";
  }

  private credential(): Session {
    return { server: this.place.server, token: this.launched.value?.token ?? "" };
  }
}

/** 160 random bits in hexadecimal digits. */
function randomID(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Waits, but no longer than until the browser says that it is online again. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
  });
}
