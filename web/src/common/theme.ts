// Light or dark: as the system has it, or as it was chosen here.
import { signal } from "@preact/signals";
import { read, write } from "./locale.js";

export type Theme = "system" | "light" | "dark";

const themeKey = "usher.theme";
const query = new URLSearchParams(location.search).get("theme");

/** The chosen theme. ?theme= chooses for this one visit. */
export const theme = signal<Theme>(valid(query) ?? valid(read(themeKey)) ?? "system");
apply(theme.value);

/** Chooses a theme and remembers it. */
export function setTheme(to: Theme): void {
  theme.value = to;
  write(themeKey, to);
  apply(to);
}

function valid(name: string | null): Theme | undefined {
  return name === "system" || name === "light" || name === "dark" ? name : undefined;
}

// theme.css asks for this attribute; without it the system decides.
function apply(to: Theme): void {
  if (to === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = to;
  }
}
