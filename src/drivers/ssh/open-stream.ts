import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import type { Call } from "./call.ts";
import { SshError } from "./port.ts";
import { isOpenRefusal } from "./ssh.errors.ts";

/**
 * Opens a stream to the Unix socket `path` on the host. The server gives the same answer where nobody listens there, where the file is
 * missing and where it lets nobody do this at all.
 */
export function openStreamLocal(client: Client, path: string, call: Call): Promise<Duplex> {
  call.phase = "opening a stream";
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(call.scope.reason as Error);
    call.scope.addEventListener("abort", onAbort, { once: true });
    try {
      client.openssh_forwardOutStreamLocal(path, (error, channel) => {
        call.scope.removeEventListener("abort", onAbort);
        if (error) return reject(openError(error, path));
        // Nobody waits for it any more.
        if (call.scope.aborted) channel.on("error", () => {}).destroy();
        else resolve(channel);
      });
    } catch (cause) {
      call.scope.removeEventListener("abort", onAbort);
      reject(new SshError("lost", "ssh: not connected", { cause, started: false }));
    }
  });
}

function openError(cause: Error, path: string): SshError {
  const code = isOpenRefusal(cause) ? "refused" : "lost";
  const text = `ssh: the server opens no stream to ${path}: ${cause.message}`;
  return new SshError(code, text, { cause, started: false });
}
