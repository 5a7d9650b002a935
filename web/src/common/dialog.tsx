import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

/**
 * Dialog is a modal dialog while it is rendered: the browser keeps the focus
 * inside, Escape closes it, and the focus returns to where it was.
 */
export function Dialog(props: {
  title: string;
  /** Called when the user closes it; the parent then renders it no longer. */
  onClose: () => void;
  children: ComponentChildren;
  /** The buttons, e.g. cancel and confirm. */
  actions?: ComponentChildren;
  class?: string;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  // At once: the next key is the dialog's, however soon it comes.
  useLayoutEffect(() => {
    const former = document.activeElement;
    const modal = dialog.current;
    modal?.showModal();
    return () => {
      // While it is open nothing outside can have the focus.
      modal?.close();
      if (former instanceof HTMLElement) {
        former.focus();
      }
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${props.class ?? ""}`}
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
    >
      <h2 id={title}>{props.title}</h2>
      {props.children}
      {props.actions && <div class="dialog-actions">{props.actions}</div>}
    </dialog>
  );
}
