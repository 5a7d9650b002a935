import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Button } from "../common/button.js";
import { Field as Labelled } from "../common/field.js";
import type { Value } from "./draft.js";
import type { Choice, Field, RowColumn } from "./kinds.js";
import { t } from "./text.js";

/** Input is one field of a form, with its label, its hint, and what is wrong with it. */
export function Input(props: {
  field: Field;
  value: Value;
  onChange: (value: Value) => void;
  error?: string | undefined;
  /** True for the name of an object that exists. */
  fixed?: boolean;
}) {
  const { field, value, onChange, error } = props;
  const label = t(field.label);
  const hint = field.hint && t(field.hint);
  switch (field.type) {
    case "check":
      return <Check label={label} hint={hint} checked={value === true} onChange={onChange} error={error} />;
    case "names":
      return <Ticks label={label} hint={hint} error={error} names={field.names?.() ?? []} ticked={value as string[]} onChange={onChange} />;
    case "rows":
      return <RowsInput field={field} rows={value as string[][]} onChange={onChange} error={error} />;
    default:
      return (
        <Labelled label={field.required ? t("necessary", { label }) : label} {...(hint && { hint })} {...(error && { error })}>
          {(control) => <Single {...props} control={control} value={String(value)} />}
        </Labelled>
      );
  }
}

type SingleProps = { field: Field; value: string; onChange: (value: Value) => void; fixed?: boolean; control: { id: string } };

function Single({ field, value, onChange, fixed, control }: SingleProps) {
  const proposals = useId();
  const common = { ...control, name: field.key, required: field.required ?? false };
  switch (field.type) {
    case "choice":
      return (
        <select {...common} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">{field.otherwise ? t("usually", { value: otherwise(field) }) : field.required ? t("choose") : t("noneChosen")}</option>
          <Options choices={field.choices?.() ?? []} value={value} />
        </select>
      );
    case "long":
      return (
        <textarea {...common} rows={3} maxLength={field.maxLength} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
      );
    case "number":
    case "seconds":
      return (
        <input
          {...common}
          type="number"
          min={field.min}
          max={field.max}
          step={field.type === "seconds" ? "any" : 1}
          placeholder={field.otherwise && t("usually", { value: otherwise(field) })}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
  if (field.type === "password") {
    return (
      <input {...common} type="password" autocomplete="new-password" value={value} onInput={(event) => onChange(event.currentTarget.value)} />
    );
  }
  const names = field.type === "text" ? field.names?.() : undefined;
  return (
    <>
      <input
        {...common}
        autocomplete="off"
        spellcheck={field.type === "text" && !names}
        maxLength={field.maxLength}
        readOnly={fixed}
        list={names && proposals}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {names && (
        <datalist id={proposals}>
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** What counts for a field if nothing is typed: a figure, or the key of a text. */
function otherwise(field: Field): string {
  return field.type === "choice" ? t(field.otherwise as Parameters<typeof t>[0]) : (field.otherwise ?? "");
}

/** Options also has what was chosen before and is there no more. */
function Options(props: { choices: readonly Choice[]; value: string }) {
  const known = props.value === "" || props.choices.some(([value]) => value === props.value);
  return (
    <>
      {props.choices.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
      {!known && <option value={props.value}>{props.value}</option>}
    </>
  );
}

/** Below is the hint or the error of what has no label of its own. */
function Below(props: { id: string; hint?: string | undefined; error?: string | undefined }) {
  const text = props.error ?? props.hint;
  return text ? (
    <span id={props.id} class={props.error ? "field-error" : "field-hint"} role={props.error ? "alert" : undefined}>
      {text}
    </span>
  ) : null;
}

function Check(props: { label: string; hint?: string | undefined; error?: string | undefined; checked: boolean; onChange: (value: boolean) => void }) {
  const id = useId();
  return (
    <div class="field">
      <label class="admin-check">
        <input
          type="checkbox"
          checked={props.checked}
          aria-describedby={props.hint || props.error ? id : undefined}
          onChange={(event) => props.onChange(event.currentTarget.checked)}
        />
        <span>{props.label}</span>
      </label>
      <Below id={id} hint={props.hint} error={props.error} />
    </div>
  );
}

function Group(props: { label: string; hint?: string | undefined; error?: string | undefined; children: ComponentChildren }) {
  const id = useId();
  return (
    <fieldset class="admin-group" aria-describedby={props.hint || props.error ? id : undefined}>
      <legend>{props.label}</legend>
      {props.children}
      <Below id={id} hint={props.hint} error={props.error} />
    </fieldset>
  );
}

function Ticks(props: {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  names: readonly string[];
  ticked: readonly string[];
  onChange: (value: string[]) => void;
}) {
  const { ticked } = props;
  const all = [...props.names, ...ticked.filter((name) => !props.names.includes(name))];
  return (
    <Group label={props.label} hint={props.hint} error={props.error}>
      <div class="admin-ticks">
        {all.map((name) => (
          <label key={name} class="admin-check">
            <input
              type="checkbox"
              checked={ticked.includes(name)}
              onChange={(event) => props.onChange(event.currentTarget.checked ? [...ticked, name] : ticked.filter((other) => other !== name))}
            />
            <span>{name}</span>
          </label>
        ))}
        {all.length === 0 && <span class="soft">{t("none")}</span>}
      </div>
    </Group>
  );
}

function RowsInput(props: { field: Field; rows: string[][]; onChange: (value: string[][]) => void; error?: string | undefined }) {
  const { field, rows, onChange } = props;
  const columns = field.columns ?? [];
  const label = t(field.label);
  const set = (at: number, column: number, text: string) =>
    onChange(rows.map((row, n) => (n === at ? row.map((cell, c) => (c === column ? text : cell)) : row)));
  return (
    <Group label={label} hint={field.hint && t(field.hint)} error={props.error}>
      {rows.length > 0 && (
        <table class="admin-rows">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.title} scope="col">
                  {t(column.title)}
                </th>
              ))}
              <th scope="col">
                <span class="unseen">{t("acts")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, n) => (
              <tr key={n}>
                {columns.map((column, c) => (
                  <td key={column.title} class={column.number ? "admin-rows-number" : undefined}>
                    <Cell column={column} name={t("cellOf", { title: t(column.title), n: n + 1 })} value={row[c] ?? ""} first={c === 0} onChange={(text) => set(n, c, text)} />
                  </td>
                ))}
                <td class="admin-rows-acts">
                  {field.ordered && (
                    <Button
                      class="admin-small"
                      label={t("up", { n: n + 1 })}
                      disabled={n === 0}
                      onClick={() => onChange(rows.map((_, k) => rows[k === n ? n - 1 : k === n - 1 ? n : k]!))}
                    >
                      ↑
                    </Button>
                  )}
                  <Button class="admin-small" label={t("removeRow", { n: n + 1, label })} onClick={() => onChange(rows.filter((_, k) => k !== n))}>
                    ×
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Button class="admin-small" label={t("addRow", { label })} onClick={() => onChange([...rows, columns.map((column) => column.first ?? "")])}>
        {t("add")}
      </Button>
    </Group>
  );
}

function Cell(props: { column: RowColumn; name: string; value: string; first: boolean; onChange: (text: string) => void }) {
  const { column, value, onChange } = props;
  if (column.choices) {
    return (
      <select aria-label={props.name} required value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{t("choose")}</option>
        <Options choices={column.choices()} value={value} />
      </select>
    );
  }
  const common = {
    "aria-label": props.name,
    required: props.first,
    value,
    onInput: (event: { currentTarget: HTMLInputElement }) => onChange(event.currentTarget.value),
  };
  return column.number ? <input {...common} type="number" min={column.number.min} max={column.number.max} /> : <input {...common} autocomplete="off" />;
}
