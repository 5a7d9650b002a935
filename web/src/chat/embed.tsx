// chat.js: the chat on somebody else's page, in a shadow root, so that neither
// page's styles reach into the other. Its styles are a constructed style sheet,
// which a content security policy without inline styles allows.
import { render } from "preact";
import components from "../common/components.css?inline";
import { direction, language, translated } from "../common/locale.js";
import theme from "../common/theme.css?inline";
import { Chat } from "./chat.js";
import styles from "./chat.css?inline";
import { Widget } from "./widget.js";

declare global {
  interface Window {
    /** Set by the page around: gets a customer token from its own backend. */
    usherChatToken?: () => string | Promise<string>;
  }
}

const script = document.currentScript as HTMLScriptElement;
const { site = "", tenant = "", token, requestType = "", label = "", theme: wanted } = script.dataset;

function start(): void {
  const host = document.createElement("div");
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  // What was made for a page of our own is made for one whose root is not ours.
  sheet.replaceSync(
    `${theme}${components}${styles}`.replaceAll(":root", ".usher").replace(/([\d.]+)rem\b/g, (_, rem: string) => `${Number(rem) * 16}px`),
  );
  shadow.adoptedStyleSheets = [sheet];
  const root = document.createElement("div");
  root.className = "usher chat-widget";
  root.lang = language;
  root.dir = direction;
  if (wanted) {
    root.dataset.theme = wanted;
  }
  shadow.append(root);
  document.body.append(host);
  const vouched = async () => token || (await window.usherChatToken?.()) || "";
  const chat = new Chat({
    server: new URL(script.src).origin,
    tenant,
    site,
    requestType,
    // The page may set its function after this script has run.
    get token() {
      return token || window.usherChatToken ? vouched : undefined;
    },
    store: () => localStorage,
  });
  render(<Widget chat={chat} label={label} />, root);
}

void translated().then(() => {
  if (document.body) {
    start();
  } else {
    addEventListener("DOMContentLoaded", start);
  }
});
