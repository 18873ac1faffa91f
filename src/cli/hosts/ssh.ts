import type { ClusterConfig } from "../../config/load.ts";
import { makeSshExecutor } from "../../drivers/ssh/executor.ts";
import type { SshExecutor, SshTarget, VerifyHostKey } from "../../drivers/ssh/port.ts";

/** A host that does not answer for so long is one that does not answer; somebody waits at a terminal. */
const CONNECT_MAX_MS = 10_000;

export type OpenSsh = (target: SshTarget, verifyHostKey: VerifyHostKey) => SshExecutor;

/** What to log in with. */
export type LoginKey = { readonly privateKey: string } | { readonly agent: string };

/** As the dispatcher connects, with a login of choice. */
export function makeOpenSsh(config: ClusterConfig, login: LoginKey): OpenSsh {
  return (target, verifyHostKey) =>
    makeSshExecutor({
      target,
      verifyHostKey,
      privateKey: undefined,
      ...login,
      defaultPort: config.containers.cloudVMs.sshPort,
      connectTimeoutMs: connectTimeoutMs(config),
      setTimer(delayMs, callback) {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    });
}

export function connectTimeoutMs({ dispatchCloud }: ClusterConfig): number {
  return Math.min(dispatchCloud.ssh.connectTimeoutMs, CONNECT_MAX_MS);
}
