import { ReasonKind } from "@usher-cc/client/gen/administration";
import { InteractionManagement } from "@usher-cc/client/gen/interaction_management";
import { WorkMode } from "@usher-cc/client/gen/routing";
import { type AgentRow, AgentRowState } from "@usher-cc/client/gen/statistics";
import { useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { Dialog } from "../common/dialog.js";
import { Field } from "../common/field.js";
import { queueName } from "../common/queues.js";
import { t as common } from "../common/text.js";
import { Media, modeText, State } from "./agents.js";
import { Elapsed } from "./marks.js";
import { ReasonField } from "./reason-dialog.js";
import { address, directory, known, session, words } from "./state.js";
import { t } from "./text.js";

const im = InteractionManagement.method;

/** What a supervisor can do about an agent. */
type Act = "ready" | "notReady" | "aux" | "autoIn" | "logout";

const reasonKinds: Record<Act, ReasonKind> = {
  ready: ReasonKind.UNSPECIFIED,
  notReady: ReasonKind.NOT_READY,
  aux: ReasonKind.AUX,
  autoIn: ReasonKind.UNSPECIFIED,
  logout: ReasonKind.LOGOUT,
};

/** AgentDialog shows an agent as he is, live, and changes his state. */
export function AgentDialog(props: { agentId: string; onClose: () => void }) {
  const row = known.value.agents.get(props.agentId);
  return (
    <Dialog title={row?.name ? `${row.name} (${props.agentId})` : props.agentId} onClose={props.onClose} class="agent-dialog">
      {row ? (
        <>
          <Facts row={row} onClose={props.onClose} />
          <Force row={row} />
        </>
      ) : (
        <p>{t("agentGone")}</p>
      )}
      <div class="dialog-actions">
        <Button onClick={props.onClose}>{common("close")}</Button>
      </div>
    </Dialog>
  );
}

function Facts(props: { row: AgentRow; onClose: () => void }) {
  const { row } = props;
  return (
    <dl class="facts">
      <dt>{t("state")}</dt>
      <dd>
        <State row={row} /> <Elapsed sinceMs={Number(row.sinceMs)} />
      </dd>
      <dt>{t("media")}</dt>
      <dd>
        <Media row={row} />
      </dd>
      <dt>{t("mode")}</dt>
      <dd>{modeText(row) || "–"}</dd>
      <dt>{t("place")}</dt>
      <dd>{[row.place, row.extension].filter(Boolean).join(" · ") || "–"}</dd>
      <dt>{t("groups")}</dt>
      <dd>{row.agentGroups.join(", ") || "–"}</dd>
      <dt>{t("handlesWhat")}</dt>
      <dd>
        {row.handling.length === 0
          ? "–"
          : row.handling.map((h) => (
              <div key={h.interactionId}>
                <a href={address("interactions", h.interactionId)} onClick={props.onClose}>
                  {h.interactionId}
                </a>{" "}
                <span class="soft">
                  {[h.mediaType, queueName(h.queue) || (h.queue && t("workbin"))].filter(Boolean).join(" · ")} · <Elapsed sinceMs={Number(h.sinceMs)} />
                </span>
              </div>
            ))}
      </dd>
    </dl>
  );
}

/** Force changes an agent's state. What it has done stays in sight when that has logged him out. */
function Force(props: { row: AgentRow }) {
  const { row } = props;
  const [act, setAct] = useState<Act>();
  const [media, setMedia] = useState("");
  const [code, setCode] = useState(0);
  const [reason, setReason] = useState("");
  const [outcome, setOutcome] = useState<{ words: string; refused: boolean }>();
  const [busy, setBusy] = useState(false);
  const name = row.name || row.agentId;
  const acts = possible(row);
  const medium = media || row.media[0]?.mediaType || "";
  const run = async (chosen: Act) => {
    setBusy(true);
    setOutcome(undefined);
    try {
      await force(row.agentId, chosen, medium, code, reason.trim());
      setOutcome({ words: t("forced", { act: actTitles[chosen](), name }), refused: false });
      setReason("");
    } catch (thrown) {
      setOutcome({ words: words(thrown), refused: true });
    }
    setBusy(false);
  };
  const told = (
    <p role="status" class={outcome?.refused ? "trouble" : "outcome"}>
      {outcome?.words}
    </p>
  );
  if (row.state === AgentRowState.LOGGED_OUT) {
    return (
      <>
        <p class="soft">{t("nothingToForce")}</p>
        {told}
      </>
    );
  }
  return (
    <form
      class="force"
      onSubmit={(event) => {
        event.preventDefault();
        if (act && reason.trim() && !busy) {
          void run(act);
        }
      }}
    >
      <fieldset>
        <legend>{t("force")}</legend>
        {acts.map((a) => (
          <label key={a} class="wall-check">
            <input
              type="radio"
              name="act"
              value={a}
              checked={act === a}
              onChange={() => {
                setAct(a);
                setOutcome(undefined);
              }}
            />
            {actTitles[a]()}
          </label>
        ))}
      </fieldset>
      {act && (
        <>
          {(act === "ready" || act === "notReady") && row.media.length > 1 && (
            <Field label={t("mediaType")}>
              {(control) => (
                <select {...control} value={medium} onChange={(event) => setMedia(event.currentTarget.value)}>
                  {row.media.map((m) => (
                    <option key={m.mediaType}>{m.mediaType}</option>
                  ))}
                </select>
              )}
            </Field>
          )}
          {act === "aux" && <AuxCode code={code} setCode={setCode} setReason={setReason} />}
          <ReasonField kind={reasonKinds[act]} reason={reason} setReason={setReason} />
          <p>{effects[act](name, medium)}</p>
          <Button type="submit" kind={act === "logout" ? "danger" : "primary"} busy={busy} disabled={reason.trim() === ""}>
            {actTitles[act]()}
          </Button>
        </>
      )}
      {told}
    </form>
  );
}

// The reason codes of AUX that are configured; a code of one's own if there are none.
function AuxCode(props: { code: number; setCode: (code: number) => void; setReason: (reason: string) => void }) {
  const offered = (directory.value?.reasons ?? []).filter((reason) => reason.kind === ReasonKind.AUX);
  return (
    <Field label={t("auxCode")}>
      {(control) =>
        offered.length > 0 ? (
          <select
            {...control}
            value={props.code}
            onChange={(event) => {
              const code = Number(event.currentTarget.value);
              props.setCode(code);
              props.setReason(offered.find((reason) => reason.code === code)?.name ?? "");
            }}
          >
            {!offered.some((reason) => reason.code === props.code) && <option value={props.code}>{props.code}</option>}
            {offered.map((reason) => (
              <option key={reason.name} value={reason.code}>
                {reason.code} {reason.label || reason.name}
              </option>
            ))}
          </select>
        ) : (
          <input
            {...control}
            type="number"
            min={0}
            max={99}
            value={props.code}
            onInput={(event) => props.setCode(event.currentTarget.valueAsNumber || 0)}
          />
        )
      }
    </Field>
  );
}

// What makes sense for the agent: work modes only for those who have them.
function possible(row: AgentRow): Act[] {
  const acts: Act[] = row.media.length > 0 ? ["ready", "notReady"] : [];
  if (row.workMode !== WorkMode.UNSPECIFIED) {
    acts.push("aux", "autoIn");
  }
  acts.push("logout");
  return acts;
}

const actTitles: Record<Act, () => string> = {
  ready: () => t("forceReady"),
  notReady: () => t("forceNotReady"),
  aux: () => t("forceAux"),
  autoIn: () => t("forceAutoIn"),
  logout: () => t("forceLogout"),
};

const effects: Record<Act, (name: string, media: string) => string> = {
  ready: (name, media) => t("forceReadyEffect", { name, media }),
  notReady: (name, media) => t("forceNotReadyEffect", { name, media }),
  aux: (name) => t("forceAuxEffect", { name }),
  autoIn: (name) => t("forceAutoInEffect", { name }),
  logout: (name) => t("forceLogoutEffect", { name }),
};

function force(agentId: string, act: Act, mediaType: string, reasonCode: number, reason: string): Promise<unknown> {
  switch (act) {
    case "ready":
      return session.request(im.cancelNotReadyForMedia, { agentId, mediaType, reason });
    case "notReady":
      return session.request(im.notReadyForMedia, { agentId, mediaType, reason });
    case "aux":
      return session.request(im.setAgentState, { agentId, workMode: WorkMode.AUX, reasonCode, reason });
    case "autoIn":
      return session.request(im.setAgentState, { agentId, workMode: WorkMode.AUTO_IN, reason });
    case "logout":
      return session.request(im.agentLogout, { agentId, force: true, reason });
  }
}
