import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { asCloudErrors } from "../cloud-errors.ts";
import { CloudError } from "../port.ts";
import type { CloudDriverContext, CreateRequest, Instance, InstanceSet } from "../port.ts";
import { notFoundError, quotaError } from "./loopback.errors.ts";
import { launchInstance } from "./launch.ts";
import { parsePublic } from "./instance-server.ts";
import { isAlive } from "./process-table.ts";
import { CRUNCH_RUN_PATH, INSTANCE_PATH } from "./programs.ts";
import { reap } from "./reaper.ts";
import {
  instancePaths,
  readInstanceRecord,
  readProcessRecord,
  writeInstanceRecord,
  type InstanceRecord,
} from "./state.ts";

/** Instances live in `loopback/` below the data directory, what containers leave in `containers/`. */
export interface LoopbackOptions extends Omit<CloudDriverContext, "openSsh"> {
  readonly crunchRunPath?: string;
  readonly instancePath?: string;
  readonly instancesMax?: number;
  /** From the start of an instance until it runs its init command and answers by SSH. */
  readonly bootDelayMs?: number;
  /** What a destroyed instance's runners have to end and report, before they are killed. */
  readonly destroyGraceMs?: number;
}

const DESTROY_GRACE_MS = 5000;
const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const ID_PATTERN = /^loopback-[0-9a-f]{12}$/;

/**
 * Instances are processes on this machine (specification §9.5), with all their state on disk, so that the next dispatcher finds
 * them. Throws on anything but Linux.
 */
export function makeLoopbackInstanceSet(options: LoopbackOptions): InstanceSet {
  if (process.platform !== "linux") {
    throw new Error(`the loopback driver needs Linux (/proc); this is ${process.platform}`);
  }
  mkdirSync(join(options.dataDir, "loopback"), { recursive: true, mode: 0o700 });
  mkdirSync(join(options.dataDir, "containers"), { recursive: true });
  // /proc shows real paths, and processes are found by them.
  const root = realpathSync(join(options.dataDir, "loopback"));
  const containersDir = realpathSync(join(options.dataDir, "containers"));
  const instancesMax = options.instancesMax ?? 1;
  const creating = new Set<string>();
  const removals = new Map<string, Promise<void>>();

  function stateDirOf(instanceId: string): string {
    return join(root, instanceId);
  }

  /** The instances of this set, and the folders of those that have ended without being destroyed. */
  function readFolders(): { present: InstanceRecord[]; leftovers: string[] } {
    const present: InstanceRecord[] = [];
    const leftovers: string[] = [];
    for (const instanceId of readdirSync(root).filter((name) => ID_PATTERN.test(name))) {
      if (creating.has(instanceId)) continue;
      const record = readInstanceRecord(stateDirOf(instanceId));
      if (record && record.instanceSetId !== options.instanceSetId) continue;
      const running = readProcessRecord(stateDirOf(instanceId));
      const isPresent = removals.has(instanceId) || (running && isAlive(running));
      if (!isPresent) leftovers.push(instanceId);
      else if (record) present.push(record);
    }
    return { present, leftovers };
  }

  /** Leaves out what has ended, but only when its runners have ended too: until then containers may run there. */
  async function list(): Promise<readonly Instance[]> {
    const { present, leftovers } = readFolders();
    await Promise.all(leftovers.map((instanceId) => remove(instanceId, 0)));
    return present.map(toInstance);
  }

  /** Shared by all who ask for it at once. */
  function remove(instanceId: string, graceMs: number, signal?: AbortSignal): Promise<void> {
    const stateDir = stateDirOf(instanceId);
    const { nowMs, setTimer } = options;
    const removing =
      removals.get(instanceId) ??
      reap({ stateDir, graceMs, nowMs, setTimer, ...(signal && { signal }) })
        .then(() => rm(stateDir, { recursive: true, force: true }))
        .finally(() => removals.delete(instanceId));
    removals.set(instanceId, removing);
    return removing;
  }

  function toInstance(record: InstanceRecord): Instance {
    const port = readProcessRecord(stateDirOf(record.instanceId))?.port ?? null;
    return {
      instanceId: record.instanceId,
      providerType: record.providerType,
      address: port === null ? "" : `127.0.0.1:${port}`,
      remoteUser: record.remoteUser,
      tags: record.tags,
    };
  }

  async function create(request: CreateRequest, signal: AbortSignal): Promise<Instance> {
    const publicKey = request.publicKey === null ? null : checkPublicKey(request.publicKey);
    const instanceId = `loopback-${randomBytes(6).toString("hex")}`;
    // Nothing is awaited between counting and being counted: two creates at once see each other.
    const presentCount = readFolders().present.length + creating.size;
    if (presentCount >= instancesMax) throw quotaError(instancesMax);
    creating.add(instanceId);
    try {
      const record: InstanceRecord = {
        instanceId,
        instanceSetId: options.instanceSetId,
        providerType: request.type.providerType,
        remoteUser: userInfo().username,
        authorizedKey: publicKey,
        bootDelayMs: options.bootDelayMs ?? 0,
        containersDir,
        createdAtMs: options.nowMs(),
        tags: { ...request.tags },
      };
      await launchInstance({
        stateDir: stateDirOf(instanceId),
        record,
        initCommand: request.initCommand,
        crunchRunPath: options.crunchRunPath ?? CRUNCH_RUN_PATH,
        instancePath: options.instancePath ?? INSTANCE_PATH,
        searchPath: options.searchPath ?? SEARCH_PATH,
        setTimer: options.setTimer,
        signal,
      });
      return toInstance(record);
    } catch (error) {
      await remove(instanceId, 0);
      throw error;
    } finally {
      creating.delete(instanceId);
    }
  }

  return {
    create: (request, signal) => asCloudErrors(signal, () => create(request, signal)),
    list: (_tags, signal) => asCloudErrors(signal, list),
    destroy: (instanceId, signal) =>
      asCloudErrors(signal, async () => {
        if (!ID_PATTERN.test(instanceId)) return;
        await remove(instanceId, options.destroyGraceMs ?? DESTROY_GRACE_MS, signal);
      }),
    setTags: (instanceId, tags, signal) =>
      asCloudErrors(signal, async () => {
        const isThere = ID_PATTERN.test(instanceId) && !removals.has(instanceId);
        const record = isThere ? readInstanceRecord(stateDirOf(instanceId)) : undefined;
        if (!record) throw notFoundError(instanceId);
        const merged = { ...record.tags, ...tags };
        writeInstanceRecord(stateDirOf(instanceId), { ...record, tags: merged });
      }),
    quotaGroup: () => "",
    async verifyHostKey(instance, key) {
      if (!key.equals(readHostKey(instance.instanceId))) {
        throw new CloudError({ code: "refused", message: "host key mismatch" });
      }
      return "verified";
    },
    async close() {},
  };

  function readHostKey(instanceId: string): Buffer {
    try {
      const path = instancePaths(stateDirOf(instanceId)).hostKeyPublic;
      return parsePublic(readFileSync(path, "utf8")).getPublicSSH();
    } catch (cause) {
      throw notFoundError(instanceId, cause);
    }
  }
}

function checkPublicKey(publicKey: string): string {
  parsePublic(publicKey);
  return publicKey;
}
