import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  makeLoopbackInstanceSet,
  type LoopbackOptions,
} from "../../../../src/drivers/cloud/loopback/driver.ts";
import type { Instance, InstanceSet } from "../../../../src/drivers/cloud/port.ts";
import { makeSshExecutor } from "../../../../src/drivers/ssh/executor.ts";
import type { SshExecutor } from "../../../../src/drivers/ssh/port.ts";
import { NEVER, TEST_KEY } from "../../../conformance/cloud.conformance.ts";

/** An instance is a process of its own, which Node 20 cannot start from TypeScript. */
export const INSTANCE_PATH = fileURLToPath(
  new URL("../../../../dist/drivers/cloud/loopback/instance.js", import.meta.url),
);

export function whyNot(): string | undefined {
  if (process.platform !== "linux") return "loopback instances need Linux";
  if (!existsSync(INSTANCE_PATH)) return "the instance process is not built: npm run build";
  return undefined;
}

export function setTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

export interface LoopbackFixture {
  readonly dataDir: string;
  readonly set: InstanceSet;
  /** As the next dispatcher would, over the same folder. */
  reopen(more?: Partial<LoopbackOptions>): InstanceSet;
  executor(instance: Instance, privateKey?: string): SshExecutor;
  close(): Promise<void>;
}

export function openLoopback(more: Partial<LoopbackOptions> = {}): LoopbackFixture {
  const dataDir = mkdtempSync(join(tmpdir(), "loopback-test-"));
  const executors: SshExecutor[] = [];
  const reopen = (others: Partial<LoopbackOptions> = {}) =>
    makeLoopbackInstanceSet({
      dataDir,
      instanceSetId: "set-1",
      crunchRunPath: join(dataDir, "runner.mjs"),
      instancePath: INSTANCE_PATH,
      nowMs: () => performance.now(),
      setTimer,
      destroyGraceMs: 2000,
      ...more,
      ...others,
    });
  const set = reopen();
  return {
    dataDir,
    set,
    reopen,
    executor(instance, privateKey = TEST_KEY.private) {
      const executor = makeSshExecutor({
        target: instance,
        defaultPort: "",
        privateKey,
        setTimer,
        verifyHostKey: async (key, session) => {
          await set.verifyHostKey(instance, key, session);
        },
      });
      executors.push(executor);
      return executor;
    },
    async close() {
      for (const executor of executors) executor.close();
      for (const { instanceId } of await set.list({}, NEVER)) await set.destroy(instanceId, NEVER);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The instance as it is listed once it has an address. */
export async function booted(set: InstanceSet, instanceId: string): Promise<Instance> {
  for (;;) {
    const listed = (await set.list({}, NEVER)).find((one) => one.instanceId === instanceId);
    if (!listed) throw new Error(`${instanceId} is not listed`);
    if (listed.address !== "") return listed;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function stateDir(dataDir: string, instanceId: string): string {
  return join(dataDir, "loopback", instanceId);
}

export function instancePid(dataDir: string, instanceId: string): number {
  const text = readFileSync(join(stateDir(dataDir, instanceId), "process.json"), "utf8");
  return (JSON.parse(text) as { pid: number }).pid;
}

export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
