import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Writes the tests that were skipped into $SKIPPED_FILE, grouped by the reason, a line each. (A default export, since vitest asks for one.) */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const path = process.env["SKIPPED_FILE"];
    if (!path) return;
    const byReason = new Map<string, string[]>();
    for (const module of modules)
      for (const test of module.children.allTests("skipped")) {
        const reason = noteOf(test);
        byReason.set(reason, [...(byReason.get(reason) ?? []), test.fullName]);
      }
    const lines = [...byReason].flatMap(([reason, names]) =>
      // Where no reason was handed over, it stands in the name.
      reason === "" ? names.map((name) => `- ${name}\n`) : [`- ${reason}:\n`, ...indented(names)],
    );
    writeFileSync(path, lines.join(""));
  }
}

function noteOf(test: TestCase): string {
  const result = test.result();
  return result.state === "skipped" ? (result.note ?? "") : "";
}

function indented(names: readonly string[]): string[] {
  return names.map((name) => `    ${name}\n`);
}
