import { expectClose, seededRandom, type Tolerance, tolerance } from '@distributed-shampoo/testing';
import { setBackend, memory as tensorMemory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { MatrixEngine, PackedPrecision, Slot, Workspace } from '../../src/engine/matrix-engine.ts';
import { ReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { elements } from '../../src/engine/strides.ts';
import { engines } from './engines.ts';

/**
 * One suite for every engine: an operation runs on the engine and on the reference, from the same float32 numbers, and results are
 * compared. Stacks of 1 and 3; block orders 1 to 4; sizes 1 to 300.
 */
interface Case {
  /** Shapes of the operands, destination first, without the stack. */
  readonly slots: readonly (readonly number[])[];
  readonly run: (engine: MatrixEngine, slots: readonly Slot[]) => void;
  /** Numbers to start from; standard normal where absent. */
  readonly start?: (slot: number, length: number, seed: number) => Float32Array;
  /** What to compare of slot number `slot`, where not all of it. */
  readonly view?: (numbers: ArrayLike<number>, slot: number, dims: readonly number[]) => number[];
  readonly within?: Tolerance;
  /** The slot that is a packed triangle of order n; its shape is not in `slots`. */
  readonly packed?: { readonly slot: number; readonly n: number; readonly precision: PackedPrecision };
  /** Decompositions that it calls. */
  readonly reserve?: readonly Workspace[];
}

const shapes: readonly (readonly number[])[] = [
  [1], [2], [7], [64], [300],
  [1, 1], [3, 5], [64, 3], [17, 300], [128, 65],
  [2, 3, 4], [9, 16, 16], [1, 7, 5], [31, 2, 3],
  [3, 3, 8, 5], [2, 1, 4, 3],
]; // biome-ignore format: a table

const lower = (numbers: ArrayLike<number>, slot: number, dims: readonly number[]): number[] => {
  const all = Array.from(numbers);
  const n = dims[0] as number;
  return slot === 0 ? all.filter((_, at) => Math.floor((at % (n * n)) / n) >= at % n) : [];
};

const squares = (_slot: number, length: number, seed: number) =>
  seededRandom(seed)
    .normals(length)
    .map((x) => x * x);

/** Multiples of 1/64 of magnitude at most 1: float32 holds every sum of up to 4096 of their products exactly, in any order. */
const exact = (_slot: number, length: number, seed: number) => {
  const random = seededRandom(seed);
  return Float32Array.from({ length }, () => random.integer(-64, 64) / 64);
};

/**
 * Sums of `terms` products of standard normal numbers: addition i rounds a partial sum of about sqrt(i), so errors add up to
 * u terms / sqrt(6), u = 6e-8; four times that covers the worst of thousands.
 */
const sums = (terms: number): Tolerance => ({
  name: `sum of ${terms} float32 products`,
  absolute: 1e-7 * terms + 1e-6,
  relative: 1e-5,
});

const cases: Record<string, Case> = {};
for (const shape of shapes) {
  const label = `[${shape.join(', ')}]`;
  for (const [mode, d] of shape.entries()) {
    const rest = elements(shape) / d;
    for (const [decay, weight] of [
      [0, 1],
      [0.9, 0.1],
      [1, 1],
    ] as const) {
      cases[`modeGram ${label} mode ${mode} decay ${decay}`] = {
        slots: [[d, d], shape],
        run: (engine, [factor, x]) => engine.modeGram(factor as Slot, x as Slot, { mode, decay, weight }),
        view: lower,
        ...(weight === 1 ? { start: exact, within: tolerance.exact } : { within: sums(rest) }),
      };
    }
    for (const [e, transpose] of [
      [d, false],
      [d, true],
      [d + 2, false],
      [d + 2, true],
    ] as const) {
      cases[`modeProduct ${label} mode ${mode} to ${e}${transpose ? ' transposed' : ''}`] = {
        slots: [shape.with(mode, e), shape, transpose ? [e, d] : [d, e]],
        run: (engine, [out, x, m]) => engine.modeProduct(out as Slot, x as Slot, m as Slot, { mode, transpose }),
        start: exact,
        within: tolerance.exact,
      };
    }
  }
  const elementwise = (name: string, slots: number, run: Case['run'], more: Partial<Case> = {}) => {
    cases[`${name} ${label}`] = { slots: Array.from({ length: slots }, () => shape), run, within: tolerance.float32, ...more };
  };
  elementwise('combine', 2, (engine, [y, x]) => engine.combine(y as Slot, x as Slot, { a: 0.3, b: -1.7 }));
  elementwise('combine without reading', 2, (engine, [y, x]) => engine.combine(y as Slot, x as Slot, { a: -2, b: 0 }), {
    start: (slot, length, seed) => (slot === 0 ? new Float32Array(length).fill(Number.NaN) : seededRandom(seed).normals(length)),
  });
  elementwise('combine in place', 1, (engine, [x]) => engine.combine(x as Slot, x as Slot, { a: 0.7, b: 0 }));
  for (const weight of [0, 0.1, 0.5, 0.97, 1]) {
    elementwise(`lerp ${weight}`, 3, (engine, [out, a, b]) => engine.lerp(out as Slot, a as Slot, b as Slot, { weight }));
    elementwise(`lerp ${weight} in place`, 2, (engine, [a, b]) => engine.lerp(a as Slot, a as Slot, b as Slot, { weight }));
  }
  elementwise('addSquares', 2, (engine, [v, x]) => engine.addSquares(v as Slot, x as Slot, { decay: 0.99, weight: 0.01 }));
  const rooted = { correction: 0.125, epsilon: 1e-8 };
  elementwise('divideByRoot', 3, (engine, [out, x, v]) => engine.divideByRoot(out as Slot, x as Slot, v as Slot, rooted), {
    start: squares,
  });
  cases[`norm ${label}`] = {
    slots: [[1], shape],
    run: (engine, [norm, x]) => engine.norm(norm as Slot, x as Slot),
    within: tolerance.float32,
  };
  cases[`normOfQuotient ${label}`] = {
    slots: [[1], shape, shape],
    run: (engine, [norm, x, v]) => engine.normOfQuotient(norm as Slot, x as Slot, v as Slot, rooted),
    start: squares,
    within: tolerance.float32,
  };
  cases[`rescale ${label}`] = {
    slots: [shape, [1], [1]],
    run: (engine, [x, target, current]) => engine.rescale(x as Slot, target as Slot, current as Slot),
    start: squares,
    within: tolerance.float32,
  };
}
for (const n of [1, 2, 3, 8, 63, 64, 65, 130, 300]) {
  cases[`mirror ${n}`] = { slots: [[n, n]], run: (engine, [m]) => engine.mirror(m as Slot), within: tolerance.exact };
  cases[`scaleRows ${n}`] = {
    slots: [[n, n], [n]],
    run: (engine, [m, s]) => engine.scaleRows(m as Slot, s as Slot),
    within: tolerance.float32,
  };
  for (const traceExponent of [0, 0.5, 1]) {
    cases[`scaleFactor ${n} trace exponent ${traceExponent}`] = {
      slots: [
        [n, n],
        [n, n],
      ],
      run: (engine, [out, factor]) =>
        engine.scaleFactor(out as Slot, factor as Slot, { scale: 1.5, traceExponent, traceFloor: 1e-6 }),
      start: squares,
      view: lower,
      within: { name: 'a float32 trace', absolute: 1e-6, relative: 2e-5 },
    };
  }
  cases[`scaleFactor ${n} in place`] = {
    slots: [[n, n]],
    run: (engine, [m]) => engine.scaleFactor(m as Slot, m as Slot, { scale: 1.5, traceExponent: 0.5, traceFloor: 1e-6 }),
    start: squares,
    view: lower,
    within: { name: 'a float32 trace', absolute: 1e-6, relative: 2e-5 },
  };
  for (const rankDeficiency of [
    { type: 'perturbation', before: true },
    { type: 'perturbation', before: false },
    { type: 'pseudo-inverse', relativeTolerance: 0.01, absoluteTolerance: 0.02 },
  ] as const) {
    cases[`spectrumPower ${n} ${JSON.stringify(rankDeficiency)}`] = {
      slots: [[n]],
      run: (engine, [values]) => engine.spectrumPower(values as Slot, { exponent: 0.25, epsilon: 1e-3, rankDeficiency }),
      // One eigenvalue is negative by rounding, as they come.
      start: (_slot, length, seed) =>
        seededRandom(seed)
          .normals(length)
          .map((x, i) => (i === 0 ? -1e-5 : Math.abs(x))),
      within: tolerance.iterated32,
    };
  }
}

/** Where rounding to bfloat16 is decided: ties to either side, next to ties, subnormal numbers, past the largest, infinity and none. */
const edges = [
  0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x3fff8000, 0x00000001, 0x00008000, 0x00018000, 0x007fffff, 0x007f8000, 0x7f7f7fff,
  0x7f7f8000, 0x7f7fffff, 0x7f800000, 0x7fc00000, 0, 0x80000000, 0xbf808000, 0xbf818001, 0x80018000, 0xff7f8000, 0xff800000,
]; // biome-ignore format: a table
const edgeNumbers = (_slot: number, length: number) =>
  new Float32Array(Uint32Array.from({ length }, (_, i) => edges[i % edges.length] as number).buffer);

for (const n of [1, 2, 3, 7, 64, 65]) {
  for (const precision of ['float32', 'bfloat16'] as const) {
    for (const [numbers, start] of [
      ['normal numbers', undefined],
      ['the edges of rounding', edgeNumbers],
    ] as const) {
      const packed = { n, precision } as const;
      // What is read of a bfloat16 triangle are places of two numbers: compared as float32, they are the same bits.
      cases[`packLower ${n} ${precision} ${numbers}`] = {
        slots: [[], [n, n]],
        packed: { ...packed, slot: 0 },
        run: (engine, [out, m]) => engine.packLower(out as Slot, m as Slot, { precision }),
        ...(start && { start }),
        within: tolerance.exact,
      };
      cases[`unpackLower ${n} ${precision} ${numbers}`] = {
        slots: [[n, n], []],
        packed: { ...packed, slot: 1 },
        run: (engine, [m, from]) => engine.unpackLower(m as Slot, from as Slot, { precision }),
        view: (all, slot, dims) => (slot === 0 ? lower(all, slot, dims) : Array.from(all)),
        ...(start && { start }),
        within: tolerance.exact,
      };
      cases[`packLower and unpackLower ${n} ${precision} ${numbers}`] = {
        slots: [[n, n], [n, n], []],
        packed: { ...packed, slot: 2 },
        run: (engine, [out, m, between]) => {
          engine.packLower(between as Slot, m as Slot, { precision });
          engine.unpackLower(out as Slot, between as Slot, { precision });
        },
        view: lower,
        ...(start && { start }),
        within: tolerance.exact,
      };
    }
  }
}

/** Rows up to their signs: the largest entry of each is made positive. */
const unsigned = (numbers: ArrayLike<number>, slot: number, dims: readonly number[]): number[] => {
  if (slot !== 0) return Array.from(numbers);
  const n = dims[1] as number;
  return Array.from({ length: numbers.length / n }, (_, row) => {
    const entries = Array.from({ length: n }, (_, j) => numbers[row * n + j] as number);
    const largest = entries.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    return entries.map((value) => value * Math.sign(largest));
  }).flat();
};

/** Rows that lean on the diagonal, so that neither orthonormal rows nor singular vectors hang on a small difference. */
const leaning =
  (n: number) =>
  (_slot: number, length: number, seed: number): Float32Array =>
    seededRandom(seed)
      .normals(length)
      .map((x, at) => x / Math.sqrt(n) + (Math.floor((at % (n * n)) / n) === at % n ? 3 : 0));

for (const n of [1, 2, 7, 64, 130]) {
  const square = [n, n];
  const entries: Record<string, Case> = {
    identity: { slots: [square], run: (engine, [m]) => engine.identity(m as Slot), within: tolerance.exact },
    addDiagonal: { slots: [square], run: (engine, [m]) => engine.addDiagonal(m as Slot, { value: 0.25 }) },
    addScaledDiagonal: {
      slots: [square, [1]],
      run: (engine, [m, s]) => engine.addScaledDiagonal(m as Slot, s as Slot, { relative: 0.3, least: 0.1 }),
    },
    diagonal: {
      slots: [[n], square],
      run: (engine, [out, m]) => engine.diagonal(out as Slot, m as Slot),
      within: tolerance.exact,
    },
    trace: { slots: [[1], square], run: (engine, [out, m]) => engine.trace(out as Slot, m as Slot), start: exact },
    largestRowSum: {
      slots: [[1], square],
      run: (engine, [out, m]) => engine.largestRowSum(out as Slot, m as Slot),
      within: { name: 'a float32 sum', absolute: 1e-6, relative: 1e-5 },
    },
    distanceFromIdentity: {
      slots: [[1], square],
      run: (engine, [out, m]) => engine.distanceFromIdentity(out as Slot, m as Slot),
    },
    'distanceFromIdentity of NaN': {
      slots: [[1], square],
      start: (slot, length) => new Float32Array(length).fill(slot === 1 ? Number.NaN : 0),
      run: (engine, [out, m]) => {
        engine.distanceFromIdentity(out as Slot, m as Slot);
        engine.threshold(out as Slot, out as Slot, { limit: 1, below: 2, above: 3, nan: 4 });
      },
      view: (numbers, slot) => (slot === 0 ? Array.from(numbers) : []),
      within: tolerance.exact,
    },
    offDiagonal: {
      slots: [[1], square],
      run: (engine, [out, m]) => engine.offDiagonal(out as Slot, m as Slot, { cancelling: false }),
      within: { name: 'a float32 sum', absolute: 1e-6, relative: 1e-5 },
    },
    'offDiagonal by the difference': {
      slots: [[1], square],
      run: (engine, [out, m]) => engine.offDiagonal(out as Slot, m as Slot, { cancelling: true }),
      within: { name: 'a difference of float32 sums', absolute: 1e-3, relative: 1e-3 },
    },
    'offDiagonal of 0': {
      slots: [[1], square],
      start: (_slot, length) => new Float32Array(length),
      run: (engine, [out, m]) => engine.offDiagonal(out as Slot, m as Slot, { cancelling: false }),
      within: tolerance.exact,
    },
    rowDots: {
      slots: [[n], [n, 5], [n, 5]],
      run: (engine, [out, a, b]) => engine.rowDots(out as Slot, a as Slot, b as Slot),
      start: exact,
      within: tolerance.exact,
    },
    sortRows: {
      slots: [[n], [n, 3]],
      run: (engine, [values, m]) => engine.sortRows(values as Slot, m as Slot),
      // Equal values among them, whose rows must keep their order.
      start: (slot, length, seed) =>
        slot === 0 ? Float32Array.from({ length }, () => 0).map((_, i) => (i * 7) % 4) : seededRandom(seed).normals(length),
      within: tolerance.exact,
    },
    orthonormalRows: {
      slots: [square, [1]],
      run: (engine, [m, status]) => engine.orthonormalRows(m as Slot, status as Slot),
      reserve: [{ operation: 'orthonormalRows', n }],
      start: leaning(n),
      view: unsigned,
      within: { name: 'a float32 QR', absolute: 3e-6, relative: 1e-4 },
    },
  };
  for (const [m, label] of [
    [n, 'square'],
    [n + 3, 'tall'],
    [Math.max(1, n - 3), 'wide'],
  ] as const) {
    entries[`polarFactor ${label}`] = {
      slots: [[m, n], [m, n], [1]],
      run: (engine, [out, x, nuclear]) => engine.polarFactor(out as Slot, x as Slot, nuclear as Slot),
      reserve: [{ operation: 'polarFactor', m, n }],
      start: leaning(n),
      within: { name: 'a float32 SVD', absolute: 1e-5, relative: 1e-4 },
    };
  }
  for (const [name, one] of Object.entries(entries)) cases[`${name} ${n}`] = { within: tolerance.float32, ...one };
}
for (const shape of [[1], [7], [3, 5], [2, 3, 4]]) {
  const label = `[${shape.join(', ')}]`;
  const entries: Record<string, Case> = {
    fill: { slots: [shape], run: (engine, [x]) => engine.fill(x as Slot, { value: -2.5 }), within: tolerance.exact },
    sign: {
      slots: [shape, shape],
      start: (_slot, length) => Float32Array.from({ length }, (_, i) => (i % 3) - 1),
      run: (engine, [out, x]) => engine.sign(out as Slot, x as Slot),
      within: tolerance.exact,
    },
    sumOfMagnitudes: {
      slots: [[1], shape],
      run: (engine, [out, x]) => engine.sumOfMagnitudes(out as Slot, x as Slot),
      start: exact,
    },
    scaleByPower: {
      slots: [shape, [1]],
      start: squares,
      run: (engine, [x, s]) => engine.scaleByPower(x as Slot, s as Slot, { factor: 1.5, power: -0.25, least: 0.5 }),
    },
    divideByPower: {
      slots: [shape, shape, shape],
      start: squares,
      run: (engine, [out, x, v]) =>
        engine.divideByPower(out as Slot, x as Slot, v as Slot, { correction: 0.5, exponent: 0.3, epsilon: 1e-6 }),
      within: tolerance.iterated32,
    },
    // Each member stops when its own number has fallen below the limit.
    'repeat until': {
      slots: [shape, [1], [1]],
      start: (slot, length, seed) =>
        slot === 2
          ? new Float32Array(length)
          : slot === 1
            ? Float32Array.from({ length }, (_, i) => 4 ** (i + 1))
            : exact(slot, length, seed),
      run: (engine, [x, s, stop]) =>
        engine.repeat(stop as Slot, { max: 20 }, () => {
          engine.combine(x as Slot, x as Slot, { a: 2, b: 0 });
          engine.combine(s as Slot, s as Slot, { a: 0.5, b: 0 });
          engine.threshold(stop as Slot, s as Slot, { limit: 1, below: 1, above: 0, nan: 1 });
        }),
      within: tolerance.exact,
    },
    'repeat at most': {
      slots: [shape, [1]],
      start: (slot, length, seed) => (slot === 1 ? Float32Array.from({ length }, (_, i) => i % 2) : exact(slot, length, seed)),
      run: (engine, [x, stop]) =>
        engine.repeat(stop as Slot, { max: 3 }, () => engine.combine(x as Slot, x as Slot, { a: 2, b: 0 })),
      within: tolerance.exact,
    },
    'repeat within repeat': {
      slots: [shape, [1], [1]],
      start: (slot, length, seed) =>
        slot === 0 ? exact(slot, length, seed) : Float32Array.from({ length }, (_, i) => (i === slot ? 1 : 0)),
      run: (engine, [x, outer, inner]) =>
        engine.repeat(outer as Slot, { max: 2 }, () => {
          engine.repeat(inner as Slot, { max: 3 }, () => engine.combine(x as Slot, x as Slot, { a: 2, b: 0 }));
          engine.combine(x as Slot, x as Slot, { a: -1, b: 0 });
        }),
      within: tolerance.exact,
    },
  };
  for (const [name, one] of Object.entries(entries)) cases[`${name} ${label}`] = { within: tolerance.float32, ...one };
}
for (const [now, before] of [
  [0.5, 1],
  [1.1, 1],
  [1.3, 1],
  [1e-4, 1e-4],
  [1e-4, 2e-4],
]) {
  cases[`stalled ${now} after ${before}`] = {
    slots: [[1], [1], [1]],
    start: (slot, length) => new Float32Array(length).fill([0, now, before][slot] as number),
    run: (engine, [flag, current, last]) =>
      engine.stalled(flag as Slot, current as Slot, last as Slot, { growth: 1.2, level: 1e-3 }),
    within: tolerance.exact,
  };
}

/** Runs a case on an engine and returns what every slot holds afterwards. */
function outcome(
  engine: MatrixEngine,
  { slots: dims, run, start, packed, reserve = [] }: Case,
  stack: number,
  parallel: boolean,
): number[][] {
  const slots = dims.map((shape, slot) =>
    packed?.slot === slot ? engine.allocatePacked([stack, packed.n], packed) : engine.allocate([stack, ...shape]),
  );
  for (const work of reserve) engine.frame().reserve(work);
  const pages = Math.ceil(engine.arenaBytes / 65536) + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  engine.open({ memory, arenaOffset: 64, flatOffsets: { gradients: 0, directions: 0, weights: 0 } });
  try {
    for (const [index, slot] of slots.entries()) {
      const length = elements(slot.shape);
      engine.values(slot).set(start?.(index, length, 7 + index) ?? seededRandom(7 + index).normals(length));
    }
    if (parallel) engine.parallel([() => run(engine, slots)]);
    else run(engine, slots);
    return slots.map((slot) => Array.from(engine.values(slot)));
  } finally {
    engine.dispose();
  }
}

describe.each(engines)('$name', ({ create, backend = 'tensorflow' }) => {
  beforeAll(async () => {
    await setBackend(backend);
  });

  const engine = create(1);
  const possible = Object.entries(cases).filter(([, { packed }]) => packed === undefined || engine.packs(packed.precision));

  test.each(possible)('%s', (_name, one) => {
    for (const stack of [1, 3]) {
      const expected = outcome(new ReferenceEngine(), one, stack, false);
      const actual = outcome(create(1), one, stack, stack === 3);
      for (const [slot, numbers] of actual.entries()) {
        const dims = one.slots[slot] as readonly number[];
        const view = (all: number[]) => one.view?.(all, slot, dims) ?? all;
        expectClose(
          view(numbers),
          view(expected[slot] as number[]),
          one.within ?? tolerance.float32,
          `slot ${slot}, stack ${stack}`,
        );
      }
    }
  });

  test('dispose leaves no tensor behind', () => {
    const before = tensorMemory().numTensors;
    for (const name of ['modeProduct [2, 3, 4] mode 1 to 3', 'packLower and unpackLower 7 float32 normal numbers']) {
      outcome(create(1), cases[name] as Case, 3, true);
      outcome(create(1), cases[name] as Case, 3, false);
    }
    expect(tensorMemory().numTensors).toBe(before);
  });

  test('a precision that the engine has no numbers of is refused when it is laid out', () => {
    const engine = create(1);
    expect(engine.packs('float32')).toBe(true);
    const layOut = () => engine.allocatePacked([2, 3], { precision: 'bfloat16' });
    if (engine.packs('bfloat16')) expect(layOut().shape).toEqual([2, 3]);
    else expect(layOut).toThrow(expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('bfloat16') }));
    expect(engine.packs('bfloat16')).toBe(engine.name !== 'tfjs');
  });

  test('operations before open are refused', () => {
    const engine = create(1);
    const slot = engine.allocate([1, 2]);
    expect(() => engine.combine(slot, slot, { a: 1, b: 0 })).toThrow(expect.objectContaining({ code: 'bad-layout' }));
  });
});
