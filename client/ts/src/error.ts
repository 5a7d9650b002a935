// Refusals of the server, and broken connections, as one kind of error.
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorCode, EventErrorSchema, type EventError } from "./gen/usher/v1/common_pb.js";

export { ErrorCode };

/** UsherError is why a request came to nothing. */
export class UsherError extends Error {
  override readonly name = "UsherError";
  /** The stable code; UNSPECIFIED if the server was not reached. */
  readonly code: ErrorCode;
  /** The code's name, e.g. "WrongTicket"; "Unreachable" if the server was not reached. */
  readonly codeName: string;
  /** What is wrong and where, in one sentence of the server's. */
  readonly description: string;
  /** True if the same request may succeed later: the server can't serve now, or was not reached. */
  readonly temporary: boolean;
  /** The whole EventError, if the server sent one. */
  readonly event: EventError | undefined;

  private constructor(event: EventError | undefined, description: string, temporary: boolean, cause: unknown) {
    const codeName = event?.name ?? "Unreachable";
    super(`${codeName}: ${description}`, { cause });
    this.code = event?.code ?? ErrorCode.UNSPECIFIED;
    this.codeName = codeName;
    this.description = description;
    this.temporary = temporary;
    this.event = event;
  }

  /** The UsherError for whatever was thrown. */
  static from(thrown: unknown): UsherError {
    if (thrown instanceof UsherError) {
      return thrown;
    }
    const error = ConnectError.from(thrown);
    const [event] = error.findDetails(EventErrorSchema);
    if (event) {
      return UsherError.of(event, error);
    }
    return new UsherError(undefined, error.rawMessage, !lasting.has(error.code), thrown);
  }

  /** The UsherError of an EventError. */
  static of(event: EventError, cause?: unknown): UsherError {
    return new UsherError(event, event.description, event.code === ErrorCode.UNAVAILABLE, cause);
  }
}

// Without an EventError it was no method of Usher's that refused: a proxy, or
// the library. These it would refuse again.
const lasting = new Set([
  Code.InvalidArgument,
  Code.Unimplemented,
  Code.ResourceExhausted,
  Code.PermissionDenied,
  Code.Unauthenticated,
]);

/** The code of an error; UNSPECIFIED for every other than a refusal. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof UsherError ? error.code : ErrorCode.UNSPECIFIED;
}
