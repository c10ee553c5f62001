import '../engines.ts';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from '@distributed-shampoo/collectives';
import { report } from '@distributed-shampoo/collectives/testing';
import { deviceMesh } from '@distributed-shampoo/dtensor';
import { seededRandom } from '@distributed-shampoo/testing';
import { type DataType, type Tensor, tensor, tidy, variable } from '@tensorflow/tfjs-core';
import { DistributedShampoo, type ShampooInput } from '../../src/index.ts';

/** Where a run saves all that it goes on from, after which step; and where another goes on. */
interface Course {
  readonly saveAt?: number;
  readonly save?: string;
  readonly load?: readonly string[];
}

/**
 * One rank of a run whose gradients are multiples of 1/256, so that float32 adds and halves them exactly. The global batch is two parts:
 * two ranks have one each, a rank alone has their mean. Reports a hash of the parameters after each step. What is saved lies in a file per rank.
 */
const PARTS = 2;
const STEPS = 20;
/** A residual network's: kernels of several orders once merged, matrices that are cut, vectors, a scalar. */
const shapes: readonly (readonly number[])[] = [[3, 3, 3, 16], [3, 3, 16, 16], [16], [3, 3, 16, 32], [32], [1, 1, 32, 64], [70, 40], [64, 10], [10], []]; // biome-ignore format: a table

type Saved = readonly [name: string, shape: readonly number[], dtype: DataType, numbers: readonly number[]];

const options = JSON.parse(process.argv[2] ?? '{}') as ShampooInput;
const { saveAt = 0, save, load = [] } = JSON.parse(process.argv[3] ?? '{}') as Course;
const group = await connect();
const random = seededRandom(group.rank + 1);
// Ranks start with different values: build() gives them the first rank's.
const variables = shapes.map((shape, index) =>
  tidy(() => variable(tensor(random.normals(size(shape)), [...shape]), true, `p${index}`)),
);
const optimizer = new DistributedShampoo(options, { mesh: deviceMesh(group), engine: 'blas', lanes: 1 });
optimizer.build(variables);

if (load.length > 0) await goOnFrom(load);
const hashes: string[] = [];
for (let step = load.length > 0 ? saveAt + 1 : 1; step <= STEPS; step++) {
  group.step = step;
  for (const [index, one] of variables.entries()) {
    const parts = Array.from({ length: PARTS }, (_, part) =>
      seededRandom(1000 * step + 10 * index + part).dyadics(size(one.shape)),
    );
    const mine =
      group.size === PARTS
        ? (parts[group.rank] as Float32Array)
        : (parts[0] as Float32Array).map((x, i) => (x + (parts[1]?.[i] as number)) / PARTS);
    const gradient = tensor(mine, one.shape);
    optimizer.writeGradient(one.name, gradient);
    gradient.dispose();
  }
  optimizer.step();
  const hash = createHash('sha256');
  for (const one of variables) hash.update(new Uint8Array(one.dataSync<'float32'>().slice().buffer));
  hashes.push(hash.digest('hex'));
  if (save !== undefined && step === saveAt) await saveTo(`${save}/${group.rank}`);
}
report({ hashes, owned: optimizer.plan.blocks.filter(({ owner }) => owner === group.rank).length });
optimizer.dispose();
await group.close();

function size(shape: readonly number[]): number {
  return shape.reduce((product, d) => product * d, 1);
}

async function saveTo(file: string): Promise<void> {
  const entries = [...(await optimizer.getWeights()), ...variables.map((one) => ({ name: `variable ${one.name}`, tensor: one }))];
  const saved: Saved[] = entries.map(({ name, tensor: one }) => [name, one.shape, one.dtype, [...one.dataSync()]]);
  await writeFile(file, JSON.stringify(saved));
}

async function goOnFrom(files: readonly string[]): Promise<void> {
  const saved = new Map<string, Tensor>();
  for (const file of files) {
    const entries = JSON.parse(await readFile(file, 'utf8')) as Saved[];
    for (const [name, shape, dtype, numbers] of entries) saved.set(name, tensor(numbers, [...shape], dtype));
  }
  for (const one of variables) {
    const name = `variable ${one.name}`;
    one.assign(saved.get(name) as Tensor);
    saved.delete(name);
  }
  await optimizer.setWeights([...saved].map(([name, one]) => ({ name, tensor: one })));
}
