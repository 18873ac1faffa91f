import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { InstanceSet } from "../../../../src/drivers/cloud/port.ts";
import { CloudError } from "../../../../src/drivers/cloud/port.ts";
import { createRequest, NEVER, TEST_TYPE } from "../../../conformance/cloud.conformance.ts";
import { HOST_KEY, Lab } from "./fixture.ts";

const labs: Lab[] = [];
afterEach(() => {
  for (const lab of labs.splice(0)) lab.close();
});

function lab(count: number): Lab {
  const made = new Lab(count);
  labs.push(made);
  return made;
}

async function failureOf(promise: Promise<unknown>): Promise<CloudError["failure"]> {
  const error = await promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(CloudError);
  return (error as CloudError).failure;
}

const ids = async (set: InstanceSet): Promise<string[]> =>
  (await set.list({}, NEVER)).map(({ instanceId }) => instanceId);

describe.skipIf(process.platform !== "linux")("the static driver", () => {
  it("claims each host of the type once, and then says why none is free", async () => {
    const set = lab(2).open();
    const made = await Promise.all([1, 2].map(() => set.create(createRequest(), NEVER)));
    expect(made.map(({ address }) => address).sort()).toEqual(["box1", "box2"]);
    const failure = await failureOf(set.create(createRequest(), NEVER));
    expect(failure).toMatchObject({ code: "capacity", scope: "type" });
    for (const { instanceId } of made)
      expect(failure.message).toContain(`claimed as ${instanceId}`);
    const other = createRequest({ type: { ...TEST_TYPE, name: "large" } });
    expect(await failureOf(set.create(other, NEVER))).toEqual({
      code: "capacity",
      scope: "type",
      message: "no host of type large is free",
    });
  });

  it("gives each claim of a host an id of its own", async () => {
    const set = lab(1).open();
    const first = await set.create(createRequest(), NEVER);
    await set.destroy(first.instanceId, NEVER);
    expect(await ids(set)).toEqual([]);
    const second = await set.create(createRequest(), NEVER);
    expect(second.instanceId).not.toBe(first.instanceId);
    // It is no longer there to be ended.
    await set.destroy(first.instanceId, NEVER);
    expect(await ids(set)).toEqual([second.instanceId]);
  });

  it("finds what is claimed, with its tags, from another machine too", async () => {
    const here = lab(2);
    const tags = { InstanceSecret: "s3cret", "Odd name": 'it\'s "quoted" $HOME \n and on' };
    const made = await here.open().create(createRequest({ tags }), NEVER);
    expect(await here.open("set-1", "elsewhere").list({}, NEVER)).toEqual([made]);
    expect(made.tags).toEqual(tags);
  });

  it("leaves another dispatcher's claim alone, and names it", async () => {
    const here = lab(1);
    const ours = here.open();
    const theirs = here.open("set-2", "theirs");
    const { instanceId } = await theirs.create(createRequest(), NEVER);
    expect(await ids(ours)).toEqual([]);
    const { message } = await failureOf(ours.create(createRequest(), NEVER));
    expect(message).toContain("box1 is claimed by another dispatcher (instance set set-2)");
    expect(await ids(theirs)).toEqual([instanceId]);
  });

  it("lets one of two dispatchers have a host that both want at once", async () => {
    const here = lab(1);
    const sets = [here.open(), here.open("set-2", "theirs")];
    const made = await Promise.allSettled(sets.map((set) => set.create(createRequest(), NEVER)));
    expect(made.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect((await Promise.all(sets.map(ids))).flat()).toHaveLength(1);
  });

  it("goes on listing a host that cannot be reached, also after a restart, and claims it for nobody", async () => {
    const here = lab(1);
    const { instanceId } = await here.open().create(createRequest(), NEVER);
    here.host("box1").reachable = false;
    const again = here.open();
    expect(await ids(again)).toEqual([instanceId]);
    const { message } = await failureOf(again.create(createRequest(), NEVER));
    expect(message).toMatch(/host box1 \(box1\): no route to host/);
    expect(await failureOf(again.destroy(instanceId, NEVER))).toMatchObject({ code: "other" });
    expect(await ids(again)).toEqual([instanceId]);
    here.host("box1").reachable = true;
    await again.destroy(instanceId, NEVER);
    here.host("box1").reachable = false;
    expect(await ids(here.open())).toEqual([]);
  });

  it("keeps what it knows of claims, secrets among them, to itself", async () => {
    const here = lab(1);
    await here.open().create(createRequest({ tags: { InstanceSecret: "s3cret" } }), NEVER);
    const path = join(here.dir, "data/static/claims.json");
    expect(readFileSync(path, "utf8")).toContain("s3cret");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(here.host("box1").dir, "claim/claim")).mode & 0o777).toBe(0o600);
    writeFileSync(path, "{ cut");
    expect(await ids(here.open())).toHaveLength(1);
  });

  it("refuses a host with another key than the config says, in words that help", async () => {
    const here = lab(1);
    const set = here.open();
    const made = await set.create(createRequest(), NEVER);
    const session = { execute: () => Promise.reject(new Error("not asked")) };
    expect(await set.verifyHostKey(made, HOST_KEY, session)).toBe("verified");
    here.host("box1").key = Buffer.from("another key");
    const { message } = await failureOf(set.destroy(made.instanceId, NEVER));
    expect(message).toMatch(
      /host key mismatch: box1 shows SHA256:\S+, and DriverParameters\.Hosts/,
    );
    expect(await failureOf(set.verifyHostKey(made, Buffer.from("x"), session))).toMatchObject({
      code: "refused",
    });
    // It is neither free nor gone.
    expect(await ids(set)).toEqual([made.instanceId]);
  });

  it("claims one machine once, by whatever names it is reached", async () => {
    const here = lab(2);
    here.host("box2").machineId = here.host("box1").machineId;
    const set = here.open();
    await set.create(createRequest(), NEVER);
    const { message } = await failureOf(set.create(createRequest(), NEVER));
    expect(message).toContain("box2 is the same machine as box1");
  });

  it("ends what an earlier claim left, and removes its files, before it claims and before it gives back", async () => {
    const here = lab(1);
    const { locks, dir } = here.host("box1");
    const set = here.open();
    const uuid = "zzzzz-dz642-000000000000001";
    const left = (): { pids: number[]; ended: Promise<unknown> } => {
      mkdirSync(join(dir, "data", uuid), { recursive: true });
      const text = [
        `exec 8>"${locks}/crunch-run-${uuid}.lock"; echo $$ >&8; trap "" TERM`,
        // In a session of its own, without the lock and without the environment.
        `setsid env -i sh -c 'exec 8>&-; echo $$ >"${dir}/child"; sleep 1000; :' &`,
        `while :; do sleep 1; done`,
      ].join("\n");
      const runner = spawn("bash", ["-c", text], { stdio: "ignore", detached: true });
      return {
        pids: [runner.pid ?? 0],
        ended: new Promise((resolve) => runner.once("exit", resolve)),
      };
    };
    const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/cwd`);
    for (const act of [
      async () => void (await set.create(createRequest(), NEVER)),
      async () => set.destroy((await ids(set))[0] ?? "", NEVER),
    ]) {
      const { pids, ended } = left();
      await vi.waitFor(() => expect(existsSync(join(dir, "child"))).toBe(true));
      pids.push(Number(readFileSync(join(dir, "child"), "utf8")));
      await act();
      await ended;
      expect(pids.filter(isAlive)).toEqual([]);
      expect(existsSync(join(locks, `crunch-run-${uuid}.lock`))).toBe(false);
      expect(existsSync(join(dir, "data", uuid))).toBe(false);
    }
  }, 40_000);

  it("runs the init command of a claim once, and waits for none of it", async () => {
    const here = lab(1);
    const set = here.open();
    const initCommand = `echo "it's run" >>'${here.dir}/init'; sleep 5`;
    await set.create(createRequest({ initCommand }), NEVER);
    await vi.waitFor(() => expect(readFileSync(join(here.dir, "init"), "utf8")).toBe("it's run\n"));
    await ids(set);
    expect(readFileSync(join(here.dir, "init"), "utf8")).toBe("it's run\n");
  });

  it("claims by sudo where the login is not root and may use it, for runners run as root", async () => {
    const here = lab(1);
    const { dir } = here.host("box1");
    const log = join(dir, "sudo.log");
    mkdirSync(join(dir, "bin"));
    const program = (name: string, text: string): void =>
      writeFileSync(join(dir, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    program("id", "echo 1000");
    program("sudo", `echo "$1 $2" >>'${log}'; shift; exec "$@"`);
    await here.open().create(createRequest(), NEVER);
    expect(readFileSync(log, "utf8")).toMatch(/^(-n true\n-n sh\n)+$/);
    program("sudo", `echo "a password is required" >&2; exit 1`);
    expect(await ids(here.open())).toHaveLength(1);
  });

  it("says what is wrong with a host that does not answer as it should", async () => {
    const here = lab(1);
    writeFileSync(join(here.host("box1").dir, "claim"), "a file where the folder belongs");
    const { message } = await failureOf(here.open().create(createRequest(), NEVER));
    expect(message).toMatch(/host box1 \(box1\): the directory \S+ cannot be made/);
  });
});
