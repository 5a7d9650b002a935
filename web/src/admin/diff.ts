// How the change of a field is shown: a text of several lines with the lines
// that differ, everything else as the server says it.

/** A line of a text, and what becomes of it. */
export interface DiffLine {
  sign: " " | "+" | "-";
  text: string;
}

/** The field's name with the lines of its text that differ; undefined if it is no text of several lines. */
export function changedLines(field: string): { name: string; lines: DiffLine[] } | undefined {
  const match = /^(\w+): ("(?:[^"\\]|\\.)*") -> ("(?:[^"\\]|\\.)*")$/s.exec(field);
  const from = match && unquoted(match[2]!);
  const to = match && unquoted(match[3]!);
  if (from == null || to == null || !(from + to).includes("\n")) {
    return undefined;
  }
  return { name: match![1]!, lines: near(compare(lines(from), lines(to))) };
}

/** The most lines of two texts, multiplied, that are compared line by line. */
const compareMax = 4_000_000;

// As Go quotes it, which is as JSON but for characters that nobody sees.
function unquoted(text: string): string | undefined {
  try {
    return JSON.parse(text.replace(/\\x([0-9a-f]{2})/g, "\\u00$1")) as string;
  } catch {
    return undefined;
  }
}

const lines = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/** The lines of two texts by their longest common subsequence. */
export function compare(from: readonly string[], to: readonly string[]): DiffLine[] {
  if (from.length * to.length > compareMax) {
    return [...from.map((text) => ({ sign: "-" as const, text })), ...to.map((text) => ({ sign: "+" as const, text }))];
  }
  // common[i][j] is how many lines are common behind i and j.
  const common = Array.from({ length: from.length + 1 }, () => new Uint16Array(to.length + 1));
  for (let i = from.length - 1; i >= 0; i--) {
    for (let j = to.length - 1; j >= 0; j--) {
      common[i]![j] = from[i] === to[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const all: DiffLine[] = [];
  for (let i = 0, j = 0; i < from.length || j < to.length; ) {
    if (i < from.length && j < to.length && from[i] === to[j]) {
      all.push({ sign: " ", text: from[i++]! });
      j++;
    } else if (j === to.length || (i < from.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      all.push({ sign: "-", text: from[i++]! });
    } else {
      all.push({ sign: "+", text: to[j++]! });
    }
  }
  return all;
}

/** How many lines are shown around one that differs. */
const around = 2;

function near(all: readonly DiffLine[]): DiffLine[] {
  const differs = (n: number) => all[n]?.sign !== undefined && all[n].sign !== " ";
  return all.filter((_, n) => Array.from({ length: 2 * around + 1 }, (_, d) => n + d - around).some(differs));
}
