import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { makeSshExecutor } from "../../src/drivers/ssh/executor.ts";
import { makeKeyPair } from "../../src/drivers/ssh/key-pair.ts";
import type { SshExecutor } from "../../src/drivers/ssh/port.ts";

const SSHD = process.env["SSHD"] ?? "/usr/sbin/sshd";
const PRIVSEP_DIR = "/run/sshd";

/** Why there cannot be a real OpenSSH server here; SSHD names it where it is not in its usual place. */
export const noSshd = whyNot();

function whyNot(): string | undefined {
  if (!existsSync(SSHD)) return `there is no OpenSSH server at ${SSHD}`;
  if (userInfo().uid !== 0) return undefined;
  if (!/^sshd:/m.test(readFileSync("/etc/passwd", "utf8"))) return "sshd needs the user sshd";
  try {
    mkdirSync(PRIVSEP_DIR, { recursive: true, mode: 0o755 });
    return undefined;
  } catch (error) {
    return `sshd needs ${PRIVSEP_DIR}: ${(error as Error).message}`;
  }
}

const closers: (() => void)[] = [];

/** Ends all servers and connections of this file: to be called after each test. */
export function closeSshd(): void {
  for (const close of closers.splice(0).reverse()) close();
}

export interface Sshd {
  readonly address: string;
  readonly clientKey: string;
  readonly hostKey: Buffer;
  connectionsCount(): number;
  /** Ends all connections from the server's side. */
  drop(): void;
}

/** One sshd per connection, as inetd would start it: so the port can be any that is free. */
export async function startSshd(
  config: readonly string[] = [],
  keyType: "ed25519" | "rsa" | "ecdsa" = "ed25519",
): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), "sshd-test-"));
  const bits = { ed25519: undefined, rsa: 2048, ecdsa: 256 }[keyType];
  const host =
    bits === undefined ? makeKeyPair() : ssh2.utils.generateKeyPairSync(keyType as "rsa", { bits });
  const client = makeKeyPair();
  writeFileSync(join(dir, "host_key"), host.private, { mode: 0o600 });
  writeFileSync(join(dir, "authorized_keys"), `${client.public}\n`);
  const lines = [
    `HostKey ${dir}/host_key`,
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    `PidFile none`,
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    ...config,
  ];
  writeFileSync(join(dir, "sshd_config"), `${lines.join("\n")}\n`);
  const servers = new Set<ChildProcess>();
  let connectionsCount = 0;
  const listener: Server = createServer({ pauseOnConnect: true }, (socket) => {
    connectionsCount += 1;
    const server = spawn(SSHD, ["-i", "-e", "-f", join(dir, "sshd_config")], {
      stdio: [socket, socket, "ignore"],
    });
    servers.add(server);
    server.on("exit", () => servers.delete(server));
    socket.destroy();
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const drop = () => {
    for (const server of servers) server.kill("SIGKILL");
  };
  closers.push(() => {
    listener.close();
    drop();
    rmSync(dir, { recursive: true, force: true });
  });
  const parsed = ssh2.utils.parseKey(host.public);
  if (parsed instanceof Error) throw parsed;
  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    clientKey: client.private,
    hostKey: parsed.getPublicSSH(),
    connectionsCount: () => connectionsCount,
    drop,
  };
}

export function executor(sshd: Sshd, seenKeys: Buffer[] = []): SshExecutor {
  const made = makeSshExecutor({
    target: { address: sshd.address, remoteUser: userInfo().username },
    defaultPort: "",
    privateKey: sshd.clientKey,
    verifyHostKey: async (key) => void seenKeys.push(key),
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  });
  closers.push(() => made.close());
  return made;
}
