// The question before the only agent leaves a session.
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import * as acts from "./acts.js";
import { hide } from "./dialogs.js";
import { customerOf } from "./model.js";
import { state } from "./store.js";
import { t } from "./text.js";

export function LeaveDialog(props: { id: string }) {
  const { id } = props;
  const session = state.value.sessions.find((s) => s.id === id);
  const leave = () => {
    hide();
    void acts.leave(id);
  };
  return (
    <Dialog
      title={t("leaveTitle", { customer: customerOf(session?.properties) })}
      onClose={hide}
      actions={
        <>
          <Button onClick={hide}>{t("cancel")}</Button>
          <Button kind="danger" onClick={leave}>
            {t("leave")}
          </Button>
        </>
      }
    >
      <p>{t("leaveAlone")}</p>
    </Dialog>
  );
}
