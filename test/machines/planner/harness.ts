import {
  recordOfJson,
  containerJsonSchema,
} from "../../../src/machines/instance-types/container-json.ts";
import { chooseTypes, resourcesOf } from "../../../src/machines/instance-types/choose.ts";
import type { Decision, Limits } from "../../../src/machines/model/decision.ts";
import type { Settings } from "../../../src/machines/model/settings.ts";
import { initialLimits } from "../../../src/machines/planner/concurrency.ts";
import type { Schedule } from "../../../src/machines/planner/pass.ts";
import { reconcile } from "../../../src/machines/planner/reconcile.ts";
import { schedule } from "../../../src/machines/planner/schedule.ts";
import type { PlanContainer, PlanView, PlanWorker } from "../../../src/machines/planner/view.ts";
import { settingsOf, type Scenario, type Json } from "./scenarios.ts";

export const NOW_MS = Date.UTC(2026, 0, 1);
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface Event {
  op: string;
  uuid?: string;
  type?: string;
  instance?: string;
}

/** A queue and a pool that follow the rules of the scenarios' stub pool, and carry out what the planner decides. */
export class World {
  readonly settings: Settings;
  readonly containers: Mutable<PlanContainer>[];
  readonly workers: Mutable<PlanWorker>[];
  readonly running = new Map<string, number | null>();
  readonly creates: string[];
  readonly starts: string[];
  readonly shutdowns: string[] = [];
  readonly events: Event[] = [];
  readonly changes: { uuid: string; from: string; to: string }[] = [];
  limits: Limits;
  seen503AtMs: number | null;
  readonly #pool: Json;
  #canCreate: number;

  constructor({ given }: Pick<Scenario, "given">) {
    this.settings = settingsOf(given.config, given.instance_types);
    const pool = given.pool;
    this.#pool = pool;
    this.#canCreate = pool.can_create ?? 0;
    this.creates = [...(pool.creates_so_far ?? [])];
    this.starts = [...(pool.starts_so_far ?? [])];
    const ageMs = (given.created_at_age_seconds ?? 0) * 1000;
    this.containers = given.containers.map((json: Json, index: number) =>
      planContainer(json, index, this.settings, NOW_MS - ageMs),
    );
    this.workers = pool.instances.map((instance: Json) => ({
      workerId: instance.instance,
      instanceId: instance.instance,
      instanceType: instance.arvados_instance_type,
      state: instance.worker_state,
      idleBehavior: instance.idle_behavior ?? "run",
      containerIds: instance.running_container_uuids ?? [],
    }));
    for (const uuid of Object.keys(pool.running)) this.running.set(uuid, null);
    const state = given.scheduler_state ?? {};
    const initial = initialLimits(this.settings);
    this.limits = {
      maxContainers: state.max_containers ?? initial.maxContainers,
      last503AtMs: agoMs(state.last503),
      instancesWithinQuota: state.instances_within_quota ?? 0,
    };
    this.seen503AtMs = given.api_client?.last503 ? NOW_MS : this.limits.last503AtMs;
  }

  view(): PlanView {
    const capacity: Record<string, number> = this.#pool.capacity ?? {};
    return frozenCopy({
      nowMs: NOW_MS,
      containers: this.containers,
      workers: this.workers,
      running: this.running,
      queueUpdatedAt: NOW_MS,
      instanceTypes: this.settings.instanceTypes,
      instancesMax: this.#pool.quota ?? null,
      atQuota: false,
      atCapacity: (type, count) => count >= (capacity[type.providerType] ?? Infinity),
      createsAllowed: this.#canCreate,
      declinesStart: new Set(),
      seen503AtMs: this.seen503AtMs,
    });
  }

  runQueue(): Schedule {
    const result = schedule(this.view(), this.settings, this.limits);
    this.limits = result.limits;
    this.apply(result.decisions);
    return result;
  }

  sync(): Decision[] {
    const decisions = reconcile(this.view());
    this.apply(decisions);
    return decisions;
  }

  apply(decisions: readonly Decision[]): void {
    for (const decision of decisions) this.#carryOut(decision);
  }

  bootAll(): void {
    for (const worker of this.workers) if (worker.state === "booting") worker.state = "idle";
  }

  #carryOut(decision: Decision): void {
    switch (decision.do) {
      case "create": {
        this.#canCreate--;
        this.creates.push(decision.instanceType);
        const id = `i-${String(this.creates.length).padStart(7, "0")}`;
        this.workers.push({
          workerId: id,
          instanceId: id,
          instanceType: decision.instanceType,
          state: "booting",
          idleBehavior: "run",
          containerIds: [],
        });
        this.events.push({ op: "create", type: decision.instanceType });
        break;
      }
      case "start": {
        const worker = this.workers.find(({ workerId }) => workerId === decision.worker);
        if (!worker) throw new Error(`no worker ${decision.worker}`);
        this.starts.push(decision.container);
        worker.state = "running";
        worker.containerIds = [...worker.containerIds, decision.container];
        this.running.set(decision.container, null);
        this.events.push({ op: "start", uuid: decision.container, instance: decision.worker });
        break;
      }
      case "lock":
        this.#move(decision.container, "Locked", "lock");
        break;
      case "unlock":
      case "requeue":
        this.#move(decision.container, "Queued", decision.do);
        break;
      case "cancel":
        this.#move(decision.container, "Cancelled", "cancel");
        break;
      case "shutdown":
        this.shutdowns.push(decision.worker);
        this.events.push({ op: "shutdown", instance: decision.worker });
        break;
      default:
        if ("container" in decision)
          this.events.push({ op: decision.do, uuid: decision.container });
    }
  }

  #move(uuid: string, to: PlanContainer["state"], op: string): void {
    const container = this.containers.find(({ containerId }) => containerId === uuid);
    if (!container) throw new Error(`no container ${uuid}`);
    this.changes.push({ uuid, from: container.state, to });
    container.state = to;
    this.events.push({ op, uuid });
  }
}

/** `json` is a container as the cases write it: sizes and flags beside uuid and state. */
export function planContainer(
  json: Json,
  index: number,
  settings: Settings,
  createdAtMs = NOW_MS,
): PlanContainer {
  const { uuid, state, priority, supervisor, preemptible, ...constraints } = json;
  const parsed = containerJsonSchema.parse({
    uuid,
    state,
    priority,
    runtime_constraints: constraints,
    scheduling_parameters: { supervisor, preemptible },
  });
  const record = recordOfJson(parsed, createdAtMs);
  const choice = chooseTypes(record, settings);
  return {
    containerId: uuid,
    state: record.state,
    priority: BigInt(record.priority),
    supervisor: record.supervisor,
    createdAtMs,
    firstSeenAt: index,
    resources: resourcesOf(record, settings),
    instanceTypes: choice.ok ? choice.types.map(({ name }) => name) : [],
    busy: false,
  };
}

export function statusesOf(result: Pick<Schedule, "waiting">, before: PlanView) {
  const states = new Map(before.containers.map(({ containerId, state }) => [containerId, state]));
  return result.waiting.statuses().map(({ containerId, text }) => ({
    uuid: containerId,
    state: states.get(containerId),
    scheduling_status: text,
  }));
}

/** What the planner sees must not change under it while its decisions are carried out. */
function frozenCopy(view: PlanView): PlanView {
  return {
    ...view,
    containers: view.containers.map((container) => ({ ...container })),
    workers: view.workers.map((worker) => ({ ...worker })),
    running: new Map(view.running),
  };
}

function agoMs(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (text === "now") return NOW_MS;
  const seconds = /^(\d+)s ago$/.exec(text)?.[1];
  if (seconds === undefined) throw new Error(`cannot read the time "${text}"`);
  return NOW_MS - Number(seconds) * 1000;
}
