import { codeOf, ErrorCode, logIn } from "@usher-cc/client";
import { Button } from "../common/button.js";
import { Login } from "../common/login.js";
import { Page, show } from "../common/page.js";
import { Agents } from "./agents.js";
import { Audit } from "./audit.js";
import { Board } from "./board.js";
import { Charts } from "./charts.js";
import { Interactions } from "./interactions.js";
import { Queues } from "./queues.js";
import { address, begin, leave, own, place, watching, who, words } from "./state.js";
import { t } from "./text.js";
import "./wall.css";

const query = new URLSearchParams(location.search);

const tabs = {
  queues: { title: () => t("tabQueues"), show: () => <Queues /> },
  history: { title: () => t("tabHistory"), show: () => <Charts /> },
  agents: { title: () => t("tabAgents"), show: () => <Agents /> },
  interactions: { title: () => t("tabInteractions"), show: () => <Interactions /> },
  audit: { title: () => t("tabAudit"), show: () => <Audit /> },
};

type Tab = keyof typeof tabs;

function Wall() {
  const now = who.value;
  switch (now.state) {
    case "asking":
      return (
        <Page title={t("title")}>
          <p role="status">{t("connecting")}</p>
        </Page>
      );
    case "replaced":
      return (
        <Page title={t("title")}>
          <section class="card wall-replaced" role="alert">
            <p>{t("replaced")}</p>
            <Button kind="primary" onClick={begin}>
              {t("useThisOne")}
            </Button>
          </section>
        </Page>
      );
    case "out":
      return (
        <Page title={t("title")}>
          <Login
            title={t("logInTitle")}
            notice={now.words}
            words={loginWords}
            onLogin={async (agentId, password) => {
              await logIn({ window: "supervisor", tenantId: query.get("tenant") ?? "", agentId, password });
              await begin();
            }}
          />
        </Page>
      );
  }
  return query.get("view") === "board" ? <Board /> : <Inside />;
}

function loginWords(thrown: unknown): string {
  switch (codeOf(thrown)) {
    case ErrorCode.PERMISSION_DENIED:
      return t("notSupervisor");
    case ErrorCode.UNAUTHENTICATED:
      return t("wrongLogin");
  }
  return words(thrown);
}

function Inside() {
  const tab: Tab = place.value.tab in tabs ? (place.value.tab as Tab) : "queues";
  return (
    <Page title={t("title")} header={<Header tab={tab} />}>
      <Broken />
      {tabs[tab].show()}
    </Page>
  );
}

function Header(props: { tab: Tab }) {
  return (
    <div class="wall-header">
      <nav aria-label={t("parts")} class="wall-nav">
        {(Object.keys(tabs) as Tab[]).map((tab) => (
          <a key={tab} href={address(tab)} aria-current={tab === props.tab ? "page" : undefined}>
            {tabs[tab].title()}
          </a>
        ))}
      </nav>
      <span class="wall-me">
        <span>{own.value?.agentName || own.value?.agentId}</span>
        <Button onClick={leave}>{t("logOut")}</Button>
      </span>
    </div>
  );
}

/** Broken says that what is shown is old. */
function Broken() {
  return watching.value.state === "reconnecting" ? (
    <p class="wall-broken" role="alert">
      {t("broken")}
    </p>
  ) : null;
}

void begin();
void show(() => <Wall />);
