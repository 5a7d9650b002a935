import { ReasonKind } from "@usher-cc/client/gen/administration";
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import { Field } from "../common/field.js";
import { t as common } from "../common/text.js";
import { tell } from "../common/toast.js";
import { directory, enter, words } from "./state.js";
import { t } from "./text.js";

/** The most characters of a reason. */
const reasonMax = 256;

/**
 * ReasonDialog says what an action will do, asks why, and shows how it went:
 * what is refused stays in the dialog in words.
 */
export function ReasonDialog(props: {
  title: string;
  /** What will happen, in a sentence. */
  effect: string;
  confirm: string;
  danger?: boolean;
  /** The configured reasons that are offered. */
  kind?: ReasonKind;
  /** Further fields. */
  children?: ComponentChildren;
  /** False while the fields don't allow it. */
  ready?: boolean;
  run: (reason: string) => Promise<unknown>;
  /** What is told when it has been done. */
  done: string;
  onClose: () => void;
}) {
  const [reason, setReason] = useState("");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await enter();
      await props.run(reason.trim());
      tell(props.done);
      props.onClose();
    } catch (thrown) {
      setError(words(thrown));
      setBusy(false);
    }
  };
  const allowed = reason.trim() !== "" && props.ready !== false;
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (allowed && !busy) {
            void run();
          }
        }}
      >
        <p>{props.effect}</p>
        {props.children}
        <ReasonField kind={props.kind} reason={reason} setReason={setReason} />
        {error && (
          <p class="trouble" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions">
          <Button onClick={props.onClose}>{common("cancel")}</Button>
          <Button type="submit" kind={props.danger ? "danger" : "primary"} busy={busy} disabled={!allowed}>
            {props.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** ReasonField asks for a reason, in own words or one of those configured. */
export function ReasonField(props: { kind?: ReasonKind | undefined; reason: string; setReason: (reason: string) => void }) {
  const list = useId();
  const offered = (directory.value?.reasons ?? []).filter((reason) => reason.kind === props.kind);
  return (
    <Field label={t("reason")} hint={t("reasonHint")}>
      {(control) => (
        <>
          <input
            {...control}
            name="reason"
            autocomplete="off"
            required
            maxLength={reasonMax}
            list={offered.length > 0 ? list : undefined}
            value={props.reason}
            onInput={(event) => props.setReason(event.currentTarget.value)}
          />
          {offered.length > 0 && (
            <datalist id={list}>
              {offered.map((reason) => (
                <option key={reason.name} value={reason.name}>
                  {reason.label || reason.name}
                </option>
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}
