// Text in which addresses of the web are links.
import { pieces } from "./links.js";

/** Linked is text in which addresses of the web are links. */
export function Linked({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map((piece, n) =>
        n % 2 === 0 ? (
          piece
        ) : (
          <a href={piece} target="_blank" rel="noopener noreferrer">
            {piece}
          </a>
        ),
      )}
    </>
  );
}
