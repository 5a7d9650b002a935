// A diagram as a file of its own, with its style inside, and saving of files.
import type { EventError } from "@usher-cc/client/gen/common";
import { render } from "preact";
import type { TraceLine } from "@usher-cc/client/gen/reporting";
import { Heads, Shapes } from "./shapes.js";
import style from "./shapes.css?inline";
import { headHeight, layout } from "./layout.js";

const colours = `.sequence-svg { --sequence-ground: #fff; --sequence-text: #18202b; --sequence-soft: #4c5868;
  --sequence-lifeline: #6f7a8a; --sequence-line: #4c5868; --sequence-head: #f4f6f9; --sequence-accent: #1f5fbf;
  --sequence-bad: #a81e2d; background: #fff }
`;

/** A whole trace as an SVG file. */
export function asSvg(lines: readonly TraceLine[], title: string, words?: (error: EventError) => string): string {
  const whole = layout(lines, 0, words);
  const holder = document.createElement("div");
  render(
    <svg
      xmlns="http://www.w3.org/2000/svg"
      class="sequence-svg"
      role="img"
      width={whole.width}
      height={whole.height + headHeight}
      viewBox={`0 0 ${whole.width} ${whole.height + headHeight}`}
    >
      <title>{title}</title>
      <style>{colours + style}</style>
      <Heads lifelines={whole.lifelines} />
      <g transform={`translate(0 ${headHeight})`}>
        <Shapes layout={whole} />
      </g>
    </svg>,
    holder,
  );
  const svg = holder.firstElementChild!;
  // What makes it an application in the page means nothing in a picture.
  for (const arrow of svg.querySelectorAll("[role=option]")) {
    for (const name of ["role", "aria-selected", "tabindex"]) {
      arrow.removeAttribute(name);
    }
  }
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;
  render(null, holder);
  return text;
}

/** Lets the user save a text, or what was fetched, as a file. */
export function save(name: string, type: string, content: string | Blob): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it after this task.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
