// node .ci/summary.js REPORTS PROBLEMS: sums vitest's reports, lists why tests were skipped, and ends with the one line.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [reports = "", problems = "0"] = process.argv.slice(2);
const total = { passed: 0, failed: Number(problems), skipped: 0 };
const read = (name) =>
  existsSync(join(reports, name)) ? readFileSync(join(reports, name), "utf8") : "";

for (const file of readdirSync(reports).filter((name) => name.endsWith(".code"))) {
  const name = file.replace(/\.code$/, "");
  const exitCode = Number(read(file));
  const {
    numPassedTests = 0,
    numFailedTests = 0,
    numPendingTests = 0,
    numTodoTests = 0,
  } = parse(read(`${name}.json`));
  total.passed += numPassedTests;
  total.skipped += numPendingTests + numTodoTests;
  // A file that could not be loaded, a crash or a time-out is no failed test, and a failure all the same.
  total.failed += exitCode === 0 ? numFailedTests : Math.max(1, numFailedTests);
  if (exitCode !== 0 && numFailedTests === 0) {
    process.stdout.write(`\n${name}: ended with exit code ${exitCode}, and no test has failed\n`);
  }
  const skipped = read(`${name}.skipped`);
  if (skipped !== "") process.stdout.write(`\nskipped in ${name}:\n${skipped}`);
}

process.stdout.write(
  `\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`,
);
process.exitCode = total.failed === 0 ? 0 : 1;

/** None, or half a one, where the run was cut off. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
