import { fingerprintOf } from "../../drivers/cloud/static/host-key.ts";
import { hostKeyType } from "../../drivers/ssh/host-key-scan.ts";
import { CliError } from "../exit-code.ts";
import type { Io } from "../io.ts";

export interface Consent {
  /** To all that would be asked. */
  readonly yes: boolean;
  /** Of the keys that are known to be right; any other is refused. */
  readonly fingerprints: readonly string[];
}

/** `ssh-ed25519 SHA256:…` */
export function keyText(key: Buffer): string {
  return `${hostKeyType(key)} ${fingerprintOf(key)}`;
}

/** Returns if `key` may be believed. Throws `CliError` if it may not, or if there is nobody to ask. */
export async function trustKey(
  { whose, key }: { readonly whose: string; readonly key: Buffer },
  { yes, fingerprints }: Consent,
  io: Io,
): Promise<void> {
  if (fingerprints.includes(fingerprintOf(key))) return;
  if (fingerprints.length > 0)
    throw new CliError(`${whose} shows another key than --fingerprint says: ${keyText(key)}`);
  if (yes) return;
  if (!io.ask)
    throw new CliError(
      `${whose} shows the key ${keyText(key)}, and there is no terminal to ask at whether that is its own: ` +
        "say --fingerprint SHA256:… with the one that it has (on it: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), " +
        "or --yes to believe what is shown",
    );
  if (!(await agrees(io, `Is that the key of ${whose}?`)))
    throw new CliError(`${whose}: its key was not accepted, nothing was done with it`);
}

/** Throws `CliError` where there is nobody to ask. */
export async function confirm(question: string, { yes }: Consent, io: Io): Promise<boolean> {
  if (yes) return true;
  if (!io.ask) throw new CliError(`${question} There is no terminal to ask at: say --yes`);
  return agrees(io, question);
}

async function agrees(io: Io, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(((await io.ask?.(`${question} [y/N] `)) ?? "").trim());
}
