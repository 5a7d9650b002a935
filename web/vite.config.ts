// The pages: one entry each, assets with hashed names under /assets/, nothing
// inline, so that the content security policy needs no exception.
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const pages = { start: "index", agent: "agent", wall: "wall", admin: "admin", chat: "chat" };
// Some of them suffice while one works on one: USHER_PAGES=agent,start.
const wanted = process.env.USHER_PAGES?.split(",") ?? Object.keys(pages);
const server = process.env.USHER_URL ?? "http://127.0.0.1:8480";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** In development /agent is agent.html, as Go's handler has it. */
const shortPaths: Plugin = {
  name: "short-paths",
  configureServer(dev) {
    dev.middlewares.use((request, _response, next) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      if (url.pathname.slice(1) in pages) {
        request.url = `${url.pathname}.html${url.search}`;
      }
      next();
    });
  },
};

export default defineConfig({
  appType: "mpa",
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  plugins: [shortPaths],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    outDir: process.env.USHER_DIST ?? "dist",
    emptyOutDir: true,
    rollupOptions: {
      input: Object.fromEntries(
        Object.entries(pages)
          .filter(([name]) => wanted.includes(name))
          .map(([name, html]) => [name, file(`${html}.html`)]),
      ),
    },
  },
  server: {
    proxy: Object.fromEntries(["/usher.v1.", "/window/", "/sessions/"].map((path) => [path, { target: server }])),
  },
});
