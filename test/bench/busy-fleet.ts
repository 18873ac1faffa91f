import type { Released, Supervisor } from "../../src/actors/supervisor.ts";
import type { FactInput } from "../../src/machines/model/fact.ts";
import type { Command } from "../../src/machines/model/command.ts";
import { containerId, containerRecord } from "../support/containers.ts";

export interface FleetOptions {
  /** Containers to run in all. */
  readonly jobs: number;
  /** Containers in the queue at once. */
  readonly liveMax: number;
}

/** Facts handed in between two turns of the event loop: about what comes together while a commit is written. */
const FACTS_PER_TURN = 200;
const FACTS_PER_POLL = 2_000;
const STARTS_PER_WORKER = 25;

/**
 * A queue, a cloud and workers that answer every command at once, with the facts that effects and feeds would make of the
 * answers. A container: added, locked, started, a probe that lists it and changes nothing, its record running, then
 * complete, a probe without it, and gone from the queue. A worker: created, probed, drained after some containers,
 * destroyed, and missing from two lists.
 */
export class BusyFleet {
  /** The newest `seq` when the newest poll began. */
  polledSeq = 0;
  readonly finished: Promise<void>;
  readonly #supervisor: Supervisor;
  readonly #options: FleetOptions;
  /** Made when it is their turn, as what is observed depends on when. */
  #facts: (() => FactInput)[] = [];
  readonly #processes = new Map<string, Set<string>>();
  readonly #startsCount = new Map<string, number>();
  #addedCount = 0;
  #endedCount = 0;
  #untilPoll = 0;
  #finish: () => void = () => {};

  constructor(supervisor: Supervisor, options: FleetOptions) {
    this.#supervisor = supervisor;
    this.#options = options;
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    supervisor.released.subscribe((released) => this.#follow(released));
  }

  /** The dispatcher has started: lists and polls come in from now on. */
  start(): void {
    const basedOnSeq = this.#supervisor.seq;
    const listStartedAtMs = Date.now();
    const listed = { basedOnSeq, listStartedAtMs, instancesCount: 0 };
    this.#facts.push(() => ({ type: "instances.listed", ...listed }));
    for (let n = 0; n < this.#options.liveMax; n++) this.#add();
    this.#turn();
  }

  #turn(): void {
    if (this.#endedCount === this.#options.jobs) return this.#finish();
    const facts = this.#facts.splice(0, FACTS_PER_TURN);
    for (const fact of facts) void this.#supervisor.submit(fact());
    this.#untilPoll -= Math.max(1, facts.length);
    if (this.#untilPoll <= 0) this.#poll();
    setImmediate(() => this.#turn());
  }

  #poll(): void {
    this.#untilPoll = FACTS_PER_POLL;
    const { seq } = this.#supervisor;
    void this.#supervisor.submit({
      type: "queue.polled",
      basedOnSeq: seq,
      startedAtMs: Date.now(),
    });
    this.polledSeq = seq;
    this.#supervisor.replan();
  }

  #add(): void {
    const n = this.#addedCount++;
    if (n >= this.#options.jobs) return;
    const priority = String(1 + ((n * 7_919) % 1_000));
    const record = containerRecord({ priority, vcpus: 1 + (n % 4), createdAtMs: Date.now() });
    this.#facts.push(() => this.#ofRecord("container.added", containerId(n), { record }));
  }

  #follow({ record, changes }: Released): void {
    for (const command of record.commands) this.#answer(command);
    for (const { kind, removed } of changes) {
      if (kind !== "container" || !removed) continue;
      this.#endedCount++;
      this.#add();
    }
  }

  #answer(command: Command): void {
    const { id: commandId } = command;
    switch (command.kind) {
      case "instance.create":
        return this.#created(commandId, command.workerId);
      case "instance.destroy":
        return this.#destroyed(commandId, command.workerId);
      case "process.start":
        return this.#started(commandId, command.workerId, command.containerId);
      case "container.lock":
      case "container.unlock": {
        const operation = command.kind === "container.lock" ? "lock" : "unlock";
        const state = operation === "lock" ? "Locked" : "Queued";
        const ids = { commandId, containerId: command.containerId };
        const result = { operation, state, priority: null } as const;
        this.#facts.push(() => ({ type: "operation.succeeded", ...ids, ...result }));
        return;
      }
      case "instance.setTags": {
        const { workerId } = command;
        this.#facts.push(() => ({ type: "tags.saved", commandId, workerId }));
        return;
      }
      case "process.kill": {
        const { workerId, containerId: id } = command;
        this.#processes.get(workerId)?.delete(id);
        const answer = { workerId, containerId: id, gone: true, error: "" };
        this.#facts.push(() => ({ type: "kill.returned", commandId, ...answer }));
        return;
      }
      default:
        throw new Error(`the bench expects no ${command.kind}`);
    }
  }

  #created(commandId: string, workerId: string): void {
    const instanceId = `i-${commandId}`;
    const address = "10.0.0.1";
    this.#processes.set(workerId, new Set());
    this.#facts.push(
      () => ({ type: "create.succeeded", commandId, workerId, instanceId, address }),
      () => ({ type: "ssh.connected", workerId }),
      () => this.#probe(workerId),
    );
  }

  #destroyed(commandId: string, workerId: string): void {
    this.#facts.push(
      () => ({ type: "destroy.accepted", commandId, workerId }),
      () => this.#missing(workerId, Date.now()),
      () => this.#missing(workerId, Date.now() + 1),
    );
  }

  #started(commandId: string, workerId: string, id: string): void {
    const ids = { commandId, workerId, containerId: id };
    const startsCount = (this.#startsCount.get(workerId) ?? 0) + 1;
    this.#startsCount.set(workerId, startsCount);
    this.#facts.push(
      () => {
        this.#processes.get(workerId)?.add(id);
        return { type: "start.returned", ...ids, outcome: "started", error: "" };
      },
      () => this.#probe(workerId),
      () => this.#changed(id, "Running"),
      () => {
        this.#facts.push(
          () => this.#changed(id, "Complete"),
          () => {
            this.#processes.get(workerId)?.delete(id);
            return this.#probe(workerId);
          },
        );
        return this.#probe(workerId);
      },
    );
    if (startsCount === STARTS_PER_WORKER) {
      const drain = { behavior: "drain", reason: "bench" } as const;
      this.#facts.push(() => ({ type: "behavior.requested", workerId, ...drain }));
    }
  }

  #probe(workerId: string): FactInput {
    return {
      type: "probe.succeeded",
      workerId,
      basedOnSeq: this.#supervisor.seq,
      startedAtMs: Date.now(),
      booted: true,
      containerIds: [...(this.#processes.get(workerId) ?? [])].sort(),
      broken: false,
      stale: false,
      bootError: "",
    };
  }

  #changed(id: string, state: "Running" | "Complete"): FactInput {
    const priority = this.#supervisor.known.get("container", id)?.context.priority ?? "1";
    return this.#ofRecord("container.changed", id, { state, priority });
  }

  #ofRecord<T extends object, K extends FactInput["type"]>(
    type: K,
    id: string,
    rest: T,
  ): Extract<FactInput, { type: K }> {
    const { seq } = this.#supervisor;
    return { type, containerId: id, basedOnSeq: seq, ...rest } as never;
  }

  #missing(workerId: string, listStartedAtMs: number): FactInput {
    const basedOnSeq = this.#supervisor.seq;
    const times = { listStartedAtMs, lastGoodProbeAtMs: 0 };
    return { type: "instance.missing", workerId, basedOnSeq, ...times };
  }
}
