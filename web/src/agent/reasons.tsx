// Dialogs that ask why: reasons by their numbers, or words of one's own.
import { useState } from "preact/hooks";
import { type Reason, ReasonKind } from "@usher-cc/client/gen/administration";
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import { Field } from "../common/field.js";
import * as acts from "./acts.js";
import { hide, type Open } from "./dialogs.js";
import { isOnlyAgent } from "./model.js";
import { Key } from "./parts.js";
import { live, reasonsOf, state } from "./store.js";
import { t } from "./text.js";

/** Asks for a reason; none is necessary. */
function ReasonDialog(props: {
  title: string;
  confirm: string;
  kind: ReasonKind;
  danger?: boolean;
  /** What else is to be known. */
  note?: string;
  onChoose: (reason: string, code: number) => void;
}) {
  const [own, setOwn] = useState("");
  const reasons = reasonsOf(props.kind);
  const choose = (reason: Pick<Reason, "name" | "code">) => {
    hide();
    props.onChoose(reason.name, reason.code);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const reason = event.target instanceof HTMLInputElement ? undefined : reasons[Number(event.key) - 1];
    if (reason && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      choose(reason);
    }
  };
  return (
    <Dialog title={props.title} onClose={hide}>
      <form
        onKeyDown={onKeyDown}
        onSubmit={(event) => {
          event.preventDefault();
          choose({ name: own.trim(), code: 0 });
        }}
      >
        {props.note && <p>{props.note}</p>}
        {reasons.length > 0 && (
          <ol class="reasons" aria-label={t("reasons")}>
            {reasons.map((reason, n) => (
              <li key={reason.name}>
                <Button onClick={() => choose(reason)}>
                  {n < 9 && <Key text={String(n + 1)} />} {reason.label || reason.name}
                </Button>
              </li>
            ))}
          </ol>
        )}
        <Field label={reasons.length > 0 ? t("otherReason") : t("reasonOptional")}>
          {(control) => <input {...control} maxLength={256} value={own} onInput={(event) => setOwn(event.currentTarget.value)} />}
        </Field>
        <div class="dialog-actions">
          <Button onClick={hide}>{t("cancel")}</Button>
          <Button type="submit" kind={props.danger ? "danger" : "primary"}>
            {props.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The dialogs that ask why. */
export function Reasons(props: { open: Open }) {
  const { open } = props;
  switch (open.kind) {
    case "reject":
      return <Reject ticket={open.ticket} />;
    case "stop":
      return <ReasonDialog title={t("stopTitle")} confirm={t("stop")} kind={ReasonKind.STOP} danger onChoose={(reason) => acts.stop(open.id, reason)} />;
    case "away":
      return <Away />;
    case "notReady": {
      const { mediaType } = open;
      const title = t("notReadyTitle", { media: mediaType });
      return <ReasonDialog title={title} confirm={t("notReady")} kind={ReasonKind.NOT_READY} onChoose={(reason) => acts.setReady(mediaType, false, reason)} />;
    }
    case "logout":
      return <Logout />;
    default:
      return null;
  }
}

function Reject(props: { ticket: bigint }) {
  const offer = state.value.offers.find((o) => o.ticket === props.ticket);
  const closed = !offer || offer.closed !== undefined;
  return (
    <ReasonDialog
      title={t("rejectTitle")}
      confirm={t("reject")}
      kind={ReasonKind.REJECT}
      {...(closed && { note: t("offerClosedMeanwhile") })}
      onChoose={(reason) => offer && !closed && acts.reject(offer, reason)}
    />
  );
}

function Away() {
  const hasModes = (state.value.status?.workMode ?? 0) !== 0;
  const note = live.value.length > 0 && hasModes ? t("awayPending", { count: live.value.length }) : undefined;
  return (
    <ReasonDialog
      title={t("becomeUnavailable")}
      confirm={t("becomeUnavailable")}
      kind={hasModes ? ReasonKind.AUX : ReasonKind.NOT_READY}
      {...(note && { note })}
      onChoose={(reason, code) => acts.becomeUnavailable(reason, code)}
    />
  );
}

function Logout() {
  const busy = live.value.length;
  const back = live.value.filter((s) => isOnlyAgent(s, state.value.agentId)).length;
  return (
    <ReasonDialog
      title={t("logOut")}
      confirm={t("logOut")}
      kind={ReasonKind.LOGOUT}
      danger={busy > 0}
      {...(busy > 0 && { note: back > 0 ? t("logoutBusy", { count: back }) : t("logoutLeaves", { count: busy }) })}
      onChoose={(reason) => acts.logout(reason, busy > 0)}
    />
  );
}
