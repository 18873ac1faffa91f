import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

const CHUNK_BYTES = 64 * 1024;

/** Reads a file that grows; when the runner moves it away and begins a new one, goes on with that. */
export class LogTail {
  readonly #path: string;
  readonly #write: (bytes: Uint8Array) => void;
  #fd: number | undefined;
  #offset = 0;

  constructor(path: string, write: (bytes: Uint8Array) => void) {
    this.#path = path;
    this.#write = write;
  }

  /** Hands on what is new. Returns false as long as there is no file. */
  read(): boolean {
    this.#fd ??= this.#open();
    if (this.#fd === undefined) return false;
    this.#drain(this.#fd);
    if (this.#isReplaced(this.#fd)) {
      // Nothing of the old one is lost: it is read to its end once more after it was moved.
      this.#drain(this.#fd);
      this.close();
      return this.read();
    }
    return true;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#offset = 0;
  }

  #open(): number | undefined {
    try {
      return openSync(this.#path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  #isReplaced(fd: number): boolean {
    const now = statSync(this.#path, { throwIfNoEntry: false });
    return now !== undefined && now.ino !== fstatSync(fd).ino;
  }

  #drain(fd: number): void {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, this.#offset);
      if (count === 0) return;
      this.#offset += count;
      // A copy: who takes it may not have sent it when the buffer is used again.
      this.#write(Uint8Array.prototype.slice.call(buffer, 0, count));
    }
  }
}
