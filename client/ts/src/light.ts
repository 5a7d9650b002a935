// The Internet call manager in JSON, by nothing but fetch: for chat.js, which
// runs on other people's pages and must be small. Generated code would be five
// times as much as all of the chat. Whoever has no such worry uses
// CustomerSession.
//
// The messages are those of session.proto and conversation.proto in their
// canonical JSON, as far as a customer needs them: fields with default values
// are absent, and 64-bit numbers are text.

/** A request was refused: asking again in the same way is of no use, but for TooManyRequests. */
export class Refused extends Error {
  /** The name of the EventError, e.g. "AlreadyStopped"; that of the RPC code if there is none. */
  readonly reason: string;

  constructor(reason: string, description: string) {
    super(description);
    this.reason = reason;
  }
}

/** The server could not be asked, or is not ready: ask again, with the same reference id. */
export class Unreachable extends Error {}

/** RequestLaunchSession. */
export interface LaunchSession {
  referenceId: string;
  tenantId: string;
  site: string;
  customerToken?: string | undefined;
  requestType?: string;
  name?: string;
  subject?: string;
  text?: string;
  callbackTo?: string;
  callbackAtMs?: number;
}

/** EventSessionLaunched. */
export interface SessionLaunched {
  sessionId: string;
  sessionToken: string;
  callback?: boolean;
  expectedWaitMs?: string;
}

/** GetSiteResponse. */
export interface Site {
  title?: string;
  greeting?: string;
  requestTypes?: { name: string; label?: string; callback?: boolean; expectedWaitMs?: string }[];
  anonymous?: boolean;
  attachmentTypes?: string[];
  attachmentBytesMax?: string;
}

/** Attachment. */
export interface Attachment {
  id: string;
  name: string;
  contentType: string;
  size: string;
}

/** Line. */
export interface Line {
  kind?: "LINE_KIND_TEXT" | "LINE_KIND_ATTACHMENT" | "LINE_KIND_NOTICE";
  text?: string;
  attachment?: Attachment;
}

/** The states of a session. */
export type SessionState = "QUEUED" | "ALERTING" | "CONNECTED" | "HELD" | "ENDED";

/** EventSessionProgress. */
export interface SessionProgress {
  state: `SESSION_STATE_${SessionState}`;
  position?: number;
  expectedWaitMs?: string;
  agents?: string[];
  reason?: string;
  treatment?: string;
}

/** SessionEvent. */
export interface SessionEvent {
  sequence?: string;
  timeMs?: string;
  progress?: SessionProgress;
  line?: { own?: boolean; authorName?: string; line?: Line; referenceId?: string };
  typing?: { authorName?: string; stopped?: boolean };
  heartbeat?: object;
}

/** The credential of a session, and where it is. */
export interface Session {
  /** The origin of the server. */
  server: string;
  /** Its token; empty for methods that need none. */
  token: string;
}

/** Calls a method of InternetCallManager. The errors are Refused and Unreachable. */
export async function ask<Answer = unknown>(at: Session, method: string, message: object): Promise<Answer> {
  const response = await send(at, method, "application/json", JSON.stringify(message));
  return (await body(response)) as Answer;
}

/**
 * Listens to a session after a sequence, until it has ended or signal aborts.
 * The errors are Refused and Unreachable; a stream that just breaks off is
 * Unreachable, too.
 */
export async function listen(at: Session, afterSequence: string, signal: AbortSignal, take: (event: SessionEvent) => void): Promise<void> {
  const request = new TextEncoder().encode(JSON.stringify({ afterSequence }));
  const response = await send(at, "SessionEvents", "application/connect+json", enveloped(request), signal);
  if (!response.ok || !response.body) {
    await body(response);
    throw new Unreachable("no stream");
  }
  const reader = response.body.getReader();
  let rest = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read().catch(unreachable);
    if (done) {
      throw new Unreachable("the stream broke off");
    }
    rest = joined(rest, value);
    for (let length = envelopeLength(rest); length <= rest.length; length = envelopeLength(rest)) {
      const message = JSON.parse(new TextDecoder().decode(rest.subarray(envelopeHead, length)));
      const last = (rest[0]! & envelopeLast) !== 0;
      rest = rest.slice(length);
      if (!last) {
        take(message);
      } else if (message.error) {
        throw failure(message.error);
      } else {
        return;
      }
    }
  }
}

/**
 * Uploads a file; the line that shows it is sent after that. The errors are
 * Refused and Unreachable.
 */
export function upload(at: Session, file: File, progress: (share: number) => void): Promise<Attachment> {
  // fetch does not tell how far an upload is.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${at.server}/sessions/attachments`);
    request.setRequestHeader("Authorization", `Bearer ${at.token}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-Usher-File-Name", encodeURIComponent(file.name));
    request.upload.onprogress = (event) => progress(event.loaded / (event.total || 1));
    request.onerror = request.onabort = () => reject(new Unreachable("the upload broke off"));
    request.onload = () => {
      const answer = parsed(request.responseText);
      if (request.status === 200 && answer) {
        resolve(answer as Attachment);
      } else {
        reject(failure(answer, request.status));
      }
    };
    request.send(file);
  });
}

/** Fetches an attachment's content. The errors are Refused and Unreachable. */
export async function download(at: Session, sessionID: string, attachment: Attachment): Promise<Blob> {
  const path = `/sessions/attachments/${attachment.id}?interaction_id=${encodeURIComponent(sessionID)}`;
  const response = await fetch(at.server + path, { headers: { Authorization: `Bearer ${at.token}` }, credentials: "omit" }).catch(unreachable);
  if (!response.ok) {
    await body(response);
  }
  return response.blob().catch(unreachable);
}

// A message on a stream: flags in one byte, the length in four, the message.
const envelopeHead = 5;
const envelopeLast = 2;

function enveloped(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(envelopeHead + message.length);
  new DataView(all.buffer).setUint32(1, message.length);
  all.set(message, envelopeHead);
  return all;
}

/** The length of the first envelope of bytes with its head; infinite if the head is not there yet. */
function envelopeLength(bytes: Uint8Array): number {
  return bytes.length < envelopeHead ? Infinity : envelopeHead + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

function send(at: Session, method: string, type: string, message: BodyInit, signal: AbortSignal | null = null): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": type, "Connect-Protocol-Version": "1" };
  if (at.token) {
    headers.Authorization = `Bearer ${at.token}`;
  }
  return fetch(`${at.server}/usher.v1.InternetCallManager/${method}`, {
    method: "POST", headers, body: message, signal, credentials: "omit", cache: "no-store",
  }).catch(unreachable);
}

async function body(response: Response): Promise<unknown> {
  const answer = parsed(await response.text().catch(unreachable));
  if (!response.ok || !answer) {
    throw failure(answer, response.status);
  }
  return answer;
}

function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not from the server, but from something between
  }
}

function unreachable(error: unknown): never {
  throw new Unreachable(String(error));
}

interface ConnectError {
  code?: string;
  message?: string;
  details?: { debug?: { name?: string } }[];
}

/** The names and codes of what is worth another attempt, and those of nobody in particular. */
const passing = new Set(["Unavailable", "unavailable", "deadline_exceeded", "canceled", "aborted", "SlowReader"]);

function failure(error: ConnectError | undefined, status = 0): Refused | Unreachable {
  const reason = error?.details?.[0]?.debug?.name ?? error?.code ?? (status === 413 ? "TooLarge" : undefined);
  const description = error?.message ?? `status ${status}`;
  if (reason ? passing.has(reason) : status < 400 || status >= 500) {
    return new Unreachable(description);
  }
  return new Refused(reason ?? "Unknown", description);
}
