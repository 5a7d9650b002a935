// The kinds of objects that have pages of their own: what their lists show, and
// what can be filled in. All else of a configuration is edited as text.
import { ReasonKind } from "@usher-cc/client/gen/administration";
import { OwnerKind } from "@usher-cc/client/gen/common";
import { AgentSelection, CallPreference, MultipleCallHandling, WorkMode } from "@usher-cc/client/gen/routing";
import { count } from "../common/time.js";
import { type DraftField, listRows, numberRows, skillRows, textRows, type Thing } from "./draft.js";
import { current } from "./state.js";
import { t } from "./text.js";

/** A key of the texts. */
export type TextKey = Parameters<typeof t>[0];

/** What can be chosen: a value, and what people read. */
export type Choice = readonly [value: string, label: string];

/** A column of rows. */
export interface RowColumn {
  title: TextKey;
  /** What can be chosen; without it text or a number is typed. */
  choices?: () => Choice[];
  number?: { min: number; max: number };
  /** What a new row has. */
  first?: string;
}

/** A field of a form. */
export type Field = DraftField & {
  label: TextKey;
  hint?: TextKey;
  required?: boolean;
  maxLength?: number;
  /** Limits of a number, or of seconds. */
  min?: number;
  max?: number;
  /** What counts if nothing is typed. */
  otherwise?: string;
  /** What can be chosen. */
  choices?: () => Choice[];
  /** The names that can be ticked, or that are proposed. */
  names?: () => string[];
  columns?: readonly RowColumn[];
  /** True if the order of rows counts. */
  ordered?: boolean;
};

/** A column of a list. */
export interface Column {
  key: string;
  title: TextKey;
  /** What a cell shows. */
  text: (thing: Thing) => string;
  number?: boolean;
}

export interface Kind {
  /** Its part of the pages, and of the address. */
  part: string;
  /** The field of Configuration that holds its objects. */
  field: string;
  /** Its name in ObjectName. */
  kind: string;
  /** The field that is an object's name. */
  name: string;
  title: TextKey;
  about: TextKey;
  add: TextKey;
  /** One of it, in sentences: "the agent {name}". */
  one: TextKey;
  columns: readonly Column[];
  fields: readonly Field[];
}

/** The objects of a kind, as the configuration has them. */
export function things(field: string): readonly Thing[] {
  return ((current.value?.configuration as unknown as Record<string, Thing[]> | undefined)?.[field] ?? []) as Thing[];
}

const namesOf = (field: string) => () => things(field).map((thing) => String(thing.name));
const choicesOf = (field: string) => (): Choice[] => namesOf(field)().map((name) => [name, name]);

/** Choices of an enum, whose texts are keys. */
const choices = (all: Record<number, TextKey>) => (): Choice[] => Object.entries(all).map(([value, key]) => [value, t(key)]);

const text = (key: string, title: TextKey): Column => ({ key, title, text: (thing) => String(thing[key] ?? "") });
const yes = (key: string, title: TextKey): Column => ({ key, title, text: (thing) => (thing[key] ? t("yes") : "") });
const list = (key: string, title: TextKey): Column => ({ key, title, text: (thing) => (thing[key] as string[]).join(", ") });
const figure = (key: string, title: TextKey, otherwise?: number): Column => ({
  key,
  title,
  text: (thing) => count(Number(thing[key]) || (otherwise ?? 0)),
  number: true,
});
const coded = (key: string, title: TextKey, all: Record<number, TextKey>): Column => ({
  key,
  title,
  text: (thing) => (all[Number(thing[key])] ? t(all[Number(thing[key])]!) : ""),
});

const ownerKinds: Record<number, TextKey> = {
  [OwnerKind.AGENT]: "ownerAgent",
  [OwnerKind.AGENT_GROUP]: "ownerAgentGroup",
  [OwnerKind.PLACE]: "ownerPlace",
  [OwnerKind.PLACE_GROUP]: "ownerPlaceGroup",
};

const reasonKinds: Record<number, TextKey> = {
  [ReasonKind.AUX]: "reasonAux",
  [ReasonKind.NOT_READY]: "reasonNotReady",
  [ReasonKind.REJECT]: "reasonReject",
  [ReasonKind.STOP]: "reasonStop",
  [ReasonKind.DISPOSITION]: "reasonDisposition",
  [ReasonKind.LOGOUT]: "reasonLogout",
};

const workModes: Record<number, TextKey> = {
  [WorkMode.AUX]: "modeAux",
  [WorkMode.ACW]: "modeAcw",
  [WorkMode.AUTO_IN]: "modeAutoIn",
  [WorkMode.MANUAL_IN]: "modeManualIn",
};

const preferences: Record<number, TextKey> = {
  [CallPreference.SKILL_LEVEL]: "preferLevel",
  [CallPreference.GREATEST_NEED]: "preferNeed",
  [CallPreference.PERCENT_ALLOCATION]: "preferShare",
};

const selections: Record<number, TextKey> = {
  [AgentSelection.UCD_MIA]: "selectUcdMia",
  [AgentSelection.EAD_MIA]: "selectEadMia",
  [AgentSelection.UCD_LOA]: "selectUcdLoa",
  [AgentSelection.EAD_LOA]: "selectEadLoa",
};

const handlings: Record<number, TextKey> = {
  [MultipleCallHandling.NONE]: "multipleNone",
  [MultipleCallHandling.ON_REQUEST]: "multipleOnRequest",
  [MultipleCallHandling.ONE_FORCED]: "multipleOneForced",
  [MultipleCallHandling.ONE_PER_SKILL]: "multipleOnePerSkill",
  [MultipleCallHandling.MANY_FORCED]: "multipleManyForced",
};

const nameField: Field = { key: "name", type: "name", label: "name", hint: "nameHint", required: true, maxLength: 128 };

const day = 86_400;
const year = 31_536_000;

const agents: Kind = {
  part: "agents",
  field: "agents",
  kind: "agent",
  name: "agentId",
  title: "agents",
  about: "agentsAbout",
  add: "agentsAdd",
  one: "agentsOne",
  columns: [
    text("agentId", "agentId"),
    text("name", "personName"),
    list("agentGroups", "agentGroups"),
    {
      key: "skills",
      title: "skills",
      text: (agent) => (agent.skills as { skill: string; level: number }[]).map(({ skill, level }) => `${skill} ${level || 1}`).join(", "),
    },
    yes("supervisor", "supervisor"),
  ],
  fields: [
    { ...nameField, key: "agentId", label: "agentId" },
    { key: "name", type: "text", label: "personName", maxLength: 256 },
    { key: "password", type: "password", label: "password", hint: "passwordHint" },
    { key: "supervisor", type: "check", label: "supervisor", hint: "supervisorHint" },
    { key: "agentGroups", type: "names", label: "agentGroups", names: namesOf("agentGroups") },
    {
      key: "skills",
      type: "rows",
      rows: skillRows,
      label: "skills",
      hint: "agentSkillsHint",
      columns: [
        { title: "skill", choices: choicesOf("skills") },
        { title: "level", number: { min: 1, max: 16 }, first: "1" },
        { title: "sharePercent", number: { min: 0, max: 100 } },
      ],
    },
    {
      key: "capacity",
      type: "rows",
      rows: numberRows,
      label: "capacity",
      hint: "capacityHint",
      columns: [
        { title: "mediaType", choices: choicesOf("mediaTypes") },
        { title: "atOnce", number: { min: 0, max: 1000 }, first: "1" },
      ],
    },
    { key: "capacityRule", type: "choice", of: "text", label: "capacityRule", hint: "capacityRuleHint", choices: choicesOf("capacityRules") },
    { key: "loginWorkMode", type: "choice", of: "enum", label: "loginWorkMode", hint: "loginWorkModeHint", choices: choices(workModes), otherwise: "modeAux" },
    { key: "callPreference", type: "choice", of: "enum", label: "callPreference", choices: choices(preferences), otherwise: "preferNeed" },
    { key: "directAgentSkill", type: "choice", of: "text", label: "directAgentSkill", hint: "directAgentSkillHint", choices: choicesOf("skills") },
    { key: "autoAnswer", type: "check", label: "autoAnswer" },
    {
      key: "attributes",
      type: "rows",
      rows: textRows,
      label: "attributes",
      hint: "attributesHint",
      columns: [{ title: "attribute" }, { title: "value" }],
    },
  ],
};

const agentGroups: Kind = {
  part: "agent-groups",
  field: "agentGroups",
  kind: "agent_group",
  name: "name",
  title: "agentGroups",
  about: "agentGroupsAbout",
  add: "agentGroupsAdd",
  one: "agentGroupsOne",
  columns: [
    text("name", "name"),
    {
      key: "members",
      title: "members",
      text: (group) => things("agents").filter((agent) => (agent.agentGroups as string[]).includes(String(group.name))).map((agent) => agent.agentId).join(", "),
    },
  ],
  fields: [nameField],
};

const skills: Kind = {
  part: "skills",
  field: "skills",
  kind: "skill",
  name: "name",
  title: "skills",
  about: "skillsAbout",
  add: "skillsAdd",
  one: "skillsOne",
  columns: [
    text("name", "name"),
    text("description", "description"),
    coded("agentSelection", "agentSelection", { 0: "selectUcdMia", ...selections }),
    {
      key: "agents",
      title: "agents",
      number: true,
      text: (skill) => count(things("agents").filter((agent) => (agent.skills as { skill: string }[]).some((s) => s.skill === skill.name)).length),
    },
  ],
  fields: [
    nameField,
    { key: "description", type: "text", label: "description", maxLength: 1024 },
    { key: "agentSelection", type: "choice", of: "enum", label: "agentSelection", choices: choices(selections), otherwise: "selectUcdMia" },
    { key: "multipleCallHandling", type: "choice", of: "enum", label: "multipleCallHandling", choices: choices(handlings), otherwise: "multipleManyForced" },
    { key: "ronaRings", type: "number", label: "ronaRings", hint: "ronaRingsHint", min: 0, max: 20 },
    { key: "ronaVdn", type: "choice", of: "text", label: "ronaVdn", hint: "ronaVdnHint", choices: choicesOf("vdns") },
    { key: "timedAcwMs", type: "seconds", label: "timedAcw", hint: "timedAcwHint", min: 0, max: day },
    { key: "maxQueued", type: "number", label: "maxQueued", hint: "maxQueuedHint", min: 0, max: 1_000_000 },
    { key: "interruptAuxQueued", type: "number", label: "interruptAuxQueued", hint: "interruptAuxQueuedHint", min: 0, max: 1_000_000 },
  ],
};

const queues: Kind = {
  part: "queues",
  field: "queues",
  kind: "queue",
  name: "name",
  title: "queues",
  about: "queuesAbout",
  add: "queuesAdd",
  one: "queuesOne",
  columns: [
    text("name", "name"),
    text("description", "description"),
    { key: "strategy", title: "strategy", text: (queue) => String(queue.strategy || t("strategyNone")) },
    { key: "routed", title: "routedTo", text: (queue) => String(queue.vector || queue.agentGroup || "") },
    {
      key: "serviceLevel",
      title: "serviceLevel",
      text: (queue) =>
        t("serviceLevelOf", { percent: Number(queue.serviceLevelTargetPercent) || 80, seconds: Number(queue.serviceLevelWithinMs) / 1000 || 20 }),
    },
  ],
  fields: [
    nameField,
    { key: "description", type: "text", label: "description", maxLength: 1024 },
    { key: "strategy", type: "text", label: "strategy", hint: "strategyHint", names: () => ["longest-idle", "vector"] },
    { key: "agentGroup", type: "choice", of: "text", label: "agentGroup", hint: "queueAgentGroupHint", choices: choicesOf("agentGroups") },
    { key: "vector", type: "choice", of: "text", label: "vector", hint: "vectorHint", choices: choicesOf("vectors") },
    { key: "view", type: "choice", of: "text", label: "view", hint: "viewHint", choices: choicesOf("views") },
    { key: "serviceLevelWithinMs", type: "seconds", label: "serviceLevelWithin", hint: "serviceLevelHint", min: 0, max: day, otherwise: "20" },
    { key: "serviceLevelTargetPercent", type: "number", label: "serviceLevelTarget", min: 0, max: 100, otherwise: "80" },
  ],
};

const workbins: Kind = {
  part: "workbins",
  field: "workbins",
  kind: "workbin",
  name: "name",
  title: "workbins",
  about: "workbinsAbout",
  add: "workbinsAdd",
  one: "workbinsOne",
  columns: [text("name", "name"), coded("ownerKind", "ownerKind", ownerKinds)],
  fields: [nameField, { key: "ownerKind", type: "choice", of: "enum", label: "ownerKind", hint: "ownerKindHint", required: true, choices: choices(ownerKinds) }],
};

const mediaTypes: Kind = {
  part: "media-types",
  field: "mediaTypes",
  kind: "media_type",
  name: "name",
  title: "mediaTypes",
  about: "mediaTypesAbout",
  add: "mediaTypesAdd",
  one: "mediaTypesOne",
  columns: [text("name", "name"), yes("offline", "offline"), figure("defaultCapacity", "defaultCapacity", 1)],
  fields: [
    nameField,
    { key: "offline", type: "check", label: "offline", hint: "offlineHint" },
    { key: "defaultCapacity", type: "number", label: "defaultCapacity", hint: "defaultCapacityHint", min: 0, max: 1000, otherwise: "1" },
    { key: "deliveringTimeoutMs", type: "seconds", label: "deliveringTimeout", hint: "timeoutHint", min: 0, max: day },
    { key: "handlingTimeoutMs", type: "seconds", label: "handlingTimeout", hint: "timeoutHint", min: 0, max: day },
    { key: "routingTimeoutMs", type: "seconds", label: "routingTimeout", hint: "timeoutHint", min: 0, max: year },
  ],
};

const requestTypes: Kind = {
  part: "request-types",
  field: "requestTypes",
  kind: "request_type",
  name: "name",
  title: "requestTypes",
  about: "requestTypesAbout",
  add: "requestTypesAdd",
  one: "requestTypesOne",
  columns: [
    text("name", "name"),
    text("label", "labelForCustomers"),
    text("mediaType", "mediaType"),
    { key: "where", title: "goesTo", text: (type) => (type.vdn ? t("vdnNamed", { name: String(type.vdn) }) : String(type.queue)) },
    yes("callback", "callback"),
  ],
  fields: [
    nameField,
    { key: "label", type: "text", label: "labelForCustomers", hint: "labelHint", maxLength: 256 },
    { key: "mediaType", type: "choice", of: "text", label: "mediaType", required: true, choices: choicesOf("mediaTypes") },
    { key: "queue", type: "choice", of: "text", label: "queue", hint: "requestQueueHint", choices: choicesOf("queues") },
    { key: "vdn", type: "choice", of: "text", label: "vdn", hint: "vdnHint", choices: choicesOf("vdns") },
    { key: "callback", type: "check", label: "callback", hint: "callbackHint" },
    { key: "priority", type: "number", label: "priority", hint: "priorityHint", min: -1_000_000, max: 1_000_000, otherwise: "0" },
    { key: "interactionSubtype", type: "text", label: "interactionSubtype", hint: "interactionSubtypeHint", maxLength: 256 },
    { key: "userData", type: "rows", rows: textRows, label: "userData", hint: "userDataHint", columns: [{ title: "name" }, { title: "value" }] },
  ],
};

const sites: Kind = {
  part: "sites",
  field: "sites",
  kind: "site",
  name: "name",
  title: "sites",
  about: "sitesAbout",
  add: "sitesAdd",
  one: "sitesOne",
  columns: [
    text("name", "name"),
    text("title", "chatTitle"),
    list("origins", "origins"),
    list("requestTypes", "requestTypes"),
    yes("anonymous", "anonymous"),
  ],
  fields: [
    nameField,
    { key: "title", type: "text", label: "chatTitle", maxLength: 256 },
    { key: "greeting", type: "long", label: "greeting", maxLength: 1024 },
    { key: "origins", type: "rows", rows: listRows, label: "origins", hint: "originsHint", columns: [{ title: "origin" }] },
    {
      key: "requestTypes",
      type: "rows",
      rows: listRows,
      ordered: true,
      label: "requestTypes",
      hint: "siteRequestTypesHint",
      columns: [{ title: "requestType", choices: choicesOf("requestTypes") }],
    },
    { key: "anonymous", type: "check", label: "anonymous", hint: "anonymousHint" },
    { key: "anonymousSessionsPerMinute", type: "number", label: "anonymousRate", hint: "anonymousRateHint", min: 0, max: 1000, otherwise: "6" },
  ],
};

const reasons: Kind = {
  part: "reasons",
  field: "reasons",
  kind: "reason",
  name: "name",
  title: "reasons",
  about: "reasonsAbout",
  add: "reasonsAdd",
  one: "reasonsOne",
  columns: [
    text("name", "name"),
    coded("kind", "reasonKind", reasonKinds),
    text("label", "labelForPeople"),
    { key: "code", title: "reasonCode", number: true, text: (reason) => (reason.kind === ReasonKind.AUX ? count(Number(reason.code)) : "") },
  ],
  fields: [
    nameField,
    { key: "kind", type: "choice", of: "enum", label: "reasonKind", required: true, choices: choices(reasonKinds) },
    { key: "label", type: "text", label: "labelForPeople", hint: "labelHint", maxLength: 256 },
    { key: "code", type: "number", label: "reasonCode", hint: "reasonCodeHint", min: 0, max: 99, otherwise: "0" },
  ],
};

/** The kinds that have pages, in the order in which they stand in the navigation. */
export const kinds: readonly Kind[] = [agents, agentGroups, skills, queues, workbins, mediaTypes, requestTypes, sites, reasons];
