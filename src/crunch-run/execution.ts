import { randomBytes } from "node:crypto";
import { closeSync } from "node:fs";
import { type AttemptFiles, workingDirectory } from "./attempt-files.ts";
import { markNodeBroken, suggestsBrokenNode } from "./broken-node.ts";
import { NodeTroubleError, type RunningCommand, startCommand } from "./command.ts";
import type { ContainerRecord } from "./controller.ts";
import type { Log } from "./log.ts";
import { oomKillsCount, outOfMemory } from "./out-of-memory.ts";
import { errorText } from "./paths.ts";
import type { Settings } from "./settings.ts";
import { given, pause } from "./stops.ts";

/** How the execution of a command ended; no process of it is left. */
export type End =
  /** `warning` says what else is known of it; "" for nothing. */
  | { readonly kind: "exited"; readonly exitCode: number; readonly warning: string }
  /** `error` says why, unless it was asked for by a signal. */
  | { readonly kind: "stopped"; readonly error?: string }
  /** The record is no longer ours: nothing is to be reported. */
  | { readonly kind: "lost" };

export interface ExecutionOptions {
  readonly containerUuid: string;
  readonly record: ContainerRecord;
  readonly files: AttemptFiles;
  readonly lockFd: number;
  readonly settings: Settings;
  readonly brokenNodeHook: string;
  readonly stop: AbortSignal;
  isStillOurs(): Promise<boolean>;
  readonly log: Log;
}

/** Runs the command until it exits, is stopped, has used up its time, or its container is taken from us. */
export async function execute(options: ExecutionOptions): Promise<End> {
  const { record, settings, stop, log } = options;
  const oomKillsBefore = oomKillsCount();
  let command: RunningCommand;
  try {
    command = await start(options);
  } catch (error) {
    const text = errorText(error);
    if (error instanceof NodeTroubleError || suggestsBrokenNode(text)) {
      markNodeBroken(text, options.brokenNodeHook, log);
    }
    return { kind: "stopped", error: text };
  }
  log(`command started, pid ${command.pid}`);
  const over = new AbortController();
  const end = await Promise.race([
    command.ended.then((exitCode): End => ({
      kind: "exited",
      exitCode,
      warning: outOfMemory(exitCode, oomKillsBefore),
    })),
    given(stop).then((): End => ({ kind: "stopped" })),
    timeUsedUp(record.maxRunTimeMs, over.signal),
    takenAway(() => options.isStillOurs(), settings.watchMs, over.signal),
  ]);
  over.abort();
  if (end.kind === "exited") {
    log(`command ended with exit code ${end.exitCode}${end.warning && `: ${end.warning}`}`);
    await command.sweep();
  } else {
    log(`stopping the command: ${reasonOf(end)}`);
    await command.terminate(settings.stopGraceMs);
    log("command stopped");
  }
  const cuts = await finishLogs(options);
  if (end.kind !== "exited") return end;
  return { ...end, warning: [end.warning, ...cuts].filter(Boolean).join("; ") };
}

/** No process is left that could write to them. Answers what is to be said of them. */
async function finishLogs({ files, settings, log }: ExecutionOptions): Promise<string[]> {
  const cuts: string[] = [];
  for (const name of ["stdout", "stderr"] as const) {
    const cutBytes = await files[name].finish();
    if (cutBytes === 0) continue;
    const { logMaxBytes } = settings;
    const text = `${name}.log: ${cutBytes} bytes were cut, its limit is ${logMaxBytes} bytes`;
    log(text);
    cuts.push(text);
  }
  return cuts;
}

async function start(options: ExecutionOptions): Promise<RunningCommand> {
  const { record, files, log } = options;
  try {
    return await startCommand({
      argv: record.command,
      environment: record.environment,
      cwd: workingDirectory(record.cwd, files.workDir),
      stdoutFd: files.stdout.fd,
      stderrFd: files.stderr.fd,
      lockFd: options.lockFd,
      attemptId: `${options.containerUuid}-${randomBytes(8).toString("hex")}`,
      log,
    });
  } finally {
    closeSync(files.stdout.fd);
    closeSync(files.stderr.fd);
  }
}

function reasonOf(end: End): string {
  if (end.kind === "lost") return "the container's record is no longer Running and locked by us";
  return (end.kind === "stopped" && end.error) || "stop signal";
}

const NEVER = new Promise<never>(() => undefined);

async function timeUsedUp(maxRunTimeMs: number, over: AbortSignal): Promise<End> {
  if (maxRunTimeMs <= 0 || !(await pause(maxRunTimeMs, over))) return NEVER;
  return {
    kind: "stopped",
    error: `maximum run time exceeded: the container was stopped after ${maxRunTimeMs / 1000} s`,
  };
}

/** A safety net: normally the dispatcher signals. */
async function takenAway(
  isStillOurs: () => Promise<boolean>,
  watchMs: number,
  over: AbortSignal,
): Promise<End> {
  while (await pause(watchMs, over)) {
    if (!(await isStillOurs())) return { kind: "lost" };
  }
  return NEVER;
}
