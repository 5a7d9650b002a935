// The palette: every command that can be done now. And the help: all keys.
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import { customerOf } from "./model.js";
import { Chooser } from "./chooser.js";
import { modifier } from "./combination.js";
import { type Command, commands, run } from "./commands.js";
import { hide } from "./dialogs.js";
import { goTo } from "./go.js";
import { setSingleKeys, singleKeys } from "./keys.js";
import { keyText } from "./parts.js";
import { state } from "./store.js";
import { t } from "./text.js";

const sessionPrefix = "session:";

export function Palette() {
  const now = commands().filter((c) => c.when());
  const sessions = state.value.sessions.map((s, n) => ({
    id: sessionPrefix + s.id,
    label: t("goTo", { customer: customerOf(s.properties) }),
    ...(n < 9 && { key: String(n + 1) }),
  }));
  const choices = now.map((c) => ({ id: c.id, label: c.label, detail: c.group, ...(c.key && { key: keyText(c.key, c.final) }) }));
  return (
    <Dialog title={t("palette")} onClose={hide}>
      <Chooser
        label={t("findCommand")}
        choices={[...choices, ...sessions]}
        empty={t("nothingFound")}
        onChoose={(id) => {
          hide();
          if (id.startsWith(sessionPrefix)) {
            goTo(id.slice(sessionPrefix.length));
          } else {
            // The dialog is gone first: some commands open another one.
            requestAnimationFrame(() => run(id));
          }
        }}
      />
    </Dialog>
  );
}

export function Help() {
  const groups = new Map<string, Command[]>();
  for (const command of commands().filter((c) => c.key)) {
    groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  }
  return (
    <Dialog title={t("help")} onClose={hide} actions={<Button kind="primary" onClick={hide}>{t("dismiss")}</Button>}>
      <p>{t("helpKeys", { modifier })}</p>
      <label class="check">
        <input type="checkbox" checked={singleKeys.value} onChange={(event) => setSingleKeys(event.currentTarget.checked)} />
        {t("singleKeys")}
      </label>
      <div class="help" tabIndex={0} role="region" aria-label={t("keys")}>
        {[...groups].map(([group, all]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl class="keys">
              {all.map((c) => (
                <div key={c.id}>
                  <dt><kbd class="key">{keyText(c.key ?? "", c.final)}</kbd></dt>
                  <dd>{c.label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>{t("groupMore")}</h3>
          <dl class="keys">
            {moreKeys().map(([key, label]) => (
              <div key={key}>
                <dt><kbd class="key">{key}</kbd></dt>
                <dd>{label}</dd>
              </div>
            ))}
          </dl>
        </section>
        <p class="soft">{t("helpConsult")}</p>
        <p class="soft">{t("helpSound")}</p>
      </div>
    </Dialog>
  );
}

const moreKeys = (): [string, string][] => [
  ["Ctrl/Cmd+K", t("palette")],
  ["1-9", t("keySession")],
  ["Enter", t("keySend")],
  ["Shift+Enter", t("keyNewLine")],
  ["Esc", t("keyEscape")],
];
