// What calls the agent: a tone, a notification of the desktop, the title of the
// tab.
import { effect, signal } from "@preact/signals";
import { read, write } from "../common/locale.js";
import { customerOf, requestOf, subjectOf, unreadOf } from "./model.js";
import { look, openOffers, state, unread } from "./store.js";
import { t } from "./text.js";

const mutedKey = "usher.agent.muted";

/** Whether tones are switched off. */
export const muted = signal(read(mutedKey) === "yes");

export function setMuted(to: boolean): void {
  muted.value = to;
  write(mutedKey, to ? "yes" : "no");
}

/** Whether the browser lets tones be heard: it does after the first press of a key or button. */
export const audible = signal(false);

let audio: AudioContext | undefined;

function wake(): void {
  audio ??= new AudioContext();
  void audio.resume().then(() => (audible.value = audio?.state === "running"));
}

document.addEventListener("pointerdown", wake, { once: true });
document.addEventListener("keydown", wake, { once: true });

/** Two short tones, the second higher. */
function ring(): void {
  if (!audio || muted.peek() || audio.state !== "running") {
    return;
  }
  [660, 880].forEach((frequency, n) => {
    const start = audio!.currentTime + n * 0.18;
    const tone = new OscillatorNode(audio!, { frequency });
    const gain = new GainNode(audio!, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.15, start + 0.02);
    gain.gain.linearRampToValueAtTime(0, start + 0.15);
    tone.connect(gain).connect(audio!.destination);
    tone.start(start);
    tone.stop(start + 0.16);
  });
}

/** How often it rings while an offer is open. */
const ringEveryMs = 4_000;

/** Whether notifications of the desktop may be shown; undefined where there are none. */
export const notifications = signal<NotificationPermission | undefined>(
  "Notification" in window ? Notification.permission : undefined,
);

/** Asks for notifications. Browsers want a press of a button for that. */
export async function askForNotifications(): Promise<void> {
  notifications.value = await Notification.requestPermission();
}

function notify(tag: string, title: string, body: string, onClick: () => void): void {
  if (notifications.peek() !== "granted" || document.hasFocus()) {
    return;
  }
  try {
    const shown = new Notification(title, { tag, body });
    shown.onclick = () => {
      window.focus();
      onClick();
      shown.close();
    };
  } catch {
    // Some browsers only allow them to service workers; the title and the tone remain.
  }
}

const told = new Set<bigint>();
let ringing: ReturnType<typeof setInterval> | undefined;

effect(() => {
  const offers = openOffers.value;
  for (const offer of offers.filter((o) => !told.has(o.ticket))) {
    told.add(offer.ticket);
    const { properties } = offer;
    const what = subjectOf(properties) || requestOf(properties);
    notify(`offer ${offer.ticket}`, t("offerOf", { customer: customerOf(properties) }), what, () => undefined);
    ring();
  }
  clearInterval(ringing);
  ringing = offers.length > 0 ? setInterval(ring, ringEveryMs) : undefined;
});

/** How many unread lines each session had. */
let unreadBefore: ReadonlyMap<string, number> = new Map();

effect(() => {
  const { sessions, agentId } = state.value;
  const counts = new Map(sessions.map((s) => [s.id, unreadOf(s, agentId)]));
  for (const { id, properties } of sessions) {
    const count = counts.get(id) ?? 0;
    if (count > (unreadBefore.get(id) ?? 0)) {
      notify(`lines ${id}`, t("newLines", { count }), customerOf(properties), () => look({ kind: "session", id }));
    }
  }
  unreadBefore = counts;
});

/** The title of the tab: what calls first. */
export function tabTitle(): string {
  const offers = openOffers.value.length;
  if (offers > 0) {
    return `(${offers}) ${t("tabOffer")} - Usher`;
  }
  return unread.value > 0 ? `(${unread.value}) ${t("tabLines")} - Usher` : `${t("title")} - Usher`;
}
