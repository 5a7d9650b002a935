// What is known of a session beside what was said: user data, properties,
// parties, progress.
import { ParticipantKind, VisibilityMode } from "@usher-cc/client/gen/common";
import { queueName } from "../common/queues.js";
import { dateAndTime, stopwatch } from "../common/time.js";
import { now } from "../common/clock.js";
import { type Session, userData, waitedMs } from "./model.js";
import { CommandButton } from "./parts.js";
import { nameOf, state } from "./store.js";
import { t } from "./text.js";

export function Details(props: { session: Session }) {
  const { session } = props;
  const p = session.properties;
  return (
    <aside class="details" aria-label={t("details")}>
      <section class="card">
        <h3>{t("userData")}</h3>
        <List rows={userData(p)} empty={t("noUserData")} />
        <CommandButton id="data" />
      </section>
      <section class="card">
        <h3>{t("properties")}</h3>
        <List rows={propertiesOf(session)} />
      </section>
      <section class="card">
        <h3>{t("parties")}</h3>
        <ul class="plain">
          {p.parties.filter((party) => party.participant?.kind === ParticipantKind.AGENT).map((party) => (
            <li key={party.participant?.id}>
              {party.participant?.id === state.value.agentId ? t("youName") : nameOf(party.participant)} <span class="soft">{seenAs(party.visibility)} {stopwatch((session.ended?.atMs ?? now.value) - Number(party.sinceMs))}</span>
            </li>
          ))}
        </ul>
      </section>
    </aside>
  );
}

const seenAs = (v: VisibilityMode): string =>
  v === VisibilityMode.COACH ? t("asCoach") : v === VisibilityMode.MONITOR ? t("asMonitor") : "";

function propertiesOf({ properties: p, id }: Session): [string, string][] {
  const mine = p.parties.find((party) => party.skill)?.skill ?? "";
  const waited = waitedMs(p);
  const rows: [string, string][] = [
    [t("mediaType"), p.mediaType],
    [t("queue"), queueName(p.queue)],
    [t("workbin"), p.workbin?.name ?? ""],
    [t("vdn"), p.vdn],
    [t("skill"), mine],
    [t("priority"), p.priority === 0 ? "" : String(p.priority)],
    [t("received"), dateAndTime(Number(p.receivedAtMs))],
    [t("waited"), waited === undefined ? "" : stopwatch(waited)],
    [t("externalId"), p.externalId],
    [t("interactionId"), id],
  ];
  return rows.filter(([, text]) => text !== "");
}

function List(props: { rows: [string, string][]; empty?: string }) {
  return props.rows.length === 0 ? (
    <p class="soft">{props.empty}</p>
  ) : (
    <dl class="data">
      {props.rows.map(([key, text]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
