// The connection to a server: where it is, and who calls.
import type { DescMessage, DescMethodServerStreaming, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { UsherError } from "./error.js";

/** The windows that have a login of their own, and so a cookie each. */
export type WindowName = "agent" | "supervisor" | "admin";

export interface ConnectOptions {
  /** The server, e.g. https://usher.example.com; in a page its own origin by default. */
  url?: string;
  /** An API key, an agent's session token or a customer's; asked for before each call if it is a function. */
  credential?: string | (() => string | undefined);
  /** In place of credential, for pages that Usher serves: the window whose cookie it is. */
  window?: WindowName;
  /** Another fetch, e.g. for tests. */
  fetch?: typeof globalThis.fetch;
}

/** Connection makes calls. All that goes wrong is thrown as UsherError. */
export interface Connection {
  /** Calls a method that has one answer. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    signal?: AbortSignal,
  ): Promise<MessageShape<O>>;
  /** Calls a method that answers with a stream, which ends when it breaks. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    signal?: AbortSignal,
  ): AsyncIterable<MessageShape<O>>;
  /** Fetches a path that is no method, such as an attachment, with the same credential. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** Makes a connection to a server. Nothing is sent yet. */
export function connect(options: ConnectOptions): Connection {
  const url = (options.url ?? globalThis.location?.origin ?? "").replace(/\/$/, "");
  const plainFetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  const fetch: typeof globalThis.fetch = (input, init) => plainFetch(input, authorized(options, init));
  // Binary, not JSON: messages are a third as long, and read in two thirds of the time.
  const transport = createConnectTransport({ baseUrl: url, useBinaryFormat: true, fetch });
  return { ...over(transport), fetch: (path, init) => fetch(url + path, init) };
}

/** A connection over any transport of Connect, for tests and for other servers of JavaScript. */
export function over(transport: Transport): Connection {
  return {
    async call(method, request, signal) {
      try {
        return (await transport.unary(method, signal, undefined, undefined, request)).message;
      } catch (thrown) {
        throw UsherError.from(thrown);
      }
    },
    async *stream(method, request, signal) {
      try {
        const answer = await transport.stream(method, signal, undefined, undefined, once(request));
        yield* answer.message;
      } catch (thrown) {
        throw UsherError.from(thrown);
      }
    },
    fetch: () => Promise.reject(new Error("this connection has methods only")),
  };
}

function authorized(options: ConnectOptions, init: RequestInit | undefined): RequestInit {
  const headers = new Headers(init?.headers);
  const credential = typeof options.credential === "function" ? options.credential() : options.credential;
  if (credential) {
    headers.set("Authorization", `Bearer ${credential}`);
  } else if (options.window) {
    headers.set("Usher-Window", options.window);
  }
  return { ...init, headers, credentials: options.window ? "same-origin" : "omit" };
}

async function* once<T>(value: T): AsyncIterable<T> {
  yield value;
}
