import { describeScenarios } from "../scenarios.ts";

describeScenarios("dblock.json", {
  runs: {},
  skips: {
    "arv.dblock.lock":
      "the lock in the cluster's database does not exist yet; the lock of the data directory is tested in file-lock.test.ts",
  },
});
