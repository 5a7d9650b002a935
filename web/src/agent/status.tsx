// The status lines: who, where, what may come, how the connection is.
import { WorkMode } from "@usher-cc/client/gen/routing";
import { Button } from "../common/button.js";
import { Menu } from "../common/menu.js";
import * as acts from "./acts.js";
import { audible, muted } from "./attention.js";
import { run } from "./commands.js";
import { link } from "./desk.js";
import { show } from "./dialogs.js";
import { auxWords, reasonWords } from "./explain.js";
import { available, live, state } from "./store.js";
import { CommandButton, Until } from "./parts.js";
import { t } from "./text.js";

export function Status() {
  const { status, name, agentId } = state.value;
  if (!status) {
    return null;
  }
  return (
    <div class="status">
      <div class="status-who">
        <strong>{name || agentId}</strong>
        <span class="soft">{[agentId, status.place, status.extension && t("extensionIs", { extension: status.extension })].filter(Boolean).join(" · ")}</span>
      </div>
      <Connection />
      <Mode />
      {status.media.length === 0 && <span class="chip chip-warn">{t("noMedia")}</span>}
      {status.media.map((media) => (
        <MediaSwitch key={media.mediaType} media={media} />
      ))}
      <CommandButton id="available" kind="primary" place={acts.statusPlace} />
      {available.value && <CommandButton id="away" place={acts.statusPlace} />}
      <Menu label={t("more")} align="end" items={moreItems()}>
        {t("more")}
      </Menu>
    </div>
  );
}

function moreItems() {
  const item = (id: string, label: string) => ({ label, onSelect: () => void run(id) });
  return [
    item(state.value.status?.doNotDisturb ? "dndOff" : "dnd", state.value.status?.doNotDisturb ? t("doNotDisturbOff") : t("doNotDisturbOn")),
    item("mute", muted.value ? t("unmute") : t("mute")),
    item("notify", t("allowNotifications")),
    { label: t("palette"), onSelect: () => show({ kind: "palette" }) },
    item("help", t("help")),
    item("logout", t("logOut")),
  ];
}

function Connection() {
  const connected = link.value.state === "connected";
  return (
    <span class={`chip ${connected ? "chip-good" : "chip-bad"}`} role="status">
      {connected ? t("connected") : t("notConnected")} <Tone />
    </span>
  );
}

/** Whether offers are heard. It is as wide when they are: the first press of a button must not move that button. */
function Tone() {
  const silent = muted.value ? t("muted") : audible.value ? undefined : t("soundWaits");
  return (
    <span class={silent ? "tone-off" : ""} title={silent}>
      <span aria-hidden="true">♪</span>
      {silent && <span class="unseen"> {silent}</span>}
    </span>
  );
}

/** The name of a work mode. */
function modeName(mode: WorkMode, code = 0, reason = ""): string {
  const names = {
    [WorkMode.UNSPECIFIED]: "",
    [WorkMode.AUX]: code > 0 ? t("modeAuxBecause", { reason: auxWords(code, reason) }) : t("modeAux"),
    [WorkMode.ACW]: t("modeAcw"),
    [WorkMode.AUTO_IN]: t("modeAutoIn"),
    [WorkMode.MANUAL_IN]: t("modeManualIn"),
  };
  return names[mode];
}

/** The work mode, with what follows it; a menu of all. */
function Mode() {
  const s = state.value.status;
  if (!s || s.workMode === WorkMode.UNSPECIFIED) {
    return s?.doNotDisturb ? <span class="chip chip-warn">{t("doNotDisturb")}</span> : null;
  }
  const pending = s.pendingWorkMode !== WorkMode.UNSPECIFIED && s.pendingWorkMode !== s.workMode;
  const mine = pending ? modeName(s.workMode) : modeName(s.workMode, s.reasonCode, s.reason);
  const mode = (to: WorkMode) => ({ label: modeName(to), onSelect: () => void acts.setWorkMode(to) });
  const away = { label: t("modeAuxChoose"), onSelect: () => show({ kind: "away" }) };
  return (
    <>
      <Menu label={`${t("workMode")}: ${mine}`} items={[mode(WorkMode.AUTO_IN), mode(WorkMode.MANUAL_IN), mode(WorkMode.ACW), away]}>
        <span class="mode">{mine}</span>
      </Menu>
      {s.workMode === WorkMode.ACW && s.acwUntilMs > 0n && <Until ms={Number(s.acwUntilMs)} label={t("acwLeft")} />}
      {pending && (
        <span class="chip chip-warn">
          {t(live.value.length > 0 ? "modeAfter" : "modeNext", { mode: modeName(s.pendingWorkMode, s.reasonCode), count: live.value.length })}
        </span>
      )}
      {s.doNotDisturb && <span class="chip chip-warn">{t("doNotDisturb")}</span>}
    </>
  );
}

function MediaSwitch(props: { media: { mediaType: string; ready: boolean; reason: string; capacityLeft: number } }) {
  const { mediaType, ready, reason } = props.media;
  const words = ready ? t("ready") : reason ? t("notReadyBecause", { reason: reasonWords(reason) }) : t("notReady");
  const change = () => (ready ? show({ kind: "notReady", mediaType }) : void acts.setReady(mediaType, true));
  return (
    <Button class={`media ${ready ? "media-ready" : ""}`} pressed={ready} onClick={change}>
      {mediaType}: {words}
    </Button>
  );
}
