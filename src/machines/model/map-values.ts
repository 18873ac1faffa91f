/** The same keys, each with what is made of its value, in the same order. */
export function mapValues<K extends string, A, B>(
  of: Readonly<Record<K, A>>,
  make: (value: A, key: K) => B,
): Record<K, B>;
export function mapValues<A, B>(
  of: Readonly<Record<string, A>>,
  make: (value: A, key: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, make(value, key)]));
}
