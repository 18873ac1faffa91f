import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/**
 * Says at the end which tests were skipped and why: what is missing, and for how many; or, with each test's name, in the file
 * `$TEST_REPORT.skipped`. (A default export, since vitest asks for one.)
 */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const byReason = new Map<string, string[]>();
    for (const module of modules)
      for (const test of module.children.allTests("skipped")) {
        const reason = noteOf(test);
        byReason.set(reason, [...(byReason.get(reason) ?? []), test.fullName]);
      }
    const report = process.env["TEST_REPORT"];
    if (report) writeFileSync(`${report}.skipped`, inFull(byReason).join(""));
    else process.stdout.write(inShort(byReason).join(""));
  }
}

/** Where no reason was handed over, it stands in the name. */
function inFull(byReason: ReadonlyMap<string, readonly string[]>): string[] {
  return [...byReason].flatMap(([reason, names]) =>
    reason === "" ? names.map((name) => `- ${name}\n`) : [`- ${reason}:\n`, ...indented(names)],
  );
}

function inShort(byReason: ReadonlyMap<string, readonly string[]>): string[] {
  return [...byReason].flatMap(([reason, names]) =>
    reason === ""
      ? names.map((name) => `skipped: ${name}\n`)
      : [`skipped ${names.length}: ${reason}\n`],
  );
}

function noteOf(test: TestCase): string {
  const result = test.result();
  return result.state === "skipped" ? (result.note ?? "") : "";
}

function indented(names: readonly string[]): string[] {
  return names.map((name) => `    ${name}\n`);
}
