// What is sent from a session's card: lines, files, notices of typing; and
// drafts, which are kept.
import { download, upload } from "@usher-cc/client";
import { type Attachment, LineKind } from "@usher-cc/client/gen/conversation";
import { connection, desk } from "./desk.js";
import { kept } from "./kept.js";
import { at } from "./trouble.js";

/** What is written and not sent yet, by interaction. */
export const drafts = kept<Record<string, string>>("drafts", {});

/** Notes of the wrap-up, by interaction. */
export const notes = kept<Record<string, { disposition: string; note: string }>>("notes", {});

export function setDraft(id: string, text: string): void {
  const { [id]: _, ...others } = drafts.value;
  drafts.value = text ? { ...others, [id]: text } : others;
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

/** Says something. While it is sent, and if it is refused, it stands in the conversation's pending lines. */
export function send(id: string, text: string, agentsOnly: boolean): void {
  toldAt.delete(id);
  setDraft(id, "");
  desk().addLine(id, text, agentsOnly).catch(() => undefined);
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
