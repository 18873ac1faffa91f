import type { Duplex } from "node:stream";
import { SshError } from "../drivers/ssh/port.ts";
import type { WorkerContext } from "../machines/worker/worker.types.ts";
import type { AgentEvent, AgentPeer, AgentPorts } from "./agent-ports.ts";
import type { Clock } from "./clock.ts";
import type { AgentPlace } from "./crunch-run-commands.ts";
import type { WorkerCalls } from "./worker-calls.ts";

export interface AgentLinkOptions extends AgentPorts {
  /** As it is now; undefined once it is gone. */
  readonly worker: () => WorkerContext | undefined;
  readonly calls: Pick<WorkerCalls, "startAgent" | "openStream">;
  readonly clock: Clock;
  readonly onEvent: (event: AgentEvent) => void;
  readonly broke: (error: unknown) => void;
}

/** Streams that wait for a call. A new one takes some trips over the line, and a container's start makes three calls. */
const IDLE_COUNT = 4;
const STREAMS_MAX = 16;
/** An agent that hangs keeps its streams, and is found out by one more. */
const RENEWAL_MS = 60_000;
/** After a single loss. */
const FIRST_PAUSE_MS = 100;
const PAUSE_MS = 1_000;
const PAUSE_MAX_MS = 30_000;
/** An agent may die between its start and a stream to it, but hardly so often in a row. */
const REFUSALS_MAX = 3;

/** Keeps an agent alive on one worker, and a few streams open to it, until the worker is gone. */
export class AgentLink {
  readonly #options: AgentLinkOptions;
  readonly #streams = new Set<Duplex>();
  /** Those that wait for a call, the oldest first. */
  readonly #idle = new Set<Duplex>();
  #isRenewalDue = false;
  #agent: { readonly place: AgentPlace; readonly runnerSum: string } | undefined;
  /** What is ready stays so while it is lost: there is nothing that a runner could do better than to wait for it. */
  #state: "unsettled" | "ready" | "unusable" = "unsettled";
  #isLost = false;
  #mustStart = true;
  #hasLostIdle = false;
  #lostAtMs = -Infinity;
  #refusalsCount = 0;
  #session = "";
  #isStopped = false;
  #wake = (): void => {};
  readonly #whenSettled: (() => void)[] = [];

  constructor(options: AgentLinkOptions) {
    this.#options = options;
    this.#run().catch((error: unknown) => options.broke(error));
  }

  /** Where runners there call the queue; undefined where they cannot by the agent, or where that is not known in time. */
  async apiSocket(patienceMs: number): Promise<string | undefined> {
    if (this.#state === "unsettled" && !this.#isStopped)
      await new Promise<void>((resolve) => {
        const cancel = this.#options.clock.setTimer(patienceMs, resolve);
        this.#whenSettled.push(() => {
          cancel();
          resolve();
        });
      });
    return this.#state === "unusable" ? undefined : this.#agent?.place.apiSocket;
  }

  stop(): void {
    this.#isStopped = true;
    for (const stream of this.#streams) stream.destroy();
    this.#tellSettled();
    this.#wake();
  }

  async #run(): Promise<void> {
    let pauseMs = PAUSE_MS;
    for (;;) {
      const worker = this.#options.worker();
      if (this.#isStopped || !worker) return;
      const error = await this.#fill(worker);
      if (error === undefined) {
        pauseMs = PAUSE_MS;
        await this.#untilShort();
        continue;
      }
      if (!this.#isLost && this.#state === "ready") this.#options.onEvent({ state: "lost", error });
      this.#isLost = true;
      await this.#pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
    }
  }

  /** Opens as many streams as are missing. Returns what kept it from that. */
  async #fill(worker: WorkerContext): Promise<string | undefined> {
    const { calls, startInput } = this.#options;
    const { instanceId } = worker;
    if (this.#mustStart || !this.#agent) {
      const started = await calls.startAgent(worker, (sum) => startInput(instanceId, sum));
      if (!started.ok) {
        if (started.answered) this.#becomeUnusable(started.error);
        return started.error;
      }
      this.#agent = started;
      this.#mustStart = false;
    }
    const { place, runnerSum } = this.#agent;
    // A new session ends the idle streams of the one before: those of a connection that is dead look alive to the agent.
    if (this.#streams.size === 0) this.#session = this.#options.makeSession();
    const peer = { instanceId, runnerSum, session: this.#session };
    const opened = Array.from({ length: this.#missingCount() }, () =>
      this.#open(worker, place.agentSocket, peer),
    );
    const errors = (await Promise.all(opened)).filter((error) => error !== undefined);
    // One that came about shows that the others will.
    return errors.length === opened.length ? errors[0] : undefined;
  }

  async #open(worker: WorkerContext, path: string, peer: AgentPeer): Promise<string | undefined> {
    const { calls, present } = this.#options;
    let stream: Duplex;
    if (this.#isStopped) return "stopped";
    try {
      stream = await calls.openStream(worker, path);
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      if (error.code === "refused") this.#noteRefusal(error.message);
      return error.message;
    }
    // What goes wrong ends in a close.
    stream.on("error", () => {});
    this.#streams.add(stream);
    stream.once("close", () => {
      this.#streams.delete(stream);
      this.#wake();
    });
    const error = this.#isStopped ? "stopped" : await present(stream, peer);
    if (error !== undefined || this.#isStopped) {
      this.#mustStart = true;
      stream.destroy();
      return error ?? "stopped";
    }
    this.#becomeReady();
    this.#idle.add(stream);
    if (this.#isRenewalDue) this.#retireOldest();
    this.#follow(stream, peer.instanceId).catch((cause: unknown) => this.#options.broke(cause));
    return undefined;
  }

  async #follow(stream: Duplex, instanceId: string): Promise<void> {
    const isBegun = await this.#options.begun(stream);
    const isRetired = !this.#idle.delete(stream);
    if (isBegun && !this.#isStopped) {
      this.#options.serve(stream, instanceId);
    } else {
      this.#hasLostIdle ||= !isRetired;
      stream.destroy();
    }
    this.#wake();
  }

  /** The same answer is given where no agent listens and where the server lets nobody open streams. */
  #noteRefusal(error: string): void {
    this.#mustStart = true;
    // Streams opened at once are refused together.
    if (this.#idle.size === 0 && this.#state !== "ready") this.#refusalsCount++;
    if (this.#refusalsCount >= REFUSALS_MAX * IDLE_COUNT) this.#becomeUnusable(error);
  }

  #becomeReady(): void {
    this.#refusalsCount = 0;
    if (this.#state !== "ready" || this.#isLost) this.#options.onEvent({ state: "ready" });
    this.#state = "ready";
    this.#isLost = false;
    this.#tellSettled();
  }

  #becomeUnusable(error: string): void {
    if (this.#state !== "unsettled") return;
    this.#state = "unusable";
    this.#options.onEvent({ state: "unusable", error });
    this.#tellSettled();
  }

  #tellSettled(): void {
    for (const tell of this.#whenSettled.splice(0)) tell();
  }

  /** A new stream shows that the agent still answers; the one that it replaces would have gone on looking well. */
  #retireOldest(): void {
    this.#isRenewalDue = false;
    const [oldest] = this.#idle;
    if (!oldest || this.#idle.size <= IDLE_COUNT) return;
    this.#idle.delete(oldest);
    oldest.destroy();
  }

  #missingCount(): number {
    const wantedCount = IDLE_COUNT + (this.#isRenewalDue ? 1 : 0);
    return Math.min(wantedCount - this.#idle.size, STREAMS_MAX - this.#streams.size);
  }

  /** Until a stream is missing, or due to be renewed, or it is stopped. */
  async #untilShort(): Promise<void> {
    const cancel = this.#options.clock.setTimer(RENEWAL_MS, () => {
      this.#isRenewalDue = true;
      this.#wake();
    });
    while (!this.#isStopped && this.#missingCount() <= 0)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    cancel();
    if (!this.#hasLostIdle || this.#isStopped) return;
    // The agent has died, or takes another dispatcher for us. What happens again and again is not followed as fast as the line allows.
    const { clock } = this.#options;
    const sinceMs = clock.nowMs() - this.#lostAtMs;
    await this.#pause(sinceMs < PAUSE_MAX_MS ? PAUSE_MS : FIRST_PAUSE_MS);
    this.#lostAtMs = clock.nowMs();
    this.#hasLostIdle = false;
    this.#mustStart = true;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.setTimer(delayMs, resolve);
      if (this.#isStopped) resolve();
      this.#wake = () => {
        if (!this.#isStopped) return;
        cancel();
        resolve();
      };
    });
  }
}
