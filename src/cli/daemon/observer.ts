import type { DispatcherObserver } from "../../actors/dispatcher.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { AlarmName, Alarms } from "./alarms.ts";
import { makeRunnerProgressLog } from "./runner-progress-log.ts";

interface ObserverOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  /** A bug: the process is to end. */
  readonly onBug: (error: unknown) => void;
}

/** Counts and logs what the dispatcher does beside its records. */
export function makeObserver({ log, metrics, alarms, onBug }: ObserverOptions): DispatcherObserver {
  const alarm = (name: AlarmName, failure: string, message: string): void => {
    const changed = alarms.set(name, failure);
    if (changed && failure === "") log.info({ Alarm: name }, "alarm is over");
    else if (failure !== "") log.warn({ Alarm: name, Error: failure }, message);
  };
  return {
    factTaken: (type, changed) => metrics.core.countFact(type, changed ? "kept" : "unchanged"),
    factDropped: (type) => metrics.core.countFact(type, "dropped"),
    plannerRan: (durationMs) => metrics.scheduler.plannerDuration.observe(durationMs / 1000),
    commitsRecovered: () => alarm("journal", "", ""),
    commitFailed: (error) => {
      metrics.core.journalFailedCommits.inc();
      alarm("journal", error.message, "journal cannot be written, feeds are stopped");
    },
    broke: (error) => onBug(error),
    commandEnded: (kind, ok) => metrics.core.countCommand(kind, ok ? "succeeded" : "failed"),
    commandFailed: (command, message) =>
      log.warn({ Command: command.kind, ID: command.id, Error: message }, "command failed"),
    runProbeEnded: (outcome, durationMs) =>
      metrics.pool.runProbeDuration.observe({ outcome }, durationMs / 1000),
    listEnded: (failure) => alarm("cloud", failure, "error listing instances"),
    pollEnded: (failure) => alarm("queue", failure, "error updating queue"),
    agentChanged: (instanceId, event) => {
      const fields = { Instance: instanceId };
      if (event.state === "ready") return log.info(fields, "agent of worker is ready");
      if (event.state === "lost")
        return log.info({ ...fields, Error: event.error }, "agent of worker is lost");
      log.warn(
        { ...fields, Error: event.error },
        "agent of worker cannot be used: runners there call the address of this daemon",
      );
    },
    runnerProgressed: makeRunnerProgressLog(log, () => performance.now()),
  };
}
