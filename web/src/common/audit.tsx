import type { AuditLine, EventAuditLog } from "@usher-cc/client/gen/statistics";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./button.js";
import { participantName } from "./sequence/arrows.js";
import { Table } from "./table.js";
import { t } from "./text.js";
import { dateAndTime } from "./time.js";
import "./audit.css";

/** What was done by a request, for people. */
const acts: Record<string, () => string> = {
  ApplyConfiguration: () => t("auditApplied"),
  CreateApiKey: () => t("auditKeyMade"),
  RevokeApiKey: () => t("auditKeyRevoked"),
  CreateTenant: () => t("auditTenantMade"),
  RequestIntrude: () => t("auditIntruded"),
  RequestPlaceInQueue: () => t("auditRequeued"),
  RequestPlaceInWorkbin: () => t("auditStored"),
  RequestTransfer: () => t("auditReassigned"),
  RequestStopProcessing: () => t("auditStopped"),
  RequestMoveInteractions: () => t("auditMoved"),
  RequestLockInteraction: () => t("auditLocked"),
  RequestUnlockInteraction: () => t("auditUnlocked"),
  RequestAgentLogout: () => t("auditLoggedOut"),
  RequestAddMedia: () => t("auditMediaAdded"),
  RequestRemoveMedia: () => t("auditMediaRemoved"),
  RequestNotReadyForMedia: () => t("auditNotReady"),
  RequestCancelNotReadyForMedia: () => t("auditReady"),
  RequestChangeMediaStateReason: () => t("auditMediaReason"),
  RequestChangeAgentStateReason: () => t("auditStateReason"),
  RequestSetAgentState: () => t("auditStateSet"),
  RequestDoNotDisturbOn: () => t("auditUndisturbed"),
  RequestDoNotDisturbOff: () => t("auditDisturbed"),
};

const actOf = (line: AuditLine): string => acts[line.request]?.() ?? line.request;

/** AuditLog shows who changed what, and who interfered; latest first. */
export function AuditLog(props: {
  /** Reads a page of what was before a sequence; 0 for the latest. */
  load: (beforeSequence: bigint) => Promise<EventAuditLog>;
  /** Says what went wrong. */
  words: (thrown: unknown) => string;
}) {
  const [lines, setLines] = useState<readonly AuditLine[]>([]);
  const [more, setMore] = useState(false);
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(true);
  const [text, setText] = useState("");
  // An answer counts only if nothing was asked since.
  const asked = useRef(0);
  const read = async (before: bigint, former: readonly AuditLine[]) => {
    const mine = ++asked.current;
    setBusy(true);
    setError(undefined);
    try {
      const page = await props.load(before);
      if (mine === asked.current) {
        setLines([...former, ...page.lines]);
        setMore(page.more);
      }
    } catch (thrown) {
      if (mine === asked.current) {
        setError(props.words(thrown));
      }
    }
    if (mine === asked.current) {
      setBusy(false);
    }
  };
  useEffect(() => {
    void read(0n, []);
    return () => void asked.current++;
  }, []);
  const wanted = text.trim().toLocaleLowerCase();
  const shown = wanted ? lines.filter((line) => allOf(line).includes(wanted)) : lines;
  return (
    <section class="audit" aria-label={t("audit")}>
      <div class="audit-bar">
        <label>
          <span>{t("auditFilter")}</span>
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <Button busy={busy} onClick={() => read(0n, [])}>
          {t("auditRefresh")}
        </Button>
      </div>
      {error && (
        <p class="field-error" role="alert">
          {error}
        </p>
      )}
      <div class="audit-table">
        <Table
          caption={t("audit")}
          rows={shown}
          rowKey={(line) => `${line.sequence} ${line.request}`}
          empty={busy ? t("auditReading") : t("auditNone")}
          columns={[
            { key: "time", title: t("auditTime"), cell: (line) => <bdi dir="ltr">{dateAndTime(Number(line.timeMs))}</bdi>, sort: (line) => line.sequence },
            { key: "actor", title: t("auditActor"), cell: (line) => <bdi>{participantName(line.actor)}</bdi>, sort: (line) => participantName(line.actor) },
            { key: "request", title: t("auditRequest"), cell: (line) => <span title={line.request}>{actOf(line)}</span>, sort: actOf },
            { key: "agent", title: t("auditAgent"), cell: (line) => <bdi>{line.agentId}</bdi>, sort: (line) => line.agentId },
            { key: "interaction", title: t("auditInteraction"), cell: (line) => <bdi>{line.interactionId}</bdi>, sort: (line) => line.interactionId },
            { key: "reason", title: t("auditReason"), cell: (line) => line.reason, sort: (line) => line.reason },
            { key: "details", title: t("auditDetails"), cell: (line) => <Details of={line.details} /> },
          ]}
        />
      </div>
      {more && (
        <Button busy={busy} onClick={() => read(lines.at(-1)?.sequence ?? 0n, lines)}>
          {t("auditEarlier")}
        </Button>
      )}
    </section>
  );
}

function Details(props: { of: readonly string[] }) {
  return props.of.length === 0 ? null : (
    <ul class="audit-details">
      {props.of.map((detail, n) => (
        <li key={n}>{detail}</li>
      ))}
    </ul>
  );
}

const allOf = (line: AuditLine): string =>
  [participantName(line.actor), actOf(line), line.request, line.agentId, line.interactionId, line.reason, ...line.details].join("\n").toLocaleLowerCase();
