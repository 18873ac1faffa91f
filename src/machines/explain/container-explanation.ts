import { rejectionOf } from "../container/container.rejection.ts";
import type { ContainerSnapshot } from "../container/container.machine.ts";
import type { Core } from "../core/core.ts";
import type { Change } from "../core/draft.ts";
import { workerState } from "../core/view.ts";
import type { JournalRecord } from "../model/record.ts";
import type { WorkerSnapshot } from "../worker/worker.machine.ts";
import { nearestText } from "../instance-types/nearest.ts";
import { formatPriority } from "../model/amounts.ts";
import { asksOf, concerns, createdBy } from "./concerns.ts";
import { answerForContainer, type Decided } from "./container-answer.ts";
import { EndFinder } from "./container-end.ts";
import { Contenders } from "./contenders.ts";
import type { Booting, ContainerExplanation, Coverage } from "./explanation.ts";
import type { Situation } from "./limits.ts";
import { Runs } from "./runs.ts";
import { Spans, type Moment } from "./spans.ts";
import { namer } from "./names.ts";
import { Steps, type Concerned } from "./steps.ts";
import type { JournalVisitor } from "./visitor.ts";
import { Waits } from "./waits.ts";

/** Instances that may boot for a container are many in a large fleet; the first ones tell what is wrong with them. */
const BOOTING_MAX = 20;

interface LifeState {
  record: string;
  operation: string;
  process: string;
}

/**
 * Collects why a container is where it is, from records in their order and what they changed: nothing is judged anew,
 * all reasons are those of the decisions and of the machines.
 */
export class ContainerExplanationBuilder implements JournalVisitor {
  readonly #containerId: string;
  readonly #steps = new Steps();
  readonly #runs = new Runs();
  readonly #waits = new Waits();
  readonly #life = new Spans<LifeState>();
  readonly #created = new Map<string, Booting>();
  readonly #isIt = (containerId: string): boolean => containerId === this.#containerId;
  #snapshot: ContainerSnapshot | undefined;
  #known = false;
  /** The queue's last word, also after it was dropped. */
  #record = "";
  /** The newest decision of each kind. */
  readonly #decided: Decided = new Map();
  readonly #contenders = new Contenders();
  readonly #end = new EndFinder(this.#isIt);

  constructor(containerId: string) {
    this.#containerId = containerId;
  }

  begin(core: Core): void {
    this.#contenders.begin(core);
    const snapshot = core.registry.get("container", this.#containerId);
    if (!snapshot) return;
    const moment = { seq: core.seq, atMs: core.atMs };
    this.#take(snapshot, moment);
    const waitSince = { ...moment, atMs: snapshot.context.waitSinceMs };
    this.#waits.follow(snapshot, waitSince, this.#situation(core));
    for (const workerId of Object.keys(snapshot.context.processes)) {
      const worker = core.registry.get("worker", workerId);
      if (worker) this.#runs.begin(worker, this.#isIt, moment);
    }
  }

  see(record: JournalRecord, changes: readonly Change[], core: Core): void {
    const moment = { seq: record.seq, atMs: record.fact.atMs };
    const names = namer(core, changes);
    this.#contenders.see(changes);
    this.#end.see(record);
    this.#noteCreates(record, moment);
    for (const change of changes) if (change.kind === "worker") this.#seeWorker(change, record);
    const change = changes.find(({ kind, id }) => kind === "container" && this.#isIt(id));
    const concerned = this.#concerned(record, change);
    this.#steps.add(record, concerned, names);
    for (const decision of concerned.decisions)
      if (decision.do !== "wait") this.#decided.set(decision.do, { decision, moment });
    if (change) this.#take(change.after as ContainerSnapshot, moment, change.removed);
    if (this.#known && this.#snapshot)
      this.#waits.follow(this.#snapshot, moment, this.#situation(core), this.#bootingType());
    else this.#waits.end(moment);
  }

  /** Undefined when no record has named it. */
  finish(core: Core, coverage: Coverage): ContainerExplanation | undefined {
    const snapshot = this.#snapshot;
    if (!snapshot) return undefined;
    const { context, value } = snapshot;
    const { retryAtMs, lastError, failuresCount } = context;
    const { resources } = context;
    const explanation = {
      kind: "container" as const,
      containerId: this.#containerId,
      name: context.record?.name ?? "",
      coverage,
      ...this.#steps.finish(),
      known: this.#known,
      record: this.#record,
      operation: this.#known ? value.operation : "none",
      process: this.#known ? value.process : "absent",
      end: this.#end.finish(this.#runs.list) ?? null,
      priority: context.priority,
      givenPriority: formatPriority(context.priority, context.createdAtMs),
      asked: context.record && { vcpus: context.record.vcpus, ram: context.record.ram },
      supervisor: context.supervisor,
      firstSeenAtMs: context.firstSeenAtMs,
      resources: { ...resources },
      instanceTypes: [...context.instanceTypes],
      rejection: rejectionOf({ value, context }),
      nearest: nearestOf(snapshot, core),
      retry:
        this.#known && retryAtMs !== null
          ? { atMs: retryAtMs, error: lastError, failuresCount }
          : null,
      life: this.#life.list,
      waits: this.#waits.list,
      runs: this.#runs.list,
      booting: this.#booting(core),
    };
    return { ...explanation, answer: answerForContainer(explanation, core, this.#decided) };
  }

  #situation(core: Core): Situation {
    return { core, contendersCount: this.#contenders.count };
  }

  #concerned(record: JournalRecord, change: Change | undefined): Concerned {
    const { fact } = record;
    const it = { kind: "container", id: this.#containerId } as const;
    const decisions = record.decisions.filter((decision) => concerns(decision, it));
    const commands = record.commands.filter(
      (command) =>
        asksOf(command, it) ||
        (command.kind === "instance.create" && this.#created.has(command.workerId)),
    );
    const named = "containerId" in fact && this.#isIt(fact.containerId);
    return { decisions, commands, change, named };
  }

  #take(snapshot: ContainerSnapshot, moment: Moment, removed = false): void {
    this.#snapshot = snapshot;
    this.#known = !removed;
    const { record, operation, process } = snapshot.value;
    if (record !== "unlisted") this.#record = record;
    if (removed) this.#life.end(moment);
    else this.#life.enter({ record, operation, process }, moment);
  }

  #noteCreates(record: JournalRecord, { atMs }: Moment): void {
    for (const { decision, command } of createdBy(record)) {
      if (!this.#isIt(decision.container)) continue;
      this.#created.set(command.id, {
        workerId: command.id,
        instanceId: "",
        instanceType: decision.instanceType,
        state: "creating",
        sinceMs: atMs,
        lastError: "",
        askedForIt: true,
      });
    }
  }

  #seeWorker(change: Change, record: JournalRecord): void {
    this.#runs.see(change, record, this.#isIt);
    const created = this.#created.get(change.id);
    if (!created) return;
    const worker = bootingOf(change.after as WorkerSnapshot, true);
    const { fact } = record;
    const lastError = fact.type === "create.failed" ? fact.failure.message : worker.lastError;
    this.#created.set(change.id, { ...worker, lastError });
  }

  #bootingType(): string {
    return [...this.#created.values()].find(isBooting)?.instanceType ?? "";
  }

  /** What was asked for with it in mind, and, while it waits for one, what else boots that it might run on. */
  #booting(core: Core): Booting[] {
    const found = new Map(this.#created);
    if (this.#waits.current?.reason === "booting") {
      const { instanceTypes } = (this.#snapshot as ContainerSnapshot).context;
      for (const [id, worker] of core.registry.entries("worker")) {
        const booting = bootingOf(worker, false);
        if (!found.has(id) && isBooting(booting) && instanceTypes.includes(booting.instanceType))
          found.set(id, booting);
      }
    }
    return [...found.values()].slice(-BOOTING_MAX);
  }
}

/** Of one that no type fits, by the config in force. */
function nearestOf({ context: { record, unfit } }: ContainerSnapshot, { settings }: Core): string {
  return unfit === "" || !record || !settings ? "" : nearestText(record, settings);
}

function isBooting({ state }: Booting): boolean {
  return state === "creating" || state === "booting" || state === "unknown";
}

function bootingOf({ value, context }: WorkerSnapshot, askedForIt: boolean): Booting {
  const { workerId, instanceId, instanceType, lastError } = context;
  return {
    workerId,
    instanceId,
    instanceType,
    state: value.lifecycle === "creating" ? "creating" : stateOf(value.lifecycle),
    sinceMs: context.bornAtMs,
    lastError,
    askedForIt,
  };
}

function stateOf(lifecycle: WorkerSnapshot["value"]["lifecycle"]): string {
  return lifecycle === "gone" ? "gone" : workerState(lifecycle);
}
