import { memory, engine as tensorflowEngine } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import type { MatrixEngine, Slot } from '../../src/engine/matrix-engine.ts';
import { TfjsEngine } from '../../src/engine/tfjs/tfjs-engine.ts';
import { startBackends } from '../backends.ts';

await startBackends();

interface Block {
  readonly gradient: Slot;
  readonly direction: Slot;
  readonly factor: Slot;
  readonly scratch: Slot;
  readonly norm: Slot;
}

const opened: MatrixEngine[] = [];
afterEach(() => {
  for (const engine of opened.splice(0)) engine.dispose();
});

/** An engine with blocks of these shapes, their gradients filled. */
function withBlocks(shapes: readonly (readonly [number, number])[]): {
  engine: MatrixEngine;
  blocks: Block[];
  directions: Float32Array;
} {
  const engine = new TfjsEngine();
  opened.push(engine);
  let offset = 0;
  const blocks = shapes.map(([rows, columns]) => {
    const shape = [1, rows, columns];
    const block = {
      gradient: engine.overlay('gradients', offset, shape),
      direction: engine.overlay('directions', offset, shape),
      factor: engine.allocate([1, rows, rows]),
      scratch: engine.frame().allocate(shape),
      norm: engine.allocate([1, 1]),
    };
    offset += rows * columns;
    return block;
  });
  const memory = new WebAssembly.Memory({ initial: 4 });
  engine.open({ memory, arenaOffset: 0, flatOffsets: { gradients: 0, directions: 65536, weights: 131072 } });
  const gradients = new Float32Array(memory.buffer, 0, offset);
  for (let i = 0; i < offset; i++) gradients[i] = Math.sin(1 + i);
  return { engine, blocks, directions: new Float32Array(memory.buffer, 65536, offset) };
}

const observe = (engine: MatrixEngine, { factor, gradient }: Block) =>
  engine.modeGram(factor, gradient, { mode: 0, decay: 0.5, weight: 1 });

function direct(engine: MatrixEngine, { direction, scratch, gradient, factor, norm }: Block): void {
  engine.combine(scratch, gradient, { a: 2, b: 0 });
  engine.modeProduct(direction, scratch, factor, { mode: 0 });
  engine.norm(norm, direction);
}

/** All that a step left, with every step's blocks as tasks of one call, or of a call each. */
function trajectory(shapes: readonly (readonly [number, number])[], together: boolean, steps: readonly (readonly number[])[]) {
  const { engine, blocks, directions } = withBlocks(shapes);
  const run = (tasks: readonly (() => void)[]) => {
    if (together) engine.parallel(tasks);
    else for (const task of tasks) engine.parallel([task]);
  };
  for (const active of steps) {
    run(active.map((i) => () => observe(engine, blocks[i] as Block)));
    run(active.map((i) => () => direct(engine, blocks[i] as Block)));
  }
  return {
    directions: [...directions],
    factors: blocks.map(({ factor }) => [...engine.values(factor)]),
    norms: blocks.map(({ norm }) => engine.values(norm)[0]),
  };
}

const equalShapes = [[4, 3], [2, 5], [4, 3], [4, 3], [2, 5]] as const; // biome-ignore format: one line

describe('equal tasks as one', () => {
  it.each([
    [
      'all blocks at every step',
      [
        [0, 1, 2, 3, 4],
        [0, 1, 2, 3, 4],
      ],
    ],
    ['other blocks at every step', [[0, 1, 2, 3, 4], [3, 0], [2], [4, 2, 1], [0, 1, 2, 3, 4]]],
  ])('gives the same bits as one by one: %s', (_, steps) => {
    expect(trajectory(equalShapes, true, steps)).toEqual(trajectory(equalShapes, false, steps));
  });

  it('reads what the host wrote to one of them', () => {
    const { engine, blocks } = withBlocks(equalShapes);
    const step = () => engine.parallel(blocks.map((block) => () => observe(engine, block)));
    step();
    const [, , third] = blocks as [Block, Block, Block];
    const before = engine.values((blocks[0] as Block).factor)[0] as number;
    engine.values(third.factor).fill(100);
    step();
    expect(engine.values((blocks[0] as Block).factor)[0]).toBeCloseTo(before * 1.5, 5);
    expect(engine.values(third.factor)[0]).toBeGreaterThan(50);
  });

  it('runs an operation once for any number of blocks', async () => {
    const kernels = async (count: number): Promise<number> => {
      const { engine, blocks } = withBlocks(Array.from({ length: count }, () => [4, 3] as const));
      const step = () => engine.parallel(blocks.map((block) => () => [observe(engine, block), direct(engine, block)]));
      step();
      return (await tensorflowEngine().profile(step)).kernels.length;
    };
    const few = await kernels(2);
    expect(few).toBeGreaterThan(3);
    expect(await kernels(9)).toBe(few);
  });

  it('runs one by one what shares a slot', () => {
    const { engine, blocks } = withBlocks([[3, 3], [3, 3]]); // biome-ignore format: one line
    const [first, second] = blocks as [Block, Block];
    engine.values(first.factor).fill(1);
    engine.parallel(blocks.map((block) => () => engine.modeProduct(block.direction, block.gradient, first.factor, { mode: 0 })));
    expect(engine.values(first.factor)).toEqual(new Float32Array(9).fill(1));
    expect(engine.values(second.direction)[0]).toBeCloseTo(Math.sin(10) + Math.sin(13) + Math.sin(16), 5);
  });

  it('holds the same tensors after every step, whichever blocks took part', () => {
    const { engine, blocks } = withBlocks(equalShapes);
    const step = (active: readonly number[]) =>
      engine.parallel(active.map((i) => () => [observe(engine, blocks[i] as Block), direct(engine, blocks[i] as Block)]));
    const counts = [[0, 1, 2, 3, 4], [0, 2], [1], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]].map((active) => {
      step(active);
      return memory().numTensors;
    });
    expect(counts[4]).toBe(counts[0]);
    const { numTensors } = memory();
    engine.dispose();
    expect(numTensors - memory().numTensors).toBe(4);
  });
});
