import { seededRandom } from '@distributed-shampoo/testing';
import { memory, tensor, type Variable, variable } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test } from 'vitest';
import { DistributedShampoo, type ShampooInput, type Surroundings } from '../src/index.ts';
import { engines } from './engines.ts';

// What the golden trajectories do not hold: every method with its defaults, many equal blocks, and parameters that come and go.

/** A vector of two: in the null space of a longer one, after few gradients, a basis is free, and so is what SOAP makes of it. */
const shapes = [[12, 18], [6, 6], [], [2], [2, 3, 6, 6], [1, 1]] as const;

let alive: { dispose(): void }[] = [];
const freeAll = () => {
  for (const thing of alive) thing.dispose();
  alive = [];
};
afterEach(freeAll);

const sizeOf = (shape: readonly number[]) => shape.reduce((product, d) => product * d, 1);

interface Course {
  readonly steps?: number;
  /** Whether a parameter has a gradient at a step. */
  readonly present?: (parameter: number, step: number) => boolean;
  readonly after?: () => void;
}

/** What parameters have moved by in some steps with gradients that depend on nothing else. */
function moves(
  options: ShampooInput,
  surroundings: Surroundings,
  { steps = 9, present = () => true, after }: Course = {},
): number[] {
  freeAll();
  const used =
    options.preconditioner?.type === 'spectral-descent'
      ? shapes.filter((shape) => shape.length >= 2 && sizeOf(shape) > 1)
      : shapes;
  const variables = used.map((shape, index) => variable(tensor(new Float32Array(sizeOf(shape)), [...shape]), true, `p${index}`));
  const optimizer = new DistributedShampoo(options, surroundings);
  optimizer.build(variables);
  alive.push(optimizer, ...variables);
  for (let step = 1; step <= steps; step++) {
    for (const [index, shape] of used.entries()) {
      if (!present(index, step)) continue;
      const gradient = tensor(seededRandom(100 * step + index).normals(sizeOf(shape)), [...shape]);
      optimizer.writeGradient(`p${index}`, gradient);
      gradient.dispose();
    }
    expect(optimizer.step().failures).toEqual([]);
    after?.();
  }
  return variables.flatMap((one: Variable) => Array.from(one.dataSync<'float32'>()));
}

const shared: ShampooInput = {
  learningRate: 0.1,
  betas: [0.9, 0.95],
  epsilon: 1e-2,
  maxPreconditionerDim: 6,
  targetParameterDimensionality: 2,
  preconditionFrequency: 3,
};
const higherOrder = { method: 'coupled-higher-order', relativeEpsilon: 0, absoluteEpsilon: 1e-2 } as const;
const methods = [
  { type: 'root-inverse', method: 'eigen' },
  { type: 'root-inverse', method: 'coupled-newton', inverseExponent: { 2: 0.3 } },
  { type: 'root-inverse', ...higherOrder, traceScaling: true },
  { type: 'kl-root-inverse', method: 'eigen' },
  { type: 'kl-root-inverse', method: 'coupled-newton' },
  { type: 'eigendecomposed', method: 'eigh', tolerance: 0.2 },
  { type: 'eigendecomposed', method: 'qr', maxIterations: 3 },
  { type: 'kl-eigendecomposed', method: 'eigh' },
  { type: 'kl-eigendecomposed', method: 'qr', inverseExponent: { 2: { 0: 0 } } },
  { type: 'eigenvalue-corrected', method: 'eigh' },
  { type: 'eigenvalue-corrected', method: 'eigh', tolerance: 0.3, ignoredBasisChangeDims: { 2: [0] } },
  { type: 'eigenvalue-corrected', method: 'qr' },
  { type: 'spectral-descent', method: 'newton-schulz' },
  { type: 'spectral-descent', method: 'svd', scaleByNuclearNorm: true, scaleByDims: 'sqrt-outputs-over-inputs' },
  { type: 'sign-descent', scale: 'l1' },
] as const;

/** Roundings of float32 over nine steps, factors of condition 1e3 or so, relative to the furthest move. */
const BOUND = 2e-3;

const furthest = (x: readonly number[]) => Math.max(...x.map(Math.abs));
const apart = (x: readonly number[], y: readonly number[]) => furthest(x.map((value, i) => value - (y[i] as number)));

describe.each(methods)('%o', (preconditioner) => {
  const optionsOf = (more: ShampooInput = {}): ShampooInput => ({
    ...shared,
    // Spectral descent takes matrices, which a kernel of four dimensions is only where more of it may be merged.
    ...(preconditioner.type === 'spectral-descent' && { maxPreconditionerDim: 36 }),
    preconditioner,
    ...more,
  });

  describe.each(engines.filter((engine) => engine !== 'reference'))('%s', (engine) => {
    test.each(['together', 'staggered'] as const)('moves parameters as float64 does, refreshed %s', (refresh) => {
      const options = optionsOf({ refresh, grafting: { type: 'adam', epsilon: 1e-6 } });
      const exact = moves(options, { engine: 'reference' });
      expect(furthest(exact)).toBeGreaterThan(0.05);
      expect(apart(moves(options, { engine }), exact)).toBeLessThan(BOUND * furthest(exact));
    });

    test('a parameter that has no gradient for a while, also where a refresh is due', () => {
      const course: Course = { present: (parameter, step) => parameter % 2 === 0 || (step !== 3 && step !== 7) };
      const exact = moves(optionsOf(), { engine: 'reference' }, course);
      expect(apart(moves(optionsOf(), { engine }, course), exact)).toBeLessThan(BOUND * furthest(exact));
    });

    test('a period leaves no tensor behind', () => {
      const counts: number[] = [];
      moves(optionsOf(), { engine }, { steps: 12, after: () => counts.push(memory().numTensors) });
      expect(counts.slice(6, 9)).toEqual(counts.slice(9));
    });
  });

  test('any number of lanes gives the same bits', () => {
    const one = moves(optionsOf(), { engine: 'blas', lanes: 1 });
    expect(one.every(Number.isFinite)).toBe(true);
    for (const lanes of [2, 3]) expect(moves(optionsOf(), { engine: 'blas', lanes })).toEqual(one);
  });

  if (preconditioner.type === 'spectral-descent') return;

  test('blocks of no dimension', () => {
    const options = optionsOf({ targetParameterDimensionality: 'infinity' });
    const moved = moves(options, { engine: 'reference' }, { steps: 4 });
    expect(moved.every(Number.isFinite)).toBe(true);
    for (const engine of ['blas', 'tfjs'])
      expect(apart(moves(options, { engine }, { steps: 4 }), moved)).toBeLessThan(BOUND * furthest(moved));
  });
});
