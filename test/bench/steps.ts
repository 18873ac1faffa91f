import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { containerMachine } from "../../src/machines/container/container.machine.ts";
import { start, step } from "../../src/machines/step.ts";
import { workerMachine } from "../../src/machines/worker/worker.machine.ts";
import { containerRecord } from "../support/containers.ts";
import { settings } from "../support/settings.ts";
import { cpuMs, type Figure } from "./figure.ts";

interface Event {
  readonly type: string;
}
type StepOnce = (snapshot: AnyMachineSnapshot, event: Event) => AnyMachineSnapshot;

const ROUNDS = 4_000;
const given = { atMs: 2, seq: 2, basedOnSeq: 5, settings: settings() };

const CONTAINER: readonly Event[] = [
  { type: "wait.decided", reason: "booting" },
  { type: "lock.decided" },
  { type: "operation.succeeded", state: "Locked", priority: null },
  { type: "process.starting", workerId: "w" },
  { type: "process.seen", workerId: "w" },
  { type: "container.changed", state: "Running", priority: "1" },
  { type: "process.ended", workerId: "w", how: "exited" },
  { type: "container.changed", state: "Complete", priority: "1" },
  { type: "kill.decided" },
  { type: "forget.decided" },
].map((event) => ({ ...given, ...event }));

const probe = (containerIds: string[]) => ({
  type: "probe.succeeded",
  startedAtMs: 3,
  booted: true,
  containerIds,
  broken: false,
  stale: false,
  bootError: "",
});

const WORKER: readonly Event[] = [
  { type: "create.succeeded", instanceId: "i", address: "" },
  probe([]),
  { type: "start.decided", containerId: "c" },
  { type: "start.returned", containerId: "c", outcome: "started", error: "" },
  probe(["c"]),
  probe([]),
].map((event) => ({ ...given, ...event }));

/** Steps of the charts alone: the yardstick for everything that is made of them. */
export async function run(): Promise<Figure[]> {
  const record = containerRecord();
  const resources = { vcpus: 1, ram: 1, scratch: 1, gpus: 0, gpuVram: 0 };
  const choice = { resources, instanceTypes: ["type1"], unfit: "" };
  const born = start(containerMachine, { containerId: "c", atMs: 1, seq: 1 }).snapshot;
  const added = { ...given, type: "container.added", record, choice };
  const container = stepped(containerMachine)(born, added);
  const input = { workerId: "w", atMs: 1, seq: 1, instanceType: "type1", providerType: "p" };
  const worker = start(workerMachine, { ...input, found: null }).snapshot;
  const unit = "steps/s";
  const ownRate = stepsPerSecond(container, CONTAINER, stepped(containerMachine));
  const xstateRate = stepsPerSecond(container, CONTAINER, byXState(containerMachine));
  const workerRate = stepsPerSecond(worker, WORKER, stepped(workerMachine));
  return [
    { name: "steps: container (three regions)", value: ownRate, unit },
    { name: "steps: worker (two regions)", value: workerRate, unit },
    {
      name: "steps: container, against XState's runtime",
      value: ownRate / xstateRate,
      unit: "times as many",
      limit: 3.4,
    },
  ];
}

const stepped =
  (machine: AnyStateMachine): StepOnce =>
  (snapshot, event) =>
    step(machine, snapshot as never, event as never).snapshot as AnyMachineSnapshot;

const nothing = (): void => undefined;
const system = { _sendInspectionEvent: nothing, _relay: nothing, get: nothing };
/** Made once: what an actor brings that nobody runs. */
const scope = {
  self: { id: "", sessionId: "", _parent: undefined, system },
  id: "",
  sessionId: "",
  system,
  defer: nothing,
  emit: nothing,
  logger: nothing,
  stopChild: nothing,
  actionExecutor: nothing,
};

const byXState =
  (machine: AnyStateMachine): StepOnce =>
  (snapshot, event) =>
    machine.transition(snapshot as never, event, scope as never) as AnyMachineSnapshot;

function stepsPerSecond(
  first: AnyMachineSnapshot,
  events: readonly Event[],
  once: StepOnce,
): number {
  const round = (): void => void events.reduce(once, first);
  for (let n = 0; n < ROUNDS / 4; n++) round();
  const beganMs = cpuMs();
  for (let n = 0; n < ROUNDS; n++) round();
  return (ROUNDS * events.length * 1_000) / (cpuMs() - beganMs);
}
