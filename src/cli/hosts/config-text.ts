import {
  isMap as isYamlMap,
  isScalar,
  parseDocument,
  YAMLMap,
  type Document,
  type Node,
} from "yaml";
import {
  isMap,
  readDocument,
  valueAt,
  YAML_OPTIONS,
  type ConfigMap,
} from "../../config/document.ts";

type Path = readonly string[];

/**
 * A config's text that is changed key by key: comments, order and all else stay. Throws a sentence where that cannot be promised,
 * such as behind an alias.
 */
export class ConfigText {
  readonly #source: string;
  readonly #document: Document;
  readonly #clusterPath: Path;
  readonly #changed: Path[] = [];

  constructor(source: string, clusterId: string) {
    this.#source = source;
    this.#document = parseDocument(source, YAML_OPTIONS);
    this.#clusterPath = ["Clusters", clusterId];
  }

  /** What the text says at a path under the cluster, defaults left out. */
  get(path: Path): unknown {
    return valueAt(parsed(this.#source, this.#document), [...this.#clusterPath, ...path]);
  }

  map(path: Path): ConfigMap {
    const value = this.get(path);
    return isMap(value) ? value : {};
  }

  /** A map is written in one line if `isFlow`. */
  set(path: Path, value: unknown, { isFlow = false } = {}): void {
    const whole = [...this.#clusterPath, ...path];
    for (let depth = 0; depth < whole.length; depth++) this.#makeMap(whole.slice(0, depth));
    const present = this.#document.getIn(whole, true);
    // A scalar keeps its place and the comment behind it.
    if (isScalar(present) && !isMap(value)) present.value = value;
    else this.#document.setIn(whole, this.#document.createNode(value, { flow: isFlow }));
    this.#changed.push(whole);
  }

  delete(path: Path): void {
    const whole = [...this.#clusterPath, ...path];
    if (!this.#document.hasIn(whole)) return;
    this.#document.deleteIn(whole);
    this.#changed.push(whole);
  }

  toString(): string {
    const indent =
      /^Clusters:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( +)/m.exec(this.#source)?.[1]?.length ?? 2;
    const isJson = this.#source.trimStart().startsWith("{");
    const text = this.#document.toString({
      lineWidth: 0,
      indent,
      indentSeq: !/^( *)\S[^\n]*:\n\1- /m.test(this.#source),
      ...(isJson ? { defaultKeyType: "QUOTE_DOUBLE", defaultStringType: "QUOTE_DOUBLE" } : {}),
    });
    const [before, after] = [this.#source, text].map((each) =>
      withoutPaths(read(each), this.#changed),
    );
    if (JSON.stringify(before) !== JSON.stringify(after))
      throw new Error("its YAML cannot be changed without changing more than was asked for");
    return text;
  }

  /** Where there is nothing yet, or a key without a value. */
  #makeMap(path: Path): void {
    const node = this.#document.getIn(path, true) as Node | undefined;
    if (isYamlMap(node)) {
      // `{}` was written so because nothing was in it.
      if (node.items.length === 0) node.flow = false;
      return;
    }
    if (node !== undefined && !(isScalar(node) && node.value === null))
      throw new Error(`${path.join(".")} is no plain map in it`);
    if (path.length === 0) this.#document.contents = new YAMLMap();
    else this.#document.setIn(path, new YAMLMap());
  }
}

function parsed(source: string, document: Document): ConfigMap {
  const root: unknown = document.toJS({ maxAliasCount: 100 });
  return isMap(root) ? root : read(source);
}

/** By the reader that the daemon has. */
function read(text: string): ConfigMap {
  return readDocument(text, "the config").root ?? {};
}

/** Maps that are empty then are left out too: a change may have made them. */
function withoutPaths(value: ConfigMap, paths: readonly Path[]): ConfigMap {
  const entries = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const below = paths.filter(([first]) => first === key).map(([, ...rest]) => rest);
    if (below.some((rest) => rest.length === 0)) return [];
    const kept = isMap(inner) && below.length > 0 ? withoutPaths(inner, below) : inner;
    const isNothing = kept === null || (isMap(kept) && Object.keys(kept).length === 0);
    return below.length > 0 && isNothing ? [] : [[key, kept]];
  });
  return Object.fromEntries(entries);
}
