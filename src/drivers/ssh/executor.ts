import { formatSpan } from "../../machines/model/amounts.ts";
import ssh2 from "ssh2";
import { openCall, until, type Call, type OpenCall, type SetTimer } from "./call.ts";
import { openConnection, type Connection } from "./connection.ts";
import {
  SshError,
  type OpenStream,
  type SshCommand,
  type SshExecutor,
  type SshTarget,
  type VerifyHostKey,
} from "./port.ts";
import { formatTarget, portNumber, resolveTarget } from "./target.ts";

export interface SshExecutorOptions {
  readonly target: SshTarget;
  /** `CloudVMs.SSHPort`: a number, `ssh`, or "" for `ssh`. */
  readonly defaultPort: string;
  /** PEM or OpenSSH format, without passphrase; undefined where there is nothing but the agent. */
  readonly privateKey: string | Buffer | undefined;
  /** Path of an ssh-agent's socket, whose keys are offered after it. */
  readonly agent?: string | undefined;
  readonly verifyHostKey: VerifyHostKey;
  readonly setTimer: SetTimer;
  /** For TCP, handshake and authentication together, and once more for the host key check. */
  readonly connectTimeoutMs?: number;
  /** Pause between keep-alives; after three, with nothing from the server since, the connection is dead. */
  readonly keepaliveMs?: number;
  /** Commands at once on the connection; at most half of sshd's MaxSessions, since it frees a finished session late. */
  readonly channelsMax?: number;
}

const CONNECT_TIMEOUT_MS = 60_000;
const KEEPALIVE_MS = 15_000;
const CHANNELS_MAX = 5;

/** Throws if the private key cannot be used. */
export function makeSshExecutor(
  options: SshExecutorOptions,
): SshExecutor & { readonly openStream: OpenStream } {
  if (options.privateKey !== undefined) assertPrivateKey(options.privateKey);
  const connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const openCalls = new Set<OpenCall>();
  let target = options.target;
  let connection: Connection | undefined;
  let settingUp: Promise<Connection> | undefined;
  let cancelSetUp: ((error: SshError) => void) | undefined;
  let verifiedKey: Buffer | undefined;
  let isClosed = false;

  /** One set-up at a time: whoever comes meanwhile shares its outcome. */
  function ready(): Promise<Connection> {
    if (connection?.isUsable()) return Promise.resolve(connection);
    settingUp ??= setUp().finally(() => (settingUp = undefined));
    return settingUp;
  }

  async function setUp(): Promise<Connection> {
    const { host, port } = dialTarget(target, options.defaultPort);
    const where = formatTarget({ host, port: String(port) });
    const scope = new AbortController();
    cancelSetUp = (error) => scope.abort(error);
    const cancelTimer = options.setTimer(connectTimeoutMs, () =>
      scope.abort(new SshError("network", `dial tcp ${where}: i/o timeout`, { started: false })),
    );
    const fresh = await openConnection(
      {
        host,
        port,
        user: target.remoteUser,
        privateKey: options.privateKey,
        agent: options.agent,
        keepaliveMs: options.keepaliveMs ?? KEEPALIVE_MS,
        channelsMax: options.channelsMax ?? CHANNELS_MAX,
        setTimer: options.setTimer,
      },
      scope.signal,
    ).finally(cancelTimer);
    try {
      await verify(fresh, where, scope);
      if (isClosed) throw closedError();
    } catch (error) {
      fresh.destroy();
      throw error;
    }
    connection = fresh;
    return fresh;
  }

  async function verify(fresh: Connection, where: string, scope: AbortController): Promise<void> {
    if (verifiedKey?.equals(fresh.hostKey)) return;
    const text = `ssh: the host key check of ${where} timed out after ${formatSpan(connectTimeoutMs)}`;
    const cancelTimer = options.setTimer(connectTimeoutMs, () =>
      scope.abort(new SshError("timeout", text, { started: false })),
    );
    const session = {
      execute: (command: SshCommand) =>
        run(
          command,
          async () => fresh,
          (connection, call) => connection.execute(call),
        ),
    };
    try {
      await until(options.verifyHostKey(fresh.hostKey, session), scope.signal);
    } catch (cause) {
      throw hostKeyError(cause);
    } finally {
      cancelTimer();
    }
    verifiedKey = fresh.hostKey;
  }

  /** `connect` is asked again, once, if the connection turns out to be dead before the command was handed over. */
  async function run<T>(
    command: SshCommand,
    connect: () => Promise<Connection>,
    use: (connection: Connection, call: Call) => Promise<T>,
  ): Promise<T> {
    const open = openCall(command, options.setTimer);
    openCalls.add(open);
    try {
      for (let isRetry = false; ; isRetry = true) {
        open.call.phase = "connecting";
        const current = await until(connect(), open.call.scope);
        try {
          return await use(current, open.call);
        } catch (error) {
          const isUntouched = error instanceof SshError && error.code === "lost" && !error.started;
          if (!isUntouched || isRetry || isClosed) throw error;
        }
      }
    } finally {
      open.release();
      openCalls.delete(open);
    }
  }

  return {
    setTarget(next) {
      target = next;
    },
    async execute(command) {
      if (isClosed) throw closedError();
      return run(command, ready, (current, call) => current.execute(call));
    },
    async openStream(path, { timeoutMs }) {
      if (isClosed) throw closedError();
      const call = { command: `stream to ${path}`, timeoutMs };
      return run(call, ready, (current, open) => current.openStream(path, open));
    },
    close() {
      isClosed = true;
      for (const open of openCalls) open.abort("closed", "the executor was closed");
      cancelSetUp?.(closedError());
      connection?.destroy();
    },
  };
}

function assertPrivateKey(privateKey: string | Buffer): void {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) {
    throw new Error(`SSH private key: ${parsed.message}; expected PEM or OpenSSH, no passphrase`);
  }
  if (!parsed.isPrivateKey()) {
    throw new Error("SSH private key: this is a public key; expected the private one");
  }
}

function dialTarget(target: SshTarget, defaultPort: string): { host: string; port: number } {
  const { host, port } = resolveTarget(target.address, defaultPort);
  if (host === "") {
    throw new SshError("noAddress", "instance has no address", { started: false });
  }
  const number = portNumber(port);
  if (number === undefined) {
    const text = `ssh: "${port}" is no port (address "${target.address}"); expected 0 to 65535 or ssh`;
    throw new SshError("network", text, { started: false });
  }
  return { host, port: number };
}

/** The check's own words; a connection that failed under it is no verdict on the key. */
function hostKeyError(cause: unknown): SshError {
  const code = cause instanceof SshError ? cause.code : "hostKey";
  const text = cause instanceof Error ? cause.message : String(cause);
  return new SshError(code, text, { cause, started: false });
}

function closedError(): SshError {
  return new SshError("closed", "ssh: the executor was closed", { started: false });
}
