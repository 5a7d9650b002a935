import { useId } from "preact/hooks";
import { CopyButton } from "./copy.js";
import { tenant } from "./state.js";
import { t } from "./text.js";

/** Snippet is what is put on a page so that it has the chat of a site. */
export function Snippet(props: { site: string }) {
  const id = useId();
  const of = tenant.value === "default" ? "" : `\n        data-tenant="${tenant.value}"`;
  const html = `<!-- ${t("snippetComment", { site: props.site })} -->
<script src="${location.origin}/chat.js"
        data-site="${props.site}"${of} async></script>`;
  return (
    <div class="field">
      <label for={id}>{t("snippet")}</label>
      <textarea id={id} class="admin-code" readOnly rows={3 + (of ? 1 : 0)} wrap="off" value={html} />
      <div class="admin-actions">
        <CopyButton text={html} from={id} />
        <a href={`/chat?site=${encodeURIComponent(props.site)}${of && `&tenant=${encodeURIComponent(tenant.value)}`}`} target="_blank" rel="noopener">
          {t("tryChat")}
        </a>
      </div>
    </div>
  );
}
