import { ReadModel } from "../../src/actors/read-model.ts";
import { Core } from "../../src/machines/core/core.ts";
import type { Decision } from "../../src/machines/model/decision.ts";
import type { Fact, FactInput } from "../../src/machines/model/fact.ts";
import type { Settings } from "../../src/machines/model/settings.ts";
import { VirtualClock } from "../../src/simulator/virtual-clock.ts";
import { settings } from "./settings.ts";

/** What feeds and effects see of a supervisor: facts go straight into a core, and nothing ticks. */
export class FactSink {
  readonly clock = new VirtualClock(1_000_000);
  readonly core = new Core("j1");
  readonly readModel = new ReadModel();
  readonly facts: Fact[] = [];
  accepting = true;
  replansCount = 0;

  constructor(changes: Partial<Settings> = {}) {
    void this.submit({ type: "config.loaded", hash: "hash", settings: settings(changes) });
    this.facts.length = 0;
  }

  get seq(): number {
    return this.core.seq;
  }

  get known(): Core["registry"] {
    return this.core.registry;
  }

  get knownSettings(): Settings | null {
    return this.core.settings;
  }

  get settings(): Settings {
    if (!this.core.settings) throw new Error("no settings");
    return this.core.settings;
  }

  /** The types of the facts handed in since they were last asked for. */
  takeTypes(): string[] {
    return this.facts.splice(0).map(({ type }) => type);
  }

  submit(input: FactInput): Promise<boolean> {
    const fact: Fact = { ...input, atMs: this.clock.nowMs() };
    this.facts.push(fact);
    const { record, changes } = this.core.apply(fact);
    if (record) this.readModel.release(record.seq, changes);
    return Promise.resolve(record !== undefined);
  }

  replan(): void {
    this.replansCount++;
  }

  /** Hands the machines decisions as a run of the planner would. */
  decide(decisions: Decision[]): void {
    const { seq, clock } = this;
    const ran = { type: "planner.ran", polledSeq: seq, seen503AtMs: null } as const;
    const fact = { ...ran, atMs: clock.nowMs() };
    const { record, changes } = this.core.apply(fact, { seq: 0, fact, commands: [], decisions });
    if (record) this.readModel.release(record.seq, changes);
  }

  /** A worker for an instance that has just been created. */
  booting(instanceId = "i-1", instanceType = "type1"): string {
    const container = "zzzzz-dz642-000000000000000";
    this.decide([{ do: "create", container, instanceType, reason: "test" }]);
    const [pending] = [...this.known.entries("worker")].filter(
      ([, { value }]) => value.lifecycle === "creating",
    );
    const workerId = pending?.[0] ?? "";
    const created = { commandId: workerId, workerId, instanceId, address: "10.0.0.1" };
    void this.submit({ type: "create.succeeded", ...created });
    return workerId;
  }

  /** A worker for an instance that was found in the cloud. */
  unknown(instanceId = "i-1", instanceType = "type1"): string {
    this.seen(instanceId, "10.0.0.1", instanceType);
    return instanceId;
  }

  /** A list shows an instance. */
  seen(instanceId: string, address: string, instanceType = "type1"): void {
    void this.submit({
      type: "instance.seen",
      basedOnSeq: this.seq,
      instanceId,
      createdBy: null,
      address,
      instanceType,
      providerType: `provider${instanceType}`,
      idleBehavior: "run",
    });
  }

  listing(workerId: string, containerIds: string[], booted = true): void {
    const basedOnSeq = this.seq;
    const listing = { containerIds, broken: false, stale: false, bootError: "" };
    const probe = { basedOnSeq, startedAtMs: this.clock.nowMs(), booted, ...listing };
    void this.submit({ type: "probe.succeeded", workerId, ...probe });
  }

  worker(workerId: string): { state: string; behavior: string; running: string[] } {
    const worker = this.known.get("worker", workerId);
    return {
      state: worker?.value.lifecycle ?? "gone",
      behavior: worker?.value.idleBehavior ?? "",
      running: Object.keys(worker?.context.processes ?? {}).sort(),
    };
  }

  async advance(ms: number): Promise<void> {
    await this.clock.run({ untilMs: this.clock.nowMs() + ms });
  }
}
