import { isForgotten } from "../container/container.machine.ts";
import { containerMachine } from "../container/container.machine.ts";
import { capacityMachine } from "../limits/capacity.machine.ts";
import type { Command, CommandDraft } from "../model/command.ts";
import { ACTOR_KINDS, actorKey } from "../model/ids.ts";
import type { ActorKey, ActorKind } from "../model/ids.ts";
import type { Notice } from "../model/notice.ts";
import type { Delivered } from "../model/delivered.ts";
import type { Move } from "../model/told-times.ts";
import { start } from "../step.ts";
import type { TakenTransition } from "../step.ts";
import { foundWorker, workerMachine } from "../worker/worker.machine.ts";
import type { WorkerInput } from "../worker/worker.types.ts";
import type { IdleBehavior } from "../model/command.ts";
import type { AnySnapshot, Registry, SnapshotOf } from "./registry.ts";
import { movedSnapshot } from "./set-back.ts";
import { tell } from "./tell.ts";
import type { AnyStep, Told } from "./tell.ts";

/** What became of one actor within a record. */
export interface Change {
  readonly key: ActorKey;
  readonly kind: ActorKind;
  readonly id: string;
  readonly before: AnySnapshot | undefined;
  /** Its last snapshot, also when it is gone. */
  readonly after: AnySnapshot;
  /** It has left the registry. */
  readonly removed: boolean;
  readonly transitions: readonly TakenTransition[];
}

interface Touched {
  kind: ActorKind;
  id: string;
  before: AnySnapshot | undefined;
  after: AnySnapshot;
  transitions: TakenTransition[];
}

export interface Frame extends Delivered {
  readonly journalId: string;
}

/**
 * One fact on trial: steps machines on an overlay of the registry, so that a throw leaves nothing behind. Commands get
 * their ids here; notices go to the containers first in, first out.
 */
export class Draft {
  readonly frame: Frame;
  readonly commands: Command[] = [];
  readonly #registry: Registry;
  readonly #touched = new Map<ActorKey, Touched>();
  #idsCount = 0;

  constructor(registry: Registry, frame: Frame) {
    this.#registry = registry;
    this.frame = frame;
  }

  get<K extends ActorKind>(kind: K, id: string): SnapshotOf[K] | undefined {
    const touched = this.#touched.get(actorKey(kind, id));
    return (touched ? touched.after : this.#registry.get(kind, id)) as SnapshotOf[K] | undefined;
  }

  /** Steps an actor, and what its notices concern. False when it is unknown, or the event changes and asks nothing. */
  deliver<K extends ActorKind>(kind: K, id: string, told: Told<K>): boolean {
    const before = this.get(kind, id);
    return before ? this.#take(kind, id, before, tell(kind, before, told, this.frame)) : false;
  }

  /** Makes the actor first if it is not there. */
  deliverToContainer(id: string, told: Told<"container">): boolean {
    if (this.get("container", id)) return this.deliver("container", id, told);
    const { atMs, seq } = this.frame;
    const born = start(containerMachine, { containerId: id, atMs, seq });
    this.#take("container", id, undefined, born);
    return this.deliver("container", id, told);
  }

  /** Makes the actor first if it is not there: only keys that are out of capacity have one. */
  deliverToCapacity(key: string, told: Told<"capacity">): void {
    if (!this.get("capacity", key)) {
      const born = start(capacityMachine, undefined);
      this.#touch("capacity", key, undefined, born.snapshot, []);
    }
    this.deliver("capacity", key, told);
  }

  /** Moves what every actor remembers of time. */
  moveTimes(move: Move): void {
    for (const kind of ACTOR_KINDS)
      for (const [id, before] of this.#registry.entries(kind))
        this.#touch(kind, id, before, movedSnapshot(kind, before, move), []);
  }

  createWorker(instanceType: string, providerType: string): void {
    const { atMs, seq } = this.frame;
    const workerId = this.#nextId();
    const input: WorkerInput = { workerId, atMs, seq, instanceType, providerType, found: null };
    const born = start(workerMachine, input);
    this.#take("worker", workerId, undefined, born);
  }

  adoptWorker(input: WorkerInput, idleBehavior: IdleBehavior): void {
    const snapshot = foundWorker(input, idleBehavior);
    this.#touch("worker", input.workerId, undefined, snapshot, []);
  }

  #take(kind: ActorKind, id: string, before: AnySnapshot | undefined, result: AnyStep): boolean {
    const after = result.snapshot;
    const changed = after !== before;
    if (changed) this.#touch(kind, id, before, after, result.transitions);
    for (const command of result.commands) this.#ask(command);
    for (const notice of result.notices) this.#tell(notice);
    return changed || result.commands.length > 0;
  }

  #touch(
    kind: ActorKind,
    id: string,
    before: AnySnapshot | undefined,
    after: AnySnapshot,
    transitions: readonly TakenTransition[],
  ): void {
    const key = actorKey(kind, id);
    const touched = this.#touched.get(key);
    if (touched) {
      touched.after = after;
      touched.transitions.push(...transitions);
    } else this.#touched.set(key, { kind, id, before, after, transitions: [...transitions] });
  }

  #ask(draft: CommandDraft): void {
    // A worker that we ask for is named after the command that asks.
    const id = draft.kind === "instance.create" ? draft.workerId : this.#nextId();
    this.commands.push({ ...draft, id });
  }

  #tell(notice: Notice): void {
    this.deliverToContainer(notice.containerId, notice);
  }

  #nextId(): string {
    const { journalId, seq } = this.frame;
    return `${journalId}-${seq}-${++this.#idsCount}`;
  }

  /** What the registry would take over. An actor that came and went within the draft is no change. */
  changes(): Change[] {
    const changes: Change[] = [];
    for (const [key, { kind, id, before, after, transitions }] of this.#touched) {
      const removed = hasLeft(kind, after);
      if (removed && before === undefined) continue;
      changes.push({ key, kind, id, before, after, removed, transitions });
    }
    return changes;
  }
}

function hasLeft(kind: ActorKind, snapshot: AnySnapshot): boolean {
  if (kind === "container") return isForgotten(snapshot as SnapshotOf["container"]);
  if (kind === "worker") return (snapshot as SnapshotOf["worker"]).value.lifecycle === "gone";
  return kind === "capacity" && (snapshot as SnapshotOf["capacity"]).value === "available";
}
