import { makeSystemClock } from "../../actors/clock.ts";
import { instanceSetId } from "../../config/instance-set-id.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { secretsIn } from "../../config/secrets.ts";
import type { InstanceType } from "../../machines/model/instance-type.ts";
import { cutText } from "../../telemetry/cut-text.ts";
import { makeRedactor } from "../../telemetry/redact.ts";
import { makeTestPlan } from "../cloudtest/plan.ts";
import { summaryJson, type RunSummary } from "../cloudtest/summary.ts";
import { StepLog } from "../cloudtest/step-log.ts";
import { chooseTestType, driverRuns, runEach, type DriverRun } from "../cloudtest/targets.ts";
import { runOnDriver } from "../cloudtest/run-on-driver.ts";
import { findingLine, readClusterConfig } from "../cluster-config.ts";
import { CONFIG_FLAG, defineCommand, usageError } from "../command.ts";
import { dataDirOf } from "../connection.ts";
import { loadSecrets, type Secrets } from "../daemon/secrets.ts";
import { CliError, EXIT } from "../exit-code.ts";
import type { Io } from "../io.ts";

const DEFAULT_SET_ID = "zzzzz-zzzzz-zzzzzzcloudtest";
const NOTE_MAX_BYTES = 4_000;

export const cloudtestCommand = defineCommand({
  name: "cloudtest",
  summary: "Tests the configured cloud driver: the life of one instance, step by step.",
  flags: {
    config: CONFIG_FLAG,
    "instance-set-id": {
      type: "string",
      value: "ID",
      help: `InstanceSetID tag of the test instance. Default: ${DEFAULT_SET_ID}`,
    },
    "image-id": {
      type: "string",
      value: "ID",
      help: "Image to boot. Default: CloudVMs.ImageID of the config",
    },
    "instance-type": {
      type: "string",
      value: "NAME",
      help: "Name of a configured instance type. Default: the cheapest",
    },
    "destroy-existing": {
      type: "boolean",
      help: "Destroy instances that carry this InstanceSetID already; without it they are an error",
    },
    command: {
      type: "string",
      value: "COMMAND",
      help: "Shell command to run on the instance once it has booted",
    },
    "pause-before-destroy": {
      type: "boolean",
      help: "Wait for Enter on standard input before the instance is destroyed",
    },
    json: { type: "boolean", help: "Print a summary as JSON on standard output" },
  },
  notes: [
    "Lists, creates an instance, compares its tags, waits until it has booted, runs the command, destroys it and waits " +
      "until it is gone. What happens is told on standard error, with the time it takes. It costs what an instance of " +
      "that type costs for these minutes.",
    "Whatever fails, and after Ctrl-C too, the instance is destroyed. A second Ctrl-C gives up even that and names what " +
      "may be left.",
    "Where DriverParameters.SubnetID is a list, there is a run for each subnet; all must go well.",
  ],
  exitCodes: { [EXIT.failed]: "a step failed, or it was interrupted; standard error says what" },
  examples: [
    "dispatch-cloud cloudtest -config config.yml",
    "dispatch-cloud cloudtest -instance-type small -command 'df -h /tmp' -json",
  ],
  async run({ flags, io }) {
    if (flags["instance-set-id"] === "") {
      throw usageError({ name: "cloudtest" }, "--instance-set-id must not be empty");
    }
    const setup = await prepare(flags.config, io);
    const setId = flags["instance-set-id"] ?? DEFAULT_SET_ID;
    if (setId === instanceSetId(setup.secrets.systemRootToken)) {
      throw usageError(
        { name: "cloudtest" },
        `--instance-set-id ${setId} is the set of this cluster's dispatcher, whose instances are no test's`,
      );
    }
    const type = chooseTestType(setup.config.instanceTypes, flags["instance-type"]);
    const test: Test = {
      ...setup,
      io,
      type,
      setId,
      imageId: flags["image-id"],
      command: flags.command,
      destroyExisting: flags["destroy-existing"],
      pause: flags["pause-before-destroy"],
    };
    const { driverParameters } = setup.config.containers.cloudVMs;
    const { ok, runs } = await runEach(driverRuns(driverParameters), io.interrupts(), (driverRun) =>
      runOnce(test, driverRun),
    );
    if (flags.json) io.out(`${JSON.stringify(summaryJson(ok, type, runs))}\n`);
    io.err(ok ? "cloudtest: all went well\n" : "cloudtest: FAILED\n");
    return ok ? EXIT.ok : EXIT.failed;
  },
});

interface Setup {
  readonly config: ClusterConfig;
  readonly dataDir: string;
  readonly secrets: Secrets;
  readonly secretTexts: readonly string[];
}

interface Test extends Setup {
  readonly io: Io;
  readonly type: InstanceType;
  readonly setId: string;
  readonly imageId: string | undefined;
  readonly command: string | undefined;
  readonly destroyExisting: boolean;
  readonly pause: boolean;
}

async function prepare(flag: string | undefined, io: Io): Promise<Setup> {
  const { config, document, findings, sourceName } = await readClusterConfig(flag, io);
  for (const finding of findings) io.err(`${findingLine(finding)}\n`);
  if (!config || !document) throw new CliError(`${sourceName} is not usable`);
  const dataDir = dataDirOf(config, io);
  const secrets = loadSecrets(config, dataDir);
  const { systemRootToken, managementToken, privateKey } = secrets;
  const secretTexts = [
    ...secretsIn(document.cluster),
    systemRootToken,
    managementToken,
    privateKey,
  ];
  return { config, dataDir, secrets, secretTexts };
}

async function runOnce(test: Test, { subnetId, driverParameters }: DriverRun): Promise<RunSummary> {
  const { config, io, secrets } = test;
  const clock = makeSystemClock();
  const plan = makeTestPlan(config, {
    ...test,
    instanceSetId: test.setId,
    publicKey: secrets.publicKey,
    pid: process.pid,
  });
  const redact = makeRedactor([...test.secretTexts, plan.tags[plan.secretTag] ?? ""]);
  const steps = new StepLog({
    clock,
    write: (line) => io.err(line),
    clean: (text) => cutText(redact(text), NOTE_MAX_BYTES),
  });
  if (subnetId !== undefined) io.err(`cloudtest: subnet ${subnetId}\n`);
  const interrupted = io.interrupts();
  const onInterrupt = (): void =>
    io.err("interrupted: what was made is destroyed, then it ends; once more gives that up too\n");
  interrupted.addEventListener("abort", onInterrupt);
  try {
    const result = await runOnDriver({
      ...test,
      driverParameters,
      plan,
      steps,
      clock,
      interrupted,
      givenUp: io.interrupts(2),
      searchPath: io.env["PATH"],
      waitBeforeDestroy: test.pause ? (stop) => io.waitForEnter(stop) : undefined,
    });
    if (result.left.length > 0 || result.isUncertain) {
      const what = result.left.join(", ") || `one with the tag ${plan.setIdTag}=${test.setId}`;
      io.err(
        `NOT DESTROYED: ${what} may still be there; cloudtest -destroy-existing destroys it\n`,
      );
    }
    return { ...result, subnetId, steps: steps.results };
  } finally {
    interrupted.removeEventListener("abort", onInterrupt);
  }
}
