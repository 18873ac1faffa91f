import { containerMachine } from "../container/container.machine.ts";
import type { ContainerEvent } from "../container/container.types.ts";
import { capacityMachine } from "../limits/capacity.machine.ts";
import type { LimitEvent } from "../limits/hold.ts";
import { quotaMachine } from "../limits/quota.machine.ts";
import { throttleMachine } from "../limits/throttle.machine.ts";
import type { Delivered, Undelivered } from "../model/delivered.ts";
import type { ActorKind } from "../model/ids.ts";
import { step } from "../step.ts";
import type { Step } from "../step.ts";
import { supervisorMachine } from "../supervisor/supervisor.machine.ts";
import type { SupervisorEvent } from "../supervisor/supervisor.machine.ts";
import { workerMachine } from "../worker/worker.machine.ts";
import type { WorkerEvent } from "../worker/worker.types.ts";
import type { MACHINES, SnapshotOf } from "./registry.ts";

interface EventOf {
  worker: WorkerEvent;
  container: ContainerEvent;
  supervisor: SupervisorEvent;
  quota: LimitEvent;
  capacity: LimitEvent;
  throttle: LimitEvent;
}

/** What may be told to a machine of a kind: an event that its chart does not know does not compile. */
export type Told<K extends ActorKind> = Undelivered<EventOf[K]>;

export type AnyStep = Step<(typeof MACHINES)[ActorKind]>;
type Steps = {
  readonly [K in ActorKind]: (snapshot: SnapshotOf[K], told: Told<K>, added: Delivered) => AnyStep;
};

/** A step of each kind's machine, so that who steps one of any kind need not look what kind it is. */
const STEPS: Steps = {
  worker: (snapshot, told, { atMs, seq, settings }) =>
    step(workerMachine, snapshot, { ...told, atMs, seq, settings }),
  container: (snapshot, told, { atMs, seq, settings }) =>
    step(containerMachine, snapshot, { ...told, atMs, seq, settings }),
  supervisor: (snapshot, told, { atMs, seq, settings }) =>
    step(supervisorMachine, snapshot, { ...told, atMs, seq, settings }),
  quota: (snapshot, told, { atMs }) => step(quotaMachine, snapshot, { ...told, atMs }),
  capacity: (snapshot, told, { atMs }) => step(capacityMachine, snapshot, { ...told, atMs }),
  throttle: (snapshot, told, { atMs }) => step(throttleMachine, snapshot, { ...told, atMs }),
};

export function tell<K extends ActorKind>(
  kind: K,
  snapshot: SnapshotOf[K],
  told: Told<K>,
  added: Delivered,
): AnyStep {
  return STEPS[kind](snapshot, told, added);
}
