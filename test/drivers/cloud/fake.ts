import { CloudError, type Instance, type InstanceSet } from "../../../src/drivers/cloud/port.ts";
import { createRequest, NEVER } from "../../conformance/cloud.conformance.ts";

export interface FakeCloud {
  readonly set: InstanceSet;
  /** The methods called, with their arguments but the signal. */
  readonly calls: (readonly [string, ...unknown[]])[];
  /** The next call throws. */
  failNext(): void;
}

/** Records what reaches the driver. A class, as a driver with a vendor's client may well be. */
export function makeFakeCloud(instances: readonly Instance[] = []): FakeCloud {
  const calls: [string, ...unknown[]][] = [];
  let isFailing = false;
  function record(name: string, ...args: unknown[]): void {
    calls.push([name, ...args]);
    if (!isFailing) return;
    isFailing = false;
    throw new CloudError({ code: "other", message: "it went wrong" });
  }
  class Fake implements InstanceSet {
    readonly instances = instances;
    async create(request: Parameters<InstanceSet["create"]>[0]): Promise<Instance> {
      record("create", request);
      return makeInstance("i-new", request.tags);
    }
    async list(tags: Instance["tags"]): Promise<readonly Instance[]> {
      record("list", tags);
      return this.instances;
    }
    async destroy(instanceId: string): Promise<void> {
      record("destroy", instanceId);
    }
    async setTags(instanceId: string, tags: Instance["tags"]): Promise<void> {
      record("setTags", instanceId, tags);
    }
    quotaGroup(): string {
      record("quotaGroup");
      return "group";
    }
    async verifyHostKey(): Promise<"unsupported"> {
      record("verifyHostKey");
      return "unsupported";
    }
    async close(): Promise<void> {
      record("close");
    }
  }
  return { set: new Fake(), calls, failNext: () => (isFailing = true) };
}

export function makeInstance(instanceId: string, tags: Instance["tags"]): Instance {
  return { instanceId, providerType: "t", address: "", remoteUser: "u", tags };
}

/** The four calls that go to the cloud, by the name that the scenarios have for them. */
export function callCloud(
  set: InstanceSet,
  name: string,
  signal: AbortSignal = NEVER,
): Promise<unknown> {
  switch (name) {
    case "Create":
      return set.create(createRequest(), signal);
    case "List":
    case "Instances":
      return set.list({}, signal);
    case "Destroy":
      return set.destroy("i-1", signal);
    case "SetTags":
      return set.setTags("i-1", {}, signal);
    default:
      throw new Error(`no such call: ${name}`);
  }
}

/** Time that passes when the test says so. */
export function makeFakeClock() {
  const timers = new Map<() => void, number>();
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    setTimer(delayMs: number, callback: () => void): () => void {
      timers.set(callback, nowMs + delayMs);
      return () => timers.delete(callback);
    },
    timersCount: () => timers.size,
    /** Fires what is due on the way, in order, and lets promises settle after each. */
    async advanceTo(targetMs: number): Promise<void> {
      for (;;) {
        const [next] = [...timers].sort(([, left], [, right]) => left - right);
        if (!next || next[1] > targetMs) break;
        timers.delete(next[0]);
        nowMs = Math.max(nowMs, next[1]);
        next[0]();
        await new Promise((resolve) => setImmediate(resolve));
      }
      nowMs = targetMs;
    },
  };
}
