import { Administration, type ApiKey, type CreateApiKeyResponse } from "@usher-cc/client/gen/administration";
import { Role } from "@usher-cc/client/gen/common";
import { useEffect, useId, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import { Field } from "../common/field.js";
import { Table } from "../common/table.js";
import { t as common } from "../common/text.js";
import { dateAndTime } from "../common/time.js";
import { CopyButton } from "./copy.js";
import { Heading } from "./heading.js";
import { things, type TextKey } from "./kinds.js";
import { connection, holding, tenant, who, words } from "./state.js";
import { t } from "./text.js";

const administration = Administration.method;

const roles: Record<number, TextKey> = {
  [Role.MEDIA]: "roleMedia",
  [Role.ROUTER]: "roleRouter",
  [Role.SERVICE]: "roleService",
  [Role.REPORTING]: "roleReporting",
  [Role.SITE]: "roleSite",
  [Role.ADMIN]: "roleAdmin",
};

/** The tenant whose keys administer all tenants. */
const systemTenant = "system";

const roleName = (role: Role): string => (roles[role] ? t(roles[role]) : "");

function stateOf(key: ApiKey): string {
  if (key.revokedAtMs) {
    return t("keyRevoked", { time: dateAndTime(Number(key.revokedAtMs)) });
  }
  return key.expiresAtMs && Number(key.expiresAtMs) <= Date.now() ? t("keyExpired") : t("keyValid");
}

const expiryOf = (key: ApiKey): string => (key.expiresAtMs ? dateAndTime(Number(key.expiresAtMs)) : t("never"));

/** Keys is the list of API keys, where they are made and revoked. */
export function Keys() {
  const [keys, setKeys] = useState<readonly ApiKey[]>();
  const [error, setError] = useState<string>();
  const [text, setText] = useState("");
  const [all, setAll] = useState(false);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<CreateApiKeyResponse>();
  const [revoking, setRevoking] = useState<ApiKey>();
  const [system, setSystem] = useState(false);
  const forAll = who.value.state === "in" && who.value.tenant === systemTenant;
  const of = system ? systemTenant : tenant.value;
  const read = async () => {
    try {
      setKeys((await connection.call(administration.listApiKeys, { tenantId: of })).apiKeys);
      setError(undefined);
    } catch (thrown) {
      setError(words(thrown));
    }
  };
  useEffect(() => void read(), [of, who.value]); // anew with another key, too
  const wanted = text.trim().toLocaleLowerCase();
  const found = (keys ?? []).filter(
    (key) => (all || !key.revokedAtMs) && [key.name, roleName(key.role), key.site, key.id].join("\n").toLocaleLowerCase().includes(wanted),
  );
  return (
    <section>
      <Heading>{t("keys")}</Heading>
      <p class="soft">{t("keysAbout")}</p>
      {holding(error) && (
        <p class="trouble" role="alert">
          {error}
        </p>
      )}
      {made && <Made name={made.apiKey?.name ?? ""} apiKey={made.key} onClose={() => setMade(undefined)} />}
      <div class="admin-bar">
        <label>
          <span>{t("find")}</span>
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        {forAll && (
          <label class="admin-check">
            <input type="checkbox" checked={system} onChange={(event) => setSystem(event.currentTarget.checked)} />
            <span>{t("keysOfSystem")}</span>
          </label>
        )}
        <label class="admin-check">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
          <span>{t("keysRevokedToo")}</span>
        </label>
        <Button class="admin-bar-end" kind="primary" onClick={() => setMaking(true)}>
          {t("keysAdd")}
        </Button>
      </div>
      <div class="admin-scroll" tabIndex={0} role="region" aria-label={t("keys")}>
        <Table
          caption={t("keys")}
          rows={found}
          rowKey={(key) => key.id}
          empty={keys ? t(keys.length === 0 ? "none" : "noneFound") : t("reading")}
          columns={[
            { key: "name", title: t("name"), cell: (key) => key.name, sort: (key) => key.name },
            { key: "role", title: t("role"), cell: (key) => roleName(key.role), sort: (key) => roleName(key.role) },
            { key: "site", title: t("site"), cell: (key) => key.site, sort: (key) => key.site },
            { key: "id", title: t("keyId"), cell: (key) => <code>{key.id}</code> },
            { key: "created", title: t("created"), cell: (key) => dateAndTime(Number(key.createdAtMs)), sort: (key) => key.createdAtMs },
            { key: "expires", title: t("expires"), cell: expiryOf, sort: (key) => key.expiresAtMs },
            { key: "state", title: t("state"), cell: stateOf, sort: stateOf },
            {
              key: "acts",
              title: t("acts"),
              cell: (key) =>
                key.revokedAtMs ? null : (
                  <Button class="admin-small" label={t("revokeNamed", { name: key.name })} onClick={() => setRevoking(key)}>
                    {t("revoke")}
                  </Button>
                ),
            },
          ]}
        />
      </div>
      {making && (
        <Making
          of={of}
          onClose={() => setMaking(false)}
          onMade={(answer) => {
            setMaking(false);
            setMade(answer);
            void read();
          }}
        />
      )}
      {revoking && (
        <Revoking
          of={of}
          apiKey={revoking}
          onClose={() => setRevoking(undefined)}
          onRevoked={() => {
            setRevoking(undefined);
            void read();
          }}
        />
      )}
    </section>
  );
}

function Making(props: { of: string; onClose: () => void; onMade: (answer: CreateApiKeyResponse) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState(Role.UNSPECIFIED);
  const [site, setSite] = useState("");
  const [until, setUntil] = useState("");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    setError(undefined);
    try {
      // Until the end of the day that was chosen.
      const expires = until ? new Date(`${until}T23:59:59.999`).getTime() : 0;
      props.onMade(
        await connection.call(administration.createApiKey, {
          tenantId: props.of,
          name: name.trim(),
          role,
          site: role === Role.SITE ? site : "",
          expiresAtMs: BigInt(expires),
        }),
      );
    } catch (thrown) {
      setError(words(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("keysAdd")} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <Field label={t("necessary", { label: t("name") })} hint={t("keyNameHint")}>
          {(control) => (
            <input {...control} name="name" autocomplete="off" required maxLength={128} value={name} onInput={(event) => setName(event.currentTarget.value)} />
          )}
        </Field>
        <Field label={t("necessary", { label: t("role") })}>
          {(control) => (
            <select {...control} name="role" required value={role || ""} onChange={(event) => setRole(Number(event.currentTarget.value))}>
              <option value="">{t("choose")}</option>
              {(props.of === systemTenant ? [String(Role.ADMIN)] : Object.keys(roles)).map((value) => (
                <option key={value} value={value}>
                  {roleName(Number(value))}
                </option>
              ))}
            </select>
          )}
        </Field>
        {role === Role.SITE && (
          <Field label={t("necessary", { label: t("site") })} hint={t("keySiteHint")}>
            {(control) => (
              <select {...control} name="site" required value={site} onChange={(event) => setSite(event.currentTarget.value)}>
                <option value="">{t("choose")}</option>
                {things("sites").map((thing) => (
                  <option key={String(thing.name)}>{String(thing.name)}</option>
                ))}
              </select>
            )}
          </Field>
        )}
        <Field label={t("validUntil")} hint={t("validUntilHint")}>
          {(control) => <input {...control} name="until" type="date" value={until} onInput={(event) => setUntil(event.currentTarget.value)} />}
        </Field>
        {holding(error) && (
          <p class="trouble" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions">
          <Button onClick={props.onClose}>{common("cancel")}</Button>
          <Button type="submit" kind="primary" busy={busy}>
            {t("keyMake")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Made shows a key, this once, until one says that one has it: no dialog, which Escape would close. */
function Made(props: { name: string; apiKey: string; onClose: () => void }) {
  const id = useId();
  useEffect(() => document.getElementById(id)?.focus(), []);
  return (
    <section class="card key-made" aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>{t("keyMade", { name: props.name })}</h3>
      <div class="field">
        <label for={id}>{t("keyItself")}</label>
        <input
          id={id}
          class="admin-code"
          readOnly
          aria-describedby={`${id}-once`}
          value={props.apiKey}
          onFocus={(event) => event.currentTarget.select()}
        />
        <span id={`${id}-once`} class="field-hint">
          {t("keyOnce")}
        </span>
      </div>
      <div class="admin-actions">
        <CopyButton text={props.apiKey} from={id} />
        <Button onClick={props.onClose}>{t("keyKept")}</Button>
      </div>
    </section>
  );
}

function Revoking(props: { of: string; apiKey: ApiKey; onClose: () => void; onRevoked: () => void }) {
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const revoke = async () => {
    setBusy(true);
    try {
      await connection.call(administration.revokeApiKey, { tenantId: props.of, id: props.apiKey.id });
      props.onRevoked();
    } catch (thrown) {
      setError(words(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("revokeTitle", { name: props.apiKey.name })}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>{common("cancel")}</Button>
          <Button kind="danger" busy={busy} onClick={revoke}>
            {t("revoke")}
          </Button>
        </>
      }
    >
      <p>{t("revokeEffect", { role: roleName(props.apiKey.role) })}</p>
      {holding(error) && (
        <p class="trouble" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}
