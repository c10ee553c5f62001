/** What a TensorFlow context can be told when it is made; all of it holds for the life of the process. */
export interface ContextSettings {
  /** Threads that share the work of one operation. Default: one for every core. */
  readonly threads?: number;
  /** Take GPU memory as it is needed instead of nearly all of it at once. Default: yes, as other ranks may use the GPU too. */
  readonly gpuMemoryGrowth?: boolean;
}

/** Field numbers of TensorFlow's `ConfigProto` and `GPUOptions` (`tensorflow/core/protobuf/config.proto`). */
const field = { intraOpParallelismThreads: 2, interOpParallelismThreads: 5, gpuOptions: 6, gpuAllowGrowth: 4 } as const;

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/**
 * The serialised `ConfigProto` for some settings, in protocol buffers' wire format: each field is a tag, `number << 3 | wire type`, and its value.
 *
 * Operations run one after the other here, so with a fixed number of threads the pool across operations gets one.
 */
export function configProto({ threads, gpuMemoryGrowth }: ContextSettings): Uint8Array {
  const bytes: number[] = [];
  if (threads !== undefined) {
    bytes.push(...varintField(field.intraOpParallelismThreads, threads), ...varintField(field.interOpParallelismThreads, 1));
  }
  if (gpuMemoryGrowth) {
    const options = varintField(field.gpuAllowGrowth, 1);
    bytes.push((field.gpuOptions << 3) | LENGTH_DELIMITED, options.length, ...options);
  }
  return Uint8Array.from(bytes);
}

/** Seven bits a byte, the lowest first; the top bit says that more follow. */
function varintField(number: number, value: number): number[] {
  const bytes = [(number << 3) | VARINT];
  while (value > 0x7f) {
    bytes.push((value & 0x7f) | 0x80);
    value >>>= 7;
  }
  return [...bytes, value];
}
