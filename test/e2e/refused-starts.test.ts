import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { afterAll, describe } from "vitest";
import { openBox, type Tree } from "../support/daemon-box.ts";

const dir = mkdtempSync(join(tmpdir(), "refused-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const notAKey = join(dir, "not-a-key");
writeFileSync(notAKey, "no key\n");
const asDir = join(dir, "a-file");
writeFileSync(asDir, "");

const vms = (more: Tree): Tree => ({ Containers: { CloudVMs: more } });

/** What would stop a start, with what has to be said of it. */
const CASES: readonly (readonly [string, Tree, RegExp])[] = [
  [
    "an unknown driver",
    vms({ Driver: "ec3" }),
    /CloudVMs\.Driver: .*"ec3"; expected one of: loopback/,
  ],
  [
    "a driver parameter of the wrong kind",
    vms({ DriverParameters: { BootDelay: "soon" } }),
    /CloudVMs\.DriverParameters\.BootDelay: .*soon/,
  ],
  [
    "a private key that is none",
    { Containers: { DispatchPrivateKey: `file://${notAKey}` } },
    /Containers\.DispatchPrivateKey file:\/\/.*not-a-key is no usable private key: .*; expected .*ssh-keygen/,
  ],
  [
    "a private key's file that is not there",
    { Containers: { DispatchPrivateKey: "file:///nowhere/key" } },
    /DispatchPrivateKey file:\/\/\/nowhere\/key .*ENOENT/,
  ],
  [
    "a certificate that is not there",
    { TLS: { Certificate: "file:///nowhere/cert", Key: "file:///nowhere/key" } },
    /TLS: Certificate file:\/\/\/nowhere\/cert .*ENOENT.*; expected a certificate and its key/,
  ],
  [
    "a certificate that is none",
    { TLS: { Certificate: `file://${notAKey}`, Key: `file://${notAKey}` } },
    /TLS: Certificate file:\/\/.*not-a-key .* cannot be used: /,
  ],
  [
    "a runner that is not there",
    vms({ DeployRunnerBinary: "/nowhere/crunch-run" }),
    /CloudVMs\.DeployRunnerBinary: \/nowhere\/crunch-run cannot be read: ENOENT.*; expected the crunch-run binary/,
  ],
  [
    "an embedded queue beside a foreign controller",
    { Services: { Controller: { ExternalURL: "https://controller.example.org/" } } },
    /Services\.Controller\.ExternalURL: https:\/\/controller\.example\.org is no address of this dispatcher.*Queue\.Driver to arvados/,
  ],
  [
    "a data directory that is a file",
    { DispatchCloud: { DataDir: join(asDir, "data") } },
    /DispatchCloud\.DataDir: .*a-file\/data cannot be written: .*a-file is not a folder; expected/,
  ],
];

describe("config check --for-daemon and a start find", () => {
  it.each(CASES)("%s", async (_name, config, message) => {
    const box = openBox({ config });
    const checked = await box.cli("config", "check", "--for-daemon");
    expect(checked).toMatchObject({ code: 1, stdout: "" });
    expect(checked.stderr).toMatch(message);
    const asJson = await box.cli("config", "check", "--for-daemon", "--json");
    expect(JSON.parse(asJson.stdout)).toMatchObject({ ok: false });
    const started = await box.cli("run");
    expect(started.code).toBe(1);
    expect(started.stderr).toMatch(message);
  });

  it("nothing in a config that starts", async () => {
    const box = openBox({});
    const checked = await box.cli("config", "check", "--for-daemon");
    expect(checked).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("that the runner was not built as an executable, and how to", async () => {
    const copy = join(dir, "installed");
    const root = fileURLToPath(new URL("../..", import.meta.url));
    cpSync(join(root, "dist"), join(copy, "dist"), {
      recursive: true,
      filter: (path) => !path.startsWith(join(root, "dist/runner")),
    });
    cpSync(join(root, "package.json"), join(copy, "package.json"));
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const box = openBox({ config: vms({ DeployRunnerBinary: "builtin" }) });
    for (const command of ["config check --for-daemon", "run"]) {
      const program = join(copy, "dist/cli/main.js");
      const ended = await box.shell(`'${process.execPath}' '${program}' ${command}`);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toMatch(
        /CloudVMs\.DeployRunnerBinary: the builtin runner is not there: ENOENT.*runner\/crunch-run\.gz.*; expected .*"npm run build:runner"/,
      );
    }
  });

  it("tokens that others may read", async () => {
    const box = openBox({});
    mkdirSync(box.dataDir, { recursive: true });
    const tokens = join(box.dataDir, "tokens.json");
    writeFileSync(tokens, "{}");
    chmodSync(tokens, 0o644);
    const checked = await box.cli("config", "check", "--for-daemon");
    expect(checked.code).toBe(1);
    expect(checked.stderr).toContain("chmod 600");
  });
});
