import { warning, type Finding } from "./finding.ts";
import type { ParsedCluster } from "./cluster.section.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Which file to read: the flag, else `$ARVADOS_CONFIG`, else the usual place (specification §1.1). `-` is standard input. */
export function configPath(flag: string | undefined, env: Environment): string {
  return flag ?? (env["ARVADOS_CONFIG"] || "/etc/arvados/config.yml");
}

/**
 * Fills in what the config lacks from the environment (specification §1.1). With the embedded queue there is no controller to
 * take from, so nothing is.
 */
export function applyEnvironment(
  cluster: ParsedCluster,
  env: Environment,
  prefix: string,
): { cluster: ParsedCluster; findings: Finding[] } {
  const findings: Finding[] = [];
  let filled = cluster;
  const embedded = cluster.dispatchCloud.queue.driver === "embedded";
  const ignored = (name: string, path: string) =>
    findings.push(
      warning(path, `${path}: ${name} environment variable is present, but will not be used`),
    );
  const fallback = (name: string, path: string) =>
    findings.push(
      warning(
        path,
        `${path} is missing from the config; falling back to ${name} from the environment`,
      ),
    );

  const token = env["ARVADOS_API_TOKEN"] ?? "";
  const tokenPath = `${prefix}.SystemRootToken`;
  if (token !== "" && token !== cluster.systemRootToken) {
    if (embedded || cluster.systemRootToken !== "") ignored("ARVADOS_API_TOKEN", tokenPath);
    else {
      fallback("ARVADOS_API_TOKEN", tokenPath);
      filled = { ...filled, systemRootToken: token };
    }
  }

  const host = env["ARVADOS_API_HOST"] ?? "";
  const urlPath = `${prefix}.Services.Controller.ExternalURL`;
  const current = cluster.services.controller.externalURL;
  if (host === "" || sameUrl(current, `https://${host}`)) return { cluster: filled, findings };
  if (embedded || current !== "") {
    ignored("ARVADOS_API_HOST", urlPath);
    return { cluster: filled, findings };
  }
  if (!URL.canParse(`https://${host}`)) {
    findings.push(
      warning(
        urlPath,
        `${urlPath}: ARVADOS_API_HOST in the environment is not a host name; not used`,
      ),
    );
    return { cluster: filled, findings };
  }
  fallback("ARVADOS_API_HOST", urlPath);
  const insecure = !["", "0"].includes(env["ARVADOS_API_HOST_INSECURE"] ?? "");
  return {
    cluster: {
      ...filled,
      services: { ...filled.services, controller: { externalURL: `https://${host}` } },
      tls: { ...filled.tls, insecure: filled.tls.insecure || insecure },
    },
    findings,
  };
}

function sameUrl(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href;
}
