import type { Clock } from "../../actors/clock.ts";
import { formatSeconds, formatSpan } from "../../machines/model/amounts.ts";

export type StepName =
  "driver" | "existing" | "create" | "listed" | "tags" | "boot" | "command" | "pause" | "destroy";

export type StepOutcome = "ok" | "failed" | "skipped" | "interrupted";

export interface StepResult {
  readonly step: StepName;
  readonly outcome: StepOutcome;
  readonly durationMs: number;
  /** What was found, or what went wrong. */
  readonly message: string;
}

/** An operator wants it to end: the steps to come are left out, but for those that clean up. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** A step that did not do what it should; told in one message. */
export class StepFailure extends Error {
  override readonly name = "StepFailure";
}

interface StepLogOptions {
  readonly clock: Pick<Clock, "nowMs">;
  /** A line with its line feed. */
  readonly write: (line: string) => void;
  /** Takes secrets out, and cuts. */
  readonly clean: (text: string) => string;
}

/** Tells a run step by step, each with the time it took, and keeps the results. */
export class StepLog {
  readonly results: StepResult[] = [];
  readonly #options: StepLogOptions;
  readonly #startedAtMs: number;

  constructor(options: StepLogOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.nowMs();
  }

  get ok(): boolean {
    return this.results.every(({ outcome }) => outcome === "ok" || outcome === "skipped");
  }

  /** Something worth telling on the way. */
  note(step: StepName, text: string): void {
    const sinceMs = this.#options.clock.nowMs() - this.#startedAtMs;
    const at = formatSeconds(sinceMs).padStart(8);
    for (const line of text.split("\n")) {
      this.#options.write(`${at}s  ${step.padEnd(8)}  ${printable(this.#options.clean(line))}\n`);
    }
  }

  /**
   * Runs a step and answers whether it went well; what it returns is its message. A failure is kept and told, and the
   * run goes on; only `Interrupted` is thrown on.
   */
  async run(step: StepName, what: string, action: () => Promise<string>): Promise<boolean> {
    const { clock } = this.#options;
    this.note(step, what);
    const beganAtMs = clock.nowMs();
    const end = (outcome: StepOutcome, message: string): boolean => {
      this.#add({ step, outcome, durationMs: clock.nowMs() - beganAtMs, message });
      return outcome === "ok";
    };
    try {
      return end("ok", await action());
    } catch (error) {
      if (!(error instanceof Interrupted)) return end("failed", reasonOf(error));
      end("interrupted", error.message);
      throw error;
    }
  }

  skip(step: StepName, message: string): void {
    this.#add({ step, outcome: "skipped", durationMs: 0, message });
  }

  #add(result: StepResult): void {
    const message = this.#options.clean(result.message);
    this.results.push({ ...result, message });
    const { step, outcome, durationMs } = result;
    const took = outcome === "skipped" ? "" : ` after ${formatSpan(durationMs)}`;
    this.note(step, `${outcome.toUpperCase()}${took}${message === "" ? "" : `: ${message}`}`);
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}

/** Texts from outside do not steer the terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]+/g, " ");
}
