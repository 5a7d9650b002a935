// The window as a whole: which stage it is in, and what stands where.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { Button } from "../common/button.js";
import { Page } from "../common/page.js";
import { timeOfDaySeconds } from "../common/time.js";
import { followAsked, statusPlace } from "./acts.js";
import { askForNotifications, notifications, tabTitle } from "./attention.js";
import { Bins } from "./bins.js";
import { now } from "../common/clock.js";
import { desk, link, open, stage } from "./desk.js";
import { dialog } from "./dialogs.js";
import { listenForKeys } from "./keys.js";
import { LeaveDialog } from "./leave.js";
import { Login, Seat, seating, sitDown } from "./login.js";
import { Help, Palette } from "./palette.js";
import { PeoplePicker, PullPicker, QueuePicker, WorkbinPicker } from "./pickers.js";
import { progressWords } from "./explain.js";
import { Rail } from "./rail.js";
import { Reasons } from "./reasons.js";
import { restoreUnsent } from "./sends.js";
import { SessionView } from "./session.js";
import { Status } from "./status.js";
import { current, state, view } from "./store.js";
import { UserDataDialog } from "./userdata.js";
import { CommandButton, Trouble } from "./parts.js";
import { t } from "./text.js";

export function App() {
  const atDesk = stage.value === "desk" && state.value.status !== undefined;
  return (
    <Page title={t("title")} tab={tabTitle()} header={atDesk && <Status />}>
      <Stages />
      {stage.value === "desk" && <Dialogs />}
    </Page>
  );
}

function Stages() {
  switch (stage.value) {
    case "login":
      return <Login />;
    case "opening":
      return <Opening />;
    case "replaced":
      return (
        <Message title={t("replacedTitle")} text={t("replaced")}>
          <Button kind="primary" onClick={open}>
            {t("useThisOne")}
          </Button>
        </Message>
      );
    case "refused":
      return (
        <Message title={t("refusedTitle")} text={link.value.state === "closed" ? (link.value.error?.description ?? "") : ""}>
          <Button kind="primary" onClick={open}>
            {t("tryAgain")}
          </Button>
        </Message>
      );
    case "desk":
      return <Desk />;
  }
}

function Message(props: { title: string; text: string; children: ComponentChildren }) {
  return (
    <section class="card login" role="alert">
      <h2>{props.title}</h2>
      <p>{props.text}</p>
      {props.children}
    </section>
  );
}

function Opening() {
  const lost = link.value.state === "reconnecting";
  return (
    <p class="soft" role="status">
      {lost ? t("notReached") : t("opening")}
    </p>
  );
}

function Desk() {
  useLayoutEffect(listenForKeys, []); // what is seen hears keys
  useEffect(() => {
    followAsked();
    restoreUnsent();
    if (seating.value && !state.value.status) {
      void sitDown();
    }
    seating.value = seating.value && !state.value.status;
  }, []);
  if (!state.value.status) {
    return <Seat />;
  }
  return (
    <div class="desk">
      <Banner />
      <Trouble place={statusPlace} />
      <div class="desk-columns">
        <Rail />
        <div class="desk-middle">
          {view.value.kind === "bins" ? <Bins /> : current.value ? <SessionView session={current.value} /> : <Idle />}
        </div>
      </div>
    </div>
  );
}

/** What is known of a lost connection. */
function Banner() {
  const l = link.value;
  if (l.state !== "reconnecting") {
    return null;
  }
  void now.value; // each second anew
  const local = Date.now();
  const until = desk().graceUntilMs() ?? local;
  const values = { seconds: Math.max(0, Math.round((local - l.sinceMs) / 1000)), until: timeOfDaySeconds(until) };
  return (
    <div class="banner" role="alert">
      <strong>{t("connectionLost", values)}</strong> <span>{t(until > local ? "kept" : "notKept", values)}</span>
    </div>
  );
}

function Idle() {
  const { progress } = state.value;
  return (
    <section class="idle" aria-label={t("idlePage")}>
      <h2>{t("idle")}</h2>
      <p class="soft">{state.value.status?.media.length === 0 ? t("noMediaHint") : t("idleHint")}</p>
      <div class="row">
        <CommandButton id="available" kind="primary" place={statusPlace} />
        {notifications.value === "default" && <Button onClick={askForNotifications}>{t("allowNotifications")}</Button>}
        {notifications.value === "denied" && <p class="soft">{t("notificationsRefused")}</p>}
      </div>
      <h3>{t("progress")}</h3>
      {progress.length === 0 && <p class="soft">{t("noProgress")}</p>}
      <ol class="progress" aria-label={t("progress")}>
        {progress.map((p, n) => (
          <li key={`${p.atMs} ${n}`}>
            <time class="soft" dateTime={new Date(p.atMs).toISOString()}>
              {timeOfDaySeconds(p.atMs)}
            </time>{" "}
            {progressWords(p)}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Dialogs() {
  const open = dialog.value;
  if (!open) {
    return null;
  }
  switch (open.kind) {
    case "palette":
      return <Palette />;
    case "help":
      return <Help />;
    case "invite":
      return <PeoplePicker how={open.how} id={open.id} />;
    case "leave":
      return <LeaveDialog id={open.id} />;
    case "queue":
      return <QueuePicker id={open.id} />;
    case "workbin":
      return <WorkbinPicker id={open.id} />;
    case "pull":
      return <PullPicker />;
    case "userData":
      return <UserDataDialog id={open.id} />;
    default:
      return <Reasons open={open} />;
  }
}
