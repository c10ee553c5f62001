import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A machine of its own for a test: an empty folder, a cache in it, and a path that holds nothing but what the test puts there. */
export interface Sandbox {
  readonly folder: string;
  readonly cache: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Puts a program on the path, as a shell script. */
  program(name: string, script: string): void;
}

/** @returns a sandbox that goes when the test ends. */
export function sandbox(): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), 'provision-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [cache, programs] = [join(folder, 'cache'), join(folder, 'programs')];
  mkdirSync(programs);
  return {
    folder,
    cache,
    environment: { PATH: programs, SHAMPOO_CACHE: cache, HOME: folder },
    program(name, script) {
      const file = join(programs, name);
      writeFileSync(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
      chmodSync(file, 0o755);
    },
  };
}
