import type { WorkerContext } from "../machines/worker/worker.types.ts";
import { AgentLink } from "./agent-link.ts";
import type { AgentLinkOptions } from "./agent-link.ts";
import type { AgentEvent, AgentPorts } from "./agent-ports.ts";

export interface AgentsOptions
  extends AgentPorts, Pick<AgentLinkOptions, "calls" | "clock" | "broke"> {
  /** As it is now; undefined once it is gone. */
  readonly worker: (workerId: string) => WorkerContext | undefined;
  readonly onEvent: (instanceId: string, event: AgentEvent) => void;
}

/** A container's start waits so long for the first word of whether the worker's agent can be used. */
const PATIENCE_MS = 10_000;

/** The agents of all workers whose runner answers: through them the runners there reach the queue. */
export class Agents {
  readonly #options: AgentsOptions;
  readonly #links = new Map<string, AgentLink>();
  #isStopped = false;

  constructor(options: AgentsOptions) {
    this.#options = options;
  }

  /** The worker's runner answers; as often as one likes. */
  want({ workerId, instanceId }: WorkerContext): void {
    const { worker, onEvent } = this.#options;
    // An answer may come after the worker's end.
    if (this.#isStopped || this.#links.has(instanceId) || !worker(workerId)) return;
    const link = new AgentLink({
      ...this.#options,
      worker: () => worker(workerId),
      onEvent: (event) => onEvent(instanceId, event),
    });
    this.#links.set(instanceId, link);
  }

  /** The worker is gone. */
  drop(instanceId: string): void {
    this.#links.get(instanceId)?.stop();
    this.#links.delete(instanceId);
  }

  stop(): void {
    this.#isStopped = true;
    for (const instanceId of [...this.#links.keys()]) this.drop(instanceId);
  }

  /** Where runners on the worker call the queue; undefined where the address in their config is all there is. */
  async apiSocketOf(worker: WorkerContext): Promise<string | undefined> {
    this.want(worker);
    return this.#links.get(worker.instanceId)?.apiSocket(PATIENCE_MS);
  }
}
