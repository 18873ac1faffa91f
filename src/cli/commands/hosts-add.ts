import { CONFIG_FLAG, defineCommand, JSON_FLAG, usageError } from "../command.ts";
import { dataDirOf } from "../connection.ts";
import { CliError, EXIT } from "../exit-code.ts";
import { Adding } from "../hosts/add.ts";
import { openConfigFile } from "../hosts/config-file.ts";
import { idleTypes } from "../hosts/config-changes.ts";
import { addedJson, factsText, lackLines } from "../hosts/host-text.ts";
import { FINGERPRINT_FLAG, restartLine, YES_FLAG } from "../hosts/flags.ts";
import { parseLogin, type Login } from "../hosts/login.ts";

export const hostsAddCommand = defineCommand({
  name: "hosts add",
  summary: "Adds machines that are there already to the config, by their logins.",
  flags: {
    yes: YES_FLAG,
    fingerprint: FINGERPRINT_FLAG,
    identity: {
      type: "string",
      value: "FILE",
      help: "The private key to log in with the first time; default: ssh-agent's, else the dispatcher's own",
    },
    name: {
      type: "string",
      value: "NAME",
      help: "What the config calls it; default: its host name",
    },
    json: JSON_FLAG,
    config: CONFIG_FLAG,
  },
  args: { usage: "USER@HOST[:PORT]…", min: 1, max: Infinity },
  notes: [
    "Shows each host's key and asks whether it is its own; installs the dispatcher's public key there, as ssh-copy-id does; measures " +
      "CPUs, memory, disk and GPUs; and writes the hosts and their instance types to the config. Where there is no config yet, it " +
      "makes one. What stands in one stays, with its comments; the old one is kept beside it as .bak.",
    "A host that is there already is measured anew; one that shows another key than before is refused (dispatch-cloud hosts accept).",
  ],
  exitCodes: { [EXIT.failed]: "one of them was not added; standard error says why" },
  examples: [
    "dispatch-cloud hosts add alice@box1 alice@box2",
    "dispatch-cloud hosts add --identity ~/.ssh/id_ed25519 --fingerprint SHA256:… root@box1:2222",
  ],
  async run({ flags, args, io }) {
    const logins = args.map(readLogin);
    if (flags.name !== undefined && logins.length > 1)
      throw usageError(hostsAddCommand, "--name is for one host");
    for (const each of flags.fingerprint)
      if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(each))
        throw usageError(
          hostsAddCommand,
          `--fingerprint: found ${each}, expected SHA256:… as ssh-keygen -lf shows it`,
        );
    const file = openConfigFile(flags.config, { io, mayMake: true });
    const tell = (line: string): void => (flags.json ? io.err(`${line}\n`) : io.out(`${line}\n`));
    const adding = new Adding(
      file,
      {
        yes: flags.yes,
        fingerprints: flags.fingerprint,
        identity: flags.identity,
        name: flags.name,
        tell,
      },
      io,
    );
    await adding.useDriver();
    let addedCount = 0;
    for (const login of logins) {
      try {
        const added = await adding.add(login);
        addedCount++;
        if (flags.json) io.out(`${JSON.stringify(addedJson(added))}\n`);
        else
          io.out(
            `${added.name}: ${factsText(added.facts)}: type ${added.instanceType}\n${lackLines(added.lacks)}`,
          );
      } catch (cause) {
        if (!(cause instanceof Error)) throw cause;
        io.err(`dispatch-cloud: ${login.user}@${login.address} was not added: ${cause.message}\n`);
      }
    }
    if (addedCount === 0)
      throw new CliError(`${file.path} is ${file.isNew ? "not made" : "left as it is"}`);
    const advice = adding.save();
    const idle = idleTypes(file.text);
    if (idle.length > 0)
      tell(`no host is of the types ${idle.join(", ")}: take them out of InstanceTypes`);
    const done = file.isNew ? `made ${file.path}` : `changed ${file.path} (as it was: .bak)`;
    tell(`${done}; the price of its hosts is 0${restartLine(dataDirOf(file.config, io))}`);
    for (const line of advice) tell(line);
    return addedCount === logins.length ? EXIT.ok : EXIT.failed;
  },
});

function readLogin(text: string): Login {
  try {
    return parseLogin(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw usageError(hostsAddCommand, `found ${JSON.stringify(text)}, expected ${error.message}`);
  }
}
