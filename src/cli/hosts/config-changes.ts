import { isMap } from "../../config/document.ts";
import type { ConfigText } from "./config-text.ts";
import { isOwnTypeName, placeType, type measuredType } from "./instance-type.ts";

const VMS = ["Containers", "CloudVMs"];
const HOSTS = [...VMS, "DriverParameters", "Hosts"];
const TYPES = ["InstanceTypes"];

export interface HostEntry {
  readonly address: string;
  readonly user: string;
  /** Its fingerprint. */
  readonly hostKey: string;
}

/** What a new file begins with; hosts and their types come to it as they do to any other. */
export function newConfig(dataDir: string | undefined): string {
  return `# A dispatcher with a queue of its own, on machines that are there already: docs/hosts.md.
# "dispatch-cloud hosts add USER@HOST" keeps InstanceTypes and Hosts; every key that is not here has its default.

Clusters:
  # Five lower-case letters or digits; uuids begin with it.
  local:
    # Where this dispatcher listens, for the command line and the page. Hosts need not reach it.
    Services:
      DispatchCloud:
        InternalURLs:
          "http://127.0.0.1:9006/": {}

    DispatchCloud:
${dataDir === undefined ? "" : `      DataDir: ${JSON.stringify(dataDir)}\n`}      Queue:
        Driver: embedded

    # One for each size of host. Nothing is paid by the hour, so the price is 0.
    InstanceTypes: {}

    Containers:
      RuntimeEngine: process # runs the command as a child process; nothing is isolated
      ReserveExtraRAM: 0
      LocalKeepBlobBuffersPerVCPU: 0

      CloudVMs:
        Driver: static
        BootProbeCommand: "true" # a host that answers has booted
        DeployRunnerDirectory: /var/tmp/dispatch-cloud # on the hosts; 100 MB, which a reboot leaves there
        DriverParameters:
          Hosts: {}
`;
}

/** Which driver the text names; undefined where it leaves that to the default. */
export function driverOf(text: ConfigText): unknown {
  return text.get([...VMS, "Driver"]);
}

/** The parameters of another driver are no parameters of this one. */
export function useStaticDriver(text: ConfigText): void {
  if (driverOf(text) !== "static") {
    for (const key of Object.keys(text.map([...VMS, "DriverParameters"])))
      text.delete([...VMS, "DriverParameters", key]);
    // "" said that the runner is there already, as it is on this machine.
    if (text.get([...VMS, "DeployRunnerBinary"]) === "")
      text.delete([...VMS, "DeployRunnerBinary"]);
    text.set([...VMS, "Driver"], "static");
  }
  // The default asks systemd for a system without any fault, which few machines in use are.
  if (text.get([...VMS, "BootProbeCommand"]) === undefined)
    text.set([...VMS, "BootProbeCommand"], "true");
}

/** Adds a host or changes one, with its type. Returns the type's name. */
export function putHost(
  text: ConfigText,
  name: string,
  {
    host,
    measured,
  }: { readonly host: HostEntry; readonly measured: ReturnType<typeof measuredType> },
): string {
  const type = placeType(measured, text.map(TYPES));
  const found = text.get([...TYPES, type.name]) !== undefined;
  if (type.entry && found)
    text.set([...TYPES, type.name, "IncludedScratch"], type.entry.IncludedScratch);
  else if (type.entry) text.set([...TYPES, type.name], type.entry, { isFlow: true });
  const before = text.get([...HOSTS, name, "InstanceType"]);
  const entry = {
    Address: host.address,
    User: host.user,
    InstanceType: type.name,
    HostKey: host.hostKey,
  };
  for (const [key, value] of Object.entries(entry))
    if (text.get([...HOSTS, name, key]) !== value) text.set([...HOSTS, name, key], value);
  dropIdleType(text, before);
  return type.name;
}

export function putHostKey(text: ConfigText, name: string, hostKey: string): void {
  text.set([...HOSTS, name, "HostKey"], hostKey);
}

export function removeHost(text: ConfigText, name: string): void {
  const before = text.get([...HOSTS, name, "InstanceType"]);
  text.delete([...HOSTS, name]);
  dropIdleType(text, before);
}

/** Types that no host is of. The dispatcher would look for one for nothing. */
export function idleTypes(text: ConfigText): string[] {
  const used = new Set(
    Object.values(text.map(HOSTS)).map((host) => (isMap(host) ? host["InstanceType"] : undefined)),
  );
  return Object.keys(text.map(TYPES)).filter((name) => !used.has(name));
}

/** One of ours that is left without hosts goes; what a person has named stays. */
function dropIdleType(text: ConfigText, name: unknown): void {
  if (typeof name === "string" && isOwnTypeName(name) && idleTypes(text).includes(name))
    text.delete([...TYPES, name]);
}
