import { from, mergeMap, Subject } from "rxjs";
import type { Subscription } from "rxjs";
import { CloudError } from "../drivers/cloud/port.ts";
import type { InstanceSet } from "../drivers/cloud/port.ts";
import { QueueError } from "../drivers/queue/port.ts";
import type { OperationResult, Queue } from "../drivers/queue/port.ts";
import type { Command, CommandKind } from "../machines/model/command.ts";
import type { FactInput, Failure } from "../machines/model/fact.ts";
import type { Clock } from "./clock.ts";
import { FairLane } from "./fair-lane.ts";
import { DeadlineError, withDeadline } from "./deadline.ts";
import { initCommand } from "./instance-tags.ts";
import type { TagNames } from "./instance-tags.ts";
import type { InstanceDirectory } from "./instance-directory.ts";
import type { Supervisor } from "./supervisor.ts";
import type { WorkerCalls } from "./worker-calls.ts";

type CommandOf<K extends CommandKind> = Extract<Command, { kind: K }>;

export interface EffectsOptions {
  readonly supervisor: Pick<Supervisor, "submit" | "readModel" | "released" | "settings">;
  readonly clock: Clock;
  readonly cloud: InstanceSet;
  readonly queue: Queue;
  readonly calls: WorkerCalls;
  readonly directory: InstanceDirectory;
  readonly tagNames: TagNames;
  readonly instanceSetId: string;
  readonly imageId: string;
  readonly initCommand: string;
  readonly publicKey: string | null;
  /** The instance secret of a create command: nothing random, nothing secret in the core (docs/design.md: ids). */
  readonly secretOf: (commandId: string) => string;
  readonly cloudTimeoutMs: number;
  readonly queueTimeoutMs: number;
  readonly clean: (text: string) => string;
  readonly observer: {
    commandEnded(kind: CommandKind, ok: boolean): void;
    commandFailed(command: Command, message: string): void;
    broke(error: unknown): void;
  };
}

/** Calls in flight at once, by what they use. */
const CLOUD_CALLS_MAX = 32;
const SSH_CALLS_MAX = 200;
/** Of one worker: more than it has channels for, and few enough that a worker whose commands hang slows no other. */
const SSH_CALLS_OF_ONE_MAX = 8;
const QUEUE_CALLS_MAX = 16;

/** Carries out commands that are durable, and turns each outcome into a fact. */
export class Effects {
  readonly #options: EffectsOptions;
  readonly #cloud = new Subject<Command>();
  readonly #ssh: FairLane<Command>;
  readonly #queue = new Subject<Command>();
  readonly #subscriptions: Subscription[];

  constructor(options: EffectsOptions) {
    this.#options = options;
    const flow = (commands: Subject<Command>, atOnceMax: number): Subscription =>
      commands.pipe(mergeMap((command) => from(this.#carryOut(command)), atOnceMax)).subscribe();
    this.#ssh = new FairLane({
      atOnceMax: SSH_CALLS_MAX,
      ofOneMax: SSH_CALLS_OF_ONE_MAX,
      ownerOf: (command) => ("workerId" in command ? command.workerId : ""),
      run: (command) => this.#carryOut(command),
    });
    this.#subscriptions = [
      flow(this.#cloud, CLOUD_CALLS_MAX),
      flow(this.#queue, QUEUE_CALLS_MAX),
      options.supervisor.released.subscribe(({ record }) => {
        for (const command of record.commands) this.#begin(command);
      }),
    ];
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#ssh.stop();
  }

  #begin(command: Command): void {
    const { kind } = command;
    if (kind.startsWith("process.")) this.#ssh.add(command);
    else if (kind.startsWith("instance.")) this.#cloud.next(command);
    else this.#queue.next(command);
  }

  async #carryOut(command: Command): Promise<void> {
    const { observer, supervisor } = this.#options;
    try {
      const fact = await this.#outcome(command);
      observer.commandEnded(command.kind, !isFailure(fact));
      const message = failureText(fact);
      if (message !== undefined) observer.commandFailed(command, message);
      await supervisor.submit(fact);
    } catch (error) {
      // Drivers throw what their ports name; anything else is a bug of ours, and must not become a quiet retry.
      observer.broke(error);
    }
  }

  #outcome(command: Command): Promise<FactInput> {
    switch (command.kind) {
      case "instance.create":
        return this.#create(command);
      case "instance.destroy":
        return this.#destroy(command);
      case "instance.setTags":
        return this.#setTags(command);
      case "process.start":
        return this.#start(command);
      case "process.kill":
        return this.#kill(command);
      case "container.lock":
      case "container.unlock":
      case "container.cancel":
        return this.#operate(command);
      default:
        return command satisfies never;
    }
  }

  async #create(command: CommandOf<"instance.create">): Promise<FactInput> {
    const { id: commandId, workerId, instanceType } = command;
    const { cloud, directory, tagNames, secretOf, imageId, publicKey } = this.#options;
    const type = this.#options.supervisor.settings.instanceTypes[instanceType];
    if (!type)
      return {
        type: "create.failed",
        commandId,
        workerId,
        failure: other(`no instance type ${instanceType}`),
      };
    const secret = secretOf(commandId);
    const tags = {
      [tagNames.instanceSetId]: this.#options.instanceSetId,
      [tagNames.instanceType]: instanceType,
      [tagNames.idleBehavior]: "run",
      [tagNames.instanceSecret]: secret,
    };
    const request = {
      type,
      imageId,
      tags,
      publicKey,
      initCommand: initCommand(secret, this.#options.initCommand),
    };
    const result = await this.#callCloud((signal) => cloud.create(request, signal));
    if ("failure" in result)
      return { type: "create.failed", commandId, workerId, failure: result.failure };
    const instance = result.value;
    directory.set(instance);
    const { instanceId, address } = instance;
    return { type: "create.succeeded", commandId, workerId, instanceId, address };
  }

  async #destroy(command: CommandOf<"instance.destroy">): Promise<FactInput> {
    const { id: commandId, workerId, instanceId } = command;
    const result = await this.#callCloud((signal) =>
      this.#options.cloud.destroy(instanceId, signal),
    );
    if ("failure" in result)
      return { type: "destroy.failed", commandId, workerId, failure: result.failure };
    return { type: "destroy.accepted", commandId, workerId };
  }

  async #setTags(command: CommandOf<"instance.setTags">): Promise<FactInput> {
    const { id: commandId, workerId, instanceId, instanceType, idleBehavior } = command;
    const { cloud, directory, tagNames } = this.#options;
    const tags = {
      ...directory.get(instanceId)?.tags,
      [tagNames.instanceType]: instanceType,
      [tagNames.idleBehavior]: idleBehavior,
    };
    const result = await this.#callCloud((signal) => cloud.setTags(instanceId, tags, signal));
    if ("failure" in result)
      return { type: "tags.failed", commandId, workerId, failure: result.failure };
    directory.setTags(instanceId, tags);
    return { type: "tags.saved", commandId, workerId };
  }

  async #start(command: CommandOf<"process.start">): Promise<FactInput> {
    const { id: commandId, workerId, containerId } = command;
    const worker = this.#options.supervisor.readModel.get("worker", workerId);
    const answer = worker
      ? await this.#options.calls.start(worker.context, containerId)
      : { outcome: "failed" as const, error: "the worker is gone" };
    return { type: "start.returned", commandId, workerId, containerId, ...answer };
  }

  async #kill(command: CommandOf<"process.kill">): Promise<FactInput> {
    const { id: commandId, workerId, containerId, signal } = command;
    const worker = this.#options.supervisor.readModel.get("worker", workerId);
    const answer = worker
      ? await this.#options.calls.kill(worker.context, containerId, signal)
      : { gone: false, error: "the worker is gone" };
    return { type: "kill.returned", commandId, workerId, containerId, ...answer };
  }

  async #operate(
    command: CommandOf<"container.lock" | "container.unlock" | "container.cancel">,
  ): Promise<FactInput> {
    const { id: commandId, containerId, kind } = command;
    const { queue, clock, queueTimeoutMs } = this.#options;
    const operation = kind.slice("container.".length) as "lock" | "unlock" | "cancel";
    const call = (signal: AbortSignal): Promise<OperationResult> =>
      command.kind === "container.cancel"
        ? queue.cancel(containerId, command.error, signal)
        : queue[operation as "lock" | "unlock"](containerId, signal);
    try {
      const { state, priority } = await withDeadline(clock, queueTimeoutMs, call);
      return { type: "operation.succeeded", commandId, containerId, operation, state, priority };
    } catch (error) {
      const failure = this.#clean(failureOf(error));
      return { type: "operation.failed", commandId, containerId, operation, failure };
    }
  }

  async #callCloud<T>(
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ value: T } | { failure: Failure }> {
    try {
      return { value: await withDeadline(this.#options.clock, this.#options.cloudTimeoutMs, call) };
    } catch (error) {
      return { failure: this.#clean(failureOf(error)) };
    }
  }

  #clean(failure: Failure): Failure {
    return { ...failure, message: this.#options.clean(failure.message) };
  }
}

/** Rethrows what no driver made. */
function failureOf(error: unknown): Failure {
  if (error instanceof CloudError || error instanceof QueueError) return error.failure;
  if (error instanceof DeadlineError) return { code: "timeout", message: error.message };
  throw error;
}

function other(message: string): Failure {
  return { code: "other", message };
}

function isFailure(fact: FactInput): boolean {
  return failureText(fact) !== undefined;
}

function failureText(fact: FactInput): string | undefined {
  if ("failure" in fact) return fact.failure.message;
  if (fact.type === "start.returned" && fact.outcome !== "started") return fact.error;
  if (fact.type === "kill.returned" && !fact.gone) return fact.error;
  return undefined;
}
