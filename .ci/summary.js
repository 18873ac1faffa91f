// node .ci/summary.js REPORTS PROBLEMS: sums vitest's reports and what other commands counted, lists why tests were skipped, and ends with the one line.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [reports = "", problems = "0"] = process.argv.slice(2);
const total = { passed: 0, failed: Number(problems), skipped: 0 };
const read = (name) =>
  existsSync(join(reports, name)) ? readFileSync(join(reports, name), "utf8") : "";

for (const file of readdirSync(reports).filter((name) => name.endsWith(".code"))) {
  const name = file.replace(/\.code$/, "");
  const exitCode = Number(read(file));
  const counted = lastCount(read(`${name}.counted`));
  if (counted) {
    total.passed += counted.passed;
    total.skipped += counted.skipped;
    total.failed += exitCode === 0 ? counted.failed : Math.max(1, counted.failed);
    continue;
  }
  const {
    numPassedTests = 0,
    numFailedTests = 0,
    numPendingTests = 0,
    numTodoTests = 0,
  } = parse(read(`${name}.json`));
  total.passed += numPassedTests;
  total.skipped += numPendingTests + numTodoTests;
  // A file that could not be loaded, a crash or a time-out is no failed test, and a failure all the same.
  // So is a run of no test at all.
  const isEmpty = numPassedTests + numFailedTests + numPendingTests === 0;
  total.failed += exitCode === 0 && !isEmpty ? numFailedTests : Math.max(1, numFailedTests);
  if (isEmpty) process.stdout.write(`\n${name}: ran no test\n`);
  else if (exitCode !== 0 && numFailedTests === 0) {
    process.stdout.write(`\n${name}: ended with exit code ${exitCode}, and no test has failed\n`);
  }
  const skipped = read(`${name}.skipped`);
  if (skipped !== "") process.stdout.write(`\nskipped in ${name}:\n${skipped}`);
}

process.stdout.write(
  `\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`,
);
process.exitCode = total.failed === 0 ? 0 : 1;

/** Of the last line that counts; undefined where there is none. */
function lastCount(text) {
  const found = [...text.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  if (!found) return undefined;
  const [passed, failed, skipped = 0] = found.slice(1).map((digits) => Number(digits ?? 0));
  return { passed, failed, skipped };
}

/** None, or half a one, where the run was cut off. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
