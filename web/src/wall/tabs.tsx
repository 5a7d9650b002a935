import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";

/** Tabs are parts of a panel, of which one is shown: the arrow keys lead from one to the next. */
export function Tabs<Key extends string>(props: {
  label: string;
  tabs: readonly { key: Key; title: string }[];
  chosen: Key;
  choose: (key: Key) => void;
  children: ComponentChildren;
}) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const at = props.tabs.findIndex((tab) => tab.key === props.chosen);
  const go = (to: number) => {
    const tab = props.tabs.at(to % props.tabs.length);
    if (tab) {
      props.choose(tab.key);
      list.current?.querySelector<HTMLElement>(`[data-key="${tab.key}"]`)?.focus();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const forward = getComputedStyle(event.currentTarget as Element).direction === "rtl" ? -1 : 1;
    const to: Record<string, number> = { ArrowRight: at + forward, ArrowLeft: at - forward, Home: 0, End: -1 };
    if (event.key in to) {
      event.preventDefault();
      go(to[event.key] ?? 0);
    }
  };
  return (
    <div class="tabs">
      <div ref={list} role="tablist" aria-label={props.label} class="tabs-list" onKeyDown={onKeyDown}>
        {props.tabs.map((tab) => (
          <button
            key={tab.key}
            type="button"
            role="tab"
            id={`${id}-${tab.key}`}
            data-key={tab.key}
            class="tabs-tab"
            aria-selected={tab.key === props.chosen}
            aria-controls={`${id}-panel`}
            tabIndex={tab.key === props.chosen ? 0 : -1}
            onClick={() => props.choose(tab.key)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${props.chosen}`} class="tabs-panel">
        {props.children}
      </div>
    </div>
  );
}
