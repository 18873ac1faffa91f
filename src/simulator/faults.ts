import type { Chance } from "./chance.ts";
import { chanceFor } from "./chance.ts";

/**
 * What may go wrong, by name. `share` is the greatest share of the opportunities (calls, VMs, locks, records; for those of
 * the weather: minutes) that a seed may make go wrong.
 */
export const FAULTS = {
  createAnswerLost: { share: 0.3, text: "a create works, and its answer never comes" },
  createFailsButExists: { share: 0.3, text: "a create fails, and the VM is there all the same" },
  createFails: { share: 0.5, text: "a create fails" },
  createHangs: { share: 0.3, text: "a create hangs, and is carried out when nobody waits for it" },
  listStale: { share: 0.3, text: "a list shows what was some seconds ago" },
  listPartial: { share: 0.3, text: "one list or a few lack an instance" },
  listDuplicate: { share: 0.3, text: "a list names an instance twice" },
  secretLate: {
    share: 0.3,
    text: "a list shows a VM without the secret of its create for a while",
  },
  listFails: { share: 0.4, text: "a list fails" },
  destroyIgnored: { share: 0.5, text: "a destroy is accepted, and nothing happens" },
  destroyRefused: { share: 0.5, text: "a destroy is refused" },
  tagsFail: { share: 0.5, text: "tags cannot be saved" },
  rateLimited: { share: 0.3, text: "the cloud asks for peace, and does not say until when" },
  rateLimitedUntil: { share: 0.3, text: "the cloud asks for peace until a time" },
  cloudDown: { share: 0.05, text: "the cloud answers nothing for some minutes" },
  startsBlind: {
    share: 0.6,
    text: "a restart finds a cloud that answers nothing for some minutes",
  },
  cloudSlow: { share: 0.3, text: "the cloud answers late" },
  quota: { share: 0.2, text: "the account's quota shrinks for a while" },
  capacity: { share: 0.2, text: "a type has no capacity for a while" },
  spotDeath: { share: 0.3, text: "the cloud takes a VM back, two minutes after a notice" },
  suddenDeath: { share: 0.3, text: "a VM dies without a notice" },
  addressChange: { share: 0.3, text: "a VM gets another address" },
  hostKeyChange: { share: 0.2, text: "a VM's host key changes" },
  neverBoots: { share: 0.3, text: "a VM never answers" },
  bootsSlowly: { share: 0.5, text: "a VM boots slowly" },
  deaf: { share: 0.3, text: "a VM answers nothing any more" },
  deafForAWhile: { share: 0.3, text: "a VM answers nothing for a while" },
  noRunner: { share: 0.3, text: "a VM has no crunch-run" },
  reportsBroken: { share: 0.3, text: "a VM says that it is broken" },
  overlongList: { share: 0.3, text: "a VM's runner lists thousands of made-up containers" },
  sshHangs: { share: 0.2, text: "a command does not come back" },
  sshSlow: { share: 0.4, text: "a command arrives late, or its answer does" },
  sshRefused: { share: 0.3, text: "a connection is refused" },
  sshLate: { share: 0.2, text: "a command arrives when nobody waits for its answer any more" },
  sshReset: { share: 0.2, text: "a command runs, and the connection breaks before its answer" },
  bootProbeFails: { share: 0.6, text: "a VM's boot probe fails, and all else works" },
  probeFails: { share: 0.3, text: "a probe exits non-zero" },
  runnerDies: { share: 0.3, text: "a runner dies without a word" },
  runnerDiesLocked: { share: 0.3, text: "a runner dies, and its lock stays held" },
  reportsTwice: { share: 0.5, text: "a runner is listed twice" },
  detachesLate: { share: 0.3, text: "a runner takes long to detach" },
  unkillable: { share: 0.5, text: "runners ignore SIGTERM, and hang" },
  lockLost: { share: 0.2, text: "somebody else unlocks a container" },
  userCancels: { share: 0.3, text: "a user sets a priority to 0" },
  operator: { share: 0.2, text: "an operator holds, drains, frees or kills" },
  operatorCancels: { share: 0.3, text: "an operator cancels a container" },
  api503: { share: 0.3, text: "the API answers 503" },
  queueDown: {
    share: 0.8,
    text: "the queue is down with the dispatcher, as the embedded one is: runners tell it late what they have done meanwhile",
  },
  apiSlow: { share: 0.2, text: "the API answers late, or too late" },
  unlockLate: { share: 0.5, text: "an unlock arrives when nobody waits for its answer any more" },
  apiWrong: { share: 0.2, text: "the API does as told, and answers nonsense" },
  journalFull: { share: 0.1, text: "the journal's disk is full for a while" },
  journalSlow: { share: 0.3, text: "the journal's disk is slow" },
  killed: { share: 0.05, text: "the dispatcher is killed, within or after a commit" },
  stopped: {
    share: 0.1,
    text: "an operator stops the dispatcher, at once or once it has drained, and it is started again",
  },
  reconfigured: { share: 0.6, text: "a restart finds other types, limits and time-outs" },
  clockJumps: { share: 0.5, text: "the wall clock is set forward or back" },
  clockYears: {
    share: 0.4,
    text: "a restart finds the wall clock a year ahead or behind, or right again",
  },
  journalOlder: { share: 0.3, text: "a restart finds an older journal" },
  journalTorn: { share: 0.3, text: "a restart finds the journal's last commit torn" },
  amnesia: {
    share: 0.05,
    text: "a busy dispatcher is killed, its journal is lost, and a list lacks an instance that runs something",
  },
  batchDamaged: { share: 0.3, text: "a restart finds a commit damaged that others follow" },
  prunedJournal: {
    share: 0.3,
    text: "a restart finds the journal pruned up to its newest checkpoint",
  },
  upgraded: {
    share: 0.3,
    text: "a restart finds checkpoints of another version only, which it may not be able to read",
  },
  otherVersion: {
    share: 0.08,
    text: "a restart finds that another version ran for a moment, whose record it cannot fold",
  },
  journalLost: { share: 0.2, text: "a restart finds no journal, or none that it can go on from" },
} as const satisfies Record<string, { share: number; text: string }>;

export type FaultKind = keyof typeof FAULTS;
export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];

/** Probability of each kind; one that is missing does not happen. */
export type FaultPlan = Readonly<Partial<Record<FaultKind, number>>>;

/**
 * Which faults a seed has, and how many of each (swarm testing): a seed that has all of them hides what a few of them do.
 * A draw for one kind does not depend on the others, so that each can be switched off alone.
 */
export function drawFaultPlan(seed: number, without: ReadonlySet<FaultKind> = NONE): FaultPlan {
  const kindsShare = chanceFor(seed, "plan").pick([0.03, 0.1, 0.2, 0.35, 0.6]) ?? 0;
  const plan: Partial<Record<FaultKind, number>> = {};
  for (const kind of FAULT_KINDS) {
    const chance = chanceFor(seed, `plan ${kind}`);
    // Without a restart now and then, what a restart could find is never seen.
    const share = kind === "killed" ? Math.max(kindsShare, 0.4) : kindsShare;
    if (!chance.happens(share) || without.has(kind)) continue;
    plan[kind] = FAULTS[kind].share * chance.next() ** 1.5 + 0.002;
  }
  return plan;
}

const NONE: ReadonlySet<FaultKind> = new Set();

/** Draws faults as a plan has them, until they are stopped. */
export class Faults {
  readonly plan: FaultPlan;
  /** How many of each have happened. */
  readonly counts = new Map<FaultKind, number>();
  readonly #chances = new Map<FaultKind, Chance>();
  readonly #seed: number;
  #stopped = false;
  /** Told of each one. */
  onFault: (kind: FaultKind) => void = () => {};

  constructor(seed: number, plan: FaultPlan) {
    this.#seed = seed;
    this.plan = plan;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  happens(kind: FaultKind): boolean {
    const share = this.plan[kind];
    if (share === undefined || this.#stopped || !this.chance(kind).happens(share)) return false;
    this.count(kind);
    return true;
  }

  /** The source for the details of a kind. */
  chance(kind: FaultKind): Chance {
    let chance = this.#chances.get(kind);
    if (!chance) this.#chances.set(kind, (chance = chanceFor(this.#seed, `fault ${kind}`)));
    return chance;
  }

  count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.onFault(kind);
  }

  /** From now on nothing goes wrong that has not begun to. */
  stop(): void {
    this.#stopped = true;
  }
}

/** As in nature. */
export function noFaults(): Faults {
  return new Faults(0, {});
}
