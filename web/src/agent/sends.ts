// What is sent from a session's card: lines, files, notices of typing; and
// drafts, which are kept.
import { download, upload } from "@usher-cc/client";
import { type Attachment, LineKind, LineVisibility } from "@usher-cc/client/gen/conversation";
import { connection, desk } from "./desk.js";
import { kept } from "./kept.js";
import { lastNumber } from "./model.js";
import { state } from "./store.js";
import { at } from "./trouble.js";

/** What is written and not sent yet, and for whom: a note for agents stays one, whatever happens meanwhile. */
interface Draft {
  text: string;
  agentsOnly: boolean;
}

/** The drafts by interaction. */
const drafts = kept<Record<string, Draft>>("drafts", {});

const noDraft: Draft = { text: "", agentsOnly: false };

/** What is written in a session. */
export const draftOf = (id: string): Draft => drafts.value[id] ?? noDraft;

/** Notes of the wrap-up, by interaction. */
export const notes = kept<Record<string, { disposition: string; note: string }>>("notes", {});

export function setDraft(id: string, text: string, agentsOnly: boolean): void {
  const { [id]: _, ...others } = drafts.peek();
  drafts.value = text || agentsOnly ? { ...others, [id]: { text, agentsOnly } } : others;
}

/** How often the others are told that the agent writes. */
const typingEveryMs = 3_000;
const toldAt = new Map<string, number>();

/** Tells the others of a session that the agent writes, or has stopped. */
export function typing(id: string, text: string): void {
  const last = toldAt.get(id) ?? 0;
  if (text === "") {
    if (last > 0) {
      toldAt.delete(id);
      desk().typing(id, true);
    }
  } else if (Date.now() - last >= typingEveryMs) {
    toldAt.set(id, Date.now());
    desk().typing(id);
  }
}

/** A line that the server may not have, and the number of the last line before it. */
interface Unsent extends Draft {
  id: string;
  after: number;
}

const unsent = kept<Unsent[]>("unsent", []);

/** Says something. While it is sent, and if it is refused, it stands in the conversation's pending lines. */
export function send(id: string, text: string, agentsOnly: boolean): void {
  toldAt.delete(id);
  setDraft(id, "", agentsOnly);
  const session = state.peek().sessions.find((s) => s.id === id);
  unsent.value = [...unsent.value, { id, text, agentsOnly, after: session ? lastNumber(session) : 0 }];
  const sent = desk().addLine(id, text, agentsOnly);
  sent.then(() => unsentGone(id, text, agentsOnly), () => undefined);
}

/** A line was sent or given up. */
export function unsentGone(id: string, text: string, agentsOnly: boolean): void {
  const at = unsent.peek().findIndex((u) => u.id === id && u.text === text && u.agentsOnly === agentsOnly);
  unsent.value = unsent.peek().filter((_, n) => n !== at);
}

/** What was written in a session and not sent, as far as it is known: lines that the server may not have, and the draft. */
export function unsentOf(id: string): string {
  const lines = unsent.value.filter((u) => u.id === id).map((u) => u.text);
  return [...lines, draftOf(id).text].filter((text) => text.trim()).join("\n");
}

/** Forgets what was written in a session. */
export function forgetUnsent(id: string): void {
  unsent.value = unsent.peek().filter((u) => u.id !== id);
  setDraft(id, "", false);
}

/** Puts what was being sent when the page was loaded anew, and did not arrive, back into the drafts. */
export function restoreUnsent(): void {
  const left = new Set(unsent.peek());
  const end = state.subscribe(({ sessions, agentId }) => {
    for (const one of left) {
      const conversation = sessions.find((s) => s.id === one.id)?.conversation;
      if (!conversation?.loaded) {
        continue;
      }
      left.delete(one);
      unsentGone(one.id, one.text, one.agentsOnly);
      const arrived = conversation.lines.some(
        ({ added }) =>
          added?.author?.id === agentId &&
          added.line?.text === one.text &&
          (added.line.visibility === LineVisibility.AGENTS) === one.agentsOnly &&
          added.number > one.after,
      );
      if (!arrived) {
        const draft = drafts.peek()[one.id] ?? noDraft;
        setDraft(one.id, [one.text, draft.text].filter(Boolean).join("\n"), one.agentsOnly || draft.agentsOnly);
      }
    }
    if (left.size === 0) {
      queueMicrotask(() => end());
    }
  });
}

/** Uploads a file and says it. */
export function sendFile(id: string, file: File, agentsOnly: boolean): Promise<boolean> {
  return at(`compose:${id}`, async () => {
    const attachment = await upload(connection, file, id);
    await desk().addLine(id, { kind: LineKind.ATTACHMENT, attachment }, agentsOnly);
  });
}

/** Fetches a file of a conversation. */
export const fetchFile = (id: string, attachment: Attachment): Promise<Blob> => download(connection, attachment, id);
