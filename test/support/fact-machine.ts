import fc from "fast-check";
import { Core } from "../../src/machines/core/core.ts";
import type { Applied } from "../../src/machines/core/core.ts";
import { dueAtMs } from "../../src/machines/core/due.ts";
import type { Command } from "../../src/machines/model/command.ts";
import type { ContainerState, FactInput, Failure } from "../../src/machines/model/fact.ts";
import { ACTOR_KINDS, ONLY } from "../../src/machines/model/ids.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import { containerId, containerRecord } from "./containers.ts";
import { settings } from "./settings.ts";

const CONTAINERS = [1, 2, 3, 4].map(containerId);
const INSTANCES = ["i-1", "i-2", "i-3"];
const STATES = ["Queued", "Locked", "Running", "Complete", "Cancelled"] as const;
const TYPES = ["type1", "type2", "type4", "type4", "type2", "type1", "gone", "constructor"];
const CODES = ["timeout", "quota", "capacity", "rateLimited", "other", "aborted"] as const;

/** Numbers that a fact machine makes facts of: which one, of whom, how. */
export interface Op {
  readonly what: number;
  readonly who: number;
  readonly how: number;
  readonly bits: number;
}

/** Every kind of fact as likely as it is in life: without the bias to small numbers. */
export const opArbitrary: fc.Arbitrary<Op> = fc.noBias(
  fc.record({ what: fc.nat(99), who: fc.nat(11), how: fc.nat(11), bits: fc.nat(15) }),
);

/** Turns numbers into facts that fit what the core knows, or that do not, in any order. */
export class FactMachine {
  core = new Core("j1");
  nowMs = 1_000_000;
  readonly records: JournalRecord[] = [];
  readonly open: Command[] = [];

  constructor() {
    this.give({ type: "config.loaded", hash: "h", settings: this.#settings(1) });
    for (const fact of this.#restart()) this.give(fact);
    for (const fact of this.#recovered()) this.give(fact);
  }

  give(input: FactInput): Applied {
    const applied = this.core.apply({ ...input, atMs: this.nowMs });
    if (applied.record) this.records.push(applied.record);
    for (const command of applied.record?.commands ?? []) this.open.push(command);
    return applied;
  }

  #restart(): FactInput[] {
    this.open.length = 0;
    return [
      { type: "daemon.started", version: "test", journalId: "j1" },
      { type: "lease.acquired" },
    ];
  }

  /** What ends a recovery, where it may end. */
  #recovered(): FactInput[] {
    const basedOnSeq = this.core.seq;
    return [
      { type: "instances.listed", basedOnSeq, listStartedAtMs: this.nowMs, instancesCount: 0 },
      { type: "queue.polled", basedOnSeq, startedAtMs: this.nowMs },
      { type: "planner.ran", polledSeq: basedOnSeq, seen503AtMs: null },
    ];
  }

  /** The facts that an op stands for, in order. */
  facts(op: Op): FactInput[] {
    const { what, how } = op;
    if (what < 22) return [this.#plan(op)];
    if (what < 48) return this.#answer(op);
    if (what < 62) return [this.#probe(op)];
    if (what < 68) return this.#listed(op);
    if (what < 80) return [this.#polled(op)];
    if (what < 87) {
      this.nowMs += [1, 500, 1_000, 5_000, 5_000, 20_000, 61_000, 700_000][how % 8] ?? 0;
      return this.#ticks();
    }
    if (what < 90) return [this.#asked(op)];
    if (what < 95) return [this.#nonsense(op)];
    if (what < 96) return [{ type: "config.loaded", hash: "h", settings: this.#settings(how) }];
    return what < 98 ? this.#restart() : this.#recovered();
  }

  #settings(how: number): ReturnType<typeof settings> {
    return settings({
      maxInstances: how % 3 === 0 ? 3 : 0,
      maxConcurrentInstanceCreateOps: how % 2,
      timeoutTermMs: 20_000,
    });
  }

  #plan({ how, bits }: Op): FactInput {
    const polledSeq = Math.max(0, this.core.seq - (how % 4));
    return { type: "planner.ran", polledSeq, seen503AtMs: bits === 15 ? this.nowMs : null };
  }

  /** How a command ended, once; late, early, in any order. */
  #answer({ who, how }: Op): FactInput[] {
    const [command] = this.open.splice(who % Math.max(1, this.open.length), 1);
    if (!command) return [];
    const { id: commandId } = command;
    const failure: Failure = { code: CODES[how % CODES.length] ?? "other", message: "no" };
    const ok = how % 3 !== 0;
    switch (command.kind) {
      case "instance.create": {
        const { workerId } = command;
        const instanceId = how % 4 === 1 ? (INSTANCES[who % 3] ?? "") : `made-${commandId}`;
        return ok
          ? [{ type: "create.succeeded", commandId, workerId, instanceId, address: "a" }]
          : [{ type: "create.failed", commandId, workerId, failure }];
      }
      case "instance.destroy":
        return ok
          ? [{ type: "destroy.accepted", commandId, workerId: command.workerId }]
          : [{ type: "destroy.failed", commandId, workerId: command.workerId, failure }];
      case "instance.setTags":
        return [{ type: "tags.saved", commandId, workerId: command.workerId }];
      case "process.start": {
        const { workerId, containerId: id } = command;
        const outcome = (["started", "failed", "unknown"] as const)[how % 3] ?? "started";
        return [
          { type: "start.returned", commandId, workerId, containerId: id, outcome, error: "" },
        ];
      }
      case "process.kill": {
        const { workerId, containerId: id } = command;
        return [
          { type: "kill.returned", commandId, workerId, containerId: id, gone: ok, error: "" },
        ];
      }
      case "container.lock":
      case "container.unlock":
      case "container.cancel": {
        const operation = command.kind.slice("container.".length) as "lock" | "unlock" | "cancel";
        const of = { commandId, containerId: command.containerId, operation };
        const state = this.#result(operation, how);
        return ok
          ? [{ type: "operation.succeeded", ...of, state, priority: null }]
          : [{ type: "operation.failed", ...of, failure }];
      }
      default:
        return command satisfies never;
    }
  }

  #result(operation: "lock" | "unlock" | "cancel", how: number): ContainerState {
    if (operation === "cancel" || how === 11) return "Cancelled";
    return operation === "lock" ? "Locked" : "Queued";
  }

  #worker(who: number): string {
    const ids = this.core.registry.ids("worker");
    return ids[who % Math.max(1, ids.length)] ?? "nobody";
  }

  #based(how: number): number {
    return Math.max(0, this.core.seq - (how % 4 === 3 ? 5 : 0));
  }

  #probe({ who, how, bits }: Op): FactInput {
    const workerId = this.#worker(who);
    const known = Object.keys(this.core.registry.get("worker", workerId)?.context.processes ?? {});
    const about = { workerId, basedOnSeq: this.#based(how), startedAtMs: this.nowMs };
    if (how % 5 === 4) {
      const lastGoodProbeAtMs = this.nowMs - [0, 100_000, 900_000][bits % 3]!;
      const failed = { lastGoodProbeAtMs, booted: bits > 7, broken: bits === 3, error: "e" };
      return { type: "probe.failed", ...about, ...failed };
    }
    // Mostly what is known to run there.
    const listed = bits % 4 === 0 ? CONTAINERS.filter((_, n) => (bits >> n) & 1) : known;
    return {
      type: "probe.succeeded",
      ...about,
      booted: how % 6 !== 5,
      containerIds: [...listed].sort(),
      broken: bits === 14,
      stale: bits === 13,
      bootError: "",
    };
  }

  #listed({ who, how, bits }: Op): FactInput[] {
    const basedOnSeq = this.#based(how);
    const listStartedAtMs = this.nowMs;
    if (how % 4 === 0)
      return [{ type: "instances.listed", basedOnSeq, listStartedAtMs, instancesCount: bits }];
    const workerId = this.#worker(who);
    if (how % 4 === 1) {
      const lastGoodProbeAtMs = bits > 7 ? this.nowMs : 0;
      const list = { workerId, basedOnSeq, lastGoodProbeAtMs };
      return [0, 1].map((later) => ({
        type: "instance.missing",
        ...list,
        listStartedAtMs: listStartedAtMs + later,
      }));
    }
    const shown = bits % 2 === 0 ? this.#shown(workerId, bits) : undefined;
    if (shown) return [{ type: "instance.seen", basedOnSeq, createdBy: null, ...shown }];
    const creating = [...this.core.registry.entries("worker")].find(
      ([, { value }]) => value.lifecycle === "creating",
    );
    return [
      {
        type: "instance.seen",
        basedOnSeq,
        instanceId: INSTANCES[who % 3] ?? "i-1",
        createdBy: bits > 9 ? (creating?.[0] ?? null) : null,
        address: `10.0.0.${bits % 2}`,
        instanceType: TYPES[bits % TYPES.length] ?? "",
        providerType: "p",
        idleBehavior: (["run", "hold", "drain", ""] as const)[who % 4] ?? "",
      },
    ];
  }

  /** A worker's instance as it is known, but for one thing. */
  #shown(workerId: string, bits: number) {
    const worker = this.core.registry.get("worker", workerId);
    if (!worker || worker.context.instanceId === "") return undefined;
    const { instanceId, address, instanceType, providerType } = worker.context;
    const { idleBehavior } = worker.value;
    const known = { instanceId, address, instanceType, providerType, idleBehavior };
    const changed = { 2: { address: "10.0.0.9" }, 4: { instanceType: "other" } }[bits] ?? {};
    return bits === 6 ? { ...known, idleBehavior: "" as const } : { ...known, ...changed };
  }

  #polled({ who, how, bits }: Op): FactInput {
    const id = CONTAINERS[who % 4] ?? "";
    const basedOnSeq = this.#based(how);
    const isNew = this.core.registry.get("container", id) === undefined;
    const state = STATES[isNew ? bits % 3 : bits % 5] ?? "Queued";
    const priority = bits > 13 ? "0" : "10000000000000000000";
    if (bits === 11) return { type: "queue.polled", basedOnSeq, startedAtMs: this.nowMs };
    if (bits === 12) return { type: "container.missing", containerId: id, basedOnSeq };
    if (bits === 10)
      return { type: "container.rejected", containerId: id, basedOnSeq, state, error: "bad" };
    if (!isNew && how > 2)
      return { type: "container.changed", containerId: id, basedOnSeq, state, priority };
    const record = containerRecord({ state, priority, vcpus: how === 5 ? 99 : (how % 4) + 1 });
    return { type: "container.added", containerId: id, basedOnSeq, record };
  }

  #ticks(): FactInput[] {
    const due: FactInput[] = [];
    for (const actorKind of ACTOR_KINDS)
      for (const [actorId, snapshot] of this.core.registry.entries(actorKind)) {
        const atMs = dueAtMs(actorKind, snapshot);
        if (atMs !== null && atMs <= this.nowMs)
          due.push({ type: "clock.ticked", actorKind, actorId, lastGoodProbeAtMs: null });
      }
    return due;
  }

  #asked({ who, how, bits }: Op): FactInput {
    const workerId = this.#worker(who);
    const reason = "test";
    if (bits === 15 && how === 0) return { type: "stop.requested", drain: true, reason };
    const containerId = CONTAINERS[who % 4]!;
    if (bits > 13) return { type: "cancel.requested", containerId, reason };
    if (bits > 11) return { type: "kill.requested", containerId, reason };
    if (bits > 9) return { type: "shutdown.requested", workerId, reason };
    const behavior = (["run", "run", "hold", "drain"] as const)[how % 4] ?? "run";
    return { type: "behavior.requested", workerId, behavior, reason };
  }

  /** Answers to what nobody asked, and ticks that are not due. */
  #nonsense({ who, how, bits }: Op): FactInput {
    const workerId = this.#worker(who);
    const asked = { commandId: "j1-0-9", workerId };
    const of = { ...asked, containerId: CONTAINERS[bits % 4]! };
    switch (how % 6) {
      case 0:
        return { type: "kill.returned", ...of, gone: true, error: "" };
      case 1:
        return { type: "start.returned", ...of, outcome: "started", error: "" };
      case 2:
        return { type: "create.succeeded", ...asked, instanceId: INSTANCES[who % 3]!, address: "" };
      case 3:
        return { type: "ssh.connected", workerId };
      case 4:
        return {
          type: "clock.ticked",
          actorKind: "worker",
          actorId: workerId,
          lastGoodProbeAtMs: 0,
        };
      default:
        return { type: "clock.ticked", actorKind: "quota", actorId: ONLY, lastGoodProbeAtMs: null };
    }
  }
}
