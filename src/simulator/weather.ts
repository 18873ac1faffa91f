import type { FactInput } from "../machines/model/fact.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import type { Faults } from "./faults.ts";
import type { World } from "./world.ts";
import type { WorldEvent } from "./world-event.ts";

const ROUND_MS = 60_000;
const SPOT_NOTICE_MS = 120_000;
const IMPATIENT_MS = 2_000;

/** What goes wrong by itself, while nobody calls: drawn once a minute. */
export class Weather {
  readonly #world: World;
  readonly #faults: Faults;
  readonly #types: readonly InstanceType[];
  #movesCount = 0;

  constructor(world: World, types: readonly InstanceType[]) {
    this.#world = world;
    this.#faults = world.faults;
    this.#types = types;
  }

  start(): void {
    this.#world.clock.setTimer(ROUND_MS, () => {
      if (this.#faults.stopped) return;
      this.#round();
      this.start();
    });
  }

  /** Ends what would go on for ever. */
  clear(): void {
    const { cloud, queue, dispatcher } = this.#world;
    cloud.instancesMax = Infinity;
    cloud.exhaustedTypes.clear();
    // Who ignored a signal hangs for good, and whoever sent it may have been forgotten with a journal: its user gives it up.
    for (const { behavior, runningIds } of cloud.vms())
      if (behavior.stubborn) for (const id of runningIds) queue.setPriority(id, "0");
    // As the machines have it: what was asked last may not be durable yet.
    for (const [workerId, worker] of dispatcher?.supervisor.known.entries("worker") ?? [])
      if (worker.value.idleBehavior === "hold") this.#endHold(workerId);
  }

  /** Its tag in the cloud tells of a hold also to a dispatcher that was down when all the others were ended, or forgets them. */
  #endHolds(event: WorldEvent): void {
    if (event.type !== "record.released") return;
    for (const { kind, id, after, removed } of event.changes)
      if (kind === "worker" && !removed && isHeld(after.value))
        this.#world.clock.setTimer(0, () => this.#endHold(id));
  }

  #endHold(workerId: string): void {
    const reason = "the hold is over";
    this.#submit({ type: "behavior.requested", workerId, behavior: "run", reason });
  }

  #round(): void {
    this.#changeCloud();
    this.#changeVms();
    if (this.#faults.happens("clockJumps")) this.#world.setWallClock();
    if (this.#faults.happens("operator")) this.#operate();
    if (this.#faults.happens("stopped"))
      void this.#world.stop(this.#faults.chance("stopped").happens(0.3));
    if (this.#isBusy() && this.#faults.happens("amnesia")) this.#world.forgetAll();
  }

  #isBusy(): boolean {
    const { alive, cloud } = this.#world;
    return alive && cloud.vms().some(({ runningIds }) => runningIds.length > 0);
  }

  #changeCloud(): void {
    const { cloud, clock } = this.#world;
    const faults = this.#faults;
    if (faults.happens("quota")) {
      const chance = faults.chance("quota");
      cloud.instancesMax = chance.between(0, 4);
      clock.setTimer(chance.between(1, 600_000), () => (cloud.instancesMax = Infinity));
    }
    if (faults.happens("capacity")) {
      const chance = faults.chance("capacity");
      const name = chance.pick(this.#types)?.providerType ?? "";
      cloud.exhaustedTypes.add(name);
      clock.setTimer(chance.between(1, 600_000), () => cloud.exhaustedTypes.delete(name));
    }
  }

  #changeVms(): void {
    const { cloud, clock } = this.#world;
    const faults = this.#faults;
    const anyVm = (kind: "spotDeath" | "suddenDeath" | "addressChange"): string | undefined =>
      cloud.instanceIds.length > 0 && faults.happens(kind)
        ? faults.chance(kind).pick(cloud.instanceIds)
        : undefined;
    const taken = anyVm("spotDeath");
    if (taken !== undefined) clock.setTimer(SPOT_NOTICE_MS, () => cloud.kill(taken));
    const dead = anyVm("suddenDeath");
    if (dead !== undefined) cloud.kill(dead);
    const moved = anyVm("addressChange");
    if (moved !== undefined) cloud.moveTo(moved, `10.1.0.${++this.#movesCount}`);
  }

  /** Who changes a container behind the dispatcher's back does most harm soon after it was locked. */
  react(event: WorldEvent): void {
    if (this.#faults.stopped) this.#endHolds(event);
    if (event.type !== "container.moved" || event.state !== "Locked") return;
    const { queue, clock } = this.#world;
    const faults = this.#faults;
    const { containerId } = event;
    const soonMs = (kind: "lockLost" | "userCancels" | "operatorCancels"): number => {
      const chance = faults.chance(kind);
      return chance.between(0, chance.pick([1_000, 20_000, 120_000]) ?? 0);
    };
    if (faults.happens("lockLost"))
      clock.setTimer(soonMs("lockLost"), () => queue.takeLock(containerId));
    if (faults.happens("userCancels"))
      clock.setTimer(soonMs("userCancels"), () => queue.setPriority(containerId, "0"));
    if (faults.happens("operatorCancels"))
      clock.setTimer(soonMs("operatorCancels"), () =>
        this.#submit({ type: "cancel.requested", containerId, reason: "for a test" }),
      );
  }

  #operate(): void {
    const chance = this.#faults.chance("operator");
    const { dispatcher } = this.#world;
    const ids = [...(dispatcher?.supervisor.readModel.entries("worker") ?? [])].map(([id]) => id);
    const workerId = chance.pick(ids);
    const containerId = chance.pick([...this.#world.queue.containers.keys()]);
    const what = chance.pick(["run", "hold", "drain", "shutdown", "kill"] as const) ?? "run";
    const reason = "for a test";
    if (what === "kill" && containerId !== undefined) this.#killTwice(containerId, reason);
    if (what === "kill" || workerId === undefined) return;
    if (what === "shutdown") this.#submit({ type: "shutdown.requested", workerId, reason });
    else this.#submit({ type: "behavior.requested", workerId, behavior: what, reason });
  }

  /** Operators are impatient. */
  #killTwice(containerId: string, reason: string): void {
    const kill = (): void => this.#submit({ type: "kill.requested", containerId, reason });
    kill();
    this.#world.clock.setTimer(IMPATIENT_MS, kill);
  }

  #submit(fact: FactInput): void {
    void this.#world.dispatcher?.supervisor.submit(fact);
  }
}

function isHeld(value: unknown): boolean {
  return (value as { idleBehavior?: string }).idleBehavior === "hold";
}
