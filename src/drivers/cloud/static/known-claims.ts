import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { claimSchema } from "./claim.ts";
import type { Claim } from "./claim.ts";

const fileSchema = z.record(z.string(), claimSchema);

/** Who had which host when it was last reached. A host that cannot be reached is neither free nor gone. */
export class KnownClaims {
  readonly #path: string;
  readonly #claims: Map<string, Claim>;

  /** What cannot be read is known anew once the hosts answer. */
  constructor(path: string) {
    this.#path = path;
    this.#claims = new Map(Object.entries(readClaims(path)));
  }

  get(name: string): Claim | undefined {
    return this.#claims.get(name);
  }

  set(name: string, claim: Claim | null): void {
    const before = this.#claims.get(name);
    if (JSON.stringify(before ?? null) === JSON.stringify(claim)) return;
    if (claim) this.#claims.set(name, claim);
    else this.#claims.delete(name);
    this.#save();
  }

  /** Tags hold instances' secrets: the file is for this user only. */
  #save(): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const text = JSON.stringify(Object.fromEntries(this.#claims), null, 2);
    writeFileSync(`${this.#path}.new`, `${text}\n`, { mode: 0o600, flush: true });
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function readClaims(path: string): Record<string, Claim> {
  try {
    const parsed = fileSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}
