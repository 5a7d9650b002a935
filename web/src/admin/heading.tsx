import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

let first = true;

/** Heading is the heading of what is open; it has the focus when one comes here from elsewhere in the pages. */
export function Heading(props: { children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!first) {
      heading.current?.focus();
    }
    first = false;
  }, []);
  return (
    <h2 ref={heading} tabIndex={-1} class="admin-heading">
      {props.children}
    </h2>
  );
}
