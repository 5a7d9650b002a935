import { Statistics } from "@usher-cc/client/gen/statistics";
import { AuditLog } from "../common/audit.js";
import { connection, words } from "./state.js";

/** Audit shows who interfered with agents and interactions. */
export function Audit() {
  return (
    <AuditLog
      load={(beforeSequence) => connection.call(Statistics.method.getAuditLog, { beforeSequence })}
      words={words}
    />
  );
}
