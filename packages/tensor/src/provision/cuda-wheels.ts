import type { Wheel } from './wheels.ts';

/** Everything under these folders of a wheel. */
const libraries = (name: string): readonly string[] => [`nvidia/${name}/lib/`];

const nvidia = (
  name: string,
  [version, platform, sha256]: readonly [string, string, string],
  sizes: readonly [download: number, unpacked: number],
  members = libraries(name),
): Wheel => ({
  project: `nvidia-${name.replaceAll('_', '-')}-cu12`,
  version,
  platform,
  sha256,
  downloadMegabytes: sizes[0],
  unpackedMegabytes: sizes[1],
  members,
});

const glibc = (version: string) => `manylinux_${version}_x86_64`;
const [glibc227, glibc225, glibc217, glibc212] = [glibc('2_27'), glibc('2_25'), glibc('2_17'), glibc('2_12')] as const;

/**
 * TensorFlow for NVIDIA GPUs under Linux on x64, and the CUDA 12 libraries that it loads: what `tensorflow[and-cuda]` of pip comes to. They find one another by
 * the folders that they lie in, so those are kept.
 */
export const cudaWheels: readonly Wheel[] = [
  {
    project: 'tensorflow',
    version: '2.21.0',
    platform: glibc227,
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    downloadMegabytes: 572,
    unpackedMegabytes: 1259,
    members: ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'],
  },
  nvidia('cublas', ['12.9.3.13', glibc227, 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72'], [581, 855]),
  nvidia('cuda_cupti', ['12.9.79', glibc225, '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f'], [11, 43]),
  nvidia(
    'cuda_nvcc',
    ['12.9.86', glibc212, '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0'],
    [41, 35],
    ['nvidia/cuda_nvcc/bin/ptxas', 'nvidia/cuda_nvcc/nvvm/libdevice/'],
  ),
  nvidia('cuda_nvrtc', ['12.9.86', glibc212, '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4'], [90, 227]),
  nvidia('cuda_runtime', ['12.9.79', glibc217, '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3'], [3, 5]),
  nvidia('cudnn', ['9.28.0.42', glibc227, '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375'], [717, 1162]),
  nvidia('cufft', ['11.4.1.4', glibc217, 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28'], [201, 293]),
  nvidia('curand', ['10.3.10.19', glibc227, '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e'], [68, 166]),
  nvidia('cusolver', ['11.7.5.82', glibc227, '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88'], [338, 494]),
  nvidia('cusparse', ['12.5.10.65', glibc217, '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78'], [366, 486]),
  nvidia('nccl', ['2.32.3', glibc227, 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c'], [352, 490]),
  nvidia('nvjitlink', ['12.9.86', glibc212, 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9'], [40, 95]),
];
