// Files of conversations, which travel beside the protocol.
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import type { Connection } from "./connect.js";
import { type Attachment, AttachmentSchema } from "./gen/usher/v1/conversation_pb.js";
import { refusal } from "./refusal.js";

/**
 * Uploads a file to a conversation; an agent names the interaction. The
 * attachment is then said with a line of kind ATTACHMENT.
 */
export async function upload(connection: Connection, file: File, interactionId?: string): Promise<Attachment> {
  const response = await connection.fetch(`/sessions/attachments${about(interactionId)}`, {
    method: "POST",
    headers: { "X-Usher-File-Name": encodeURIComponent(file.name), "Content-Type": "application/octet-stream" },
    body: file,
  });
  if (!response.ok) {
    throw await refusal(response);
  }
  return fromJson(AttachmentSchema, (await response.json()) as JsonValue, { ignoreUnknownFields: true });
}

/** Fetches a file of a conversation; an agent names the interaction. */
export async function download(connection: Connection, attachment: Attachment, interactionId?: string): Promise<Blob> {
  const response = await connection.fetch(`/sessions/attachments/${attachment.id}${about(interactionId)}`);
  if (!response.ok) {
    throw await refusal(response);
  }
  return response.blob();
}

function about(interactionId: string | undefined): string {
  return interactionId ? `?interaction_id=${encodeURIComponent(interactionId)}` : "";
}
