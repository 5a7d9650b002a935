// An offer: who, why, from where, how long still; and what became of it.
import { useEffect, useState } from "preact/hooks";
import { Operation, VisibilityMode } from "@usher-cc/client/gen/common";
import { Button } from "../common/button.js";
import { queueName } from "../common/queues.js";
import { timeOfDay } from "../common/time.js";
import * as acts from "./acts.js";
import { shortcut } from "./combination.js";
import { desk } from "./desk.js";
import { show } from "./dialogs.js";
import { offerEnding } from "./explain.js";
import { customerOf, type Line, lineOf, type Offer, requestOf, subjectOf, userData, waitsSince } from "./model.js";
import { Countdown, Key, Since, Trouble } from "./parts.js";
import { nameOf, openOffers, state } from "./store.js";
import { busy } from "./trouble.js";
import { t } from "./text.js";

export function OfferCard(props: { offer: Offer }) {
  const { offer } = props;
  const { properties: p } = offer;
  const about = subjectOf(p) || requestOf(p);
  const where = [p?.mediaType, requestOf(p), queueName(offer.event.queue), offer.invite.skill].filter((text) => text !== about);
  return (
    <article class={`card offer ${offer.closed ? "offer-closed" : ""}`} aria-label={t("offerOf", { customer: customerOf(p) })}>
      <header class="offer-head">
        <div>
          <h2 class="cut">{customerOf(p)}</h2>
          <p class="soft">{offerKind(offer)}</p>
        </div>
        {!offer.closed && <Countdown sinceMs={offer.sinceMs} deadlineMs={offer.deadlineMs} />}
      </header>
      <p>
        <strong>{about}</strong>
      </p>
      <p class="soft">{where.filter(unique).join(" · ")}</p>
      {offer.closed ? <Closed offer={offer} /> : <Open offer={offer} />}
      <Trouble place={acts.offerPlace(offer.ticket)} />
    </article>
  );
}

const unique = (text: string | undefined, n: number, all: (string | undefined)[]) => text && all.indexOf(text) === n;

/** What is wanted, and by whom, if a colleague asks. */
function offerKind({ invite, event }: Offer): string {
  const name = nameOf(invite.inviter);
  const because = event.reason ? ` “${event.reason}”` : "";
  if (invite.operation === Operation.TRANSFER) {
    return t("transferFrom", { name }) + because;
  }
  if (invite.operation !== Operation.CONFERENCE) {
    return t("newOffer");
  }
  return t(invite.visibility === VisibilityMode.COACH ? "consultFrom" : "conferenceFrom", { name }) + because;
}

function Open(props: { offer: Offer }) {
  const { offer } = props;
  const first = openOffers.value[0]?.ticket === offer.ticket;
  const working = busy.value.has(acts.offerPlace(offer.ticket));
  const since = waitsSince(offer);
  return (
    <>
      {since !== undefined && (
        <p class="soft">
          {t("waitSoFar")} <Since ms={since} />
        </p>
      )}
      <Data offer={offer} />
      <Preview id={offer.interactionId} />
      <div class="row">
        <Button kind="primary" busy={working} {...(first && { shortcut: shortcut("a") })} onClick={() => acts.accept(offer)}>
          {t("accept")}
          {first && <Key text="A" />}
        </Button>
        <Button busy={working} {...(first && { shortcut: shortcut("r") })} onClick={() => show({ kind: "reject", ticket: offer.ticket })}>
          {t("reject")}
          {first && <Key text="R" />}
        </Button>
      </div>
    </>
  );
}

/** User data that stands nowhere else on the card. */
const shownElsewhere = new Set(["customer_name", "subject", "request_type"]);

function Data(props: { offer: Offer }) {
  const data = userData(props.offer.properties).filter(([key]) => !shownElsewhere.has(key));
  return data.length > 0 ? (
    <dl class="data">
      {data.slice(0, 6).map(([key, text]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd class="cut">{text}</dd>
        </div>
      ))}
    </dl>
  ) : null;
}

/** After how long it is read again what is said while an offer is open: who is only asked is not told. */
const previewMs = 2_000;

/** The latest of what was said before. */
function Preview(props: { id: string }) {
  const [lines, setLines] = useState<readonly Line[]>([]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const read = async (): Promise<void> => {
      await desk().loadConversation(props.id);
      const conversation = desk().state.conversations.get(props.id);
      setLines((conversation?.lines ?? []).slice(-4).map((line) => lineOf(line, state.peek().agentId)));
      timer = gone ? undefined : setTimeout(again, previewMs);
    };
    const again = () => void read().catch(() => undefined); // the offer stands without it
    again();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [props.id]);
  return lines.length > 0 ? (
    <ol class="preview" aria-label={t("saidBefore")}>
      {lines.map((line) => (
        <li key={line.number}>
          <span class="soft">{line.name || t("theCustomer")}:</span> {line.text || line.attachment?.name}
        </li>
      ))}
    </ol>
  ) : null;
}

function Closed(props: { offer: Offer }) {
  const { offer } = props;
  return (
    <div role="status">
      <p class="offer-ending">
        {offerEnding(offer)} <span class="soft">{timeOfDay(offer.closed?.atMs ?? 0)}</span>
      </p>
      <Button onClick={() => acts.dismissOffer(offer)}>{t("dismiss")}</Button>
    </div>
  );
}
