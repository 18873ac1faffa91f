import { setBackAt } from "../../src/machines/core/set-back.ts";
import { containerId } from "./containers.ts";
import { CoreBuilder } from "./core-builder.ts";

const MINUTE_MS = 60_000;
export const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

/** Runs before the clock was wrong, in the run that was ahead, and in both. */
export const [EARLY, LATE] = [containerId(1), containerId(2)];

/** Three runs in one journal: with the right clock, a year ahead, and right again; each takes some minutes. */
export class WrongClock {
  readonly builder = new CoreBuilder();
  readonly startsMs: number[] = [];
  /** The first record of each run that is ahead, and of the one after it. */
  aheadSeq = 0;
  againSeq = 0;

  constructor() {
    const { builder } = this;
    const beginMs = builder.nowMs;
    this.#start(beginMs);
    builder.container(EARLY, { state: "Running" }).instance("i-1", "type1", [EARLY]);
    this.pass(5);
    builder.plan();
    this.aheadSeq = this.#start(beginMs + 10 * MINUTE_MS + YEAR_MS);
    this.#lookAround();
    this.pass(2);
    builder.container(LATE, { state: "Locked", vcpus: 4, ram: 4 * 2 ** 30 });
    this.pass(1);
    this.#refuse();
    this.pass(2);
    builder.instance("i-2", "type4", []);
    this.#refuseDestroy("i-3");
    this.pass(1);
  }

  /** The clock is right from now on: 20 minutes after the beginning. */
  setRight(): this {
    const [beginMs = 0] = this.startsMs;
    this.againSeq = this.#start(beginMs + 20 * MINUTE_MS);
    return this;
  }

  pass(minutes: number): void {
    this.builder.nowMs += minutes * MINUTE_MS;
  }

  #start(atMs: number): number {
    const { builder } = this;
    builder.nowMs = atMs;
    this.startsMs.push(atMs);
    const setBack = setBackAt(builder.core, atMs);
    const started = { type: "daemon.started", version: "test", journalId: "j1" } as const;
    const { record } = builder.feed({ ...started, ...(setBack ? { setBack } : {}) });
    builder.feed({ type: "lease.acquired" });
    return record?.seq ?? 0;
  }

  #lookAround(): void {
    const { builder } = this;
    const basedOnSeq = builder.core.seq;
    const at = builder.nowMs;
    builder.instance("i-1", "type1", [EARLY]);
    builder.feed({ type: "instances.listed", basedOnSeq, listStartedAtMs: at, instancesCount: 1 });
    builder.feed({ type: "queue.polled", basedOnSeq, startedAtMs: at });
    builder.plan();
    builder.plan();
  }

  /** Of an instance that an operator wants ended. */
  #refuseDestroy(workerId: string): void {
    const { builder } = this;
    builder.instance(workerId, "type1", []);
    const { record } = builder.feed({ type: "shutdown.requested", workerId, reason: "test" });
    const commandId = record?.commands.find(({ kind }) => kind === "instance.destroy")?.id ?? "";
    const failure = { code: "refused", message: "no" } as const;
    builder.feed({ type: "destroy.failed", commandId, workerId, failure });
  }

  /** Every create of a run of the planner, for want of capacity and by a rate limit of five minutes. */
  #refuse(): void {
    const { builder } = this;
    const { record } = builder.plan();
    for (const command of record?.commands ?? []) {
      if (command.kind !== "instance.create") continue;
      const { id: commandId, workerId } = command;
      const failure = { code: "rateLimited", message: "slow down" } as const;
      const retryAtMs = builder.nowMs + 5 * MINUTE_MS;
      const failed = { type: "create.failed", commandId, workerId } as const;
      builder.feed({ ...failed, failure: { ...failure, retryAtMs } });
    }
  }
}
