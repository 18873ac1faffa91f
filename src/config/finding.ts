/** One thing to say about a config. `message` is complete: it names the path, the value and what was expected. */
export interface Finding {
  readonly severity: "error" | "warning";
  /** `Clusters.zzzzz.Containers.CloudVMs.PollInterval`; "" where the file as a whole is meant. */
  readonly path: string;
  readonly message: string;
}

export function error(path: string, message: string): Finding {
  return { severity: "error", path, message };
}

export function warning(path: string, message: string): Finding {
  return { severity: "warning", path, message };
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === "error");
}
