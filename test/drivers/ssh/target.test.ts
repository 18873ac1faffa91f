import { describe, expect, it } from "vitest";
import { formatTarget, portNumber, resolveTarget } from "../../../src/drivers/ssh/target.ts";

describe("targets", () => {
  it("takes IPv6 in brackets without a port", () => {
    expect(resolveTarget("[fd00::1]", "2222")).toEqual({ host: "fd00::1", port: "2222" });
  });

  it("is shown with brackets around IPv6 only", () => {
    expect(formatTarget({ host: "fd00::1", port: "22" })).toBe("[fd00::1]:22");
    expect(formatTarget({ host: "10.0.0.1", port: "22" })).toBe("10.0.0.1:22");
  });

  it("knows the service name ssh and refuses what is no port", () => {
    expect(portNumber("ssh")).toBe(22);
    expect(portNumber("2222")).toBe(2222);
    for (const wrong of ["http", "-1", "65536", "22x", "", "1e3"]) {
      expect(portNumber(wrong)).toBeUndefined();
    }
  });
});
