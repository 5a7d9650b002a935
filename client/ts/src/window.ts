// The login of the windows that Usher serves: it sets a cookie that scripts
// can't read, and pages use it by connect({window}).
import type { WindowName } from "./connect.js";
import { UsherError } from "./error.js";
import { refusal } from "./refusal.js";

/** Who is logged in at a window. */
export interface WindowSession {
  window: WindowName;
  role: "agent" | "supervisor" | "admin";
  tenantId: string;
  /** The agent's id; empty for administration. */
  agentId: string;
  /** The agent's name, or that of the API key. */
  name: string;
  /** When the login ends, Unix milliseconds; 0 if it does not. */
  expiresAtMs: number;
}

/** Logs in at a window: an agent by his password, administration by an API key. */
export async function logIn(
  login:
    | { window: "agent" | "supervisor"; tenantId?: string; agentId: string; password: string }
    | { window: "admin"; apiKey: string },
): Promise<WindowSession> {
  return asSession(await post("login", login));
}

/** Logs out of a window; the credential is useless afterwards. */
export async function logOut(window: WindowName): Promise<void> {
  await post("logout", { window });
}

/** Who is logged in at a window; undefined if nobody is. */
export async function whoIsLoggedIn(window: WindowName): Promise<WindowSession | undefined> {
  const response = await reached(fetch("/window/session", { headers: { "Usher-Window": window } }));
  return response.status === 204 ? undefined : asSession(response);
}

async function post(what: string, body: object): Promise<Response> {
  return reached(
    fetch(`/window/${what}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  );
}

async function reached(call: Promise<Response>): Promise<Response> {
  let response: Response;
  try {
    response = await call;
  } catch (thrown) {
    throw UsherError.from(thrown);
  }
  if (!response.ok) {
    throw await refusal(response);
  }
  return response;
}

async function asSession(response: Response): Promise<WindowSession> {
  return (await response.json()) as WindowSession;
}
