import type { ComponentChildren, Ref } from "preact";

/** Button is a button. While busy it can not be pressed. */
export function Button(props: {
  children: ComponentChildren;
  onClick?: () => void | Promise<unknown>;
  kind?: "normal" | "primary" | "danger" | "plain";
  /** For a button of a form. */
  type?: "button" | "submit";
  disabled?: boolean;
  busy?: boolean;
  /** A name for screen readers, where the content is only a sign. */
  label?: string;
  /** A keyboard shortcut, as aria-keyshortcuts has it, e.g. "Alt+A". */
  shortcut?: string;
  pressed?: boolean;
  class?: string;
  buttonRef?: Ref<HTMLButtonElement>;
}) {
  const look = props.kind === "plain" ? "button-plain" : `button button-${props.kind ?? "normal"}`;
  return (
    <button
      ref={props.buttonRef}
      type={props.type ?? "button"}
      class={props.class ? `${look} ${props.class}` : look}
      disabled={props.disabled || props.busy}
      aria-busy={props.busy}
      aria-label={props.label}
      aria-keyshortcuts={props.shortcut}
      aria-pressed={props.pressed}
      title={props.label}
      onClick={props.onClick && (() => void props.onClick?.())}
    >
      {props.children}
    </button>
  );
}
