import type { z } from "zod";
import type { ConfigMap } from "../../config/document.ts";
import { count, duration, key, section } from "../../config/fields.ts";
import { error, type Finding } from "../../config/finding.ts";
import { findingsOf } from "../../config/problems.ts";
import { dropUnknown } from "../../config/unknown-keys.ts";
import { makeLoopbackInstanceSet } from "./loopback/driver.ts";
import type { CloudDriverContext, InstanceSet } from "./port.ts";
import { makeStaticInstanceSet } from "./static/driver.ts";
import { staticParameters, type StaticParameters } from "./static/parameters.ts";

export interface CheckedDriver {
  /** Everything wrong with the driver's name and parameters, with paths. */
  readonly findings: readonly Finding[];
  /** Opens the instance set; absent if a finding is an error. */
  readonly open?: (context: CloudDriverContext) => Promise<InstanceSet>;
}

interface Place {
  /** Path of the parameters. */
  readonly prefix: string;
  /** Names of the config's instance types. */
  readonly instanceTypes: readonly string[];
}

/** Checks parameters of their own shape, then opens. */
type Driver = (parameters: ConfigMap, place: Place) => CheckedDriver;

const DRIVERS: Readonly<Record<string, Driver>> = {
  loopback: driver(
    section({
      instancesMax: key("MaxInstances", count(1, 1), "One more is a quota error"),
      bootDelayMs: key("BootDelay", duration("0s"), "Until an instance answers by SSH"),
    }),
    async (parameters, context) => makeLoopbackInstanceSet({ ...context, ...parameters }),
  ),
  static: driver(
    staticParameters,
    async (parameters, context) => makeStaticInstanceSet({ ...context, ...parameters }),
    hostTypeProblems,
  ),
};

/** `prefix` is the path of the section that both stand in: `Clusters.<id>.Containers.CloudVMs`. */
export function checkDriver(
  name: string,
  parameters: ConfigMap,
  { prefix, instanceTypes }: Place,
): CheckedDriver {
  const check = Object.hasOwn(DRIVERS, name) ? DRIVERS[name] : undefined;
  if (check) return check(parameters, { prefix: `${prefix}.DriverParameters`, instanceTypes });
  const known = Object.keys(DRIVERS).join(", ");
  const message = `${prefix}.Driver: unsupported cloud driver "${name}"; expected one of: ${known}`;
  return { findings: [error(`${prefix}.Driver`, message)] };
}

function driver<P>(
  schema: z.ZodType<P>,
  open: (parameters: P, context: CloudDriverContext) => Promise<InstanceSet>,
  problemsOf: (parameters: P, place: Place) => Finding[] = () => [],
): Driver {
  return (parameters, place) => {
    const { prefix } = place;
    const { value, findings } = dropUnknown(parameters, [schema], prefix);
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      return { findings: [...findings, ...findingsOf(parsed.error.issues, value, prefix)] };
    }
    const problems = problemsOf(parsed.data, place);
    if (problems.length > 0) return { findings: [...findings, ...problems] };
    return { findings, open: (context) => open(parsed.data, context) };
  };
}

/** A host of a type that the config does not have would never be claimed. */
function hostTypeProblems(
  { hosts }: StaticParameters,
  { prefix, instanceTypes }: Place,
): Finding[] {
  return Object.entries(hosts).flatMap(([name, { instanceType }]) => {
    if (instanceTypes.includes(instanceType)) return [];
    const path = `${prefix}.Hosts.${name}.InstanceType`;
    const known = instanceTypes.join(", ") || "none";
    return [error(path, `${path}: "${instanceType}": expected one of InstanceTypes: ${known}`)];
  });
}
