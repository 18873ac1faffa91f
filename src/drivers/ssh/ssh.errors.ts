import { SshError } from "./port.ts";

/** What ssh2 and the sockets attach to their errors. */
interface VendorError extends Error {
  /** A socket's errno name, or the number of an SSH disconnect reason. */
  readonly code?: string | number;
  readonly level?: string;
}

/** The words that Go's net package uses, which operators search their logs for. */
const SOCKET_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  ECONNABORTED: "connection aborted",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "i/o timeout",
  EADDRNOTAVAIL: "cannot assign requested address",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "temporary failure in name resolution",
};

/** Why a connection to `where` (`host:port`) could not be set up. No command has been handed over. */
export function connectError(cause: VendorError, where: string, user: string): SshError {
  const options = { cause, started: false };
  if (cause.level === "client-authentication") {
    const text = `ssh: unable to authenticate as ${user} at ${where}: the server accepts none of our keys`;
    return new SshError("auth", text, options);
  }
  if (cause.level === "client-socket") {
    return new SshError("network", `dial tcp ${where}: ${socketWords(cause)}`, options);
  }
  if (cause.level === "protocol") {
    return new SshError("network", `ssh: ${where}: ${cause.message}`, options);
  }
  return new SshError("auth", `ssh: handshake with ${where} failed: ${cause.message}`, options);
}

/** What ended a connection that had been set up. */
export function lossWords(cause: VendorError | undefined): string {
  if (!cause) return "connection closed by the server";
  return cause.level === "client-socket" ? socketWords(cause) : cause.message;
}

function socketWords(cause: VendorError): string {
  const code = typeof cause.code === "string" ? cause.code : "";
  return SOCKET_WORDS[code] ?? (cause.message || code || "connection failed");
}

/** Whether the server would not open one more channel: what MaxSessions looks like from outside. */
export function isOpenRefusal(cause: Error): boolean {
  return "reason" in cause && cause.message.startsWith("(SSH) Channel open failure");
}
