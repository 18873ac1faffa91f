import type { Core } from "../core/core.ts";
import type { Change } from "../core/draft.ts";
import { seqOfCommand } from "../model/ids.ts";
import type { JournalRecord } from "../model/record.ts";
import type { WorkerSnapshot } from "../worker/worker.machine.ts";
import { asksOf, concerns, createdBy } from "./concerns.ts";
import { Cost } from "./cost.ts";
import type { Coverage, Step, WorkerExplanation } from "./explanation.ts";
import { Runs } from "./runs.ts";
import { Spans, type Moment } from "./spans.ts";
import { nameOfContainer, namer } from "./names.ts";
import { Steps, type Concerned } from "./steps.ts";
import type { JournalVisitor } from "./visitor.ts";
import { answerForWorker } from "./worker-answer.ts";

/** Boot probes fail in a few ways, over and over. */
const BOOT_ERRORS_MAX = 50;

interface LifeState {
  lifecycle: string;
  idleBehavior: string;
  reason: string;
}

type Facts = Omit<WorkerExplanation, "answer">;

/**
 * Collects why an instance was booted, kept and destroyed, from records in their order and what they changed. It is told by
 * the worker's id or the cloud's name of it.
 */
export class WorkerExplanationBuilder implements JournalVisitor {
  readonly #id: string;
  readonly #steps = new Steps();
  readonly #runs = new Runs();
  readonly #life = new Spans<LifeState>();
  readonly #cost = new Cost();
  #workerId: string | undefined;
  #snapshot: WorkerSnapshot | undefined;
  #removed = false;
  #created: Facts["created"] = null;
  #found: Facts["found"] = null;
  #shutdown: Facts["shutdown"] = null;
  #gone: Facts["gone"] = null;
  readonly #bootErrors: { seq: number; atMs: number; error: string }[] = [];
  readonly #destroys: { seq: number; atMs: number; step: Step; commandId: string }[] = [];

  constructor(id: string) {
    this.#id = id;
  }

  /** Once it is found. */
  get workerId(): string | undefined {
    return this.#workerId;
  }

  begin(core: Core): void {
    const { registry, settings } = core;
    const snapshot = registry.get("worker", registry.workerOfInstance(this.#id) ?? this.#id);
    if (!snapshot) return;
    const moment = { seq: core.seq, atMs: core.atMs };
    this.#take(snapshot, moment);
    this.#cost.begin(snapshot, settings);
    this.#runs.begin(
      snapshot,
      () => true,
      moment,
      (id) => nameOfContainer(core, id),
    );
  }

  see(record: JournalRecord, changes: readonly Change[], core: Core): void {
    const { fact } = record;
    const moment = { seq: record.seq, atMs: fact.atMs };
    const change = changes.find((each) => each.kind === "worker" && this.#isIt(each));
    if (change && this.#workerId === undefined) this.#meet(change, record, core);
    if (this.#workerId === undefined) return;
    const step = this.#steps.add(record, this.#concerned(record, change), namer(core, changes));
    if (change) this.#follow(change, record, { core, step });
    if (step) this.#noteDestroys(step, record);
    if (change || fact.type === "config.loaded")
      this.#cost.follow(this.#snapshot as WorkerSnapshot, moment.atMs, {
        settings: core.settings,
        ended: this.#removed,
      });
  }

  /** Undefined when no record has named it. */
  finish(coverage: Coverage): WorkerExplanation | undefined {
    const snapshot = this.#snapshot;
    if (!snapshot) return undefined;
    const { context, value } = snapshot;
    const facts: Facts = {
      kind: "worker",
      workerId: context.workerId,
      instanceId: context.instanceId,
      coverage,
      ...this.#steps.finish(),
      known: !this.#removed,
      instanceType: context.instanceType,
      providerType: context.providerType,
      address: context.address,
      lifecycle: value.lifecycle,
      idleBehavior: value.idleBehavior,
      created: this.#created,
      found: this.#found,
      boot: {
        askedForAtMs: context.bornAtMs,
        appearedAtMs: context.instanceId === "" ? null : context.appearedAtMs,
        sshConnectedAtMs: context.sshConnectedAtMs,
        readyAtMs: context.readyAtMs,
        outcome: context.bootOutcome ?? "",
        errors: this.#bootErrors,
      },
      life: this.#life.list,
      runs: this.#runs.list,
      shutdown: this.#shutdown,
      destroys: this.#destroys.map(({ seq, atMs, step, commandId }) => ({
        seq,
        atMs,
        outcome: step.commands.find(({ id }) => id === commandId)?.outcome ?? null,
      })),
      gone: this.#gone,
      cost: this.#cost.finish(coverage.asOfMs),
    };
    return { ...facts, answer: answerForWorker(facts, snapshot) };
  }

  #isIt({ id, after }: Change): boolean {
    if (this.#workerId !== undefined) return id === this.#workerId;
    return id === this.#id || (after as WorkerSnapshot).context.instanceId === this.#id;
  }

  /** The record that made it, or the first that shows that it is the one. */
  #meet(change: Change, record: JournalRecord, core: Core): void {
    const { seq } = record;
    const { atMs } = record.fact;
    this.#workerId = change.id;
    if (change.before) return;
    const created = createdBy(record).find(({ command }) => command.id === change.id);
    if (created) {
      const { container, reason } = created.decision;
      const containerName = nameOfContainer(core, container);
      this.#created = { seq, atMs, containerId: container, containerName, reason };
    } else {
      const reason = "the cloud listed it, and no create of this journal stands for it";
      this.#found = { seq, atMs, reason };
    }
  }

  #concerned(record: JournalRecord, change: Change | undefined): Concerned {
    const id = this.#workerId as string;
    const { fact } = record;
    const it = { kind: "worker", id } as const;
    const commands = record.commands.filter((command) => asksOf(command, it));
    const killed = new Set(
      commands.flatMap((command) => (command.kind === "process.kill" ? command.containerId : [])),
    );
    const decisions = record.decisions.filter(
      (decision) =>
        concerns(decision, it) || (decision.do === "kill" && killed.has(decision.container)),
    );
    const born = createdBy(record).find(({ command }) => command.id === id);
    const named = "workerId" in fact && fact.workerId === id;
    return { decisions: born ? [born.decision, ...decisions] : decisions, commands, change, named };
  }

  #take(snapshot: WorkerSnapshot, moment: Moment): void {
    this.#workerId = snapshot.context.workerId;
    this.#snapshot = snapshot;
    const { lifecycle, idleBehavior } = snapshot.value;
    const { behaviorReason } = snapshot.context;
    if (lifecycle !== "gone")
      this.#life.enter({ lifecycle, idleBehavior, reason: behaviorReason }, moment);
  }

  #follow(
    change: Change,
    record: JournalRecord,
    { core, step }: { core: Core; step: Step | undefined },
  ): void {
    const moment = { seq: record.seq, atMs: record.fact.atMs };
    const before = change.before as WorkerSnapshot | undefined;
    const after = change.after as WorkerSnapshot;
    this.#take(after, moment);
    this.#runs.see(
      change,
      record,
      () => true,
      (id) => nameOfContainer(core, id),
    );
    const { lastError, readyAtMs, shutdownReason } = after.context;
    if (readyAtMs === null && lastError !== "" && lastError !== before?.context.lastError) {
      this.#bootErrors.push({ ...moment, error: lastError });
      if (this.#bootErrors.length > BOOT_ERRORS_MAX) this.#bootErrors.shift();
    }
    const entered = before?.value.lifecycle !== after.value.lifecycle ? after.value.lifecycle : "";
    if (entered === "shutdown" && step)
      this.#shutdown = { ...moment, reason: shutdownReason, step };
    if (change.removed) {
      this.#removed = true;
      this.#life.end(moment);
      this.#gone = { ...moment, reason: goneReason(after, record) };
    }
  }

  #noteDestroys(step: Step, { seq, commands }: JournalRecord): void {
    for (const command of commands)
      if (command.kind === "instance.destroy" && command.workerId === this.#workerId)
        this.#destroys.push({ seq, atMs: step.atMs, step, commandId: command.id });
  }
}

/** Where the beginning of a worker's life is recorded, as its id tells it. `journalIds`: all that the journal has had. */
export function bornSeq(workerId: string, journalIds: readonly string[]): number | undefined {
  if (!journalIds.some((id) => workerId.startsWith(`${id}-`))) return undefined;
  const seq = seqOfCommand(workerId);
  return Number.isSafeInteger(seq) && seq > 0 ? seq : undefined;
}

function goneReason({ context }: WorkerSnapshot, { fact }: JournalRecord): string {
  if (fact.type === "instance.missing")
    return "two complete lists of the cloud in a row lacked it, and it gave no answer";
  if (fact.type === "create.failed") return `${context.shutdownReason}: ${fact.failure.message}`;
  return context.shutdownReason || fact.type;
}
