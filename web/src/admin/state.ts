// What the administration pages know: who is logged in, for which tenant, its
// configuration, and where in the pages one is.
import { signal } from "@preact/signals";
import { connect, ErrorCode, logIn, logOut, UsherError, whoIsLoggedIn } from "@usher-cc/client";
import { Administration, type Configuration } from "@usher-cc/client/gen/administration";
import { t } from "./text.js";

export const connection = connect({ window: "admin" });

/** Who is logged in. */
export type Who =
  | { state: "asking" }
  /** Nobody: the words say why, if there is something to say. */
  | { state: "out"; words?: string }
  /** Whoever has this key, which is of a tenant: "system" for those of all. */
  | { state: "in"; name: string; tenant: string };

export const who = signal<Who>({ state: "asking" });
/** The tenants that the key may administer. */
export const tenants = signal<readonly string[]>([]);
/** The tenant that is administered. */
export const tenant = signal("");

/** A configuration, and which version it is. */
export interface Read {
  configuration: Configuration;
  version: bigint;
}

/** The configuration as it was read last. */
export const current = signal<Read | undefined>(undefined);
/** Why the configuration could not be read. */
export const unread = signal<string | undefined>(undefined);
/** True while one is asked for another key, as the one that one has logged in with is of no use any more. */
export const lockedOut = signal(false);
/** True from when that was said until there is another one. */
const keyIsGone = signal(false);

const administration = Administration.method;

/** Begins with the key in the cookie, if there is one. */
export async function begin(): Promise<void> {
  try {
    const login = await whoIsLoggedIn("admin");
    if (!login) {
      who.value = { state: "out" };
      return;
    }
    who.value = { state: "in", name: login.name, tenant: login.tenantId };
    await open();
  } catch (thrown) {
    who.value = { state: "out", words: words(thrown) };
  }
}

/** Logs in with an API key. What is open in the page stays as it is. */
export async function enter(apiKey: string): Promise<void> {
  const login = await logIn({ window: "admin", apiKey });
  lockedOut.value = false;
  keyIsGone.value = false;
  who.value = { state: "in", name: login.name, tenant: login.tenantId };
  await open();
}

/** Logs out: the window forgets the key, which goes on elsewhere. */
export async function leave(): Promise<void> {
  await logOut("admin");
  who.value = { state: "out" };
  current.value = undefined;
  tenant.value = "";
}

async function open(): Promise<void> {
  tenants.value = (await connection.call(administration.listTenants, {})).tenantIds;
  if (!tenants.value.includes(tenant.value)) {
    const wanted = new URLSearchParams(location.search).get("tenant") ?? "default";
    tenant.value = tenants.value.includes(wanted) ? wanted : (tenants.value[0] ?? "");
  }
  await reread();
}

/** Administers another tenant. */
export async function administer(id: string): Promise<void> {
  tenant.value = id;
  current.value = undefined;
  await reread();
}

/** How many reads of the configuration were begun. */
let reads = 0;
/** The latest one: its answer counts, also if that of an earlier one comes after it. */
let latest: Promise<Read | undefined> = Promise.resolve(undefined);

/** Reads the configuration anew; what is wrong is in unread. */
export function reread(): Promise<Read | undefined> {
  latest = readOnce(++reads);
  return latest;
}

async function readOnce(mine: number): Promise<Read | undefined> {
  try {
    const { configuration, version } = await connection.call(administration.getConfiguration, { tenantId: tenant.value });
    if (configuration && mine === reads) {
      unread.value = undefined;
      current.value = { configuration, version };
    }
  } catch (thrown) {
    if (mine === reads) {
      unread.value = words(thrown);
      return undefined;
    }
  }
  return mine === reads ? current.value : latest;
}

/** What was refused, in words. */
export function words(thrown: unknown): string {
  const error = UsherError.from(thrown);
  if (error.code === ErrorCode.UNAUTHENTICATED && who.value.state === "in") {
    lockedOut.value = true;
    keyIsGone.value = true;
    return t("keyGone");
  }
  return loginWords(error);
}

/** Words that were said, while they hold: that the key is gone is over when there is another one. */
export const holding = (said: string | undefined): string | undefined => (said === t("keyGone") && !keyIsGone.value ? undefined : said);

/** What was refused, in words, before one is logged in. */
export function loginWords(thrown: unknown): string {
  const error = UsherError.from(thrown);
  if (error.code === ErrorCode.UNAUTHENTICATED) {
    return t("keyWrong");
  }
  return error.event ? t("refusal", { words: error.description }) : t("unreachable");
}

/** The sentences of a refusal; undefined if it was none. */
export function sentences(thrown: unknown): string[] | undefined {
  const error = UsherError.from(thrown);
  return error.event ? error.description.split("\n") : undefined;
}

/** The part of the address after #: which part of the pages, and what is open in it. */
export interface Place {
  part: string;
  open: string;
}

/** What stands in the address for an object that is new; no name can be this. */
export const fresh = "+";

export const place = signal<Place>(parse(location.hash));
/** True while something has been typed that is not saved. */
export const unsaved = signal(false);
/** Where somebody wants to go who would lose what he typed. */
export const wanted = signal<string | undefined>(undefined);

function parse(hash: string): Place {
  const [part = "", ...rest] = hash.slice(1).split("/");
  return { part, open: decoded(rest.join("/")) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a part, and of what is open in it. */
export const address = (part: string, open = ""): string => `#${part}${open && `/${encodeURIComponent(open)}`}`;

/** Goes somewhere, whatever was typed. */
export function go(to: string): void {
  unsaved.value = false;
  wanted.value = undefined;
  location.hash = to;
}

/** Goes somewhere, or asks first if something typed would get lost. */
export function tryToGo(to: string): void {
  if (unsaved.value) {
    wanted.value = to;
  } else {
    location.hash = to;
  }
}

// A link is asked about before it is followed, so that it leaves no trace in
// the history; of the browser's own buttons one hears afterwards.
addEventListener("click", (event) => {
  const link = event.target instanceof Element && event.target.closest<HTMLAnchorElement>("a[href^='#']");
  if (link && unsaved.value && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    tryToGo(link.hash);
  }
});

addEventListener("hashchange", () => {
  const here = address(place.value.part, place.value.open);
  if (unsaved.value && location.hash !== here) {
    wanted.value = location.hash;
    history.replaceState(null, "", here);
    return;
  }
  place.value = parse(location.hash);
});

addEventListener("beforeunload", (event) => {
  if (unsaved.value) {
    event.preventDefault();
  }
});
