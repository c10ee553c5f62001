import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { inProcess } from './in-process.ts';

// Processes that use this package and @tensorflow/tfjs-node, whose own entry runs here as it is; a stand-in serves as its addon.

const folder = mkdtempSync(join(tmpdir(), 'shampoo-node-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const addon = new URL('./addon-stand-in.ts', import.meta.url);
const importPackage = `await import('${addon}'); const { default: whole } = await import('@tensorflow/tfjs-node');`;
const gradient = `
  const images = tf.range(0, 2 * 8 * 8 * 3).reshape([2, 8, 8, 3]).div(400).sub(0.5);
  const filter = tf.range(0, 3 * 3 * 3 * 4).reshape([3, 3, 3, 4]).div(200).sub(0.2);
  const loss = (w) => crossEntropy(tf.mean(relu(convolution(images, w, { padding: 1 })), [1, 2]), tf.tensor1d([1, 3], 'int32'));
  const slope = tf.grad(loss)(filter);
  const flat = new Float32Array(new SharedArrayBuffer(4 * filter.size));
  packTensor(flat, slope, [wholeRun(slope.size, 0)]);
  console.log(flat.reduce((sum, x) => sum + x * x, 0).toFixed(4), unpackTensor(flat, filter.shape, [wholeRun(filter.size, 0)]).shape.join());`;
const model = (name: string) => `
  const model = whole.sequential({ layers: [whole.layers.dense({ units: 2, inputShape: [3] })] });
  await model.save('file://${join(folder, name)}');
  const loaded = await whole.loadLayersModel('file://${join(folder, name, 'model.json')}');
  console.log(loaded.predict(tf.ones([1, 3])).sub(model.predict(tf.ones([1, 3]))).abs().max().dataSync()[0]);`;

describe('a process that imported the package first', () => {
  test('keeps its backend, is told, and trains on it with the same gradients', async () => {
    const { stdout: theirs } = await inProcess(`${importPackage}
      const { name, library, threads, notes } = await useBackend();
      console.log(name, library, threads > 0, notes.length, tf.backend() === whole.backend(), 'copyOut' in tf.backend().binding);
      ${gradient}`);
    const { stdout: ours } = await inProcess(`await useBackend(); ${gradient}`);
    expect(theirs).toBe(`tensorflow @tensorflow/tfjs-node true 1 true false\n${ours}`);
    expect(ours).toMatch(/^\d+\.\d{4} 3,3,3,4\n$/);
  });

  test('is refused what that backend cannot: raw operations, threads, a GPU', async () => {
    const { stdout } = await inProcess(`${importPackage}
      await useBackend();
      const say = (error) => console.log(error.code, error.message);
      try { executeRaw('Relu', [tf.ones([1])]); } catch (error) { say(error); }
      await useBackend({ threads: 2 }).catch(say);
      await useBackend({ backend: 'tensorflow-gpu' }).catch(say);`);
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^unsupported Relu: .*call useBackend\(\) before importing that package/),
      expect.stringMatching(/^backend-fixed .*call useBackend\(\) before importing that package/),
      expect.stringMatching(/^no-gpu .*that package was imported first/),
    ]);
  });

  test('has one tf.node, and one way to files', async () => {
    const { stdout } = await inProcess(`${importPackage}
      await useBackend();
      console.log(tfNode() === whole.node, tfNode().decodePng(await tfNode().encodePng(tf.ones([2, 3, 3], 'int32'))).shape.join());
      ${model('theirs')}`);
    expect(stdout).toBe('true 2,3,3\n0\n');
  });
});

describe('a process that imports the package afterwards', () => {
  test('keeps this backend with its raw operations, and has one way to files', async () => {
    const { stdout } = await inProcess(`
      await useBackend({ threads: 1 });
      ${importPackage}
      console.log(whole.getBackend(), 'copyOut' in whole.backend().binding, (await useBackend({ threads: 1 })).notes.length);
      console.log(executeRaw('Relu', [tf.tensor1d([-1, 2])], { attributes: [attribute.type('T', 'float32')] })[0].dataSync().join());
      ${model('ours')}`);
    expect(stdout).toBe('tensorflow true 0\n0,2\n0\n');
  });
});

test('a process on wasm saves models to files and loads them too', async () => {
  const { stdout } = await inProcess(`
    import whole from '@tensorflow/tfjs';
    await useBackend({ backend: 'wasm' });
    ${model('wasm')}
    console.log(whole.getBackend());
    await whole.loadLayersModel('file://${join(folder, 'nothing')}').catch((error) => console.log(error.message));`);
  expect(stdout).toMatch(/^0\nwasm\n.*does not exist/);
});
