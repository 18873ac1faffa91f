import { spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Readable, Writable } from "node:stream";
import ssh2, {
  type AuthContext,
  type Connection,
  type ParsedKey,
  type ServerChannel,
  type Session,
} from "ssh2";

export interface InstanceServerOptions {
  readonly hostKey: Buffer;
  /** One authorized_keys line; with null nobody gets in. */
  readonly authorizedKey: string | null;
  /** What every command gets, over what its client sends. */
  readonly env: Readonly<Record<string, string>>;
  readonly workDir: string;
}

/** Serves SSH on a free port of 127.0.0.1, for any user with the one key, and returns the port. */
export async function startInstanceServer(options: InstanceServerOptions): Promise<number> {
  const authorizedKey = options.authorizedKey === null ? null : parsePublic(options.authorizedKey);
  const server = new ssh2.Server({ hostKeys: [options.hostKey] }, (connection) => {
    // Without it on both ends a client does 11 commands a second. (ssh2 has it here too; its types do not.)
    (connection as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
    // A client that breaks off is its own affair; `close` follows.
    connection.on("error", () => {});
    connection.on("authentication", (context) => authenticate(context, authorizedKey));
    connection.on("session", (accept) => serveSession(accept(), connection, options));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

export function parsePublic(authorizedKey: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(authorizedKey);
  if (parsed instanceof Error) throw new Error(`public key: ${parsed.message}`);
  return parsed;
}

function authenticate(context: AuthContext, authorizedKey: ParsedKey | null): void {
  const isRight =
    authorizedKey !== null &&
    context.method === "publickey" &&
    context.key.data.equals(authorizedKey.getPublicSSH()) &&
    // Without a signature the client only asks whether this key would do.
    (context.signature === undefined ||
      (context.blob !== undefined &&
        authorizedKey.verify(context.blob, context.signature, context.hashAlgo)));
  if (isRight) context.accept();
  else context.reject(["publickey"]);
}

function serveSession(
  session: Session,
  connection: Connection,
  options: InstanceServerOptions,
): void {
  const env: Record<string, string> = {};
  session.on("env", (accept, _reject, { key, val }) => {
    env[key] = val;
    // Undefined, whatever the types say, if the client wants no reply.
    (accept as (() => void) | undefined)?.();
  });
  session.on("exec", (accept, _reject, { command }) => {
    runExec(accept(), connection, command, { ...options, env: { ...env, ...options.env } });
  });
}

/** As sshd does it: a command goes on when its client goes away, and ends when its output does. */
function runExec(
  channel: ServerChannel,
  connection: Connection,
  command: string,
  options: InstanceServerOptions,
): void {
  // A session of its own, so that no signal for the instance reaches it.
  const child = spawn("/bin/sh", ["-c", command.replace(/^sudo /, "")], {
    cwd: options.workDir,
    detached: true,
    env: options.env,
    stdio: "pipe",
  });
  const output = sendInTurns(channel, [
    [child.stdout, channel],
    [child.stderr, channel.stderr],
  ]);
  const detach = () => {
    child.stdin.end();
    output.discard();
  };
  channel.on("close", detach).on("error", detach);
  connection.once("close", detach);
  // The command may end before it has read all that was sent.
  child.stdin.on("error", () => channel.resume());
  channel.pipe(child.stdin);

  let isFinished = false;
  const finish = (exitCode: number) => {
    if (isFinished) return;
    isFinished = true;
    connection.off("close", detach);
    void output.sent().then(() =>
      channel.stderr.end(() => {
        channel.exit(exitCode);
        channel.end();
      }),
    );
  };
  child.once("error", (error) => {
    channel.stderr.write(`${error.message}\n`);
    finish(1);
  });
  child.once("close", (exitCode) => finish(exitCode ?? 1));
}

/**
 * One write at a time over both streams: where the client's window is full, ssh2 goes on with one of two writes that wait,
 * and never with the other; and it would send a write that has waited once more at the next such moment.
 */
function sendInTurns(
  channel: ServerChannel,
  streams: readonly (readonly [from: Readable, to: Writable])[],
) {
  let turn = Promise.resolve();
  let isDiscarded = false;
  const send = async (to: Writable, chunk: Buffer): Promise<void> => {
    if (isDiscarded) return;
    await new Promise<void>((resolve) => to.write(chunk, () => resolve()));
    Object.assign(channel, { _chunk: undefined, _chunkcb: undefined });
    Object.assign(channel, { _chunkErr: undefined, _chunkcbErr: undefined });
  };
  for (const [from, to] of streams)
    from.on("data", (chunk: Buffer) => {
      // Somebody must read what is still being written, or the command blocks.
      if (isDiscarded) return;
      from.pause();
      turn = turn.then(() => send(to, chunk)).finally(() => from.resume());
    });
  return {
    sent: (): Promise<void> => turn,
    discard(): void {
      isDiscarded = true;
      for (const [from] of streams) from.resume();
    },
  };
}
