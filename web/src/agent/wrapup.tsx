// Wrapping up: how an ended session came out.
import { ReasonKind } from "@usher-cc/client/gen/administration";
import { WorkMode } from "@usher-cc/client/gen/routing";
import { Button } from "../common/button.js";
import { Field } from "../common/field.js";
import * as acts from "./acts.js";
import { combination, shortcut } from "./combination.js";
import type { Session } from "./model.js";
import { Key, Since, Until } from "./parts.js";
import { notes } from "./sends.js";
import { reasonsOf, state } from "./store.js";
import { busy } from "./trouble.js";
import { t } from "./text.js";

export function WrapUp(props: { session: Session }) {
  const { id, ended } = props.session;
  const { disposition = "", note = "" } = notes.value[id] ?? {};
  const set = (change: { disposition?: string; note?: string }) => {
    notes.value = { ...notes.value, [id]: { disposition, note, ...change } };
  };
  const status = state.value.status;
  const inAcw = status?.workMode === WorkMode.ACW;
  const working = busy.value.has(acts.sessionPlace(id));
  return (
    <form
      class="wrapup"
      onSubmit={(event) => {
        event.preventDefault();
        void acts.wrapUp(id, false);
      }}
    >
      <p class="soft">
        {t("wrapUp")} <Since ms={ended?.atMs ?? 0} />
        {inAcw && status.acwUntilMs > 0n && (
          <>
            {" · "}
            {t("acwLeft")} <Until ms={Number(status.acwUntilMs)} />
          </>
        )}
      </p>
      <Field label={t("disposition")}>
        {(control) => (
          <select {...control} value={disposition} onChange={(event) => set({ disposition: event.currentTarget.value })}>
            <option value="">{t("noDisposition")}</option>
            {reasonsOf(ReasonKind.DISPOSITION).map((reason) => (
              <option key={reason.name} value={reason.name}>
                {reason.label || reason.name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={t("note")}>
        {(control) => <textarea {...control} rows={2} maxLength={4_000} value={note} onInput={(event) => set({ note: event.currentTarget.value })} />}
      </Field>
      <div class="row">
        <Button kind="primary" type="submit" shortcut={shortcut("e")} busy={working}>
          {t("wrapUpDone")}
          <Key text={combination("e")} />
        </Button>
        {inAcw && (
          <Button busy={working} onClick={() => acts.wrapUp(id, true)}>
            {t("wrapUpNext")}
          </Button>
        )}
      </div>
    </form>
  );
}
