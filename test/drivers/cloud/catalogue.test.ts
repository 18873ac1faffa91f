import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkDriver } from "../../../src/drivers/cloud/catalogue.ts";
import { createRequest, NEVER } from "../../conformance/cloud.conformance.ts";
import { makeFakeClock } from "./fake.ts";

const SECTION = "Clusters.zzzzz.Containers.CloudVMs";
const PLACE = { prefix: SECTION, instanceTypes: ["small"] };

describe("the catalogue of cloud drivers", () => {
  it("refuses a driver that it does not know, and lists the ones that it does", () => {
    for (const name of ["azur", "", "constructor"]) {
      const { findings, open } = checkDriver(name, {}, PLACE);
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
      PLACE,
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
    const messages = checkDriver("static", { Hosts }, PLACE).findings.map(({ message }) => message);
    expect(messages).toEqual([
      expect.stringMatching(
        /DriverParameters\.Hosts\.box1\.HostKey.*SHA256:… as ssh-keygen -lf shows it/,
      ),
      expect.stringMatching(/DriverParameters\.Hosts.*bad name.*letters, digits, dots and dashes/),
    ]);
    expect(checkDriver("static", { Hosts: { box1: good } }, PLACE).findings).toEqual([]);
    const large = { ...good, InstanceType: "large" };
    const checked = checkDriver("static", { Hosts: { box1: large } }, PLACE);
    expect(checked).toEqual({
      findings: [
        expect.objectContaining({
          severity: "error",
          message: `${SECTION}.DriverParameters.Hosts.box1.InstanceType: "large": expected one of InstanceTypes: small`,
        }),
      ],
    });
    expect(checkDriver("static", {}, PLACE).findings[0]?.message).toMatch(
      /Hosts: .*a map from names/,
    );
  });

  it("warns of parameters that the driver does not have", () => {
    const { findings, open } = checkDriver("loopback", { Region: "eu", maxinstances: 2 }, PLACE);
    expect(open).toBeDefined();
    expect(findings.map(({ severity }) => severity)).toEqual(["warning", "warning"]);
    expect(findings[1]?.message).toMatch(/perhaps you meant MaxInstances/);
  });

  it.skipIf(process.platform !== "linux")("opens the driver with its parameters", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "catalogue-test-"));
    const { open } = checkDriver("loopback", { MaxInstances: 1 }, PLACE);
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
