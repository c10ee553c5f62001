/** A box of a merged parameter that has factors of its own. */
export interface Box {
  readonly origin: readonly number[];
  readonly shape: readonly number[];
}

/**
 * Cuts every dimension of a merged shape into runs of `maxPreconditionerDim`, the last one shorter.
 *
 * @returns the boxes, last dimension fastest. `[1000, 2048]` at 1024 gives two of `[1000, 1024]`.
 * @see spec/optimizer.md, 3.2.
 */
export function cutBlocks(merged: readonly number[], maxPreconditionerDim: number): readonly Box[] {
  let boxes: Box[] = [{ origin: [], shape: [] }];
  for (const d of merged) {
    const pieces: { from: number; size: number }[] = [];
    for (let from = 0; from < d || from === 0; from += maxPreconditionerDim)
      pieces.push({ from, size: Math.min(maxPreconditionerDim, d - from) });
    boxes = boxes.flatMap(({ origin, shape }) =>
      pieces.map(({ from, size }) => ({ origin: [...origin, from], shape: [...shape, size] })),
    );
  }
  return boxes;
}
