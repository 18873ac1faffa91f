/** What the process says at its end; the same for every command unless its help says otherwise. */
export const EXIT = { ok: 0, failed: 1, usage: 2, otherCode: 3, bug: 70 } as const;

/** A failure that is told in one message, without a stack. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;

  constructor(message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** The command line, or what it names, cannot be understood: exit 2. */
export class UsageError extends CliError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, exitCode: EXIT.usage });
  }
}
