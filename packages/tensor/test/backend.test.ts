import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, expect, test } from 'vitest';
import { useBackend } from '../src/node.ts';

const nowhere = mkdtempSync(join(tmpdir(), 'shampoo-backend-'));
afterAll(() => rmSync(nowhere, { recursive: true, force: true }));

/** A machine without TensorFlow: an empty cache, no Python on the path. */
const bare = { PATH: nowhere, HOME: nowhere, SHAMPOO_CACHE: join(nowhere, 'cache'), SHAMPOO_TENSORFLOW: nowhere };

test('wasm needs nothing but npm packages', async () => {
  const backend = await useBackend({ environment: { ...bare, SHAMPOO_BACKEND: 'wasm' } });
  expect(backend).toMatchObject({ name: 'wasm', threads: 1, usesGpu: false, notes: [] });
  expect(tf.getBackend()).toBe('wasm');
  expect([...tf.matMul(tf.eye(2), tf.tensor2d([1, 2, 3, 4], [2, 2])).dataSync()]).toEqual([1, 2, 3, 4]);
});

test('wasm serves where TensorFlow cannot be found, and one note says why and what to do', async () => {
  const { name, notes } = await useBackend({ environment: bare });
  expect(name).toBe('wasm');
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(/TensorFlow was not found \(.*shampoo-engines.*WebAssembly serves/s);
  expect(notes[0]).not.toContain('\n');
});

test('TensorFlow asked for by name is an error where it cannot be found', async () => {
  await expect(useBackend({ backend: 'tensorflow', environment: bare })).rejects.toMatchObject({ code: 'engine-not-found' });
});

test('a backend that nobody registered is named', async () => {
  await expect(useBackend({ backend: 'webgpu', environment: {} })).rejects.toMatchObject({ code: 'unknown-backend' });
});
