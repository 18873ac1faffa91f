/** Where to log in, and as whom. */
export interface Login {
  readonly user: string;
  /** Without the port; IPv6 without brackets. */
  readonly host: string;
  /** As the config has it: `host`, `host:port` or `[ipv6]:port`. */
  readonly address: string;
}

const FORM =
  /^(?<user>[^@:\s]+)@(?<address>(?:\[(?<v6>[0-9A-Fa-f:.%]+)\]|(?<host>[^@:\s[\]]+))(?::(?<port>\d{1,5}))?)$/;

/** `alice@box1`, `alice@box1:2222`, `alice@[fd00::1]:22`. Throws a `RangeError` that says what was expected. */
export function parseLogin(text: string): Login {
  const { user, address, v6, host, port } = FORM.exec(text)?.groups ?? {};
  const isPort = port === undefined || (Number(port) > 0 && Number(port) <= 65_535);
  const named = v6 ?? host;
  if (user === undefined || address === undefined || named === undefined || !isPort)
    throw new RangeError("a login such as alice@box1 or alice@box1:2222");
  return { user, host: named, address };
}

/** What the config calls it: its host's name, with a number behind it where another host has that. */
export function chooseName({ host }: Login, taken: ReadonlySet<string>): string {
  const plain = host.replace(/[^A-Za-z0-9._-]/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  const name = plain.slice(0, 58) || "host";
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
}
