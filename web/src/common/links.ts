// Links in what people write.

/**
 * Text in pieces: every other one, from the second on, is the address of a
 * link, which is http or https. What ends a sentence is not part of it.
 */
export function pieces(text: string): string[] {
  return text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'])/i);
}
