import { signal } from "@preact/signals";
import { type Change, ChangeKind } from "@usher-cc/client/gen/administration";
import { useEffect } from "preact/hooks";
import { changedLines } from "./diff.js";
import { t } from "./text.js";

/** What was changed last, and what the server warns of; it is shown where one comes to afterwards. */
export const outcome = signal<{ changes: readonly Change[]; warnings: readonly string[]; version: bigint } | undefined>(undefined);

/** Outcome shows what was changed last, until one goes elsewhere. */
export function Outcome() {
  useEffect(() => () => void (outcome.value = undefined), []);
  const done = outcome.value;
  return (
    <div role="status">
      {done && (
        <div class="outcome">
          <p>
            {done.changes.length === 0 ? t("nothingDiffers") : t("applied", { count: done.changes.length, version: Number(done.version) })}
            <button type="button" class="button-plain outcome-close" aria-label={t("closeOutcome")} onClick={() => (outcome.value = undefined)}>
              ×
            </button>
          </p>
          <Changes of={done.changes} />
          {done.warnings.length > 0 && (
            <>
              <p>{t("warnings")}</p>
              <ul>
                {done.warnings.map((warning) => (
                  <li key={warning}>{warning}</li>
                ))}
              </ul>
            </>
          )}
        </div>
      )}
    </div>
  );
}

const signs: Record<number, string> = { [ChangeKind.ADDED]: "+", [ChangeKind.CHANGED]: "~", [ChangeKind.REMOVED]: "−" };
const names: Record<number, "added" | "changed" | "removed"> = {
  [ChangeKind.ADDED]: "added",
  [ChangeKind.CHANGED]: "changed",
  [ChangeKind.REMOVED]: "removed",
};

/** Changes are the lines of a difference, as "usher apply" prints them. */
export function Changes(props: { of: readonly Change[] }) {
  return props.of.length === 0 ? null : (
    <ul class="changes">
      {props.of.map(({ kind, object, fields }) => (
        <li key={`${object?.kind} ${object?.name}`} class={`change change-${names[kind]}`}>
          <span aria-hidden="true">{signs[kind]} </span>
          <span class="unseen">{t(names[kind] ?? "changed")}: </span>
          {object?.kind.replaceAll("_", " ")} {object?.name}
          {fields.length > 0 && (
            <ul>
              {fields.map((field) => (
                <li key={field}>
                  <ChangedField field={field} />
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  );
}

function ChangedField(props: { field: string }) {
  const text = changedLines(props.field);
  return text ? (
    <>
      {text.name}:
      <pre class="diff">
        {text.lines.map((line, n) => (
          <span key={n} class={line.sign === "+" ? "diff-added" : line.sign === "-" ? "diff-removed" : undefined}>
            {`${line.sign} ${line.text}\n`}
          </span>
        ))}
      </pre>
    </>
  ) : (
    <>{props.field}</>
  );
}
