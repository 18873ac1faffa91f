import { createHash } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { makeKeyPair } from "../../src/drivers/ssh/key-pair.ts";
import { SshError, type SshExecutor } from "../../src/drivers/ssh/port.ts";
import { closeSshd, executor, noSshd, startSshd } from "../support/sshd.ts";

afterEach(closeSshd);

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

describe.skipIf(noSshd)(`a real OpenSSH server${noSshd ? `: ${noSshd}` : ""}`, () => {
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

  it("takes a large stdin piece by piece, while other commands run", async () => {
    const ssh = executor(await startSshd());
    const stdin = Buffer.alloc(20_000_000, "0123456789abcdef");
    const told: number[] = [];
    const [copied, other] = await Promise.all([
      ssh.execute({
        command: "md5sum",
        stdin,
        timeoutMs: 60_000,
        onSent: (bytes) => void told.push(bytes),
      }),
      run(ssh, "echo other"),
    ]);
    expect(copied.stdout).toBe(`${createHash("md5").update(stdin).digest("hex")}  -\n`);
    expect(other.stdout).toBe("other\n");
    expect(told.length).toBeGreaterThan(100);
    expect(told.at(-1)).toBe(stdin.length);
  });

  it("may end a command before it has taken what it was sent", async () => {
    const ssh = executor(await startSshd());
    const stdin = Buffer.alloc(20_000_000);
    expect(await ssh.execute({ command: "exit 3", stdin, timeoutMs: 30_000 })).toMatchObject({
      exitCode: 3,
    });
    expect(
      await failureOf(ssh.execute({ command: "exec sleep 20", stdin, timeoutMs: 300 })),
    ).toMatchObject({ code: "timeout" });
    expect((await run(ssh, "true")).exitCode).toBe(0);
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
