/** The local crunch-run that is copied to workers (specification §7.8); undefined when none is to be deployed. */
export interface RunnerBinary {
  /** Read anew until it could be read once. Throws with `error loading runner binary: …`. */
  load(): Promise<{ readonly content: Buffer; readonly md5: string }>;
}
