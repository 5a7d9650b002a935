import { type Attachment, LineKind, LineVisibility, type TranscriptLine } from "@usher-cc/client/gen/conversation";
import { type InteractionProperties, InteractionState, ParticipantKind, VisibilityMode } from "@usher-cc/client/gen/common";
import { type Conversation, download } from "@usher-cc/client";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { participantName } from "../common/sequence/arrows.js";
import { save } from "../common/sequence/standalone.js";
import { timeOfDay } from "../common/time.js";
import { tell } from "../common/toast.js";
import { customerOf } from "./interactions.js";
import { visibilities } from "./marks.js";
import { ReasonDialog } from "./reason-dialog.js";
import { connection, own, session, words } from "./state.js";
import { t } from "./text.js";

/** The most bytes of a line. */
const lineMax = 16_384;
/** A typing notice is sent at most so often. */
const typingEveryMs = 3_000;

const ways = [VisibilityMode.MONITOR, VisibilityMode.COACH, VisibilityMode.CONFERENCE] as const;
type Way = (typeof ways)[number];

/** Talk shows what is said in an interaction, and lets the supervisor take part. */
export function Talk(props: { id: string; properties: InteractionProperties | undefined; gone: boolean }) {
  const { id, properties: i } = props;
  const [joining, setJoining] = useState<Way>();
  const [leaving, setLeaving] = useState<string>();
  const conversation = own.value?.conversations.get(id);
  const mine = own.value?.interactions.find((other) => other.interactionId === id);
  const way = mine?.parties.find((p) => p.participant?.kind === ParticipantKind.AGENT && p.participant.id === own.value?.agentId)?.visibility;
  const leave = async () => {
    setLeaving("");
    try {
      await session.leave(id);
      setLeaving(undefined);
    } catch (thrown) {
      setLeaving(words(thrown));
    }
  };
  const handled = !props.gone && i?.state === InteractionState.HANDLING;
  return (
    <div class="talk">
      <Lines id={id} conversation={conversation} />
      {mine && !props.gone ? (
        <div class="talk-part">
          <p role="status">{t("youTakePart", { how: visibilities[way ?? VisibilityMode.CONFERENCE]() })}</p>
          {way !== VisibilityMode.MONITOR && <Composer id={id} coach={way === VisibilityMode.COACH} conversation={conversation} />}
          <Button onClick={leave} busy={leaving === ""}>
            {t("leave")}
          </Button>
          {leaving && (
            <p class="trouble" role="alert">
              {leaving}
            </p>
          )}
        </div>
      ) : (
        <div class="wall-bar">
          {ways.map((w) => (
            <Button key={w} disabled={!handled} onClick={() => setJoining(w)}>
              {joinTitles[w]()}
            </Button>
          ))}
          {!handled && <span class="soft">{t("joinOnlyHandled")}</span>}
        </div>
      )}
      {joining !== undefined && (
        <ReasonDialog
          title={joinTitles[joining]()}
          effect={joinEffects[joining]()}
          confirm={joinTitles[joining]()}
          done={t("joined", { name: i ? customerOf(i) : id, how: visibilities[joining]() })}
          run={(reason) => session.intrude(id, joining, reason)}
          onClose={() => setJoining(undefined)}
        />
      )}
    </div>
  );
}

const joinTitles: Record<Way, () => string> = {
  [VisibilityMode.MONITOR]: () => t("monitor"),
  [VisibilityMode.COACH]: () => t("coach"),
  [VisibilityMode.CONFERENCE]: () => t("intrude"),
};

const joinEffects: Record<Way, () => string> = {
  [VisibilityMode.MONITOR]: () => t("monitorEffect"),
  [VisibilityMode.COACH]: () => t("coachEffect"),
  [VisibilityMode.CONFERENCE]: () => t("intrudeEffect"),
};

function Lines(props: { id: string; conversation: Conversation | undefined }) {
  const list = useRef<HTMLDivElement>(null);
  const lines = props.conversation?.lines ?? [];
  useLayoutEffect(() => {
    if (list.current) {
      list.current.scrollTop = list.current.scrollHeight;
    }
  }, [lines.length]);
  const typing = [...(props.conversation?.typing.values() ?? [])];
  return (
    <>
      <div ref={list} class="talk-lines" role="log" aria-label={t("conversation")} tabIndex={0}>
        {props.conversation?.more && <p class="soft">{t("earlierLines")}</p>}
        {lines.length === 0 && <p class="soft">{props.conversation?.loaded ? t("linesNone") : t("reading")}</p>}
        {lines.map((line) => (
          <LineOf key={String(line.sequence)} id={props.id} line={line} />
        ))}
      </div>
      <p class="soft talk-typing">{typing.length > 0 ? t("typing", { names: typing.join(", ") }) : ""}</p>
    </>
  );
}

function LineOf(props: { id: string; line: TranscriptLine }) {
  const added = props.line.added;
  const line = added?.line;
  const customer = added?.author?.kind === ParticipantKind.CUSTOMER;
  const alone = line?.visibility === LineVisibility.AGENTS;
  const attachment = line?.kind === LineKind.ATTACHMENT ? line.attachment : undefined;
  return (
    <div class={`talk-line ${customer ? "talk-customer" : ""} ${alone ? "talk-alone" : ""}`}>
      <span class="soft">
        {added?.authorName || (customer ? t("customer") : participantName(added?.author))}
        {alone && ` · ${t("agentsAlone")}`} · {timeOfDay(Number(props.line.timeMs))}
      </span>
      <span class="talk-text" dir="auto">
        {attachment && <File id={props.id} attachment={attachment} />}
        {attachment && line?.text ? " " : ""}
        {line?.text}
      </span>
    </div>
  );
}

/** File is a file of a conversation, to be saved. */
function File(props: { id: string; attachment: Attachment }) {
  const { id, attachment } = props;
  const [busy, setBusy] = useState(false);
  const fetchIt = async () => {
    setBusy(true);
    try {
      save(attachment.name, attachment.contentType, await download(connection, attachment, id));
    } catch (thrown) {
      tell(words(thrown), "error");
    }
    setBusy(false);
  };
  return (
    <Button kind="plain" busy={busy} onClick={fetchIt}>
      <span aria-hidden="true">⤓ </span>
      {t("attachment", { name: attachment.name, type: attachment.contentType })}
    </Button>
  );
}

function Composer(props: { id: string; coach: boolean; conversation: Conversation | undefined }) {
  const { id, coach } = props;
  const [text, setText] = useState("");
  const told = useRef(0);
  const send = () => {
    if (text.trim()) {
      // What becomes of the line is shown by the conversation.
      session.addLine(id, text, coach).catch(() => undefined);
      setText("");
    }
  };
  const write = (value: string) => {
    setText(value);
    if (Date.now() - told.current > typingEveryMs) {
      told.current = Date.now();
      session.typing(id);
    }
  };
  return (
    <form
      class="talk-composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {props.conversation?.pending.map((pending) => (
        <p key={pending.referenceId} class={pending.error ? "trouble" : "soft"} role={pending.error ? "alert" : undefined}>
          {pending.line.text}: {pending.error ? words(pending.error) : t("sending")}
          {pending.error && (
            <>
              {" "}
              <Button onClick={() => session.settleLine(id, pending.referenceId, "again")}>{t("sendAgain")}</Button>{" "}
              <Button onClick={() => session.settleLine(id, pending.referenceId, "never")}>{t("discard")}</Button>
            </>
          )}
        </p>
      ))}
      <label class="unseen" for={`say-${id}`}>
        {coach ? t("sayToAgents") : t("sayToAll")}
      </label>
      <textarea
        id={`say-${id}`}
        rows={2}
        maxLength={lineMax}
        placeholder={coach ? t("sayToAgents") : t("sayToAll")}
        value={text}
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            send();
          }
        }}
      />
      <Button type="submit" kind="primary" disabled={text.trim() === ""}>
        {t("send")}
      </Button>
    </form>
  );
}
