import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkDriver } from "../../../src/drivers/cloud/catalogue.ts";
import { createRequest, NEVER } from "../../conformance/cloud.conformance.ts";
import { makeFakeClock } from "./fake.ts";

const SECTION = "Clusters.zzzzz.Containers.CloudVMs";

describe("the catalogue of cloud drivers", () => {
  it("refuses a driver that it does not know, and lists the ones that it does", () => {
    for (const name of ["azur", "", "constructor"]) {
      const { findings, open } = checkDriver(name, {}, SECTION);
      expect(open).toBeUndefined();
      expect(findings).toEqual([
        {
          severity: "error",
          path: `${SECTION}.Driver`,
          message: `${SECTION}.Driver: unsupported cloud driver "${name}"; expected one of: loopback, static`,
        },
      ]);
    }
  });

  it("names all wrong parameters at once, with path, value and what was expected", () => {
    const { findings, open } = checkDriver(
      "loopback",
      { MaxInstances: 0, BootDelay: "soon" },
      SECTION,
    );
    expect(open).toBeUndefined();
    expect(findings.map(({ path }) => path)).toEqual([
      `${SECTION}.DriverParameters.MaxInstances`,
      `${SECTION}.DriverParameters.BootDelay`,
    ]);
    expect(findings[0]?.message).toMatch(/number 0 .*MaxInstances: expected a whole number, 1/);
    expect(findings[1]?.message).toMatch(/"soon" .*BootDelay: expected a duration/);
  });

  it("names the place of what is wrong with a host of the static driver", () => {
    const good = { Address: "box1", InstanceType: "small", HostKey: `SHA256:${"A".repeat(43)}` };
    const Hosts = { box1: { ...good, HostKey: "ssh-ed25519 nonsense" }, "bad name": good };
    const messages = checkDriver("static", { Hosts }, SECTION).findings.map(
      ({ message }) => message,
    );
    expect(messages).toEqual([
      expect.stringMatching(
        /DriverParameters\.Hosts\.box1\.HostKey.*SHA256:… as ssh-keygen -lf shows it/,
      ),
      expect.stringMatching(/DriverParameters\.Hosts.*bad name.*letters, digits, dots and dashes/),
    ]);
    expect(checkDriver("static", { Hosts: { box1: good } }, SECTION).findings).toEqual([]);
    expect(checkDriver("static", {}, SECTION).findings[0]?.message).toMatch(
      /Hosts: .*a map from names/,
    );
  });

  it("warns of parameters that the driver does not have", () => {
    const { findings, open } = checkDriver("loopback", { Region: "eu", maxinstances: 2 }, SECTION);
    expect(open).toBeDefined();
    expect(findings.map(({ severity }) => severity)).toEqual(["warning", "warning"]);
    expect(findings[1]?.message).toMatch(/perhaps you meant MaxInstances/);
  });

  it.skipIf(process.platform !== "linux")("opens the driver with its parameters", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "catalogue-test-"));
    const { open } = checkDriver("loopback", { MaxInstances: 1 }, SECTION);
    const set = await open!({
      dataDir,
      instanceSetId: "set-1",
      openSsh: () => {
        throw new Error("it needs no connection");
      },
      ...makeFakeClock(),
    });
    expect(await set.list({}, NEVER)).toEqual([]);
    expect(set.quotaGroup(createRequest().type)).toBe("");
    await set.close();
    rmSync(dataDir, { recursive: true });
  });
});
