// Requests that survive a broken connection.
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Connection } from "./connect.js";
import { UsherError } from "./error.js";
import { pauseAfter, randomId, soon } from "./retry.js";

/**
 * For how long a request is repeated. The server remembers reference ids for
 * 15 minutes; a later repetition could carry it out twice.
 */
export const repeatForMs = 10 * 60_000;

/**
 * Persistence sends requests again, with the same reference id, until they are
 * answered: a request whose answer was lost is carried out once.
 */
export class Persistence {
  private under = new AbortController();

  /** Requests over a connection until life ends. */
  constructor(
    private readonly connection: Connection,
    private readonly life: AbortSignal,
  ) {}

  /** Says that the connection broke: what is under way is sent again. */
  broke(): void {
    this.under.abort();
    this.under = new AbortController();
  }

  /** Sends a request that changes something; it gets a reference id if it has none. */
  change<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.read(method, { referenceId: randomId(), ...request });
  }

  /** Sends a request that may be repeated as it is. */
  async read<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const until = Date.now() + repeatForMs;
    for (let attempts = 1; ; attempts++) {
      const under = this.under.signal;
      try {
        this.life.throwIfAborted();
        return await this.connection.call(method, request, AbortSignal.any([this.life, under]));
      } catch (thrown) {
        const error = UsherError.from(thrown);
        if (this.life.aborted || Date.now() > until || !(error.temporary || under.aborted)) {
          throw error;
        }
      }
      await soon(pauseAfter(attempts), this.life);
    }
  }
}
