import type { Clock } from "../actors/clock.ts";
import { CloudError } from "../drivers/cloud/port.ts";
import type { CreateRequest, Instance, InstanceSet, InstanceTags } from "../drivers/cloud/port.ts";
import type { FaultKind, Faults } from "./faults.ts";
import { never } from "./lifeline.ts";
import type { SimulatedCloud } from "./simulated-cloud.ts";
import { wait } from "./wait.ts";
import type { WorldTale } from "./world-event.ts";

/** How old a stale list is at the most. */
const STALE_MAX_MS = 15_000;
const SLOW_MAX_MS = 90_000;
export const DOWN_MAX_MS = 600_000;
/** When a create is carried out for which nobody waits: from when a call is given up, and while a list is waited for. */
const LATE_MIN_MS = 60_000;
const LATE_MAX_MS = 150_000;
/** The least TimeoutBooting, which is all that the next run waits for a create of the last one. */
const LATE_AFTER_KILL_MAX_MS = 115_000;
/** How long a cloud takes for the last tag of a new VM: less than a call may take. */
const TAGGING_MAX_MS = 45_000;

/** Faults that keep a VM that is well from answering. */
const MAKES_SILENT: readonly FaultKind[] = [
  "sshHangs",
  "sshLate",
  "sshRefused",
  "sshReset",
  "sshSlow",
  "probeFails",
  "deaf",
  "deafForAWhile",
  "addressChange",
  "hostKeyChange",
  "noRunner",
  "journalFull",
  "journalSlow",
  "listStale",
];

/** What outlives a dispatcher: lists that were, of which a later one may show one again. */
export class CloudHistory {
  readonly #lists: { readonly atMs: number; readonly instances: readonly Instance[] }[] = [];
  /** The instance that lists lack, and how many more do. */
  lacking: string | undefined;
  lackingCount = 0;
  downUntilMs = 0;
  /** The next list lacks one that is busy. */
  hidesBusy = false;
  /** VMs whose create is still busy with their tags, or was when the dispatcher was killed. */
  readonly withoutSecret = new Set<string>();
  /** There is no second one before as many whole lists have come. */
  wholeCount = 0;

  add(atMs: number, instances: readonly Instance[]): void {
    while ((this.#lists[0]?.atMs ?? atMs) < atMs - STALE_MAX_MS) this.#lists.shift();
    this.#lists.push({ atMs, instances });
  }

  oldest(nowMs: number): readonly Instance[] | undefined {
    return this.#lists.find(({ atMs }) => atMs >= nowMs - STALE_MAX_MS)?.instances;
  }
}

export interface FaultyCloudOptions {
  readonly cloud: SimulatedCloud;
  readonly faults: Faults;
  readonly history: CloudHistory;
  /** The tag that tells whose create a VM is of. */
  readonly secretTag: string;
  /** The dispatcher's own. */
  readonly clock: Clock;
  /** The world's, which goes on over restarts. */
  readonly worldClock: Clock;
  readonly tell: (tale: WorldTale) => void;
  /** How long a run waits for a list to show what it cannot ask before: StaleLockTimeout. */
  readonly patienceMs: number;
}

/** The simulated cloud as the dispatcher sees it on a bad day. */
export class FaultyCloud implements InstanceSet {
  readonly #options: FaultyCloudOptions;
  /** Instances that a list has shown to this run. */
  readonly #shown = new Set<string>();
  readonly #startedAtMs: number;

  constructor(options: FaultyCloudOptions) {
    this.#options = options;
    this.#startedAtMs = options.worldClock.nowMs();
  }

  async create(request: CreateRequest): Promise<Instance> {
    const { cloud, faults } = this.#options;
    if (faults.happens("createHangs")) return this.#createHangs(request);
    await this.#before();
    if (faults.happens("createFails")) throw failed("a create failed");
    if (faults.happens("createFailsButExists")) {
      await cloud.create(request);
      throw failed("the connection was lost while creating");
    }
    const instance = await cloud.create(request);
    if (faults.happens("secretLate")) await this.#tagSlowly(instance);
    return faults.happens("createAnswerLost") ? never() : instance;
  }

  #createHangs(request: CreateRequest): Promise<never> {
    const { cloud, faults, clock, worldClock } = this.#options;
    const delayMs = faults.chance("createHangs").between(LATE_MIN_MS, LATE_MAX_MS);
    const timers = delayMs > LATE_AFTER_KILL_MAX_MS ? clock : worldClock;
    // What becomes of it, nobody hears.
    timers.setTimer(delayMs, () => void cloud.create(request).catch(() => {}));
    return never();
  }

  async list(tags: InstanceTags, signal: AbortSignal): Promise<readonly Instance[]> {
    const { tell, clock, worldClock } = this.#options;
    tell({ type: "list.asked" });
    try {
      const shown = await this.#list(tags);
      for (const { instanceId } of shown) this.#shown.add(instanceId);
      return shown;
    } catch (error) {
      const retryAtMs = error instanceof CloudError ? error.failure.retryAtMs : undefined;
      // Nobody hears what a call comes to that has been given up.
      if (retryAtMs !== undefined && !signal.aborted)
        tell({
          type: "list.refused",
          untilAtMs: worldClock.nowMs() + (retryAtMs - clock.nowMs()),
        });
      throw error;
    }
  }

  async #list(tags: InstanceTags): Promise<readonly Instance[]> {
    const { cloud, faults, history, worldClock } = this.#options;
    await this.#before();
    if (faults.happens("listFails")) throw failed("a list failed");
    const listed = (await cloud.list(tags)).map((instance) => this.#asTagged(instance));
    // The cloud knows nothing of the clock of the dispatcher's machine, which may be set back by an hour.
    const nowMs = worldClock.nowMs();
    history.add(nowMs, listed);
    if (history.hidesBusy) return this.#withoutBusy(listed);
    if (faults.happens("listStale")) return history.oldest(nowMs) ?? listed;
    const partial = this.#partial(listed);
    if (partial) return partial;
    return faults.happens("listDuplicate") ? [...listed, ...listed.slice(-1)] : listed;
  }

  /** As where a VM is made by one call and tagged by another, and the create answers after both. */
  async #tagSlowly({ instanceId }: Instance): Promise<void> {
    const { faults, clock, history } = this.#options;
    history.withoutSecret.add(instanceId);
    const delayMs = faults.chance("secretLate").between(0, TAGGING_MAX_MS);
    await wait(clock, delayMs);
    history.withoutSecret.delete(instanceId);
  }

  #asTagged(instance: Instance): Instance {
    const { history, secretTag } = this.#options;
    if (!history.withoutSecret.has(instance.instanceId)) return instance;
    return { ...instance, tags: { ...instance.tags, [secretTag]: "" } };
  }

  /** A whole one follows: who knows nothing of an instance could not help ending what it runs, were it in neither. */
  #withoutBusy(listed: readonly Instance[]): readonly Instance[] {
    const { cloud, faults, history } = this.#options;
    Object.assign(history, { hidesBusy: false, lackingCount: 0, wholeCount: 0 });
    const busy = listed.filter(({ instanceId }) => cloud.vm(instanceId)?.runningIds.length);
    const lacking = faults.chance("amnesia").pick(busy);
    return listed.filter((instance) => instance !== lacking);
  }

  /**
   * A row of lists lacks an instance only where every VM answers, and can be asked: what two lists in a row lack and what
   * does not answer is gone to the dispatcher (docs/design.md: gone), and rightly so.
   */
  #partial(listed: readonly Instance[]): readonly Instance[] | undefined {
    const { faults, history } = this.#options;
    if (history.lackingCount === 0) {
      history.wholeCount++;
      if (listed.length === 0 || history.wholeCount < 2 || !faults.happens("listPartial"))
        return undefined;
      const chance = faults.chance("listPartial");
      history.lacking = chance.pick(listed)?.instanceId;
      history.lackingCount = MAKES_SILENT.some((kind) => kind in faults.plan)
        ? 1
        : chance.between(1, 4);
      history.wholeCount = 0;
    }
    if (this.#waitsInVain(history.lacking)) {
      history.lackingCount = 0;
      return undefined;
    }
    history.lackingCount--;
    return listed.filter(({ instanceId }) => instanceId !== history.lacking);
  }

  /** Nobody asks what no list has shown to this run, and lists alone decide when its patience is over. */
  #waitsInVain(instanceId: string | undefined): boolean {
    const { worldClock, patienceMs } = this.#options;
    const isShown = instanceId === undefined || this.#shown.has(instanceId);
    return !isShown && worldClock.nowMs() - this.#startedAtMs > patienceMs / 2;
  }

  async destroy(instanceId: string): Promise<void> {
    const { cloud, faults } = this.#options;
    await this.#before();
    if (faults.happens("destroyRefused"))
      throw new CloudError({ code: "refused", message: `${instanceId} is protected` });
    if (faults.happens("destroyIgnored")) return;
    await cloud.destroy(instanceId);
  }

  async setTags(instanceId: string, tags: InstanceTags): Promise<void> {
    const { cloud, faults } = this.#options;
    await this.#before();
    if (faults.happens("tagsFail")) throw failed("tags could not be saved");
    await cloud.setTags(instanceId, tags);
  }

  quotaGroup(): string {
    return "";
  }

  async verifyHostKey(): Promise<"verified"> {
    return "verified";
  }

  async close(): Promise<void> {}

  async #before(): Promise<void> {
    const { faults, clock, history, worldClock } = this.#options;
    if (faults.happens("cloudDown"))
      history.downUntilMs = worldClock.nowMs() + faults.chance("cloudDown").between(0, DOWN_MAX_MS);
    if (worldClock.nowMs() < history.downUntilMs && !faults.stopped)
      throw failed("503 from the cloud");
    if (faults.happens("cloudSlow")) {
      const delayMs = faults.chance("cloudSlow").between(0, SLOW_MAX_MS);
      await wait(clock, delayMs);
    }
    if (faults.happens("rateLimited"))
      throw new CloudError({ code: "rateLimited", message: "429 Too Many Requests" });
    if (faults.happens("rateLimitedUntil")) {
      const pauseMs = faults.chance("rateLimitedUntil").between(0, 60_000);
      const retryAtMs = clock.nowMs() + pauseMs;
      throw new CloudError({ code: "rateLimited", message: "429 Too Many Requests", retryAtMs });
    }
  }
}

function failed(message: string): CloudError {
  return new CloudError({ code: "other", message });
}
