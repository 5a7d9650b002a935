import { Statistics } from "@usher-cc/client/gen/statistics";
import { useState } from "preact/hooks";
import { AuditLog } from "../common/audit.js";
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import { Field } from "../common/field.js";
import { LoginForm } from "../common/login.js";
import { Page, show } from "../common/page.js";
import { tell } from "../common/toast.js";
import { BusinessProcess, fileChanged } from "./file.js";
import { KindForm } from "./form.js";
import { Heading } from "./heading.js";
import { Keys } from "./keys.js";
import { kinds } from "./kinds.js";
import { KindList } from "./list.js";
import { address, administer, begin, connection, current, enter, go, leave, lockedOut, loginWords, place, reread, tenant, tenants, unread, unsaved, wanted, who, words } from "./state.js";
import { t } from "./text.js";
import "./admin.css";

const others = {
  keys: { title: () => t("keys"), show: () => <Keys /> },
  file: { title: () => t("file"), show: () => <BusinessProcess /> },
  audit: { title: () => t("audit"), show: () => <Audit /> },
};

type Other = keyof typeof others;

function Administration() {
  switch (who.value.state) {
    case "asking":
      return (
        <Page title={t("title")}>
          <p role="status">{t("reading")}</p>
        </Page>
      );
    case "out":
      return (
        <Page title={t("title")}>
          <KeyLogin title={t("logInTitle")} notice={who.value.words} />
        </Page>
      );
  }
  return (
    <Page title={t("title")} header={<Header />}>
      <div class="admin">
        <Navigation />
        <div class="admin-part">
          {unread.value && (
            <p class="trouble" role="alert">
              {unread.value} <Button onClick={reread}>{t("readAgain")}</Button>
            </p>
          )}
          {current.value ? <Part key={tenant.value} /> : !unread.value && <p role="status">{t("reading")}</p>}
        </div>
      </div>
      {wanted.value && <Leaving to={wanted.value} />}
      {lockedOut.value && (
        <Dialog title={t("logInAgain")} onClose={() => (lockedOut.value = false)}>
          <KeyLogin notice={t("keyGone")} />
        </Dialog>
      )}
    </Page>
  );
}

/** KeyLogin asks for the API key. */
function KeyLogin(props: { title?: string; notice?: string | undefined }) {
  const [key, setKey] = useState("");
  return (
    <LoginForm {...props} onLogin={() => enter(key.trim())} words={loginWords}>
      <Field label={t("apiKey")} hint={t("apiKeyHint")}>
        {(control) => (
          <input {...control} name="apiKey" type="password" autocomplete="current-password" required value={key} onInput={(event) => setKey(event.currentTarget.value)} />
        )}
      </Field>
    </LoginForm>
  );
}

function Header() {
  const [to, setTo] = useState<string>();
  const out = async () => {
    try {
      await leave();
    } catch (thrown) {
      tell(words(thrown), "error");
    }
  };
  // What would be lost is asked about first.
  const guarded = (run: () => void, what: string) => (unsaved.value || fileChanged() ? setTo(what) : run());
  const change = (id: string) => {
    unsaved.value = false;
    void administer(id);
    location.hash = address(place.value.part);
  };
  return (
    <div class="admin-header">
      {tenants.value.length > 1 && (
        <label class="admin-tenant">
          <span>{t("tenant")}</span>
          <select
            value={tenant.value}
            onChange={(event) => {
              const id = event.currentTarget.value;
              event.currentTarget.value = tenant.value;
              guarded(() => change(id), id);
            }}
          >
            {tenants.value.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
      )}
      <span class="admin-me">
        <span>{who.value.state === "in" && who.value.name}</span>
        <Button onClick={() => guarded(out, "")}>{t("logOut")}</Button>
      </span>
      {to !== undefined && (
        <Discard
          onClose={() => setTo(undefined)}
          onDiscard={() => {
            setTo(undefined);
            unsaved.value = false;
            if (to) {
              change(to);
            } else {
              void out();
            }
          }}
        />
      )}
    </div>
  );
}

function Navigation() {
  const here = place.value.part || kinds[0]!.part;
  const link = (part: string, title: string) => (
    <li key={part}>
      <a href={address(part)} aria-current={part === here ? "page" : undefined}>
        {title}
      </a>
    </li>
  );
  return (
    <nav class="admin-nav" aria-label={t("parts")}>
      <ul>
        {kinds.map((kind) => link(kind.part, t(kind.title)))}
        {(Object.keys(others) as Other[]).map((part) => link(part, others[part].title()))}
      </ul>
    </nav>
  );
}

function Part() {
  const { part, open } = place.value;
  if (part in others) {
    return others[part as Other].show();
  }
  const kind = kinds.find((one) => one.part === part) ?? kinds[0]!;
  if (!open) {
    return <KindList key={kind.part} kind={kind} />;
  }
  return <KindForm key={`${kind.part} ${open}`} kind={kind} open={open} />;
}

function Audit() {
  return (
    <section>
      <Heading>{t("audit")}</Heading>
      <AuditLog load={(beforeSequence) => connection.call(Statistics.method.getAuditLog, { beforeSequence, tenantId: tenant.value })} words={words} />
    </section>
  );
}

/** Leaving asks whether what was typed may get lost. */
function Leaving(props: { to: string }) {
  return <Discard onClose={() => (wanted.value = undefined)} onDiscard={() => go(props.to)} />;
}

function Discard(props: { onClose: () => void; onDiscard: () => void }) {
  return (
    <Dialog
      title={t("leaveTitle")}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>{t("stay")}</Button>
          <Button kind="danger" onClick={props.onDiscard}>
            {t("discard")}
          </Button>
        </>
      }
    >
      <p>{t("leaveEffect")}</p>
    </Dialog>
  );
}

void begin();
void show(() => <Administration />);
