import type { Change } from "../core/draft.ts";
import type { JournalRecord } from "../model/record.ts";
import type { WorkerSnapshot } from "../worker/worker.machine.ts";
import type { WorkerContext, WorkerProcess } from "../worker/worker.types.ts";
import type { Run } from "./explanation.ts";
import { sweeps, sweepText } from "./sweep.ts";
import { endPeriod, periodFrom, type Moment } from "./spans.ts";

/** Processes of containers on workers, as the workers' machines tell of them. */
export class Runs {
  readonly list: Run[] = [];
  readonly #open = new Map<string, Run>();

  /** Processes that were there before the first record that is seen. */
  begin(
    worker: WorkerSnapshot,
    isWanted: (containerId: string) => boolean,
    moment: Moment,
    nameOf = nameless,
  ): void {
    for (const [containerId, process] of Object.entries(worker.context.processes)) {
      if (!isWanted(containerId)) continue;
      const run = this.#add(worker.context, containerId, { ...moment, atMs: process.sinceMs });
      run.containerName = nameOf(containerId);
      this.#update(run, process, moment);
    }
  }

  /** Takes in what a record changed on a worker. */
  see(
    change: Change,
    record: JournalRecord,
    isWanted: (containerId: string) => boolean,
    nameOf = nameless,
  ): void {
    const { context } = change.after as WorkerSnapshot;
    const { shutdownReason } = context;
    const before = (change.before as WorkerSnapshot | undefined)?.context.processes ?? {};
    const moment = { seq: record.seq, atMs: record.fact.atMs };
    // A worker that is gone keeps its list; nobody knows what became of them.
    const after = change.removed ? {} : context.processes;
    for (const containerId of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (!isWanted(containerId)) continue;
      const process = after[containerId];
      const key = keyOf(context.workerId, containerId);
      const known = this.#open.get(key);
      if (known) known.instanceShutdown = shutdownReason;
      if (process) {
        const run = known ?? this.#add(context, containerId, moment, record);
        run.containerName ||= nameOf(containerId);
        this.#update(run, process, moment);
      } else if (known) this.#end(key, known, { change, record, moment });
    }
    this.#note(context, record, isWanted);
  }

  #add(context: WorkerContext, containerId: string, moment: Moment, record?: JournalRecord): Run {
    const { workerId, instanceId, instanceType } = context;
    const decision = record?.decisions.find(
      (each) => each.do === "start" && each.container === containerId && each.worker === workerId,
    );
    const run: Run = {
      containerId,
      containerName: "",
      workerId,
      instanceId,
      instanceType,
      startReason: decision?.reason ?? "",
      ...periodFrom(moment),
      runningAtMs: null,
      kill: null,
      error: "",
      instanceShutdown: context.shutdownReason,
      lost: false,
      end: "",
    };
    this.list.push(run);
    this.#open.set(keyOf(workerId, containerId), run);
    return run;
  }

  #update(run: Run, process: WorkerProcess, { seq, atMs }: Moment): void {
    if (process.state === "running") run.runningAtMs ??= atMs;
    const { kill } = process;
    if (!kill) return;
    run.kill ??= { reason: kill.reason, seq, atMs: kill.sinceMs, signals: 0, givenUp: false };
    run.kill.givenUp = kill.nextAtMs === null;
  }

  /** Signals sent, and what a start said. */
  #note(
    { workerId }: WorkerContext,
    { commands, fact }: JournalRecord,
    isWanted: (containerId: string) => boolean,
  ): void {
    for (const command of commands) {
      if (command.kind !== "process.kill" || command.workerId !== workerId) continue;
      const run = this.#open.get(keyOf(workerId, command.containerId));
      if (run?.kill && isWanted(command.containerId)) run.kill.signals++;
    }
    if (fact.type === "start.returned" && fact.workerId === workerId) {
      const run = this.#open.get(keyOf(workerId, fact.containerId));
      if (run && fact.error !== "") run.error = fact.error;
    }
  }

  #end(
    key: string,
    run: Run,
    { change, record, moment }: { change: Change; record: JournalRecord; moment: Moment },
  ): void {
    endPeriod(run, moment);
    run.lost = change.removed;
    run.end = endText(change, record);
    this.#open.delete(key);
  }
}

function nameless(_containerId: string): string {
  return "";
}

function keyOf(workerId: string, containerId: string): string {
  return `${workerId} ${containerId}`;
}

function endText(change: Change, { fact }: JournalRecord): string {
  if (change.removed) return "its instance is gone, and nobody saw it exit";
  if (fact.type === "probe.succeeded") return "exited: a probe no longer lists it";
  if (fact.type === "kill.returned") return "exited: the kill found it gone";
  if (fact.type === "daemon.started")
    return "the journal lacked its end at a start: what ran by it is not believed";
  return `ended with ${fact.type}`;
}

/** What is worth saying of how it went and ended. */
export function runNotes({ kill, error, end, instanceShutdown }: Run): string[] {
  return [
    error === "" ? "" : `the start said: ${error}`,
    kill ? killText(kill) : "",
    instanceShutdown === "" ? "" : `its instance was shut down: ${instanceShutdown}`,
    end,
  ].filter((note) => note !== "");
}

function killText({ reason, signals, givenUp }: NonNullable<Run["kill"]>): string {
  if (sweeps(reason)) return `${sweepText(reason)}${givenUp ? ", and does not obey SIGTERM" : ""}`;
  return `SIGTERM sent ${signals === 1 ? "once" : `${signals} times`}${givenUp ? ", given up" : ""}: ${reason}`;
}
