import { locale } from "./locale.js";

const inKilobytes = new Intl.NumberFormat(locale, { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 });
const inMegabytes = new Intl.NumberFormat(locale, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 });

/** The size of a file in words. */
export function sizeInWords(bytes: number): string {
  return bytes < 1 << 20 ? inKilobytes.format(Math.max(1, Math.round(bytes / 1024))) : inMegabytes.format(bytes / (1 << 20));
}
