import { share, stopwatch, count } from "../common/time.js";
import { type Figures, judgeAbandoned, judgeServiceLevel, worst } from "./figures.js";
import { Judged } from "./marks.js";
import { LongestWait, shareOr, Sums, waitLevel } from "./queues.js";
import { known, thresholds, watching } from "./state.js";
import { t } from "./text.js";

/** Board is for a big screen: only figures, large, and nothing to press but the way back. */
export function Board() {
  document.title = t("title");
  const queues = [...known.value.queues.values()];
  return (
    <main class="board">
      <h1 class="unseen">{t("title")}</h1>
      {watching.value.state === "reconnecting" && (
        <p class="wall-broken" role="alert">
          {t("broken")}
        </p>
      )}
      <Sums queues={queues} />
      <ul class="board-queues">
        {queues.map((f) => (
          <Tile key={f.queue} figures={f} />
        ))}
      </ul>
      <a class="board-back" href={location.pathname}>
        {t("boardBack")}
      </a>
    </main>
  );
}

function Tile(props: { figures: Figures }) {
  const f = props.figures;
  const service = judgeServiceLevel(f.serviceLevel, f.target, thresholds.value);
  const abandoned = judgeAbandoned(f.abandonRate, thresholds.value);
  const level = worst([service, abandoned, waitLevel(f)]);
  return (
    <li class={`board-queue board-${level}`}>
      <h2>{f.queue}</h2>
      <p class="board-main">
        <Judged level={service}>{shareOr(f.serviceLevel)}</Judged>
      </p>
      <p class="soft">{t("target", { target: share(f.target), within: stopwatch(f.withinMs) })}</p>
      <dl>
        <div>
          <dt>{t("waiting")}</dt>
          <dd>{count(f.waiting)}</dd>
        </div>
        <div>
          <dt>{t("longestWait")}</dt>
          <dd>
            <LongestWait figures={f} />
          </dd>
        </div>
        <div>
          <dt>{t("agentsOf")}</dt>
          <dd>
            <bdi>{t("available", { available: f.available, staffed: f.staffed })}</bdi>
          </dd>
        </div>
        <div>
          <dt>{t("abandonRate")}</dt>
          <dd>
            <Judged level={abandoned}>{shareOr(f.abandonRate)}</Judged>
          </dd>
        </div>
      </dl>
    </li>
  );
}
