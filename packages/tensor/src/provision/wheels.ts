/** A machine for which engines can be fetched: `linux-x64`, `linux-arm64`. */
export type Target = 'linux-x64' | 'linux-arm64';

/** A Python wheel that holds native libraries, pinned to its bytes. */
export interface Wheel {
  /** Name and version as pip knows them. */
  readonly project: string;
  readonly version: string;
  /** Tag of the platform that the wheel is built for (PEP 600). */
  readonly platform: string;
  readonly sha256: string;
  readonly downloadMegabytes: number;
  readonly unpackedMegabytes: number;
  /** Files to take out of the wheel. */
  readonly members: readonly string[];
}

/** The Python that wheels are asked for; the machine's own doesn't matter, as nothing of the wheel but its libraries is used. */
export const PYTHON_VERSION = '3.11';

const tensorflowMembers = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];

/** TensorFlow for CPUs. The x64 build without CUDA has a name of its own; on arm64 the plain one is it. */
export const tensorflowWheels: Readonly<Record<Target, Wheel>> = {
  'linux-x64': {
    project: 'tensorflow-cpu',
    version: '2.21.0',
    platform: 'manylinux_2_27_x86_64',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    downloadMegabytes: 274,
    unpackedMegabytes: 853,
    members: tensorflowMembers,
  },
  'linux-arm64': {
    project: 'tensorflow',
    version: '2.21.0',
    platform: 'manylinux_2_27_aarch64',
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    downloadMegabytes: 282,
    unpackedMegabytes: 883,
    members: tensorflowMembers,
  },
};

const openBlas = { project: 'scipy-openblas32', version: '0.3.34.481.3', members: ['scipy_openblas32/lib/libscipy_openblas.so'] };

/** OpenBLAS with LAPACK, 32-bit indices, kernels for every processor chosen at run time. */
export const blasWheels: Readonly<Record<Target, Wheel>> = {
  'linux-x64': {
    ...openBlas,
    platform: 'manylinux_2_27_x86_64',
    sha256: '0595f94cd58c1f8a0d90c975621f4587337a003916b1979e834ebdf2cb5d9504',
    downloadMegabytes: 9,
    unpackedMegabytes: 25,
  },
  'linux-arm64': {
    ...openBlas,
    platform: 'manylinux_2_27_aarch64',
    sha256: 'e085dddbc5b9aa130f83def515d31c440e69f387a90c7e63b154a5575b4466bc',
    downloadMegabytes: 9,
    unpackedMegabytes: 29,
  },
};

/** @returns the target that a machine is, this one by default, or nothing where no wheel is pinned for it. */
export function thisTarget({
  platform,
  arch,
}: {
  readonly platform: string;
  readonly arch: string;
} = process): Target | undefined {
  const target = `${platform}-${arch}`;
  return target === 'linux-x64' || target === 'linux-arm64' ? target : undefined;
}
