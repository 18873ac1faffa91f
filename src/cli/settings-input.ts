import { isMap, valueAt } from "../config/document.ts";
import { loadConfig, type ClusterConfig, type LoadResult } from "../config/load.ts";
import { toSettings } from "../config/settings.ts";
import type { Settings } from "../machines/model/settings.ts";
import { findingLine, requireClusterConfig } from "./cluster-config.ts";
import { UsageError } from "./exit-code.ts";
import { readHost } from "./host.ts";
import type { Io } from "./io.ts";

const CLUSTER_ID = "zzzzz";
const PREFIX = `Clusters.${CLUSTER_ID}`;

/**
 * Makes settings of a `config` within a JSON input: the inside of `Clusters.<id>`, merged over the defaults; where it is
 * undefined, of the file. Throws `UsageError` that names the path in the input.
 */
export function makeSettingsReader(
  fromFile: ClusterConfig | undefined,
  io: Pick<Io, "err">,
): (config: unknown) => Settings {
  return (config) => {
    // The cloud's quota groups are the drivers' knowledge; without a driver all types share one.
    if (config === undefined) {
      if (fromFile) return toSettings(fromFile, {});
      throw new UsageError(
        "config: found nothing, expected the inside of Clusters.<id>, or --config FILE",
      );
    }
    if (!isMap(config)) {
      throw new UsageError(
        `config: found ${JSON.stringify(config)}, expected a map, the inside of Clusters.<id>`,
      );
    }
    const loaded = loadConfig(JSON.stringify({ Clusters: { [CLUSTER_ID]: config } }), {
      env: {},
      sourceName: "config",
      host: readHost(),
    });
    for (const line of warningsOf(loaded, config)) io.err(`${line}\n`);
    if (!loaded.config) throw new UsageError(errorsOf(loaded).join("; "));
    return toSettings(loaded.config, {});
  };
}

/** The config of `--config`, or of the default place if there is one there; undefined if the input has its own. */
export async function configBehind(
  flag: string | undefined,
  hasOwn: boolean,
  io: Io,
): Promise<ClusterConfig | undefined> {
  if (hasOwn) return undefined;
  if (flag !== undefined) return requireClusterConfig(flag, io);
  try {
    return await requireClusterConfig(undefined, io);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `config: found nothing in the input, expected the inside of Clusters.<id> there, or a file: ${reason}`,
      { cause: error },
    );
  }
}

/** Only what concerns keys that stand there: an excerpt lacks tokens and much else, and that is fine. */
function warningsOf(loaded: LoadResult, config: unknown): string[] {
  return loaded.findings
    .filter(({ severity, path }) => {
      const inner = path.startsWith(`${PREFIX}.`) ? path.slice(PREFIX.length + 1).split(".") : [];
      return severity === "warning" && inner.length > 0 && valueAt(config, inner) !== undefined;
    })
    .map((finding) => asInput(findingLine(finding)));
}

function errorsOf(loaded: LoadResult): string[] {
  return loaded.findings
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => asInput(message));
}

function asInput(text: string): string {
  return text.replaceAll(PREFIX, "config");
}
