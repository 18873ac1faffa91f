import { describe, it } from "vitest";
import { describeInstanceSet } from "../../../conformance/cloud.conformance.ts";
import { openLoopback, whyNot } from "./fixture.ts";

const reason = whyNot();
if (reason) {
  describe("loopback", () => it.skip(`keeps the contract of InstanceSet: ${reason}`, () => {}));
} else {
  const instancesMax = 2;
  describeInstanceSet("loopback", async () => ({
    ...openLoopback({ instancesMax }),
    instancesMax,
  }));
}
