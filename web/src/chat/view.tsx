// The chat as it is on the plain page and in the panel of the widget.
import { effect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { read, write } from "../common/locale.js";
import { Ask, Promised } from "./ask.js";
import type { Chat } from "./chat.js";
import { Conversation } from "./conversation.js";
import { chime } from "./sound.js";
import { t } from "./text.js";
import { refusalInWords } from "./words.js";

const soundKey = "usher.chat.sound";

/** View is the chat. */
export function View(props: {
  chat: Chat;
  /** True while the customer can see it. */
  shown: boolean;
  /** True to take the focus when it appears. */
  focus: boolean;
  /** Closes the panel, not the session; absent on a page of its own. */
  onClose?: () => void;
}) {
  const { chat, shown } = props;
  const root = useRef<HTMLDivElement>(null);
  const phase = phaseOf(chat);
  const first = useRef(true);
  useEffect(() => {
    if (shown) {
      void chat.open();
    }
  }, [shown]);
  // The focus goes to what is new, but is not taken from the page around.
  useEffect(() => {
    if (shown && (props.focus || !first.current)) {
      focusFirst(root.current!);
    }
    first.current = false;
  }, [phase, shown]);
  useEffect(() => attention(chat, () => shown), [shown]);
  return (
    <div class="chat" ref={root}>
      <Head chat={chat} onClose={props.onClose} />
      {phase === "ask" && <Ask chat={chat} site={chat.site.value!} />}
      {phase === "promised" && <Promised chat={chat} />}
      {(phase === "talk" || phase === "ended") && <Conversation key={chat.launched.value?.id} chat={chat} />}
      {(phase === "loading" || phase === "trouble") && <Trouble chat={chat} />}
    </div>
  );
}

type Phase = "loading" | "trouble" | "ask" | "promised" | "talk" | "ended";

function phaseOf(chat: Chat): Phase {
  const launched = chat.launched.value;
  if (launched) {
    return launched.callback ? "promised" : chat.state.value === "ENDED" ? "ended" : "talk";
  }
  return chat.site.value ? "ask" : chat.trouble.value ? "trouble" : "loading";
}

/** Focuses what a phase wants to have focused, or else its first control. */
function focusFirst(root: HTMLElement): void {
  const wanted = root.querySelector<HTMLElement>("[data-focus]") ?? root.querySelector<HTMLElement>(".chat-body :is(input, textarea, button)");
  (wanted ?? root.querySelector<HTMLElement>(".chat-head [tabindex]"))?.focus();
}

function Head({ chat, onClose }: { chat: Chat; onClose: (() => void) | undefined }) {
  const [asking, setAsking] = useState(false);
  const [sound, setSound] = useState(read(soundKey) === "on");
  const alive = chat.launched.value && !chat.launched.value.callback && chat.state.value !== "ENDED";
  const end = useRef<HTMLButtonElement>(null);
  const asked = useRef(false);
  useLayoutEffect(() => {
    if (asked.current && !asking) {
      end.current?.focus();
    }
    asked.current = asking;
  }, [asking]);
  const toggle = () => {
    write(soundKey, sound ? "off" : "on");
    setSound(!sound);
    if (!sound) {
      chime();
    }
  };
  const Heading = onClose ? "h2" : "h1";
  return (
    <header class="chat-head">
      <Heading tabIndex={-1}>{chat.site.value?.title || t("title")}</Heading>
      {alive && (
        <Button kind="plain" label={t("sound")} pressed={sound} class="chat-icon" onClick={toggle}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d={sound ? "M4 9v6h4l5 4V5L8 9zM16 8.500a5 5 0 0 1 0 7M18.500 6a8.500 8.500 0 0 1 0 12" : "M4 9v6h4l5 4V5L8 9zM17 9.500l5 5m0-5-5 5"} />
          </svg>
        </Button>
      )}
      {alive && !asking && (
        <Button kind="plain" buttonRef={end} busy={chat.ending.value} onClick={() => setAsking(true)}>
          {t("end")}
        </Button>
      )}
      {onClose && (
        <Button kind="plain" label={t("closePanel")} class="chat-icon" onClick={onClose}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="m6 9 6 6 6-6" />
          </svg>
        </Button>
      )}
      {alive && asking && (
        <Sure
          onAnswer={(sure) => {
            setAsking(false);
            if (sure) {
              void chat.drop();
            }
          }}
        />
      )}
    </header>
  );
}

/** Sure asks whether the chat shall end. */
function Sure({ onAnswer }: { onAnswer: (sure: boolean) => void }) {
  const no = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => no.current?.focus(), []);
  const escape = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation(); // it would close the panel, too
      onAnswer(false);
    }
  };
  return (
    <div class="chat-sure" role="group" aria-label={t("endReally")} onKeyDown={escape}>
      <span>{t("endReally")}</span>
      <Button kind="danger" onClick={() => onAnswer(true)}>
        {t("endYes")}
      </Button>
      <Button buttonRef={no} onClick={() => onAnswer(false)}>
        {t("endNo")}
      </Button>
    </div>
  );
}

function Trouble({ chat }: { chat: Chat }) {
  const trouble = chat.trouble.value;
  if (!trouble) {
    return (
      <div class="chat-body">
        <p role="status">{t("loading")}</p>
      </div>
    );
  }
  const words = trouble === "origin" ? t("originRefused", { origin: location.origin }) : trouble === "unreachable" ? t("unreachable") : refusalInWords(trouble);
  return (
    <div class="chat-body">
      <p class="chat-error" role="alert">
        {words}
      </p>
      <Button onClick={() => chat.open()}>{t("retry")}</Button>
    </div>
  );
}

/** Marks as read what is seen, and draws the attention to what is not. Gives the function that stops it. */
function attention(chat: Chat, shown: () => boolean): () => void {
  const seen = () => shown() && document.visibilityState === "visible";
  const look = () => {
    if (seen()) {
      chat.markRead();
    }
    const unread = chat.unread.value;
    const original = document.title.replace(/^\(\d+\) /, "");
    const title = unread > 0 && document.hidden ? `(${unread}) ${original}` : original;
    if (document.title !== title) {
      document.title = title;
    }
  };
  let rung = chat.news.peek();
  const stop = effect(() => {
    void chat.lines.value;
    const news = chat.news.value;
    if (news && news !== rung && !seen() && read(soundKey) === "on") {
      chime();
    }
    rung = news;
    look();
  });
  document.addEventListener("visibilitychange", look);
  return () => {
    stop();
    document.removeEventListener("visibilitychange", look);
  };
}
