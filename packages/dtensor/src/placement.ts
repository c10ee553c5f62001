/** What a rank's local part of a flat buffer means. */
export type Placement =
  /** Every rank holds the whole buffer, equal on all. */
  | { readonly type: 'replicate' }
  /** Rank r holds `counts[r]` elements in rank order; counts may differ and may be 0. */
  | { readonly type: 'shard'; readonly dimension: 0; readonly counts: readonly number[] }
  /** Every rank holds a whole buffer; the value is their sum, or their mean, in rank order. */
  | { readonly type: 'partial'; readonly op: 'sum' | 'mean' };

/** Equal on every rank. */
export const replicate = (): Placement => ({ type: 'replicate' });

/** Cut along dimension 0 into `counts[r]` elements for rank r. */
export const shard = (dimension: 0, counts: readonly number[]): Placement => ({ type: 'shard', dimension, counts });

/** To be summed or averaged over ranks. */
export const partial = (op: 'sum' | 'mean' = 'sum'): Placement => ({ type: 'partial', op });

/** Where rank `rank`'s shard starts, and how long it is. */
export function shardRange(counts: readonly number[], rank: number): { readonly offset: number; readonly length: number } {
  return { offset: counts.slice(0, rank).reduce((sum, count) => sum + count, 0), length: counts[rank] ?? 0 };
}
