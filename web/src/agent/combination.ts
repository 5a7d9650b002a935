// How a key is pressed everywhere in the window, also in a text field: with
// Alt; on a Mac, where Option writes letters, with Ctrl and Option.

/** Whether this is a Mac, or has a Mac's keyboard. */
export const isMac = /^(Mac|iPhone|iPad)/.test(navigator.platform);

/** What is held, in words. */
export const modifier = isMac ? "Ctrl+Option" : "Alt";

/** The key with what is held, for people. */
export const combination = (key: string): string => `${modifier}+${key.toUpperCase()}`;

/** The key with what is held, as aria-keyshortcuts has it. */
export const shortcut = (key: string): string => `${isMac ? "Control+Alt" : "Alt"}+${key.toUpperCase()}`;
