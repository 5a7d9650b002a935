// The plain page: /chat?site=demo&tenant=default&request_type=billing&token=...
import { show } from "../common/page.js";
import { Chat } from "./chat.js";
import "./chat.css";
import { View } from "./view.js";

const query = new URLSearchParams(location.search);
const token = query.get("token");

if (token) {
  // It is for this visit, not for the history or for whoever sees the address.
  query.delete("token");
  history.replaceState(null, "", `?${query}`);
}

void show(() => {
  const chat = new Chat({
    server: location.origin,
    tenant: query.get("tenant") ?? "",
    site: query.get("site") ?? "",
    requestType: query.get("request_type") ?? "",
    token: token ? () => Promise.resolve(token) : undefined,
    store: () => sessionStorage,
  });
  return <Plain chat={chat} />;
});

function Plain({ chat }: { chat: Chat }) {
  document.title = chat.site.value?.title || "Usher";
  return (
    <main class="usher chat-page">
      <View chat={chat} shown focus />
    </main>
  );
}
