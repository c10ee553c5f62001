import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { searchTensorFlow } from '../../src/node.ts';
import { inProcess } from './in-process.ts';

describe('a process that used TensorFlow', () => {
  test('ends well, and without a word that it did not say itself', async () => {
    const { stdout, stderr } = await inProcess(
      `await useBackend(); console.log(tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync()[0]);`,
    );
    expect([stdout, stderr]).toEqual(['64\n', '']);
  });

  test("hears TensorFlow's notes where it asks for them", async () => {
    const { stderr } = await inProcess('await useBackend(); tf.ones([1]).dataSync();', { TF_CPP_MIN_LOG_LEVEL: '0' });
    expect(stderr).toContain('oneDNN');
  });

  test('still hears its own standard error afterwards', async () => {
    const { stderr } = await inProcess(`await useBackend(); process.stderr.write('mine');`);
    expect(stderr).toBe('mine');
  });

  test.skipIf(process.platform !== 'linux')('has the threads that it asked for', async () => {
    const threads = async (count: number) => {
      const { stdout } = await inProcess(`import { readdirSync, readFileSync } from 'node:fs';
        await useBackend({ threads: ${count} });
        tf.matMul(tf.ones([256, 256]), tf.ones([256, 256])).dataSync();
        console.log(readdirSync('/proc/self/task').length);`);
      return Number(stdout);
    };
    expect((await threads(9)) - (await threads(2))).toBe(7);
  });

  test('keeps its settings: others are refused, the same are not', async () => {
    const { stdout } = await inProcess(`
      console.log((await useBackend({ threads: 2 })).threads, (await useBackend({ threads: 2 })).threads, (await useBackend()).threads);
      await useBackend({ threads: 3 }).catch((error) => console.log(error.code));`);
    expect(stdout).toBe('2 2 2\nbackend-fixed\n');
  });

  test('keeps one TensorFlow when several ask at once', async () => {
    const { stdout } = await inProcess(`
      const all = await Promise.all([useBackend({ threads: 2 }), useBackend({ threads: 2 }), useBackend()]);
      console.log(new Set(all.map(({ library }) => library)).size, tf.add(1, 2).dataSync()[0]);`);
    expect(stdout).toBe('1 3\n');
  });

  test('whose backend somebody else registered keeps that one, and is told', async () => {
    const { stdout } = await inProcess(`
      import '@tensorflow/tfjs-backend-cpu';
      tf.env().set('PROD', true);
      tf.registerBackend('tensorflow', tf.findBackendFactory('cpu'), 3);
      for (const { kernelName, kernelFunc } of tf.getKernelsForBackend('cpu')) tf.registerKernel({ kernelName, kernelFunc, backendName: 'tensorflow' });
      const { name, notes } = await useBackend();
      const target = new Float32Array(5);
      packTensor(target, unpackTensor(new Float32Array([1, 2]), [2], [wholeRun(2, 0)]), [wholeRun(2, 3)]);
      console.log(name, notes.length, target.join());
      try { executeRaw('Relu', [tf.ones([1])]); } catch (error) { console.log(error.code); }`);
    expect(stdout).toBe('tensorflow 1 0,0,0,1,2\nunsupported\n');
  });

  test('may name another backend that is registered, and no other', async () => {
    const { stdout } = await inProcess(
      `import '@tensorflow/tfjs-backend-cpu';
      console.log((await useBackend({ backend: 'tensorflow' })).name, tf.getBackend());`,
      { SHAMPOO_BACKEND: 'cpu' },
    );
    expect(stdout).toBe('cpu cpu\n');
    const { stdout: refused } = await inProcess(
      `await useBackend({ backend: 'abacus' }).catch((error) => console.log(error.code, error.message));`,
    );
    expect(refused).toMatch(/^unknown-backend .*"abacus"/);
  });

  test('without TensorFlow says in one line what was tried and what to do', async () => {
    const { stdout } = await inProcess(
      `await useBackend({ backend: 'tensorflow' }).catch((error) => console.log(error.code, error.message));`,
      {
        SHAMPOO_TENSORFLOW: '/nowhere',
      },
    );
    expect(stdout).toMatch(
      /^engine-not-found TensorFlow was not found \(SHAMPOO_TENSORFLOW: no folder \/nowhere\)\. .*shampoo-engines.*\n$/,
    );
  });

  test('without a GPU says so in one line, and has chosen the one of its rank', async () => {
    // Any TensorFlow will do: that for CPUs finds no GPU either.
    const { found } = await searchTensorFlow();
    const { stdout } = await inProcess(
      `await useBackend({ backend: 'tensorflow-gpu' }).catch((error) => console.log(error.code, process.env.CUDA_VISIBLE_DEVICES, error.message));`,
      { LOCAL_RANK: '1', CUDA_VISIBLE_DEVICES: '98,99', SHAMPOO_TENSORFLOW: dirname(found?.library ?? '') },
    );
    expect(stdout).toMatch(
      /^no-gpu 99 useBackend: TensorFlow 2\.\d+\.\d+ \(.*\) uses no GPU: (it was built for CPUs only|there is no NVIDIA driver|the NVIDIA driver).*SHAMPOO_BACKEND=tensorflow.*\n$/,
    );
  });

  test('and asked for a GPU in vain still computes on the CPU where that is asked for next', async () => {
    const { found } = await searchTensorFlow();
    const { stdout } = await inProcess(
      `await useBackend({ backend: 'tensorflow-gpu' }).catch((error) => console.log(error.code));
      console.log((await useBackend({ backend: 'tensorflow' })).usesGpu, tf.add(1, 2).dataSync()[0]);`,
      { SHAMPOO_TENSORFLOW: dirname(found?.library ?? ''), CUDA_VISIBLE_DEVICES: '' },
    );
    expect(stdout).toBe('no-gpu\nfalse 3\n');
  });

  test('on a machine that no wheel is for says so in one line, and runs on wasm', async () => {
    const { stdout } = await inProcess(
      `const environment = { PATH: '/nowhere', HOME: '/nowhere', SHAMPOO_CACHE: '/nowhere' };
      Object.defineProperty(process, 'arch', { value: 'riscv64' });
      const { name, notes } = await useBackend({ environment, fetch: true });
      console.log(name, notes.length, notes.join());
      for (const backend of ['tensorflow', 'tensorflow-gpu'])
        await useBackend({ backend, environment, fetch: true }).catch((error) => console.log(error.code, error.message));`,
    );
    const lines = stdout.trim().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(
        /^wasm 1 TensorFlow was not found \(.*download: no library is pinned for \w+-riscv64\)\. .*WebAssembly serves/,
      ),
      expect.stringMatching(/^engine-not-found .*no library is pinned for \w+-riscv64/),
      expect.stringMatching(/^engine-not-found TensorFlow for GPUs .*no CUDA libraries are pinned for \w+-riscv64/),
    ]);
  });

  test('with a file that is no library says so', async () => {
    const { stdout } = await inProcess(
      `import { mkdtempSync, writeFileSync, rmSync } from 'node:fs';
      import { tmpdir } from 'node:os';
      const folder = mkdtempSync(tmpdir() + '/tensorflow-');
      writeFileSync(folder + '/libtensorflow_cc.so.2', 'no library');
      await useBackend({ environment: { SHAMPOO_TENSORFLOW: folder } }).catch((error) => console.log(error.code, error.message.includes(folder)));
      rmSync(folder, { recursive: true });`,
    );
    expect(stdout).toBe('bad-library true\n');
  });

  test('refuses a number of threads that is none', async () => {
    const { stdout } = await inProcess('await useBackend({ threads: 0 }).catch((error) => console.log(error.code));');
    expect(stdout).toBe('bad-argument\n');
  });
});
