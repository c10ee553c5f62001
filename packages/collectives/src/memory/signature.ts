import type { RobustList } from './native.ts';

/**
 * A thread's signature in shared memory, which the kernel strikes out when the thread ends, whatever ends it.
 *
 * A killed process's sockets close only after its memory has been freed, which takes half a second for some gigabytes. Before it
 * frees anything the kernel walks each thread's list of robust futexes and marks the words that hold the thread's number. So this is
 * how the others learn first that a rank is gone.
 *
 * 64 bytes: the head of the list (first entry, distance from an entry to its word, none pending), one entry (back to the head), the word.
 *
 * @see get_robust_list(2), and Documentation/locking/robust-futex-ABI in the Linux sources.
 */

const ENTRY = 24;
const WORD = 32;
const OWNER_DIED = 0x40000000;

/** The lines of shared memory for signatures. */
export interface SignatureLine {
  readonly buffer: ArrayBufferLike;
  /** Where the line begins in the buffer, and in the process. */
  readonly byteOffset: number;
  readonly address: number;
}

/** Signs for the calling thread. @returns how to take it back, which must be done before the memory goes. */
export function sign({ buffer, byteOffset, address }: SignatureLine, list: RobustList): () => void {
  const words = new BigInt64Array(buffer, byteOffset, 4);
  const word = new Int32Array(buffer, byteOffset + WORD, 1);
  words[0] = BigInt(address + ENTRY);
  words[1] = BigInt(WORD - ENTRY);
  words[2] = 0n;
  words[ENTRY / 8] = BigInt(address);
  Atomics.store(word, 0, list.threadId());
  const former = list.head();
  if (!list.replace(address)) Atomics.store(word, 0, 0); // then nobody is told this way
  return () => {
    list.replace(former);
    Atomics.store(word, 0, 0);
  };
}

/** Whether a signature was struck out. */
export const isStruckOut = ({ buffer, byteOffset }: Omit<SignatureLine, 'address'>): boolean =>
  (Atomics.load(new Int32Array(buffer, byteOffset + WORD, 1), 0) & OWNER_DIED) !== 0;
