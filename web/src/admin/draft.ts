// What a form holds while it is filled in: text as it was typed, so that
// nothing gets lost that does not make sense yet. A draft is made of an object
// of the configuration, and an object of a draft.

/** What a control holds. */
export type Value = string | boolean | readonly string[] | readonly (readonly string[])[];

/** What a form holds, by the fields of the object. */
export type Draft = Readonly<Record<string, Value>>;

/** An object of the configuration, as its message has it. */
export type Thing = Readonly<Record<string, unknown>>;

/** Rows turn a list or a map into rows of texts, and back. */
export interface Rows {
  read: (value: unknown) => string[][];
  write: (rows: readonly (readonly string[])[]) => unknown;
}

/** What a field holds, and so how it is turned into text and back. */
export type Holds =
  | { type: "text" | "long" | "name" | "password" | "check" | "number" | "seconds" | "names" }
  | { type: "choice"; of: "text" | "enum" }
  | { type: "rows"; rows: Rows };

export type DraftField = { key: string } & Holds;

/** The draft of an object; without one that of a new one. */
export function toDraft(fields: readonly DraftField[], thing: Thing = {}): Draft {
  return Object.fromEntries(fields.map((field) => [field.key, toValue(field, thing[field.key])]));
}

function toValue(field: DraftField, value: unknown): Value {
  switch (field.type) {
    case "check":
      return value === true;
    case "names":
      return [...((value ?? []) as string[])];
    case "rows":
      return value === undefined ? [] : field.rows.read(value);
    case "seconds":
      return value ? String(Number(value) / 1000) : "";
    case "number":
    case "choice":
      return value ? String(value) : "";
    default:
      return String(value ?? "");
  }
}

/** The fields of an object that a draft says; those that no form shows are taken from thing. */
export function fromDraft(fields: readonly DraftField[], draft: Draft, thing: Thing = {}): Thing {
  // Without the name of its type an object is made anew, with all that is in it.
  const { $typeName: _type, $unknown: _unknown, ...rest } = thing;
  return { ...rest, ...Object.fromEntries(fields.map((field) => [field.key, fromValue(field, draft[field.key] ?? "")])) };
}

function fromValue(field: DraftField, value: Value): unknown {
  switch (field.type) {
    case "check":
    case "names":
      return value;
    case "rows":
      return field.rows.write((value as string[][]).filter((row) => row.some((cell) => cell.trim() !== "")));
    case "seconds":
      return BigInt(Math.round(Number(value) * 1000));
    case "number":
      return Number(value);
    case "choice":
      return field.of === "enum" ? Number(value) : value;
    case "name":
      return String(value).trim();
    default:
      return value;
  }
}

const same = (a: Value | undefined, b: Value | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Which fields of two drafts differ. */
export function differing(a: Draft, b: Draft): string[] {
  return Object.keys({ ...a, ...b }).filter((key) => !same(a[key], b[key]));
}

/** What becomes of a draft when somebody else has changed the object. */
export interface Merged {
  draft: Draft;
  /** Fields that only the other has changed: they are his now. */
  taken: string[];
  /** Fields that both have changed, otherwise: they are still mine. */
  contested: string[];
}

/** Puts together what I made of an object and what somebody else made of it. */
export function merge(base: Draft, mine: Draft, theirs: Draft): Merged {
  const changed = differing(base, theirs);
  const taken = changed.filter((key) => same(base[key], mine[key]));
  const contested = changed.filter((key) => !taken.includes(key) && !same(mine[key], theirs[key]));
  return { draft: { ...mine, ...Object.fromEntries(taken.map((key) => [key, theirs[key]!])) }, taken, contested };
}

/** Rows of a list of texts. */
export const listRows: Rows = {
  read: (value) => (value as string[]).map((text) => [text]),
  write: (rows) => rows.map(([text = ""]) => text.trim()),
};

/** Rows of a map of texts. */
export const textRows: Rows = {
  read: (value) => Object.entries(value as Record<string, string>).sort(byName).map(([key, text]) => [key, text]),
  write: (rows) => Object.fromEntries(rows.map(([key = "", text = ""]) => [key.trim(), text])),
};

/** Rows of a map of numbers. */
export const numberRows: Rows = {
  read: (value) => Object.entries(value as Record<string, number>).sort(byName).map(([key, n]) => [key, String(n)]),
  write: (rows) => Object.fromEntries(rows.map(([key = "", n = ""]) => [key, Number(n)])),
};

/** Rows of an agent's skills: skill, level, share. */
export const skillRows: Rows = {
  read: (value) =>
    (value as { skill: string; level: number; percent: number }[]).map(({ skill, level, percent }) => [
      skill,
      String(level || 1),
      percent ? String(percent) : "",
    ]),
  write: (rows) => rows.map(([skill = "", level = "", percent = ""]) => ({ skill, level: Number(level), percent: Number(percent) })),
};

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number => (a[0] < b[0] ? -1 : 1);

/**
 * Which field a sentence of the server is about, as messages have it
 * (agentGroup), if it is about the object itself.
 *
 *     queue "inbound": agent_group: there is no agent_group "x"
 */
export function fieldOf(sentence: string, kind: string, name: string): string | undefined {
  const begin = `${kind} ${JSON.stringify(name)}: `;
  const field = sentence.startsWith(begin) ? /^[a-z_]+/.exec(sentence.slice(begin.length))?.[0] : undefined;
  return field?.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
