import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createGunzip, gunzip, gzip } from "node:zlib";
import type { Runner, RunnerBinary } from "../../actors/runner-binary.ts";
import { BUILTIN_RUNNER } from "../../config/runner-binary.ts";

/** What `npm run build:runner` makes, whether this file is built or not: gzipped, since it is seldom needed otherwise. */
export const BUILTIN_PATH = fileURLToPath(
  new URL("../../../dist/runner/crunch-run.gz", import.meta.url),
);

/** What is smaller is sent as it is, by the very commands of the original. */
const LARGE_BYTES = 1024 * 1024;

/** The binary of CloudVMs.DeployRunnerBinary; "" means that none is deployed. It is read until that worked once. */
export function makeRunnerFile(
  configured: string,
  { builtinPath = BUILTIN_PATH } = {},
): RunnerBinary | undefined {
  if (configured === "") return undefined;
  const read = () =>
    configured === BUILTIN_RUNNER ? readGzipped(builtinPath) : readPlain(configured);
  let loading: Promise<Runner> | undefined;
  return {
    load() {
      loading ??= read().catch((cause: unknown) => {
        loading = undefined;
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`error loading runner binary: ${reason}`, { cause });
      });
      return loading;
    },
  };
}

async function readPlain(path: string): Promise<Runner> {
  const content = await readFile(path);
  const runner = { md5: await md5Of(pieces(content)), content: async () => content };
  if (content.length < LARGE_BYTES) return runner;
  let packed: Promise<Buffer> | undefined;
  return { ...runner, gzipped: () => (packed ??= promisify(gzip)(content)) };
}

/** What is kept is what is sent, so that the sum is its own even when the file is built anew meanwhile. */
async function readGzipped(path: string): Promise<Runner> {
  const packed = await readFile(path);
  return {
    md5: await md5Of(Readable.from(pieces(packed)).pipe(createGunzip())),
    content: () => promisify(gunzip)(packed),
    gzipped: async () => packed,
  };
}

async function md5Of(stream: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash("md5");
  for await (const piece of stream) hash.update(piece as Buffer);
  return hash.digest("hex");
}

/** With other things done between them: all of it at once takes a fifth of a second. */
async function* pieces(content: Buffer): AsyncGenerator<Buffer> {
  const size = 1024 * 1024;
  for (let at = 0; at < content.length; at += size) {
    yield content.subarray(at, at + size);
    await setImmediate();
  }
}
