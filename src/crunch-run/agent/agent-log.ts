import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

const LOG_BYTES_MAX = 1024 * 1024;

/** Lines with the time, in a file that is begun anew at its limit: the one before is kept as `….1`. Never fails. */
export class AgentLog {
  readonly #path: string;
  readonly #bytesMax: number;
  #fd: number;
  #bytes: number;

  /** Throws where the file cannot be opened. */
  constructor(path: string, bytesMax = LOG_BYTES_MAX) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#fd = openSync(path, "a", 0o600);
    this.#bytes = fstatSync(this.#fd).size;
  }

  /** For what a process prints of itself. */
  get fd(): number {
    return this.#fd;
  }

  readonly write = (message: string): void => {
    const line = `${new Date().toISOString()} ${message.replaceAll("\n", "\\n")}\n`;
    try {
      if (this.#bytes + line.length > this.#bytesMax) this.#turn();
      this.#bytes += writeSync(this.#fd, line);
    } catch {
      // The disk is full, or the folder is gone: there is no other place to tell it.
    }
  };

  #turn(): void {
    renameSync(this.#path, `${this.#path}.1`);
    const next = openSync(this.#path, "a", 0o600);
    closeSync(this.#fd);
    this.#fd = next;
    this.#bytes = 0;
  }
}
