// What takes more than one request.
import { InteractionManagement } from "@usher-cc/client/gen/interaction_management";
import { Refusal } from "./refusal.js";
import { session } from "./state.js";
import { t } from "./text.js";

const im = InteractionManagement.method;

/**
 * Moves an interaction that waits to a queue: it is locked, so that nobody is
 * given it meanwhile, moved, and unlocked in any case.
 */
export async function requeueWaiting(interactionId: string, queue: string, reason: string): Promise<void> {
  const event = await session.request(im.takeSnapshot, {
    conditions: [{ property: "interaction_id", value: { kind: { case: "stringValue", value: interactionId } } }],
    lock: true,
    limit: 1,
  });
  const taken = event.message.case === "eventSnapshotTaken" ? event.message.value : undefined;
  const snapshotId = taken?.snapshotId ?? 0n;
  try {
    if (taken?.count !== 1) {
      throw new Refusal(t("notLockable"));
    }
    await session.request(im.moveInteractions, { snapshotId, interactionIds: [interactionId], queue, reason });
  } finally {
    await session.request(im.releaseSnapshot, { snapshotId });
  }
}
