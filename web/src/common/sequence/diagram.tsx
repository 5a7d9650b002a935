// The sequence diagram of an interaction's messages: our own SVG, live, by
// keyboard, paged, and saved as a file.
import { toJsonString } from "@bufbuild/protobuf";
import { type EventError, Protocol } from "@usher-cc/client/gen/common";
import { type TraceLine, TraceLineSchema } from "@usher-cc/client/gen/reporting";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Button } from "../button.js";
import { count } from "../time.js";
import { asText } from "./arrows.js";
import { headHeight, layout, pageArrows, pageCount } from "./layout.js";
import "./sequence.css";
import "./shapes.css";
import { Heads, Shapes } from "./shapes.js";
import { asSvg, save } from "./standalone.js";
import { t } from "./text.js";

/** How near to the end a scrolled diagram counts as being there, in pixels. */
const nearEnd = 8;

/** SequenceDiagram shows the lines of a trace, and more as they come. */
export function SequenceDiagram(props: {
  /** All lines so far; a new array when there are more. */
  lines: readonly TraceLine[];
  /** What the diagram is of; the name of saved files. */
  name: string;
  /** Why a request was refused, for people; what the server says by default. */
  words?: (error: EventError) => string;
}) {
  const { name, words } = props;
  const [reporting, setReporting] = useState(false);
  const [follow, setFollow] = useState(true);
  const [chosenPage, setPage] = useState(0);
  const [selected, setSelected] = useState<number>();
  const [hovered, setHovered] = useState<number>();
  const lines = useMemo(
    () => (reporting ? props.lines : props.lines.filter((line) => line.protocol !== Protocol.RPT)),
    [props.lines, reporting],
  );
  const page = follow ? pageCount(lines.length) - 1 : Math.min(chosenPage, pageCount(lines.length) - 1);
  const first = page * pageArrows;
  const drawn = useMemo(() => layout(lines.slice(first, first + pageArrows), first, words), [lines, first, words]);
  const scroll = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (follow && scroll.current) {
      scroll.current.scrollTop = scroll.current.scrollHeight;
    }
  }, [drawn, follow]);
  const choose = (to: number) => {
    setPage(to);
    setFollow(false);
    setSelected(undefined);
    scroll.current?.scrollTo({ top: 0 });
  };
  const inPage = selected !== undefined && selected >= first && selected < first + drawn.arrows.length ? selected : undefined;
  const shown = lines[hovered ?? selected ?? -1];
  return (
    <div class="sequence">
      <div class="sequence-bar" role="group" aria-label={t("tools")}>
        <span class="sequence-count">
          {reporting
            ? t("arrows", { count: lines.length })
            : t("arrowsOf", { shown: count(lines.length), count: count(props.lines.length) })}
        </span>
        <label>
          <input type="checkbox" checked={reporting} onChange={(e) => setReporting(e.currentTarget.checked)} />
          {t("reporting")}
        </label>
        <label>
          <input
            type="checkbox"
            checked={follow}
            onChange={(e) => {
              setFollow(e.currentTarget.checked);
              setPage(page);
            }}
          />
          {t("follow")}
        </label>
        {lines.length > pageArrows && <Pages page={page} of={lines.length} choose={choose} />}
        <span class="sequence-end">
          <Button onClick={() => save(`${name}.svg`, "image/svg+xml", asSvg(lines, name, words))}>{t("exportSvg")}</Button>
          <Button onClick={() => save(`${name}.txt`, "text/plain", asText(lines))}>{t("exportText")}</Button>
        </span>
      </div>
      <div class="sequence-body">
        <div
          ref={scroll}
          class="sequence-scroll"
          role="group"
          aria-label={t("area")}
          tabIndex={0}
          onScroll={(e) => {
            const at = e.currentTarget;
            const end = at.scrollHeight - at.scrollTop - at.clientHeight <= nearEnd;
            if (!end && follow) {
              setPage(page);
              setFollow(false);
            }
          }}
        >
          {lines.length === 0 ? (
            <p class="soft">{t("none")}</p>
          ) : (
            <>
              <svg class="sequence-svg sequence-heads" width={drawn.width} height={headHeight} aria-hidden="true">
                <Heads lifelines={drawn.lifelines} />
              </svg>
              <svg
                class="sequence-svg sequence-shapes"
                width={drawn.width}
                height={drawn.height}
                role="listbox"
                aria-label={t("diagram")}
                onKeyDown={(e) => onKey(e, drawn.arrows.length, first, setSelected)}
                onFocusIn={(e) => setSelected(indexOf(e) ?? selected)}
                onMouseOver={(e) => setHovered(indexOf(e))}
                onMouseLeave={() => setHovered(undefined)}
                onClick={(e) => setSelected(indexOf(e) ?? selected)}
              >
                <Shapes layout={drawn} selected={inPage} focusable={inPage ?? first} />
              </svg>
            </>
          )}
        </div>
        <section class="sequence-message" aria-label={t("message")} tabIndex={0}>
          {shown ? (
            <pre>{toJsonString(TraceLineSchema, shown, { prettySpaces: 2, useProtoFieldName: true })}</pre>
          ) : (
            <p class="soft">{t("messageNone")}</p>
          )}
        </section>
      </div>
    </div>
  );
}

function Pages(props: { page: number; of: number; choose: (page: number) => void }) {
  const { page, of, choose } = props;
  const from = page * pageArrows;
  return (
    <span class="sequence-pages">
      <Button kind="plain" label={t("previousPage")} disabled={page === 0} onClick={() => choose(page - 1)}>
        <span aria-hidden="true">‹</span>
      </Button>
      {t("page", { from: count(from + 1), to: count(Math.min(of, from + pageArrows)), count: count(of) })}
      <Button kind="plain" label={t("nextPage")} disabled={from + pageArrows >= of} onClick={() => choose(page + 1)}>
        <span aria-hidden="true">›</span>
      </Button>
    </span>
  );
}

// The arrow in which an event happened.
function indexOf(event: Event): number | undefined {
  const arrow = event.target instanceof Element ? event.target.closest<SVGGElement>("[data-index]") : null;
  return arrow ? Number(arrow.dataset.index) : undefined;
}

function onKey(event: KeyboardEvent & { currentTarget: SVGSVGElement }, arrows: number, first: number, select: (index: number | undefined) => void): void {
  const at = (indexOf(event) ?? first) - first;
  const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: arrows - 1 };
  if (event.key === "Escape") {
    select(undefined);
    return;
  }
  if (!(event.key in to)) {
    return;
  }
  event.preventDefault();
  const index = first + Math.min(Math.max(0, to[event.key] ?? 0), arrows - 1);
  select(index);
  event.currentTarget.querySelector<SVGGElement>(`[data-index="${index}"]`)?.focus();
}
