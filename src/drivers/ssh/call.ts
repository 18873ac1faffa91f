import { formatSpan } from "../../machines/model/amounts.ts";
import { setMaxListeners } from "node:events";
import { SshError, type SshCommand } from "./port.ts";

export type SetTimer = (delayMs: number, callback: () => void) => () => void;

/** One command under way: what may end it early, and how far it has got. */
export interface Call {
  readonly command: SshCommand;
  /** Aborts with an `SshError` when the deadline passes, the caller gives up or the executor closes. */
  readonly scope: AbortSignal;
  /** Whether the command was handed to the server. Only ever turns true. */
  started: boolean;
  /** What the call is waiting for, for the error message. */
  phase: string;
}

export interface OpenCall {
  readonly call: Call;
  /** Ends the call early; later calls change nothing. */
  abort(code: "closed" | "timeout", text: string): void;
  /** Must be called when the call has ended, however it did. */
  release(): void;
}

export function openCall(command: SshCommand, setTimer: SetTimer): OpenCall {
  const controller = new AbortController();
  const call: Call = { command, scope: controller.signal, started: false, phase: "starting" };
  const abort = (code: "closed" | "timeout", text: string, cause?: unknown): void => {
    const options = { started: call.started, ...(cause === undefined ? {} : { cause }) };
    controller.abort(new SshError(code, `ssh: ${text} (while ${call.phase})`, options));
  };
  const onCallerAbort = () => abort("closed", "given up by the caller", command.signal?.reason);
  const cancelTimer = setTimer(command.timeoutMs, () =>
    abort("timeout", `timed out after ${formatSpan(command.timeoutMs)}`),
  );
  if (command.signal?.aborted) onCallerAbort();
  else if (command.signal) {
    // One signal may stand for many commands; Node warns from the eleventh listener on.
    setMaxListeners(0, command.signal);
    command.signal.addEventListener("abort", onCallerAbort, { once: true });
  }
  return {
    call,
    abort,
    release() {
      cancelTimer();
      command.signal?.removeEventListener("abort", onCallerAbort);
    },
  };
}

/** The promise's outcome, or a rejection with the signal's reason if it aborts first. */
export function until<T>(promise: Promise<T>, scope: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(scope.reason as Error);
    if (scope.aborted) onAbort();
    else scope.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => scope.removeEventListener("abort", onAbort));
  });
}
