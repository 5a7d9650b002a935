// The start page: the way to each window.
import { Page, show } from "../common/page.js";
import "./start.css";
import { t } from "./text.js";

const windows = [
  { path: "/agent", title: "agent", about: "agentAbout" },
  { path: "/wall", title: "wall", about: "wallAbout" },
  { path: "/admin", title: "admin", about: "adminAbout" },
  { path: "/chat?site=demo", title: "chat", about: "chatAbout" },
] as const;

function Start() {
  return (
    <Page title={t("title")}>
      <nav class="start" aria-label={t("windows")}>
        {windows.map(({ path, title, about }) => (
          <div class="card" key={path}>
            <h2>
              <a href={path}>{t(title)}</a>
            </h2>
            <p class="soft">{t(about)}</p>
          </div>
        ))}
      </nav>
    </Page>
  );
}

void show(() => <Start />);
