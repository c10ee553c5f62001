import { expect, test } from 'vitest';
import { visibleDevices } from '../../src/provision/choose-gpu.ts';

test.each([
  ['no launcher: as it is', {}, undefined],
  ['no launcher, devices chosen: as they are', { CUDA_VISIBLE_DEVICES: '2,3' }, undefined],
  ['a rank without a choice: its number', { LOCAL_RANK: '1' }, '1'],
  ['a rank with a list: its place in it', { LOCAL_RANK: '1', CUDA_VISIBLE_DEVICES: '4, 6,7' }, ' 6'],
  ['more ranks than devices: in turns', { LOCAL_RANK: '3', CUDA_VISIBLE_DEVICES: '4,6' }, '6'],
  ['one device: whoever set it has chosen', { LOCAL_RANK: '1', CUDA_VISIBLE_DEVICES: '5' }, undefined],
  ['no device: none', { LOCAL_RANK: '1', CUDA_VISIBLE_DEVICES: '' }, undefined],
  ['a rank that is no number', { LOCAL_RANK: 'x' }, undefined],
])('%s', (_name, environment, expected) => {
  expect(visibleDevices(environment)?.trim()).toBe(expected?.trim());
});
