// What the customer sees before there is a session: what he wants, and who he
// is.
import { useState } from "preact/hooks";
import type { Site } from "@usher-cc/client/light";
import { Button } from "../common/button.js";
import { Field } from "../common/field.js";
import { dateAndTime } from "../common/time.js";
import type { Chat } from "./chat.js";
import { t } from "./text.js";
import { refusalInWords, waitInWords } from "./words.js";

/** How far ahead a callback can be asked for. */
const yearMs = 365 * 86_400_000;

type Offer = NonNullable<Site["requestTypes"]>[number];

/** Ask is the form with which a session is asked for. */
export function Ask({ chat, site }: { chat: Chat; site: Site }) {
  const offers = site.requestTypes ?? [];
  const only = offers.find((offer) => offer.name === chat.place.requestType);
  const [wanted, setWanted] = useState(only ?? offers[0]);
  const [callbackTo, setCallbackTo] = useState("");
  const [at, setAt] = useState("");
  const [name, setName] = useState("");
  const busy = chat.launching.value;
  if (!site.anonymous && !chat.place.token) {
    return (
      <div class="chat-body">
        <p role="alert">{t("signInFirst")}</p>
      </div>
    );
  }
  const submit = (event: Event) => {
    event.preventDefault();
    const text = chat.draft.value.trim();
    const callback = wanted?.callback ? { callbackTo: callbackTo.trim(), callbackAtMs: at ? new Date(at).getTime() : 0 } : { callbackTo: "", callbackAtMs: 0 };
    void chat.launch({ requestType: wanted?.name ?? "", name: name.trim(), text, ...callback });
  };
  return (
    <form class="chat-body" onSubmit={submit}>
      {site.greeting && <p class="chat-greeting">{site.greeting}</p>}
      {offers.length > 1 && !only && <Choice offers={offers} wanted={wanted} choose={setWanted} />}
      {wanted && (offers.length === 1 || only) && <p class="soft">{wanted.callback ? t("weCallYou") : wait(wanted)}</p>}
      {!chat.place.token && (
        <Field label={t("name")}>
          {(control) => <input {...control} autocomplete="name" maxLength={100} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
      )}
      {wanted?.callback && (
        <>
          <Field label={t("phone")}>
            {(control) => (
              <input {...control} type="tel" autocomplete="tel" required maxLength={100} value={callbackTo} onInput={(event) => setCallbackTo(event.currentTarget.value)} />
            )}
          </Field>
          <Field label={t("when")} hint={t("whenHint")}>
            {(control) => <input {...control} type="datetime-local" min={local(Date.now())} max={local(Date.now() + yearMs)} value={at} onInput={(event) => setAt(event.currentTarget.value)} />}
          </Field>
        </>
      )}
      <Field label={t("about")}>
        {(control) => (
          <textarea {...control} rows={3} maxLength={4000} value={chat.draft.value} onInput={(event) => chat.write(event.currentTarget.value)} />
        )}
      </Field>
      {chat.refused.value && (
        <p class="chat-error" role="alert">
          {refusalInWords(chat.refused.value)}
        </p>
      )}
      {busy && !chat.reached.value && (
        <p class="chat-error" role="alert">
          {t("stillTrying")} <Button onClick={() => chat.cancel()}>{t("cancel")}</Button>
        </p>
      )}
      <Button type="submit" kind="primary" busy={busy} class="chat-wide">
        {wanted?.callback ? t("askCallback") : t("startChat")}
      </Button>
    </form>
  );
}

function Choice(props: { offers: readonly Offer[]; wanted: Offer | undefined; choose: (offer: Offer) => void }) {
  return (
    <fieldset class="chat-choice">
      <legend>{t("topic")}</legend>
      {props.offers.map((offer) => (
        <label key={offer.name}>
          <input type="radio" name="request-type" checked={offer.name === props.wanted?.name} onChange={() => props.choose(offer)} />
          <span>
            {offer.label || offer.name}
            <small class="soft">{offer.callback ? t("weCallYou") : wait(offer)}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** A time as the control for date and time has it: local, to the minute. */
function local(ms: number): string {
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function wait(offer: Offer): string {
  return waitInWords(offer.expectedWaitMs === undefined ? undefined : Number(offer.expectedWaitMs));
}

/** Promised says that the customer will be called. */
export function Promised({ chat }: { chat: Chat }) {
  const { to, atMs } = chat.launched.value!.callback!;
  return (
    <div class="chat-body">
      <p tabIndex={-1} data-focus class="chat-promise">
        {t("promised")}
      </p>
      <p>{atMs ? t("promisedAt", { number: to, time: dateAndTime(atMs) }) : t("promisedSoon", { number: to })}</p>
      <Button onClick={() => chat.startAgain()}>{t("startAgain")}</Button>
    </div>
  );
}
