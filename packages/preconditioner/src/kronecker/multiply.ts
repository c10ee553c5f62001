import type { MatrixEngine, Slot } from '@distributed-shampoo/tensor';

/**
 * `out = X x_0 M_0 x_1 M_1 ...` over the dimensions that have a matrix, in increasing order; a copy where none has.
 *
 * @param out,x,scratch `[stack, ...dims]`, three different slots. Products alternate between scratch and out so that the last one lands in `out`.
 * @param matrices by dimension, `[stack, d_k, d_k]` or null; `transpose` takes their transposes.
 */
export function multiplyModes(
  engine: MatrixEngine,
  { out, x, scratch }: { readonly out: Slot; readonly x: Slot; readonly scratch: Slot },
  matrices: readonly (Slot | null)[],
  { transpose = false }: { readonly transpose?: boolean } = {},
): void {
  const products = matrices.flatMap((matrix, mode) => (matrix === null ? [] : [{ matrix, mode }]));
  if (products.length === 0) engine.combine(out, x, { a: 1, b: 0 });
  let from = x;
  for (const [index, { matrix, mode }] of products.entries()) {
    const to = (products.length - 1 - index) % 2 === 0 ? out : scratch;
    engine.modeProduct(to, from, matrix, { mode, transpose });
    from = to;
  }
}
