import { CloudError } from "../port.ts";

export function quotaError(instancesMax: number): CloudError {
  const message =
    instancesMax === 1
      ? "loopback driver is always at quota"
      : `loopback driver is at its limit of ${instancesMax} instances (DriverParameters.MaxInstances)`;
  return new CloudError({ code: "quota", message });
}

export function notFoundError(instanceId: string, cause?: unknown): CloudError {
  const message = `there is no loopback instance ${instanceId}`;
  return new CloudError({ code: "notFound", message }, { cause });
}
