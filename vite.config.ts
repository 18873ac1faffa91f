import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** The daemon serves the charts as data too, from beside the page. */
const charts: Plugin = {
  name: "charts-as-a-file",
  generateBundle() {
    const source = readFileSync("src/http/visualizer/charts.json", "utf8");
    this.emitFile({ type: "asset", fileName: "charts.json", source });
  },
};

/** The page: built into the package, and served by the daemon from its own files. */
export default defineConfig({
  root: "src/http/visualizer",
  // Relative, so that it works below any path.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [charts],
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
