/** Counts what was checked, for the last line that `.ci` reads. */
export class Checks {
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  that(what: string, isSo: boolean, found: string | number = ""): void {
    if (isSo) this.#passed++;
    else this.#failed++;
    console.log(`${isSo ? "ok    " : "FAILED"}  ${what}${found === "" ? "" : `: ${found}`}`);
  }

  skip(what: string, why: string): void {
    this.#skipped++;
    console.log(`skipped ${what}: ${why}`);
  }

  /** The last line, and the exit code. */
  end(): void {
    console.log(`${this.#passed} passed, ${this.#failed} failed, ${this.#skipped} skipped`);
    if (this.#failed > 0) process.exitCode = 1;
  }
}

/** `--name VALUE` of the command line, a number above 0; `absent` without it. Throws an `Error` for anything else. */
export function numberFlag(name: string, absent: number): number {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return absent;
  const value = Number(process.argv[at + 1]);
  if (value > 0) return value;
  throw new Error(
    `--${name}: found ${process.argv[at + 1] ?? "nothing"}, expected a number above 0`,
  );
}
