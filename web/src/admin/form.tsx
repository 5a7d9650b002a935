import type { MessageInitShape } from "@bufbuild/protobuf";
import { ErrorCode, UsherError } from "@usher-cc/client";
import { Administration, type ConfigurationSchema } from "@usher-cc/client/gen/administration";
import { useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { t as common } from "../common/text.js";
import { tell } from "../common/toast.js";
import { outcome } from "./changes.js";
import { Input } from "./controls.js";
import { differing, type Draft, fieldOf, fromDraft, merge, type Thing, toDraft, type Value } from "./draft.js";
import { Heading } from "./heading.js";
import { type Kind, things } from "./kinds.js";
import { Snippet } from "./snippet.js";
import { address, connection, current, fresh, go, holding, reread, sentences, tenant, tryToGo, unsaved, words } from "./state.js";
import { t } from "./text.js";

/** What is wrong with what was to be saved. */
interface Trouble {
  /** About the whole, in sentences. */
  said: string[];
  /** About fields. */
  fields: Readonly<Record<string, string>>;
}

const noTrouble: Trouble = { said: [], fields: {} };

/** What the form is about: the object as it was read, and in which version. */
interface Base {
  thing: Thing | undefined;
  draft: Draft;
  version: bigint;
}

/** KindForm adds or changes an object. */
export function KindForm(props: { kind: Kind; open: string }) {
  const { kind } = props;
  const find = (name: string) => things(kind.field).find((thing) => thing[kind.name] === name);
  const baseOf = (name: string): Base => {
    const thing = find(name);
    return { thing, draft: toDraft(kind.fields, thing), version: current.value?.version ?? 0n };
  };
  const [base, setBase] = useState(() => baseOf(props.open));
  const [draft, setDraft] = useState<Draft>(base.draft);
  const [trouble, setTrouble] = useState<Trouble>(noTrouble);
  const [conflict, setConflict] = useState<string[]>();
  const [busy, setBusy] = useState(false);
  const isNew = props.open === fresh;
  const name = String(draft[kind.name]).trim();
  const set = (key: string, value: Value) => {
    const next = { ...draft, [key]: value };
    setDraft(next);
    unsaved.value = differing(base.draft, next).length > 0;
  };
  const save = async (version = base.version): Promise<void> => {
    setTrouble(noTrouble);
    setConflict(undefined);
    if (isNew && !base.thing && find(name)) {
      setTrouble({ said: [], fields: { [kind.name]: t("existsAlready", { what: t(kind.one, { name }) }) } });
      return;
    }
    setBusy(true);
    try {
      outcome.value = await connection.call(Administration.method.applyConfiguration, {
        tenantId: tenant.value,
        configuration: { [kind.field]: [fromDraft(kind.fields, draft, base.thing)] } as MessageInitShape<typeof ConfigurationSchema>,
        expectedVersion: version,
      });
      tell(t("saved", { what: t(kind.one, { name }) }));
      await reread();
      go(address(kind.part));
    } catch (thrown) {
      await explain(thrown);
      setBusy(false);
    }
  };
  const explain = async (thrown: unknown) => {
    if (UsherError.from(thrown).code === ErrorCode.VERSION_MISMATCH) {
      return putTogether();
    }
    const fields: Record<string, string> = {};
    const said: string[] = [];
    for (const sentence of sentences(thrown) ?? []) {
      const key = fieldOf(sentence, kind.kind, name);
      if (key && kind.fields.some((field) => field.key === key)) {
        fields[key] = sentence;
      } else {
        said.push(sentence);
      }
    }
    setTrouble({ said: said.length + Object.keys(fields).length === 0 || said.length > 0 ? [words(thrown)] : [], fields });
  };
  // Somebody else was faster. If it was about something else, that is all.
  // What he has changed of this object is taken over where nothing was typed,
  // and shown where something was.
  const putTogether = async (): Promise<void> => {
    if (!(await reread())) {
      setTrouble({ said: [t("unreachable")], fields: {} });
      return;
    }
    const now = baseOf(name);
    if (!now.thing && base.thing) {
      setConflict([t("conflictRemoved", { what: t(kind.one, { name }) })]);
      setBase({ ...now, draft: base.draft });
      return;
    }
    const theirs = now.thing ? now.draft : base.draft;
    if (differing(base.draft, theirs).length === 0) {
      setBase(now);
      return save(now.version);
    }
    const merged = merge(base.draft, draft, theirs);
    const label = (key: string) => t(kind.fields.find((field) => field.key === key)!.label);
    setConflict([
      ...merged.taken.map((key) => t("conflictTaken", { label: label(key), value: shown(theirs[key]!) })),
      ...merged.contested.map((key) => t("conflictContested", { label: label(key), value: shown(theirs[key]!) })),
    ]);
    setDraft(merged.draft);
    setBase(now);
  };
  if (!isNew && !base.thing) {
    return (
      <section>
        <Heading>{t("notThere", { what: t(kind.one, { name: props.open }) })}</Heading>
        <a href={address(kind.part)}>{t("backTo", { title: t(kind.title) })}</a>
      </section>
    );
  }
  return (
    <section class="admin-form">
      <p>
        <a href={address(kind.part)}>{t("backTo", { title: t(kind.title) })}</a>
      </p>
      <Heading>{isNew ? t(kind.add) : t("editTitle", { what: t(kind.one, { name: props.open }) })}</Heading>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {kind.fields.map((field) => (
          <Input
            key={field.key}
            field={field}
            value={draft[field.key]!}
            error={trouble.fields[field.key]}
            fixed={field.type === "name" && !isNew}
            onChange={(value) => set(field.key, value)}
          />
        ))}
        {kind.part === "queues" && (
          <p class="soft">
            <a href={address("file")}>{t("vectorsInFile")}</a>
          </p>
        )}
        {kind.part === "sites" && name && <Snippet site={name} />}
        <Troubles said={trouble.said.filter(holding)} fields={Object.keys(trouble.fields).length} conflict={conflict} />
        <div class="admin-actions">
          <Button type="submit" kind="primary" busy={busy}>
            {conflict ? t("saveAgain") : t("save")}
          </Button>
          <Button onClick={() => tryToGo(address(kind.part))}>{common("cancel")}</Button>
        </div>
      </form>
    </section>
  );
}

function Troubles(props: { said: readonly string[]; fields: number; conflict: readonly string[] | undefined }) {
  return (
    <div role="alert">
      {props.said.map((sentence) => (
        <p key={sentence} class="trouble">
          {sentence}
        </p>
      ))}
      {props.said.length === 0 && props.fields > 0 && <p class="trouble">{t("wrongFields", { count: props.fields })}</p>}
      {props.conflict && (
        <div class="conflict">
          <p>{t("conflict")}</p>
          <ul>
            {props.conflict.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

/** A value for people. */
function shown(value: Value): string {
  if (typeof value === "boolean") {
    return value ? t("yes") : t("no");
  }
  const text = typeof value === "string" ? value : value.map((one) => (typeof one === "string" ? one : one.join(" ").trim())).join(", ");
  return text === "" ? t("nothing") : text;
}
