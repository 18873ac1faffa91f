import { defineConfig } from "vitest/config";

/** Where .ci/run and .ci/night want reports, without an ending; usually nowhere. */
const report = process.env["TEST_REPORT"];
const reports: [string, { outputFile: string }][] = report
  ? [["json", { outputFile: `${report}.json` }]]
  : [];

export default defineConfig({
  test: {
    // By default one core is left free, which on two cores means one file at a time.
    maxWorkers: "100%",
    reporters: ["default", "./test/support/skipped.reporter.ts", ...reports],
    projects: [
      {
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/browser/**", "test/bench/**"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
