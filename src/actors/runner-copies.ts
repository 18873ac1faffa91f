import { mergeMap, Subject } from "rxjs";
import type { SshCommand, SshResult } from "../drivers/ssh/port.ts";
import { gzipLookup, installCommand, type RunnerCall } from "./crunch-run-commands.ts";
import type { Runner, RunnerProgress } from "./runner-binary.ts";

interface Copy {
  readonly instanceId: string;
  readonly call: RunnerCall;
  readonly runner: Runner;
  readonly execute: (
    command: Pick<SshCommand, "command" | "stdin" | "onSent"> & { readonly extraMs: number },
  ) => Promise<SshResult>;
}

/** More at once would share the way out until none of them is done in time. */
const COPIES_MAX = 8;

/** What a slow way takes a second, below which a copy is given up: for its deadline. */
const BYTES_PER_SECOND_MIN = 100_000;

/** Copies the runner to workers where it is large: gzipped if the worker can, a few at a time, once at a time to each. */
export class RunnerCopies {
  readonly #onProgress: (progress: RunnerProgress) => void;
  readonly #underWay = new Map<string, Promise<SshResult>>();
  readonly #wanted = new Subject<() => Promise<void>>();

  constructor(onProgress: (progress: RunnerProgress) => void) {
    this.#onProgress = onProgress;
    this.#wanted.pipe(mergeMap((copy) => copy(), COPIES_MAX)).subscribe();
  }

  /** Whoever comes while a copy to that instance is under way shares its outcome. */
  copy(copy: Copy): Promise<SshResult> {
    const { instanceId } = copy;
    const known = this.#underWay.get(instanceId);
    if (known) return known;
    const outcome = this.#inTurn(() => this.#send(copy)).finally(() =>
      this.#underWay.delete(instanceId),
    );
    this.#underWay.set(instanceId, outcome);
    return outcome;
  }

  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => this.#wanted.next(() => body().then(resolve, reject)));
  }

  async #send({ instanceId, call, runner, execute }: Copy): Promise<SshResult> {
    const lookup = await execute({ command: gzipLookup(call), extraMs: 0 });
    const isGzipped = runner.gzipped !== undefined && lookup.exitCode === 0;
    const stdin = isGzipped ? await runner.gzipped() : await runner.content();
    let sentBytes = 0;
    const tell = (state: RunnerProgress["state"], error = ""): void => {
      const totalBytes = stdin.length;
      this.#onProgress({ instanceId, state, sentBytes, totalBytes, isGzipped, error });
    };
    tell("begun");
    try {
      const result = await execute({
        command: installCommand(call, { md5: runner.md5, isGzipped }),
        stdin,
        extraMs: (stdin.length / BYTES_PER_SECOND_MIN) * 1000,
        onSent: (bytes) => {
          sentBytes = bytes;
          tell("underWay");
        },
      });
      if (result.exitCode === 0) tell("copied");
      else tell("failed", `exit status ${result.exitCode}: ${result.stderr.trim()}`);
      return result;
    } catch (error) {
      tell("failed", error instanceof Error ? error.message : String(error));
      throw error;
    }
  }
}
