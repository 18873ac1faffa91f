import type { Duplex } from "node:stream";

/** Where and as whom to connect; taken for the next connection. */
export interface SshTarget {
  /** `host`, `host:port`, bare IPv6, or "" while the instance has none. */
  readonly address: string;
  readonly remoteUser: string;
}

/** As one word of a shell command, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export interface SshCommand {
  readonly command: string;
  readonly stdin?: string | Buffer;
  /** Told, of a large `stdin`, how much of it the server has made room for so far. */
  readonly onSent?: (bytes: number) => void;
  readonly env?: Readonly<Record<string, string>>;
  /** From the call to the exit status, connecting included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface SshResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The command printed more on standard output than is kept: what `stdout` lacks may have been there. */
  readonly isCut?: boolean;
}

/** One verified connection, as a host key check may use it. */
export interface SshSession {
  execute(command: SshCommand): Promise<SshResult>;
}

/**
 * Throws when the host is not the one that it should be. Called before the first command of a connection whose key has
 * not been verified before (specification §8.2). `session` runs commands over that very connection.
 */
export type VerifyHostKey = (key: Buffer, session: SshSession) => Promise<void>;

/**
 * One multiplexed connection to one worker (specification §8.1). A command that ran answers with its exit code, whatever it is;
 * everything else throws `SshError`.
 */
export interface SshExecutor extends SshSession {
  setTarget(target: SshTarget): void;
  /** Absent where there is a way for commands only, as to a simulated worker. */
  readonly openStream?: OpenStream;
  /** Ends the connection; every later or waiting command throws `closed`. */
  close(): void;
}

/**
 * A stream of bytes to the Unix socket `path` on the host; it ends with the connection. `timeoutMs` is for the opening, connecting
 * included. Throws `SshError`: `refused` where nobody listens there, and also where the server allows no such streams.
 */
export type OpenStream = (path: string, options: { readonly timeoutMs: number }) => Promise<Duplex>;

export type SshErrorCode =
  | "noAddress"
  | "network"
  | "auth"
  | "hostKey"
  /** The command may have run. */
  | "lost"
  /** The command may have run, unless `started` is false. */
  | "timeout"
  | "signal"
  | "refused"
  | "closed";

export class SshError extends Error {
  override readonly name = "SshError";
  readonly code: SshErrorCode;
  /** Whether the command was handed to the server: if so, it may have run. */
  readonly started: boolean;

  constructor(code: SshErrorCode, message: string, options: ErrorOptions & { started: boolean }) {
    super(message, options);
    this.code = code;
    this.started = options.started;
  }
}
