// chat.js: one script without further files, for other people's pages. It is
// built after the pages, into the same folder.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  build: {
    target: "es2022",
    outDir: process.env.USHER_DIST ?? "dist",
    emptyOutDir: false,
    lib: {
      entry: fileURLToPath(new URL("src/chat/embed.tsx", import.meta.url)),
      name: "UsherChat",
      formats: ["iife"],
      fileName: () => "chat.js",
    },
  },
});
