import { fingerprintOf, matchesHostKey } from "../../drivers/cloud/static/host-key.ts";
import { readHostKey } from "../../drivers/ssh/host-key-scan.ts";
import { CONFIG_FLAG, defineCommand, JSON_FLAG } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { putHostKey } from "../hosts/config-changes.ts";
import { saveConfigFile } from "../hosts/config-file.ts";
import { FINGERPRINT_FLAG, restartLine, YES_FLAG } from "../hosts/flags.ts";
import { openHostsFile, withHost } from "../hosts/hosts-file.ts";
import { connectTimeoutMs } from "../hosts/ssh.ts";
import { keyText, trustKey } from "../hosts/trust.ts";

export const hostsAcceptCommand = defineCommand({
  name: "hosts accept",
  summary: "Takes the key that a host shows now for its own, and writes it to the config.",
  flags: { yes: YES_FLAG, fingerprint: FINGERPRINT_FLAG, json: JSON_FLAG, config: CONFIG_FLAG },
  args: { usage: "NAME", min: 1, max: 1 },
  notes: ["For a host that was set up anew. Until then everything refuses to log in there."],
  exitCodes: { [EXIT.failed]: "the key was not accepted, or the host does not answer" },
  examples: ["dispatch-cloud hosts accept box1"],
  async run({ flags, args: [name = ""], io }) {
    const hosts = openHostsFile(flags.config, io);
    const { file, dataDir } = hosts;
    const { parameters, key } = await withHost(hosts, name, async (host) => ({
      parameters: host.parameters,
      key: await readHostKey(host.parameters.address, {
        defaultPort: file.config.containers.cloudVMs.sshPort,
        timeoutMs: connectTimeoutMs(file.config),
      }),
    }));
    const { hostKey: before } = parameters;
    const isChanged = !matchesHostKey(before, key);
    const after = fingerprintOf(key);
    const tell = (line: string): void => (flags.json ? io.err(`${line}\n`) : io.out(`${line}\n`));
    if (isChanged) {
      tell(`${name} had the key  ${before}\n${name} shows now    ${keyText(key)}`);
      await trustKey({ whose: name, key }, { yes: flags.yes, fingerprints: flags.fingerprint }, io);
      putHostKey(file.text, name, after);
      saveConfigFile(file, io);
      tell(`changed ${file.path} (as it was: .bak)${restartLine(dataDir)}`);
    } else tell(`${name} shows the key that the config has: there is nothing to accept`);
    if (flags.json) io.out(`${JSON.stringify({ name, before, after, changed: isChanged })}\n`);
    return EXIT.ok;
  },
});
