import { connect } from "node:net";
import ssh2 from "ssh2";
import { connectError } from "./ssh.errors.ts";
import { SshError } from "./port.ts";
import { formatTarget, portNumber, resolveTarget } from "./target.ts";

/**
 * The key that a server shows to who has not logged in, in OpenSSH's wire format; of several kinds, the one that our
 * connections will ask for. Nothing is sent to the server that only its owner may know. Throws `SshError`.
 */
export function readHostKey(
  address: string,
  { defaultPort, timeoutMs }: { readonly defaultPort: string; readonly timeoutMs: number },
): Promise<Buffer> {
  const target = resolveTarget(address, defaultPort);
  const port = portNumber(target.port);
  const { host } = target;
  const where = formatTarget(target);
  if (port === undefined || host === "") {
    const text = `ssh: ${JSON.stringify(address)} is no address; expected a host, or host:port`;
    return Promise.reject(new SshError("network", text, { started: false }));
  }
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const client = new ssh2.Client();
    const fail = (text: string): void => reject(new SshError("network", text, { started: false }));
    const timer = setTimeout(() => {
      fail(`dial tcp ${where}: i/o timeout`);
      socket.destroy();
    }, timeoutMs);
    client.on("error", (error) => {
      reject(connectError(error, where, ""));
      socket.destroy();
    });
    client.once("close", () => {
      clearTimeout(timer);
      fail(`ssh: ${where}: connection closed before it showed its key`);
    });
    client.connect({
      sock: socket,
      // It wants one; the server hears of it only after the key.
      username: "nobody",
      readyTimeout: 0,
      hostVerifier: (key: Buffer) => {
        resolve(Buffer.from(key));
        // Seen is all that was wanted: the server hears no name and no login key.
        return false;
      },
    });
  });
}

/** Of a key in OpenSSH's wire format, which begins with it: `ssh-ed25519`. */
export function hostKeyType(key: Buffer): string {
  return key.length > 4 ? key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1") : "";
}
