import { fingerprintOf, matchesHostKey } from "../../drivers/cloud/static/host-key.ts";
import { readHostKey } from "../../drivers/ssh/host-key-scan.ts";
import { dataDirOf } from "../connection.ts";
import { loadSecrets, type Secrets } from "../daemon/secrets.ts";
import { CliError } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { adviceFor } from "./advice.ts";
import { driverOf, putHost, useStaticDriver } from "./config-changes.ts";
import { saveConfigFile, type ConfigFile } from "./config-file.ts";
import type { HostFacts } from "./facts.ts";
import { hostsFile, withHost, type HostsFile } from "./hosts-file.ts";
import { measuredType } from "./instance-type.ts";
import { lacksOf, type Lack } from "./lacks.ts";
import { chooseName, type Login } from "./login.ts";
import { installLogin, measureHost, open } from "./reach.ts";
import { runnerArch } from "./runner-arch.ts";
import { connectTimeoutMs } from "./ssh.ts";
import { confirm, keyText, trustKey, type Consent } from "./trust.ts";

export interface AddOptions extends Consent {
  /** Of the one host that is added. */
  readonly name: string | undefined;
  readonly identity: string | undefined;
  /** What happens meanwhile, for people. */
  readonly tell: (line: string) => void;
}

export interface AddedHost {
  readonly name: string;
  readonly login: Login;
  readonly hostKey: string;
  readonly instanceType: string;
  readonly facts: HostFacts;
  readonly lacks: readonly Lack[];
}

/** What a host is known by, whatever its names and logins. */
interface Machine {
  readonly name: string;
  /** "" where it is not known, or it has none. */
  readonly machineId: string;
  readonly isItsKey: (key: Buffer) => boolean;
}

/** Adds hosts to one config, one after the other, since each may have a question. */
export class Adding {
  readonly #file: ConfigFile;
  readonly #options: AddOptions;
  readonly #io: Io;
  #opened: { readonly secrets: Secrets; readonly hosts: HostsFile } | undefined;
  #machines: Machine[] | undefined;

  constructor(file: ConfigFile, options: AddOptions, io: Io) {
    this.#file = file;
    this.#options = options;
    this.#io = io;
  }

  /** Throws `CliError` where the config is another driver's, or is to stay so. */
  async useDriver(): Promise<void> {
    const { text, path, isNew } = this.#file;
    const driver = driverOf(text);
    if (driver !== undefined && driver !== "loopback" && driver !== "static")
      throw new CliError(
        `another driver is configured: ${path} has Containers.CloudVMs.Driver: ${JSON.stringify(driver)}; ` +
          "name another file with --config FILE, and run a second dispatcher on it",
      );
    if (driver !== "static" && !isNew) {
      const now = driver === undefined ? "names no driver" : `has Driver: ${driver}`;
      const agreed = await confirm(
        `${path} ${now}. Make it Driver: static?`,
        this.#options,
        this.#io,
      );
      if (!agreed) throw new CliError(`${path} is left as it is`);
    }
    useStaticDriver(text);
  }

  /** Throws a sentence for one that cannot serve, or may not be believed. */
  async add(login: Login): Promise<AddedHost> {
    const { config, text } = this.#file;
    const hostKey = await readHostKey(login.address, {
      defaultPort: config.containers.cloudVMs.sshPort,
      timeoutMs: connectTimeoutMs(config),
    });
    const name = await this.#trust(login, hostKey);
    const { secrets, hosts } = this.#open();
    const keys = secrets;
    const { identity, tell } = this.#options;
    const io = this.#io;
    const installed = await installLogin({ login, hostKey }, { config, keys, identity, io });
    if (installed === "added")
      tell(`${name}: the dispatcher's key was added to ~/.ssh/authorized_keys of ${login.user}`);
    const ssh = open(config, { login, hostKey, key: secrets });
    const facts = await measureHost(ssh, hosts.parameters, config).finally(() => ssh.close());
    const lacks = lacksOf(facts, login, { runnerArch: runnerArch(config) });
    const final = lacks.filter(({ isFinal }) => isFinal);
    if (final.length > 0)
      throw new Error(
        `it cannot serve: ${final.map(({ what, mend }) => `${what}: ${mend}`).join("; ")}`,
      );
    await this.#refuseTwin({ name, hostKey, machineId: facts.machineId });
    const entry = { address: login.address, user: login.user, hostKey: fingerprintOf(hostKey) };
    const measured = measuredType(facts);
    const instanceType = putHost(text, name, { host: entry, measured });
    return { name, login, hostKey: entry.hostKey, instanceType, facts, lacks };
  }

  /** Returns what is still to be done about the config. */
  save(): string[] {
    return adviceFor(saveConfigFile(this.#file, this.#io));
  }

  /** The name that the host has or gets, once its key is known to be its own. */
  async #trust(login: Login, key: Buffer): Promise<string> {
    const hosts = Object.entries(this.#hosts());
    const isMeant = this.#options.name;
    const [present] = hosts.filter(
      ([name, { address, user }]) =>
        (isMeant === undefined || isMeant === name) &&
        address === login.address &&
        user === login.user,
    );
    if (present) {
      const [name, { hostKey }] = present;
      if (matchesHostKey(hostKey, key)) return name;
      throw new Error(
        `${name} shows another key than before: ${keyText(key)}, and the config says ${hostKey}; somebody may be in ` +
          `between. If it was set up anew: dispatch-cloud hosts accept ${name}`,
      );
    }
    if (isMeant !== undefined && hosts.some(([name]) => name === isMeant))
      throw new Error(`another host is called ${isMeant}: give this one another --name`);
    const name = isMeant ?? chooseName(login, new Set(hosts.map(([each]) => each)));
    const whose = `${login.user}@${login.address}`;
    this.#options.tell(`${name}: ${whose} shows the key ${keyText(key)}`);
    await trustKey({ whose, key }, this.#options, this.#io);
    return name;
  }

  #hosts(): Readonly<Record<string, { address: string; user: string; hostKey: string }>> {
    const entries = Object.entries(
      this.#file.text.map(["Containers", "CloudVMs", "DriverParameters", "Hosts"]),
    ).map(([name, value]) => {
      const { Address = "", User = "root", HostKey = "" } = value as Record<string, string>;
      return [name, { address: Address, user: User, hostKey: HostKey }] as const;
    });
    return Object.fromEntries(entries);
  }

  /** Makes the dispatcher's key and tokens, as its first start would. */
  #open(): { readonly secrets: Secrets; readonly hosts: HostsFile } {
    if (this.#opened) return this.#opened;
    const dataDir = dataDirOf(this.#file.config, this.#io);
    const secrets = loadSecrets(this.#file.config, dataDir);
    const { privateKey, systemRootToken: token } = secrets;
    this.#opened = { secrets, hosts: hostsFile(this.#file, { dataDir, privateKey, token }) };
    return this.#opened;
  }

  async #refuseTwin(host: { name: string; hostKey: Buffer; machineId: string }): Promise<void> {
    const { name, hostKey, machineId } = host;
    this.#machines ??= await this.#lookAround();
    const twin = this.#machines.find(
      (other) =>
        other.name !== name &&
        (machineId !== "" && other.machineId !== ""
          ? other.machineId === machineId
          : other.isItsKey(hostKey)),
    );
    if (twin)
      throw new Error(
        `it is the same machine as ${twin.name}${machineId === "" ? "" : ` (machine-id ${machineId})`}: two logins would ` +
          `have it do twice what it can. To use this one instead: dispatch-cloud hosts forget ${twin.name}. A copied disk has ` +
          "to get an id of its own, on it: rm /etc/machine-id && systemd-machine-id-setup",
      );
    this.#machines.push({ name, machineId, isItsKey: (key) => key.equals(hostKey) });
  }

  /** At those that are in the config already. One that does not answer is known by its key alone. */
  async #lookAround(): Promise<Machine[]> {
    const { hosts } = this.#open();
    return Promise.all(
      Object.entries(hosts.parameters.hosts).map(async ([name, { hostKey }]) => {
        const machineId = await withHost(hosts, name, async (host, signal) => {
          return (await host.look(signal)).machineId;
        }).catch(() => "");
        return { name, machineId, isItsKey: (key: Buffer) => matchesHostKey(hostKey, key) };
      }),
    );
  }
}
