import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/** What a control of a Field takes over, so that label, hint and error belong to it. */
export interface Control {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}

/** Field is a label, its control, and a hint or an error below. */
export function Field(props: {
  label: string;
  hint?: string;
  error?: string;
  /** Makes the control: (control) => <input {...control} />. */
  children: (control: Control) => ComponentChildren;
}) {
  const id = useId();
  const below = props.error ?? props.hint;
  const control: Control = { id };
  if (below) {
    control["aria-describedby"] = `${id}-below`;
  }
  if (props.error) {
    control["aria-invalid"] = true;
  }
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.children(control)}
      {below && (
        <span id={`${id}-below`} class={props.error ? "field-error" : "field-hint"} role={props.error ? "alert" : undefined}>
          {below}
        </span>
      )}
    </div>
  );
}
