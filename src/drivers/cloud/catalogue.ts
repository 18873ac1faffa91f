import type { z } from "zod";
import type { ConfigMap } from "../../config/document.ts";
import { count, duration, key, section } from "../../config/fields.ts";
import { error, type Finding } from "../../config/finding.ts";
import { findingsOf } from "../../config/problems.ts";
import { dropUnknown } from "../../config/unknown-keys.ts";
import { makeLoopbackInstanceSet } from "./loopback/driver.ts";
import type { CloudDriverContext, InstanceSet } from "./port.ts";
import { makeStaticInstanceSet } from "./static/driver.ts";
import { staticParameters } from "./static/parameters.ts";

export interface CheckedDriver {
  /** Everything wrong with the driver's name and parameters, with paths. */
  readonly findings: readonly Finding[];
  /** Opens the instance set; absent if a finding is an error. */
  readonly open?: (context: CloudDriverContext) => Promise<InstanceSet>;
}

/** Checks parameters of their own shape, then opens. */
type Driver = (parameters: ConfigMap, prefix: string) => CheckedDriver;

const DRIVERS: Readonly<Record<string, Driver>> = {
  loopback: driver(
    section({
      instancesMax: key("MaxInstances", count(1, 1), "One more is a quota error"),
      bootDelayMs: key("BootDelay", duration("0s"), "Until an instance answers by SSH"),
    }),
    async (parameters, context) => makeLoopbackInstanceSet({ ...context, ...parameters }),
  ),
  static: driver(staticParameters, async (parameters, context) =>
    makeStaticInstanceSet({ ...context, ...parameters }),
  ),
};

/** `prefix` is the path of the section that both stand in: `Clusters.<id>.Containers.CloudVMs`. */
export function checkDriver(name: string, parameters: ConfigMap, prefix: string): CheckedDriver {
  const check = Object.hasOwn(DRIVERS, name) ? DRIVERS[name] : undefined;
  if (check) return check(parameters, `${prefix}.DriverParameters`);
  const known = Object.keys(DRIVERS).join(", ");
  const message = `${prefix}.Driver: unsupported cloud driver "${name}"; expected one of: ${known}`;
  return { findings: [error(`${prefix}.Driver`, message)] };
}

function driver<P>(
  schema: z.ZodType<P>,
  open: (parameters: P, context: CloudDriverContext) => Promise<InstanceSet>,
): Driver {
  return (parameters, prefix) => {
    const { value, findings } = dropUnknown(parameters, [schema], prefix);
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      return { findings: [...findings, ...findingsOf(parsed.error.issues, value, prefix)] };
    }
    return { findings, open: (context) => open(parsed.data, context) };
  };
}
