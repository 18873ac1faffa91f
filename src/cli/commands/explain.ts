import { CONFIG_FLAG, defineCommand, JSON_FLAG, usageError } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { explainFromFile, explainForConfig } from "../explain-source.ts";
import { explanationText } from "../explain-text.ts";
import { journalPath } from "../journal-path.ts";
import { momentFlag } from "../moment-flag.ts";
import { explanationToWire } from "../../http/explain-wire.ts";
import { wireJson } from "../../http/wire-json.ts";

export const explainCommand = defineCommand({
  name: "explain",
  summary:
    "Tells why a container waits or waited, or why an instance was booted, kept or destroyed, also after it is gone.",
  flags: {
    journal: {
      type: "string",
      value: "JOURNAL",
      help: "Read this journal file, or the one in this data directory, instead of asking the dispatcher",
    },
    at: {
      type: "string",
      value: "SEQ|TIME",
      help: "As things stood after this record, or after the last one at or before this RFC 3339 time",
    },
    json: JSON_FLAG,
    config: CONFIG_FLAG,
  },
  args: { usage: "CONTAINER|INSTANCE", min: 1, max: 1 },
  notes: [
    "INSTANCE is the cloud's name of it, or the dispatcher's own of the worker. The dispatcher is asked if it answers; else " +
      "the journal in its data directory is read, as it was when it was last written.",
    "Every reason is the one that the deciding code recorded; seq is the number of the record in the journal.",
  ],
  exitCodes: { [EXIT.failed]: "nothing is known of it, or the journal cannot be read" },
  examples: [
    "dispatch-cloud explain zzzzz-dz642-0123456789abcde",
    "dispatch-cloud explain loopback-3e88e7402041",
    "dispatch-cloud explain --journal journal-of-march.db --json i-0123456789abcdef0",
    "dispatch-cloud explain --at 2026-01-02T03:04:05Z zzzzz-dz642-0123456789abcde",
  ],
  async run({ flags, args, io }) {
    const id = args[0] ?? "";
    if (id === "")
      throw usageError(explainCommand, "expected CONTAINER|INSTANCE, found an empty text");
    if (flags.journal !== undefined && flags.config !== undefined)
      throw usageError(explainCommand, "--journal and --config: one of the two says where to look");
    const at = momentFlag(explainCommand, "at", flags.at);
    const { explanation, source } =
      flags.journal === undefined
        ? await explainForConfig(id, flags.config, io, at)
        : await explainFromFile(id, journalPath(flags.journal), io, at);
    if (flags.json) io.out(`${wireJson(explanationToWire(explanation))}\n`);
    else io.out(explanationText(explanation, source));
    return EXIT.ok;
  },
});
