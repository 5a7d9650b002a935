import type { JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { UsherError } from "./error.js";

/** Why a path that is no method refused: it answers with an error as of a method. */
export async function refusal(response: Response): Promise<UsherError> {
  const plain = new ConnectError(`HTTP ${response.status}`, response.status < 500 ? Code.InvalidArgument : Code.Unavailable);
  try {
    return UsherError.from(errorFromJson((await response.json()) as JsonValue, undefined, plain));
  } catch {
    return UsherError.from(plain);
  }
}
