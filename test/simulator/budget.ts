/** What every change is tried on: `npm test` runs all of it, and a mutant has to be caught within it. */
export const SEEDS_COUNT = 200;

/** Seeds beyond those that once failed, each with what it showed, or that alone notice something. */
export const NAMED_SEEDS: readonly { readonly seed: number; readonly why: string }[] = [
  {
    seed: 307,
    why: "an unknown worker that never answered was given up for its age, not for that",
  },
  { seed: 1304, why: "the same, after a restart that found a journal" },
  {
    seed: 1760,
    why: "busy workers were given up for not answering, while no list said where they are",
  },
  { seed: 2480, why: "it alone notices when silence counts before a list has shown the worker" },
  { seed: 2762, why: "an exit in a record that a crash kept back was taken for a newer one" },
  {
    seed: 225,
    why: "it alone notices when silence counts from the start, and not from when a worker could be asked",
  },
  {
    seed: 742,
    why: "it alone notices when a worker that nobody could ask is gone after two quick lists",
  },
  {
    seed: 945,
    why: "it alone notices when an older journal's create turns up busy, and is taken to be new",
  },
  {
    seed: 10550,
    why: "a busy worker that two lists lacked after a restart was gone, and nobody could ask it",
  },
  {
    seed: 10811,
    why: "with an older journal, one list that lacked a busy worker was all there was",
  },
  {
    seed: 5968,
    why: "it alone notices that, now that a start does not go by a single list",
  },
];

export function budget(): number[] {
  const first = Array.from({ length: SEEDS_COUNT }, (_, at) => at + 1);
  return [...new Set([...first, ...NAMED_SEEDS.map(({ seed }) => seed)])];
}
