import type { Limits } from "../model/decision.ts";
import type { Fact } from "../model/fact.ts";
import type { JournalRecord } from "../model/record.ts";
import type { Settings } from "../model/settings.ts";
import { moveOf, type Move } from "../model/told-times.ts";
import type { PlanMetrics, QueueStatus } from "../planner/view.ts";
import { Draft } from "./draft.ts";
import type { Change } from "./draft.ts";
import { PlanFold } from "./plan-fold.ts";
import { deliverDecisions, runPlanner } from "./planning.ts";
import { Registry } from "./registry.ts";
import type { StoredActors } from "./registry.ts";
import { route } from "./route.ts";
import { movedLimits } from "./set-back.ts";

/**
 * Names the version of the deciding code: a replay under another one reports differences as such. Raise it with any
 * change that may decide otherwise over the same facts.
 */
export const CODE_VERSION = "6";

/** What a fact came to. Without `record` it changed nothing, and is only counted. */
export interface Applied {
  readonly record: JournalRecord | undefined;
  readonly changes: readonly Change[];
  /** Of a run of the planner: what the queue looks like now. Not part of the state. */
  readonly queue:
    { statuses: () => readonly QueueStatus[]; metrics: PlanMetrics | undefined } | undefined;
}

/** The fold's whole state as data. */
interface StoredCore {
  readonly journalId: string;
  readonly seq: number;
  readonly atMs: number;
  readonly configHash: string;
  readonly settings: Settings | null;
  readonly limits: Limits | null;
  readonly actors: StoredActors;
}

const NOTHING: Applied = { record: undefined, changes: [], queue: undefined };

/**
 * The state that the journal folds to, and the one way to change it. Pure in effect: the same facts in the same order
 * give the same records; it reads no clock and calls nobody.
 */
export class Core {
  /** Ids of commands begin with it; `daemon.started` names it anew, since a journal's changes where its end was lost. */
  journalId: string;
  registry = new Registry();
  seq = 0;
  atMs = 0;
  configHash = "";
  settings: Settings | null = null;
  limits: Limits | null = null;
  readonly #planFold = new PlanFold();

  constructor(journalId: string) {
    this.journalId = journalId;
  }

  /**
   * Takes in a fact. With `recorded`, a run of the planner is not computed but taken from the journal, as a restart does.
   * Throws, and changes nothing, when a machine breaks its rules: that is a bug.
   */
  apply(fact: Fact, recorded?: JournalRecord): Applied {
    if (fact.type === "config.loaded") this.#configure(fact.hash, fact.settings);
    const { settings } = this;
    // Before the first configuration nothing can be decided.
    if (!settings) return NOTHING;
    const seq = this.seq + 1;
    const move = fact.type === "daemon.started" ? moveOf(fact) : undefined;
    const atMs = move ? fact.atMs : Math.max(fact.atMs, this.atMs);
    const journalId = fact.type === "daemon.started" ? fact.journalId : this.journalId;
    const draft = new Draft(this.registry, { journalId, seq, atMs, settings });
    const planned =
      fact.type === "planner.ran"
        ? this.#plan(draft, fact, recorded)
        : this.#route(draft, fact, move);
    const changes = draft.changes();
    const kept =
      changes.length > 0 ||
      draft.commands.length > 0 ||
      planned?.limits ||
      fact.type === "config.loaded";
    if (!kept) return planned ? { ...NOTHING, queue: planned.queue } : NOTHING;
    const record: JournalRecord = {
      seq,
      fact,
      commands: draft.commands,
      decisions: planned?.decisions ?? [],
      ...(planned?.limits ? { limits: planned.limits } : {}),
    };
    this.#commit(record, changes, atMs);
    return { record, changes, queue: planned?.queue };
  }

  /** Where the clock was set back, everybody's times go with it before anybody judges by them. */
  #route(draft: Draft, fact: Exclude<Fact, { type: "planner.ran" }>, move: Move | undefined) {
    if (move) draft.moveTimes(move);
    route(draft, this.registry, fact);
    const { limits } = this;
    if (!move || !limits || limits.last503AtMs === null) return undefined;
    return { decisions: [], limits: movedLimits(limits, move), queue: undefined };
  }

  #plan(draft: Draft, fact: Extract<Fact, { type: "planner.ran" }>, recorded?: JournalRecord) {
    const before = this.limits as Limits;
    if (recorded) {
      const decisions = deliverDecisions(draft, recorded.decisions);
      return { decisions, limits: recorded.limits, queue: undefined };
    }
    const { settings } = draft.frame;
    const planned = runPlanner(this.registry, settings, fact, before, this.#planFold);
    const decisions = deliverDecisions(draft, planned.decisions);
    const { statuses, metrics } = planned;
    const limits = sameLimits(before, planned.limits) ? undefined : planned.limits;
    return { decisions, limits, queue: { statuses, metrics } };
  }

  #commit(record: JournalRecord, changes: readonly Change[], atMs: number): void {
    for (const { kind, id, after, removed } of changes) {
      this.registry.set(kind, id, removed ? undefined : (after as never));
      this.#planFold.note(kind, id);
    }
    if (record.limits) this.limits = record.limits;
    if (record.fact.type === "daemon.started") this.journalId = record.fact.journalId;
    this.seq = record.seq;
    this.atMs = atMs;
  }

  #configure(hash: string, settings: Settings): void {
    this.configHash = hash;
    this.settings = withOwnNames(settings);
    this.limits ??= initialLimits(settings);
  }

  /** Another one in the same state, that goes its own way from here. */
  fork(): Core {
    const fork = new Core(this.journalId);
    const { seq, atMs, configHash, settings, limits } = this;
    Object.assign(fork, { seq, atMs, configHash, settings, limits });
    fork.registry = this.registry.copy();
    return fork;
  }

  /** One JSON text, the same for the same state. */
  store(): string {
    const { journalId, seq, atMs, configHash, settings, limits, registry } = this;
    const actors = registry.store();
    const stored: StoredCore = { journalId, seq, atMs, configHash, settings, limits, actors };
    return JSON.stringify(stored);
  }

  /** Throws when the text is none that `store` wrote under this code's charts. */
  static restore(text: string): Core {
    const stored = JSON.parse(text) as StoredCore;
    const core = new Core(stored.journalId);
    core.seq = stored.seq;
    core.atMs = stored.atMs;
    core.configHash = stored.configHash;
    core.settings = stored.settings && withOwnNames(stored.settings);
    core.limits = stored.limits;
    core.registry = Registry.restore(stored.actors);
    return core;
  }
}

/** Instance types are looked up by names from outside, tags among them: `constructor` is none. */
function withOwnNames(settings: Settings): Settings {
  const { instanceTypes, quotaGroups } = settings;
  return {
    ...settings,
    instanceTypes: ownNames(instanceTypes),
    quotaGroups: ownNames(quotaGroups),
  };
}

function ownNames<T>(entries: Readonly<Record<string, T>>): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, entries);
}

/** At start (specification §6.5): as many containers as instances, until it is known better. */
function initialLimits(settings: Settings): Limits {
  const { initialQuotaEstimate, maxInstances } = settings;
  const maxContainers = initialQuotaEstimate > 0 ? initialQuotaEstimate : maxInstances;
  return { maxContainers, last503AtMs: null, instancesWithinQuota: 0 };
}

function sameLimits(a: Limits, b: Limits): boolean {
  return (
    a.maxContainers === b.maxContainers &&
    a.last503AtMs === b.last503AtMs &&
    a.instancesWithinQuota === b.instancesWithinQuota &&
    a.quotaIsOurs === b.quotaIsOurs
  );
}
