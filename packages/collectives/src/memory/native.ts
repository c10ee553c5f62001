/**
 * The calls of the C library that Node.js lacks: map a file over given pages, reserve a file's space, make a file without a
 * name, sleep on and wake a word that several processes share. Bound with koffi; the only file that knows it.
 */

/** The C library of this process. Addresses are numbers: user space ends below 2^53 everywhere. */
export interface Native {
  /** Where the first byte of an array lies. */
  addressOf(bytes: Uint8Array): number;
  /** Maps the first bytes of a file, shared and readable and writable, over the pages at `at`, or anywhere. @throws where refused. */
  map(fd: number, lengthBytes: number, at?: number): number;
  unmap(address: number, lengthBytes: number): void;
  /** Mapped memory as a buffer. It has no lifetime: whoever touches it after `unmap` crashes. */
  view(address: number, lengthBytes: number): ArrayBuffer;
  /** Gives the file its space now, so that it cannot run out when it is touched. @returns 0 or the error number. */
  reserve(fd: number, lengthBytes: number): number;
  /** A file in memory without a name, closed on exec. Linux only. @throws where refused. */
  anonymousFile?(): number;
  /** Sleep and wake across processes. Linux on x64 and arm64. */
  readonly futex?: Futex;
  /** Linux on x64 and arm64. */
  readonly robustList?: RobustList;
}

/** Words that the kernel looks at when a thread ends. One list per thread. */
export interface RobustList {
  /** The calling thread's number, as the kernel compares it. */
  threadId(): number;
  /** Address of the calling thread's list. */
  head(): number;
  /** Gives the calling thread another list. @returns whether the kernel took it. */
  replace(head: number): boolean;
}

/** A word that processes sleep on. */
export interface Futex {
  /** Sleeps until woken, at most `ms`; returns at once where the word no longer holds `seen`. May also return early. */
  wait(address: number, seen: number, ms: number): void;
  /** Wakes all that sleep on the word. */
  wake(address: number): void;
}

const READ_WRITE = 3;
const SHARED = 0x01;
const FIXED = 0x10;
const POPULATE = process.platform === 'linux' ? 0x8000 : 0; // fault all pages in now, not in the first step
const CLOSE_ON_EXEC = 1;
/** Numbers of system calls. */
const calls: Partial<Record<string, { futex: number; threadId: number; setRobustList: number; getRobustList: number }>> = {
  x64: { futex: 202, threadId: 186, setRobustList: 273, getRobustList: 274 },
  arm64: { futex: 98, threadId: 178, setRobustList: 99, getRobustList: 100 },
};
const ROBUST_HEAD_BYTES = 24;
const FUTEX_WAIT = 0; // without the PRIVATE flag: keyed by the page, not by the process
const FUTEX_WAKE = 1;
const EVERYONE = 0x7fffffff;

/** The C library, or why there is none. */
export async function loadNative(): Promise<Native | string> {
  if (process.platform === 'win32') return 'Windows has no mmap';
  try {
    return bind((await import('koffi')).default);
  } catch (error) {
    return `koffi does not load: ${(error as Error).message}`;
  }
}

type Koffi = typeof import('koffi')['default'];

function bind(koffi: Koffi): Native {
  const libc = koffi.load(null);
  const memmove = libc.func('intptr_t memmove(void *to, void *from, size_t n)');
  const mmap = libc.func('intptr_t mmap(intptr_t at, size_t length, int protection, int flags, int fd, int64_t offset)');
  const munmap = libc.func('int munmap(intptr_t at, size_t length)');
  const linux = process.platform === 'linux';
  const numbers = calls[process.arch];
  // macOS lacks it; there a full disk is found when the space is touched.
  const posixFallocate = linux ? libc.func('int posix_fallocate(int fd, int64_t offset, int64_t length)') : () => 0;
  return {
    addressOf: (bytes) => Number(memmove(bytes, bytes, 0)), // moving nothing returns the address
    map(fd, lengthBytes, at = 0) {
      const address = Number(mmap(at, lengthBytes, READ_WRITE, SHARED | (at === 0 ? 0 : FIXED) | POPULATE, fd, 0));
      if (address === -1 || (at !== 0 && address !== at)) {
        throw new Error(`mmap of ${lengthBytes} bytes was refused (error ${koffi.errno()})`);
      }
      return address;
    },
    unmap: (address, lengthBytes) => void munmap(address, lengthBytes),
    view: (address, lengthBytes) => koffi.view(BigInt(address), lengthBytes),
    reserve: (fd, lengthBytes) => posixFallocate(fd, 0, lengthBytes),
    ...(linux ? { anonymousFile: anonymousFile(koffi, libc) } : {}),
    ...(linux && numbers !== undefined ? { futex: futex(libc, numbers.futex), robustList: robustList(libc, numbers) } : {}),
  };
}

function anonymousFile(koffi: Koffi, libc: ReturnType<Koffi['load']>): () => number {
  const memfdCreate = libc.func('int memfd_create(const char *name, unsigned int flags)');
  return () => {
    const fd = memfdCreate('collectives', CLOSE_ON_EXEC) as number;
    if (fd < 0) throw new Error(`memfd_create was refused (error ${koffi.errno()})`);
    return fd;
  };
}

function futex(libc: ReturnType<Koffi['load']>, number: number): Futex {
  const call = libc.func(
    'int64_t syscall(int64_t number, intptr_t word, int op, int value, void *timeout, intptr_t word2, int value3)',
  );
  const timeout = new BigInt64Array(2); // struct timespec
  return {
    wait(address, seen, ms) {
      timeout[0] = BigInt(Math.floor(ms / 1000));
      timeout[1] = BigInt(Math.floor((ms % 1000) * 1e6));
      call(number, address, FUTEX_WAIT, seen, timeout, 0, 0);
    },
    wake: (address) => void call(number, address, FUTEX_WAKE, EVERYONE, null, 0, 0),
  };
}

function robustList(
  libc: ReturnType<Koffi['load']>,
  numbers: { threadId: number; setRobustList: number; getRobustList: number },
): RobustList {
  const call = libc.func('int64_t syscall(int64_t number, intptr_t a, intptr_t b)');
  const query = libc.func('int64_t syscall(int64_t number, intptr_t thread, void *head, void *length)');
  return {
    threadId: () => Number(call(numbers.threadId, 0, 0)),
    head() {
      const found = new BigInt64Array(2);
      query(numbers.getRobustList, 0, found.subarray(0, 1), found.subarray(1));
      return Number(found[0]);
    },
    replace: (head) => Number(call(numbers.setRobustList, head, ROBUST_HEAD_BYTES)) === 0,
  };
}
