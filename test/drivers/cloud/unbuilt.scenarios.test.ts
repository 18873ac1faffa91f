import { describeScenarios } from "../scenarios.ts";

const NOT_BUILT = "this driver does not exist yet";

describeScenarios("driver.ec2.json", { runs: {}, skips: { "*": NOT_BUILT } });
describeScenarios("driver.azure.json", { runs: {}, skips: { "*": NOT_BUILT } });
