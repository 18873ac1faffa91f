import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** For the hook that builds it: 10 s on an idle machine. */
export const BUILD_TIMEOUT_MS = 240_000;

/** Why there cannot be one here; undefined where there can. */
export const noExecutable =
  process.platform === "linux" ? undefined : `the runner is for Linux, this is ${process.platform}`;

/** The runner as one executable: made at the first call, and again only when something of it is newer. */
export async function runnerExecutable(): Promise<string> {
  const file = join(root, "dist/runner/crunch-run");
  const parts = ["src", "scripts", "package.json", "package-lock.json"];
  const newestMs = Math.max(...parts.map((part) => changedAtMs(join(root, part))));
  if (!existsSync(`${file}.gz`) || !existsSync(file) || statSync(file).mtimeMs < newestMs)
    await promisify(execFile)("npm", ["run", "--silent", "build:runner"], { cwd: root });
  return file;
}

function changedAtMs(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).mtimeMs;
  return Math.max(...readdirSync(path).map((name) => changedAtMs(join(path, name))));
}

/** Makes `folder` a search path of what this machine has in /usr/bin and /bin, all but Node. */
export function pathWithoutNode(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const place of ["/usr/bin", "/bin"])
    for (const name of readdirSync(place))
      if (!/^(node|npm|npx|corepack)/.test(name) && !existsSync(join(folder, name)))
        symlinkSync(join(place, name), join(folder, name));
  return folder;
}
