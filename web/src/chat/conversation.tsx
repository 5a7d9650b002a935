// The conversation: how far it is, its lines, and where the customer writes.
import type { Attachment, Line } from "@usher-cc/client/light";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { sizeInWords } from "../common/size.js";
import { timeOfDay } from "../common/time.js";
import { Linked } from "../common/linked.js";
import { type Chat, lineBytesMax, type Pending, type Said } from "./chat.js";
import { t } from "./text.js";
import { agentsInWords, authorInWords, refusalInWords, save, transcript, typesInWords, waitInWords } from "./words.js";

/** How near to the end, in pixels, somebody reads the latest lines. */
const atEndPx = 60;

/** How many lines the live region holds; older ones have been spoken. */
const spokenMax = 5;

/** Conversation is a session from its launch to the end, and after it. */
export function Conversation({ chat }: { chat: Chat }) {
  return (
    <>
      <Status chat={chat} />
      <Log chat={chat} />
      <Spoken chat={chat} />
      {chat.state.value === "ENDED" ? <Ended chat={chat} /> : <Composer chat={chat} />}
    </>
  );
}

function Status({ chat }: { chat: Chat }) {
  const { agents = [], reason, position, expectedWaitMs, treatment } = chat.progress.value ?? {};
  const waits = <p>{waitInWords(expectedWaitMs === undefined ? undefined : Number(expectedWaitMs))}</p>;
  const place = position ? <p>{t("position", { position })}</p> : null;
  return (
    <div class="chat-status" role="status">
      {!chat.reached.value && <p class="chat-warning">{t("reconnecting")}</p>}
      {chat.returned.value && <p>{t("returned")}</p>}
      {chat.state.value === "QUEUED" && (
        <>
          {!chat.returned.value && <p>{t("queued")}</p>}
          {place}
          {waits}
          <p class="soft">{t("writeMeanwhile")}</p>
        </>
      )}
      {chat.state.value === "ALERTING" && <p>{t("alerting")}</p>}
      {treatment && <p class="chat-treatment">{treatment}</p>}
      {chat.state.value === "CONNECTED" && <p>{agents.length > 0 ? t("connectedWith", { names: agentsInWords(agents) }) : t("connected")}</p>}
      {chat.state.value === "HELD" && <p>{agents.length > 0 ? t("heldBy", { names: agentsInWords(agents) }) : t("held")}</p>}
      {chat.state.value === "ENDED" && (
        <p tabIndex={-1} data-focus>
          {endInWords(reason)}
        </p>
      )}
      {!chat.state.value && chat.reached.value && <p>{t("loading")}</p>}
    </div>
  );
}

function endInWords(reason = ""): string {
  switch (reason) {
    case "CustomerLeft":
      return t("endedByYou");
    case "AgentEnded":
      return t("endedByAgent");
    case "Gone":
      return t("endedGone");
    default:
      return t("ended");
  }
}

function Log({ chat }: { chat: Chat }) {
  const log = useRef<HTMLDivElement>(null);
  const followed = useRef(true);
  const [below, setBelow] = useState(false);
  const toEnd = () => log.current?.scrollTo(0, log.current.scrollHeight);
  const look = () => {
    const { scrollHeight, scrollTop, clientHeight } = log.current!;
    followed.current = scrollHeight - scrollTop - clientHeight < atEndPx;
    if (followed.current) {
      setBelow(false);
    }
  };
  const lines = chat.lines.value;
  const pending = chat.pending.value;
  const own = lines.at(-1)?.own;
  useLayoutEffect(() => {
    if (followed.current || own) {
      toEnd();
    } else {
      setBelow(true);
    }
  }, [lines.length, pending.length, own]);
  // What has loaded late, or a smaller window, moves the end.
  useEffect(() => {
    const resized = new ResizeObserver(() => followed.current && toEnd());
    resized.observe(log.current!);
    resized.observe(log.current!.firstElementChild!);
    return () => resized.disconnect();
  }, []);
  return (
    <div class="chat-log-frame">
      <div class="chat-log" role="log" aria-live="off" aria-label={t("conversation")} tabIndex={0} ref={log} onScroll={look}>
        <ul>
          {lines.map((said) => (
            <SaidLine key={said.sequence} chat={chat} said={said} />
          ))}
          {pending.map((one) => (
            <PendingLine key={one.referenceId} chat={chat} pending={one} />
          ))}
        </ul>
        {chat.typing.value.length > 0 && <p class="chat-typing soft">{t("typing", { names: agentsInWords(chat.typing.value), count: chat.typing.value.length })}</p>}
      </div>
      {below && (
        <Button class="chat-below" onClick={toEnd}>
          {t("newLines")} ↓
        </Button>
      )}
    </div>
  );
}

function SaidLine({ chat, said }: { chat: Chat; said: Said }) {
  const notice = said.line.kind === "LINE_KIND_NOTICE";
  return (
    <li class={notice ? "chat-line chat-notice" : said.own ? "chat-line chat-own" : "chat-line"}>
      {!notice && (
        <p class="chat-author">
          {authorInWords(said)} <time dateTime={new Date(said.timeMs).toISOString()}>{timeOfDay(said.timeMs)}</time>
        </p>
      )}
      <Content chat={chat} line={said.line} />
    </li>
  );
}

function PendingLine({ chat, pending }: { chat: Chat; pending: Pending }) {
  const { referenceId, state, why, share } = pending;
  return (
    <li class="chat-line chat-own chat-pending">
      <p class="chat-author">{t("you")}</p>
      <div class="chat-bubble">
        {pending.line.attachment?.name}
        <Linked text={pending.line.text ?? ""} />
      </div>
      {state === "uploading" && <progress value={share} aria-label={t("uploading", { name: pending.line.attachment?.name ?? "" })} />}
      {state === "failed" ? (
        <p class="chat-error" role="alert">
          {t("notSent")} {why && refusalInWords(why)}{" "}
          {chat.state.value !== "ENDED" && (
            <>
              <Button onClick={() => chat.retry(referenceId)}>{t("retry")}</Button> <Button onClick={() => chat.discard(referenceId)}>{t("discard")}</Button>
            </>
          )}
        </p>
      ) : (
        <p class="chat-author">{t(state === "uploading" ? "uploadingNow" : state === "sent" ? "sent" : "sending")}</p>
      )}
    </li>
  );
}

function Content({ chat, line }: { chat: Chat; line: Line }) {
  return (
    <>
      {line.attachment && <File chat={chat} attachment={line.attachment} />}
      {line.text && (
        <div class="chat-bubble">
          <Linked text={line.text} />
        </div>
      )}
    </>
  );
}

function File({ chat, attachment }: { chat: Chat; attachment: Attachment }) {
  const [image, setImage] = useState<string>();
  const [failed, setFailed] = useState(false);
  const isImage = /^image\/(png|jpeg|gif|webp)$/.test(attachment.contentType);
  useEffect(() => {
    if (isImage) {
      chat.content(attachment).then(setImage, () => undefined);
    }
  }, [attachment.id]);
  const get = async () => {
    try {
      setFailed(false);
      save(await chat.content(attachment), attachment.name);
    } catch {
      setFailed(true);
    }
  };
  return (
    <div class="chat-bubble chat-file">
      {/* A page whose policy allows no blob: images shows the name alone. */}
      {image && <img src={image} alt={attachment.name} onError={() => setImage(undefined)} />}
      <button type="button" class="chat-download" onClick={() => void get()}>
        <span class="unseen">{t("download")} </span>
        {attachment.name} <span class="soft">({sizeInWords(Number(attachment.size))})</span>
      </button>
      {failed && (
        <p class="chat-error" role="alert">
          {t("downloadFailed")}
        </p>
      )}
    </div>
  );
}

/** Spoken is what screen readers say: the other side's new lines, and nothing else. */
function Spoken({ chat }: { chat: Chat }) {
  const [spoken, setSpoken] = useState<readonly Said[]>([]);
  const news = chat.news.value;
  useEffect(() => {
    if (news) {
      setSpoken((before) => [...before, news].slice(-spokenMax));
    }
  }, [news]);
  return (
    <div class="unseen" aria-live="polite">
      {spoken.map((said) => (
        <p key={said.sequence}>
          {authorInWords(said) && `${authorInWords(said)}: `}
          {said.line.attachment && t("transcriptFile", { name: said.line.attachment.name })} {said.line.text}
        </p>
      ))}
    </div>
  );
}

function Composer({ chat }: { chat: Chat }) {
  const input = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState("");
  const types = chat.site.value?.attachmentTypes ?? [];
  const bytesMax = Number(chat.site.value?.attachmentBytesMax ?? 0);
  const send = () => {
    const text = chat.draft.value.trim();
    if (!text) {
      return;
    }
    if (new TextEncoder().encode(text).length > lineBytesMax) {
      setProblem(t("lineTooLong"));
      return;
    }
    setProblem("");
    chat.say(text);
    input.current?.focus();
  };
  const attach = (files: Iterable<globalThis.File>) => {
    const problems = [...files].map((file) => {
      if (!types.includes(file.type)) {
        return t("fileType", { name: file.name, types: typesInWords(types) });
      }
      if (file.size > bytesMax) {
        return t("fileSize", { name: file.name, size: sizeInWords(bytesMax) });
      }
      chat.attach(file);
      return "";
    });
    setProblem(problems.join(" ").trim());
    input.current?.focus();
  };
  return (
    <div class="chat-composer">
      {problem && (
        <p class="chat-error" role="alert">
          {problem}
        </p>
      )}
      <div class="chat-composer-row">
        <textarea
          ref={input}
          data-focus
          aria-label={t("message")}
          placeholder={t("message")}
          rows={2}
          value={chat.draft.value}
          onInput={(event) => {
            setProblem(""); // who writes on has read it
            chat.write(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              send();
            }
          }}
          onPaste={(event) => {
            const files = event.clipboardData?.files;
            if (files && files.length > 0) {
              event.preventDefault();
              attach(files);
            }
          }}
        />
        {types.length > 0 && (
          <>
            <Button label={t("attach")} class="chat-icon" onClick={() => picker.current?.click()}>
              <svg viewBox="0 0 24 24" aria-hidden="true">
                <path d="M20 11.5 12 19.5a5 5 0 0 1-7-7l8.500-8.500a3.300 3.300 0 0 1 4.700 4.700l-8.500 8.500a1.600 1.600 0 0 1-2.300-2.300L15 7.300" />
              </svg>
            </Button>
            <input
              ref={picker}
              type="file"
              hidden
              multiple
              accept={types.join(",")}
              onChange={(event) => {
                attach(event.currentTarget.files ?? []);
                event.currentTarget.value = "";
              }}
            />
          </>
        )}
        <Button kind="primary" onClick={send}>
          {t("send")}
        </Button>
      </div>
    </div>
  );
}

function Ended({ chat }: { chat: Chat }) {
  const saveTranscript = () => {
    const text = transcript(chat.site.value?.title || t("title"), chat.lines.value, chat.launched.value?.name ?? "");
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
    save(url, `chat-${new Date().toISOString().slice(0, 10)}.txt`);
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return (
    <div class="chat-composer chat-actions">
      <Button onClick={saveTranscript} disabled={chat.lines.value.length === 0}>
        {t("saveTranscript")}
      </Button>
      <Button kind="primary" onClick={() => chat.startAgain()}>
        {t("startAgain")}
      </Button>
    </div>
  );
}
