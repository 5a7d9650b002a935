import { useEffect } from "preact/hooks";
import { readDirectory } from "./desk.js";

/** How long the directory is shown as it was read. */
const refreshMs = 2_000;

/**
 * Keeps the directory fresh while a component is there. The next read begins
 * after the answer to the one before: none pile up while the server is away.
 */
export function useFreshDirectory(mediaType = ""): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const read = async () => {
      await readDirectory(mediaType);
      if (!over) {
        timer = setTimeout(() => void read(), refreshMs);
      }
    };
    void read();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, []);
}
