import type { SshExecutor, SshTarget } from "../drivers/ssh/port.ts";

/** Makes a connection's executor; the composition root knows the keys and how to verify the host. */
export type OpenSession = (
  instanceId: string,
  target: SshTarget,
  onConnected: () => void,
) => SshExecutor;

/** One SSH connection a worker, made when first needed and closed when the worker is gone. */
export class Sessions {
  readonly #open: OpenSession;
  readonly #sessions = new Map<string, SshExecutor>();

  constructor(open: OpenSession) {
    this.#open = open;
  }

  of(instanceId: string, target: SshTarget, onConnected: () => void): SshExecutor {
    const known = this.#sessions.get(instanceId);
    if (known) {
      known.setTarget(target);
      return known;
    }
    const session = this.#open(instanceId, target, onConnected);
    this.#sessions.set(instanceId, session);
    return session;
  }

  close(instanceId: string): void {
    this.#sessions.get(instanceId)?.close();
    this.#sessions.delete(instanceId);
  }

  closeAll(): void {
    for (const instanceId of [...this.#sessions.keys()]) this.close(instanceId);
  }
}
