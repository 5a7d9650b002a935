// The rail: what calls, and what the agent has.
import { useEffect, useRef } from "preact/hooks";
import { Button } from "../common/button.js";
import { stopwatch, timeOfDay } from "../common/time.js";
import { customerOf, lastNumber, lineOf, requestOf, subjectOf, type Session, unreadOf } from "./model.js";
import { now } from "../common/clock.js";
import { dismissOffers } from "./acts.js";
import { closedOffers, current, look, openOffers, state, view } from "./store.js";
import { progressWords } from "./explain.js";
import { shortcut } from "./combination.js";
import { goTo } from "./go.js";
import { OfferCard } from "./offer.js";
import { draftOf } from "./sends.js";
import { Key } from "./parts.js";
import { t } from "./text.js";

export function Rail() {
  const { sessions } = state.value;
  const rail = useRef<HTMLElement>(null);
  const first = openOffers.value[0]?.ticket;
  useEffect(() => {
    if (first !== undefined) {
      rail.current?.scrollTo({ top: 0 }); // what a key accepts is in sight
    }
  }, [first]);
  return (
    <nav ref={rail} class="rail" aria-label={t("yourWork")}>
      <section aria-label={t("offers")} aria-live="polite">
        {openOffers.value.map((offer) => (
          <OfferCard key={String(offer.ticket)} offer={offer} />
        ))}
      </section>
      <ul class="session-list" aria-label={t("sessions")}>
        {sessions.map((session, n) => (
          <li key={session.id}>
            <SessionItem session={session} number={n + 1} isCurrent={session.id === current.value?.id} />
          </li>
        ))}
      </ul>
      {sessions.length === 0 && <p class="soft rail-empty">{t("noSessions")}</p>}
      <section aria-label={t("closedOffers")} aria-live="polite">
        {closedOffers.value.map((offer) => (
          <OfferCard key={String(offer.ticket)} offer={offer} />
        ))}
        {closedOffers.value.length > 1 && <Button class="dismiss-all" onClick={dismissOffers}>{t("dismissAll")}</Button>}
      </section>
      <Latest />
      <button
        type="button"
        class="session-item"
        aria-current={view.value.kind === "bins" ? "page" : "false"}
        aria-keyshortcuts={shortcut("g")}
        onClick={() => look({ kind: "bins" })}
      >
        {t("bins")} <Key text="G" />
      </button>
    </nav>
  );
}

/** The latest line of progress. */
function Latest() {
  const latest = state.value.progress.at(-1);
  return latest ? (
    <p class="latest soft">
      {timeOfDay(latest.atMs)} {progressWords(latest)}
    </p>
  ) : null;
}

function SessionItem(props: { session: Session; number: number; isCurrent: boolean }) {
  const { session, number, isCurrent } = props;
  const { agentId } = state.value;
  const unread = unreadOf(session, agentId);
  const last = session.conversation?.lines.at(-1);
  const lastMs = last ? Number(last.timeMs) : session.sinceMs;
  const about = subjectOf(session.properties) || requestOf(session.properties);
  const awaited = last !== undefined && lineOf(last, agentId).by === "customer";
  return (
    <button
      type="button"
      class={`session-item ${session.ended ? "session-ended" : ""}`}
      aria-current={isCurrent ? "page" : "false"}
      onClick={() => goTo(session.id)}
    >
      <span class="session-item-head">
        <strong class="cut">{customerOf(session.properties)}</strong>
        {unread > 0 && <span class="badge" aria-label={t("unread", { count: unread })}>{unread}</span>}
        {number <= 9 && <Key text={String(number)} />}
      </span>
      <span class="session-item-line soft">
        <span class="cut">{about}</span>
        {session.ended ? (
          <span>{t("ended")}</span>
        ) : (
          <span class={`timer ${awaited ? "timer-awaited" : ""}`} title={t("sinceLast")}>
            <span class="unseen">{t("sinceLast")} </span>
            {stopwatch(now.value - lastMs)}
          </span>
        )}
      </span>
      <span class="session-item-line soft">
        <span class="cut">{marks(session)}</span>
      </span>
    </button>
  );
}

/** What is to be known of a session at a glance. */
function marks(s: Session): string {
  return [
    s.properties.isHeld && t("held"),
    !s.properties.isOnline && !s.ended && s.properties.mediaType === "chat" && t("offline"),
    draftOf(s.id).text && t("draft"),
    s.conversation?.loaded && lastNumber(s) === 0 && !s.ended && t("nothingSaid"),
  ]
    .filter(Boolean)
    .join(" · ");
}
