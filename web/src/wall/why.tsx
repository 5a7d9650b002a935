import { type EventWhyWaiting, Routing } from "@usher-cc/client/gen/routing";
import { useEffect, useState } from "preact/hooks";
import { count, stopwatch } from "../common/time.js";
import { Elapsed } from "./marks.js";
import { besides, connection, words } from "./state.js";
import { t } from "./text.js";

/** How often the question is asked anew while somebody looks: the answer is computed on read. */
const askMs = 3_000;

/** Why says why an interaction is still waiting. */
export function Why(props: { id: string; waits: boolean }) {
  const { id, waits } = props;
  const [answer, setAnswer] = useState<EventWhyWaiting>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    let over = !waits;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      if (document.visibilityState === "visible") {
        try {
          const why = await connection.call(Routing.method.whyWaiting, { interactionId: id });
          if (!over) {
            setAnswer(why);
            setError(undefined);
          }
        } catch (thrown) {
          if (!over) {
            setError(words(thrown));
          }
        }
      }
      if (!over) {
        timer = setTimeout(() => void ask(), askMs);
      }
    };
    if (!over) {
      void ask();
    }
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [id, waits]);
  if (!waits) {
    return <p>{t("notWaiting")}</p>;
  }
  return (
    <div class="why">
      {besides(error) && (
        <p class="trouble" role="alert">
          {error}
        </p>
      )}
      {answer ? <Answer why={answer} /> : !error && <p role="status">{t("reading")}</p>}
    </div>
  );
}

function Answer(props: { why: EventWhyWaiting }) {
  const { why } = props;
  const wait = why.expectedWait;
  return (
    <>
      <p class="why-summary">{why.summary}</p>
      <dl class="facts">
        <dt>{t("waitsSince")}</dt>
        <dd>
          <Elapsed sinceMs={Number(why.waitingSinceMs)} />
        </dd>
        {wait && (
          <>
            <dt>{t("expectedWait")}</dt>
            <dd>{wait.infinite ? t("noEnd") : stopwatch(Number(wait.expectedWaitMs))}</dd>
          </>
        )}
        {why.vectorState && (
          <>
            <dt>{t("vector")}</dt>
            <dd>
              {why.vectorState.vector}
              {why.step && (
                <>
                  : <code>{why.step}</code>
                </>
              )}
            </dd>
          </>
        )}
      </dl>
      <h3>{t("whyPlaces")}</h3>
      {why.places.length === 0 ? (
        <p class="soft">{t("whyPlacesNone")}</p>
      ) : (
        <ul>
          {why.places.map((place) => (
            <li key={place.where}>
              {place.where} <span class="soft">{t("whyPlace", { position: place.position, staffed: place.staffed, available: place.available })}</span>
            </li>
          ))}
        </ul>
      )}
      <h3>{t("whyExclusions")}</h3>
      {why.exclusions.length === 0 ? (
        <p class="soft">{t("whyExclusionsNone")}</p>
      ) : (
        <ul class="why-exclusions">
          {why.exclusions.map((exclusion) => (
            <li key={exclusion.rule}>
              <details open={exclusion.count <= 3}>
                <summary>
                  <strong>{exclusion.rule}</strong> {exclusion.description} <span class="soft">{t("agentsCount", { count: exclusion.count })}</span>
                </summary>
                <ul>
                  {exclusion.agents.map((agent) => (
                    <li key={agent.agentId}>
                      {agent.agentId}
                      {agent.detail && <span class="soft">: {agent.detail}</span>}
                    </li>
                  ))}
                  {exclusion.count > exclusion.agents.length && <li class="soft">{t("furtherAgents", { more: count(exclusion.count - exclusion.agents.length) })}</li>}
                </ul>
              </details>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
