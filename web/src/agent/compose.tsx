// What is to be said next. The text is a draft until it is sent, and kept.
import { useRef } from "preact/hooks";
import { VisibilityMode } from "@usher-cc/client/gen/common";
import { Button } from "../common/button.js";
import type { Session } from "./model.js";
import { Trouble } from "./parts.js";
import { draftOf, send, sendFile, setDraft, typing } from "./sends.js";
import { busy } from "./trouble.js";
import { t } from "./text.js";

export function Compose(props: { session: Session }) {
  const { id, visibility } = props.session;
  const coach = visibility === VisibilityMode.COACH;
  const { text, agentsOnly: internal } = draftOf(id);
  const agentsOnly = coach || internal;
  if (visibility === VisibilityMode.MONITOR) {
    return <p class="soft compose">{t("monitorSilent")}</p>;
  }
  const submit = () => {
    if (text.trim()) {
      send(id, text.trimEnd(), agentsOnly);
    }
  };
  return (
    <form
      class={`compose ${agentsOnly ? "compose-agents" : ""}`}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label class="unseen" for="compose">
        {agentsOnly ? t("messageToAgents") : t("messageToCustomer")}
      </label>
      <TextBox id={id} text={text} agentsOnly={agentsOnly} hint={agentsOnly ? t("messageToAgents") : t("messageToCustomer")} submit={submit} />
      <div class="row">
        <Button kind="primary" type="submit" disabled={!text.trim()}>
          {t("send")}
        </Button>
        <FileButton id={id} agentsOnly={agentsOnly} />
        <label class="check">
          <input type="checkbox" checked={agentsOnly} disabled={coach} onChange={(event) => setDraft(id, text, event.currentTarget.checked)} />
          {t("agentsOnly")}
        </label>
        <span class="soft">{t("enterSends")}</span>
      </div>
      <Trouble place={`compose:${id}`} />
    </form>
  );
}

function TextBox(props: { id: string; text: string; agentsOnly: boolean; hint: string; submit: () => void }) {
  return (
    <textarea
      id="compose"
      rows={3}
      maxLength={16_000}
      value={props.text}
      placeholder={props.hint}
      onInput={(event) => {
        setDraft(props.id, event.currentTarget.value, props.agentsOnly);
        typing(props.id, event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          props.submit();
        }
      }}
    />
  );
}

function FileButton(props: { id: string; agentsOnly: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        accept="image/png,image/jpeg,image/gif,image/webp,application/pdf,text/plain"
        aria-label={t("attach")}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file) {
            void sendFile(props.id, file, props.agentsOnly);
          }
        }}
      />
      <Button busy={busy.value.has(`compose:${props.id}`)} onClick={() => input.current?.click()}>
        {t("attach")}
      </Button>
    </>
  );
}
