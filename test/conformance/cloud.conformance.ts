import { afterEach, describe, expect, it } from "vitest";
import type { CreateRequest, Instance, InstanceSet } from "../../src/drivers/cloud/port.ts";
import { CloudError } from "../../src/drivers/cloud/port.ts";
import { makeKeyPair } from "../../src/drivers/ssh/key-pair.ts";
import { NO_GPU, type InstanceType } from "../../src/machines/model/instance-type.ts";

export interface CloudFixture {
  readonly set: InstanceSet;
  /** How many instances it lets one have; absent if there is no limit that a test can reach. */
  readonly instancesMax?: number;
  /** Ends whatever it started. */
  close(): Promise<void>;
}

export const TEST_TYPE: InstanceType = {
  name: "small",
  providerType: "tiny.1",
  vcpus: 1,
  ram: 1e9,
  includedScratch: 1e9,
  addedScratch: 0,
  scratch: 1e9,
  price: 0.1,
  preemptible: false,
  gpu: NO_GPU,
};

export const TEST_KEY = makeKeyPair("test");

export function createRequest(more: Partial<CreateRequest> = {}): CreateRequest {
  return {
    type: TEST_TYPE,
    imageId: "image-1",
    tags: { A: "1", B: "2" },
    initCommand: "",
    publicKey: TEST_KEY.public,
    ...more,
  };
}

export const NEVER = new AbortController().signal;

/** What every `InstanceSet` must keep (specification §9.1). */
export function describeInstanceSet(name: string, makeFixture: () => Promise<CloudFixture>): void {
  const fixtures: CloudFixture[] = [];
  afterEach(async () => {
    for (const fixture of fixtures.splice(0)) await fixture.close();
  });

  async function open(): Promise<CloudFixture> {
    const fixture = await makeFixture();
    fixtures.push(fixture);
    return fixture;
  }

  async function ids(set: InstanceSet): Promise<string[]> {
    return (await set.list({}, NEVER)).map((instance) => instance.instanceId);
  }

  async function failureCode(promise: Promise<unknown>): Promise<string> {
    const error = await promise.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(CloudError);
    return (error as CloudError).failure.code;
  }

  describe(`${name} keeps the contract of InstanceSet`, () => {
    it("lists nothing before anything was created", async () => {
      const { set } = await open();
      expect(await set.list({}, NEVER)).toEqual([]);
    });

    it("lists what it created under the same id, with its type, user and tags", async () => {
      const { set } = await open();
      const created = await set.create(createRequest(), NEVER);
      const [listed, ...others] = await set.list({}, NEVER);
      expect(others).toEqual([]);
      expect(listed).toMatchObject({
        instanceId: created.instanceId,
        providerType: TEST_TYPE.providerType,
        tags: { A: "1", B: "2" },
      });
      expect(listed?.remoteUser).not.toBe("");
      expect(listed?.remoteUser).toBe(created.remoteUser);
    });

    it("lists plain data that later calls do not change", async () => {
      const { set } = await open();
      const tags = { A: "1" };
      const { instanceId } = await set.create(createRequest({ tags }), NEVER);
      const [before] = await set.list({}, NEVER);
      await set.setTags(instanceId, { A: "2" }, NEVER);
      expect(JSON.parse(JSON.stringify(before))).toEqual(before);
      expect(before?.tags["A"]).toBe("1");
      expect(tags).toEqual({ A: "1" });
    });

    it("sets the tags that it is given and leaves others alone", async () => {
      const { set } = await open();
      const { instanceId } = await set.create(createRequest(), NEVER);
      await set.setTags(instanceId, { B: "new", C: "3" }, NEVER);
      const [listed] = await set.list({}, NEVER);
      expect(listed?.tags).toMatchObject({ A: "1", B: "new", C: "3" });
    });

    it("gives the instance an address in the end", async () => {
      const { set } = await open();
      await set.create(createRequest(), NEVER);
      await expect
        .poll(async () => (await set.list({}, NEVER))[0]?.address, { timeout: 15_000 })
        .toMatch(/./);
    });

    it("stops to list an instance that was destroyed, and does not mind a second destroy", async () => {
      const { set } = await open();
      const { instanceId } = await set.create(createRequest(), NEVER);
      await set.destroy(instanceId, NEVER);
      await expect.poll(() => ids(set), { timeout: 15_000 }).toEqual([]);
      await set.destroy(instanceId, NEVER);
    });

    it("does not mind a destroy of what never was", async () => {
      const { set } = await open();
      for (const id of ["nobody", "../../etc", ""]) await set.destroy(id, NEVER);
    });

    it("installs no key where none is given", async () => {
      const { set } = await open();
      const created = await set.create(createRequest({ publicKey: null }), NEVER);
      expect(await ids(set)).toEqual([created.instanceId]);
    });

    it("answers a create over the limit with a quota error, also of two at once", async ({
      skip,
    }) => {
      const { set, instancesMax } = await open();
      if (instancesMax === undefined) return skip("this cloud has no limit that a test can reach");
      const creates = Array.from({ length: instancesMax + 1 }, () =>
        set.create(createRequest(), NEVER),
      );
      const failed = creates.map(async (create) => failureCode(create).catch(() => "created"));
      expect((await Promise.all(failed)).sort()).toEqual(
        [...Array<string>(instancesMax).fill("created"), "quota"].sort(),
      );
      expect(await ids(set)).toHaveLength(instancesMax);
      expect(await failureCode(set.create(createRequest(), NEVER))).toBe("quota");
    });

    it("gives up with `aborted` when the signal has aborted, and does nothing", async () => {
      const { set } = await open();
      const aborted = AbortSignal.abort();
      const nobody: Pick<Instance, "instanceId"> = { instanceId: "nobody" };
      expect(await failureCode(set.create(createRequest(), aborted))).toBe("aborted");
      expect(await failureCode(set.list({}, aborted))).toBe("aborted");
      expect(await failureCode(set.destroy(nobody.instanceId, aborted))).toBe("aborted");
      expect(await failureCode(set.setTags(nobody.instanceId, {}, aborted))).toBe("aborted");
      expect(await ids(set)).toEqual([]);
    });

    it("names the quota group of a type", async () => {
      const { set } = await open();
      expect(set.quotaGroup(TEST_TYPE)).toBeTypeOf("string");
    });
  });
}
