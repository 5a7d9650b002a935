// The shapes of a layout as SVG.
import { Component } from "preact";
import { stopwatch } from "../time.js";
import { clock, participantName } from "./arrows.js";
import { type Arrow, gutter, headHeight, type Layout, type Lifeline, labelWidth } from "./layout.js";
import { t } from "./text.js";

/** The heads of the lifelines. */
export function Heads(props: { lifelines: readonly Lifeline[] }) {
  return (
    <g>
      {props.lifelines.map((lifeline) => {
        const width = Math.max(64, labelWidth(lifeline.name) + 20);
        return (
          <g key={lifeline.key} class="sequence-head">
            <rect x={lifeline.x - width / 2} y={6} width={width} height={headHeight - 12} rx={4} />
            <text x={lifeline.x} y={headHeight / 2 + 4}>
              {lifeline.name}
            </text>
          </g>
        );
      })}
    </g>
  );
}

/** Shapes are lifelines, gaps and arrows. */
export function Shapes(props: { layout: Layout; selected?: number; focusable?: number }) {
  const { layout } = props;
  return (
    <g>
      <g>
        {layout.lifelines.map((lifeline) => (
          <line key={lifeline.key} class="sequence-lifeline" x1={lifeline.x} x2={lifeline.x} y1={0} y2={layout.height} />
        ))}
        {layout.gaps.map((gap) => (
          <g key={gap.before} class="sequence-gap">
            <line x1={gutter} x2={layout.width} y1={gap.y} y2={gap.y} />
            <text x={8} y={gap.y + 4}>
              {t("waited", { time: stopwatch(gap.ms) })}
            </text>
          </g>
        ))}
      </g>
      {layout.arrows.map((arrow) => (
        <ArrowShape
          key={arrow.index}
          arrow={arrow}
          width={layout.width}
          selected={arrow.index === props.selected}
          focusable={arrow.index === props.focusable}
        />
      ))}
    </g>
  );
}

/** What a screen reader says of an arrow: what can be read there, and whence it goes where. */
export function spoken(arrow: Arrow): string {
  const { line } = arrow;
  const way = t("arrowWay", {
    from: participantName(line.from),
    to: line.to.map(participantName).join(", ") || t("nobody"),
    sequence: String(line.sequence),
  });
  return [t("arrow", { time: clock(line.timeMs), label: arrow.label, protocol: arrow.protocol }), noteOf(arrow), way].filter(Boolean).join("; ");
}

// The words below an arrow.
const noteOf = (arrow: Arrow): string => (arrow.words ? t("refused", { words: arrow.words }) : arrow.agentsAlone ? t("agentsAlone") : "");

interface ArrowProps {
  arrow: Arrow;
  width: number;
  selected: boolean;
  focusable: boolean;
}

// One arrow. While others come it is drawn again only if it has moved.
class ArrowShape extends Component<ArrowProps> {
  override shouldComponentUpdate(next: ArrowProps): boolean {
    const { props } = this;
    return (
      next.selected !== props.selected ||
      next.focusable !== props.focusable ||
      next.width !== props.width ||
      !samePlace(next.arrow, props.arrow)
    );
  }

  override render() {
    const { arrow, width, selected, focusable } = this.props;
    const ends = [arrow.from, ...arrow.to];
    const note = noteOf(arrow);
    const classes = ["sequence-arrow", `sequence-${arrow.kind}`];
    if (arrow.dashed) {
      classes.push("sequence-dashed");
    }
    if (arrow.agentsAlone) {
      classes.push("sequence-private");
    }
    return (
      <g
        class={classes.join(" ")}
        data-index={arrow.index}
        data-sequence={String(arrow.line.sequence)}
        role="option"
        aria-selected={selected}
        aria-label={spoken(arrow)}
        // In SVG names of attributes have their own case.
        tabindex={focusable ? 0 : -1}
      >
        <rect class="sequence-row" x={2} y={arrow.y - 25} width={width - 4} height={note ? 50 : 33} />
        {arrow.newTime && (
          <text class="sequence-time" x={8} y={arrow.y + 4}>
            {`${clock(arrow.line.timeMs)} `}
          </text>
        )}
        {arrow.to.length === 0 ? (
          <rect class="sequence-note" x={arrow.from - 8} y={arrow.y - 6} width={16} height={10} />
        ) : (
          <line x1={Math.min(...ends)} x2={Math.max(...ends)} y1={arrow.y} y2={arrow.y} />
        )}
        {arrow.to.length > 0 && <circle cx={arrow.from} cy={arrow.y} r={2.5} />}
        {arrow.to.map((to) => (
          <polygon key={to} points={head(arrow.from, to, arrow.y)} />
        ))}
        <text class="sequence-label" x={arrow.labelX} y={arrow.y - 7}>
          {arrow.label} <tspan class="sequence-protocol">{`${arrow.protocol} `}</tspan>
        </text>
        {note && (
          <text class="sequence-label sequence-words" x={arrow.labelX} y={arrow.y + 17}>
            {note}
          </text>
        )}
      </g>
    );
  }
}

const samePlace = (a: Arrow, b: Arrow): boolean =>
  a.line === b.line && a.y === b.y && a.from === b.from && a.labelX === b.labelX && a.kind === b.kind && a.to.join() === b.to.join();

// The head of an arrow, a triangle whose tip touches the lifeline.
function head(from: number, to: number, y: number): string {
  const back = to < from ? to + 9 : to - 9;
  return `${to},${y} ${back},${y - 4} ${back},${y + 4}`;
}
