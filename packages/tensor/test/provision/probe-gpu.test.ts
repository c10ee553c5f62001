import { describe, expect, test } from 'vitest';
import { searchTensorFlow } from '../../src/node.ts';
import { explainNoGpu, type GpuProbe, probeDriver, probeGpu } from '../../src/provision/probe-gpu.ts';

const well: GpuProbe = {
  built: true,
  driver: { state: 'ready', cuda: '12.4', devices: 2 },
  loaded: ['libcudart.so.12'],
  broken: [],
};

describe('why TensorFlow uses no GPU, and what to do', () => {
  test.each<[string, Partial<GpuProbe>, RegExp, RegExp]>([
    [
      'a build for CPUs, whatever else there is',
      { built: false },
      /built for CPUs only/,
      /shampoo-engines --gpu.*SHAMPOO_TENSORFLOW/,
    ],
    [
      'no driver',
      { driver: { state: 'absent', complaint: 'libcuda.so.1: cannot open' } },
      /no NVIDIA driver \(libcuda.so.1: cannot open\)/,
      /525.*--gpus all/,
    ],
    ['an old driver', { driver: { state: 'failed', cuda: '11.4', complaint: 'cuInit: error 35' } }, /CUDA 11.4, and 12/, /525/],
    [
      'a driver without a device',
      { driver: { state: 'failed', cuda: '12.4', complaint: 'cuInit: error 100' } },
      /offers none with CUDA_VISIBLE_DEVICES=7 \(cuInit: error 100\)/,
      /nvidia-smi.*no more ranks/,
    ],
    [
      'no device that is visible',
      { driver: { state: 'ready', cuda: '12.4', devices: 0 } },
      /CUDA_VISIBLE_DEVICES=7/,
      /nvidia-smi/,
    ],
    ['a library that does not load', { broken: ['libcudnn.so.9 (no libz.so.1)'] }, /libcudnn.so.9 \(no libz.so.1\)/, /--gpu/],
    ['nothing that this package can see', {}, /offers 2, and TensorFlow takes none/, /TF_CPP_MIN_LOG_LEVEL=0/],
  ])('%s', (_, change, why, remedy) => {
    const [said, advised] = explainNoGpu({ ...well, ...change }, '7');
    expect(said).toMatch(why);
    expect(advised).toMatch(remedy);
    expect(said + advised).not.toContain('\n');
  });

  test('a device that nobody hid is not said to be hidden', () => {
    const [why] = explainNoGpu({ ...well, driver: { state: 'ready', cuda: '12.4', devices: 0 } }, undefined);
    expect(why).toBe('the NVIDIA driver offers none');
  });
});

describe('what is looked at', () => {
  test('a driver that is not there is told with the name of its library', () => {
    expect(probeDriver('libnothing.so.1')).toEqual({
      state: 'absent',
      complaint: expect.stringMatching(/^libnothing\.so\.1: .*(No such file|not found)/),
    });
  });

  test('a library of that name that is no driver is none', () => {
    expect(probeDriver(process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libm.so.6').state).toBe('absent');
  });

  test('each CUDA library loads or is named with the reason', async () => {
    const { found } = await searchTensorFlow();
    const { loaded, broken, built } = probeGpu(found!);
    expect(loaded.length + broken.length).toBe(8);
    for (const one of broken) expect(one).toMatch(/^libcu\w+\.so\.\d+ \(.+\)$/);
    expect([true, false]).toContain(built);
  });
});
