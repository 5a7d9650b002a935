// Toasts: short messages in a live region, which screen readers speak.
import { signal } from "@preact/signals";
import { t } from "./text.js";

/** How long a toast is shown; errors stay until they are closed. */
const toastMs = 8_000;

/** The most toasts shown at once; older ones go. */
const toastsMax = 4;

interface Toast {
  id: number;
  text: string;
  kind: "info" | "error";
}

const toasts = signal<readonly Toast[]>([]);
let lastID = 0;

/** Tells the user something. */
export function tell(text: string, kind: "info" | "error" = "info"): void {
  const id = ++lastID;
  toasts.value = [...toasts.value, { id, text, kind }].slice(-toastsMax);
  if (kind === "info") {
    setTimeout(() => close(id), toastMs);
  }
}

function close(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Toasts is the live region; Page has it. */
export function Toasts() {
  return (
    <section class="toasts" role="log" aria-label={t("notifications")} aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast toast-${toast.kind}`}>
          <span>{toast.text}</span>
          <button type="button" class="button-plain" aria-label={t("close")} onClick={() => close(toast.id)}>
            ×
          </button>
        </div>
      ))}
    </section>
  );
}
