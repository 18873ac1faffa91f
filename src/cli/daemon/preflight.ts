import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { createSecureContext } from "node:tls";
import { error, type Finding } from "../../config/finding.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { findMissingForDaemon } from "../../config/readiness.ts";
import { BUILTIN_RUNNER } from "../../config/runner-binary.ts";
import { checkDriver } from "../../drivers/cloud/catalogue.ts";
import { CRUNCH_RUN_PATH, INSTANCE_PATH } from "../../drivers/cloud/loopback/programs.ts";
import { readTokens } from "../token-file.ts";
import { BUILTIN_PATH } from "./runner-file.ts";
import { readPrivateKey } from "./secrets.ts";
import { readCertificate } from "./tls.ts";

/**
 * All that would stop a start, as far as it shows without starting: by the code that a start goes by, and nothing is made,
 * written or kept open. Drivers' warnings are among it; whatever is an error stops the start.
 */
export function findStartProblems(config: ClusterConfig, dataDir: string): Finding[] {
  const prefix = `Clusters.${config.id}`;
  const missing = findMissingForDaemon(config);
  const { driver, driverParameters, deployRunnerBinary } = config.containers.cloudVMs;
  const vms = `${prefix}.Containers.CloudVMs`;
  const instanceTypes = Object.keys(config.instanceTypes);
  return [
    ...missing,
    ...foreignController(config, prefix),
    ...checkDriver(driver, driverParameters, { prefix: vms, instanceTypes }).findings,
    ...dataDirProblems(`${prefix}.DispatchCloud.DataDir`, dataDir),
    ...tokenProblems(config, dataDir),
    ...privateKeyProblems(config, dataDir),
    ...certificateProblems(config, prefix),
    ...runnerProblems(`${vms}.DeployRunnerBinary`, { path: deployRunnerBinary, driver }),
  ];
}

/** The embedded queue is asked at that URL: at another one a foreign controller would answer. */
function foreignController(config: ClusterConfig, prefix: string): Finding[] {
  const { controller, dispatchCloud } = config.services;
  if (config.dispatchCloud.queue.driver !== "embedded" || controller.externalURL === "") return [];
  const { origin } = new URL(controller.externalURL);
  const own = Object.keys(dispatchCloud.internalURLs);
  if (own.some((url) => new URL(url).origin === origin)) return [];
  const path = `${prefix}.Services.Controller.ExternalURL`;
  return [
    error(
      path,
      `${path}: ${origin} is no address of this dispatcher, and the embedded queue would be asked there; expected none ` +
        `(leave it out), or one of ${prefix}.Services.DispatchCloud.InternalURLs; for that controller's own queue set ` +
        `${prefix}.DispatchCloud.Queue.Driver to arvados`,
    ),
  ];
}

function dataDirProblems(path: string, dataDir: string): Finding[] {
  let place = dataDir;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return problem(
    path,
    `${path}: ${dataDir} cannot be written`,
    "a folder that this user may write to",
    () => {
      if (!statSync(place).isDirectory()) throw new Error(`${place} is not a folder`);
      accessSync(place, constants.W_OK | constants.X_OK);
    },
  );
}

/** The messages of the token file name its path and the way out themselves. */
function tokenProblems({ dispatchCloud, ...config }: ClusterConfig, dataDir: string): Finding[] {
  if (dispatchCloud.queue.driver !== "embedded") return [];
  if (config.systemRootToken !== "" && config.managementToken !== "") return [];
  return problem("", "", "", () => void readTokens(dataDir));
}

function privateKeyProblems(
  { id, containers, dispatchCloud }: ClusterConfig,
  dataDir: string,
): Finding[] {
  const configured = containers.dispatchPrivateKey;
  const path = `Clusters.${id}.Containers.DispatchPrivateKey`;
  const made = join(dataDir, "dispatch_key");
  // It is said elsewhere that it is needed, or it is made at the first start.
  const isMade = dispatchCloud.queue.driver === "embedded" && existsSync(made);
  if (configured === "" && !isMade) return [];
  const place = configured === "" ? made : `${path}${nameOf(configured)}`;
  return problem(
    configured === "" ? "" : path,
    `${place} is no usable private key`,
    "an unencrypted key as PEM text or file:///path; ssh-keygen -t ed25519 -N '' -f FILE makes one",
    () => void readPrivateKey(configured, made),
  );
}

function certificateProblems(config: ClusterConfig, prefix: string): Finding[] {
  const { certificate, key } = config.tls;
  const path = `${prefix}.TLS`;
  return problem(
    path,
    `${path}: Certificate${nameOf(certificate)} and Key${nameOf(key)} cannot be used`,
    "a certificate and its key, each as PEM text or file:///path",
    () => {
      const pair = readCertificate(config);
      if (pair) createSecureContext(pair);
    },
  );
}

function runnerProblems(
  path: string,
  { path: file, driver }: { path: string; driver: string },
): Finding[] {
  const deployed = deployedProblems(path, file);
  if (driver !== "loopback") return deployed;
  return [
    ...deployed,
    ...[CRUNCH_RUN_PATH, INSTANCE_PATH].flatMap((entry) =>
      problem(
        "",
        `${entry} cannot be read`,
        'what "npm run build" makes: the loopback driver runs it',
        () => accessSync(entry, constants.R_OK),
      ),
    ),
  ];
}

function deployedProblems(path: string, file: string): Finding[] {
  if (file === "") return [];
  if (file === BUILTIN_RUNNER)
    return problem(
      path,
      `${path}: the ${BUILTIN_RUNNER} runner is not there`,
      'the executable that "npm run build:runner" makes, a crunch-run of your own by its path, or "" where workers have one',
      () => accessSync(BUILTIN_PATH, constants.R_OK),
    );
  return problem(
    path,
    `${path}: ${file} cannot be read`,
    'the crunch-run binary to copy to each worker, or "" where its image has one: no worker would ever get ready',
    () => void readFileSync(file),
  );
}

/** A file is named; a text may be the secret itself. */
function nameOf(value: string): string {
  return value.startsWith("file://") ? ` ${value}` : "";
}

function problem(path: string, what: string, expected: string, attempt: () => void): Finding[] {
  try {
    attempt();
    return [];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return [error(path, what === "" ? reason : `${what}: ${reason}; expected ${expected}`)];
  }
}
