/** Machines for which engines can be fetched. */
const targets = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64'] as const;

/** A machine for which engines can be fetched, as Node.js names it: `linux-x64`, `darwin-arm64`, ... */
export type Target = (typeof targets)[number];

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
  /** Files to take out of the wheel; a name that ends in `/` is a folder with all that is in it. */
  readonly members: readonly string[];
}

/** The Python that wheels are asked for; the machine's own doesn't matter, as nothing of the wheel but its libraries is used. */
export const PYTHON_VERSION = '3.11';

const linuxMembers = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];
const macMembers = ['tensorflow/libtensorflow_cc.2.dylib', 'tensorflow/libtensorflow_framework.2.dylib'];

/**
 * TensorFlow for CPUs. The build for Linux on x64 without CUDA has a name of its own; elsewhere the plain one is it. 2.16 was the last for Macs
 * with Intel processors.
 */
export const tensorflowWheels: Readonly<Record<Target, Wheel>> = {
  'linux-x64': {
    project: 'tensorflow-cpu',
    version: '2.21.0',
    platform: 'manylinux_2_27_x86_64',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    downloadMegabytes: 274,
    unpackedMegabytes: 853,
    members: linuxMembers,
  },
  'linux-arm64': {
    project: 'tensorflow',
    version: '2.21.0',
    platform: 'manylinux_2_27_aarch64',
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    downloadMegabytes: 282,
    unpackedMegabytes: 883,
    members: linuxMembers,
  },
  'darwin-arm64': {
    project: 'tensorflow',
    version: '2.21.0',
    platform: 'macosx_12_0_arm64',
    sha256: '51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
    downloadMegabytes: 223,
    unpackedMegabytes: 741,
    members: macMembers,
  },
  'darwin-x64': {
    project: 'tensorflow',
    version: '2.16.2',
    platform: 'macosx_10_15_x86_64',
    sha256: 'ec06570d57bfa0e2be804405e3cdc2960e94887e7619ffb6bc053e9775b695aa',
    downloadMegabytes: 260,
    unpackedMegabytes: 735,
    members: macMembers,
  },
};

const openBlas = (extension: 'so' | 'dylib') => ({
  project: 'scipy-openblas32',
  version: '0.3.34.481.3',
  members: [`scipy_openblas32/lib/libscipy_openblas.${extension}`],
});

/** OpenBLAS with LAPACK, 32-bit indices, kernels for every processor chosen at run time. */
export const blasWheels: Readonly<Record<Target, Wheel>> = {
  'linux-x64': {
    ...openBlas('so'),
    platform: 'manylinux_2_27_x86_64',
    sha256: '0595f94cd58c1f8a0d90c975621f4587337a003916b1979e834ebdf2cb5d9504',
    downloadMegabytes: 9,
    unpackedMegabytes: 25,
  },
  'linux-arm64': {
    ...openBlas('so'),
    platform: 'manylinux_2_27_aarch64',
    sha256: 'e085dddbc5b9aa130f83def515d31c440e69f387a90c7e63b154a5575b4466bc',
    downloadMegabytes: 9,
    unpackedMegabytes: 29,
  },
  'darwin-arm64': {
    ...openBlas('dylib'),
    platform: 'macosx_11_0_arm64',
    sha256: '813bb8101da2f64555c4a5e71c3714539d92b0b4f1841ec12b80d50e56cde46c',
    downloadMegabytes: 6,
    unpackedMegabytes: 16,
  },
  'darwin-x64': {
    ...openBlas('dylib'),
    platform: 'macosx_10_13_x86_64',
    sha256: '85d42ee10fd207ed6014273dcb9236ab1a65d21357f278b3aa0a78e8189665a8',
    downloadMegabytes: 8,
    unpackedMegabytes: 27,
  },
};

/** A machine as `process` describes it. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
}

/** @returns the target that a machine is, this one by default, or nothing where no wheel is pinned for it. */
export function thisTarget({ platform, arch }: Machine = process): Target | undefined {
  return targets.find((target) => target === `${platform}-${arch}`);
}
