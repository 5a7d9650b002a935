// The button in the corner of somebody else's page, and the panel above it.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "./chat.js";
import { t } from "./text.js";
import { View } from "./view.js";

/** The tab's own: whether the panel is open. */
const openKey = "usher.chat.open";

/** Widget is the button and its panel, which is not modal: the page stays usable. */
export function Widget({ chat, label }: { chat: Chat; label: string }) {
  const [open, setOpen] = useState(wasOpen);
  // It opened by itself after a reload: the focus stays where the page has it.
  const [asked, setAsked] = useState(false);
  const launcher = useRef<HTMLButtonElement>(null);
  const unread = chat.unread.value;
  const turn = (to: boolean) => {
    setOpen(to);
    setAsked(to);
    rememberOpen(to);
  };
  const close = () => {
    turn(false);
    launcher.current?.focus();
  };
  useEffect(() => {
    if (!open && asked) {
      launcher.current?.focus();
    }
  }, [open]);
  const words = label || t("launcher");
  return (
    <>
      <section
        id="panel"
        class="chat-panel"
        role="dialog"
        aria-label={chat.site.value?.title || t("panel")}
        hidden={!open}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            close();
          }
        }}
      >
        <View chat={chat} shown={open} focus={asked} onClose={close} />
      </section>
      <button
        ref={launcher}
        type="button"
        class="chat-launcher"
        aria-expanded={open}
        aria-controls="panel"
        aria-label={unread > 0 ? `${words}, ${t("unread", { count: unread })}` : words}
        onClick={() => (open ? close() : turn(true))}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d={open ? "m6 9 6 6 6-6" : "M4 5h16v11H10l-4 4v-4H4z"} />
        </svg>
        {!open && <span>{words}</span>}
        {unread > 0 && (
          <span class="chat-badge" aria-hidden="true">
            {unread}
          </span>
        )}
      </button>
    </>
  );
}

function wasOpen(): boolean {
  try {
    return sessionStorage.getItem(openKey) === "yes";
  } catch {
    return false;
  }
}

function rememberOpen(open: boolean): void {
  try {
    sessionStorage.setItem(openKey, open ? "yes" : "no");
  } catch {
    // It is closed again after a reload.
  }
}
