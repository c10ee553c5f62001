import { createEngine, type Slot } from '@distributed-shampoo/tensor';
import { seededRandom } from '@distributed-shampoo/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { createPreconditioner, type FactorStorageName, preconditionerOptions } from '../src/index.ts';
import { engineSizes, startEngines } from './on-engine.ts';

beforeAll(startEngines);

const dims = [6, 4];
const member = (index: number, t: number) => Array.from(seededRandom(10 * t + index).normals(24));

interface Asked {
  readonly type: string;
  readonly factorStorage?: FactorStorageName;
}

/** Directions after some gradients of a stack of blocks, that of each member by itself. */
function directions(engineName: string, input: Asked, members: readonly number[]): number[][] {
  const engine = createEngine(engineName, 1);
  const method = createPreconditioner(engine, preconditionerOptions.parse(input), {
    epsilon: 1e-4,
    beta2: 0.9,
    useBiasCorrection: true,
    outputs: 'columns',
    compatibility: 'default',
  });
  const shape = [members.length, ...dims];
  const state = method.initial(shape, engine.frame());
  method.reserve([shape]);
  const [gradient, direction] = [engine.allocate(shape), engine.allocate(shape)] as [Slot, Slot];
  const pages = Math.ceil(engine.arenaBytes / 65536) + 1;
  engine.open({
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    arenaOffset: 0,
    flatOffsets: { gradients: 0, directions: 0, weights: 0 },
  });
  try {
    method.start(state);
    for (let t = 1; t <= 8; t++) {
      engine.values(gradient).set(members.flatMap((index) => member(index, t)));
      engine.parallel([() => method.observe(state, gradient, t)]);
    }
    for (const job of method.refresh(state, 8)) {
      engine.parallel([job.run]);
      expect(job.install()).toEqual({ ok: true });
    }
    engine.parallel([() => method.observeAgain(state, gradient, 8)]);
    engine.parallel([() => method.apply(state, direction, gradient, 8)]);
    const all = Array.from(engine.values(direction));
    return members.map((_, index) => all.slice(24 * index, 24 * (index + 1)));
  } finally {
    engine.dispose();
  }
}

const types = ['root-inverse', 'eigendecomposed', 'kl-root-inverse', 'kl-eigendecomposed', 'eigenvalue-corrected'] as const;

describe.each(engineSizes)('on $engine', ({ engine }) => {
  test.each(types)('a stack of packed factors gives the bits of square ones: %s', (type) => {
    const squares = directions(engine, { type }, [0, 1, 2]);
    expect(squares.flat().every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
    expect(directions(engine, { type, factorStorage: 'packed' }, [0, 1, 2])).toEqual(squares);
  });
});

describe.each(engineSizes.filter(({ engine }) => engine !== 'tfjs'))('on $engine', ({ engine }) => {
  test.each(types)('members of a stack in bfloat16 are rounded alone: %s', (type) => {
    const together = directions(engine, { type, factorStorage: 'bfloat16' }, [0, 1, 2]);
    expect(together).toEqual([0, 1, 2].map((index) => directions(engine, { type, factorStorage: 'bfloat16' }, [index])[0]));
    expect(together).not.toEqual(directions(engine, { type }, [0, 1, 2]));
  });
});

test('what the engine has no numbers of is refused, and what would do is named', () => {
  expect(() => directions('tfjs', { type: 'root-inverse', factorStorage: 'bfloat16' }, [0])).toThrow(
    expect.objectContaining({ code: 'bad-option', details: { path: ['factorStorage'] } }),
  );
});
