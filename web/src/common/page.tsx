// The frame of every page: a header with the title and the settings of the
// window, the page's own content, and the live region of toasts.
import { type ComponentChild, type ComponentChildren, render } from "preact";
import "./theme.css";
import "./components.css";
import { direction, language, languages, setLanguage, translated } from "./locale.js";
import { t } from "./text.js";
import { setTheme, theme, type Theme } from "./theme.js";
import { Toasts } from "./toast.js";

/**
 * Shows a page once its translations are there. The content is a function, so
 * that nothing is translated before.
 */
export async function show(content: () => ComponentChild): Promise<void> {
  document.documentElement.lang = language;
  document.documentElement.dir = direction;
  await translated();
  render(content(), document.getElementById("page")!);
}

/** Page is the common layout. */
export function Page(props: {
  /** The page's title, in the header and in the browser's tab. */
  title: string;
  /** What stands in the browser's tab in its place. */
  tab?: string;
  /** What stands in the header beside the title, e.g. status lines. */
  header?: ComponentChildren;
  /** The page's content. */
  children?: ComponentChildren;
}) {
  document.title = props.tab ?? props.title;
  return (
    <div class="page">
      <header class="page-header">
        <h1>{props.title}</h1>
        <div class="page-header-content">{props.header}</div>
        <Settings />
      </header>
      <main class="page-main">{props.children}</main>
      <Toasts />
    </div>
  );
}

/** Settings are the switches of every window: colours and language. */
function Settings() {
  return (
    <div class="settings">
      <select
        aria-label={t("theme")}
        value={theme.value}
        onChange={(event) => setTheme(event.currentTarget.value as Theme)}
      >
        <option value="system">{t("systemTheme")}</option>
        <option value="light">{t("light")}</option>
        <option value="dark">{t("dark")}</option>
      </select>
      <select aria-label={t("language")} value={language} onChange={(event) => setLanguage(event.currentTarget.value)}>
        {Object.entries(languages).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
