// Queues by their names for people.

/** The server's name of the queue behind all workbins. */
const behindWorkbins = "__workbin__";

/** The name of a queue; empty for the one behind the workbins, which is none that a centre knows. */
export const queueName = (queue: string): string => (queue === behindWorkbins ? "" : queue);
