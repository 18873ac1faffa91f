import { describe, it } from "vitest";
import { describeInstanceSet } from "../../../conformance/cloud.conformance.ts";
import { Lab } from "./fixture.ts";

if (process.platform !== "linux") {
  describe("static", () =>
    it.skip("keeps the contract of InstanceSet: its hosts are Linux", () => {}));
} else {
  describeInstanceSet("static", async () => {
    const lab = new Lab(3);
    return { set: lab.open(), close: async () => lab.close() };
  });
}
