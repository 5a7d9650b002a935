import { signal } from "@preact/signals";
import { ErrorCode, UsherError } from "@usher-cc/client";
import { Administration, type ApplyBusinessProcessResponse, type TextProblem } from "@usher-cc/client/gen/administration";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import { t as common } from "../common/text.js";
import { tell } from "../common/toast.js";
import { Changes, Outcome, outcome } from "./changes.js";
import { Editor, type EditorHandle } from "./editor.js";
import { Heading } from "./heading.js";
import { connection, holding, reread, tenant, unsaved, words } from "./state.js";
import { t } from "./text.js";

const administration = Administration.method;

/** What is being edited. It stays while one looks at other parts of the pages. */
interface Edited {
  tenant: string;
  text: string;
  /** The text as the server gave it, or as it was applied. */
  known: string;
  /** The version that the text was made from. */
  version: bigint;
}

const edited = signal<Edited | undefined>(undefined);

/** What the server said about a text. */
interface Checked {
  text: string;
  replaceAll: boolean;
  answer: ApplyBusinessProcessResponse;
}

/** True if the file was changed and not applied. */
export const fileChanged = (): boolean => edited.value !== undefined && edited.value.text !== edited.value.known;

addEventListener("beforeunload", (event) => {
  if (fileChanged()) {
    event.preventDefault();
  }
});

/** BusinessProcess is the whole configuration as a text. */
export function BusinessProcess() {
  const [checked, setChecked] = useState<Checked>();
  const [replaceAll, setReplaceAll] = useState(false);
  const [error, setError] = useState<string>();
  const [conflict, setConflict] = useState(false);
  const [asking, setAsking] = useState<"apply" | "reload">();
  const [busy, setBusy] = useState(false);
  const editor = useRef<EditorHandle>(null);
  const file = edited.value;

  const attempt = async <T,>(run: () => Promise<T>): Promise<T | undefined> => {
    setBusy(true);
    setError(undefined);
    setConflict(false);
    try {
      return await run();
    } catch (thrown) {
      if (UsherError.from(thrown).code === ErrorCode.VERSION_MISMATCH) {
        setConflict(true);
      } else {
        setError(words(thrown));
      }
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  const load = () =>
    attempt(async () => {
      const { text, version } = await connection.call(administration.exportBusinessProcess, { tenantId: tenant.value });
      edited.value = { tenant: tenant.value, text, known: text, version };
      setChecked(undefined);
      setAsking(undefined);
    });
  useEffect(() => {
    unsaved.value = false; // what is typed here stays
    if (edited.value?.tenant !== tenant.value) {
      edited.value = undefined;
      void load();
    }
  }, [tenant.value]);
  const send = async (dryRun: boolean, expectedVersion: bigint): Promise<ApplyBusinessProcessResponse | undefined> => {
    const text = edited.value?.text ?? "";
    const answer = await attempt(() =>
      connection.call(administration.applyBusinessProcess, { tenantId: tenant.value, text, replaceAll, dryRun, expectedVersion }),
    );
    setChecked(answer && { text, replaceAll, answer });
    return answer;
  };
  const check = async (version = edited.value?.version ?? 0n) => {
    outcome.value = undefined;
    return send(true, version);
  };
  const askToApply = async () => {
    const answer = await check();
    if (answer && answer.problems.length === 0 && answer.changes.length > 0) {
      setAsking("apply");
    }
  };
  const apply = async () => {
    const answer = await send(false, edited.value?.version ?? 0n);
    setAsking(undefined);
    if (answer && answer.problems.length === 0) {
      edited.value = { ...edited.value!, known: edited.value!.text, version: answer.version };
      outcome.value = { changes: answer.changes, warnings: [], version: answer.version };
      tell(t("applied", { count: answer.changes.length, version: Number(answer.version) }));
      setChecked(undefined);
      await reread();
    }
  };
  const resolve = async () => {
    const now = await reread();
    if (now) {
      edited.value = { ...edited.value!, version: now.version };
      await check(now.version);
    }
  };

  const stale = checked !== undefined && (checked.text !== file?.text || checked.replaceAll !== replaceAll);
  const problems = checked?.answer.problems ?? [];
  const warnings = checked?.answer.warnings ?? [];
  const marks = new Map<number, "error" | "warning">();
  for (const [list, mark] of [[warnings, "warning"], [problems, "error"]] as const) {
    list.filter(({ line }) => line > 0 && !stale).forEach(({ line }) => marks.set(line, mark));
  }
  return (
    <section class="admin-file">
      <Heading>{t("file")}</Heading>
      <p class="soft">{t("fileAbout")}</p>
      <Outcome />
      {error && (!file || holding(error)) && (
        <p class="trouble" role="alert">
          {error} {!file && <Button onClick={load}>{t("readAgain")}</Button>}
        </p>
      )}
      {conflict && (
        <div class="conflict" role="alert">
          <p>{t("fileConflict")}</p>
          <Button busy={busy} onClick={resolve}>
            {t("fileCompare")}
          </Button>
        </div>
      )}
      {file ? (
        <>
          <div class="admin-bar">
            <Button busy={busy} onClick={() => check()}>
              {t("check")}
            </Button>
            <Button kind="primary" busy={busy} onClick={askToApply}>
              {t("applyEllipsis")}
            </Button>
            <label class="admin-check">
              <input type="checkbox" checked={replaceAll} onChange={(event) => setReplaceAll(event.currentTarget.checked)} />
              <span>{t("replaceAll")}</span>
            </label>
            <span class="admin-bar-end admin-actions">
              <Button onClick={() => download(file)}>{t("download")}</Button>
              <Upload />
              <Button busy={busy} onClick={() => (fileChanged() ? setAsking("reload") : load())}>
                {t("readAgain")}
              </Button>
            </span>
          </div>
          <Editor
            label={t("fileLabel")}
            text={file.text}
            marks={marks}
            handle={editor}
            onInput={(text) => (edited.value = { ...file, text })}
          />
          <p class="soft">
            {t("fileVersion", { version: Number(file.version) })} {fileChanged() && t("fileChanged")}
          </p>
        </>
      ) : (
        !error && <p role="status">{t("reading")}</p>
      )}
      <div role="status">
        {checked && (
          <Findings stale={stale} problems={problems} warnings={warnings} checked={checked} show={(at) => editor.current?.show(at.line, at.column)} />
        )}
      </div>
      {asking === "apply" && checked && (
        <Dialog
          class="dialog-wide"
          title={t("applyTitle", { tenant: tenant.value })}
          onClose={() => setAsking(undefined)}
          actions={
            <>
              <Button onClick={() => setAsking(undefined)}>{common("cancel")}</Button>
              <Button kind="primary" busy={busy} onClick={apply}>
                {t("applyCount", { count: checked.answer.changes.length })}
              </Button>
            </>
          }
        >
          <Changes of={checked.answer.changes} />
          <Remarks title={t("warnings")} of={warnings} />
        </Dialog>
      )}
      {asking === "reload" && (
        <Dialog
          title={t("readAgain")}
          onClose={() => setAsking(undefined)}
          actions={
            <>
              <Button onClick={() => setAsking(undefined)}>{common("cancel")}</Button>
              <Button kind="danger" busy={busy} onClick={load}>
                {t("discard")}
              </Button>
            </>
          }
        >
          <p>{t("discardFile")}</p>
        </Dialog>
      )}
    </section>
  );
}

function download(file: Edited): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([file.text], { type: "application/yaml" }));
  link.download = `usher-${file.tenant}.yaml`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Upload takes a file's text into the editor; nothing is applied by it. */
function Upload() {
  const input = useRef<HTMLInputElement>(null);
  const take = async (file: File) => {
    try {
      const text = await file.text();
      edited.value = { ...edited.value!, text };
      tell(t("uploaded", { name: file.name }));
    } catch {
      tell(t("notUploaded", { name: file.name }), "error");
    }
  };
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        accept=".yaml,.yml,text/yaml"
        aria-label={t("upload")}
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          event.currentTarget.value = "";
          if (file) {
            void take(file);
          }
        }}
      />
      <Button onClick={() => input.current?.click()}>{t("upload")}</Button>
    </>
  );
}

/** Findings are what the server said about the text. */
function Findings(props: {
  stale: boolean;
  problems: readonly TextProblem[];
  warnings: readonly TextProblem[];
  checked: Checked;
  show: (at: TextProblem) => void;
}) {
  const { changes } = props.checked.answer;
  return (
    <div class="findings">
      {props.stale && <p class="soft">{t("staleFindings")}</p>}
      <Remarks title={t("problems", { count: props.problems.length })} of={props.problems} show={props.show} kind="error" />
      <Remarks title={t("warnings")} of={props.warnings} show={props.show} kind="warning" />
      {props.problems.length === 0 && (
        <>
          <h3>{changes.length === 0 ? t("nothingDiffers") : t("wouldChange", { count: changes.length })}</h3>
          <Changes of={changes} />
        </>
      )}
    </div>
  );
}

function Remarks(props: { title: string; of: readonly TextProblem[]; show?: (at: TextProblem) => void; kind?: "error" | "warning" }) {
  return props.of.length === 0 ? null : (
    <>
      <h3>{props.title}</h3>
      <ul class={`remarks remarks-${props.kind ?? "warning"}`}>
        {props.of.map((at) => (
          <li key={`${at.line} ${at.column} ${at.message}`}>
            {at.line > 0 && props.show ? (
              <button type="button" class="remark-place" onClick={() => props.show?.(at)}>
                {t("placeOf", { line: at.line, column: at.column })}
              </button>
            ) : (
              <span>{at.line > 0 ? t("placeOf", { line: at.line, column: at.column }) : t("wholeText")}</span>
            )}{" "}
            <span class="remark-text">{at.message}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
