import { CloudError } from "../../drivers/cloud/port.ts";
import type { Instance, InstanceSet } from "../../drivers/cloud/port.ts";
import type { WorkerSnapshot } from "../../machines/worker/worker.machine.ts";
import type { Clock } from "../clock.ts";
import { DeadlineError, withDeadline } from "../deadline.ts";
import type { InstanceDirectory } from "../instance-directory.ts";
import { readIdleBehavior } from "../instance-tags.ts";
import type { TagNames } from "../instance-tags.ts";
import type { Supervisor } from "../supervisor.ts";
import { Rounds } from "./rounds.ts";

export interface InstanceListOptions {
  readonly supervisor: Pick<Supervisor, "submit" | "seq" | "known" | "accepting" | "settings">;
  readonly clock: Clock;
  readonly cloud: Pick<InstanceSet, "list">;
  readonly directory: InstanceDirectory;
  readonly tagNames: TagNames;
  readonly instanceSetId: string;
  readonly syncIntervalMs: number;
  readonly probeIntervalMs: number;
  readonly timeoutMs: number;
  readonly secretOf: (commandId: string) => string;
  readonly lastGoodProbeAtMs: (workerId: string) => number;
  /** "" when a list came through. */
  readonly onOutcome: (failure: string) => void;
  readonly broke: (error: unknown) => void;
}

/** Where two lists in a row decide, the second one comes after this. */
const SOON_MS = 1_000;
/** As many rounds of probes lie between two such lists, so that "not answering" means something (docs/design.md: gone). */
const PROBES_TO_ANSWER = 2;

/** Lists the cloud's instances (specification §7.4), hands on what differs from what is known, and names what is missing. */
export class InstanceListFeed {
  readonly #options: InstanceListOptions;
  readonly #rounds: Rounds;
  /** The cloud has asked for peace until then: no wish for a list cuts it short (specification §7.10). */
  #suspendedUntilMs = 0;
  #isFirst = true;

  constructor(options: InstanceListOptions) {
    this.#options = options;
    const { clock, broke } = options;
    this.#rounds = new Rounds({ clock, broke, round: () => this.#round() });
  }

  start(): void {
    this.#rounds.start();
  }

  stop(): void {
    this.#rounds.stop();
  }

  /** Something is expected to change: list before the interval is over. */
  soon(): void {
    this.#rounds.soon(Math.min(SOON_MS, this.#options.syncIntervalMs));
  }

  async #round(): Promise<number> {
    const { supervisor, clock, syncIntervalMs, onOutcome } = this.#options;
    if (!supervisor.accepting) return SOON_MS;
    const basedOnSeq = supervisor.seq;
    const listStartedAtMs = clock.nowMs();
    if (listStartedAtMs < this.#suspendedUntilMs) return this.#suspendedUntilMs - listStartedAtMs;
    let instances: readonly Instance[];
    try {
      instances = await this.#list();
    } catch (error) {
      if (!(error instanceof CloudError) && !(error instanceof DeadlineError)) throw error;
      onOutcome(error.message);
      return this.#pauseAfter(error);
    }
    onOutcome("");
    if (!supervisor.accepting) return SOON_MS;
    for (const instance of instances) this.#seen(instance, basedOnSeq);
    // A journal that was lost or is older may not know who runs: one list that is incomplete must not be all we go by.
    if (this.#isFirst) {
      this.#isFirst = false;
      return Math.min(SOON_MS, syncIntervalMs);
    }
    const recheckMs = this.#tellMissing(instances, { basedOnSeq, listStartedAtMs });
    void supervisor.submit({
      type: "instances.listed",
      basedOnSeq,
      listStartedAtMs,
      instancesCount: instances.length,
    });
    return Math.min(recheckMs, syncIntervalMs);
  }

  #list(): Promise<readonly Instance[]> {
    const { clock, cloud, timeoutMs, tagNames, instanceSetId } = this.#options;
    const ours = { [tagNames.instanceSetId]: instanceSetId };
    return withDeadline(clock, timeoutMs, (signal) => cloud.list(ours, signal));
  }

  #pauseAfter(error: CloudError | DeadlineError): number {
    const { clock, syncIntervalMs } = this.#options;
    const retryAtMs = error instanceof CloudError ? error.failure.retryAtMs : undefined;
    if (retryAtMs === undefined || retryAtMs <= clock.nowMs()) return syncIntervalMs;
    this.#suspendedUntilMs = retryAtMs;
    return retryAtMs - clock.nowMs();
  }

  #seen(instance: Instance, basedOnSeq: number): void {
    const { supervisor, directory, tagNames } = this.#options;
    const { instanceId, address, providerType, tags } = instance;
    directory.set(instance);
    const createdBy = this.#creatorOf(instance);
    void supervisor.submit({
      type: "instance.seen",
      basedOnSeq,
      instanceId,
      createdBy,
      address,
      instanceType: tags[tagNames.instanceType] ?? "",
      providerType,
      idleBehavior: readIdleBehavior(tags, tagNames),
    });
  }

  /** The create of ours whose secret it carries, unless it is known by its own id already. */
  #creatorOf({ instanceId, tags }: Instance): string | null {
    const { supervisor, tagNames, secretOf } = this.#options;
    const secret = tags[tagNames.instanceSecret];
    if (!secret || supervisor.known.workerOfInstance(instanceId) !== undefined) return null;
    for (const [workerId, { value }] of supervisor.known.entries("worker"))
      if (value.lifecycle === "creating" && secretOf(workerId) === secret) return workerId;
    return null;
  }

  /** Answers when to look again: at once, or when those that still live have had the time to answer a probe. */
  #tellMissing(
    instances: readonly Instance[],
    list: { basedOnSeq: number; listStartedAtMs: number },
  ): number {
    const { supervisor, lastGoodProbeAtMs } = this.#options;
    let recheckMs = Infinity;
    for (const worker of this.#missing(instances)) {
      const { workerId, instanceId, missingSinceMs } = worker.context;
      const isProbed = worker.value.lifecycle !== "shutdown";
      const answerMs = this.#answerMs(instanceId);
      // A lost create waits for its deadline first.
      if (instanceId !== "") recheckMs = Math.min(recheckMs, isProbed ? answerMs : SOON_MS);
      // Another list has been asked for since, for another worker's sake.
      if (isProbed && missingSinceMs !== null && list.listStartedAtMs < missingSinceMs + answerMs)
        continue;
      void supervisor.submit({
        type: "instance.missing",
        workerId,
        ...list,
        lastGoodProbeAtMs: lastGoodProbeAtMs(workerId),
      });
    }
    return recheckMs;
  }

  #missing(instances: readonly Instance[]): WorkerSnapshot[] {
    const listed = new Set<string>();
    for (const { instanceId } of instances) listed.add(instanceId);
    const missing: WorkerSnapshot[] = [];
    for (const worker of this.#options.supervisor.known.unordered("worker").values())
      if (isListable(worker) && !listed.has(worker.context.instanceId)) missing.push(worker);
    return missing.sort((a, b) => (a.context.workerId < b.context.workerId ? -1 : 1));
  }

  /**
   * How long a worker has to show that it lives. One that the cloud has not shown to this run cannot be asked, so that its
   * silence says nothing: lists alone decide, over as long as a start waits for unknown workers (specification §6.3).
   */
  #answerMs(instanceId: string): number {
    const { directory, probeIntervalMs, supervisor } = this.#options;
    const askedMs = PROBES_TO_ANSWER * probeIntervalMs;
    if (directory.get(instanceId)) return askedMs;
    return Math.max(askedMs, supervisor.settings.staleLockTimeoutMs);
  }
}

/** One whose create had no answer may be in a list; one whose create is under way cannot be missed yet. */
function isListable({ context }: WorkerSnapshot): boolean {
  return context.instanceId !== "" || context.unknownDeadlineAtMs !== null;
}
