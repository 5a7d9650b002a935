import { ErrorCode, UsherError } from "@usher-cc/client";
import { Administration } from "@usher-cc/client/gen/administration";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import { Table } from "../common/table.js";
import { t as common } from "../common/text.js";
import { Outcome, outcome } from "./changes.js";
import type { Thing } from "./draft.js";
import { Heading } from "./heading.js";
import { type Kind, things } from "./kinds.js";
import { address, connection, current, fresh, holding, reread, sentences, tenant, words } from "./state.js";
import { t } from "./text.js";

/** The most objects that are shown at once. */
const shownMax = 500;

/** KindList is the list of a kind's objects, where they are found, added and removed. */
export function KindList(props: { kind: Kind }) {
  const { kind } = props;
  const [text, setText] = useState("");
  const [removing, setRemoving] = useState<Thing>();
  useEffect(() => void reread(), []); // others change it, too
  const wanted = text.trim().toLocaleLowerCase();
  const nameOf = (thing: Thing) => String(thing[kind.name]);
  const all = things(kind.field);
  const found = all.filter((thing) => kind.columns.some((column) => column.text(thing).toLocaleLowerCase().includes(wanted)));
  return (
    <section>
      <Heading>{t(kind.title)}</Heading>
      <p class="soft">{t(kind.about)}</p>
      <Outcome />
      <div class="admin-bar">
        <label>
          <span>{t("find")}</span>
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <span class="soft" role="status">
          {found.length > shownMax ? t("shownSome", { shown: shownMax, count: found.length }) : t("shown", { shown: found.length, count: all.length })}
        </span>
        <a class="button button-primary admin-bar-end" href={address(kind.part, fresh)}>
          {t(kind.add)}
        </a>
      </div>
      <div class="admin-scroll" tabIndex={0} role="region" aria-label={t(kind.title)}>
        <Table
          key={kind.part}
          caption={t(kind.title)}
          rows={found.slice(0, shownMax)}
          rowKey={nameOf}
          empty={all.length === 0 ? t("none") : t("noneFound")}
          columns={[
            ...kind.columns.map((column, n) => ({
              key: column.key,
              title: t(column.title),
              number: column.number ?? false,
              sort: column.text,
              cell: (thing: Thing) => (n === 0 ? <a href={address(kind.part, nameOf(thing))}>{column.text(thing)}</a> : column.text(thing)),
            })),
            {
              key: "acts",
              title: t("acts"),
              cell: (thing: Thing) => (
                <Button class="admin-small" label={t("removeNamed", { name: nameOf(thing) })} onClick={() => setRemoving(thing)}>
                  {t("remove")}
                </Button>
              ),
            },
          ]}
        />
      </div>
      {removing && <Removal kind={kind} name={nameOf(removing)} onClose={() => setRemoving(undefined)} />}
    </section>
  );
}

/** Removal asks whether an object is to be removed, and explains why it can't be. */
function Removal(props: { kind: Kind; name: string; onClose: () => void }) {
  const { kind, name } = props;
  const [error, setError] = useState<{ what: string; why?: string[] }>();
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    setError(undefined);
    try {
      outcome.value = await connection.call(Administration.method.applyConfiguration, {
        tenantId: tenant.value,
        remove: [{ kind: kind.kind, name }],
        expectedVersion: current.value?.version ?? 0n,
      });
      await reread();
      props.onClose();
    } catch (thrown) {
      await explain(thrown);
      setBusy(false);
    }
  };
  const explain = async (thrown: unknown) => {
    const said = sentences(thrown);
    switch (UsherError.from(thrown).code) {
      case ErrorCode.IN_USE:
        setError({ what: t("inUse"), why: said ?? [] });
        break;
      case ErrorCode.VERSION_MISMATCH:
        await reread();
        setError({ what: t("removeConflict") });
        break;
      default:
        setError({ what: words(thrown) });
    }
  };
  return (
    <Dialog
      title={t("removeTitle", { what: t(kind.one, { name }) })}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>{common("cancel")}</Button>
          <Button kind="danger" busy={busy} onClick={remove}>
            {t("remove")}
          </Button>
        </>
      }
    >
      <p>{t("removeEffect")}</p>
      {error && holding(error.what) && (
        <div class="trouble" role="alert">
          <p>{error.what}</p>
          {error.why && (
            <ul>
              {error.why.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          )}
        </div>
      )}
    </Dialog>
  );
}
