import { afterEach, expect, test, vi } from "vitest";
import { ask, listen, Refused, type SessionEvent, Unreachable } from "../src/light.js";

const at = { server: "https://usher.example.com", token: "uss_x" };

afterEach(() => vi.unstubAllGlobals());

/** A message on a stream; the last one has the flag 2. */
function envelope(message: object, flags = 0): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(message));
  return new Uint8Array([flags, text.length >>> 24, text.length >>> 16, text.length >>> 8, text.length, ...text]);
}

/** Answers with bytes in chunks of a length. */
function answer(bytes: Uint8Array, chunk: number): void {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let n = 0; n < bytes.length; n += chunk) {
        controller.enqueue(bytes.slice(n, n + chunk));
      }
      controller.close();
    },
  });
  vi.stubGlobal("fetch", async () => new Response(body));
}

async function heard(): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  await listen(at, "0", new AbortController().signal, (event) => events.push(event));
  return events;
}

const said = [{ sequence: "1", line: { own: true, line: { text: "Grüße" } } }, { heartbeat: {} }, { sequence: "2" }];
const whole = new Uint8Array(said.flatMap((event) => [...envelope(event)]));
const ended = new Uint8Array([...whole, ...envelope({}, 2)]);

test("a stream is heard however the network cuts it", async () => {
  for (let chunk = 1; chunk <= ended.length; chunk++) {
    answer(ended, chunk);
    expect(await heard()).toEqual(said);
  }
});

test("a stream that breaks off is no end", async () => {
  for (const cut of [whole, ended.subarray(0, -1), new Uint8Array()]) {
    answer(cut, 7);
    await expect(heard()).rejects.toBeInstanceOf(Unreachable);
  }
});

test("a refusal at the end of a stream is told by its name", async () => {
  const error = (name: string) => ({ error: { code: "x", message: "why", details: [{ debug: { name } }] } });
  answer(envelope(error("UnknownInteraction"), 2), 9);
  await expect(heard()).rejects.toMatchObject({ reason: "UnknownInteraction", message: "why" });
  answer(envelope(error("SlowReader"), 2), 9);
  await expect(heard()).rejects.toBeInstanceOf(Unreachable);
});

test("what refuses is told from what may pass", async () => {
  const answered = (status: number, text: string) => {
    vi.stubGlobal("fetch", async () => new Response(text, { status }));
    return expect(ask(at, "SendLine", {})).rejects;
  };
  await answered(429, '{"code": "resource_exhausted", "message": "too many", "details": [{"debug": {"name": "TooManyRequests"}}]}')
    .toMatchObject({ reason: "TooManyRequests" });
  await answered(401, '{"code": "unauthenticated"}').toMatchObject({ reason: "unauthenticated" });
  await answered(413, "<html>too large</html>").toMatchObject({ reason: "TooLarge" });
  await answered(404, "<html>not here</html>").toBeInstanceOf(Refused);
  await answered(503, '{"code": "unavailable", "details": [{"debug": {"name": "Unavailable"}}]}').toBeInstanceOf(Unreachable);
  await answered(502, "<html>bad gateway</html>").toBeInstanceOf(Unreachable);
  await answered(200, "<html>log in to this network</html>").toBeInstanceOf(Unreachable);
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  await expect(ask(at, "SendLine", {})).rejects.toBeInstanceOf(Unreachable);
});
