import type { Explanation } from "../../machines/explain/explanation.ts";

type Snake<S extends string> = S extends `${infer C}${infer Rest}`
  ? `${C extends Lowercase<C> ? C : `_${Lowercase<C>}`}${Snake<Rest>}`
  : S;

type Name<K extends string> = K extends "containerId"
  ? "container_uuid"
  : K extends `${infer Instant}Ms`
    ? Snake<Instant>
    : Snake<K>;

type Member<K extends string, T> = K extends `${string}Ms`
  ? string | Extract<T, null>
  : K extends "priority"
    ? number | string
    : Wire<T>;

/** What `to-wire.ts` makes of a value all of whose `…Ms` are instants. */
export type Wire<T> = T extends readonly (infer Each)[]
  ? Wire<Each>[]
  : T extends object
    ? { [K in keyof T & string as Name<K>]: Member<K, T[K]> }
    : T;

/** What `GET /dispatch/v1/explain/{id}` answers. */
export type ExplanationAnswer = Wire<Explanation>;
