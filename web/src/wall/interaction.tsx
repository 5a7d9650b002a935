import { ReasonKind } from "@usher-cc/client/gen/administration";
import { UsherError } from "@usher-cc/client";
import { type EventError, type InteractionProperties, InteractionState, type OpenInvitation, Operation, type Participant, ParticipantKind } from "@usher-cc/client/gen/common";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { Field } from "../common/field.js";
import { queueName } from "../common/queues.js";
import { SequenceDiagram } from "../common/sequence/diagram.js";
import { participantName } from "../common/sequence/arrows.js";
import { dateAndTime } from "../common/time.js";
import { requeueWaiting } from "./acts.js";
import { type FollowedInteraction, followInteraction } from "./follow-interaction.js";
import { Heading, sinceMs, whereOf } from "./interactions.js";
import { Elapsed, interactionStates, SecondsLeft, visibilities } from "./marks.js";
import { ReasonDialog } from "./reason-dialog.js";
import { address, agentName, directory, known, own, readDirectory, refusalWords, session } from "./state.js";
import { Tabs } from "./tabs.js";
import { Talk } from "./talk.js";
import { t } from "./text.js";
import { Why } from "./why.js";

type Part = "talk" | "details" | "messages" | "why";
type Act = "reassign" | "requeue" | "stop";

/** InteractionPanel shows one interaction, live, and what can be done about it. */
export function InteractionPanel(props: { id: string }) {
  const { id } = props;
  const followed = useMemo(() => followInteraction(id), [id]);
  useEffect(() => followed.close, [followed]);
  const [part, setPart] = useState<Part>("talk");
  const [act, setAct] = useState<Act>();
  const i = followed.properties.value;
  const live = i !== undefined && followed.gone.value === undefined;
  return (
    <article class="card interaction" aria-label={t("interactionLabel", { id })}>
      <header class="interaction-header">
        <h2>{i ? <Heading i={i} /> : <bdi>{id}</bdi>}</h2>
        <a class="button" href={address("interactions")}>
          {t("closePanel")}
        </a>
      </header>
      <p class="interaction-state" role="status">
        {followed.gone.value ?? (i ? interactionStates[i.state]() : t("reading"))}
      </p>
      {live && i.invitations.length > 0 && (
        <ul class="interaction-asked" aria-label={t("asked")}>
          {i.invitations.map((open) => (
            <Asked key={open.agentId} open={open} />
          ))}
        </ul>
      )}
      {live && (
        <div class="wall-bar">
          <span class="soft">
            {[i.mediaType, whereOf(i), i.vdn].filter(Boolean).join(" · ")} · <Elapsed sinceMs={sinceMs(i)} />
          </span>
          <span class="wall-bar-end">
            <Button onClick={() => setAct("reassign")}>{t("reassign")}</Button>
            <Button onClick={() => setAct("requeue")}>{t("requeue")}</Button>
            <Button kind="danger" onClick={() => setAct("stop")}>
              {t("stop")}
            </Button>
          </span>
        </div>
      )}
      <Tabs<Part>
        label={t("interactionLabel", { id })}
        chosen={part}
        choose={setPart}
        tabs={[
          { key: "talk", title: t("partTalk") },
          { key: "details", title: t("partDetails") },
          { key: "messages", title: t("partMessages") },
          { key: "why", title: t("partWhy") },
        ]}
      >
        <Shown part={part} id={id} followed={followed} />
      </Tabs>
      {i && act === "reassign" && <Reassign i={i} onClose={() => setAct(undefined)} />}
      {i && act === "requeue" && <Requeue i={i} onClose={() => setAct(undefined)} />}
      {i && act === "stop" && <Stop i={i} onClose={() => setAct(undefined)} />}
    </article>
  );
}

/** An agent who is asked. That he is is said once, the seconds are not. */
function Asked(props: { open: OpenInvitation }) {
  const { agentId, operation, visibility, inviter, deadlineMs } = props.open;
  const values = { name: agentName(agentId), by: partyName(inviter) };
  const words = { [Operation.TRANSFER]: "askedTransfer", [Operation.CONFERENCE]: "askedConference" } as const;
  const key = operation === Operation.TRANSFER || operation === Operation.CONFERENCE ? words[operation] : "askedRoute";
  return (
    <li>
      <span role="status">{t(key, values)}</span>
      <span class="soft">
        {operation === Operation.CONFERENCE && ` · ${visibilities[visibility]()}`} · <SecondsLeft untilMs={Number(deadlineMs)} />
      </span>
    </li>
  );
}

function Shown(props: { part: Part; id: string; followed: FollowedInteraction }) {
  const { id, followed } = props;
  const i = followed.properties.value;
  switch (props.part) {
    case "talk":
      return <Talk id={id} properties={i} gone={followed.gone.value !== undefined} />;
    case "details":
      return i ? <Details i={i} /> : <p class="soft">{t("nothingKnown")}</p>;
    case "messages":
      return <SequenceDiagram lines={followed.lines.value} name={id} words={eventErrorWords} />;
    case "why":
      return <Why id={id} waits={i !== undefined && i.state !== InteractionState.HANDLING && followed.gone.value === undefined} />;
  }
}

// Why a request was refused, for the diagram.
const eventErrorWords = (error: EventError): string => refusalWords(UsherError.of(error));

function Details(props: { i: InteractionProperties }) {
  const { i } = props;
  const time = (ms: bigint) => (ms ? dateAndTime(Number(ms)) : "");
  const rows: [string, string][] = [
    [t("state"), interactionStates[i.state]()],
    [t("queue"), queueName(i.queue)],
    [t("vdn"), i.vdn],
    [t("workbin"), i.workbin ? `${i.workbin.name} (${i.workbin.owner})` : ""],
    [t("mediaType"), i.mediaType],
    [t("kind"), [i.interactionType, i.interactionSubtype].filter(Boolean).join(" · ")],
    [t("priority"), String(i.priority)],
    [t("submitted"), time(i.submittedAtMs)],
    [t("submittedBy"), i.submittedBy ? partyName(i.submittedBy) : ""],
    [t("inQueueSince"), time(i.movedToQueueAtMs)],
    [t("assigned"), i.assignedTo && `${agentName(i.assignedTo)}, ${time(i.assignedAtMs)}`],
    [t("lastAgent"), i.lastAgent && agentName(i.lastAgent)],
    [t("externalId"), i.externalId],
    [t("parentId"), i.parentId],
    [t("online"), i.isOnline ? t("yes") : t("no")],
    [t("held"), i.isHeld ? t("yes") : ""],
    [t("locked"), i.isLocked ? t("yes") : ""],
    [t("version"), String(i.version)],
  ];
  return (
    <div class="details">
      <h3>{t("parties")}</h3>
      {i.parties.length === 0 ? (
        <p class="soft">{t("partiesNone")}</p>
      ) : (
        <ul>
          {i.parties.map((party) => (
            <li key={participantName(party.participant)}>
              <bdi>{partyName(party.participant)}</bdi>
              {party.participant?.kind === ParticipantKind.AGENT && <span class="soft"> · {visibilities[party.visibility]()}</span>}
              <span class="soft">
                {party.place && ` · ${party.place}`} · <Elapsed sinceMs={Number(party.sinceMs)} />
              </span>
            </li>
          ))}
        </ul>
      )}
      <h3>{t("properties")}</h3>
      <dl class="facts">
        {rows
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <Fact key={name} name={name} value={value} />
          ))}
      </dl>
      <h3>{t("userData")}</h3>
      {Object.keys(i.userData ?? {}).length === 0 ? (
        <p class="soft">{t("userDataNone")}</p>
      ) : (
        <dl class="facts">
          {Object.entries(i.userData ?? {}).map(([key, value]) => (
            <Fact key={key} name={key} value={typeof value === "string" ? value : JSON.stringify(value)} />
          ))}
        </dl>
      )}
    </div>
  );
}

// The name of an agent; an id, or what the models call those who have none.
const partyName = (p: Participant | undefined): string => (p?.kind === ParticipantKind.AGENT ? agentName(p.id) : participantName(p));

function Fact(props: { name: string; value: string }) {
  return (
    <>
      <dt>{props.name}</dt>
      <dd dir="auto">{props.value}</dd>
    </>
  );
}

function Reassign(props: { i: InteractionProperties; onClose: () => void }) {
  const { i } = props;
  const [agent, setAgent] = useState("");
  const candidates = [...known.value.agents.values()].filter(
    (row) => row.loggedInAtMs && row.agentId !== own.value?.agentId && row.media.some((m) => m.mediaType === i.mediaType) && !row.handling.some((h) => h.interactionId === i.interactionId),
  );
  return (
    <ReasonDialog
      title={t("reassignTitle", { id: i.interactionId })}
      effect={i.state === InteractionState.HANDLING ? t("reassignEffect", { from: agentName(i.assignedTo) }) : t("reassignWaitingEffect")}
      confirm={t("reassign")}
      ready={agent !== ""}
      done={t("reassignDone", { id: i.interactionId, agent: agentName(agent) })}
      run={(reason) => session.transfer(i.interactionId, agent, reason)}
      onClose={props.onClose}
    >
      <Field label={t("newAgent")} {...(candidates.length === 0 && { hint: t("newAgentNone", { media: i.mediaType }) })}>
        {(control) => (
          <select {...control} name="agent" required value={agent} onChange={(event) => setAgent(event.currentTarget.value)}>
            <option value="">{t("choose")}</option>
            {candidates.map((row) => {
              const media = row.media.find((m) => m.mediaType === i.mediaType);
              const free = media?.ready && media.capacityLeft > 0;
              return (
                <option key={row.agentId} value={row.agentId}>
                  {t(free ? "agentFree" : "agentNotFree", { name: row.name || row.agentId, handles: row.handling.length })}
                </option>
              );
            })}
          </select>
        )}
      </Field>
    </ReasonDialog>
  );
}

function Requeue(props: { i: InteractionProperties; onClose: () => void }) {
  const { i } = props;
  const [queue, setQueue] = useState(queueName(i.queue));
  useEffect(() => void readDirectory(), []);
  const queues = (directory.value?.queues ?? []).map((row) => row.queue);
  const handled = i.state === InteractionState.HANDLING;
  return (
    <ReasonDialog
      title={t("requeueTitle", { id: i.interactionId })}
      effect={handled ? t("requeueHandledEffect") : t("requeueWaitingEffect")}
      confirm={t("requeue")}
      ready={queue !== ""}
      done={t("requeueDone", { id: i.interactionId, queue })}
      run={(reason) => (handled ? session.placeInQueue(i.interactionId, queue, reason) : requeueWaiting(i.interactionId, queue, reason))}
      onClose={props.onClose}
    >
      <Field label={t("queue")}>
        {(control) => (
          <select {...control} name="queue" required value={queue} onChange={(event) => setQueue(event.currentTarget.value)}>
            <option value="">{t("choose")}</option>
            {queues.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </Field>
    </ReasonDialog>
  );
}

function Stop(props: { i: InteractionProperties; onClose: () => void }) {
  const { interactionId } = props.i;
  return (
    <ReasonDialog
      title={t("stopTitle", { id: interactionId })}
      effect={t("stopEffect")}
      confirm={t("stop")}
      danger
      kind={ReasonKind.STOP}
      done={t("stopDone", { id: interactionId })}
      run={(reason) => session.stop(interactionId, reason)}
      onClose={props.onClose}
    />
  );
}
