import { type Ref } from "preact";
import { useEffect, useImperativeHandle, useRef, useState } from "preact/hooks";
import { t } from "./text.js";

/** What can be asked of an editor. */
export interface EditorHandle {
  /** Puts the cursor to a place, counted from 1, and shows it. */
  show: (line: number, column: number) => void;
}

/** The height of a line in pixels, as admin.css has it. */
const linePixels = 20;

/** Editor edits a text with numbers before its lines. */
export function Editor(props: {
  label: string;
  text: string;
  onInput: (text: string) => void;
  /** Lines that are marked, and how. */
  marks: ReadonlyMap<number, "error" | "warning">;
  describedBy?: string;
  handle: Ref<EditorHandle>;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState({ line: 1, column: 1 });
  const count = props.text.split("\n").length;
  const scroll = () => {
    if (gutter.current && area.current) {
      gutter.current.style.transform = `translateY(${-area.current.scrollTop}px)`;
    }
  };
  useEffect(scroll, [props.text]);
  const look = () => {
    const { value = "", selectionStart = 0 } = area.current ?? {};
    const before = value.slice(0, selectionStart).split("\n");
    setAt({ line: before.length, column: [...before.at(-1)!].length + 1 });
  };
  useImperativeHandle(props.handle, () => ({
    show(line, column) {
      const element = area.current;
      if (!element) {
        return;
      }
      const lines = element.value.split("\n");
      const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
      const text = lines[line - 1] ?? "";
      const from = Math.min([...text].slice(0, column - 1).join("").length, text.length);
      const word = /^[^\s:]+/.exec(text.slice(from))?.[0].length ?? 0;
      element.focus();
      element.setSelectionRange(start + from, start + from + word);
      element.scrollTop = Math.max(0, (line - 4) * linePixels);
      scroll();
      look();
    },
  }));
  return (
    <div class="editor">
      <div class="editor-body">
        <div class="editor-gutter" aria-hidden="true">
          <div ref={gutter}>
            {[...props.marks].map(([line, mark]) => (
              <span key={line} class={`editor-mark editor-${mark}`} style={{ insetBlockStart: `${(line - 1) * linePixels}px` }} />
            ))}
            <pre>{Array.from({ length: count }, (_, n) => n + 1).join("\n")}</pre>
          </div>
        </div>
        <textarea
          ref={area}
          class="editor-text"
          aria-label={props.label}
          aria-describedby={props.describedBy}
          dir="ltr"
          wrap="off"
          spellcheck={false}
          autocapitalize="none"
          value={props.text}
          onInput={(event) => props.onInput(event.currentTarget.value)}
          onScroll={scroll}
          onSelect={look}
          onKeyUp={look}
          onClick={look}
        />
      </div>
      <p class="editor-status soft">{t("cursor", at)}</p>
    </div>
  );
}
