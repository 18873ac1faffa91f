import { defineConfig } from "vite";

/** The page: built into the package, and served by the daemon from its own files. */
export default defineConfig({
  root: "src/http/visualizer",
  // Relative, so that it works below any path.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../../../dist/http/visualizer",
    emptyOutDir: true,
    target: "es2022",
    // The content-security-policy knows files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
