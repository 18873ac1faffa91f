import type { Account } from "./account.ts";
import type { TestPlan } from "./plan.ts";
import { Interrupted, reasonOf, type StepLog } from "./step-log.ts";

/** What the create call came to, as far as it is known. */
export interface Made {
  /** Id, and whether it is gone. */
  readonly instanceIds: Map<string, boolean>;
  /** An instance may exist that nobody has seen. */
  isUncertain: boolean;
}

interface CleanUpOptions {
  readonly account: Account;
  readonly made: Made;
  readonly plan: TestPlan;
  readonly steps: StepLog;
  /** The only thing that ends it early. */
  readonly stop: AbortSignal;
}

/** How often in a row an instance must be missing, if it never was listed or its destruction was never accepted. */
const LISTS_UNTIL_GONE = 2;

/** Destroys all instances of the run and waits until none is listed any more; tries for ever (specification §10). */
export async function destroyAll(options: CleanUpOptions): Promise<void> {
  const { made, steps } = options;
  if (made.instanceIds.size === 0 && !made.isUncertain) {
    return steps.skip("destroy", "there is nothing to destroy");
  }
  try {
    await steps.run("destroy", "destroy the instance, and wait until it is gone", () =>
      destroyUntilGone(options),
    );
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  }
}

async function destroyUntilGone(options: CleanUpOptions): Promise<string> {
  const { account, made, plan, steps, stop } = options;
  const accepted = new Set<string>();
  let emptyLists = 0;
  for (;;) {
    for (const instanceId of made.instanceIds.keys()) {
      const failure = await failureOf(account.destroy(instanceId, stop));
      if (failure === undefined) accepted.add(instanceId);
      else steps.note("destroy", `destroy ${instanceId}: ${failure}; trying again`);
    }
    const known = made.instanceIds.size;
    const left = await listOurs(options);
    emptyLists = left === 0 ? emptyLists + 1 : 0;
    const { size } = made.instanceIds;
    const isSure = size > 0 && accepted.size === size;
    if (left === 0 && (isSure || emptyLists >= LISTS_UNTIL_GONE)) {
      for (const instanceId of made.instanceIds.keys()) made.instanceIds.set(instanceId, true);
      made.isUncertain = false;
      return size === 0
        ? "no instance has appeared"
        : `${[...made.instanceIds.keys()].join(", ")} is gone`;
    }
    // One that turns up only now is destroyed at once.
    if (size > known) continue;
    if (left !== undefined && left > 0) steps.note("destroy", `still listed, waiting`);
    await account.pause(plan.syncIntervalMs, stop);
  }
}

/** How many of ours are listed; undefined where the list failed. */
async function listOurs({ account, made, plan, steps, stop }: CleanUpOptions) {
  try {
    const ours = (await account.list(stop)).filter(
      ({ instanceId, tags }) =>
        made.instanceIds.has(instanceId) || tags[plan.secretTag] === plan.tags[plan.secretTag],
    );
    for (const { instanceId } of ours) made.instanceIds.set(instanceId, false);
    return ours.length;
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    steps.note("destroy", `list failed: ${reasonOf(error)}; trying again`);
    return undefined;
  }
}

async function failureOf(call: Promise<void>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return reasonOf(error);
  }
}
