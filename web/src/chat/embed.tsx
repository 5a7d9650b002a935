// chat.js: the chat on somebody else's page, in a shadow root, so that neither
// page's styles reach into the other.
import { render } from "preact";
import { translated } from "../common/locale.js";
import { t } from "./text.js";

const host = document.createElement("div");
const root = host.attachShadow({ mode: "open" });
document.body.append(host);
void translated().then(() => render(<h2>{t("title")}</h2>, root));
