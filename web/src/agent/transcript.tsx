// What was said. New lines keep the end in sight, unless somebody reads
// further up: then a button leads to them.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { PendingLine } from "@usher-cc/client";
import { ParticipantKind } from "@usher-cc/client/gen/common";
import type { Attachment } from "@usher-cc/client/gen/conversation";
import { LineVisibility } from "@usher-cc/client/gen/conversation";
import { Button } from "../common/button.js";
import { Linked } from "../common/linked.js";
import { sizeInWords } from "../common/size.js";
import { timeOfDaySeconds } from "../common/time.js";
import { desk } from "./desk.js";
import { customerOf, isUnsent, type Line, lineOf, type Session } from "./model.js";
import { fetchFile, unsentGone } from "./sends.js";
import { state } from "./store.js";
import { at, busy, words } from "./trouble.js";
import { Trouble } from "./parts.js";
import { t } from "./text.js";

/** How near the end counts as the end. */
const nearPx = 40;

/** Where each conversation was scrolled to when another was looked at. */
const scrolledTo = new Map<string, number>();

export function Transcript(props: { session: Session }) {
  const { session } = props;
  const { agentId } = state.value;
  const lines = (session.conversation?.lines ?? []).map((line) => lineOf(line, agentId));
  const pending = session.conversation?.pending ?? [];
  const { box, atEnd, onScroll, toEnd } = useScroll(session.id, lines[0]?.number, lines.length + pending.length);
  const place = `earlier:${session.id}`;
  return (
    <div class="transcript-frame">
      <div ref={box} class="transcript" role="log" aria-label={t("conversation")} tabIndex={0} onScroll={onScroll}>
        <div>
          {session.conversation?.more && (
            <p>
              <Button busy={busy.value.has(place)} onClick={() => at(place, () => desk().loadEarlierLines(session.id))}>
                ↑ {t("showEarlier")}
              </Button>
            </p>
          )}
          <Trouble place={place} />
          {session.conversation?.trimmed && <p class="soft">{t("earlierLines")}</p>}
          {session.conversation?.loaded && lines.length === 0 && pending.length === 0 && <p class="soft">{t("nothingSaid")}</p>}
          {lines.map((line, n) => (
            <LineView key={line.number} id={session.id} line={line} first={!together(lines[n - 1], line)} />
          ))}
          {pending.map((line) => (
            <Pending key={line.referenceId} id={session.id} pending={line} ended={session.ended !== undefined} />
          ))}
        </div>
      </div>
      <p class="typing soft" role="status">
        {writers(session).map((name) => t("isTyping", { name })).join(" ")}
      </p>
      {!atEnd && (
        <Button class="pill" onClick={toEnd}>
          ↓ {t("toLatest")}
        </Button>
      )}
    </div>
  );
}

/** Who is writing; the customer by the name that the interaction has. */
function writers(s: Session): string[] {
  const customer = `${ParticipantKind.CUSTOMER} `;
  return [...(s.conversation?.typing ?? [])].map(([key, name]) => (key.startsWith(customer) ? customerOf(s.properties) : name));
}

function useScroll(id: string, first: number | undefined, count: number) {
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const followed = useRef(true);
  const lastTop = useRef(0);
  const shown = useRef({ first, height: 0 });
  useLayoutEffect(() => {
    const el = box.current;
    const before = scrolledTo.get(id);
    if (el && before !== undefined) {
      el.scrollTop = before;
      followed.current = false;
    }
    return () => {
      if (el && !followed.current) {
        scrolledTo.set(id, el.scrollTop);
      } else {
        scrolledTo.delete(id);
      }
    };
  }, [id]);
  const toEnd = () => {
    if (box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  };
  useLayoutEffect(() => {
    if (followed.current) {
      toEnd();
    }
  }, [count]);
  // What has loaded late, or a smaller box, moves the end.
  useEffect(() => {
    const resized = new ResizeObserver(() => followed.current && toEnd());
    resized.observe(box.current!);
    resized.observe(box.current!.firstElementChild!);
    return () => resized.disconnect();
  }, []);
  useLayoutEffect(() => {
    const el = box.current;
    const before = shown.current;
    if (el && !atEnd && first !== undefined && before.first !== undefined && first < before.first) {
      el.scrollTop += el.scrollHeight - before.height; // what is read stays where it is
    }
    shown.current = { first, height: el?.scrollHeight ?? 0 };
  });
  const onScroll = () => {
    const el = box.current;
    if (!el) {
      return;
    }
    // The end may have moved before this is told: it is left by scrolling up only.
    const near = el.scrollHeight - el.scrollTop - el.clientHeight <= nearPx;
    followed.current = near || (followed.current && el.scrollTop >= lastTop.current);
    lastTop.current = el.scrollTop;
    setAtEnd(followed.current);
  };
  return { box, atEnd, onScroll, toEnd };
}

/** Lines of the same author within a minute stand under one name. */
const together = (a: Line | undefined, b: Line): boolean =>
  a !== undefined && a.by === b.by && a.name === b.name && a.agentsOnly === b.agentsOnly && b.atMs - a.atMs < 60_000;

function LineView(props: { id: string; line: Line; first: boolean }) {
  const { line } = props;
  return (
    <div class={`line line-${line.by} ${line.agentsOnly ? "line-agents" : ""}`}>
      {props.first && line.by !== "notice" && (
        <p class="line-head soft">
          <span>{authorOf(line)}</span> <time dateTime={new Date(line.atMs).toISOString()}>{timeOfDaySeconds(line.atMs)}</time>
          {line.agentsOnly && <span class="chip chip-warn">{t("agentsOnly")}</span>}
        </p>
      )}
      {line.attachment && <File id={props.id} attachment={line.attachment} />}
      {line.text && <p class="line-text"><Linked text={line.text} /></p>}
    </div>
  );
}

function authorOf(line: Line): string {
  if (line.by === "me") {
    return t("youName");
  }
  return line.name || (line.by === "customer" ? t("theCustomer") : t("theAgent"));
}

function Pending(props: { id: string; pending: PendingLine; ended: boolean }) {
  const { line, error, referenceId } = props.pending;
  const settle = (how: "again" | "never") => () => {
    desk().settleLine(props.id, referenceId, how);
    unsentGone(props.id, line.text, line.visibility === LineVisibility.AGENTS);
  };
  return (
    <div class={`line line-me line-pending ${line.visibility === LineVisibility.AGENTS ? "line-agents" : ""}`}>
      <p class="line-text">{line.text || line.attachment?.name}</p>
      {error && !props.ended ? (
        <div class="trouble" role="alert">
          <span>
            {t("lineRefused")} {words(error)}
          </span>
          <Button onClick={settle("again")}>{t("sendAgain")}</Button>
          <Button onClick={settle("never")}>{t("discard")}</Button>
        </div>
      ) : (
        <p class="line-head soft">{!props.ended ? t("sending") : isUnsent(props.pending) && t("lineRefused")}</p>
      )}
    </div>
  );
}

/** A file: an image is shown, everything else is saved. */
function File(props: { id: string; attachment: Attachment }) {
  const { id, attachment } = props;
  const [url, setUrl] = useState<string>();
  const isImage = attachment.contentType.startsWith("image/");
  const place = `file:${id}:${attachment.id}`;
  useEffect(() => {
    let made: string | undefined;
    let gone = false;
    if (isImage) {
      void at(place, async () => {
        const blob = await fetchFile(id, attachment);
        if (!gone) {
          made = URL.createObjectURL(blob);
          setUrl(made);
        }
      });
    }
    return () => {
      gone = true;
      if (made) {
        URL.revokeObjectURL(made);
      }
    };
  }, [id, attachment.id]);
  return (
    <div class="file">
      {url && <img src={url} alt={attachment.name} />}
      <Button onClick={() => at(place, () => save(id, attachment))}>
        ⤓ {attachment.name} ({sizeInWords(Number(attachment.size))})
      </Button>
      <Trouble place={place} />
    </div>
  );
}

async function save(id: string, attachment: Attachment): Promise<void> {
  const url = URL.createObjectURL(await fetchFile(id, attachment));
  const link = document.createElement("a");
  link.href = url;
  link.download = attachment.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
