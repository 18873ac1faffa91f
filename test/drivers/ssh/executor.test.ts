import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { makeSshExecutor, type SshExecutorOptions } from "../../../src/drivers/ssh/executor.ts";
import { SshError, type SshCommand, type SshExecutor } from "../../../src/drivers/ssh/port.ts";
import {
  endChannel,
  KEYS,
  publicBytes,
  startServer,
  type Exec,
  type TestServer,
} from "./ssh-server.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function setTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

/** Timers that fire when the test says so: by their delay, which the test makes unique. */
function makeTimers() {
  const pending = new Map<() => void, number>();
  return {
    setTimer(delayMs: number, callback: () => void): () => void {
      pending.set(callback, delayMs);
      return () => pending.delete(callback);
    },
    fire(delayMs: number): void {
      const due = [...pending].filter(([, delay]) => delay === delayMs);
      expect(due).toHaveLength(1);
      for (const [callback] of due) {
        pending.delete(callback);
        callback();
      }
    },
  };
}

async function server(onExec: (exec: Exec) => void): Promise<TestServer> {
  const started = await startServer(onExec);
  closers.push(() => started.close());
  return started;
}

function executor(address: string, overrides: Partial<SshExecutorOptions> = {}): SshExecutor {
  const made = makeSshExecutor({
    target: { address, remoteUser: "username" },
    defaultPort: "",
    privateKey: KEYS.client.private,
    verifyHostKey: async () => {},
    setTimer,
    ...overrides,
  });
  closers.push(() => made.close());
  return made;
}

function command(text: string, more: Partial<SshCommand> = {}): SshCommand {
  return { command: text, timeoutMs: 10_000, ...more };
}

function ok({ channel }: Exec): void {
  channel.write("ok\n");
  endChannel(channel, 0);
}

async function failure(promise: Promise<unknown>): Promise<SshError> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(SshError);
  return error as SshError;
}

describe("connecting", () => {
  it("shares one set-up between commands that come at once, and multiplexes them", async () => {
    const ssh = await server(ok);
    const verify = vi.fn(async () => {});
    const made = executor(ssh.address, { verifyHostKey: verify });
    const results = await Promise.all(
      Array.from({ length: 20 }, () => made.execute(command("true"))),
    );
    expect(results.map((result) => result.stdout)).toEqual(Array(20).fill("ok\n"));
    expect(ssh.connectionsCount()).toBe(1);
    expect(verify).toHaveBeenCalledTimes(1);
    expect(ssh.channelsAtOnceMax()).toBeLessThanOrEqual(5);
  });

  it("hands the failure of one set-up to all who waited for it", async () => {
    const ssh = await server(ok);
    const made = executor(ssh.address, { privateKey: KEYS.stranger.private });
    const failures = await Promise.all([1, 2, 3].map(() => failure(made.execute(command("true")))));
    expect(failures.map(({ code, started }) => ({ code, started }))).toEqual(
      Array(3).fill({ code: "auth", started: false }),
    );
    expect(failures[0]?.message).toMatch(/unable to authenticate/);
    expect(ssh.connectionsCount()).toBe(1);
  });

  it("reports a refused connection as a network error", async () => {
    const error = await failure(executor("127.0.0.1:0").execute(command("true")));
    expect(error).toMatchObject({ code: "network", started: false });
    expect(error.message).toMatch(/connection refused/);
  });

  it("names a port that is none", async () => {
    const error = await failure(executor("127.0.0.1:99999").execute(command("true")));
    expect(error).toMatchObject({ code: "network", started: false });
    expect(error.message).toContain("99999");
  });

  it("waits no longer than its time-out for a host that says nothing", async () => {
    const timers = makeTimers();
    const silent = createServer(() => timers.fire(777)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    closers.push(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const made = executor(`127.0.0.1:${port}`, {
      connectTimeoutMs: 777,
      setTimer: timers.setTimer,
    });
    const error = await failure(made.execute(command("true")));
    expect(error).toMatchObject({ code: "network", started: false });
    expect(error.message).toMatch(/i\/o timeout/);
  });

  it("names a host that is no SSH server", async () => {
    const web = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    web.listen(0, "127.0.0.1");
    await once(web, "listening");
    closers.push(() => void web.close());
    const { port } = web.address() as AddressInfo;
    const error = await failure(executor(`127.0.0.1:${port}`).execute(command("true")));
    expect(error).toMatchObject({ code: "network", started: false });
  });

  it("takes a new target for the next connection", async () => {
    const ssh = await server(ok);
    const made = executor("");
    expect(await failure(made.execute(command("true")))).toMatchObject({
      code: "noAddress",
      message: "instance has no address",
    });
    made.setTarget({ address: ssh.address, remoteUser: "username" });
    expect((await made.execute(command("true"))).exitCode).toBe(0);
  });

  it("refuses a private key that is none, when it is made", () => {
    expect(() => executor("h", { privateKey: "rubbish" })).toThrow(/SSH private key/);
    expect(() => executor("h", { privateKey: KEYS.client.public })).toThrow(/public key/);
  });
});

describe("host keys", () => {
  it("runs nothing on a host that fails the check, and hangs up", async () => {
    const ssh = await server(ok);
    const verifyHostKey = async () => {
      throw new Error("host key failed verification: not ours");
    };
    const made = executor(ssh.address, { verifyHostKey });
    for (let attempt = 1; attempt <= 2; attempt++) {
      const error = await failure(made.execute(command("true")));
      expect(error).toMatchObject({ code: "hostKey", started: false });
      expect(error.message).toBe("host key failed verification: not ours");
      expect(ssh.connectionsCount()).toBe(attempt);
    }
    expect(ssh.execs()).toEqual([]);
    await vi.waitFor(() => expect(ssh.liveConnectionsCount()).toBe(0));
  });

  it("checks a key once, until another key is seen", async () => {
    const ssh = await server(ok);
    const seen: Buffer[] = [];
    const made = executor(ssh.address, {
      verifyHostKey: async (key) => void seen.push(key),
    });
    await made.execute(command("true"));
    ssh.drop();
    await made.execute(command("true"));
    await ssh.setHostKey(KEYS.hostB);
    await made.execute(command("true"));
    expect(ssh.connectionsCount()).toBe(3);
    expect(seen).toEqual([publicBytes(KEYS.hostA), publicBytes(KEYS.hostB)]);
  });

  it("lets the check run commands on the same connection before any other", async () => {
    const ssh = await server(ok);
    const made = executor(ssh.address, {
      verifyHostKey: async (_key, session) => {
        await session.execute(command("cat secret"));
      },
    });
    await made.execute(command("true"));
    expect(ssh.execs().map((exec) => exec.command)).toEqual(["cat secret", "true"]);
    expect(ssh.connectionsCount()).toBe(1);
  });

  it("does not wait for ever for a check", async () => {
    const ssh = await server(ok);
    const timers = makeTimers();
    const made = executor(ssh.address, {
      verifyHostKey: () => {
        timers.fire(777);
        return new Promise(() => {});
      },
      connectTimeoutMs: 777,
      setTimer: timers.setTimer,
    });
    expect(await failure(made.execute(command("true")))).toMatchObject({
      code: "timeout",
      started: false,
    });
  });
});

describe("commands", () => {
  it("answers with the exit code, whatever it is", async () => {
    const ssh = await server(({ channel }) => endChannel(channel, 42));
    expect(await executor(ssh.address).execute(command("false"))).toEqual({
      exitCode: 42,
      stdout: "",
      stderr: "",
    });
  });

  it("reports a signal as a failure", async () => {
    const ssh = await server(({ channel }) => {
      (channel.exit as (...args: unknown[]) => void)("KILL", false, "out of memory");
      channel.end();
    });
    const error = await failure(executor(ssh.address).execute(command("true")));
    expect(error).toMatchObject({ code: "signal", started: true });
    expect(error.message).toContain("SIGKILL: out of memory");
  });

  it("delivers a stdin of several windows in full, and then its end", async () => {
    const ssh = await server(({ channel }) => {
      let bytes = 0;
      channel.on("data", (chunk: Buffer) => (bytes += chunk.length));
      channel.on("end", () => {
        channel.write(String(bytes));
        endChannel(channel, 0);
      });
    });
    const stdin = Buffer.alloc(5 * 1024 * 1024, "x");
    const result = await executor(ssh.address).execute(command("wc -c", { stdin }));
    expect(result.stdout).toBe(String(stdin.length));
  });

  it("cuts what is printed beyond 1 MiB and says so", async () => {
    const ssh = await server(({ channel }) => {
      channel.write("é".repeat(1024 * 1024));
      endChannel(channel, 0);
    });
    const { stdout, isCut } = await executor(ssh.address).execute(command("yes"));
    expect(stdout).toBe(`${"é".repeat(512 * 1024)}\n[cut after 1048576 bytes]\n`);
    expect(isCut).toBe(true);
  });

  it("ends a command that hangs at its deadline, and frees its channel", async () => {
    const timers = makeTimers();
    const ssh = await server((exec) => {
      if (exec.command === "true") ok(exec);
      else timers.fire(777);
    });
    const made = executor(ssh.address, { setTimer: timers.setTimer });
    const error = await failure(made.execute(command("sleep", { timeoutMs: 777 })));
    expect(error).toMatchObject({ code: "timeout", started: true });
    expect(error.message).toContain("777ms");
    await vi.waitFor(() => expect(ssh.openChannelsCount()).toBe(0));
    expect((await made.execute(command("true"))).exitCode).toBe(0);
    expect(ssh.connectionsCount()).toBe(1);
  });

  it("counts waiting for a channel towards the deadline", async () => {
    const timers = makeTimers();
    const ssh = await server(() => {
      timers.fire(22);
      timers.fire(11);
    });
    const made = executor(ssh.address, { channelsMax: 1, setTimer: timers.setTimer });
    const first = failure(made.execute(command("first", { timeoutMs: 11 })));
    const second = failure(made.execute(command("second", { timeoutMs: 22 })));
    expect(await first).toMatchObject({ code: "timeout", started: true });
    expect(await second).toMatchObject({ code: "timeout", started: false });
    expect(ssh.execs().map((exec) => exec.command)).toEqual(["first"]);
  });

  it("never runs a command that was given up while its channel was being opened", async () => {
    const timers = makeTimers();
    const ssh = await server(ok);
    const made = executor(ssh.address, { setTimer: timers.setTimer });
    await made.execute(command("warm up"));
    const letGo = ssh.holdChannels();
    const error = failure(made.execute(command("rm -r /", { timeoutMs: 777 })));
    setImmediate(() => timers.fire(777));
    expect(await error).toMatchObject({ code: "timeout", started: false });
    letGo();
    await made.execute(command("next"));
    expect(ssh.execs().map((exec) => exec.command.trim())).toEqual(["warm up", "", "next"]);
  });

  it("gives up when the caller's signal aborts", async () => {
    const controller = new AbortController();
    const ssh = await server(() => controller.abort());
    const error = await failure(
      executor(ssh.address).execute(command("sleep", { signal: controller.signal })),
    );
    expect(error).toMatchObject({ code: "closed", started: true });
  });

  it("tries again when the server opens no more channels for now", async () => {
    const waiting: Exec[] = [];
    const ssh = await server((exec) => {
      waiting.push(exec);
      if (waiting.length === 2) setImmediate(() => waiting.splice(0).forEach(ok));
    });
    ssh.setChannelsMax(2);
    const made = executor(ssh.address);
    const results = await Promise.all(
      Array.from({ length: 4 }, () => made.execute(command("true"))),
    );
    expect(results.map((result) => result.exitCode)).toEqual([0, 0, 0, 0]);
    expect(ssh.channelsAtOnceMax()).toBe(2);
  });

  it("gives up on a server that never opens a channel", async () => {
    const ssh = await server(ok);
    ssh.setChannelsMax(0);
    const error = await failure(executor(ssh.address).execute(command("true")));
    expect(error).toMatchObject({ code: "refused", started: false });
  });

  it("reports a refused command, and works again on a new connection", async () => {
    const ssh = await server(ok);
    const made = executor(ssh.address);
    ssh.setRefusing(true);
    expect(await failure(made.execute(command("true")))).toMatchObject({ code: "refused" });
    ssh.setRefusing(false);
    expect((await made.execute(command("true"))).exitCode).toBe(0);
  });
});

describe("lost connections", () => {
  it("does not repeat a command that may have run", async () => {
    const ssh = await server(() => ssh.drop());
    const error = await failure(executor(ssh.address).execute(command("once")));
    expect(error).toMatchObject({ code: "lost", started: true });
    expect(ssh.execs()).toHaveLength(1);
  });

  it("reconnects once for a command that was not handed over", async () => {
    const ssh = await server(ok);
    const made = executor(ssh.address);
    await made.execute(command("true"));
    // The executor does not know yet that the connection is gone.
    ssh.drop();
    expect((await made.execute(command("true"))).exitCode).toBe(0);
    expect(ssh.connectionsCount()).toBe(2);
  });

  it("returns the error of the second set-up if that fails", async () => {
    const ssh = await server(ok);
    const made = executor(ssh.address);
    await made.execute(command("true"));
    ssh.close();
    expect(await failure(made.execute(command("true")))).toMatchObject({
      code: "network",
      started: false,
    });
  });

  it("leaves a connection whose channels all hang", async () => {
    const timers = makeTimers();
    const ssh = await server((exec) => {
      if (exec.command === "true") ok(exec);
      // A hung command on a real sshd: the channel is not closed when the client asks for it.
      else (exec.channel as unknown as { close(): void }).close = () => {};
    });
    const made = executor(ssh.address, { channelsMax: 2, setTimer: timers.setTimer });
    const hung = [11, 22].map((timeoutMs) => failure(made.execute(command("hang", { timeoutMs }))));
    await vi.waitFor(() => expect(ssh.execs()).toHaveLength(2));
    timers.fire(11);
    timers.fire(22);
    await Promise.all(hung);
    expect((await made.execute(command("true"))).exitCode).toBe(0);
    expect(ssh.connectionsCount()).toBe(2);
  });

  it("notices by keep-alives that a silent host is gone", async () => {
    const ssh = await server(() => {
      process.nextTick(() => relay.freeze());
    });
    const relay = await makeRelay(ssh.port);
    const made = executor(`127.0.0.1:${relay.port}`, { keepaliveMs: 30 });
    const error = await failure(made.execute(command("hang")));
    expect(error).toMatchObject({ code: "lost", started: true });
    expect(error.message).not.toBe("");
  });
});

describe("closing", () => {
  it("ends commands that run or wait, and refuses later ones", async () => {
    const ssh = await server(() => made.close());
    const made = executor(ssh.address, { channelsMax: 1 });
    const running = failure(made.execute(command("sleep")));
    const waiting = failure(made.execute(command("sleep")));
    expect(await running).toMatchObject({ code: "closed", started: true });
    expect(await waiting).toMatchObject({ code: "closed", started: false });
    expect(await failure(made.execute(command("true")))).toMatchObject({
      code: "closed",
      started: false,
    });
    expect(ssh.connectionsCount()).toBe(1);
  });

  it("ends a set-up under way", async () => {
    const ssh = await server(ok);
    const made = executor(ssh.address, {
      verifyHostKey: () => {
        made.close();
        return new Promise(() => {});
      },
    });
    expect(await failure(made.execute(command("true")))).toMatchObject({ code: "closed" });
    expect(ssh.execs()).toEqual([]);
  });
});

/** A TCP relay that can stop to pass anything on, as a network partition does. */
async function makeRelay(targetPort: number): Promise<{ port: number; freeze(): void }> {
  const { connect } = await import("node:net");
  let isFrozen = false;
  const relay = createServer((near) => {
    const far = connect(targetPort, "127.0.0.1");
    near.on("data", (chunk) => isFrozen || far.write(chunk));
    far.on("data", (chunk) => isFrozen || near.write(chunk));
    near.on("error", () => {}).on("close", () => far.destroy());
    far.on("error", () => {}).on("close", () => near.destroy());
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  closers.push(() => void relay.close());
  return { port: (relay.address() as AddressInfo).port, freeze: () => (isFrozen = true) };
}
