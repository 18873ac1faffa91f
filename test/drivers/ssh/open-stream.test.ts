import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeSshExecutor, type SshExecutorOptions } from "../../../src/drivers/ssh/executor.ts";
import { SshError, type OpenStream, type SshExecutor } from "../../../src/drivers/ssh/port.ts";
import { endChannel, KEYS, startServer, type TestServer } from "./ssh-server.ts";

let dir: string;
let path: string;
let ssh: TestServer;
const closers: (() => void)[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "open-stream-"));
  path = join(dir, "a.sock");
  ssh = await startServer(({ channel }) => endChannel(channel, 0));
});

afterEach(() => {
  for (const close of closers.splice(0)) close();
  ssh.close();
  rmSync(dir, { recursive: true, force: true });
});

function executor(
  options: Partial<SshExecutorOptions> = {},
): SshExecutor & { readonly openStream: OpenStream } {
  const made = makeSshExecutor({
    target: { address: ssh.address, remoteUser: "username" },
    defaultPort: "",
    privateKey: KEYS.client.private,
    verifyHostKey: async () => {},
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    ...options,
  });
  closers.push(() => made.close());
  return made;
}

/** Who listens on the host. */
async function listening(onStream: (socket: Socket) => void): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onStream(socket);
  }).listen(path);
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server, "listening");
}

const options = { timeoutMs: 5000 };

async function failure(promise: Promise<unknown>): Promise<SshError> {
  const error = await promise.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(SshError);
  return error as SshError;
}

async function readAll(stream: Duplex): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

describe("streams to a Unix socket on the host", () => {
  it("carry bytes both ways, beside commands, and take none of their channels", async () => {
    await listening((socket) => socket.pipe(socket));
    const made = executor({ channelsMax: 1 });
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => made.openStream(path, options)),
    );
    for (const [index, stream] of streams.entries()) stream.write(`I am ${index}`);
    const echoes = await Promise.all(streams.map((stream) => once(stream, "data")));
    expect(echoes.map(([piece]) => String(piece))).toEqual(
      streams.map((_, index) => `I am ${index}`),
    );
    expect(await made.execute({ command: "true", ...options })).toMatchObject({ exitCode: 0 });
    expect(ssh.connectionsCount()).toBe(1);
    for (const stream of streams) stream.destroy();
  });

  it("are told of the other side's end", async () => {
    await listening((socket) => socket.end("the last word"));
    expect(await readAll(await executor().openStream(path, options))).toBe("the last word");
  });

  it("are refused where nobody listens, or where the server allows none", async () => {
    const made = executor();
    const absent = await failure(made.openStream(path, options));
    expect(absent).toMatchObject({ code: "refused", started: false });
    expect(absent.message).toMatch(/^ssh: the server opens no stream to .*a\.sock: /);
    await listening((socket) => socket.end());
    ssh.setRefusing(true);
    expect(await failure(made.openStream(path, options))).toMatchObject({ code: "refused" });
    ssh.setRefusing(false);
    expect(await readAll(await made.openStream(path, options))).toBe("");
    // Commands go on over the same connection: a refused stream says nothing of it.
    await made.execute({ command: "true", ...options });
    expect(ssh.connectionsCount()).toBe(1);
  });

  it("are given up at their deadline, and closed if they come late", async () => {
    const ended = vi.fn();
    await listening((socket) => socket.on("close", ended));
    const made = executor();
    await made.execute({ command: "true", ...options });
    const letGo = ssh.holdChannels();
    expect(await failure(made.openStream(path, { timeoutMs: 50 }))).toMatchObject({
      code: "timeout",
      started: false,
    });
    letGo();
    await vi.waitFor(() => expect(ended).toHaveBeenCalledTimes(1));
  });

  it("end with the connection, and the next one opens on a new one", async () => {
    await listening((socket) => socket.pipe(socket));
    const made = executor();
    const stream = await made.openStream(path, options);
    stream.on("error", () => {}).resume();
    const closed = once(stream, "close");
    ssh.drop();
    await closed;
    const next = await made.openStream(path, options);
    expect(ssh.connectionsCount()).toBe(2);
    next.destroy();
    made.close();
    expect(await failure(made.openStream(path, options))).toMatchObject({ code: "closed" });
  });
});
