/** A price in force from `startAtMs` on, in USD per hour. */
export interface InstancePrice {
  readonly startAtMs: number;
  readonly price: number;
}

/** Newest first; of points with the same start or an unchanged price only the oldest is kept (specification §9.6). */
export function normalizePriceHistory(prices: readonly InstancePrice[]): InstancePrice[] {
  const sorted = [...prices].sort((left, right) => right.startAtMs - left.startAtMs);
  return sorted.filter((point, index) => {
    const older = sorted[index + 1];
    return !older || (older.startAtMs !== point.startAtMs && older.price !== point.price);
  });
}
