import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeStaticInstanceSet } from "../../../../src/drivers/cloud/static/driver.ts";
import { fingerprintOf } from "../../../../src/drivers/cloud/static/host-key.ts";
import type { CloudDriverContext, InstanceSet } from "../../../../src/drivers/cloud/port.ts";
import { SshError } from "../../../../src/drivers/ssh/port.ts";
import type { SshCommand, SshResult } from "../../../../src/drivers/ssh/port.ts";

export const HOST_KEY = Buffer.from("a host key as the wire has it");

/** What stands for a machine: a folder, in which the real script runs. */
export interface FakeHost {
  readonly dir: string;
  readonly locks: string;
  reachable: boolean;
  machineId: string;
  key: Buffer;
}

/** Hosts `box1`, `box2` … of type `small`, and dispatchers that share them. */
export class Lab {
  readonly dir = mkdtempSync(join(tmpdir(), "static-test-"));
  readonly hosts = new Map<string, FakeHost>();
  readonly commands: string[] = [];

  constructor(count: number) {
    for (let at = 1; at <= count; at++) {
      const dir = join(this.dir, `box${at}`);
      const locks = join(dir, "locks");
      mkdirSync(locks, { recursive: true });
      const machineId = `machine${at}`;
      this.hosts.set(`box${at}`, { dir, locks, machineId, reachable: true, key: HOST_KEY });
    }
  }

  host(name: string): FakeHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  /** Another `dataDir` is another dispatcher, or one that has forgotten. */
  open(instanceSetId = "set-1", dataDir = "data"): InstanceSet {
    const hosts = [...this.hosts.keys()].map((name) => [
      name,
      { address: name, user: "root", instanceType: "small", hostKey: fingerprintOf(HOST_KEY) },
    ]);
    return makeStaticInstanceSet({
      dataDir: join(this.dir, dataDir),
      instanceSetId,
      nowMs: () => 0,
      setTimer: () => () => {},
      openSsh: this.#openSsh,
      hosts: Object.fromEntries(hosts),
      claimDirectory: "@HOST@/claim",
      lockDirectory: "@HOST@/locks",
    });
  }

  readonly #openSsh: CloudDriverContext["openSsh"] = ({ address }, verify) => {
    const host = this.host(address);
    return {
      setTarget() {},
      close() {},
      execute: async (command) => {
        if (!host.reachable) throw new SshError("network", "no route to host", { started: false });
        await verify(host.key, { execute: () => Promise.reject(new Error("not asked")) });
        this.commands.push(`${address} ${command.command}`);
        return runIn(host, command);
      },
    };
  };

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function runIn(host: FakeHost, { command, stdin = "" }: SshCommand): Promise<SshResult> {
  const child = spawn("sh", ["-c", command.replaceAll("@HOST@", host.dir)], {
    env: {
      PATH: `${join(host.dir, "bin")}:${process.env["PATH"]}`,
      HOME: host.dir,
      CRUNCH_RUN_DATA_DIR: join(host.dir, "data"),
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const told = stdout.replace(/^machine .*$/m, `machine ${host.machineId}`);
      resolve({ exitCode: code ?? 255, stdout: told, stderr });
    });
  });
}
