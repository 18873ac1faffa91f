import { writeBigJournal } from "./big-fleet.ts";
import { writeNightJournal } from "./night.ts";

/** `npm run journal -- night|hostile-night|big PATH`: a journal to look at with `dispatch-cloud inspect`. */
const [what, path] = process.argv.slice(2);
const makers: Record<string, (path: string) => Promise<unknown>> = {
  night: writeNightJournal,
  "hostile-night": (to) => writeNightJournal(to, { hostile: true }),
  big: writeBigJournal,
};
const make = makers[what ?? ""];
if (!make || path === undefined) {
  console.error(`usage: npm run journal -- ${Object.keys(makers).join("|")} PATH`);
  process.exitCode = 2;
} else await make(path);
