export interface HostPort {
  readonly host: string;
  /** A number or the service name `ssh`, as configured. */
  readonly port: string;
}

/** What a missing port means where none is configured either. */
const SSH_SERVICE = "ssh";

/**
 * Splits an instance's address into host and port (specification §8.1): `host`, `host:port`, `host:` and IPv6 with or without
 * brackets. Both are "" while the instance has no address.
 */
export function resolveTarget(address: string, defaultPort: string): HostPort {
  if (address === "") return { host: "", port: "" };
  const { host, port } = splitHostPort(address);
  return { host, port: port || defaultPort || SSH_SERVICE };
}

function splitHostPort(address: string): HostPort {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(address);
  if (bracketed) return { host: bracketed[1] ?? "", port: bracketed[2] ?? "" };
  const colon = address.indexOf(":");
  const isBareIpv6 = colon !== address.lastIndexOf(":");
  if (colon < 0 || isBareIpv6) return { host: address, port: "" };
  return { host: address.slice(0, colon), port: address.slice(colon + 1) };
}

/** The number of a port, `ssh` being 22; undefined if it is none. */
export function portNumber(port: string): number | undefined {
  if (port === SSH_SERVICE) return 22;
  if (!/^\d{1,5}$/.test(port)) return undefined;
  const value = Number(port);
  return value <= 65_535 ? value : undefined;
}

/** `host:port` for people, IPv6 in brackets. */
export function formatTarget({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
