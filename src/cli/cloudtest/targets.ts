import type { ConfigMap } from "../../config/document.ts";
import type { InstanceType } from "../../machines/model/instance-type.ts";
import { CliError, UsageError } from "../exit-code.ts";
import { suggestion } from "../nearest.ts";

/** The wanted type, else the cheapest, of equally cheap ones the first by name. Throws `CliError` where there is none. */
export function chooseTestType(
  types: Readonly<Record<string, InstanceType>>,
  wanted: string | undefined,
): InstanceType {
  const names = Object.keys(types).sort();
  if (wanted !== undefined) {
    const type = Object.hasOwn(types, wanted) ? types[wanted] : undefined;
    if (type) return type;
    throw new UsageError(
      `instance type ${JSON.stringify(wanted)} not found in cluster config${suggestion(wanted, names)} ` +
        `(there are: ${names.join(", ")})`,
    );
  }
  const [first, ...others] = names.map((name) => types[name] as InstanceType);
  if (!first) {
    throw new CliError("no instance types configured: Clusters.<id>.InstanceTypes is empty");
  }
  return others.reduce((best, type) => (type.price < best.price ? type : best), first);
}

export interface DriverRun {
  /** Undefined where the config names no list of subnets. */
  readonly subnetId: string | undefined;
  readonly driverParameters: ConfigMap;
}

/** A run per subnet where `SubnetID` is a list of two or more (specification §10), each with parameters of its own; else one. */
export function driverRuns(driverParameters: ConfigMap): readonly DriverRun[] {
  const subnets = driverParameters["SubnetID"];
  if (!Array.isArray(subnets) || subnets.length < 2) {
    return [{ subnetId: undefined, driverParameters }];
  }
  return subnets.map((subnet: unknown) => ({
    subnetId: String(subnet),
    driverParameters: { ...driverParameters, SubnetID: subnet },
  }));
}

/** One after another, also after one that failed, but none after an interrupt. Well when all are. */
export async function runEach<T extends { readonly ok: boolean }>(
  driverRuns: readonly DriverRun[],
  interrupted: AbortSignal,
  run: (driverRun: DriverRun) => Promise<T>,
): Promise<{ ok: boolean; runs: readonly T[] }> {
  const runs: T[] = [];
  for (const driverRun of driverRuns) {
    runs.push(await run(driverRun));
    if (interrupted.aborted) break;
  }
  return { runs, ok: runs.length === driverRuns.length && runs.every(({ ok }) => ok) };
}
