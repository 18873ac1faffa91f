/** What a state says of itself in its chart, beside its transitions. */
export interface StateMeta<S> {
  /** When it next wants to be told the time (ms); null: it waits for none. A tick before that changes nothing. */
  readonly dueAtMs: (snapshot: S) => number | null;
}

/** Of a state that waits for no time. */
export const never = (): null => null;

/** A state, as far as it is looked at here. */
export interface DeclaringNode<M> {
  readonly id: string;
  readonly meta?: M;
  readonly states: Readonly<Record<string, DeclaringNode<M>>>;
}

/**
 * What each state of a chart, or of one of its regions, says of itself. Throws at once where one says nothing: whoever adds
 * a state has to think of it.
 */
export function metaOf<M>(root: DeclaringNode<M>, region?: string): (state: string) => M {
  const { id, states } = (region === undefined ? root : root.states[region]) ?? root;
  const metas = new Map(Object.entries(states).map(([state, { meta }]) => [state, meta]));
  const of = (state: string): M => {
    const meta = metas.get(state);
    if (meta === undefined) throw new Error(`state ${state} of ${id} does not say what it is`);
    return meta;
  };
  for (const state of metas.keys()) of(state);
  return of;
}
