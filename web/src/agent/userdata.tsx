// User data, edited. The version that was read is given with the change, so
// that nobody's change is lost without a word.
import { useState } from "preact/hooks";
import type { JsonObject } from "@bufbuild/protobuf";
import { codeOf, ErrorCode } from "@usher-cc/client";
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import { desk } from "./desk.js";
import { hide } from "./dialogs.js";
import { type Session, userData } from "./model.js";
import { state } from "./store.js";
import { words } from "./trouble.js";
import { t } from "./text.js";

interface Row {
  key: string;
  text: string;
  /** A row that was there before keeps its key; lists and maps are not edited here. */
  old: boolean;
  fixed: boolean;
}

const rowsOf = (s: Session): Row[] =>
  userData(s.properties).map(([key, text]) => ({ key, text, old: true, fixed: typeof s.properties.userData?.[key] === "object" }));

export function UserDataDialog(props: { id: string }) {
  const session = state.value.sessions.find((s) => s.id === props.id);
  return session && !session.ended ? <Editor session={session} /> : (
    <Dialog title={t("editData")} onClose={hide} actions={<Button onClick={hide}>{t("dismiss")}</Button>}>
      <p>{t("sessionEndedMeanwhile")}</p>
    </Dialog>
  );
}

function Editor(props: { session: Session }) {
  const { session } = props;
  const [rows, setRows] = useState(rowsOf(session));
  const [version, setVersion] = useState(session.properties.version);
  const [trouble, setTrouble] = useState("");
  const [conflict, setConflict] = useState(false);
  const set = (n: number, change: Partial<Row>) => setRows(rows.map((row, m) => (m === n ? { ...row, ...change } : row)));
  const save = async () => {
    try {
      await desk().changeProperties(session.id, { ...difference(session, rows), expectedVersion: version });
      hide();
    } catch (thrown) {
      await desk().refresh();
      setConflict(codeOf(thrown) === ErrorCode.VERSION_MISMATCH);
      setTrouble(words(thrown));
    }
  };
  const overwrite = () => {
    setVersion(session.properties.version);
    setConflict(false);
    setTrouble("");
  };
  return (
    <Dialog title={t("editData")} onClose={hide}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <ul class="plain rows">
          {rows.map((row, n) => (
            <RowView key={n} row={row} set={(change) => set(n, change)} remove={() => setRows(rows.filter((_, m) => m !== n))} />
          ))}
        </ul>
        <Button onClick={() => setRows([...rows, { key: "", text: "", old: false, fixed: false }])}>{t("addRow")}</Button>
        {trouble && (
          <div class="trouble" role="alert">
            <span>{trouble}</span>
          </div>
        )}
        {conflict && <Conflict session={session} mine={overwrite} theirs={() => (setRows(rowsOf(session)), overwrite())} />}
        <div class="dialog-actions">
          <Button onClick={hide}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" disabled={conflict}>
            {t("save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function RowView(props: { row: Row; set: (change: Partial<Row>) => void; remove: () => void }) {
  const { row, set } = props;
  return (
    <li class="row">
      {row.old ? (
        <span class="row-key">{row.key}</span>
      ) : (
        <input aria-label={t("dataKey")} value={row.key} maxLength={256} autofocus onInput={(event) => set({ key: event.currentTarget.value })} />
      )}
      <input aria-label={t("dataValue", { key: row.key })} value={row.text} disabled={row.fixed} onInput={(event) => set({ text: event.currentTarget.value })} />
      <Button kind="plain" label={t("removeRow", { key: row.key })} onClick={props.remove}>
        ×
      </Button>
    </li>
  );
}

/** Somebody else has changed it meanwhile. */
function Conflict(props: { session: Session; mine: () => void; theirs: () => void }) {
  return (
    <div class="notice">
      <dl class="data">
        {userData(props.session.properties).map(([key, text]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <Button onClick={props.mine}>{t("keepMine")}</Button>
      <Button onClick={props.theirs}>{t("takeTheirs")}</Button>
    </div>
  );
}

/** What was changed: numbers and truth values stay what they were. */
function difference(session: Session, rows: readonly Row[]): { userData: JsonObject; deletedKeys: string[] } {
  const before = session.properties.userData ?? {};
  const changed: JsonObject = {};
  for (const { key, text, fixed } of rows) {
    const was = before[key];
    if (fixed || key === "" || text === (typeof was === "string" ? was : JSON.stringify(was))) {
      continue;
    }
    changed[key] = typeof was === "number" && /^-?\d+$/.test(text) ? Number(text) : typeof was === "boolean" ? text === "true" : text;
  }
  const keys = new Set(rows.map((row) => row.key));
  return { userData: changed, deletedKeys: Object.keys(before).filter((key) => !keys.has(key)) };
}
