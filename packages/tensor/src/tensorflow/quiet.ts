import koffi from 'koffi';

const LEVEL = 'TF_CPP_MIN_LOG_LEVEL';
const WARNINGS_AND_WORSE = '1';
const STDERR = 2;
const WRITE_ONLY = 1;

/**
 * Runs `start` without what TensorFlow prints at every start: advice on instruction sets, and that oneDNN is on. It does so in
 * constructors of its libraries, before any setting of its own is read, so for these milliseconds standard error leads to nowhere.
 * Where `TF_CPP_MIN_LOG_LEVEL` is set, everything is left as the user wants it. Failures don't pass here: they are thrown.
 */
export function quietly<Result>(start: () => Result): Result {
  if (process.env[LEVEL] !== undefined || process.platform === 'win32') return start();
  const c = koffi.load(null);
  const dup = c.func('dup', 'int', ['int']) as (file: number) => number;
  const dup2 = c.func('dup2', 'int', ['int', 'int']) as (from: number, to: number) => number;
  const open = c.func('open', 'int', ['str', 'int']) as (path: string, mode: number) => number;
  const close = c.func('close', 'int', ['int']) as (file: number) => number;
  const saved = dup(STDERR);
  const nowhere = open('/dev/null', WRITE_ONLY);
  if (saved >= 0) dup2(nowhere, STDERR);
  process.env[LEVEL] = WARNINGS_AND_WORSE;
  try {
    return start();
  } finally {
    // Processes started from here choose for themselves.
    delete process.env[LEVEL];
    if (saved >= 0) dup2(saved, STDERR);
    for (const file of [saved, nowhere]) if (file >= 0) close(file);
  }
}
