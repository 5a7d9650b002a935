import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button } from "./button.js";
import { Field } from "./field.js";
import { t } from "./text.js";
import "./login.css";

/** Login asks for agent id and password, as the windows of agents and supervisors do. */
export function Login(props: {
  /** What one logs in to. */
  title: string;
  /** Why nobody is logged in any more, or what keeps others out. */
  notice?: string | undefined;
  /** Further fields. */
  children?: ComponentChildren;
  /** Logs in; what it throws is shown by words. */
  onLogin: (agentId: string, password: string) => Promise<unknown>;
  /** Says what went wrong. */
  words: (thrown: unknown) => string;
}) {
  const [agentId, setAgentId] = useState("");
  const [password, setPassword] = useState("");
  return (
    <LoginForm title={props.title} notice={props.notice} onLogin={() => props.onLogin(agentId.trim(), password)} words={props.words}>
      <Field label={t("agentId")}>
        {(control) => (
          <input
            {...control}
            name="agentId"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            value={agentId}
            onInput={(event) => setAgentId(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label={t("password")}>
        {(control) => (
          <input
            {...control}
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        )}
      </Field>
      {props.children}
    </LoginForm>
  );
}

/** LoginForm asks for what its fields say; in a dialog, which has a title of its own, it has none. */
export function LoginForm(props: {
  title?: string;
  notice?: string | undefined;
  /** The fields. */
  children: ComponentChildren;
  /** Logs in; what it throws is shown by words. */
  onLogin: () => Promise<unknown>;
  words: (thrown: unknown) => string;
}) {
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const logIn = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await props.onLogin();
    } catch (thrown) {
      setError(props.words(thrown));
    }
    setBusy(false);
  };
  return (
    <form
      class={props.title && "card login"}
      onSubmit={(event) => {
        event.preventDefault();
        void logIn();
      }}
    >
      {props.title && <h2>{props.title}</h2>}
      {props.notice && <p role="status">{props.notice}</p>}
      {props.children}
      {error && (
        <p class="field-error" role="alert">
          {error}
        </p>
      )}
      <Button type="submit" kind="primary" busy={busy}>
        {t("logIn")}
      </Button>
    </form>
  );
}
