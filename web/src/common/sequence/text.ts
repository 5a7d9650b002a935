import { translations } from "../locale.js";
import english from "./locales/en.json";

export const t = translations(english, { de: () => import("./locales/de.json") });
