import { CONTAINER_MUTANTS } from "./mutants/container-mutants.ts";
import { PLANNER_MUTANTS } from "./mutants/planner-mutants.ts";
import { SHELL_MUTANTS } from "./mutants/shell-mutants.ts";
import { SHORTCUT_MUTANTS } from "./mutants/shortcut-mutants.ts";
import { WORKER_MUTANTS } from "./mutants/worker-mutants.ts";

/** `find`, which stands in the file once, becomes `replace`. */
export interface Cut {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/**
 * A safety net of the product, cut. Some seed of the budget must notice, or the simulator would not have noticed its
 * absence either.
 */
export interface Mutant extends Cut {
  readonly name: string;
  /** What the net is for. */
  readonly net: string;
  /** Where a second net hangs below, it is cut too: either alone is as good. */
  readonly also?: readonly Cut[];
}

export const MUTANTS: readonly Mutant[] = [
  ...WORKER_MUTANTS,
  ...SHORTCUT_MUTANTS,
  ...CONTAINER_MUTANTS,
  ...PLANNER_MUTANTS,
  ...SHELL_MUTANTS,
];
