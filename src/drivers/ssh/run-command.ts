import { StringDecoder } from "node:string_decoder";
import type { Client, ClientChannel } from "ssh2";
import type { Call } from "./call.ts";
import { endWith } from "./end-with.ts";
import { SshError, type SshResult } from "./port.ts";
import { isOpenRefusal } from "./ssh.errors.ts";

/** Of each stream. A list of containers is a few kB; whoever prints more has gone wrong. */
export const OUTPUT_BYTES_MAX = 1024 * 1024;

/** The server would not open a channel now, but may do so later. Nothing was handed over. */
export class OpenRefused extends Error {}

export interface CommandRun {
  /** Settles when the command has ended or the call is given up. */
  readonly result: Promise<SshResult>;
  /** Settles, always well, when the server has let go of the channel. */
  readonly channelClosed: Promise<void>;
}

/**
 * Runs one command in a channel of its own: opens it, sends the environment, hands the command over, writes stdin in
 * full and then EOF. The environment goes as `env` requests without reply, since ssh2 offers no other: a server that
 * refuses a variable does not tell.
 */
export function runCommand(client: Client, call: Call): CommandRun {
  let onChannelClosed = () => {};
  const channelClosed = new Promise<void>((resolve) => (onChannelClosed = resolve));
  const result = new Promise<SshResult>((resolve, reject) => {
    const onAbort = () => reject(call.scope.reason as Error);
    call.scope.addEventListener("abort", onAbort, { once: true });
    void channelClosed.then(() => call.scope.removeEventListener("abort", onAbort));
    const command = Buffer.from(call.command.command);
    const options = handoverOptions(call, command);
    try {
      call.phase = "opening a channel";
      // ssh2 takes bytes as well as a string, and copies them only when it hands the command over.
      client.exec(command as unknown as string, options, (error, channel) => {
        if (error) {
          onChannelClosed();
          reject(execError(error, call));
        } else {
          exchange(channel, call, onChannelClosed).then(resolve, reject);
        }
      });
    } catch (cause) {
      onChannelClosed();
      reject(new SshError("lost", "ssh: not connected", { cause, started: false }));
    }
  });
  return { result, channelClosed };
}

/**
 * ssh2 sends the command by itself as soon as the channel is open, and reads `env` just before: the moment from which
 * the command may run. A call that was given up before then must not run after all: its command is blanked.
 */
function handoverOptions(call: Call, command: Buffer): { readonly env?: NodeJS.ProcessEnv } {
  return {
    get env(): NodeJS.ProcessEnv {
      if (call.scope.aborted) command.fill(" ");
      else {
        call.started = true;
        call.phase = "running the command";
      }
      return { ...call.command.env };
    },
  };
}

function execError(cause: Error, call: Call): Error {
  if (isOpenRefusal(cause)) return new OpenRefused(cause.message, { cause });
  if (!call.started) {
    return new SshError("lost", `ssh: no channel: ${cause.message}`, { cause, started: false });
  }
  return new SshError("refused", `ssh: the server did not run the command: ${cause.message}`, {
    cause,
    started: true,
  });
}

async function exchange(
  channel: ClientChannel,
  call: Call,
  onClosed: () => void,
): Promise<SshResult> {
  const stdout = makeCollector();
  const stderr = makeCollector();
  let exit: { code: number | null; signal: string; reason: string } | undefined;
  channel.on("exit", (code: number | null, signal?: string, _dump?: unknown, reason?: string) => {
    exit = { code, signal: signal ?? "unknown", reason: reason ? `: ${reason}` : "" };
  });
  channel.on("data", stdout.add);
  channel.stderr.on("data", stderr.add);
  // A write to a channel that has just been closed; `close` follows and says what happened.
  channel.on("error", () => {});
  const closed = Promise.all([
    new Promise<void>((resolve) => channel.once("close", () => resolve())),
    new Promise<void>((resolve) => channel.stderr.once("close", () => resolve())),
  ]);
  const giveUp = () => {
    stdout.discard();
    stderr.discard();
    channel.close();
  };
  if (call.scope.aborted) giveUp();
  else call.scope.addEventListener("abort", giveUp, { once: true });
  endWith(channel, call.command.stdin ?? "", call.command.onSent);

  await closed;
  call.scope.removeEventListener("abort", giveUp);
  onClosed();
  if (!exit) {
    throw new SshError("lost", "ssh: the channel ended before the exit status", {
      started: true,
    });
  }
  if (exit.code === null) {
    const text = `ssh: the command was ended by ${exit.signal}${exit.reason}`;
    throw new SshError("signal", text, { started: true });
  }
  const result = { exitCode: exit.code, stdout: stdout.text(), stderr: stderr.text() };
  return stdout.isCut() ? { ...result, isCut: true } : result;
}

interface Collector {
  readonly add: (chunk: Buffer) => void;
  discard(): void;
  text(): string;
  isCut(): boolean;
}

function makeCollector(): Collector {
  let chunks: Buffer[] = [];
  let room = OUTPUT_BYTES_MAX;
  let isCut = false;
  return {
    add(chunk) {
      if (chunk.length > room) isCut = true;
      if (room > 0) chunks.push(chunk.subarray(0, room));
      room -= Math.min(room, chunk.length);
    },
    isCut: () => isCut,
    discard() {
      chunks = [];
      room = 0;
    },
    text() {
      const all = Buffer.concat(chunks);
      // The decoder holds back a character that the cut went through.
      if (isCut)
        return `${new StringDecoder("utf8").write(all)}\n[cut after ${OUTPUT_BYTES_MAX} bytes]\n`;
      return all.toString("utf8");
    },
  };
}
