import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, describe, expect, it } from "vitest";
import { makeSshExecutor } from "../../src/drivers/ssh/executor.ts";
import { makeKeyPair } from "../../src/drivers/ssh/key-pair.ts";
import { SshError, type SshExecutor } from "../../src/drivers/ssh/port.ts";

const SSHD = process.env["SSHD"] ?? "/usr/sbin/sshd";
const PRIVSEP_DIR = "/run/sshd";

const reason = whyNot();

/** Needs a real OpenSSH server; SSHD names it where it is not in its usual place. */
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
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

interface Sshd {
  readonly address: string;
  readonly clientKey: string;
  readonly hostKey: Buffer;
  connectionsCount(): number;
  /** Ends all connections from the server's side. */
  drop(): void;
}

/** One sshd per connection, as inetd would start it: so the port can be any that is free. */
async function startSshd(
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

function executor(sshd: Sshd, seenKeys: Buffer[] = []): SshExecutor {
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

function run(ssh: SshExecutor, command: string, timeoutMs = 30_000) {
  return ssh.execute({ command, timeoutMs });
}

async function failureOf(promise: Promise<unknown>): Promise<SshError> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(SshError);
  return error as SshError;
}

describe.skipIf(reason)(`a real OpenSSH server${reason ? `: ${reason}` : ""}`, () => {
  it.each(["ed25519", "rsa", "ecdsa"] as const)("may have a host key of type %s", async (type) => {
    const sshd = await startSshd([], type);
    const seen: Buffer[] = [];
    expect((await run(executor(sshd, seen), "true")).exitCode).toBe(0);
    expect(seen).toEqual([sshd.hostKey]);
  });

  it("runs commands with stdin, both outputs and an exit code", async () => {
    const ssh = executor(await startSshd());
    const command = { command: "cat; echo oops >&2; exit 7", stdin: "hello\n", timeoutMs: 30_000 };
    expect(await ssh.execute(command)).toEqual({
      exitCode: 7,
      stdout: "hello\n",
      stderr: "oops\n",
    });
  });

  it("never refuses a channel at five at once, by its default limits", async () => {
    const sshd = await startSshd();
    const ssh = executor(sshd);
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) => run(ssh, `echo ${index}`)),
    );
    expect(results.map(({ stdout }) => Number(stdout))).toEqual(results.map((_, index) => index));
    expect(sshd.connectionsCount()).toBe(1);
  });

  it("is asked again when it opens fewer channels than we would have", async () => {
    const sshd = await startSshd(["MaxSessions 2"]);
    const ssh = executor(sshd);
    const results = await Promise.all(Array.from({ length: 12 }, () => run(ssh, "sleep 0.01")));
    expect(results.every(({ exitCode }) => exitCode === 0)).toBe(true);
    expect(sshd.connectionsCount()).toBe(1);
  });

  it("tells when a command was ended by a signal", async () => {
    const error = await failureOf(run(executor(await startSshd()), "kill -KILL $$"));
    expect(error).toMatchObject({ code: "signal", started: true });
  });

  it("does not keep us waiting for a command that hangs, nor the next command", async () => {
    const ssh = executor(await startSshd());
    await run(ssh, "true");
    for (let hung = 0; hung < 6; hung++) {
      expect(await failureOf(run(ssh, "exec sleep 20", 200))).toMatchObject({ code: "timeout" });
    }
    expect((await run(ssh, "true")).exitCode).toBe(0);
  });

  it("is connected to again after it dropped the connection", async () => {
    const sshd = await startSshd();
    const ssh = executor(sshd);
    await run(ssh, "true");
    const error = failureOf(run(ssh, "sleep 20"));
    // The command is under way when a second one has answered.
    await run(ssh, "true");
    sshd.drop();
    expect(await error).toMatchObject({ code: "lost", started: true });
    expect((await run(ssh, "true")).exitCode).toBe(0);
    expect(sshd.connectionsCount()).toBe(2);
  });

  it("lets nobody in with another key", async () => {
    const sshd = await startSshd();
    const stranger = makeKeyPair().private;
    const error = await failureOf(run(executor({ ...sshd, clientKey: stranger }), "true"));
    expect(error).toMatchObject({ code: "auth", started: false });
    expect(error.message).toMatch(/unable to authenticate/);
  });
});
