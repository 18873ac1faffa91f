import { createHash, timingSafeEqual } from "node:crypto";
import type { Instance, InstanceSet } from "../cloud/port.ts";
import type { SshSession, VerifyHostKey } from "./port.ts";

export const SECRET_PATH = "/var/run/arvados-instance-secret";

export interface TagVerifierOptions {
  readonly driver: Pick<InstanceSet, "verifyHostKey">;
  /** The instance as it was last listed. */
  readonly instance: () => Instance;
  /** What its tag `InstanceSecret` must be; "" if it was made without one. */
  readonly instanceSecret: () => string;
  readonly timeoutMs: number;
  /** The worker answers by SSH; its key is not verified yet. */
  readonly onConnected?: () => void;
}

/**
 * Makes sure that the host is the instance that it should be (specification §8.2): by the driver's own method where it has one,
 * otherwise by the secret that the boot script left there. No newline is allowed for: the boot script writes none.
 */
export function makeTagVerifier(options: TagVerifierOptions): VerifyHostKey {
  return async (key, session) => {
    options.onConnected?.();
    const instance = options.instance();
    const answer = await options.driver.verifyHostKey(instance, key, session);
    if (answer === "verified") return;
    const secret = options.instanceSecret();
    if (secret === "") {
      throw new Error("host key verification: not implemented by the driver, and no secret tag");
    }
    const found = await readSecret(session, instance.remoteUser, options.timeoutMs);
    if (!equalInConstantTime(found, secret)) throw new Error("bad instance secret");
  };
}

async function readSecret(session: SshSession, user: string, timeoutMs: number): Promise<string> {
  const sudo = user === "root" ? "" : "sudo ";
  const command = `${sudo}cat ${SECRET_PATH}`;
  const { exitCode, stdout, stderr } = await session.execute({ command, timeoutMs });
  if (exitCode === 0) return stdout;
  throw new Error(`host key verification: ${command}: exit status ${exitCode}: ${stderr.trim()}`);
}

/** Also of strings of different lengths. */
function equalInConstantTime(left: string, right: string): boolean {
  return timingSafeEqual(sha256(left), sha256(right));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
