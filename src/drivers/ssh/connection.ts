import { connect as connectSocket, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import ssh2, { type Client } from "ssh2";
import { until, type Call, type SetTimer } from "./call.ts";
import { makeSlots } from "./slots.ts";
import { openStreamLocal } from "./open-stream.ts";
import { SshError, type SshResult } from "./port.ts";
import { OpenRefused, runCommand } from "./run-command.ts";
import { connectError, lossWords } from "./ssh.errors.ts";
import { formatTarget } from "./target.ts";

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string | Buffer | undefined;
  /** Path of an ssh-agent's socket, whose keys are offered after it. */
  readonly agent?: string | undefined;
  readonly keepaliveMs: number;
  readonly channelsMax: number;
  readonly setTimer: SetTimer;
}

/** An authenticated connection to a host whose key has yet to be verified. */
export interface Connection {
  readonly hostKey: Buffer;
  /** False once it is dead or takes no more commands. */
  isUsable(): boolean;
  /** Throws `lost` with `started` false if the connection was dead before the command was handed over. */
  execute(call: Call): Promise<SshResult>;
  /** Takes none of the channels for commands: servers do not count streams among their sessions. */
  openStream(path: string, call: Call): Promise<Duplex>;
  destroy(): void;
}

/** Keep-alives, with nothing from the server since, until a connection counts as dead. */
const KEEPALIVES_MAX = 3;
// OpenSSH frees a finished session late (measured: 8 of 10 sessions in use already fail); these pauses add up to 3 s.
const REFUSALS_ALONE_MAX = 8;
const OPEN_PAUSE_MS = 20;
const OPEN_PAUSE_MAX_MS = 1000;

/** Connects and authenticates by public key only; any kind of host key is taken and remembered. */
export function openConnection(
  options: ConnectionOptions,
  scope: AbortSignal,
): Promise<Connection> {
  const where = formatTarget({ host: options.host, port: String(options.port) });
  return new Promise((resolve, reject) => {
    // Without noDelay an ssh2 client does 11 commands a second instead of 1,600.
    const socket = connectSocket({ host: options.host, port: options.port, noDelay: true });
    const client = new ssh2.Client();
    let hostKey = Buffer.alloc(0);
    let failure: Error | undefined;
    const onAbort = () => {
      socket.destroy();
      reject(scope.reason as Error);
    };
    scope.addEventListener("abort", onAbort, { once: true });
    client.on("error", (error) => {
      failure ??= error;
      socket.destroy();
      reject(connectError(error, where, options.user));
    });
    client.once("close", () => {
      scope.removeEventListener("abort", onAbort);
      const text = `ssh: ${where}: connection closed during the handshake`;
      reject(new SshError("network", text, { started: false }));
    });
    client.once("ready", () => {
      scope.removeEventListener("abort", onAbort);
      const stopWatching = watchSilence(socket, options, () => {
        failure ??= new Error("Keepalive timeout");
        socket.destroy();
      });
      client.once("close", stopWatching);
      resolve(
        makeConnection(client, { ...options, hostKey, destroy: () => socket.destroy() }, () =>
          lossWords(failure),
        ),
      );
    });
    client.connect({
      sock: socket,
      username: options.user,
      ...(options.privateKey === undefined ? {} : { privateKey: options.privateKey }),
      ...(options.agent === undefined ? {} : { agent: options.agent }),
      hostVerifier: (key: Buffer) => {
        hostKey = Buffer.from(key);
        return true;
      },
      keepaliveInterval: options.keepaliveMs,
      // ssh2 would count answers alone, which on a slow line wait behind all else that is sent: see watchSilence.
      keepaliveCountMax: Infinity,
      readyTimeout: 0,
    });
  });
}

/** Whatever comes from the server is a sign of life; it is dead when nothing has come since three keep-alives. */
function watchSilence(
  socket: Socket,
  { keepaliveMs, setTimer }: Pick<ConnectionOptions, "keepaliveMs" | "setTimer">,
  onSilent: () => void,
): () => void {
  let seenBytes = socket.bytesRead;
  let silentCount = 0;
  let cancelTimer = setTimer(keepaliveMs, look);
  function look(): void {
    silentCount = socket.bytesRead === seenBytes ? silentCount + 1 : 0;
    seenBytes = socket.bytesRead;
    // In the first of these spans the first keep-alive was only sent.
    if (silentCount > KEEPALIVES_MAX) onSilent();
    else cancelTimer = setTimer(keepaliveMs, look);
  }
  return () => cancelTimer();
}

function makeConnection(
  client: Client,
  options: ConnectionOptions & { readonly hostKey: Buffer; readonly destroy: () => void },
  loss: () => string,
): Connection {
  const slots = makeSlots(options.channelsMax);
  let isAlive = true;
  let isRetired = false;
  let abandonedCount = 0;

  client.once("close", () => {
    isAlive = false;
    slots.close(lost());
  });

  function lost(): SshError {
    return new SshError("lost", `ssh: connection lost: ${loss()}`, { started: false });
  }

  /** Takes no more commands, and ends when those that run have ended. */
  function retire(): void {
    isRetired = true;
    slots.close(lost());
    endWhenIdle();
  }

  function endWhenIdle(): void {
    if (slots.usedCount() === 0) options.destroy();
  }

  function destroy(): void {
    isRetired = true;
    options.destroy();
  }

  async function executeOnce(call: Call): Promise<SshResult> {
    call.phase = "waiting for a free channel";
    await slots.acquire(call.scope);
    const run = runCommand(client, call);
    let isClosed = false;
    let isAbandoned = false;
    void run.channelClosed.then(() => {
      isClosed = true;
      if (isAbandoned) abandonedCount -= 1;
      slots.release();
      if (isRetired) endWhenIdle();
    });
    try {
      return await run.result;
    } catch (error) {
      if (call.scope.aborted && !isClosed) {
        isAbandoned = true;
        abandonedCount += 1;
        // Commands that hang hold their channels on the server too: nothing is left to work with.
        if (abandonedCount >= options.channelsMax) destroy();
      }
      // A refused channel stays open on the server, and ssh2 gives no handle to close it.
      if (error instanceof SshError && ["refused", "lost"].includes(error.code)) retire();
      throw isAlive ? error : asLost(error, call);
    }
  }

  /** A request that got no answer because the connection died looks like a refusal. */
  function asLost(error: unknown, call: Call): unknown {
    const isVague =
      error instanceof SshError && (error.code === "refused" || error.code === "lost");
    if (!isVague && !(error instanceof OpenRefused)) return error;
    return new SshError("lost", `ssh: connection lost: ${loss()}`, {
      cause: error,
      started: call.started,
    });
  }

  async function execute(call: Call): Promise<SshResult> {
    let pauseMs = OPEN_PAUSE_MS;
    for (let refusalsAloneCount = 0; ;) {
      try {
        return await executeOnce(call);
      } catch (error) {
        if (!(error instanceof OpenRefused)) throw error;
        // While others of ours run, the server's limit is just lower than ours: they will make room.
        if (slots.usedCount() === 0) refusalsAloneCount += 1;
        if (refusalsAloneCount >= REFUSALS_ALONE_MAX) {
          retire();
          throw new SshError("refused", `ssh: ${error.message}`, { cause: error, started: false });
        }
      }
      call.phase = "waiting for the server to open a channel";
      await until(pause(pauseMs), call.scope);
      pauseMs = Math.min(pauseMs * 2, OPEN_PAUSE_MAX_MS);
    }
  }

  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void options.setTimer(delayMs, resolve));
  }

  return {
    hostKey: options.hostKey,
    isUsable: () => isAlive && !isRetired,
    execute,
    async openStream(path, call) {
      try {
        return await openStreamLocal(client, path, call);
      } catch (error) {
        throw isAlive ? error : asLost(error, call);
      }
    },
    destroy,
  };
}
