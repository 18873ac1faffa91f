/** What every change is tried on: `npm test` runs all of it, and a mutant has to be caught within it. */
export const SEEDS_COUNT = 200;

/** Seeds beyond those: each alone notices something, or has failed since the worlds last changed. */
export const NAMED_SEEDS: readonly { readonly seed: number; readonly why: string }[] = [
  { seed: 281, why: "it alone notices when an unknown worker that never answered is too old" },
  { seed: 353, why: "it alone notices when something is started on a drained worker" },
  { seed: 622, why: "it alone notices when silence counts before a worker could be asked" },
  {
    seed: 742,
    why: "it alone notices when a worker that nobody could ask is gone after two quick lists",
  },
  {
    seed: 938,
    why: "it alone notices when a start without a checkpoint asks for records that were pruned",
  },
  {
    seed: 1215,
    why: "a running container whose mounts could not be read was not in the queue, and was ended",
  },
  {
    seed: 1361,
    why: "it alone notices when a drained dispatcher gives back what is about to run",
  },
  {
    seed: 50192,
    why: "the check asked for a kill of what was about to end with its worker",
  },
  {
    seed: 50574,
    why: "the check did not know an operator's cancel that a crash kept back",
  },
  {
    seed: 60282,
    why: "it alone notices when an older journal's create turns up busy, and is taken to be new",
  },
  {
    seed: 64773,
    why: "the check did not know of a hold that ended at the first record since the worker fell silent",
  },
  {
    seed: 65474,
    why: "what an older journal took to be waiting ran, and was ended as no type of the new config fits it",
  },
  {
    seed: 66912,
    why: "the check held an exit of a lost journal against the numbers of the new one",
  },
  {
    seed: 68119,
    why: "a create without an answer was given up while the cloud did not list, and there were too many VMs",
  },
  {
    seed: 68584,
    why: "lists were stale by minutes, not seconds, after the dispatcher's clock was set back",
  },
  {
    seed: 69862,
    why: "a slow probe asked on at the address that the worker had when it began",
  },
  {
    seed: 70266,
    why: "lists lacked for long what nobody could ask, as this run had not been shown it",
  },
  {
    seed: 7715767,
    why: "a lock without an answer arrived while the process of a later one, which a user had undone, was being ended",
  },
  {
    seed: 31004600,
    why: "a start of a run whose journal was lost turned up on a worker that was given up as idle",
  },
  {
    seed: 31020903,
    why: "a create was given up by a list from before its VM could come, and a partial one long after",
  },
  {
    seed: 31020948,
    why: "a start of a run whose journal was lost turned up after its container had been started elsewhere",
  },
  {
    seed: 425,
    why: "what ended before its worker was lost was made Cancelled, by a poll that began before its end",
  },
  {
    seed: 7710236,
    why: "a start of a lost journal arrived after the probe, and what it started was cancelled as running nowhere",
  },
  {
    seed: 31005594,
    why: "the first two lists lacked what ran, a lost journal did not know it, and it was cancelled as running nowhere",
  },
  {
    seed: 64000238,
    why: "a start set the journal's time back, and a worker's silence was counted while the cloud did not list",
  },
  {
    seed: 64000254,
    why: "a commit was damaged that no start reads to, as a record before it was of another version",
  },
  {
    seed: 66000002,
    why: "a second start after a journal was lost did not wait for what may have been sent before the first",
  },
  {
    seed: 66000694,
    why: "an instance was found, had told that it ran nothing, and was gone, all since the poll by which one was judged",
  },
  {
    seed: 71001315,
    why: "what was left of a pruned journal could not be taken in, and its time went back unsaid",
  },
  {
    seed: 406,
    why: "two quick lists lacked what nobody could ask, after an older journal was put back",
  },
  {
    seed: 72007058,
    why: "a journal of which no start reads the damage was pruned",
  },
  {
    seed: 72013606,
    why: "a destroy that the cloud took ended the peace that it had asked for",
  },
  {
    seed: 74000919,
    why: "a list came before the answer to a destroy that a start had asked for again, while the cloud wanted peace",
  },
  {
    seed: 72040387,
    why: "a start asked for a destroy again while the cloud wanted peace, and was refused for another reason",
  },
  {
    seed: 72020550,
    why: "one was cancelled that ran where a run without a history had not looked yet, and completed before it did",
  },
];

export function budget(): number[] {
  const first = Array.from({ length: SEEDS_COUNT }, (_, at) => at + 1);
  return [...new Set([...first, ...NAMED_SEEDS.map(({ seed }) => seed)])];
}
