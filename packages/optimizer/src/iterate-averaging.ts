import type { MatrixEngine } from '@distributed-shampoo/tensor';
import type { OwnedBlock } from './block.ts';
import type { StepScalars } from './scalars.ts';

/**
 * Classic momentum: `M <- m M + (1 - d) P`, then `P <- (1 - d) P + m M` with Nesterov, else `P <- M`. M starts at 0.
 *
 * @see spec/optimizer.md, 1.2, operation 11.
 */
export function classicMomentum(engine: MatrixEngine, { direction, momentum, options }: OwnedBlock): void {
  const averaging = options.iterateAveraging;
  if (momentum === null || averaging?.type !== 'momentum') return;
  const fresh = 1 - averaging.dampening;
  engine.combine(momentum, direction, { a: fresh, b: averaging.momentum });
  if (averaging.nesterov) engine.combine(direction, momentum, { a: averaging.momentum, b: fresh });
  else engine.combine(direction, momentum, { a: 1, b: 0 });
}

/**
 * Generalised primal averaging and schedule-free, on what is already `D = -learningRate P`. With Y the parameter, Z the iterate, X their
 * average, x and y the interpolations for evaluation and training:
 *
 *     Z' = shrink Z + D,   X' = x X + (1 - x) Z',   Y' = y X' + (1 - y) Z'
 *
 * X is eliminated, so that only Z is stored: `D <- (1 - x y) D + (1 - x) (shrink Z - Y)`, what Y moves by.
 *
 * @see spec/optimizer.md, 1.4.
 */
export function averageIterates(
  engine: MatrixEngine,
  { direction, iterate, weights, scratch }: OwnedBlock,
  { averaging }: StepScalars,
): void {
  if (averaging === null || iterate === null || weights === null) return;
  const { evalInterpolation: x, trainInterpolation: y, shrink } = averaging;
  if (shrink !== 1) engine.combine(iterate, iterate, { a: shrink, b: 0 });
  engine.combine(scratch, iterate, { a: 1, b: 0 });
  engine.combine(scratch, weights, { a: -1, b: 1 });
  engine.combine(iterate, direction, { a: 1, b: 1 });
  engine.combine(direction, scratch, { a: Math.fround(1 - x), b: Math.fround(1 - Math.fround(x * y)) });
}

/**
 * What a parameter moves by when it changes between its training and its evaluation value: `D = coefficient (Z - W)`, coefficient
 * `1 - 1 / y` to evaluation (Y to X), `1 - y` back (X to Y).
 */
export function switchMode(engine: MatrixEngine, { direction, iterate, weights }: OwnedBlock, coefficient: number): void {
  if (iterate === null || weights === null) return;
  engine.combine(direction, iterate, { a: coefficient, b: 0 });
  engine.combine(direction, weights, { a: -coefficient, b: 1 });
}
