// A field with a list below it: typing narrows the list, arrows move in it,
// Enter takes what is marked.
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { hide } from "./dialogs.js";
import { t } from "./text.js";

export interface Choice {
  id: string;
  label: string;
  /** What stands beside it. */
  detail?: string;
  /** The key that does the same. */
  key?: string;
  disabled?: boolean;
}

export function Chooser(props: {
  label: string;
  choices: readonly Choice[];
  empty: string;
  onChoose: (id: string) => void;
  /** Further fields; with them come buttons to choose and to cancel, and Enter in them chooses. */
  children?: ComponentChildren;
}) {
  const list = useId();
  const [text, setText] = useState("");
  const [marked, setMarked] = useState(0);
  const shown = props.choices.filter((c) => matches(c, text));
  const at = Math.min(marked, shown.length - 1);
  const chosen = shown[at];
  const choose = (choice: Choice | undefined) => {
    if (choice && !choice.disabled) {
      props.onChoose(choice.id);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1 };
    if (event.key === "Enter") {
      choose(chosen);
    } else if (event.key in to && shown.length > 0) {
      setMarked(((to[event.key] ?? 0) + shown.length) % shown.length);
    } else {
      return;
    }
    event.preventDefault();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        choose(chosen);
      }}
    >
      <input
        type="text"
        role="combobox"
        aria-label={props.label}
        aria-expanded="true"
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={chosen ? `${list}-${at}` : undefined}
        placeholder={props.label}
        autocomplete="off"
        autofocus
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setMarked(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div class="choices" role="listbox" id={list} aria-label={props.label}>
        {shown.map((choice, n) => (
          <div
            key={choice.id}
            id={`${list}-${n}`}
            role="option"
            class="choice"
            aria-selected={n === at}
            aria-disabled={choice.disabled ?? false}
            ref={n === at ? inSight : null}
            onClick={() => choose(choice)}
          >
            <span class="cut">{choice.label}</span>
            {choice.detail && <span class="soft">{choice.detail}</span>}
            {choice.key && <kbd class="key">{choice.key}</kbd>}
          </div>
        ))}
      </div>
      {shown.length === 0 && <p class="soft" role="status">{props.empty}</p>}
      {props.children && (
        <>
          {props.children}
          <div class="dialog-actions">
            <Button onClick={hide}>{t("cancel")}</Button>
            <Button kind="primary" type="submit" disabled={!chosen || chosen.disabled === true}>
              {chosen ? t("choose", { name: chosen.label }) : t("send")}
            </Button>
          </div>
        </>
      )}
    </form>
  );
}

/** Keeps the marked one in sight. */
const inSight = (el: HTMLElement | null): void => el?.scrollIntoView({ block: "nearest" });

/** Every word that was typed stands somewhere. */
function matches(choice: Choice, text: string): boolean {
  const all = `${choice.label} ${choice.id} ${choice.detail ?? ""}`.toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}
