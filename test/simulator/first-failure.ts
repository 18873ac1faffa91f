/** Run by `sim:mutants` in a copy of the product: tries seeds in the order given, and prints the first that fails. */
import { trySeed } from "./seed-report.ts";

let found: { seed: number; name: string; text: string } | null = null;
for (const text of process.argv.slice(2)) {
  const seed = Number(text);
  const { failure } = await trySeed(seed);
  if (!failure) continue;
  found = { seed, ...failure };
  break;
}
process.stdout.write(`${JSON.stringify(found)}\n`);
