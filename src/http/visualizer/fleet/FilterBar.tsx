import { useRef } from "preact/hooks";
import { navigate } from "../routing.ts";
import { store } from "../session.ts";
import { cut } from "../ui/words.ts";
import { useShortcut } from "../ui/use-shortcut.ts";
import { WORKER_STATES } from "../ui/states.ts";
import { filter } from "./fleet-data.ts";

const PHASES = ["waiting", "starting", "running", "ending", "ended", "unlisted"];

/** Search and filter of workers and queue at once. */
export function FilterBar() {
  const field = useRef<HTMLInputElement>(null);
  useShortcut("/", () => field.current?.focus());
  const { text, type, state } = filter.value;
  const types = [...(store.facts.value?.instanceTypes.keys() ?? [])].sort();
  const isFiltered = text !== "" || type !== "" || state !== "";
  return (
    <div class="filter" role="search">
      <input
        ref={field}
        type="search"
        value={text}
        placeholder="Search, or id: type: state: reason:"
        title="Words that must all be found in id, type, state or reason; reason:quota looks in one of them. Key: /"
        aria-label="Search workers and containers"
        onInput={(event) => setQuery({ q: event.currentTarget.value })}
      />
      <select
        aria-label="Instance type"
        value={type}
        onChange={(event) => setQuery({ type: event.currentTarget.value })}
      >
        <option value="">any type</option>
        {types.map((name) => (
          <option key={name} value={name}>
            {cut(name, 40)}
          </option>
        ))}
      </select>
      <StateSelect state={state} />
      {isFiltered && (
        <button type="button" onClick={() => setQuery({ q: "", type: "", state: "" })}>
          Clear
        </button>
      )}
    </div>
  );
}

function StateSelect({ state }: { readonly state: string }) {
  const words = store.facts.value?.waitTexts ?? {};
  return (
    <select
      aria-label="State or reason"
      value={state}
      onChange={(event) => setQuery({ state: event.currentTarget.value })}
    >
      <option value="">any state</option>
      <optgroup label="Workers">
        {WORKER_STATES.map((name) => option(`worker:${name}`, `worker ${name}`))}
        {["hold", "drain"].map((name) => option(`behavior:${name}`, `worker on ${name}`))}
      </optgroup>
      <optgroup label="Containers">
        {PHASES.map((name) => option(`container:${name}`, `container ${name}`))}
      </optgroup>
      <optgroup label="Waiting because">
        {Object.entries(words).map(([code, words]) => option(`reason:${code}`, cut(words, 60)))}
      </optgroup>
    </select>
  );
}

function option(value: string, text: string) {
  return (
    <option key={value} value={value}>
      {text}
    </option>
  );
}

function setQuery(query: Readonly<Record<string, string>>): void {
  navigate({ query }, { replace: true });
}
