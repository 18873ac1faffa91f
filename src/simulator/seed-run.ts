import type { Clock } from "../actors/clock.ts";
import { JournalError } from "../drivers/journal/port.ts";
import type { Journal } from "../drivers/journal/port.ts";
import { CODE_VERSION, Core } from "../machines/core/core.ts";
import { replay } from "../machines/core/replay.ts";
import { chanceFor } from "./chance.ts";
import type { Chance } from "./chance.ts";
import { drawBehavior, drawWorld, redrawConfig } from "./draw-world.ts";
import type { DrawnWorld } from "./draw-world.ts";
import { drawFaultPlan, Faults } from "./faults.ts";
import type { FaultKind, FaultPlan } from "./faults.ts";
import { Watch } from "./invariants/watch.ts";
import type { Violation } from "./invariants/watch.ts";
import { OlderJournal } from "./older-journal.ts";
import { Weather } from "./weather.ts";
import { World } from "./world.ts";
import type { WorldEvent } from "./world-event.ts";

const MINUTE_MS = 60_000;
/**
 * Within which, once nothing goes wrong any more, the queue must be empty and the fleet gone: on top of the time that the
 * containers take one after the other.
 */
const LIVENESS_MS = 60 * MINUTE_MS;
const WORLD_START_MS = 1_767_225_600_000;

/** Where the journal of a run is kept: what a killed dispatcher leaves to the next one. */
export interface JournalShelf {
  /** With a clock, what is written behind the journal is written behind. */
  open(clock?: Clock): Journal;
  /** As if restored from a backup: nothing after `seq` is known. */
  rewind(seq: number): void;
  /**
   * The newest record of a copy that is older than its witness; undefined where there is none. That a journal lacks what came
   * within its last second nobody can notice (docs/journal-format.md).
   */
  oldestNoticed(): number | undefined;
  /** Of the last commit, a part has reached the disk. */
  tear(): void;
  /** Bytes are lost of a commit that others follow, and of all checkpoints since. False where there is none. */
  damage(chance: Chance): boolean;
  /** All checkpoints are of another version of the code; what it says of its state may be `unreadable` to this one. */
  makeForeign(options: { unreadable: boolean }): void;
  /** Another version ran for a moment, and was taken back. */
  appendForeign(): void;
  /** Another journal, empty and with another id; the witness of the one before stays beside it, or goes with that. */
  replace(options: { keepsWitness: boolean }): void;
}

export interface SeedRunOptions {
  readonly seed: number;
  readonly shelf: JournalShelf;
  readonly without?: ReadonlySet<FaultKind>;
  readonly onEvent?: (event: WorldEvent) => void;
}

export interface SeedResult {
  readonly seed: number;
  readonly plan: FaultPlan;
  /** How many of each truly happened. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly violations: readonly Violation[];
  readonly recordsCount: number;
  readonly restartsCount: number;
  readonly simulatedMs: number;
}

/** One seed's world, from its start until the queue is empty and the fleet is gone. */
export async function runSeed(options: SeedRunOptions): Promise<SeedResult> {
  const run = new SeedRun(options);
  return run.run();
}

class SeedRun {
  readonly #options: SeedRunOptions;
  readonly #drawn: DrawnWorld;
  readonly #watch = new Watch();
  readonly #world: World;
  readonly #weather: Weather;
  #restartsCount = 0;
  readonly #witnessChance: Chance;
  /** That this version cannot read, in the journal or in one before. */
  #hasForeignState = false;
  #hasForeignRecord = false;
  readonly #olderJournal = new OlderJournal();

  constructor(options: SeedRunOptions) {
    this.#options = options;
    const { seed, shelf, without, onEvent } = options;
    const drawn = (this.#drawn = drawWorld(seed));
    const vms = chanceFor(seed, "vms");
    this.#witnessChance = chanceFor(seed, "witness");
    const faults = new Faults(seed, drawFaultPlan(seed, without));
    const world: World = (this.#world = new World({
      seed,
      config: drawn.config,
      openJournal: (clock) => shelf.open(clock),
      behaviorOf: ({ nowMs }) => drawBehavior(faults, nowMs, drawn.bootMaxMs, vms),
      latencyMaxMs: drawn.latencyMaxMs,
      faults,
      onEvent: (event) => {
        onEvent?.(event);
        this.#olderJournal.remember(event);
        this.#watch.step(event, world);
        this.#weather.react(event);
      },
    }));
    this.#weather = new Weather(world, Object.values(drawn.config.settings.instanceTypes));
    for (const { submitAfterMs, containerId, ...container } of drawn.containers)
      world.clock.setTimer(submitAfterMs, () => {
        const record = { ...container.record, createdAtMs: world.clock.nowMs() };
        world.queue.submit(containerId, { ...container, record, exitCode: 0 });
      });
  }

  async run(): Promise<SeedResult> {
    const world = this.#world;
    const { faults, clock } = world;
    this.#weather.start();
    await this.#start();
    const calmAtMs = WORLD_START_MS + this.#drawn.faultsForMs;
    await this.#runUntil(calmAtMs);
    faults.stop();
    this.#weather.clear();
    const workMs = this.#drawn.containers.reduce((sum, { durationMs }) => sum + durationMs, 0);
    const ended = await this.#runUntil(clock.nowMs() + LIVENESS_MS + workMs, () => this.#isOver());
    if (ended) this.#watch.end(world);
    else this.#watch.add(clock.nowMs(), "liveness", this.#whatIsLeft());
    await this.#stop();
    for (const bug of world.bugs)
      this.#watch.add(clock.nowMs(), "bug", bug instanceof Error ? (bug.stack ?? "") : String(bug));
    return {
      seed: this.#options.seed,
      plan: faults.plan,
      faults: faults.counts,
      violations: this.#watch.violations,
      recordsCount: world.journal?.lastSeq ?? 0,
      restartsCount: this.#restartsCount,
      simulatedMs: clock.nowMs() - WORLD_START_MS,
    };
  }

  /** Starts the dispatcher again whenever it has been killed. */
  async #runUntil(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    const { clock } = this.#world;
    for (;;) {
      const world = this.#world;
      await clock.run({ untilMs, done: () => !world.alive || done() });
      if (world.alive) return done();
      await clock.run({
        untilMs: clock.nowMs() + world.faults.chance("killed").between(0, 30_000),
      });
      await this.#restart();
    }
  }

  async #restart(): Promise<void> {
    const { faults } = this.#world;
    this.#restartsCount++;
    const keepsWitness = this.#witnessChance.happens(0.5);
    const isBroken = await this.#changeJournal(keepsWitness);
    if (faults.happens("reconfigured"))
      this.#world.config = redrawConfig(faults.chance("reconfigured"));
    if (faults.happens("clockJumps")) this.#world.setWallClock();
    if (faults.happens("clockYears")) this.#world.setWallYear();
    if (faults.happens("startsBlind")) this.#world.silenceCloud();
    if (isBroken) await this.#startBroken(keepsWitness);
    else await this.#start();
  }

  /** Answers whether what is left of it is to be refused. */
  async #changeJournal(keepsWitness: boolean): Promise<boolean> {
    const { faults, forgets, journal, clock } = this.#world;
    const { shelf } = this.#options;
    if (forgets || faults.happens("journalLost")) {
      shelf.replace({ keepsWitness });
      return false;
    }
    if (faults.happens("journalOlder")) {
      this.#putOlderBack();
      return false;
    }
    const isEmpty = (journal?.lastSeq ?? 0) === 0;
    if (faults.happens("journalTorn") && !isEmpty) {
      shelf.tear();
      return true;
    }
    if (faults.happens("batchDamaged") && shelf.damage(faults.chance("batchDamaged"))) return true;
    const isUpgraded = faults.happens("upgraded");
    // Most journals that see an upgrade have been pruned.
    const isOld = isUpgraded && faults.chance("upgraded").happens(0.7);
    if (faults.happens("prunedJournal") || isOld)
      await journal?.prune({ nowMs: clock.nowMs(), maxBytes: 0 });
    if (isUpgraded) this.#upgrade();
    if (!isEmpty && faults.happens("otherVersion")) this.#downgrade();
    return false;
  }

  #upgrade(): void {
    const unreadable = this.#world.faults.chance("upgraded").happens(0.5);
    this.#options.shelf.makeForeign({ unreadable });
    if (unreadable) this.#hasForeignState = true;
  }

  #downgrade(): void {
    this.#options.shelf.appendForeign();
    this.#hasForeignRecord = true;
  }

  #putOlderBack(): void {
    const { shelf } = this.#options;
    const { faults, cloud, journal } = this.#world;
    const seq = this.#olderJournal.endSeq(
      faults.chance("journalOlder"),
      journal?.lastSeq ?? 0,
      cloud,
    );
    const noticedSeq = shelf.oldestNoticed();
    if (noticedSeq === undefined) return;
    shelf.rewind(Math.min(noticedSeq, seq));
    if (faults.chance("journalOlder").happens(0.5)) this.#world.hideBusy();
  }

  /** A start says so, and its operator moves the file away (docs/operating.md). */
  async #startBroken(keepsWitness: boolean): Promise<void> {
    const { faults, clock } = this.#world;
    try {
      await this.#start();
      // What this version cannot fold it does not read to the end; the check of the chain finds what is damaged there.
      if (!this.#mayForget())
        this.#watch.add(clock.nowMs(), "journal", "a broken journal is opened as if whole");
    } catch (error) {
      // What a run throws that has begun is no refusal.
      if (!(error instanceof JournalError) || this.#world.dispatcher) throw error;
      faults.count("journalLost");
      this.#options.shelf.replace({ keepsWitness });
      await this.#start();
    }
  }

  /** A dispatcher may be killed while it starts, too. */
  async #start(): Promise<void> {
    const { forgotSeq } = this.#world;
    await this.#world.start();
    if (this.#world.forgotSeq > forgotSeq && !this.#mayForget())
      this.#watch.add(this.#world.clock.nowMs(), "journal", "a start forgets what is recorded");
  }

  #mayForget(): boolean {
    const isPruned = this.#world.journal?.stats().firstSeq !== 1;
    return this.#hasForeignRecord || (this.#hasForeignState && isPruned);
  }

  #isOver(): boolean {
    const { queue, cloud, dispatcher } = this.#world;
    if (queue.containers.size < this.#drawn.containers.length) return false;
    if (cloud.instanceIds.length > 0 || dispatcher?.supervisor.known.size("worker") !== 0)
      return false;
    for (const { record } of queue.containers.values()) if (!isOver(record)) return false;
    return true;
  }

  #whatIsLeft(): string {
    const { queue, cloud, dispatcher } = this.#world;
    const containers = [...queue.containers.values()]
      .filter(({ record }) => !isOver(record))
      .map(({ containerId, record }) => `${containerId} ${record.state} (${record.priority})`);
    const workers = [...(dispatcher?.supervisor.known.entries("worker") ?? [])].map(
      ([id, { value }]) => `${id} ${value.lifecycle} ${value.idleBehavior}`,
    );
    return `not over in time: ${[...containers, ...workers, ...cloud.instanceIds].join(", ")}`;
  }

  async #stop(): Promise<void> {
    const world = this.#world;
    const stopped = world.dispatcher?.stop();
    await world.clock.run({ untilMs: world.clock.nowMs() + MINUTE_MS });
    await stopped;
    this.#checkReplay();
    await world.journal?.close();
  }

  /**
   * What is in the journal decides the same again, from the beginning and from every checkpoint (docs/design.md: exact), as
   * far back as this version can go.
   */
  #checkReplay(): void {
    const { journal } = this.#world;
    if (!journal) return;
    const endState = journal.checkpoint()?.state;
    if (journal.stats().firstSeq === 1)
      this.#checkReplayFrom(new Core(journal.id), journal, endState);
    for (const seq of journal.checkpointSeqs()) {
      const checkpoint = journal.checkpoint({ atOrBeforeSeq: seq });
      if (checkpoint?.code !== CODE_VERSION) continue;
      const from = Core.restore(checkpoint.state);
      if (from.seq === seq) this.#checkReplayFrom(from, journal, endState);
      else this.#tellReplay(`the checkpoint at ${seq} holds seq ${from.seq}`);
    }
  }

  #checkReplayFrom(from: Core, journal: Journal, endState: string | undefined): void {
    const { seq } = from;
    if (seq <= this.#world.forgotSeq) return;
    const { difference, core } = replay(from, journal.read({ fromSeq: seq + 1 }));
    if (difference) this.#tellReplay(`from ${seq}: ${JSON.stringify(difference)}`);
    else if (core.store() !== endState) this.#tellReplay(`from ${seq}: another state at the end`);
  }

  #tellReplay(text: string): void {
    this.#watch.add(this.#world.clock.nowMs(), "replay", text);
  }
}

/** What is over, or not wanted any more and not running. */
function isOver({ state, priority }: { state: string; priority: string }): boolean {
  if (state === "Complete" || state === "Cancelled") return true;
  return state === "Queued" && BigInt(priority) <= 0n;
}
