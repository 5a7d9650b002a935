// A session's card: what can be done, what was said, what is to be said.
import { useRef } from "preact/hooks";
import { ParticipantKind, VisibilityMode } from "@usher-cc/client/gen/common";
import { Button } from "../common/button.js";
import { Field } from "../common/field.js";
import { tell } from "../common/toast.js";
import * as acts from "./acts.js";
import { shortcut } from "./combination.js";
import { Compose } from "./compose.js";
import { Details } from "./details.js";
import { isStopped, sessionEnding } from "./explain.js";
import { type Asked, customerOf, requestOf, type Session, subjectOf } from "./model.js";
import { CommandButton, Countdown, Key, Since, Trouble } from "./parts.js";
import { nameOf } from "./store.js";
import { unsentOf } from "./sends.js";
import { Transcript } from "./transcript.js";
import { WrapUp } from "./wrapup.js";
import { t } from "./text.js";

export function SessionView(props: { session: Session }) {
  const { session } = props;
  return (
    <div class="session">
      <section class="session-main" aria-label={t("sessionWith", { customer: customerOf(session.properties) })}>
        <Head session={session} />
        <Trouble place={acts.sessionPlace(session.id)} />
        {acts.asked(session).map((one, n, all) => <AskedBar key={one.agentId} asked={one} last={n === all.length - 1} />)}
        <Transcript key={session.id} session={session} />
        {session.ended ? <Ended session={session} /> : <Compose key={`compose ${session.id}`} session={session} />}
      </section>
      <Details session={session} />
    </div>
  );
}

function Head(props: { session: Session }) {
  const { session } = props;
  const p = session.properties;
  return (
    <header class="session-head">
      <div class="session-title">
        <h2 class="cut">{customerOf(p)}</h2>
        <span class="soft cut">{subjectOf(p) || requestOf(p)}</span>
        <span class="soft">
          {t("handling")} <Since ms={session.sinceMs} untilMs={session.ended?.atMs} />
        </span>
        {p.isHeld && <span class="chip chip-warn">{t("held")}</span>}
        {session.visibility === VisibilityMode.COACH && <span class="chip chip-warn">{t("youCoach")}</span>}
        {session.visibility === VisibilityMode.MONITOR && <span class="chip chip-warn">{t("youMonitor")}</span>}
        {!p.isOnline && !session.ended && p.mediaType === "chat" && <span class="chip chip-bad">{t("offline")}</span>}
      </div>
      {!session.ended && (
        <div class="row" role="group" aria-label={t("actions")}>
          {["transfer", "conference", "consult", "hold", "resume", "queue", "workbin", "leave"].map((id) => (
            <CommandButton key={id} id={id} place={acts.sessionPlace(session.id)} />
          ))}
          <CommandButton id="stop" kind="danger" place={acts.sessionPlace(session.id)} />
        </div>
      )}
    </header>
  );
}

/** A colleague who was asked and has not answered yet; the key takes the last one back. */
function AskedBar(props: { asked: Asked; last: boolean }) {
  const { asked } = props;
  const name = nameOf({ $typeName: "usher.v1.Participant", kind: ParticipantKind.AGENT, id: asked.agentId });
  const words = { transfer: "askedTransfer", conference: "askedConference", consult: "askedConsult" } as const;
  return (
    <div class="notice">
      {asked.open && <Countdown {...asked.open} />}
      <span role="status">{t(words[asked.kind], { name })}</span>
      <Button {...(props.last && { shortcut: shortcut("z") })} onClick={() => acts.cancelInvitation(asked)}>
        {t("takeBack")}
        {props.last && <Key text="Z" />}
      </Button>
    </div>
  );
}

/** What was written and not sent when the session ended, to be copied. */
function Unsent(props: { id: string }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const text = unsentOf(props.id);
  const copy = async () => {
    area.current?.select(); // where the page may not write to the clipboard a key copies it
    await navigator.clipboard.writeText(text);
    tell(t("copied"));
  };
  return text ? (
    <div class="unsent">
      <Field label={t("unsentText")}>
        {(control) => <textarea {...control} ref={area} rows={2} readOnly value={text} />}
      </Field>
      <Button onClick={() => copy().catch(() => undefined)}>{t("copy")}</Button>
    </div>
  ) : null;
}

function Ended(props: { session: Session }) {
  const { session } = props;
  return (
    <div class="ended">
      <p role="status">
        <strong>{sessionEnding(session)}</strong>
      </p>
      <Unsent id={session.id} />
      {isStopped(session) ? (
        <WrapUp session={session} />
      ) : (
        <Button onClick={() => acts.close(session.id)}>{t("dismiss")}</Button>
      )}
    </div>
  );
}
