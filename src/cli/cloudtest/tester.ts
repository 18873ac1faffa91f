import type { Clock } from "../../actors/clock.ts";
import { CloudError, type Instance, type InstanceSet } from "../../drivers/cloud/port.ts";
import type { SshExecutor, SshResult } from "../../drivers/ssh/port.ts";
import { formatTarget, resolveTarget } from "../../drivers/ssh/target.ts";
import type { Failure } from "../../machines/model/fact.ts";
import { Account, unlessStopped } from "./account.ts";
import { destroyAll, type Made } from "./clean-up.ts";
import type { TestPlan } from "./plan.ts";
import { Interrupted, reasonOf, StepFailure, type StepLog } from "./step-log.ts";

export interface TesterOptions {
  readonly cloud: InstanceSet;
  readonly clock: Clock;
  readonly plan: TestPlan;
  readonly steps: StepLog;
  /** Connects to the instance as it was last seen, and trusts it only once it is known to be that one (specification §8.2). */
  readonly openSession: (latest: () => Instance) => SshExecutor;
  /** Waits for the operator before the instance is destroyed. */
  readonly waitBeforeDestroy: ((stop: AbortSignal) => Promise<void>) | undefined;
  /** Nothing more is to be tried, but what was made is to be destroyed. */
  readonly interrupted: AbortSignal;
  /** Not even that. */
  readonly givenUp: AbortSignal;
}

export interface TestResult {
  readonly ok: boolean;
  readonly instanceId: string | null;
  /** Instances that may still be there. */
  readonly left: readonly string[];
  /** An instance may be there that was never seen. */
  readonly isUncertain: boolean;
}

/** With these codes nothing was made (see `InstanceSet.create`). */
const REFUSALS: ReadonlySet<Failure["code"]> = new Set([
  "quota",
  "capacity",
  "rateLimited",
  "unauthorized",
  "refused",
]);

/**
 * The life of one instance (specification §10). Goes on after a failure wherever the next step can still tell something, and
 * whatever happens, destroys what it made and waits until that is gone.
 */
export async function testInstance(options: TesterOptions): Promise<TestResult> {
  const life = new Life(options);
  const { steps, givenUp } = options;
  try {
    await life.run();
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  } finally {
    life.close();
    await destroyAll({ ...options, account: life.account, made: life.made, stop: givenUp });
  }
  const { instanceIds } = life.made;
  const [instanceId = null] = instanceIds.keys();
  const left = [...instanceIds].filter(([, isGone]) => !isGone).map(([id]) => id);
  const ok = steps.ok && !options.interrupted.aborted;
  return { ok, instanceId, left, isUncertain: life.made.isUncertain };
}

class Life {
  readonly account: Account;
  readonly made: Made = { instanceIds: new Map(), isUncertain: false };
  readonly #options: TesterOptions;
  #latest: Instance | undefined;
  #session: SshExecutor | undefined;
  #shownAddress = "";

  constructor(options: TesterOptions) {
    this.#options = options;
    this.account = new Account(options);
  }

  async run(): Promise<void> {
    const { plan, steps, interrupted, waitBeforeDestroy } = this.#options;
    if (!(await steps.run("existing", "list all instances", () => this.#clearExisting()))) return;
    const bootDeadlineAtMs = this.account.nowMs + plan.timeoutBootingMs;
    if (!(await this.#create(bootDeadlineAtMs))) return;
    await steps.run("tags", "compare the tags", async () => this.#checkTags());
    await steps.run("boot", `run ${plan.bootProbeCommand} until it succeeds`, () =>
      this.#waitForBoot(bootDeadlineAtMs),
    );
    if (plan.command !== "") {
      await steps.run("command", `run ${plan.command}`, () => this.#runCommand());
    }
    if (!waitBeforeDestroy) return;
    await steps.run("pause", "the instance is left alone until you press Enter", async () => {
      await unlessStopped(waitBeforeDestroy(interrupted), interrupted);
      return "";
    });
  }

  close(): void {
    this.#session?.close();
  }

  /** Those of our set must go first: one could be taken for the one that is made. */
  async #clearExisting(): Promise<string> {
    const { plan, steps, interrupted } = this.#options;
    for (;;) {
      const listed = await this.account.list(interrupted);
      const ours = listed.filter(({ tags }) => tags[plan.setIdTag] === plan.instanceSetId);
      const others = `${listed.length - ours.length} of other sets left alone`;
      if (ours.length === 0) return `none of the set ${plan.instanceSetId}, ${others}`;
      if (!plan.destroyExisting) {
        throw new StepFailure(
          `found existing instances of the set ${plan.instanceSetId}: ${ours.map(idOf).join(", ")}; clean up by hand, ` +
            "use -destroy-existing, or choose another -instance-set-id",
        );
      }
      for (const { instanceId } of ours) {
        steps.note("existing", `destroy ${instanceId}`);
        await this.account.destroy(instanceId, interrupted).catch((error: unknown) => {
          if (error instanceof Interrupted) throw error;
          steps.note("existing", `destroy ${instanceId}: ${reasonOf(error)}`);
        });
      }
      const left = (await this.account.list(interrupted)).some(
        ({ tags }) => tags[plan.setIdTag] === plan.instanceSetId,
      );
      if (left) await this.account.pause(plan.syncIntervalMs, interrupted);
    }
  }

  /** Answers whether there is an instance to go on with. */
  async #create(bootDeadlineAtMs: number): Promise<boolean> {
    const { plan, steps, interrupted, givenUp } = this.#options;
    const { made } = this;
    let refusal: string | undefined;
    made.isUncertain = true;
    const what = `create an instance of type ${plan.type.name}, image ${JSON.stringify(plan.imageId)}`;
    const created = await steps.run("create", what, async () => {
      try {
        // An interrupt does not end the call: its answer is the surest way to what must be destroyed.
        const instance = await this.account.create(givenUp);
        made.isUncertain = false;
        this.#see(instance);
        return instance.instanceId;
      } catch (error) {
        if (error instanceof CloudError && REFUSALS.has(error.failure.code)) {
          refusal = error.failure.code;
          made.isUncertain = false;
        }
        throw error;
      }
    });
    if (interrupted.aborted) throw new Interrupted(String(interrupted.reason));
    if (created) {
      await steps.run("listed", "list again: the instance must be there", () =>
        this.#mustBeListed(),
      );
      return true;
    }
    if (refusal !== undefined) {
      steps.skip("listed", `the cloud refused (${refusal}): there is no instance to look for`);
      return false;
    }
    return steps.run("listed", "look whether the instance appears all the same", () =>
      this.#waitUntilListed(bootDeadlineAtMs),
    );
  }

  async #mustBeListed(): Promise<string> {
    if (await this.#refresh()) return "";
    throw new StepFailure("create succeeded, but the instance is not in the list");
  }

  async #waitUntilListed(deadlineAtMs: number): Promise<string> {
    const { plan, interrupted } = this.#options;
    for (;;) {
      const isThere = await this.#refresh().catch((error: unknown) => this.#noteListFailure(error));
      if (isThere) return `${this.#latest?.instanceId}: create made it, although it failed`;
      const leftMs = deadlineAtMs - this.account.nowMs;
      if (leftMs <= 0) {
        this.made.isUncertain = false;
        throw new StepFailure("no instance appeared within TimeoutBooting");
      }
      await this.account.pause(Math.min(plan.syncIntervalMs, leftMs), interrupted);
    }
  }

  #checkTags(): string {
    const { plan } = this.#options;
    const found = this.#latest?.tags ?? {};
    const wrong = Object.entries(plan.tags)
      .filter(([key, value]) => found[key] !== value)
      .map(([key, value]) => {
        if (found[key] === undefined) return `${key} is missing`;
        if (key === plan.secretTag) return `${key} differs`;
        return `${key} is ${JSON.stringify(found[key])}, expected ${JSON.stringify(value)}`;
      });
    if (wrong.length > 0) throw new StepFailure(wrong.join("; "));
    return `all ${Object.keys(plan.tags).length} are there`;
  }

  async #waitForBoot(deadlineAtMs: number): Promise<string> {
    const { plan, steps, interrupted } = this.#options;
    let last = "";
    for (let probes = 1; ; probes++) {
      const leftMs = deadlineAtMs - this.account.nowMs;
      // A slow create call must not keep the instance from being probed at all.
      const timeoutMs = leftMs > 0 ? Math.min(plan.probeTimeoutMs, leftMs) : plan.probeTimeoutMs;
      const failure = await this.#failureOf(plan.bootProbeCommand, timeoutMs);
      if (failure === undefined) return `booted, ${probes} probes`;
      if (failure !== last) steps.note("boot", failure);
      last = failure;
      const restMs = deadlineAtMs - this.account.nowMs;
      if (restMs <= 0) throw new StepFailure(`not booted within TimeoutBooting: ${failure}`);
      await this.account.pause(Math.min(plan.probeIntervalMs, restMs), interrupted);
      await this.#refresh().catch((error: unknown) => this.#noteListFailure(error));
    }
  }

  async #runCommand(): Promise<string> {
    const { plan, steps } = this.#options;
    const result = await this.#execute(plan.command, plan.commandTimeoutMs);
    for (const stream of ["stdout", "stderr"] as const) {
      const text = result[stream].trimEnd();
      if (text !== "") steps.note("command", `${stream}: ${text.replaceAll("\n", "\n        ")}`);
    }
    if (result.exitCode !== 0) throw new StepFailure(failureOfResult(result));
    return "";
  }

  /** Why a command did not succeed; undefined if it did. */
  async #failureOf(command: string, timeoutMs: number): Promise<string | undefined> {
    try {
      const result = await this.#execute(command, timeoutMs);
      return result.exitCode === 0 ? undefined : failureOfResult(result);
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      return reasonOf(error);
    }
  }

  #execute(command: string, timeoutMs: number): Promise<SshResult> {
    const { openSession, interrupted } = this.#options;
    this.#session ??= openSession(() => this.#latest as Instance);
    const { address = "", remoteUser = "" } = this.#latest ?? {};
    this.#session.setTarget({ address, remoteUser });
    const signal = interrupted;
    return unlessStopped(this.#session.execute({ command, timeoutMs, signal }), interrupted);
  }

  /** Lists, and answers whether our instance is there. */
  async #refresh(): Promise<boolean> {
    const { plan, interrupted } = this.#options;
    const listed = await this.account.list(interrupted);
    const ours = listed.filter(
      ({ instanceId, tags }) =>
        this.made.instanceIds.has(instanceId) || tags[plan.secretTag] === plan.tags[plan.secretTag],
    );
    for (const instance of ours) this.#see(instance);
    return ours.length > 0;
  }

  #see(instance: Instance): void {
    const { steps, plan } = this.#options;
    this.made.instanceIds.set(instance.instanceId, false);
    this.made.isUncertain = false;
    // A driver that made two by mistake: both are destroyed, the first is tested.
    if (this.#latest && this.#latest.instanceId !== instance.instanceId) return;
    this.#latest = instance;
    if (instance.address === this.#shownAddress) return;
    this.#shownAddress = instance.address;
    const { host, port } = resolveTarget(instance.address, plan.sshPort);
    const where = formatTarget({ host, port });
    steps.note(
      "boot",
      `address ${where}; log in with: ssh -p${port} ${instance.remoteUser}@${host}`,
    );
  }

  #noteListFailure(error: unknown): false {
    if (error instanceof Interrupted) throw error;
    this.#options.steps.note("listed", `list failed: ${reasonOf(error)}`);
    return false;
  }
}

function idOf({ instanceId }: Instance): string {
  return instanceId;
}

function failureOfResult({ exitCode, stdout, stderr }: SshResult): string {
  const text = stderr.trim() || stdout.trim();
  return `exit status ${exitCode}${text === "" ? "" : `: ${text}`}`;
}
