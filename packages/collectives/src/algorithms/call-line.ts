import { type Call, describe, operations, opNumber, opOfNumber } from '../call.ts';
import { dtypes } from '../elements.ts';
import { CALL_HEADER_BYTES } from '../memory/layout.ts';

/** Where an array lies in registered memory: number of the region (0: nowhere) and address in it. */
export interface Placement {
  readonly region: number;
  readonly address: number;
}

/** An array that others cannot read. */
export const nowhere: Placement = { region: 0, address: 0 };

/** Where a rank's arrays are for its peers: the input, if they can read it; the output, if it lies in the group region. */
export interface Placements {
  readonly input: Placement;
  readonly output: Placement;
}

const word = { seq: 0, hash: 1, operation: 2, dtype: 3, op: 4, source: 5, inputRegion: 6, input: 7, outputRegion: 8, output: 9 };
const number = { step: 5, elements: 6, counts: CALL_HEADER_BYTES / 8 };

/** FNV-1a over words: equal signatures have equal hashes, others almost never. */
function mix(hash: number, value: number): number {
  hash = Math.imul(hash ^ (value | 0), 0x01000193);
  return Math.imul(hash ^ Math.floor(value / 2 ** 32), 0x01000193);
}

/**
 * One rank's line on the board: the call it is in, as numbers, so that a peer that reads it only looks at one cache line while
 * all is well and can still say the whole call when it is not.
 */
export class CallLine {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  /** Over bytes that start on a cache line. */
  constructor(buffer: ArrayBufferLike, byteOffset: number, lengthBytes: number) {
    this.#words = new Int32Array(buffer, byteOffset, CALL_HEADER_BYTES / 4);
    this.#numbers = new Float64Array(buffer, byteOffset, lengthBytes / 8);
  }

  /** Tells the peers which call this rank enters, and where they find its arrays. */
  write(call: Call, { input, output }: Placements): void {
    const words = this.#words;
    const numbers = this.#numbers;
    words[word.seq] = call.seq;
    words[word.operation] = operations.indexOf(call.operation);
    words[word.dtype] = call.dtype.number;
    words[word.op] = opNumber(call.op);
    words[word.source] = (call.source ?? -1) + 1;
    words[word.inputRegion] = input.region;
    words[word.input] = input.address;
    words[word.outputRegion] = output.region;
    words[word.output] = output.address;
    numbers[number.step] = call.step;
    numbers[number.elements] = call.elements;
    const { counts } = call;
    let hash = mix(0x811c9dc5, words[word.operation]! + 256 * (call.dtype.number + 256 * words[word.op]!));
    hash = mix(mix(mix(hash, words[word.source]!), call.elements), counts.length);
    for (let r = 0; r < counts.length; r++) {
      numbers[number.counts + r] = counts[r]!;
      hash = mix(hash, counts[r]!);
    }
    words[word.hash] = hash;
  }

  /** Equal on ranks that are in the same call. */
  get hash(): number {
    return this.#words[word.hash]!;
  }

  /** 0 before the first call. */
  get seq(): number {
    return this.#words[word.seq]!;
  }

  get step(): number {
    return this.#numbers[number.step]!;
  }

  get operation(): string {
    return operations[this.#words[word.operation]!] ?? 'unknown';
  }

  get inputRegion(): number {
    return this.#words[word.inputRegion]!;
  }

  get inputAddress(): number {
    return this.#words[word.input]! >>> 0;
  }

  get outputRegion(): number {
    return this.#words[word.outputRegion]!;
  }

  get outputAddress(): number {
    return this.#words[word.output]! >>> 0;
  }

  /** The call in words. @param size number of ranks, and so of counts where the operation has them. */
  describe(size: number): string {
    const words = this.#words;
    const operation = operations[words[word.operation]!] ?? 'barrier';
    const counts = operation === 'allocate' ? 2 : operation === 'reduceScatter' || operation === 'allGather' ? size : 0;
    const source = words[word.source]! - 1;
    return describe({
      operation,
      dtype: dtypes[words[word.dtype]!] ?? dtypes[0]!,
      op: opOfNumber(words[word.op]!),
      source: source < 0 ? undefined : source,
      elements: this.#numbers[number.elements]!,
      counts: [...this.#numbers.subarray(number.counts, number.counts + counts)],
    });
  }
}
