import type { Change } from "../../machines/core/draft.ts";
import { Cost } from "../../machines/explain/cost.ts";
import type { WorkerSnapshot } from "../../machines/worker/worker.machine.ts";
import { Meter } from "../meter.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

const HOUR_MS = 3_600_000;
const TINY = 1e-9;

interface Account {
  readonly cost: Cost;
  readonly instanceId: string;
  readonly fromAtMs: number;
  readonly configuredPrice: number;
}

/**
 * What the dispatcher says that it spent (`explain`, and the reports of `simulate`) is the time of the VMs that it knew, by
 * the price that the cloud takes for them. A restart, which may find an older journal, begins a new bill.
 */
export function spendAddsUp(): Invariant {
  /** What the cloud takes for what this run has asked for; of others the config alone tells, which may be another since. */
  const prices = new Map<string, number>();
  const asked = new Set<string>();
  const accounts = new Map<string, Account>();
  let meter: Meter | undefined;
  let sum = 0;
  let lastAtMs = 0;
  const close = (account: Account, atMs: number): string | undefined => {
    const told = account.cost.finish(atMs).amount;
    const price = prices.get(account.instanceId) ?? account.configuredPrice;
    const due = (price * (atMs - account.fromAtMs)) / HOUR_MS;
    sum += due;
    if (Math.abs(told - due) < TINY) return undefined;
    return `${account.instanceId} is said to have cost ${told}, and did cost ${due}`;
  };
  const follow = (change: Change, atMs: number, world: World): string | undefined => {
    const { id, after, removed } = change;
    const worker = after as WorkerSnapshot;
    const { instanceId } = worker.context;
    if (instanceId === "") return undefined;
    let account = accounts.get(id);
    if (!account && removed) return undefined;
    const settings = world.dispatcher?.supervisor.settings ?? null;
    if (!account) {
      for (const [other, { instanceId: theirs }] of accounts)
        if (theirs === instanceId) return `${instanceId} is paid for by ${other} and ${id}`;
      const configuredPrice = settings?.instanceTypes[worker.context.instanceType]?.price ?? 0;
      account = { cost: new Cost(), instanceId, fromAtMs: atMs, configuredPrice };
      accounts.set(id, account);
    }
    account.cost.follow(worker, atMs, { settings, ended: removed });
    if (!removed) return undefined;
    accounts.delete(id);
    return close(account, atMs);
  };
  const judge = ({ record, changes }: RecordEvent, world: World): string | undefined => {
    const { fact } = record;
    const { type } = fact;
    // A start begins with it, and its time may still be that of a run that was ahead.
    const atMs = type === "config.loaded" ? 0 : fact.atMs;
    lastAtMs = type === "config.loaded" ? 0 : Math.max(lastAtMs, atMs);
    if (type === "config.loaded") {
      accounts.clear();
      prices.clear();
      asked.clear();
      sum = 0;
      meter = new Meter();
    }
    // Workers that the last run knew are on its bill.
    if (type === "daemon.started" && changes.some(({ kind }) => kind === "worker"))
      meter = undefined;
    for (const command of record.commands)
      if (command.kind === "instance.create") asked.add(command.workerId);
    meter?.follow({ ...record, fact: { ...fact, atMs } }, changes);
    for (const change of changes) {
      const known = change.kind === "worker" && (accounts.has(change.id) || isNew(change));
      const wrong = known ? follow(change, atMs, world) : undefined;
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
  return {
    name: "spendAddsUp",
    check(event, world) {
      if (event.type === "vm.created" && asked.has(event.createdBy))
        prices.set(event.instanceId, event.pricePerHour);
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
    checkEnd() {
      // The end of the last one may be on its way to the journal.
      for (const account of accounts.values()) close(account, lastAtMs);
      const total = meter?.finish().cost ?? sum;
      return Math.abs(total - sum) < TINY * Math.max(1, sum)
        ? undefined
        : `a report would say that ${total} was spent, and the VMs cost ${sum}`;
    },
  };
}

/** The cloud has just named its instance. */
function isNew({ before }: Change): boolean {
  return ((before?.context as { instanceId?: string } | undefined)?.instanceId ?? "") === "";
}
