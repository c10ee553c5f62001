import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expectClose, tolerance } from '@distributed-shampoo/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tfNode, useBackend } from '../../src/node.ts';
import { currentBinding, handlesLeftBy } from '../backends.ts';

// What users of @tensorflow/tfjs-node have besides its kernels, over this package's binding.

const { sequential, layers, loadLayersModel } = createRequire(import.meta.url)(
  '@tensorflow/tfjs',
) as typeof import('@tensorflow/tfjs');
const folder = mkdtempSync(join(tmpdir(), 'shampoo-tf-node-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  await useBackend({ backend: 'tensorflow', threads: 1 });
});

test('a model is saved to file:// and loaded from it', async () => {
  const model = sequential({
    layers: [layers.dense({ units: 3, inputShape: [4] }), layers.dense({ units: 2, activation: 'tanh' })],
  });
  const address = pathToFileURL(join(folder, 'model')).href;
  await model.save(address);
  expect(readdirSync(join(folder, 'model')).sort((a, b) => a.localeCompare(b))).toEqual(['model.json', 'weights.bin']);
  const loaded = await loadLayersModel(`${address}/model.json`);
  const x = tf.randomNormal([5, 4]);
  const [expected, actual] = [model, loaded].map((one) => (one.predict(x) as tf.Tensor).dataSync());
  expectClose(actual!, expected!, tolerance.exact);
  await expect(loadLayersModel(pathToFileURL(join(folder, 'nothing', 'model.json')).href)).rejects.toThrow(/does not exist/);
});

describe('images', () => {
  test('what is encoded as PNG is decoded again, to the bit, and nothing is left behind', async () => {
    const { encodePng, decodePng, decodeImage } = tfNode();
    const pixels = tf.tensor3d(
      Int32Array.from({ length: 4 * 5 * 3 }, (_, i) => (i * 37) % 256),
      [4, 5, 3],
      'int32',
    );
    const file = await encodePng(pixels);
    expect(Buffer.from(file).subarray(1, 4).toString()).toBe('PNG');
    for (const decode of [decodePng, decodeImage]) {
      const left = handlesLeftBy(() => {
        const decoded = decode(file);
        expect([decoded.shape, decoded.dtype, [...decoded.dataSync()]]).toEqual([[4, 5, 3], 'int32', [...pixels.dataSync()]]);
      });
      expect(left).toBe(0);
    }
  });

  test('JPEG comes back about as it was', async () => {
    const { encodeJpeg, decodeJpeg } = tfNode();
    const gray = tf.fill([16, 16, 3], 120, 'int32') as tf.Tensor3D;
    const decoded = decodeJpeg(await encodeJpeg(gray, 'rgb', 95));
    expect(decoded.shape).toEqual([16, 16, 3]);
    expectClose(decoded.dataSync(), gray.dataSync(), { name: 'JPEG', absolute: 2, relative: 0 });
  });

  test('BMP and GIF are decoded, the second with all its frames', () => {
    const { decodeBmp, decodeGif, decodeImage } = tfNode();
    // Two rows of one pixel of 24 bits, the lower first, in blue, green, red, each row filled up to four bytes.
    const header = Buffer.alloc(54);
    header.write('BM');
    const fields = { 2: 62, 10: 54, 14: 40, 18: 1, 22: 2, 26: 1 + (24 << 16), 34: 8 };
    for (const [at, value] of Object.entries(fields)) header.writeUInt32LE(value, Number(at));
    const upright = decodeBmp(Buffer.concat([header, Buffer.from([3, 2, 1, 0, 30, 20, 10, 0])]), 3);
    expect([upright.shape, [...upright.dataSync()]]).toEqual([
      [2, 1, 3],
      [10, 20, 30, 1, 2, 3],
    ]);
    // One pixel of red and one of white in two frames, with a table of two colours.
    const frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2];
    const gif = Buffer.concat([
      Buffer.from('GIF89a'),
      Buffer.from([1, 0, 1, 0, 0x80, 0, 0, 255, 0, 0, 255, 255, 255]),
      Buffer.from([...frame, 0x44, 1, 0, ...frame, 0x4c, 1, 0, 0x3b]),
    ]);
    for (const frames of [decodeGif(gif), decodeImage(gif, 3, 'int32', true)]) {
      expect([frames.shape, [...frames.dataSync()]]).toEqual([
        [2, 1, 1, 3],
        [255, 0, 0, 255, 255, 255],
      ]);
    }
  });

  test('what is no image is an error', () => {
    expect(() => tfNode().decodeImage(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))).toThrow();
  });
});

describe('TensorBoard', () => {
  /** The records of the one file of a folder: each has its length in 8 bytes, a checksum of 4, itself, and another checksum. */
  const recordsIn = (logs: string): Buffer[] => {
    const [name = '', ...others] = readdirSync(logs);
    expect([name, others]).toEqual([expect.stringMatching(/^events\.out\.tfevents\./), []]);
    const bytes = readFileSync(join(logs, name));
    const records: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += Number(bytes.readBigUInt64LE(at)) + 16) {
      records.push(bytes.subarray(at + 12, at + 12 + Number(bytes.readBigUInt64LE(at))));
    }
    return records;
  };

  test('files hold a record for every number and histogram that is written', () => {
    const logs = join(folder, 'logs');
    const writer = tfNode().summaryFileWriter(logs);
    for (let step = 0; step < 3; step++) writer.scalar('loss', 1 / (step + 1), step);
    writer.histogram('weights', tf.linspace(0, 1, 50), 3, 10);
    writer.flush();
    const [version, ...records] = recordsIn(logs);
    expect(version?.includes('brain.Event:2')).toBe(true);
    expect(records.map((record) => ['loss', 'weights'].filter((tag) => record.includes(tag)))).toEqual([
      ['loss'],
      ['loss'],
      ['loss'],
      ['weights'],
    ]);
    // 1/3 in float32, as the third record has it.
    expect(records[2]?.includes(Buffer.from(new Float32Array([1 / 3]).buffer))).toBe(true);
  });

  test('the callback writes while a model fits', async () => {
    const logs = join(folder, 'fit');
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    await model.fit(tf.ones([4, 2]), tf.zeros([4, 1]), { epochs: 3, verbose: 0, callbacks: tfNode().tensorBoard(logs) });
    const records = recordsIn(join(logs, 'train'));
    expect(records.filter((record) => record.includes('epoch_loss'))).toHaveLength(3);
  });
});

describe('saved models', () => {
  // y = x w with w = [[1, 2, 3], [4, 5, 6]], and total = sum of x; written by TensorFlow 2.21's tf.saved_model.save.
  const path = fileURLToPath(new URL('./saved-model', import.meta.url));

  test('are described, run, and deleted, and leave nothing behind', async () => {
    const { getMetaGraphsFromSavedModel, loadSavedModel, getNumOfSavedModels } = tfNode();
    const [meta] = await getMetaGraphsFromSavedModel(path);
    expect(meta?.tags).toEqual(['serve']);
    const model = await loadSavedModel(path);
    expect(getNumOfSavedModels()).toBe(1);
    const left = handlesLeftBy(() => {
      for (let i = 0; i < 3; i++) {
        const { y, total } = model.predict({ x: tf.tensor2d([1, 0, 0, 2], [2, 2]) }) as tf.NamedTensorMap;
        expect([y!.shape, [...y!.dataSync()], total!.dataSync()[0]]).toEqual([[2, 3], [1, 2, 3, 8, 10, 12], 3]);
      }
    });
    expect(left).toBe(0);
    model.dispose();
    expect(getNumOfSavedModels()).toBe(0);
  });

  test('what cannot be is an error that says what', async () => {
    const model = await tfNode().loadSavedModel(path);
    expect(() => model.predict({ x: tf.ones([2, 3]) })).toThrow(/saved model.*(shape|dimension|compatible)/is);
    expect(() => currentBinding().runSavedModel(99, [], '', 'y')).toThrow(expect.objectContaining({ code: 'unknown-model' }));
    expect(() => currentBinding().loadSavedModel('/nowhere', 'serve')).toThrow(
      expect.objectContaining({ code: 'tensorflow-error', message: expect.stringContaining('/nowhere') }),
    );
    model.dispose();
  });
});
