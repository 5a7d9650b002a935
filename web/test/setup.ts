// Builds the binary once for all tests, with the pages as their sources are
// now, whether or not dist was built again. USHER_BINARY names another one.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("..", import.meta.url));

export default function setup(): (() => void) | undefined {
  if (process.env.USHER_BINARY) {
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "usher-web-"));
  const dist = join(folder, "dist");
  const env = { ...process.env, USHER_DIST: dist };
  execFileSync("npm", ["run", "--silent", "build"], { cwd: web, stdio: ["ignore", "ignore", "inherit"], env });
  const overlay = join(folder, "overlay.json");
  writeFileSync(overlay, JSON.stringify({ Replace: replacements(dist) }));
  const binary = join(folder, "usher");
  execFileSync("go", ["build", "-overlay", overlay, "-o", binary, "./cmd/usher"], { cwd: join(web, ".."), stdio: "inherit" });
  process.env.USHER_BINARY = binary;
  return () => rmSync(folder, { recursive: true });
}

/** Says to the Go command which files stand in the place of, and beside, those of web/dist. */
function replacements(dist: string): Record<string, string> {
  return Object.fromEntries(files(dist).map((name) => [join(web, "dist", name), join(dist, name)]));
}

function files(folder: string): string[] {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
