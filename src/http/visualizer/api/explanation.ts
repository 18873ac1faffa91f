/** What `/dispatch/v1/explain/{id}` answers, as far as the page shows it (docs/http-api.md). */
export interface Explanation {
  readonly kind: "container" | "worker";
  /** Of a container, as its user named it. */
  readonly name?: string;
  readonly answer: Answer;
  readonly coverage: { readonly as_of: string | null; readonly missing: string };
  readonly known: boolean;
  readonly steps: readonly ExplainedStep[];
  readonly steps_omitted: number;
}

export interface Answer {
  readonly text: string;
  readonly since: string | null;
  readonly until: string | null;
  readonly because: readonly Because[];
}

export interface Because {
  readonly text: string;
  readonly seq: number | null;
  readonly at: string | null;
  readonly until: string | null;
}

export interface ExplainedStep {
  readonly seq: number;
  readonly at: string;
  readonly fact: { readonly type: string; readonly text: string };
}
