// The login page, and the seat: where the agent sits and at which extension.
import { signal } from "@preact/signals";
import { ErrorCode, codeOf } from "@usher-cc/client";
import { Button } from "../common/button.js";
import { Field } from "../common/field.js";
import { Login as LoginForm } from "../common/login.js";
import { read, write } from "../common/locale.js";
import { logIn, logOut, takeSeat, tenant } from "./desk.js";
import { reasonWords } from "./explain.js";
import { nameOf, state } from "./store.js";
import { at, busy, words } from "./trouble.js";
import { Trouble } from "./parts.js";
import { t } from "./text.js";

const seatKey = "usher.agent.seat";

/** Where he sat last; the seat of the login page is taken once the session is open. */
const seat = signal<{ place: string; extension: string }>(JSON.parse(read(seatKey) ?? '{"place":"","extension":""}'));

/** True from the login on until the agent has his seat. */
export const seating = signal(false);

/** Asks who it is. */
export function Login() {
  const onLogin = async (agentId: string, password: string) => {
    await logIn(agentId, password);
    seating.value = true;
  };
  const refusal = (thrown: unknown) => (codeOf(thrown) === ErrorCode.UNAUTHENTICATED ? t("wrongPassword") : words(thrown));
  return (
    <LoginForm title={t("logIn")} notice={tenant && t("tenantIs", { tenant })} onLogin={onLogin} words={refusal}>
      <SeatFields />
    </LoginForm>
  );
}

function SeatFields() {
  return (
    <>
      <Field label={t("extension")} hint={t("extensionHint")}>
        {(control) => (
          <input
            {...control}
            inputMode="tel"
            pattern="[0-9*#]{0,32}"
            autocomplete="off"
            value={seat.value.extension}
            onInput={(event) => keepSeat({ extension: event.currentTarget.value.trim() })}
          />
        )}
      </Field>
      <Field label={t("place")} hint={t("placeHint")}>
        {(control) => (
          <input {...control} autocomplete="off" value={seat.value.place} onInput={(event) => keepSeat({ place: event.currentTarget.value.trim() })} />
        )}
      </Field>
    </>
  );
}

function keepSeat(change: Partial<typeof seat.value>): void {
  seat.value = { ...seat.value, ...change };
  write(seatKey, JSON.stringify(seat.value));
}

/** Takes the seat that was given on the login page. */
export function sitDown(): Promise<boolean> {
  return at("seat", () => takeSeat(seat.value.place, seat.value.extension)).finally(() => (seating.value = false));
}

/** Asks where the agent sits when his credential holds and he is logged out: by the server, or since the seat was refused. */
export function Seat() {
  const by = state.value.loggedOutBy;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void sitDown();
  };
  return (
    <form class="card login" onSubmit={submit}>
      <h2>{t("welcome", { name: state.value.name || state.value.agentId })}</h2>
      {by && <p role="status">{t(by.reason === "ConnectionLost" ? "loggedOutConnection" : "loggedOutBy", { name: nameOf(by.by), reason: reasonWords(by.reason) })}</p>}
      <SeatFields />
      <Trouble place="seat" />
      <div class="row">
        <Button kind="primary" type="submit" busy={busy.value.has("seat") || seating.value}>
          {t("startWork")}
        </Button>
        <Button onClick={() => at("seat", () => logOut("", false))}>{t("logOut")}</Button>
      </div>
    </form>
  );
}
