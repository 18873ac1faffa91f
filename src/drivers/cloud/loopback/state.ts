import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessIdentity } from "./process-table.ts";

/** What the driver knows of an instance: `instance.json`, written by the driver only. */
export interface InstanceRecord {
  readonly instanceId: string;
  readonly instanceSetId: string;
  readonly providerType: string;
  readonly remoteUser: string;
  /** One authorized_keys line, or null if nobody can log in. */
  readonly authorizedKey: string | null;
  readonly bootDelayMs: number;
  readonly containersDir: string;
  readonly createdAtMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the instance tells of itself: `process.json`, written by the instance only. */
export interface ProcessRecord extends ProcessIdentity {
  /** Null until it has booted. */
  readonly port: number | null;
}

/** All that belongs to an instance stands in one folder, which goes with it. */
export function instancePaths(stateDir: string) {
  return {
    record: join(stateDir, "instance.json"),
    process: join(stateDir, "process.json"),
    hostKey: join(stateDir, "host_key"),
    hostKeyPublic: join(stateDir, "host_key.pub"),
    initScript: join(stateDir, "init.sh"),
    log: join(stateDir, "instance.log"),
    lockDir: join(stateDir, "lock"),
    binDir: join(stateDir, "bin"),
    launcher: join(stateDir, "bin", "crunch-run"),
  };
}

export function writeInstanceRecord(stateDir: string, record: InstanceRecord): void {
  writeJson(instancePaths(stateDir).record, {
    instance_id: record.instanceId,
    instance_set_id: record.instanceSetId,
    provider_type: record.providerType,
    remote_user: record.remoteUser,
    authorized_key: record.authorizedKey,
    boot_delay_ms: record.bootDelayMs,
    containers_dir: record.containersDir,
    created_at_ms: record.createdAtMs,
    tags: record.tags,
  });
}

/** Undefined if there is none or if it is no such record. */
export function readInstanceRecord(stateDir: string): InstanceRecord | undefined {
  const json = readJson(instancePaths(stateDir).record);
  if (!json || typeof json["instance_id"] !== "string") return undefined;
  return {
    instanceId: json["instance_id"],
    instanceSetId: String(json["instance_set_id"]),
    providerType: String(json["provider_type"]),
    remoteUser: String(json["remote_user"]),
    authorizedKey: json["authorized_key"] as string | null,
    bootDelayMs: Number(json["boot_delay_ms"]),
    containersDir: String(json["containers_dir"]),
    createdAtMs: Number(json["created_at_ms"]),
    tags: json["tags"] as Record<string, string>,
  };
}

export function writeProcessRecord(stateDir: string, record: ProcessRecord): void {
  writeJson(instancePaths(stateDir).process, {
    pid: record.pid,
    start_ticks: record.startTicks,
    boot_id: record.bootId,
    port: record.port,
  });
}

export function readProcessRecord(stateDir: string): ProcessRecord | undefined {
  const json = readJson(instancePaths(stateDir).process);
  if (!json || typeof json["pid"] !== "number") return undefined;
  return {
    pid: json["pid"],
    startTicks: String(json["start_ticks"]),
    bootId: String(json["boot_id"]),
    port: json["port"] as number | null,
  };
}

/** Readers see the old content or the new one. Mode 0600, since tags hold the instance's secret. */
function writeJson(path: string, content: unknown): void {
  writeFileSync(`${path}~`, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  renameSync(`${path}~`, path);
}

function readJson(path: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
