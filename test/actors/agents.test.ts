import { PassThrough, type Duplex } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import type { AgentEvent } from "../../src/actors/agent-ports.ts";
import { Agents, type AgentsOptions } from "../../src/actors/agents.ts";
import type { AgentStart } from "../../src/actors/crunch-run-commands.ts";
import { SshError } from "../../src/drivers/ssh/port.ts";
import type { WorkerContext } from "../../src/machines/worker/worker.types.ts";
import { VirtualClock } from "../../src/simulator/virtual-clock.ts";
import { FactSink } from "../support/fact-sink.ts";

const PLACE = { agentSocket: "/a/agent.sock", apiSocket: "/a/api.sock" };
const STARTED: AgentStart = { ok: true, place: PLACE, runnerSum: "sum" };

/** One worker whose agent does what a test says, and what the dispatcher has done with it. */
class Rig {
  readonly clock = new VirtualClock(1_000_000);
  readonly events: AgentEvent[] = [];
  readonly bugs: unknown[] = [];
  readonly startedAtMs: number[] = [];
  readonly inputs: string[] = [];
  /** Streams that wait for a call, the oldest first, with what lets one begin. */
  readonly idle = new Map<Duplex, (isBegun: boolean) => void>();
  readonly served: Duplex[] = [];
  readonly sessions = new Set<string>();
  readonly worker: WorkerContext;
  readonly agents: Agents;
  openedCount = 0;
  isGone = false;
  start: () => AgentStart = () => STARTED;
  open: () => Error | undefined = () => undefined;
  presented: () => string | undefined = () => undefined;

  constructor() {
    const sink = new FactSink();
    const worker = sink.known.get("worker", sink.booting("i-1"));
    if (!worker) throw new Error("no worker");
    this.worker = worker.context;
    const calls: AgentsOptions["calls"] = {
      startAgent: async (_worker, input) => {
        this.startedAtMs.push(this.clock.nowMs() - 1_000_000);
        this.inputs.push(input("sum"));
        return this.start();
      },
      openStream: async (_worker, path) => {
        expect(path).toBe(PLACE.agentSocket);
        const error = this.open();
        if (error) throw error;
        this.openedCount++;
        return new PassThrough();
      },
    };
    this.agents = new Agents({
      calls,
      clock: this.clock,
      startInput: (instanceId, sum) => `input for ${instanceId} ${sum}`,
      present: async (_stream, { session }) => {
        this.sessions.add(session);
        return this.presented();
      },
      begun: (stream) =>
        new Promise((resolve) => {
          this.idle.set(stream, resolve);
          stream.once("close", () => {
            this.idle.delete(stream);
            resolve(false);
          });
        }),
      serve: (stream) => void this.served.push(stream),
      makeSession: () => `session ${this.sessions.size}`,
      worker: () => (this.isGone ? undefined : this.worker),
      onEvent: (instanceId, event) => {
        expect(instanceId).toBe("i-1");
        this.events.push(event);
      },
      broke: (error) => this.bugs.push(error),
    });
  }

  /** Lets time pass, and streams close meanwhile. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs() + ms;
    for (let step = 1; step <= 10; step++) {
      await this.clock.run({ untilMs: untilMs - ms + (ms * step) / 10 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.clock.run({ untilMs });
  }

  /** A runner calls: the oldest idle stream gets it. */
  begin(): Duplex {
    const [first] = this.idle;
    if (!first) throw new Error("no stream is idle");
    this.idle.delete(first[0]);
    first[1](true);
    return first[0];
  }

  loseAll(): void {
    for (const stream of [...this.idle.keys(), ...this.served]) stream.destroy();
  }
}

let rig: Rig;
afterEach(() => {
  rig.agents.stop();
  expect(rig.bugs).toEqual([]);
});

const refused = (): SshError => new SshError("refused", "no stream", { started: false });

describe("the agent of a worker", () => {
  it("is started once, by its secret and the runner's sum, and kept with a few idle streams", async () => {
    rig = new Rig();
    rig.agents.want(rig.worker);
    rig.agents.want(rig.worker);
    await rig.pass(100_000);
    expect(rig.inputs).toEqual(["input for i-1 sum"]);
    expect(rig.idle.size).toBe(4);
    expect(rig.events).toEqual([{ state: "ready" }]);
    expect(await rig.agents.apiSocketOf(rig.worker)).toBe(PLACE.apiSocket);
  });

  it("is looked at by a new stream in the place of the oldest, a minute after the last, and replaced if it hangs", async () => {
    rig = new Rig();
    rig.agents.want(rig.worker);
    await rig.pass(10);
    const [oldest] = rig.idle.keys();
    await rig.pass(60_000);
    expect([rig.openedCount, rig.idle.size, oldest?.destroyed]).toEqual([5, 4, true]);
    await rig.pass(60_000);
    expect([rig.openedCount, rig.idle.size, rig.startedAtMs.length]).toEqual([6, 4, 1]);
    rig.presented = () => "agent: nothing came";
    await rig.pass(60_100);
    rig.presented = () => undefined;
    await rig.pass(2000);
    expect(rig.startedAtMs).toHaveLength(2);
    expect(rig.events.map(({ state }) => state)).toEqual(["ready", "lost", "ready"]);
  });

  it("gets a new stream for each that a call begins on, up to sixteen in all", async () => {
    rig = new Rig();
    rig.agents.want(rig.worker);
    await rig.pass(1000);
    for (let call = 0; call < 3; call++) {
      rig.begin();
      await rig.pass(10);
    }
    expect([rig.served.length, rig.idle.size]).toEqual([3, 4]);
    while (rig.idle.size > 0) {
      rig.begin();
      await rig.pass(10);
    }
    expect([rig.served.length, rig.openedCount]).toEqual([16, 16]);
    rig.served[0]?.destroy();
    await rig.pass(10);
    expect(rig.openedCount).toBe(17);
    expect(rig.startedAtMs).toEqual([0]);
  });

  it("is started again after its death, at once the first time, and in a new session", async () => {
    rig = new Rig();
    rig.agents.want(rig.worker);
    await rig.pass(1000);
    rig.loseAll();
    await rig.pass(200);
    expect([rig.startedAtMs.length, rig.idle.size, rig.sessions.size]).toEqual([2, 4, 2]);
    rig.loseAll();
    await rig.pass(900);
    expect(rig.startedAtMs).toHaveLength(2);
    await rig.pass(200);
    expect([rig.startedAtMs.length, rig.idle.size]).toEqual([3, 4]);
  });

  it("is tried for less and less often while the worker does not answer, up to every 30 s", async () => {
    rig = new Rig();
    rig.start = () => ({ ok: false, answered: false, error: "no route to host" });
    rig.agents.want(rig.worker);
    await rig.pass(130_000);
    expect(rig.startedAtMs).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000, 121_000]);
    expect(rig.events).toEqual([]);
    rig.start = () => STARTED;
    await rig.pass(30_000);
    expect(rig.events).toEqual([{ state: "ready" }]);
  });

  it("is started anew when it does not prove itself", async () => {
    rig = new Rig();
    rig.presented = () => "agent: refused: another secret";
    rig.agents.want(rig.worker);
    await rig.pass(100);
    rig.presented = () => undefined;
    await rig.pass(2000);
    expect(rig.startedAtMs).toHaveLength(2);
    expect(rig.idle.size).toBe(4);
  });

  it("keeps runners on its socket once it was ready, whatever happens then, and tells of a loss once", async () => {
    rig = new Rig();
    rig.agents.want(rig.worker);
    await rig.pass(1000);
    rig.open = refused;
    rig.start = () => ({ ok: false, answered: true, error: "exit status 1" });
    rig.loseAll();
    await rig.pass(300_000);
    expect(rig.events.map(({ state }) => state)).toEqual(["ready", "lost"]);
    expect(await rig.agents.apiSocketOf(rig.worker)).toBe(PLACE.apiSocket);
    rig.open = () => undefined;
    rig.start = () => STARTED;
    await rig.pass(31_000);
    expect(rig.events.map(({ state }) => state)).toEqual(["ready", "lost", "ready"]);
  });

  it("is no way where the server opens no streams to it, which is told once; and one later, if it does", async () => {
    rig = new Rig();
    rig.open = refused;
    const socket = rig.agents.apiSocketOf(rig.worker);
    await rig.pass(5000);
    expect(await socket).toBeUndefined();
    await rig.pass(300_000);
    expect(rig.events).toEqual([{ state: "unusable", error: "no stream" }]);
    rig.open = () => undefined;
    await rig.pass(31_000);
    expect(rig.events.at(-1)).toEqual({ state: "ready" });
    expect(await rig.agents.apiSocketOf(rig.worker)).toBe(PLACE.apiSocket);
  });

  it("is no way where the runner knows none", async () => {
    rig = new Rig();
    const error = "starting the agent: exit status 2: flag provided but not defined: -agent";
    rig.start = () => ({ ok: false, answered: true, error });
    const socket = rig.agents.apiSocketOf(rig.worker);
    await rig.pass(10);
    expect(await socket).toBeUndefined();
    expect(rig.events).toEqual([{ state: "unusable", error }]);
  });

  it("holds a container's start up for ten seconds at most", async () => {
    rig = new Rig();
    rig.start = () => ({ ok: false, answered: false, error: "no route to host" });
    const socket = rig.agents.apiSocketOf(rig.worker);
    let isKnown = false;
    void socket.then(() => (isKnown = true));
    await rig.pass(9900);
    expect(isKnown).toBe(false);
    await rig.pass(200);
    expect(isKnown).toBe(true);
    expect(await socket).toBeUndefined();
  });

  it("is left alone once the worker is gone, also by an answer that comes late", async () => {
    rig = new Rig();
    rig.agents.want(rig.worker);
    await rig.pass(1000);
    rig.isGone = true;
    rig.agents.drop("i-1");
    rig.agents.want(rig.worker);
    await rig.pass(100_000);
    expect([rig.startedAtMs.length, rig.idle.size]).toEqual([1, 0]);
    expect(await rig.agents.apiSocketOf(rig.worker)).toBeUndefined();
  });
});
