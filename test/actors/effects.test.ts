import { Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { Effects } from "../../src/actors/effects.ts";
import { InstanceDirectory } from "../../src/actors/instance-directory.ts";
import { tagNames } from "../../src/actors/instance-tags.ts";
import type { Released } from "../../src/actors/supervisor.ts";
import { CloudError } from "../../src/drivers/cloud/port.ts";
import type { CreateRequest, Instance } from "../../src/drivers/cloud/port.ts";
import { QueueError } from "../../src/drivers/queue/port.ts";
import type { OperationResult } from "../../src/drivers/queue/port.ts";
import { SshError } from "../../src/drivers/ssh/port.ts";
import type { Command } from "../../src/machines/model/command.ts";
import type { Fact } from "../../src/machines/model/fact.ts";
import { FactSink } from "../support/fact-sink.ts";
import { ScriptedSsh } from "../support/scripted-ssh.ts";
import type { Answer } from "../support/scripted-ssh.ts";
import { C1 } from "../support/worker-rig.ts";

const INSTANCE: Instance = {
  instanceId: "i-1",
  providerType: "providertype1",
  address: "10.0.0.1",
  remoteUser: "root",
  tags: {},
};
const never = <T>(): Promise<T> => new Promise(() => {});

/** What a cloud or a queue says to the next call; a promise that never settles is a hang. */
interface Says {
  cloud?: () => Promise<Instance | undefined>;
  queue?: () => Promise<OperationResult>;
  ssh?: () => Answer | Promise<Answer>;
}

function rig(says: Says = {}) {
  const sink = new FactSink();
  const released = new Subject<Released>();
  const ssh = new ScriptedSsh(() => (says.ssh ? says.ssh() : {}));
  const directory = new InstanceDirectory();
  const calls: string[] = [];
  const requests: CreateRequest[] = [];
  const tagsSet: unknown[] = [];
  const signals: AbortSignal[] = [];
  const told: string[] = [];
  const bugs: unknown[] = [];
  const cloud = async (call: string, signal: AbortSignal): Promise<Instance> => {
    calls.push(call);
    signals.push(signal);
    return (await says.cloud?.()) ?? INSTANCE;
  };
  const queue = (call: string, signal: AbortSignal): Promise<OperationResult> => {
    calls.push(call);
    signals.push(signal);
    return says.queue?.() ?? Promise.resolve({ state: "Locked", priority: "1" });
  };
  const effects = new Effects({
    supervisor: {
      submit: (input) => sink.submit(input),
      readModel: sink.readModel,
      released,
      settings: sink.settings,
    },
    clock: sink.clock,
    cloud: {
      create: (request, signal) => {
        requests.push(request);
        return cloud(`create ${request.type.name}`, signal);
      },
      list: () => Promise.resolve([]),
      destroy: async (id, signal) => void (await cloud(`destroy ${id}`, signal)),
      setTags: async (id, tags, signal) => {
        tagsSet.push(tags);
        await cloud(`setTags ${id}`, signal);
      },
      quotaGroup: () => "",
      verifyHostKey: () => Promise.resolve("verified"),
      close: () => Promise.resolve(),
    },
    queue: {
      poll: () => never(),
      tmpMounts: () => never(),
      lock: (id, signal) => queue(`lock ${id}`, signal),
      unlock: (id, signal) => queue(`unlock ${id}`, signal),
      cancel: (id, error, signal) => queue(`cancel ${id} ${error}`, signal),
      last503AtMs: () => null,
    },
    calls: ssh.calls,
    directory,
    tagNames: tagNames("p:"),
    instanceSetId: "set",
    imageId: "image",
    initCommand: "echo site",
    publicKey: "ssh-ed25519 AAAA",
    secretOf: (commandId) => `secret-of-${commandId}`,
    cloudTimeoutMs: 5_000,
    queueTimeoutMs: 3_000,
    clean: (text) => text.replaceAll("hush", "…"),
    observer: {
      commandEnded: (kind, ok) => void told.push(`${kind} ${ok}`),
      commandFailed: ({ kind }, message) => void told.push(`${kind}: ${message}`),
      broke: (error) => void bugs.push(error),
    },
  });
  /** The facts that follow from commands, once they are durable. */
  const carryOut = async (...commands: Command[]): Promise<Fact[]> => {
    sink.facts.length = 0;
    const fact = { type: "lease.acquired", atMs: 0 } as const;
    released.next({ record: { seq: 1, fact, commands, decisions: [] }, changes: [] });
    await sink.advance(10_000);
    return [...sink.facts];
  };
  return {
    sink,
    ssh,
    directory,
    calls,
    requests,
    tagsSet,
    signals,
    told,
    bugs,
    carryOut,
    effects,
    released,
  };
}

const ofWorker = { id: "j1-7-1", workerId: "j1-7-1" };
const ofInstance = { id: "j1-8-1", workerId: "w", instanceId: "i-1" };
const ofContainer = { id: "j1-9-1", containerId: C1 };
const create: Command = { kind: "instance.create", ...ofWorker, instanceType: "type1" };
const destroy: Command = { kind: "instance.destroy", ...ofInstance };
const setTags: Command = {
  kind: "instance.setTags",
  ...ofInstance,
  instanceType: "type2",
  idleBehavior: "hold",
};
const lock: Command = { kind: "container.lock", ...ofContainer };
const unlock: Command = { kind: "container.unlock", ...ofContainer };
const cancel: Command = { kind: "container.cancel", ...ofContainer, error: "why" };

const refused = (): Promise<never> =>
  Promise.reject(new CloudError({ code: "quota", message: "hush: over quota" }));
const hung = (): Promise<never> => never();

describe("instance.create", () => {
  it("asks with tags, image, key and a boot script that carries the secret (specification §7.6)", async () => {
    const { carryOut, requests, directory, told } = rig();
    const about = { commandId: "j1-7-1", workerId: "j1-7-1" };
    expect(await carryOut(create)).toEqual([
      expect.objectContaining({
        type: "create.succeeded",
        ...about,
        instanceId: "i-1",
        address: "10.0.0.1",
      }),
    ]);
    expect(requests).toEqual([
      expect.objectContaining({
        imageId: "image",
        publicKey: "ssh-ed25519 AAAA",
        tags: {
          "p:InstanceSetID": "set",
          "p:InstanceType": "type1",
          "p:IdleBehavior": "run",
          "p:InstanceSecret": "secret-of-j1-7-1",
        },
        initCommand:
          'umask 0177 && echo -n "secret-of-j1-7-1" >/var/run/arvados-instance-secret\necho site',
      }),
    ]);
    expect(directory.get("i-1")).toEqual(INSTANCE);
    expect(told).toEqual(["instance.create true"]);
  });

  it("fails with the cloud's own failure, redacted, without a word in the fact of any secret", async () => {
    const { carryOut, told } = rig({ cloud: refused });
    const [fact] = await carryOut(create);
    expect(fact).toMatchObject({
      type: "create.failed",
      failure: { code: "quota", message: "…: over quota" },
    });
    expect(told).toEqual(["instance.create false", "instance.create: …: over quota"]);
    expect(JSON.stringify(fact)).not.toContain("secret");
  });

  it("that takes too long has an unknown outcome, and is told to stop", async () => {
    const { carryOut, signals } = rig({ cloud: hung });
    const [fact] = await carryOut(create);
    expect(fact).toMatchObject({
      type: "create.failed",
      failure: { code: "timeout", message: "no answer within 5.0s" },
    });
    expect(signals[0]?.aborted).toBe(true);
  });

  it("of a type that is not configured fails without a call", async () => {
    const { carryOut, calls } = rig();
    const [fact] = await carryOut({ ...create, instanceType: "gone" });
    expect([fact, calls]).toEqual([
      expect.objectContaining({
        type: "create.failed",
        failure: { code: "other", message: "no instance type gone" },
      }),
      [],
    ]);
  });
});

describe("instance.destroy and instance.setTags", () => {
  it("tell that the cloud has accepted", async () => {
    const { carryOut, directory, tagsSet } = rig();
    directory.set({ ...INSTANCE, tags: { "p:InstanceSecret": "s", other: "kept" } });
    const about = { commandId: "j1-8-1", workerId: "w" };
    expect(await carryOut(destroy, setTags)).toEqual([
      expect.objectContaining({ type: "destroy.accepted", ...about }),
      expect.objectContaining({ type: "tags.saved", ...about }),
    ]);
    const tags = {
      "p:InstanceSecret": "s",
      other: "kept",
      "p:InstanceType": "type2",
      "p:IdleBehavior": "hold",
    };
    expect([tagsSet, directory.get("i-1")?.tags]).toEqual([[tags], tags]);
  });

  it.each([
    ["a refusal", refused, { code: "quota", message: "…: over quota" }],
    ["a hang", hung, { code: "timeout", message: "no answer within 5.0s" }],
  ])("tell of %s, and do not take the tags for saved", async (_what, cloud, failure) => {
    const { carryOut, directory } = rig({ cloud });
    directory.set(INSTANCE);
    expect(await carryOut(destroy, setTags)).toEqual([
      expect.objectContaining({ type: "destroy.failed", failure }),
      expect.objectContaining({ type: "tags.failed", failure }),
    ]);
    expect(directory.get("i-1")?.tags).toEqual({});
  });
});

describe("container.lock, container.unlock and container.cancel", () => {
  it.each([
    [lock, "lock", `lock ${C1}`],
    [unlock, "unlock", `unlock ${C1}`],
    [cancel, "cancel", `cancel ${C1} why`],
  ])("hand on what the API answered", async (command, operation, call) => {
    const { carryOut, calls, told } = rig();
    expect(await carryOut(command)).toEqual([
      expect.objectContaining({
        type: "operation.succeeded",
        commandId: "j1-9-1",
        containerId: C1,
        operation,
        state: "Locked",
        priority: "1",
      }),
    ]);
    expect([calls, told]).toEqual([[call], [`${command.kind} true`]]);
  });

  it.each([
    [
      "a refusal",
      () => Promise.reject(new QueueError({ code: "refused", message: "cannot lock, hush" })),
      { code: "refused", message: "cannot lock, …" },
    ],
    ["a hang", () => never<never>(), { code: "timeout", message: "no answer within 3.0s" }],
  ])("tell of %s", async (_what, queue, failure) => {
    const { carryOut } = rig({ queue });
    for (const command of [lock, unlock, cancel])
      expect(await carryOut(command)).toEqual([
        expect.objectContaining({ type: "operation.failed", containerId: C1, failure }),
      ]);
  });
});

describe("process.start and process.kill", () => {
  const ofProcess = { instanceId: "i-1", containerId: C1 };
  const started = (workerId: string): Command => ({
    kind: "process.start",
    id: "j1-9-1",
    workerId,
    ...ofProcess,
  });
  const killed = (workerId: string): Command => ({
    kind: "process.kill",
    id: "j1-9-2",
    workerId,
    ...ofProcess,
    signal: 15,
  });
  const lost = (wasStarted: boolean) => () =>
    new SshError("lost", "connection lost", { started: wasStarted });

  it.each([
    ["works", () => ({}), "started", ""],
    [
      "is refused",
      () => ({ exitCode: 1, stderr: "no such file\nat all" }),
      "failed",
      "starting crunch-run: exit status 1: no such file at all",
    ],
    ["gets lost on the way", lost(false), "failed", "connection lost"],
    ["gets lost when it may have run", lost(true), "unknown", "connection lost"],
  ] as const)("a start that %s", async (_what, ssh, outcome, error) => {
    const { sink, carryOut, ssh: scripted } = rig({ ssh });
    const workerId = sink.booting();
    const facts = await carryOut(started(workerId));
    const about = { commandId: "j1-9-1", workerId, containerId: C1 };
    expect(facts).toContainEqual(
      expect.objectContaining({ type: "start.returned", ...about, outcome, error }),
    );
    expect(scripted.texts).toEqual([
      `crunch-run --detach --stdin-config '--runtime-engine=docker' '${C1}'`,
    ]);
  });

  it.each([
    ["finds nothing or ends it", () => ({}), true, ""],
    [
      "does not end it",
      () => ({ exitCode: 1, stderr: "still alive" }),
      false,
      `crunch-run --kill 15 ${C1}: exit status 1: still alive`,
    ],
    ["gets lost", lost(true), false, "connection lost"],
  ] as const)("a kill that %s", async (_what, ssh, gone, error) => {
    const { sink, carryOut, ssh: scripted } = rig({ ssh });
    const workerId = sink.booting();
    const facts = await carryOut(killed(workerId));
    expect(facts).toContainEqual(
      expect.objectContaining({ type: "kill.returned", workerId, containerId: C1, gone, error }),
    );
    expect(scripted.texts).toEqual([`crunch-run --kill 15 ${C1}`]);
  });

  it("on a worker that has gone in the meantime fail without a call", async () => {
    const { carryOut, ssh } = rig();
    expect(await carryOut(started("gone"), killed("gone"))).toEqual([
      expect.objectContaining({ type: "start.returned", outcome: "failed" }),
      expect.objectContaining({ type: "kill.returned", gone: false }),
    ]);
    expect(ssh.commands).toEqual([]);
  });
});

describe("what no driver made", () => {
  it.each([
    ["a cloud", create, { cloud: () => Promise.reject(new TypeError("oops")) }],
    ["a cloud", destroy, { cloud: () => Promise.reject(new TypeError("oops")) }],
    ["a queue", lock, { queue: () => Promise.reject(new TypeError("oops")) }],
  ] as const)("in %s is a bug, not a failure that is tried again", async (_w, command, says) => {
    const { carryOut, bugs, told } = rig(says);
    expect(await carryOut(command)).toEqual([]);
    expect([bugs, told]).toEqual([[new TypeError("oops")], []]);
  });

  it("on the way to a worker is a bug, too", async () => {
    const { sink, carryOut, bugs } = rig({ ssh: () => new TypeError("oops") });
    const workerId = sink.booting();
    const start = { kind: "process.start", ...ofInstance, workerId, containerId: C1 } as const;
    expect(await carryOut(start)).toEqual([]);
    expect(bugs).toEqual([new TypeError("oops")]);
  });

  it("does not keep later commands from being carried out", async () => {
    const errors = [new TypeError("oops")];
    const { carryOut, bugs } = rig({
      queue: () => {
        const error = errors.shift();
        return error ? Promise.reject(error) : Promise.resolve({ state: "Locked", priority: null });
      },
    });
    await carryOut(lock);
    expect(bugs).toHaveLength(1);
    expect(await carryOut(lock)).toEqual([expect.objectContaining({ priority: null })]);
  });
});

describe("many commands at once", () => {
  it("do not wait for those of another kind", async () => {
    const { carryOut, calls } = rig({ cloud: hung });
    const creates = Array.from({ length: 40 }, (_, n) => ({ ...create, id: `j1-7-${n}` }));
    const [fact] = await carryOut(...creates, lock);
    expect(fact?.type).toBe("operation.succeeded");
    // Those that had to wait came in their turn, after the deadline of the first ones.
    expect(calls.filter((call) => call.startsWith("create"))).toHaveLength(40);
  });

  it("are left alone once stopped", async () => {
    const { carryOut, effects, calls } = rig();
    effects.stop();
    expect([await carryOut(lock, create), calls]).toEqual([[], []]);
  });
});
