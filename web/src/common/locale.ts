// The locale of a page, and what depends on it: direction, translations, and
// the formats of Intl. It is chosen once, when the page loads: by ?lang=, by
// what was chosen before, or as the browser wishes; for a script on somebody
// else's page first of all by its data-locale.

/** The languages that have translations, by their own names. */
export const languages: Readonly<Record<string, string>> = { en: "English", de: "Deutsch" };

const languageKey = "usher.language";
const rightToLeft = new Set(["ar", "fa", "he", "ur"]);

const query = new URLSearchParams(location.search);
const ofScript = (document.currentScript as HTMLScriptElement | null)?.dataset.locale;

function choose(): string {
  const wanted = [ofScript, query.get("lang"), read(languageKey), ...navigator.languages];
  for (const tag of wanted) {
    const language = tag?.split("-")[0];
    if (language && language in languages) {
      return language;
    }
  }
  return "en";
}

/** The page's language, a key of languages. */
export const language = choose();

/** The locale for Intl: the browser's own variant of the page's language. */
export const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;

/** The direction of the page. ?dir=rtl turns any language around, for tests. */
export const direction = query.get("dir") === "rtl" || rightToLeft.has(language) ? "rtl" : "ltr";

/** Remembers a language and loads the page anew in it. */
export function setLanguage(to: string): void {
  write(languageKey, to);
  const url = new URL(location.href);
  url.searchParams.delete("lang");
  // With a # in it, going to the address would only jump within the page.
  history.replaceState(history.state, "", url);
  location.reload();
}

type Text = string | Partial<Record<Intl.LDMLPluralRule, string>>;
type Values = Readonly<Record<string, string | number>>;

const loading: Promise<void>[] = [];
const plural = new Intl.PluralRules(locale);
const number = new Intl.NumberFormat(locale);

/**
 * Makes the function that finds a page's texts by their keys. English is
 * always there and is what an untranslated key shows; other languages are
 * loaded when they are chosen. In a text {name} stands for a value. A text with
 * forms ({"one": ..., "other": ...}) goes by the value named count.
 */
export function translations<Key extends string>(
  english: Record<Key, Text>,
  others: Record<string, () => Promise<{ default: Record<string, Text> }>>,
): (key: Key, values?: Values) => string {
  let texts: Record<string, Text> = english;
  const load = others[language];
  if (load) {
    loading.push(load().then((module) => void (texts = { ...english, ...module.default })));
  }
  return (key, values = {}) => {
    const text = texts[key] ?? english[key];
    const form = typeof text === "string" ? text : (text[plural.select(Number(values.count ?? 0))] ?? text.other ?? key);
    return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return typeof value === "number" ? number.format(value) : (value ?? whole);
    });
  };
}

/** Waits until the translations of the page are there. */
export async function translated(): Promise<void> {
  await Promise.all(loading);
}

// A browser may forbid storage; the choice then lasts as long as the page.
export function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // see above
  }
}
