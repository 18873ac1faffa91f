// Makes `crunch-run` one file with Node inside, for machines that have no Node: dist/runner/crunch-run, and beside it
// crunch-run.gz, which is what goes over the wire. `--arch arm64` (or x64) makes crunch-run-ARCH for other machines, by the
// Node of npm's package `node-linux-ARCH`.
import { execFile } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { createGzip } from "node:zlib";
import { build } from "esbuild";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, "dist", "runner");

/** By which Node knows that something has been put into it (Node's documentation, "Single executable applications"). */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** Returns the bundle's path. */
async function bundle(work: string): Promise<string> {
  const text = await readFile(join(root, "package.json"), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  const outfile = join(work, "crunch-run.cjs");
  await build({
    entryPoints: [join(root, "src/crunch-run/main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: `node${process.versions.node}`,
    // An executable of Node 20 cannot `import()`; `require` it can, of what is in Node.
    supported: { "dynamic-import": false },
    define: { BUILT_VERSION: JSON.stringify(version), "import.meta.url": '""' },
    logLevel: "warning",
  });
  return outfile;
}

/** What Node puts into the executable, as a file. */
async function blob(work: string, main: string): Promise<string> {
  const output = join(work, "crunch-run.blob");
  const config = join(work, "sea.json");
  // Neither a snapshot nor a code cache: neither starts it faster, and the blob would fit one kind of machine only.
  const sea = { main, output, disableExperimentalSEAWarning: true };
  await writeFile(config, JSON.stringify(sea));
  await run(process.execPath, ["--experimental-sea-config", config]);
  return output;
}

/** A Node of this very version, for that kind of machine. */
async function copyNode(work: string, arch: string, to: string): Promise<void> {
  if (arch === process.arch) return copyFile(process.execPath, to);
  const name = `node-linux-${arch}@${process.versions.node}`;
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", work, name]);
  await run("tar", ["-xzf", join(work, stdout.trim()), "-C", work, "package/bin/node"]);
  await rename(join(work, "package/bin/node"), to);
}

/** Without its symbols it is an eighth smaller. Before the blob is put in: after that it would no longer start. */
async function strip(file: string, arch: string): Promise<void> {
  try {
    await run("strip", [file]);
  } catch (cause) {
    const reason = String((cause as { stderr?: string }).stderr || (cause as Error).message);
    process.stderr.write(`not stripped, so larger than need be (${arch}): ${reason.trim()}\n`);
  }
}

async function put(data: string, file: string): Promise<void> {
  const postject = fileURLToPath(import.meta.resolve("postject/dist/cli.js"));
  const options = ["NODE_SEA_BLOB", data, "--sentinel-fuse", FUSE];
  try {
    // As a process of its own: it warns of things that do no harm.
    await run(process.execPath, [postject, file, ...options]);
  } catch (cause) {
    throw new Error(
      `${process.execPath} takes no program into it: ${(cause as Error).message}; ` +
        "expected a Node that is one file, as nodejs.org has it",
      { cause },
    );
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { arch: { type: "string", default: process.arch } } });
  const { arch } = values;
  if (process.platform !== "linux") throw new Error("the runner is for Linux, and is built there");
  const isNative = arch === process.arch;
  const name = isNative ? "crunch-run" : `crunch-run-${arch}`;
  await mkdir(target, { recursive: true });
  // There, so that the last step is a rename: nobody ever finds half a file.
  const work = await mkdtemp(join(target, ".build-"));
  try {
    const file = join(work, name);
    const data = await blob(work, await bundle(work));
    await copyNode(work, arch, file);
    await chmod(file, 0o755);
    await strip(file, arch);
    await put(data, file);
    if (isNative) await run(file, ["--version"]);
    await pipeline(
      createReadStream(file),
      createGzip({ level: 6 }),
      createWriteStream(`${file}.gz`),
    );
    for (const made of [`${name}.gz`, name]) {
      await rename(join(work, made), join(target, made));
      const { size } = await stat(join(target, made));
      process.stdout.write(`dist/runner/${made}: ${(size / 1e6).toFixed(1)} MB\n`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`build:runner: ${(error as Error).message}\n`);
  process.exitCode = 1;
});
