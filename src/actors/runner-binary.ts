/** The local crunch-run that is copied to workers (specification §7.8); undefined when none is to be deployed. */
export interface RunnerBinary {
  /** Read anew until it could be read once. Throws with `error loading runner binary: …`. */
  load(): Promise<Runner>;
}

export interface Runner {
  /** Of the file as it will be on the worker, whichever way it is sent. */
  readonly md5: string;
  content(): Promise<Buffer>;
  /** The same, gzipped; absent where the file is too small for that to pay. */
  readonly gzipped?: () => Promise<Buffer>;
}

/** How far a copy to a worker has got; told at its start, as its bytes are taken, and at its end. */
export interface RunnerProgress {
  readonly instanceId: string;
  readonly state: "begun" | "underWay" | "copied" | "failed";
  readonly sentBytes: number;
  readonly totalBytes: number;
  readonly isGzipped: boolean;
  /** "" unless it failed. */
  readonly error: string;
}
